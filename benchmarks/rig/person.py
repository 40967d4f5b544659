"""A person in a browser: talks, listens, comes back as the protocol says, and notices whatever is not right.

What lives here: the client's half of the browser protocol, positioned framing, and its rules of coming back.
What never will: processes, figures over many people.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import struct
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import picows

from benchmarks.rig.voice import FRAME, FRAME_MS, Voice
from holdfast.sockets import MessageBounds, MessageListener

RESUMED_CODES: Final = frozenset({1001, 1005, 1006, 1011, 1012, 1013, 1014, 4500})
"""Closes after which the session may still be there."""
HAPPENINGS_KEPT: Final = 2_000
PROBE_S: Final = 0.25
LATER_S: Final = 2.0
_POSITION: Final = struct.Struct("<Q")
_HEADER: Final = struct.Struct("<QIIQ")
_BOUNDS: Final = MessageBounds(binary_bytes=4 * 1024 * 1024)
_FREQUENT: Final = frozenset({"audio_received", "assistant_transcript", "user_transcript", "pong"})
_ACK_FRAMES: Final = 10
_CATCH_UP: Final = 6
"""Frames that are sent again go this many times faster than they were spoken."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Happening:
    """Something the gateway said, or the socket did. `at` is monotonic."""

    at: float
    kind: str
    body: Json


@dataclass(slots=True)
class Person:
    """One person over all sockets of a run. `live` runs until it is cancelled."""

    voice: Voice
    url: str
    chance: random.Random
    speaks: bool = True
    comes_back: bool = True
    greet: bool = False
    on_happening: Callable[[Person, Happening], None] | None = None
    happenings: deque[Happening] = field(default_factory=lambda: deque(maxlen=HAPPENINGS_KEPT))
    counts: Counter[str] = field(default_factory=Counter)
    wrongs: list[str] = field(default_factory=list)
    """What a gateway must never do, in words."""
    frames: int = 0
    """Frames spoken so far; positions count from the session's beginning, which is `_base`."""
    sessions: int = 0
    resumed: int = 0
    samples_heard: int = 0
    lost: list[tuple[str, int, int]] = field(default_factory=list)
    is_ready: bool = False
    _line: _Line | None = None
    session: str = ""
    token: str = ""
    _epoch: str | int = 0
    offset: int | None = None
    _base: int = 0
    _next: int = 0
    wait_s: float = 0.0
    may_resume: bool = False
    open_responses: set[str] = field(default_factory=set)
    _streams: dict[int, int] = field(default_factory=dict)

    async def live(self) -> None:
        """Dial, talk, come back, until cancelled."""
        try:
            while True:
                await self._once()
                self.is_ready = False
                if not self.comes_back:
                    return
                await asyncio.sleep(self.wait_s)
        finally:
            self._leave()

    def drop(self) -> None:
        """Be gone without a word, as when a network breaks."""
        if self._line is not None and self._line.is_open:
            self._line.abort()

    def _leave(self) -> None:
        if self._line is not None and self._line.is_open:
            self._tell(type="end_session")
            self._line.close(1000)

    @property
    def is_connected(self) -> bool:
        """Whether a socket stands."""
        return self._line is not None and self._line.is_open

    # one socket

    async def _once(self) -> None:
        asked_at = time.monotonic()
        self.wait_s = 0.0  # what was told before has been kept
        try:
            async with asyncio.timeout(30.0):
                _, line = await picows.ws_connect(
                    lambda: _Line(self),
                    self.url,
                    extra_headers={"Sec-WebSocket-Protocol": "holdfast.v1"},
                    max_frame_size=_BOUNDS.frame_bytes,
                    websocket_handshake_timeout=None,
                )
        except (OSError, picows.WSError) as error:
            self._refused(error, time.monotonic() - asked_at)
            return
        assert isinstance(line, _Line)
        self._line = line
        if self.may_resume and self.token:
            self._tell(
                type="resume_session",
                sessionId=self.session,
                resumeToken=self.token,
                epoch=self._epoch,
                offset=self.offset or 0,
            )
        else:
            self._create()
        talking = asyncio.get_running_loop().create_task(self._talk())
        try:
            await line.over.wait()
        finally:
            talking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await talking

    def _create(self) -> None:
        self.session = self.token = ""
        self.offset = None
        self._streams.clear()
        self._tell(type="create_session", framing="positioned", greet=self.greet)

    def _refused(self, error: Exception, seconds: float) -> None:
        status, after = 0, ""
        if isinstance(error, picows.WSInvalidStatusError) and error.response is not None:
            status = int(error.response.status)
            after = str(error.response.headers.get("Retry-After", ""))
        self._note("refused", {"status": status, "seconds": seconds, "error": str(error)[:200]})
        spread = self.chance.uniform(1.0, 1.3)
        self.wait_s = (float(after) if after.isdigit() else PROBE_S if not status else LATER_S) * spread

    async def _talk(self) -> None:
        """A frame each 100 ms, in step with the clock; what the gateway still needs first, and faster."""
        loop = asyncio.get_running_loop()
        line = self._line
        assert line is not None
        await line.accepted.wait()
        ticks = 0
        due = loop.time() + self.chance.random() * FRAME_MS / 1000
        while line.is_open:
            if self.speaks:
                for index in range(self._next, min(self.frames + 1, self._next + _CATCH_UP)):
                    self._speak(line, index)
                self.frames += 1
            ticks += 1
            if ticks % _ACK_FRAMES == 0 and self.offset:
                self._tell(type="ack", offset=self.offset)
            due += FRAME_MS / 1000
            await asyncio.sleep(max(0.0, due - loop.time()))

    def _speak(self, line: _Line, index: int) -> None:
        position = (index - self._base) * FRAME
        line.send_binary(_POSITION.pack(position) + self.voice.frame(index))
        self._next = index + 1

    def _tell(self, **message: Any) -> None:
        assert self._line is not None
        self._line.send_text(msgspec.json.encode(message))

    # what the gateway says

    def text(self, payload: bytes) -> None:
        """A text message."""
        body: Json = msgspec.json.decode(payload)
        kind = str(body.get("type"))
        if kind == "session_resumed":
            self._resumed(body)
        elif "offset" in body:
            self._count(int(body["offset"]))
        handler = _HANDLERS.get(kind)
        if handler is not None:
            handler(self, body)
        self._note(kind, body)

    def audio(self, payload: bytes) -> None:
        """A binary message."""
        offset, stream, _, first = _HEADER.unpack_from(payload)
        samples = (len(payload) - _HEADER.size) // 2
        self._count(offset)
        expected = self._streams.get(stream, 0)
        if first < expected:
            self._wrong(f"{expected - first} samples of stream {stream} came twice")
        elif first > expected and not self._is_told_lost(first - expected):
            self._wrong(f"{first - expected} samples of stream {stream} are missing")
        self._streams[stream] = first + samples
        self.samples_heard += samples
        self.counts["audio"] += 1

    def _is_told_lost(self, samples: int) -> bool:
        return sum(end - start for direction, start, end in self.lost if direction == "output") >= samples

    def closed(self, code: int, reason: str) -> None:
        """The socket is over: decide how to come back."""
        is_ours = self._line is not None and self._line.closed_by_us
        if self.open_responses and code not in RESUMED_CODES and not is_ours:
            self._wrong(f"{len(self.open_responses)} responses without an end")
        told_s, self.wait_s = self.wait_s, 0.0
        self.may_resume = code in RESUMED_CODES and bool(self.token)
        # Who was told when comes then: the gateway has spread them. Who was not spreads itself.
        own_s = (PROBE_S if self.may_resume else LATER_S) * self.chance.uniform(1.0, 1.3)
        self.wait_s = told_s or own_s
        if not self.may_resume:
            self.open_responses.clear()
        self._note("closed", {"code": code, "reason": reason, "back_in_s": self.wait_s})

    def _count(self, offset: int) -> None:
        if self.offset is not None and offset != self.offset + 1:
            self._wrong(f"offset {offset} after {self.offset}")
        self.offset = offset

    def _created(self, body: Json) -> None:
        self.sessions += 1
        self.session, self.token = str(body["sessionId"]), str(body.get("resumeToken") or "")
        self._epoch, self.offset = body.get("epoch", 0), 0
        self._base = self._next = self.frames
        self._accept()

    def _resumed(self, body: Json) -> None:
        self.resumed += 1
        self.token, self._epoch = str(body["resumeToken"]), body["epoch"]
        if not body["recovered"]:
            self.open_responses.clear()
        self.offset = int(body["offset"])
        self._next = self._base + int(body["received"]) // FRAME
        self.is_ready = True
        self._accept()

    def _accept(self) -> None:
        assert self._line is not None
        self._line.accepted.set()

    def _ready(self, _body: Json) -> None:
        self.is_ready = True

    def _erred(self, body: Json) -> None:
        if body.get("code") == "NO_SESSION_EXISTS" and self.may_resume:
            self.may_resume = False
            self.open_responses.clear()
            self._create()
        self.wait_s = max(self.wait_s, float(body.get("retryAfterMs") or 0) / 1000)

    def _began(self, body: Json) -> None:
        self.open_responses.add(str(body["responseId"]))

    def _done(self, body: Json) -> None:
        if str(body["responseId"]) not in self.open_responses:
            self._wrong(f"an end of {body['responseId']}, which did not run")
        self.open_responses.discard(str(body["responseId"]))

    def _lost(self, body: Json) -> None:
        self.lost.append((str(body["direction"]), int(body["from"]), int(body["to"])))

    def _wrong(self, what: str) -> None:
        if len(self.wrongs) < 100:
            self.wrongs.append(what)

    def _note(self, kind: str, body: Json) -> None:
        self.counts[kind] += 1
        happening = Happening(time.monotonic(), kind, body)
        if kind not in _FREQUENT:
            self.happenings.append(happening)
        if self.on_happening is not None:
            self.on_happening(self, happening)


_HANDLERS: Final[dict[str, Callable[[Person, Json], None]]] = {
    "session_created": Person._created,  # noqa: SLF001 - our own table of our own methods
    "session_ready": Person._ready,  # noqa: SLF001 - same
    "error": Person._erred,  # noqa: SLF001 - same
    "response_started": Person._began,  # noqa: SLF001 - same
    "response_done": Person._done,  # noqa: SLF001 - same
    "audio_lost": Person._lost,  # noqa: SLF001 - same
}


class _Line(MessageListener):
    """One socket of a person."""

    def __init__(self, person: Person) -> None:
        super().__init__(_BOUNDS)
        self._person = person
        self.accepted = asyncio.Event()
        self.over = asyncio.Event()

    def on_text(self, payload: bytes) -> None:
        self._person.text(payload)

    def on_binary(self, payload: bytes) -> None:
        self._person.audio(payload)

    def on_closed(self, code: int, reason: str) -> None:
        self._person.closed(code, reason)
        self.over.set()

    def abort(self) -> None:
        """Cut the connection without a word."""
        self.transport.disconnect(graceful=False)
