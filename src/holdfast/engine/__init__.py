"""The embedded speech assistant: a Realtime *server* in worker processes, an upstream like any other.

Reading order: `stages` (what each stage promises), `knowledge` (what a session's tools teach the
stages), `pipeline` (who answers), `worker` and `pool` (processes).
"""
