"""A visit to an upstream, step by step: dialled and heard as a session of the gateway dials and hears it.

What lives here: the steps from the handshake to a tool, each with its answer; what is said meanwhile.
What never will: dialling (the port's), what an event means (`wire.upstream`), which visits are made.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from holdfast.core.events import (
    InputCommitted,
    LifeProved,
    OutputAudio,
    OutputTranscribed,
    ResponseBegan,
    ResponseEnded,
    SpeechBegan,
    ToolCalled,
    UpstreamConfigured,
    UpstreamCreated,
    UpstreamErred,
    UpstreamStages,
    UserTranscribed,
)
from holdfast.core.faults import Fault, Party, fault
from holdfast.core.limits import DEFAULT, Limits
from holdfast.diagnosis.checks import Answer
from holdfast.diagnosis.ear import GENERATION, Ear, FoundError, found, refusal
from holdfast.diagnosis.heard import Heard, judged, ms
from holdfast.diagnosis.speech import Speech
from holdfast.diagnosis.support import Trace
from holdfast.ports import UpstreamDialer
from holdfast.wire.session_settings import SessionSettings, session_update, tools_text
from holdfast.wire.upstream import append

WORDS: Final = "Please say in one short sentence that you can hear me."
TOOL: Final[Mapping[str, Any]] = {
    "type": "function",
    "name": "holdfast_probe",
    "description": "Answers the check of a connection. Call it when you are asked to.",
    "parameters": {"type": "object", "properties": {}, "x-utterances": ["call the probe"]},
}
BREATH_S: Final = 0.12
"""Between two steps nothing goes on: what happens then is seen by the next."""
FRAME_MS: Final = 100
_ERROR_GRACE_S: Final = 0.5
"""After an `error` the answer may go on all the same."""
_SETTINGS: Final = "configuration.session_refused"
"""What a refusal is about while a link starts: all that was said is the address and the settings."""
_ADMISSION: Final = frozenset({"provider.rate_limited", "provider.overloaded", "provider.policy"})
"""Beside configuration: what a server says to whom it will not have, and not because it is ill."""
_encode: Final = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Approach:
    """How the visitor behaves; work-arounds differ in nothing else. `pace`: audio in times real time, 0 is
    all at once; `speech_s`: how much of it.
    """

    query: Mapping[str, str] = field(default_factory=dict)
    proves_life: bool = False
    pace: float = 1.0
    speech_s: float = 2.0


PLAIN: Final = Approach()


class Visit:
    """One link, from dialling to hanging up. Each step is asked once, in order."""

    def __init__(
        self,
        dialer: UpstreamDialer,
        limits: Limits = DEFAULT,
        approach: Approach = PLAIN,
        trace: Trace | None = None,
    ) -> None:
        self.trace = trace or Trace(dialer.traits.name, model=dialer.traits.model)
        self._dialer = dialer
        self._limits = limits
        self._approach = approach
        self._ear = Ear(self.trace)
        self._now = asyncio.get_running_loop().time
        self._created: UpstreamCreated | None = None
        self._died_young: Fault | None = None
        """Before it said that it lives."""
        self._voice = bytearray()
        self._committed: Heard | None = None
        self._turn_ended_at = 0.0
        self._is_told = False
        """Whether the end of the link was some step's answer already."""

    # the steps

    async def handshake(self) -> Answer:
        """Does it answer the upgrade?"""
        limits, ear = self._limits, self._ear
        began = self._now()
        try:
            async with asyncio.timeout(limits.dial_s):
                await self._dialer.dial(GENERATION, ear, self._approach.query)
        except TimeoutError:
            ear.upstream_lost(GENERATION, fault("provider.handshake_timeout", [f"{limits.dial_s:g} s"]))
        if ear.lost is not None and _answered_status(ear.lost):
            return Answer.ok(f"it answers: {ear.lost.evidence[0]}")
        if ear.lost is not None and ear.line is None:
            self._is_told = True
            return Answer.of(ear.lost)
        self.trace.note(self.trace.requests, ear.line.request_id if ear.line is not None else None)
        return Answer.ok(f"101 after {ms(self._now() - began)}")

    async def admission(self) -> Answer:
        """Does it let us in? A refusal may come as a status, as an `error`, or as a close."""
        return await self._step(self._admission)

    async def created(self) -> Answer:
        """Does it say that it lives?"""
        return await self._step(self._await_created)

    async def updated(self) -> Answer:
        """Does it take our settings?"""
        return await self._step(self._configure)

    async def text(self) -> Answer:
        """Does it answer what is typed?"""
        return await self._step(self._write)

    async def audio_in(self) -> Answer:
        """Does it hear?"""
        return await self._step(self._speak)

    async def audio_out(self) -> Answer:
        """Does it answer what it heard, with sound?"""
        return await self._step(self._listen)

    async def tool(self) -> Answer:
        """Does it call a tool, and go on with the result?"""
        return await self._step(self._call)

    async def conduct(self) -> Answer:
        """Was all that it said the protocol, and did the link last?"""
        return await self._step(self._judge_conduct)

    async def leave(self) -> None:
        """The visit is over, and its socket closed. Twice is harmless."""
        await self._ear.leave()

    # what they do

    async def _step(self, work: Callable[[], Awaitable[Answer]]) -> Answer:
        if self._is_told:
            return Answer.skipped("the link is over")
        try:
            return await work()
        except FoundError as error:
            self._is_told = self._ear.lost is not None
            return self._answer(error.found)

    def _answer(self, cause: Fault) -> Answer:
        session = self._created.session_id if self._created is not None else ""
        return Answer.of(cause, provider_session=session)

    async def _admission(self) -> Answer:
        if self._ear.line is None and self._ear.lost is not None:
            raise FoundError(self._ear.lost)
        try:
            self._created = await self._first_word()
        except FoundError as error:
            if _is_refusal(error.found):
                raise
            self._died_young = error.found
            return Answer.ok("not refused")
        return Answer.ok("let in" if self._created is not None else "not refused")

    async def _first_word(self) -> UpstreamCreated | None:
        until = self._now() + self._limits.created_s
        while (event := await self._ear.next(until)) is not None:
            if isinstance(event, UpstreamErred) and not event.benign:
                raise FoundError(refusal(event, _SETTINGS))
            if isinstance(event, UpstreamCreated):
                return event
        return None

    async def _await_created(self) -> Answer:
        if self._died_young is not None:
            raise FoundError(self._died_young)
        if self._created is None:
            waited = f"session.created was waited for {self._limits.created_s:g} s"
            self._ear.hang_up()
            raise found("provider.silent", waited)
        session, model = self._created.session_id, self._created.model
        self.trace.note(self.trace.sessions, session)
        self.trace.model = model or self.trace.model
        return Answer.ok(" ".join(filter(None, (session, model))), provider_session=session)

    async def _configure(self) -> Answer:
        traits = self._dialer.traits
        settings = SessionSettings(
            "You check a connection. Answer in one short sentence.",
            traits.default_voice,
            tools_text([TOOL]),
            traits.transcription_model,
        )
        self._ear.say(session_update(settings))
        event = await self._due("session.updated", UpstreamConfigured, self._limits.updated_s)
        assert isinstance(event, UpstreamConfigured)
        if self._approach.proves_life:
            self._ear.say(_encode({"type": "input_audio_buffer.clear"}))
            await self._due("input_audio_buffer.cleared", LifeProved, self._limits.updated_s)
        left = f", left out: {', '.join(event.left_out)}" if event.left_out else ""
        return Answer.ok(f"settings taken{left}")

    async def _due(self, what: str, kind: type, seconds: float) -> object:
        """The event that answers what was just asked. Raises FoundError."""
        until = self._now() + seconds
        while (event := await self._ear.next(until)) is not None:
            if isinstance(event, UpstreamErred) and not event.benign:
                raise FoundError(refusal(event, _SETTINGS))
            if isinstance(event, kind):
                return event
        raise found("provider.unconfigured", f"{what} was waited for {seconds:g} s")

    async def _write(self) -> Answer:
        await self._breathe()
        self._ear.say(_typed(WORDS))
        self._ear.say(_ASK)
        heard = await self._hear_answer()
        self._voice += heard.sound
        return judged(heard, "first word")

    async def _speak(self) -> Answer:
        await self._breathe()
        speech = Speech.of(bytes(self._voice), self._approach.speech_s)
        await self._send(speech.pcm)
        first_s = self._limits.response_first_s
        until, heard = self._now() + first_s, Heard()
        began_at: float | None = None
        while (event := await self._ear.next(until)) is not None:
            if isinstance(event, UpstreamErred) and not event.benign:
                raise FoundError(refusal(event))
            if isinstance(event, SpeechBegan):
                began_at = self._now()
            if isinstance(event, InputCommitted):
                self._committed, self._turn_ended_at = heard, self._ear.at
                return Answer.ok(f"heard {ms(speech.seconds)} of {speech.source}")
            heard.is_transcribed |= isinstance(event, UserTranscribed)
        what = "of the turn's end" if began_at is not None else "of having heard anything"
        sent = f"{ms(speech.seconds)} of {speech.source} were sent, not a word {what} for {first_s:g} s"
        if not await self._commit_by_hand():
            raise found("provider.stalled", sent)
        self._committed, self._turn_ended_at = heard, self._now()
        return Answer.warning(f"{sent}; a commit by hand was taken", "Look at turn_detection.")

    async def _commit_by_hand(self) -> bool:
        """For a server that does not find the turn's end by itself: then ask for an answer, too."""
        self._ear.say(_encode({"type": "input_audio_buffer.commit"}))
        until = self._now() + self._limits.updated_s
        while (event := await self._ear.next(until)) is not None:
            if isinstance(event, InputCommitted):
                self._ear.say(_ASK)
                return True
            if isinstance(event, UpstreamErred):
                return False
        return False

    async def _send(self, pcm: bytes) -> None:
        size = 48 * FRAME_MS
        due = self._now()
        for at in range(0, len(pcm), size):
            if self._ear.lost is not None:
                return
            if not await self._ear.room(self._limits.response_first_s):
                raise found("provider.stalled", f"it reads no audio for {self._limits.response_first_s:g} s")
            self._ear.say(append(pcm[at : at + size]))
            if self._approach.pace:
                due += FRAME_MS / 1000 / self._approach.pace
                await asyncio.sleep(max(0.0, due - self._now()))

    async def _listen(self) -> Answer:
        if self._committed is None:
            return Answer.skipped("nothing was heard")
        heard = await self._hear_answer(self._committed, self._turn_ended_at)
        if not heard.sound:
            raise found("provider.response_failed", "the answer to a spoken turn has no sound")
        answer = judged(heard, "first sound")
        return (
            answer if heard.is_transcribed else Answer.ok(f"{answer.detail}; what was said was not written")
        )

    async def _call(self) -> Answer:
        await self._breathe()
        name = TOOL["name"]
        self._ear.say(_typed(f"Please call {name}."))
        choice = {"tool_choice": {"type": "function", "name": name}}
        self._ear.say(_encode({"type": "response.create", "response": choice}))
        heard = await self._hear_answer()
        if not heard.calls:
            return Answer.warning("it answered without calling the tool", "Tools may not work there.")
        await self._breathe()
        output = {"type": "function_call_output", "call_id": heard.calls[0].call_id, "output": '{"ok":true}'}
        self._ear.say(_encode({"type": "conversation.item.create", "item": output}))
        self._ear.say(_ASK)
        return judged(await self._hear_answer(), "called; answer's first word")

    async def _judge_conduct(self) -> Answer:
        await self._breathe()
        conduct = self._ear.conduct
        if conduct.breaches:
            raise found("provider.protocol_breach", *conduct.breaches[:3])
        if conduct.repeats:
            told = "; ".join(conduct.repeats[:3])
            return Answer.warning(
                told, "The gateway drops what comes twice.", code="provider.protocol_breach"
            )
        strange = f"; unknown here, and passed over: {', '.join(conduct.strange)}" if conduct.strange else ""
        return Answer.ok(f"as documented{strange}")

    # hearing

    async def _breathe(self) -> None:
        """A moment in which nothing is asked. Raises FoundError for what happens in it."""
        until = self._now() + BREATH_S
        while (event := await self._ear.next(until)) is not None:
            if isinstance(event, UpstreamErred) and not event.benign:
                raise FoundError(refusal(event))

    async def _hear_answer(self, heard: Heard | None = None, asked: float | None = None) -> Heard:
        """One answer to its end. Raises FoundError."""
        heard, limits = heard or Heard(), self._limits
        asked = self._now() if asked is None else asked
        until, trouble, has_begun = self._now() + limits.response_first_s, None, False
        while (event := await self._ear.next(until)) is not None:
            if isinstance(event, UpstreamErred):
                if not event.benign:
                    trouble = trouble or refusal(event)
                    until = min(until, self._now() + _ERROR_GRACE_S)
                continue
            if isinstance(event, UpstreamStages) and trouble is None:  # one of its servers takes its time
                until = max(until, self._now() + limits.response_stall_s)
            if isinstance(event, ResponseEnded):
                self._end(event, trouble)
                return heard
            if self._take(event, heard, asked):
                has_begun = True
                until = self._now() + (_ERROR_GRACE_S if trouble else limits.response_stall_s)
        if trouble is not None:
            raise FoundError(trouble)
        patience = limits.response_stall_s if has_begun else limits.response_first_s
        what = "an answer began and stopped" if has_begun else "no answer began"
        raise found("provider.stalled", f"{what}: nothing for {patience:g} s")

    def _take(self, event: object, heard: Heard, asked: float) -> bool:
        """Whether it is of the answer."""
        match event:
            case UserTranscribed():
                heard.is_transcribed = True
                return False
            case OutputAudio(pcm=pcm):
                heard.sound += pcm
            case OutputTranscribed(text=text, final=final):
                heard.words = text if final else heard.words + text
            case ToolCalled():
                heard.calls.append(event)
            case ResponseBegan():
                return True
            case _:
                return False
        if heard.first_s is None:
            heard.first_s = max(0.0, self._ear.at - asked)
        return True

    def _end(self, event: ResponseEnded, trouble: Fault | None) -> None:
        """Raises FoundError unless the answer is whole."""
        if trouble is None and event.status == "completed":
            return
        self.trace.note(self.trace.responses, event.response_id)
        if trouble is not None:
            raise FoundError(trouble)
        reason = f"the answer ended as {event.status} {event.reason}".strip()
        raise FoundError(event.fault or fault("provider.response_failed", [reason]))


def _answered_status(cause: Fault) -> bool:
    """Whether somebody there speaks HTTP and has decided: what follows is admission's."""
    return cause.evidence[:1] != () and cause.evidence[0].startswith("HTTP status ") and _is_refusal(cause)


def _is_refusal(cause: Fault) -> bool:
    return cause.row.party is Party.CONFIGURATION or cause.code in _ADMISSION


def _typed(text: str) -> bytes:
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
    return _encode({"type": "conversation.item.create", "item": item})


_ASK: Final = _encode({"type": "response.create"})
