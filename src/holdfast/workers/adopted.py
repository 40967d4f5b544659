"""A client's socket that another process let in: its conversation begins here.

What lives here: telling picows of a handshake that is over. What never will: admission, messages.

The head is read once more, by the picows of this process; the answer it would give has been given already, in
the same words, and is not sent again.
"""

from __future__ import annotations

import asyncio
from typing import Any

from picows import WSUpgradeRequest
from uvicorn.server import ServerState

from holdfast.server.handover import HandedOver, feed
from holdfast.server.host import Host, bounds_of
from holdfast.workers.memos import TakeIn
from holdfast.workers.reporting import ReportingDirectory


class _Greeted:
    """A transport on which the 101 is not written twice. picows has `write` from before, for all the rest."""

    def __init__(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def hush(self) -> None:
        """From here on nothing is written that is asked for anew."""
        self.write = _nothing

    def speak(self) -> None:
        """The answer is over."""
        del self.write


def _nothing(_: bytes) -> None:
    pass


class Adopted(HandedOver):
    """picows' protocol, on a socket whose handshake is over."""

    def __init__(self, state: ServerState, host: Host, directory: ReportingDirectory, memo: TakeIn) -> None:
        self._memo = memo
        self._directory = directory
        self.is_made = False
        """Whether its conversation has had the chance to begin."""
        path = memo.admission.path
        largest = bounds_of(path, host.limits).frame_bytes

        def listener(_: WSUpgradeRequest) -> Any:
            return host.listener(memo.admission)

        super().__init__(state, listener, largest)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        memo, greeted = self._memo, _Greeted(transport)
        self.is_made = True
        super().connection_made(greeted)  # type: ignore[arg-type] # it is one, by all that is asked of it
        greeted.hush()
        with self._directory.arriving(memo.ticket):
            feed(self, memo.head)
        greeted.speak()
        feed(self, memo.rest)
        self.watch()
