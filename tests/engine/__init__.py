"""The embedded engine, stage by stage, then as processes over real sockets."""
