"""A model of a Realtime server: one link, from the dial to its death.

What lives here: the order of the dialect's events, voice detection on marked samples,
answers in words and audio.
What never will: faults by name (`mishaps`), judging what it was told (`judge`).
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, Protocol

from holdfast.core import effects, events
from holdfast.core.faults import Fault, fault
from holdfast.core.ordering import ORDER_WAIT_S
from tests.simulation.clock import Clock, Entry
from tests.simulation.conversation import Answer, Known, turns_in, words_of_user
from tests.simulation.judge import Judge
from tests.simulation.matrix import At
from tests.simulation.voice import mark_at, marks_of, pieces, place, spoken

CELL = 480
WORD = 7_200
"""Samples of a spoken word: 300 ms."""
PADDING = 7_200
SILENCE = 12_000
BUSY = "conversation_already_has_active_response"


class Gateway(Protocol):
    """Whoever dialled."""

    def hears(self, link: Link, event: Any, *, is_again: bool) -> None: ...
    def loses(self, link: Link, cause: Fault) -> None: ...
    def stands(self, at: At) -> None: ...


class Link:
    """One connection."""

    def __init__(
        self,
        clock: Clock,
        chance: Random,
        judge: Judge,
        gateway: Gateway,
        known: Known,
        *,
        uid: int,
        generation: int,
    ) -> None:
        self.clock, self.chance, self.judge, self.gateway = clock, chance, judge, gateway
        self.known, self.uid, self.generation = known, uid, generation
        self.is_manual = False
        self.is_dead = False
        """Nobody will hear of it any more."""
        self.is_deaf = False
        """What it is sent is lost on the way."""
        self.is_mute = False
        """What it says is lost on the way."""
        self.is_live = False
        self.live_since = 0.0
        self.late_s = 0.0
        self.lag_s = 0.004 + chance.random() * 0.03
        self.doubled = 0
        self.spoilt: str | None = None
        """How the next answer comes to nothing."""
        self.disorder = ""
        self.endpoint = 0
        self.late_answer_s = 0.0
        self.lifetime_s: float | None = None
        self.tells_ends = True
        self.cuts_samples = False
        self.active: Answer | None = None
        self.given = 0
        """Samples: its own clock."""
        self.next_position = 0
        self._arrives_at = 0.0
        self._buffer: list[tuple[int, int, int]] = []
        self._speech: tuple[str, int] | None = None
        self._silence = 0
        self._made = 0
        self._thinking: Entry | None = None
        self._answers = 0

    # saying

    def emit(self, event: Any) -> None:
        """Say something; it arrives in order."""
        if self.is_dead or self.is_mute:
            return
        self._arrives_at = max(self._arrives_at, self.clock.now + self.lag_s + self.late_s)
        self.clock.at(self._arrives_at, self._arrive, event, False)
        if self.doubled > 0:
            self.doubled -= 1
            self.clock.at(self._arrives_at, self._arrive, event, True)

    def _arrive(self, event: Any, is_again: bool) -> None:  # noqa: FBT001 - the clock passes positions
        self.gateway.hears(self, event, is_again=is_again)

    def end(self, cause: Fault) -> None:
        """The connection is over, seen from the gateway."""
        if not self.is_dead:
            self.is_dead = True
            when = max(self._arrives_at, self.clock.now + self.lag_s)
            self.clock.at(when, self.gateway.loses, self, cause)

    def later(self, seconds: float, call: Callable[..., None], *args: Any) -> Entry:
        """Do something while the connection lives."""
        return self.clock.after(seconds, self._if_alive, call, args)

    def _if_alive(self, call: Callable[..., None], args: tuple[Any, ...]) -> None:
        if not self.is_dead:
            call(*args)

    def hang_up(self) -> None:
        """The gateway has closed. What is under way may still arrive: a voice from a dead link."""
        self.is_dead = True

    # beginning

    def open(self) -> None:
        self.emit(events.UpstreamOpened(self.generation))
        self.later(0.01 + self.chance.random() * 0.05, self._create)

    def _create(self) -> None:
        self.emit(events.UpstreamCreated(self.generation, f"sess_{self.uid}", "model", self.lifetime_s))
        if self.lifetime_s is not None:
            self.later(self.lifetime_s, self.expire)

    def expire(self) -> None:
        """The session's time is over."""
        cause = fault("provider.session_expired")
        self.emit(events.UpstreamErred(self.generation, cause, "session_expired", "60 min"))
        self.judge.expired(self)
        self.end(fault("provider.closed", ["close code 1001"]))

    def configure(self) -> None:
        """`session.update`."""
        if not self.is_deaf:
            self.later(0.003 + self.chance.random() * 0.03, self._configured)

    def _configured(self) -> None:
        self.is_live = True
        self.live_since = self.clock.now
        self.emit(events.UpstreamConfigured(self.generation))

    def take(self, effect: effects.Effect, event_id: str) -> None:
        """One message of the gateway's."""
        if self.is_deaf or self.is_dead:
            return
        match effect:
            case effects.Append(pcm=pcm):
                self.append(pcm)
            case effects.ProveLife():
                self.emit(events.LifeProved(self.generation))
            case effects.CommitInput():
                self._commit()
            case effects.ClearInput():
                self._buffer.clear()
                self._speech = None
                self.emit(events.LifeProved(self.generation))
            case effects.AddText(text=text, item_id=item_id, role=role):
                self._add_text(text, item_id, role)
            case effects.AddSpeech(pcm=pcm, item_id=item_id):
                self._add_speech(pcm, item_id)
            case effects.AddCall(call_id=call_id, name=name, arguments=arguments):
                self.judge.told(self, f"call {call_id}")
                self.known.call(call_id, name, arguments)
            case effects.AddToolResult(call_id=call_id, output=output):
                self.judge.told(self, f"result {call_id}", knows=call_id in self.known.made)
                self.known.result(call_id, output)
            case effects.Respond():
                self.respond(effect, event_id)
            case effects.CancelResponse(response_id=response_id):
                self._cancel(response_id)
            case _:
                pass

    # hearing

    def append(self, pcm: bytes) -> None:
        """Audio. The samples tell what it is, whatever the gateway believes."""
        first, count = place(pcm), len(pcm) // 2
        self.judge.heard(self, first, pcm)
        self.next_position = first + count
        if count <= 2_400 and mark_at(pcm, 0) == mark_at(pcm, count - 2):
            self._hear(first, first + count, mark_at(pcm, 0))
            return
        for at in range(0, count, CELL):
            self._hear(first + at, first + min(at + CELL, count), mark_at(pcm, at))

    def _hear(self, first: int, last: int, mark: int) -> None:
        began = self.given
        self.given += last - first
        self._buffer.append((first, last, mark))
        if self.is_manual:
            return
        if mark:
            self._silence = 0
            if self._speech is None:
                self._begin_speech(max(0, began - PADDING))
        elif self._speech is None:
            if len(self._buffer) > 40:
                del self._buffer[:20]
        else:
            self._silence += last - first
            if self._silence >= SILENCE:
                self._end_speech()

    def _begin_speech(self, at: int) -> None:
        self._speech = (self._new("item"), at)
        self.emit(events.SpeechBegan(self.generation, self._speech[0], at // 24))
        self.gateway.stands(At.US)
        if self.active is not None:
            self.finish("cancelled", "turn_detected")
        if self._thinking is not None:
            self.clock.cancel(self._thinking)
            self._thinking = None

    def _end_speech(self) -> None:
        assert self._speech is not None
        item_id, _ = self._speech
        self._speech, self._silence = None, 0
        self.emit(events.SpeechEnded(self.generation, item_id, self.given // 24))
        self._enter(item_id)
        self._think()

    def _commit(self) -> None:
        if self._buffer:
            self._enter(self._new("item"))

    def _enter(self, item_id: str) -> None:
        """What is in the buffer becomes an item."""
        heard, self._buffer = self._buffer, []
        self.emit(events.InputCommitted(self.generation, item_id))
        self._user_item(item_id, heard)
        marks = marks_of(heard)
        text = words_of_user(marks) if marks else ""
        if self.chance.random() < 0.3:
            self.later(
                0.05, self.emit, events.UserTranscribed(self.generation, item_id, text[:3], final=False)
            )
        after = 0.03 + self.chance.random() ** 2 * 1.0
        self.later(after, self.emit, events.UserTranscribed(self.generation, item_id, text, final=True))
        self.gateway.stands(At.CM)

    def _user_item(self, item_id: str, heard: list[tuple[int, int, int]]) -> None:
        self.judge.told(self, f"item {item_id}")
        self.judge.understood(self, heard)
        self.known.user(item_id, marks_of(heard))

    def _add_text(self, text: str, item_id: str, role: str) -> None:
        self.judge.told(self, f"item {item_id}")
        self.judge.retold(self, item_id, text, role)
        if role == "user":
            self.known.user(item_id, turns_in(text))
        else:
            self.known.assistant(item_id, text)

    def _add_speech(self, pcm: bytes, item_id: str) -> None:
        heard = pieces(pcm)
        self.judge.heard_as_item(self, heard)
        self._user_item(item_id, heard)

    # answering

    def _think(self) -> None:
        """The voice detector's own request."""
        if self.active is not None:
            self._is_busy(None)
            return
        seconds = 0.02 + self.chance.random() * 0.15
        self._thinking = self.later(seconds, self._answer_by_itself, self.known.answerable())

    def _answer_by_itself(self, marks: list[int]) -> None:
        self._thinking = None
        if self.active is None:
            self.begin(None, marks)

    def respond(self, request: effects.Respond, event_id: str) -> None:
        """`response.create`."""
        if self.active is not None or self._thinking is not None:
            self._is_busy(event_id)
        else:
            self.begin(request)

    def _is_busy(self, event_id: str | None) -> None:
        self.known.collisions += event_id is not None
        cause = fault("application.invalid_message", [BUSY])
        self.emit(events.UpstreamErred(self.generation, cause, BUSY, "busy", event_id, benign=True))

    def begin(self, request: effects.Respond | None, marks: list[int] | None = None) -> None:
        """A response. It is about what stood in the conversation when its making began."""
        known = self.known
        self._answers += 1
        about = known.answerable() if marks is None else marks
        answer = Answer(self._new("resp"), self._new("item"), about, 1 + self._answers % 250)
        is_plain = request is None or request.is_plain
        if request is not None and not is_plain:
            answer.covers = []
        self.judge.answering(self, answer, request)
        known.fresh_results = known.silences = 0
        known.cover(answer.covers)
        may_call = is_plain and (request is None or request.tools)
        answer.calls = [one for mark in answer.covers for one in known.missing(mark)] if may_call else []
        answer.words = known.words(answer.covers) if is_plain else ["c0", "c1", "c2"]
        self.active = answer
        wait_s, self.late_answer_s = self.late_answer_s, 0.0
        if self.disorder == "early" and not answer.calls and wait_s < ORDER_WAIT_S:
            self._say_word(answer)
        self.later(wait_s, self._began, answer)

    def _began(self, answer: Answer) -> None:
        if self.active is not answer:
            return
        answer.is_begun = True
        self.disorder = "" if self.disorder == "early" else self.disorder
        self.emit(events.ResponseBegan(self.generation, answer.id))
        self.gateway.stands(At.RS)
        if self.spoilt is not None:
            self.later(0.03, self.spoil)
        elif answer.calls:
            self.later(0.05, self._call, answer)
        else:
            self.later(0.03, self._say, answer)

    def _call(self, answer: Answer) -> None:
        if self.active is not answer:
            return
        answer.is_called = True
        for call in answer.calls:
            call_id = self._new("call")
            self.known.made[call_id] = call
            self.emit(events.ToolCalled(self.generation, answer.id, call_id, call.name, call.arguments))
        self.known.uncover(answer.covers)
        self.later(0.02, self._called, answer)

    def _called(self, answer: Answer) -> None:
        if self.active is answer:
            self.finish("completed")

    def _say(self, answer: Answer) -> None:
        if self.active is not answer:
            return
        if answer.said < len(answer.words):
            self._say_word(answer)
            self.later(0.04 + self.chance.random() * 0.08, self._say, answer)
            return
        self.finish("completed")

    def _say_word(self, answer: Answer) -> None:
        word = answer.words[answer.said]
        if answer.said:
            word = " " + word
        first, last = answer.samples, answer.samples + WORD
        pcm = spoken(first, last, answer.number)
        if self.disorder == "premature" and answer.said + 1 == len(answer.words):
            self.emit(events.ResponseEnded(self.generation, answer.id, "completed"))
        answer.said += 1
        answer.samples = last
        g, said = self.generation, events.OutputAudio
        self.emit(events.OutputTranscribed(g, answer.id, answer.item_id, word, final=False))
        if self.cuts_samples:
            self.emit(said(g, answer.id, answer.item_id, pcm[:4_801]))
            self.emit(said(g, answer.id, answer.item_id, pcm[4_801:]))
        else:
            self.emit(said(g, answer.id, answer.item_id, pcm))

    def finish(self, status: Any, reason: str = "", cause: Fault | None = None) -> None:
        """The active response ends."""
        answer, self.active = self.active, None
        assert answer is not None
        answer.is_done = True
        text = " ".join(answer.words[: answer.said])
        if not answer.said and not answer.is_called:
            self.known.uncover(answer.covers)
        if not answer.is_begun:  # late, but told all the same
            self.emit(events.ResponseBegan(self.generation, answer.id))
        if answer.said:
            self.known.items[answer.item_id] = "assistant"
            self.judge.has_item(self, answer.item_id)
            if status == "completed":
                self.emit(
                    events.OutputTranscribed(self.generation, answer.id, answer.item_id, text, final=True)
                )
            if self.tells_ends:
                self.emit(events.OutputAudioEnded(self.generation, answer.id, answer.item_id))
        was_premature, self.disorder = self.disorder == "premature", ""
        if not was_premature:
            usage = {"total_tokens": 1}
            self.emit(events.ResponseEnded(self.generation, answer.id, status, reason, usage, cause))
        self.gateway.stands(At.ID)

    def spoil(self) -> None:
        """The active response comes to nothing, as told."""
        if self.active is None or self.spoilt is None:
            return
        how, _, why = self.spoilt.partition(" ")
        self.spoilt = None
        if how == "incomplete":
            self.finish("incomplete", why)
            return
        codes = {"server_error": "provider.server_error", "rate_limit_exceeded": "provider.rate_limited"}
        self.finish("failed", "", fault(codes.get(why, "provider.response_failed"), [why]))

    def _cancel(self, response_id: str) -> None:
        if self.active is not None and self.active.id == response_id:
            self.finish("cancelled", "client_cancelled")
            return
        cause = fault("application.invalid_message", ["response_cancel_not_active"])
        code = "response_cancel_not_active"
        self.emit(events.UpstreamErred(self.generation, cause, code, "none", "race_1", benign=True))

    def _new(self, kind: str) -> str:
        self._made += 1
        return f"{kind}_{self.uid}_{self._made}"
