"""Whose turn it is, and whether a response may be asked for.

What lives here: listening, user speaking, thinking, answering; the one active response; requests that wait
for it to end (protocol reference, 8.4: one active response, or `conversation_already_has_active_response`).
What never will: audio, tools, what is said.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum, auto
from typing import Final

from holdfast.core.effects import Respond
from holdfast.core.recent import Recent


class TurnPhase(StrEnum):
    LISTENING = auto()
    USER_SPEAKING = auto()
    THINKING = auto()  # the user's turn is in, no response yet
    ANSWERING = auto()


class TurnSignal(StrEnum):
    SPEECH_BEGAN = auto()
    SPEECH_ENDED = auto()
    INPUT_GIVEN = auto()
    RESPONSE_BEGAN = auto()
    RESPONSE_ENDED = auto()


_P, _S = TurnPhase, TurnSignal

# The docs draw their diagram from this table. Upstreams differ in their orders, so every pair has a meaning.
TURN_TRANSITIONS: Final = {
    **{(phase, _S.SPEECH_BEGAN): _P.USER_SPEAKING for phase in _P},
    **{(phase, _S.SPEECH_ENDED): _P.THINKING for phase in _P},
    **{(phase, _S.INPUT_GIVEN): _P.THINKING for phase in _P},
    **{(phase, _S.RESPONSE_BEGAN): _P.ANSWERING for phase in _P},
    (_P.LISTENING, _S.RESPONSE_ENDED): _P.LISTENING,
    (_P.USER_SPEAKING, _S.RESPONSE_ENDED): _P.USER_SPEAKING,
    (_P.THINKING, _S.RESPONSE_ENDED): _P.THINKING,
    (_P.ANSWERING, _S.RESPONSE_ENDED): _P.LISTENING,
}


WRITING_TRANSITIONS: Final = {
    **TURN_TRANSITIONS,
    **{(phase, signal): _P.LISTENING for phase in _P for signal in (_S.SPEECH_ENDED, _S.INPUT_GIVEN)},
}
"""The same where nobody answers: what is said is written down."""

ENDED_REMEMBERED: Final = 16


@dataclass(slots=True)
class Turn:
    phase: TurnPhase = TurnPhase.LISTENING
    is_answered: bool = True
    """False in a transcription session: there no response is ever asked for."""
    active: str | None = None
    """The response that the client was told has started and not yet that it has ended."""
    asked: Respond | None = None
    """A request that is on its way upstream, until its response begins or it is refused."""
    asked_at: int = 0
    """Where the upstream's input stood when that was sent."""
    told_at: int = -1
    """Where it stood when the upstream was last given a text or a result, to be asked about."""
    heard_to: int = -1
    """Where the last turn ended that the upstream's voice detection heard, which it does answer by itself."""
    is_own_next: bool = False
    """The upstream was about to answer by itself when the request was sent: that answer begins first."""
    silenced: str | None = None
    """The response that was interrupted: whatever of it still comes is not heard."""
    reopened: str | None = None
    """The active response whose upstream came to nothing before anything of it was told: the next response
    that begins goes on under its id."""
    reasked: int = 0
    """How often the active response was asked for again."""
    request: Respond | None = None
    """The request that led to the active response; None when the upstream's own voice detection did."""
    is_refused_unasked: bool = False
    """The upstream wanted to answer a turn by itself and could not: when the running
    answer ends, it is asked.
    """
    carry_on: str | None = None
    """What was heard of an answer that was cut by the loss of its upstream, until its rest is asked for."""
    tool_steps: int = 0
    last_event_at: float = 0.0
    """When the upstream last did something about a response, or was asked to."""
    ended: Recent[str] = field(default_factory=lambda: Recent(ENDED_REMEMBERED))
    """Responses that have ended: an upstream that repeats itself must not begin them again."""
    _crossed: Respond | None = None
    """A request that was under way when a response began that may not be its own."""
    _is_blocked: bool = False
    """The upstream answers something we do not know of: asking again now would collide again."""
    _waiting: list[Respond] = field(default_factory=list)

    def move(self, signal: TurnSignal) -> None:
        """Follow the table."""
        table = TURN_TRANSITIONS if self.is_answered else WRITING_TRANSITIONS
        self.phase = table[self.phase, signal]
        if signal in {TurnSignal.SPEECH_BEGAN, TurnSignal.INPUT_GIVEN}:
            self.tool_steps = 0
        if signal is TurnSignal.SPEECH_BEGAN:
            self.is_own_next = False  # who speaks again stops the answer that was in the making

    def heard_end(self, position: int) -> bool:
        """The upstream tells late that a turn ended at `position`. Answers whether a plain request was sent
        after that, so that the upstream's own answer to the turn comes first, about something that this one
        does not know.
        """
        self.heard_to = position
        is_after = self.active is None and self.asked is not None and self.asked_at > position
        self.is_own_next = self.is_own_next or is_after
        return is_after and self.asked is not None and self.asked.is_plain and not self.knows_all

    @property
    def knows_all(self) -> bool:
        """Whether the upstream's own answer to the last turn that it heard knows all that it was given to be
        asked about: that was given before the turn's end.
        """
        return self.heard_to > self.told_at

    @property
    def owes(self) -> bool:
        """Whether the upstream has something to do for us."""
        return self.active is not None or self.asked is not None or bool(self._waiting)

    @property
    def wants_answer(self) -> bool:
        """Whether an answer to what stands in the conversation is asked for, or about to be."""
        return (self.asked is not None and self.asked.is_plain) or any(w.is_plain for w in self._waiting)

    @property
    def awaits_response(self) -> bool:
        """Whether a response may be in the making of which we have not heard."""
        if self.asked is not None:
            return True
        is_answered = self.active is not None and self.reopened is None
        return not is_answered and self.phase is TurnPhase.THINKING

    @property
    def is_quiet(self) -> bool:
        """Whether nobody speaks and nobody is about to."""
        return self.phase is TurnPhase.LISTENING and not self.owes

    def ask(self, request: Respond, *, first: bool = False) -> None:
        """Want a response. The same plain wish twice is one: a response answers all that stands before it."""
        if not self.is_answered or (request.is_plain and any(wish.is_plain for wish in self._waiting)):
            return
        if first:
            self._waiting.insert(0, request)
        else:
            self._waiting.append(request)

    def next_request(self, now: float) -> Respond | None:
        """The request to send now, if none is active or under way."""
        is_busy = self.active is not None and self.reopened is None
        if is_busy or self.asked is not None or self._is_blocked or not self._waiting:
            return None
        self.asked = self._waiting.pop(0)
        self.last_event_at = now
        return self.asked

    def taken_over(self) -> None:
        """Another upstream answers: what it is told first, it is told before it hears anything."""
        self.told_at = self.heard_to = -1

    def begin(self, response_id: str, now: float) -> None:
        """A response began upstream, asked for or by the server's own voice detection."""
        self._crossed = None
        if not self.is_own_next:
            self._crossed, self.asked = self.asked, None
        self.is_own_next = False
        self.request = self._crossed
        if self.request is None and self.knows_all:
            self.withdraw()  # it is the upstream's own
        self._is_blocked = False
        if self.reopened != response_id:
            self.reasked = 0
        self.reopened = None
        self.active = response_id
        self.last_event_at = now
        self.move(TurnSignal.RESPONSE_BEGAN)

    def reopen(self) -> None:
        """Nothing of the active response was told: it is asked for again and keeps its id for the client."""
        self.reopened = self.active
        self.reasked += 1
        self._again(self.request or Respond())
        self.request = None

    def upstream_gone(self) -> None:
        """What was under way upstream is not under way any more: asked for again by the next one."""
        under_way = self.asked or (None if self.active is not None else self._crossed)
        self.asked = self._crossed = None
        self._is_blocked = self.is_refused_unasked = self.is_own_next = False
        if under_way is not None and not (under_way.is_plain and any(w.is_plain for w in self._waiting)):
            self._waiting.insert(0, under_way)

    def collided(self) -> Respond | None:
        """Our request met a running response: it is made again when that has ended. Answers the request."""
        refused = self.asked or self._crossed
        self.asked = self._crossed = self.request = None
        if refused is not None:
            self._again(refused)
        self._is_blocked = self.active is None
        self.is_own_next = False
        return refused

    def _again(self, request: Respond) -> None:
        """It is made again before all others; a plain one stands for every plain wish."""
        if request.is_plain:
            self.withdraw()
        self._waiting.insert(0, request)

    def refused(self) -> None:
        """Our request was not accepted, and making it again would not help."""
        self.asked = None
        self.is_own_next = False

    def block(self) -> None:
        """The upstream is to be given time before it is asked again."""
        self._is_blocked = True

    def unblock(self) -> None:
        """The upstream was given time: ask again."""
        self._is_blocked = False

    def withdraw(self) -> None:
        """There is nothing left to answer: what is wished for besides stays."""
        self._waiting = [wish for wish in self._waiting if not wish.is_plain]

    def silence(self) -> None:
        """The active response is interrupted."""
        self.silenced = self.active

    def end(self, response_id: str) -> bool:
        """A response ended; False when it is not the active one, so that nobody is told twice."""
        if self.active != response_id:
            return False
        self.active = self._crossed = self.request = self.reopened = None
        self._is_blocked = False
        self.ended.append(response_id)
        self.move(TurnSignal.RESPONSE_ENDED)
        return True
