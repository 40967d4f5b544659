"""A conversation as a caller experiences it: turns, what was understood, what was answered, how long it took.

What lives here: starting a session, one turn at a time (a tool call's second answer belongs to the turn),
latencies from the end of speech. What never will: printing, recordings' formats, spelling of messages.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from holdfast.client import happenings as hp
from holdfast.client.line import ADMISSION_FAULTS, CallError, Heard, Line
from holdfast.client.microphone import Microphone
from holdfast.client.recording import Recording
from holdfast.core.audio import seconds_of_samples
from holdfast.core.faults import FAULTS

QUIET_S: Final = 0.6
"""How long nothing may come after an answer's end until the turn counts as over."""

Watch = Callable[[hp.Happening], None]


class SessionError(CallError):
    """The session could not be had, or broke."""


@dataclass(slots=True)
class Latency:
    """Milliseconds from the end of speech, or from sending a typed turn; None: it did not happen."""

    turn_end_ms: float | None = None
    response_ms: float | None = None
    words_ms: float | None = None
    sound_ms: float | None = None


@dataclass(slots=True)
class Turn:
    """One exchange."""

    user: str = ""
    reply: str = ""
    audio: bytearray = field(default_factory=bytearray)
    status: str = ""
    latency: Latency = field(default_factory=Latency)
    tools: list[str] = field(default_factory=list)
    actions: list[str] = field(default_factory=list)
    troubles: list[hp.Trouble] = field(default_factory=list)
    is_answered: bool = True
    """False where what was said is only written down."""


class _Progress:
    """A turn that is going on. Latencies count from `began`: a spoken turn learns it when its speech ends."""

    def __init__(self, began: float | None, *, is_answered: bool = True) -> None:
        self.turn = Turn(is_answered=is_answered)
        self._begun = self._written = 0
        self.began = began
        self.answered = False
        self._running: set[str] = set()
        self._tools: set[str] = set()
        self._understood: dict[str, str] = {}
        self._replied: dict[str, str] = {}

    @property
    def over(self) -> bool:
        """Whether an answer came and nothing that belongs to it is still running; where nobody answers,
        whether all that was said is written.
        """
        if not self.turn.is_answered:
            return self._written >= max(1, self._begun)
        return self.answered and not self._running and not self._tools

    def take(self, at: float, happening: hp.Happening) -> None:
        """One more thing that happened."""
        turn = self.turn
        match happening:
            case hp.SpeechStarted():
                self._begun += 1
            case hp.SpeechStopped():
                self._mark("turn_end_ms", at)
            case hp.UserSaid(item_id, text, final):
                before = "" if final else self._understood.get(item_id, "")
                self._understood[item_id] = before + text
                if final and not turn.is_answered:
                    self._mark("words_ms", at)
                    self._written += 1
                    turn.status = "completed"
            case hp.ResponseStarted(response_id):
                self._mark("response_ms", at)
                self._running.add(response_id)
            case hp.AssistantSaid(item_id, text, final):
                self._mark("words_ms", at)
                self._replied[item_id] = text if final else self._replied.get(item_id, "") + text
            case hp.Sound(pcm):
                self._mark("sound_ms", at)
                turn.audio += pcm
            case hp.ResponseDone(response_id, status):
                self._running.discard(response_id)
                turn.status = status
                self.answered = bool(self._replied or turn.audio) or status not in {"completed", "cancelled"}
            case _:
                self._take_aside(happening)

    def _take_aside(self, happening: hp.Happening) -> None:
        match happening:
            case hp.ToolStarted(call_id, name):
                self._tools.add(call_id)
                self.turn.tools.append(name)
                self.answered = False
            case hp.ToolDone(call_id):
                self._tools.discard(call_id)
            case hp.ActionAsked(action, target):
                self.turn.actions.append(f"{action} {target}".strip())
            case hp.Trouble():
                self.turn.troubles.append(happening)

    def finish(self) -> Turn:
        """The turn, its texts joined in the order in which they came."""
        self.turn.user = " ".join(filter(None, self._understood.values()))
        self.turn.reply = " ".join(filter(None, self._replied.values()))
        return self.turn

    def _mark(self, name: str, at: float) -> None:
        if self.began is not None and getattr(self.turn.latency, name) is None:
            setattr(self.turn.latency, name, round((at - self.began) * 1000, 1))


class Conversation:
    """A session over a line. Start it, then say things one after the other, then `end`."""

    def __init__(
        self, line: Line, *, speed: float = 1.0, watch: Watch | None = None, is_answered: bool = True
    ) -> None:
        self.line = line
        self.microphone = Microphone(line, speed=speed)
        self.created: hp.Created | None = None
        self.ready: hp.Ready | None = None
        self._is_answered = is_answered
        self._watch = watch or (lambda _: None)
        self._refusal: hp.Trouble | None = None
        self._kept_by: dict[str, Any] | None = None
        """What keeps the session from going on, as the other side told it last."""
        self._now = asyncio.get_running_loop().time

    async def start(self, timeout_s: float) -> None:
        """Wait until the session is configured. Raises SessionError."""
        deadline = self._now() + timeout_s
        while self.ready is None:
            heard = await self._next(deadline)
            if heard is None:
                code = "provider.unconfigured" if self.created else "provider.silent"
                raise self._late(code, f"not ready after {timeout_s:.0f} s")
            match heard[1]:
                case hp.Created() as created:
                    self.created = created
                case hp.Ready() as ready:
                    self.ready = ready
                case hp.Refused(code, message):
                    raise SessionError("configuration.session_refused", f"{code}: {message}")

    async def greeting(self, timeout_s: float) -> Turn:
        """Hear the greeting that the session was asked for."""
        return await self._hear_out(_Progress(self._now()), None, timeout_s)

    async def say(self, recording: Recording, timeout_s: float) -> Turn:
        """Speak a recording and hear the answer. `timeout_s` counts from the end of the recording."""
        ended = self.microphone.speak(recording)
        length_s = seconds_of_samples(recording.samples)
        progress = _Progress(None, is_answered=self._is_answered)
        return await self._hear_out(progress, ended, timeout_s + length_s)

    async def write(self, text: str, timeout_s: float) -> Turn:
        """Type something and hear the answer."""
        progress = _Progress(self._now())
        self.line.send_all(self.line.dialect.text(text))
        turn = await self._hear_out(progress, None, timeout_s)
        turn.user = text
        return turn

    async def end(self) -> None:
        """Hang up. Twice is harmless."""
        await self.microphone.stop()
        await self.line.end()

    async def _hear_out(
        self, progress: _Progress, ended: asyncio.Future[float] | None, timeout_s: float
    ) -> Turn:
        deadline = self._now() + timeout_s
        while True:
            spoken = ended is None or ended.done()
            over = progress.over and spoken
            heard = await self._next(min(deadline, self._now() + QUIET_S) if over else deadline)
            if heard is None and over:
                return progress.finish()
            if heard is None:
                raise self._late("provider.response_failed", f"no complete answer after {timeout_s:.0f} s")
            if ended is not None and ended.done() and progress.began is None:
                progress.began = ended.result()
            progress.take(*heard)

    async def _next(self, until: float) -> Heard | None:
        """What comes next; None when nothing came in time. Raises SessionError when the line is over."""
        try:
            async with asyncio.timeout_at(until):
                heard = await self.line.heard.get()
        except TimeoutError:
            return None
        happening = heard[1]
        self._watch(happening)
        match happening:
            case hp.Trouble():
                self._refusal = happening
            case hp.Status(state, told):
                self._kept_by = None if state == "live" else told or self._kept_by
            case hp.Ended(reason, told):
                raise self._fault(f"the session was ended: {reason}", told)
            case hp.Closed(code, reason):
                raise self._fault(f"the socket was closed with {code} {reason}".strip(), None, reason)
        return heard

    def _late(self, code: str, evidence: str) -> SessionError:
        """Nothing came in time: what the other side has named knows why; `code` is what it looks like."""
        told = self._kept_by
        if told and told.get("code") in FAULTS:
            return SessionError(str(told["code"]), *map(str, told.get("evidence") or ()), evidence, told=told)
        refusal = self._refusal
        return SessionError(code, *([f"{refusal.code}: {refusal.message}"] if refusal else ()), evidence)

    def _fault(self, evidence: str, told: dict[str, Any] | None, reason: str = "") -> SessionError:
        """The name of what ended the session: its own word, else its last refusal, else the close."""
        refusal = self._refusal
        told = told or (refusal.fault if refusal else None) or _named(reason)
        if told and told.get("code") in FAULTS:
            return SessionError(str(told["code"]), *map(str, told.get("evidence") or ()), evidence, told=told)
        if refusal is not None:
            code = ADMISSION_FAULTS.get(refusal.code, "provider.closed")
            return SessionError(code, f"{refusal.code}: {refusal.message}", evidence)
        return SessionError("provider.connection_lost" if "1006" in evidence else "provider.closed", evidence)


def _named(reason: str) -> dict[str, Any] | None:
    """The fault that a gateway's close names at `/v1/realtime`, behind the kind of error and a point."""
    code = reason.partition(".")[2]
    return {"code": code, "message": FAULTS[code].message} if code in FAULTS else None
