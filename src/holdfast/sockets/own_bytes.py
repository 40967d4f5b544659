"""A transport that is given bytes of its own.

What lives here: standing between picows and a transport that it did not make.
What never will: knowing what is written.

Of a server's message of more than 8 KiB picows hands over two pieces by `writelines`: the head, as a view of
memory into which it writes the next message's head, and the message. uvloop, and asyncio from Python 3.12 on,
keep what the socket does not take at once as it was given: by the time it goes out, a later message's head
stands there, and the client reads garbage. (Where picows makes the transport itself, it copies.)
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any


class OwnBytes:
    """All that `transport` is, but `writelines` joins the pieces. `write` is looked up each time: somebody
    below may want to see it.
    """

    __slots__ = ("_transport", "get_write_buffer_size")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.get_write_buffer_size = transport.get_write_buffer_size  # asked for with many a message

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def writelines(self, pieces: Iterable[bytes | bytearray | memoryview]) -> None:
        """Write all of them, in order."""
        self._transport.write(b"".join(pieces))
