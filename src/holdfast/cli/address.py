"""`--url`: an address that can be dialled, for every command that dials one.

What lives here: its judgement. What never will: dialling.
"""

from __future__ import annotations

from holdfast.cli.errors import Exit, fail


def judge_address(url: str, *, as_json: bool) -> None:
    """Leave with what, why, fix when it names no host and port."""
    from holdfast.client import is_address  # noqa: PLC0415 - numpy and picows, which a help text does not wait for

    if not is_address(url):
        why = "http, https, ws or wss, a host, and a port from 0 to 65535 are wanted."
        fix = "Write it as in http://127.0.0.1:8080 or wss://api.openai.com/v1/realtime."
        fail(f"{url!r} is no address.", why, fix, exit_code=Exit.WRONG_USE, as_json=as_json)
