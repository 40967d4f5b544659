"""Tool calls: each runs at most once, whatever the upstream repeats, whichever upstream it is.

What lives here: which calls are open, which results wait for their response to end, which ids were seen,
which call is a repetition by an upstream that was told the conversation again (reliability reference, B7).
What never will: running a tool.

One call shows up in three upstream events (protocol reference, 8.4); its `call_id` is the key.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from enum import StrEnum, auto
from typing import Final


class CallPhase(StrEnum):
    INTENDED = auto()  # the intent is not durable yet: it has not started
    RUNNING = auto()
    RETURNING = auto()  # the result is known and not durable yet
    RETURNED = auto()  # the result has not been told upstream
    TOLD = auto()


OPEN: Final = frozenset({CallPhase.INTENDED, CallPhase.RUNNING})
"""Nobody knows yet what comes of it."""
_UNTOLD = OPEN | {CallPhase.RETURNING}


@dataclass(slots=True)
class Call:
    id: str
    name: str
    arguments: str
    response_id: str
    generation: int
    """The upstream that made the call."""
    turn: int
    """Which of the user's turns it belongs to."""
    known_to: int
    """The last upstream that knows of the call."""
    phase: CallPhase = CallPhase.INTENDED
    output: str = ""
    known_from: int = 0
    """The first response (counted as they begin) that can know of it there."""
    told_at: int = 0
    """Up to where that upstream had been given the input when it was told."""
    repeats: str | None = None
    """The call of a lost upstream whose result this one gets."""


@dataclass(slots=True)
class ToolLedger:
    remembered_max: int
    turn: int = 0
    """Number of the user's present turn."""
    responses: int = 0
    """How many have begun."""
    calls: OrderedDict[str, Call] = field(default_factory=OrderedDict)

    def open(self, call_id: str, name: str, arguments: str, response_id: str, generation: int) -> Call | None:
        """Enter a call; None when this id was seen before and must not run again."""
        if call_id in self.calls:
            return None
        while len(self.calls) >= self.remembered_max:
            self._forget_one()
        call = Call(call_id, name, arguments, response_id, generation, self.turn, generation)
        twin = self._twin(call)
        call.repeats = None if twin is None else twin.id
        self.calls[call_id] = call
        return call

    def _twin(self, call: Call) -> Call | None:
        """The same call made by an earlier upstream, in the same turn or not known to who makes this one:
        models repeat themselves when they are told the conversation again.
        """
        for other in self.calls.values():
            is_same = (other.name, other.arguments) == (call.name, call.arguments)
            is_earlier = other.generation < call.generation and other.repeats is None
            if is_same and is_earlier and (other.turn == call.turn or self._is_unknown(other, call)):
                return other
        return None

    def _is_unknown(self, other: Call, call: Call) -> bool:
        if other.known_to != call.generation:
            return other.phase is not CallPhase.TOLD
        return self.responses < other.known_from

    def tell(self, call: Call, generation: int, *, at: int, is_answering: bool) -> None:
        """An upstream is told of a call of another's; the response that it is making does not know of it."""
        call.known_to, call.told_at = generation, at
        call.known_from = self.responses + (2 if is_answering else 1)

    def turn_ended(self, position: int) -> None:
        """The upstream tells late that a turn ended at `position`: it was not told yet of what was told
        after that, and its answer to the turn may have been in the making.
        """
        for call in self.calls.values():
            if call.told_at > position:
                call.known_from = self.responses + 2

    def may_start(self, call_id: str) -> Call | None:
        """The intent is durable: the call, when it is to be run now."""
        call = self.calls.get(call_id)
        if call is None or call.phase is not CallPhase.INTENDED:
            return None
        call.phase = CallPhase.RUNNING
        return None if call.repeats is not None else call

    def returned(self, call_id: str, output: str) -> list[Call]:
        """Enter a result; answers the calls that have it now: none for one that is not open (a late or second
        result), more than one when an upstream repeated the call.
        """
        call = self.calls.get(call_id)
        if call is None or call.phase not in OPEN:
            return []
        twins = [one for one in self.calls.values() if one.repeats == call_id and one.phase in OPEN]
        for one in (call, *twins):
            one.phase, one.output = CallPhase.RETURNING, output
        return [call, *twins]

    def ready(self, active_response: str | None) -> list[Call]:
        """Results to tell upstream now: of responses that have ended and whose calls have all returned."""
        waiting = [call for call in self.calls.values() if call.phase is CallPhase.RETURNED]
        open_responses = {call.response_id for call in self.running} | {active_response}
        told = [call for call in waiting if call.response_id not in open_responses]
        for call in told:
            call.phase = CallPhase.TOLD
        return told

    def all_told(self) -> None:
        """An answer stands behind the results so far."""
        for call in self.calls.values():
            if call.phase is CallPhase.RETURNED:
                call.phase = CallPhase.TOLD

    def made_by(self, call_id: str) -> set[str]:
        """Responses that have made this call or repeated it, on whichever upstream."""
        return {call.response_id for call in self.calls.values() if call_id in {call.id, call.repeats}}

    def is_from(self, response_id: str) -> bool:
        """Whether a response has called anything."""
        return any(call.response_id == response_id for call in self.calls.values())

    @property
    def awaited(self) -> set[str]:
        """Responses that have called what the upstream has no result of yet."""
        return {call.response_id for call in self.calls.values() if call.phase is not CallPhase.TOLD}

    def abandon(self) -> list[Call]:
        """The session ends: nobody waits for what still runs. Answers what the client saw begin, not end."""
        abandoned = [call for call in self.running if call.phase in OPEN and call.repeats is None]
        for call in self.running:
            call.phase = CallPhase.TOLD
        return abandoned

    @property
    def running(self) -> list[Call]:
        """Calls whose result cannot be told yet."""
        return [call for call in self.calls.values() if call.phase in _UNTOLD]

    def _forget_one(self) -> None:
        """Forget the oldest call that was told; a running one only when there is no other."""
        done = next((key for key, call in self.calls.items() if call.phase is CallPhase.TOLD), None)
        self.calls.pop(done if done is not None else next(iter(self.calls)))
