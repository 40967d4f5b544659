"""The life of a measuring process: it says its port, and ends with its parent.

What lives here: the loop, one line of JSON on standard output, the end when standard input closes.
What never will: what the process does meanwhile.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
from collections.abc import Callable

import uvloop
from picows import WSListener, ws_create_server


async def _serve(listener: Callable[[], WSListener], tls: ssl.SSLContext | None) -> None:
    server = await ws_create_server(lambda _request: listener(), "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    sys.stdout.write(json.dumps({"port": port}) + "\n")
    sys.stdout.flush()
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    loop.add_reader(sys.stdin, over.set)
    await over.wait()
    server.close()


def serve(listener: Callable[[], WSListener], tls: ssl.SSLContext | None = None) -> None:
    """Listen on a free loopback port until standard input ends."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(listener, tls))
