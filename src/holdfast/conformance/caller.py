"""A client of the Realtime dialect that looks closely: everything that came, in order, with its time.

What lives here: dialling, sending (well and badly), waiting for an event, for silence, for the end.
What never will: what ought to come; that is the checks'.
"""

from __future__ import annotations

import asyncio
import itertools
import socket
import ssl
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Self

import msgspec
import picows
import pybase64
from picows import WSFrame, WSMsgType, WSTransport

from holdfast.conformance.verdict import Failed
from holdfast.sockets import MessageBounds, MessageListener

Json = dict[str, Any]

DIAL_S: Final = 10.0
CHUNK_BYTES: Final = 4_800
"""Audio is sent in pieces of 100 ms."""

_BOUNDS: Final = MessageBounds(text_bytes=64 * 1024 * 1024, binary_bytes=1024 * 1024, fragments=10_000)
_NO_LINGER: Final = struct.pack("ii", 1, 0)
_SHOWN: Final = 8


class Refused(Exception):  # noqa: N818 - an answer to a handshake
    """The upgrade was not accepted. `status` is 0 where it was no HTTP answer that stopped it."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class Caller(MessageListener):
    """One connection."""

    def __init__(self, patience_s: float, heard: Callable[[Json], None] = lambda _: None) -> None:
        """`patience_s`: how long an answer may take; `heard` is told every event."""
        super().__init__(_BOUNDS)
        self.patience_s = patience_s
        self.events: list[Json] = []
        self.times: list[float] = []
        self.pongs: list[bytes] = []
        self.ended: tuple[int, str] | None = None
        self.subprotocol: str | None = None
        self._heard = heard
        self._read = 0
        self._news = asyncio.Event()
        self._ids = itertools.count(1)

    @classmethod
    async def dial(
        cls,
        url: str,
        headers: Mapping[str, str],
        *,
        patience_s: float,
        heard: Callable[[Json], None] = lambda _: None,
        trust: ssl.SSLContext | None = None,
    ) -> Self:
        """Connect. Raises `Refused`."""
        caller = cls(patience_s, heard)
        try:
            async with asyncio.timeout(DIAL_S):
                _, line = await picows.ws_connect(
                    lambda: caller,
                    url,
                    ssl_context=trust,
                    extra_headers=dict(headers),
                    max_frame_size=_BOUNDS.frame_bytes,
                    websocket_handshake_timeout=None,
                    max_redirects=0,
                    # Its own transports do not see a reset while uvloop runs them.
                    use_aiofastnet=False,
                )
        except picows.WSInvalidStatusError as refused:
            response = refused.response
            status = int(response.status) if response is not None else 0
            raise Refused(status, f"the upgrade was answered with HTTP {status}") from refused
        except (OSError, picows.WSError) as failed:  # TimeoutError is an OSError
            raise Refused(0, f"no connection: {str(failed) or type(failed).__name__}") from failed
        if line is not caller:  # what came was no HTTP, and picows says nothing of it
            raise Refused(0, "what answers there gives no upgrade: no web server, or one that wants TLS")
        return caller

    # the socket's side

    def on_open(self) -> None:
        self.subprotocol = self.transport.response.headers.get("Sec-WebSocket-Protocol")

    def on_text(self, payload: bytes) -> None:
        try:
            event = msgspec.json.decode(payload, type=Json)
        except (ValueError, RecursionError):
            event = {"type": "(not JSON)", "text": payload[:80].decode("utf-8", "replace")}
        self._keep(event)

    def on_binary(self, payload: bytes) -> None:
        self._keep({"type": "(binary)", "bytes": len(payload)})

    def on_closed(self, code: int, reason: str) -> None:
        self.ended = (code, reason)
        self._news.set()

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type is WSMsgType.PONG:
            self.pongs.append(frame.get_payload_as_bytes())
            self._news.set()
        super().on_ws_frame(transport, frame)

    # speaking

    def send(self, kind: str, *, event_id: str | None = "", **fields: Any) -> str:
        """Send one event; gives its id. An `event_id` of None sends none."""
        given = f"check_{next(self._ids)}" if event_id == "" else event_id
        self.send_text(msgspec.json.encode({"type": kind, **_id(given), **fields}))
        return given or ""

    def update(self, **session: Any) -> str:
        """`session.update`."""
        return self.send("session.update", session={"type": "realtime", **session})

    def append(self, pcm: bytes, step: int = CHUNK_BYTES) -> None:
        """Send audio in pieces."""
        for start in range(0, len(pcm), step):
            audio = pybase64.b64encode_as_string(pcm[start : start + step])
            self.send("input_audio_buffer.append", audio=audio)

    def write(self, text: str, **more: Any) -> str:
        """Add a user's text to the conversation."""
        item = {
            "type": "message",
            "role": "user",
            "content": [{"type": "input_text", "text": text}],
            **more,
        }
        return self.send("conversation.item.create", item=item)

    def send_bytes(self, raw: bytes) -> None:
        """Put bytes on the connection as they are, no frame of ours around them."""
        self.transport.underlying_transport.write(raw)

    def drop(self) -> None:
        """Reset the TCP connection. Nothing is said any more, not even a close."""
        self._shut()
        handle = self.transport.underlying_transport.get_extra_info("socket")
        handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self.transport.disconnect(graceful=False)

    # listening

    async def next(self, timeout_s: float | None = None, *, wanted: str = "an event") -> Json:
        """The next event that was not looked at yet. Raises `Failed` when none comes."""
        await self.wait(lambda: self._read < len(self.events), wanted, timeout_s)
        self._read += 1
        return self.events[self._read - 1]

    async def until(self, *kinds: str, timeout_s: float | None = None) -> Json:
        """The next event of one of these types, whatever else comes before it. Raises `Failed` when none
        comes, or an error does that was not asked for.
        """
        wanted = " or ".join(kinds)
        loop = asyncio.get_running_loop()
        end_s = loop.time() + (timeout_s or self.patience_s)
        while True:
            event = await self.next(max(0.001, end_s - loop.time()), wanted=wanted)
            if event["type"] in kinds:
                return event
            if event["type"] == "error":
                raise Failed(f"an error came instead of {wanted}: {event.get('error')}")

    async def error_for(self, event_id: str | None, timeout_s: float | None = None) -> Json:
        """The `error` of the next error event; it must name that client event, where one is given."""
        event = await self.until("error", timeout_s=timeout_s)
        error = event.get("error")
        if not isinstance(error, dict):
            raise Failed(f"the error event has no error: {event}")
        if event_id is not None and error.get("event_id") != event_id:
            raise Failed(f"the error names event_id {error.get('event_id')!r}, not {event_id!r}: {error}")
        return error

    async def quiet(self, seconds: float, *, but: Sequence[str] = ()) -> None:
        """Nothing may come for so long, except events of these types. Raises `Failed`."""
        await asyncio.sleep(seconds)
        came = [event["type"] for event in self.events[self._read :] if event["type"] not in but]
        if came:
            raise Failed(f"{_told(came)} came where nothing should")
        self.skip()

    async def end(self, timeout_s: float | None = None) -> tuple[int, str]:
        """How the connection ended. Raises `Failed` when it does not."""
        await self._until(lambda: self.ended is not None, "end of the connection", timeout_s)
        assert self.ended is not None
        return self.ended

    async def wait(
        self, condition: Callable[[], bool], wanted: str = "it", timeout_s: float | None = None
    ) -> None:
        """Wait until `condition` holds. Raises `Failed` when it never does, or the connection ends first."""
        await self._until(lambda: condition() or self.ended is not None, wanted, timeout_s)
        if not condition():
            raise Failed(f"the connection ended with {self.ended} while waiting for {wanted}; {self.trail}")

    async def _until(self, condition: Callable[[], bool], wanted: str, timeout_s: float | None) -> None:
        patience_s = timeout_s or self.patience_s
        try:
            async with asyncio.timeout(patience_s):
                while not condition():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise Failed(f"no {wanted} within {patience_s:.3g} s; {self.trail}") from None

    def skip(self) -> None:
        """What has come so far counts as looked at."""
        self._read = len(self.events)

    # what came

    @property
    def close_received(self) -> int | None:
        """The code of the server's close frame, first or in answer to ours."""
        received = self.transport.close_handshake.recv
        return None if received is None else int(received.code.value)

    @property
    def kinds(self) -> list[str]:
        """The types of all events."""
        return [event["type"] for event in self.events]

    @property
    def trail(self) -> str:
        """The newest events, for evidence."""
        return f"came: {_told(self.kinds[-_SHOWN:])}"

    @property
    def seen(self) -> int:
        """How many events were looked at."""
        return self._read

    def of(self, kind: str) -> list[Json]:
        """All events of a type."""
        return [event for event in self.events if event["type"] == kind]

    def _keep(self, event: Json) -> None:
        event.setdefault("type", "(without a type)")
        event["type"] = str(event["type"])
        self.events.append(event)
        self.times.append(asyncio.get_running_loop().time())
        self._heard(event)
        self._news.set()


def _id(given: str | None) -> Json:
    return {} if given is None else {"event_id": given}


def _told(kinds: Sequence[str]) -> str:
    return ", ".join(kinds) or "nothing"
