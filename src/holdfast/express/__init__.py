"""Audio from socket to socket, compiled: what is usual passes here, all else takes the way through Python.

What lives here: the compiled part where it was built, and nothing in its place where it was not.
What never will: behaviour of its own. The Python way is the reference, all there is with `express = false`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

try:
    from holdfast.express._express import (
        CompiledInputLane,
        CompiledOutputLane,
        CompiledRelayLane,
        Express,
        Leg,
        RelayDown,
        RelayUp,
        SessionDown,
        SessionUp,
        Way,
    )
except ImportError:
    IS_BUILT = False
    if not TYPE_CHECKING:
        CompiledInputLane = CompiledOutputLane = CompiledRelayLane = None
        Express = Leg = Way = RelayDown = RelayUp = SessionDown = SessionUp = None
else:
    IS_BUILT = True


def express() -> Express | None:
    """The reader of this event loop's sockets, where it was built. To be closed by who asks."""
    return Express(asyncio.get_running_loop()) if IS_BUILT else None


__all__ = [
    "IS_BUILT",
    "CompiledInputLane",
    "CompiledOutputLane",
    "CompiledRelayLane",
    "Express",
    "Leg",
    "RelayDown",
    "RelayUp",
    "SessionDown",
    "SessionUp",
    "Way",
    "express",
]
