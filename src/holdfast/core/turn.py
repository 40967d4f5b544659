"""Whose turn it is, and whether a response may be asked for.

What lives here: listening, user speaking, thinking, answering; the one active response; requests that wait
for it to end (protocol reference, 8.4: one active response, or `conversation_already_has_active_response`).
What never will: audio, tools, what is said.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from holdfast.core.effects import Respond


class TurnPhase(Enum):
    LISTENING = auto()
    USER_SPEAKING = auto()
    THINKING = auto()  # the user's turn is in, no response yet
    ANSWERING = auto()


class TurnSignal(Enum):
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


@dataclass(slots=True)
class Turn:
    phase: TurnPhase = TurnPhase.LISTENING
    active: str | None = None
    """The response that the client was told has started and not yet that it has ended."""
    asked: Respond | None = None
    """A request that is on its way upstream, until its response begins."""
    tool_steps: int = 0
    _waiting: deque[Respond] = field(default_factory=deque)

    def move(self, signal: TurnSignal) -> None:
        """Follow the table."""
        self.phase = TURN_TRANSITIONS[self.phase, signal]
        if signal in {TurnSignal.SPEECH_BEGAN, TurnSignal.INPUT_GIVEN}:
            self.tool_steps = 0

    def ask(self, request: Respond) -> None:
        """Want a response. The same wish twice is one: a response answers all that stands before it."""
        if request.say is not None or not self._waiting:
            self._waiting.append(request)

    def next_request(self) -> Respond | None:
        """The request to send now, if none is active or under way."""
        if self.active is not None or self.asked is not None or not self._waiting:
            return None
        self.asked = self._waiting.popleft()
        return self.asked

    def begin(self, response_id: str) -> None:
        """A response began upstream, asked for or by the server's own voice detection."""
        self.asked = None
        self.active = response_id
        self.move(TurnSignal.RESPONSE_BEGAN)

    def collided(self) -> None:
        """The upstream was answering already: ask again when that response has ended."""
        if self.asked is not None:
            self._waiting.appendleft(self.asked)
            self.asked = None

    def end(self, response_id: str) -> bool:
        """A response ended; False when it is not the active one, so that nobody is told twice."""
        if self.active != response_id:
            return False
        self.active = None
        self.move(TurnSignal.RESPONSE_ENDED)
        return True
