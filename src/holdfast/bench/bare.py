"""Bare relays, the measure of ours: `python -m holdfast.bench.bare json|binary UPSTREAM_URL`.

What lives here: the least that a picows relay can do on each face: pass text frames on untouched, or turn
binary PCM into base64 JSON and back.
What never will: what makes a gateway: checks, limits, order, states, errors, logs.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Final

import pybase64
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from holdfast.bench import child, frames

_TEXT: Final = WSMsgType.TEXT
_BINARY: Final = WSMsgType.BINARY
_CLOSE: Final = WSMsgType.CLOSE


class _Leg(WSListener):
    """One end; `other` is where its messages go."""

    def __init__(self) -> None:
        self.transport: WSTransport | None = None
        self.other: _Leg | None = None

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        other = self.other
        if frame.msg_type == _CLOSE:
            transport.disconnect()
        elif other is not None and other.transport is not None:
            self.relay(other.transport, frame)

    def on_ws_disconnected(self, transport: WSTransport) -> None:  # noqa: ARG002 - picows' signature
        if self.other is not None and self.other.transport is not None:
            self.other.transport.disconnect()
        self.other = None

    def relay(self, to: WSTransport, frame: WSFrame) -> None:
        """Pass a text frame on untouched."""
        if frame.msg_type == _TEXT:
            to.send(_TEXT, frame.get_payload_as_memoryview())


class _Client(_Leg):
    """The client's end, which dials the upstream."""

    upstream_leg: type[_Leg] = _Leg

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self._dialing: asyncio.Task[None] | None = None

    def on_ws_connected(self, transport: WSTransport) -> None:
        super().on_ws_connected(transport)
        self._dialing = asyncio.get_running_loop().create_task(self._dial())

    async def _dial(self) -> None:
        leg = self.other = self.upstream_leg()
        leg.other = self
        await ws_connect(lambda: leg, self._url)


class _BinaryUpstream(_Leg):
    def relay(self, to: WSTransport, frame: WSFrame) -> None:
        """Audio down as binary; the session is configured on the way."""
        event = frames.parse(frame.get_payload_as_memoryview())
        if event.type == "response.output_audio.delta":
            to.send(_BINARY, pybase64.b64decode(event.delta, validate=True))
        elif event.type == "session.created" and self.transport is not None:
            self.transport.send(_TEXT, frames.SESSION_UPDATE)
        elif event.type == "session.updated":
            to.send(_TEXT, frames.SESSION_READY)


class _BinaryClient(_Client):
    upstream_leg = _BinaryUpstream

    def relay(self, to: WSTransport, frame: WSFrame) -> None:
        """Audio up as base64."""
        if frame.msg_type == _BINARY:
            to.send(_TEXT, frames.append(frame.get_payload_as_bytes()))


def main(face: str, url: str) -> None:
    """Serve one face until standard input ends."""
    kind = {"json": _Client, "binary": _BinaryClient}[face]
    child.serve(lambda: kind(url))


if __name__ == "__main__":
    main(*sys.argv[1:])
