"""What every Python driver is given, and how it tells its end.

What lives here: the environment that `stage` sets, and one line of JSON at the end.
What never will: an import of the project or of a client; drivers run where only their client is installed.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

BASE_URL: Final = os.environ.get("HOLDFAST_CLIENT_URL", "http://127.0.0.1:8080/v1")
SOCKET_URL: Final = BASE_URL.replace("http", "ws", 1) + "/realtime"
MODEL: Final = "gpt-realtime-2.1"
RATE_HZ: Final = 24_000
TEXT: Final = "Tell me at some length what you are able to do for a customer of this house."
TOOL_TEXT: Final = "call balance"
TOOL: Final = {
    "type": "function",
    "name": "balance",
    "description": "call balance: what the customer owes",
    "parameters": {"type": "object", "properties": {}},
}
TOOL_SAYS: Final = '{"say": "Nine euros."}'
SCENE_S: Final = 40.0


def pcm() -> bytes:
    """A person's words and the silence after them, PCM16, 24 kHz, mono."""
    return Path(os.environ["HOLDFAST_CLIENT_PCM"]).read_bytes()


def is_killed() -> bool:
    """Whether the upstream dies in the middle of an answer."""
    return os.environ.get("HOLDFAST_CLIENT_KILLED") == "1"


async def _timed(run: Callable[[str], Awaitable[Any]]) -> Any:
    running = asyncio.ensure_future(run(sys.argv[1]))
    await asyncio.wait([running], timeout=SCENE_S)
    if not running.done():  # nobody waits for a client that does not let itself be cancelled
        raise TimeoutError(f"the scene was not over within {SCENE_S:g} s")
    return running.result()


def play(run: Callable[[str], Awaitable[Any]]) -> None:
    """Run the scene that the command line names, and say how it ended."""
    try:
        said = asyncio.new_event_loop().run_until_complete(_timed(run))
    except BaseException as failed:  # noqa: BLE001 - whatever it was, it is told and ends the process
        traceback.print_exc()
        print(json.dumps({"failed": f"{type(failed).__name__}: {failed}"[:400]}), flush=True)
        # Some clients keep threads that outlive a failure; whoever waits for us shall not.
        os._exit(1)
    print(json.dumps({"said": said}), flush=True)
    os._exit(0)
