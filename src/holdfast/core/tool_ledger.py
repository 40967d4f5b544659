"""Tool calls: each runs at most once, whatever the upstream repeats.

What lives here: which calls are open, which results wait for their response to end, which ids were seen.
What never will: running a tool.

One call shows up in three upstream events (protocol reference, 8.4); its `call_id` is the key.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from enum import Enum, auto


class CallPhase(Enum):
    RUNNING = auto()
    RETURNED = auto()  # the result has not been told upstream
    TOLD = auto()


@dataclass(slots=True)
class Call:
    id: str
    name: str
    response_id: str
    phase: CallPhase = CallPhase.RUNNING
    output: str = ""


@dataclass(slots=True)
class ToolLedger:
    remembered_max: int
    _calls: OrderedDict[str, Call] = field(default_factory=OrderedDict)

    def open(self, call_id: str, name: str, response_id: str) -> bool:
        """Enter a call; False when this id was seen before and must not run again."""
        if call_id in self._calls:
            return False
        while len(self._calls) >= self.remembered_max:
            self._forget_one()
        self._calls[call_id] = Call(call_id, name, response_id)
        return True

    def returned(self, call_id: str, output: str) -> Call | None:
        """Enter a result; None for a call that is not running (a late or second result)."""
        call = self._calls.get(call_id)
        if call is None or call.phase is not CallPhase.RUNNING:
            return None
        call.phase, call.output = CallPhase.RETURNED, output
        return call

    def ready(self, active_response: str | None) -> list[Call]:
        """Results to tell upstream now: of responses that have ended and whose calls have all returned."""
        waiting = [call for call in self._calls.values() if call.phase is CallPhase.RETURNED]
        open_responses = {call.response_id for call in self.running} | {active_response}
        told = [call for call in waiting if call.response_id not in open_responses]
        for call in told:
            call.phase = CallPhase.TOLD
        return told

    def abandon(self) -> list[Call]:
        """The session ends: nobody waits for what runs any more. Answers what ran."""
        abandoned = self.running
        for call in abandoned:
            call.phase = CallPhase.TOLD
        return abandoned

    @property
    def running(self) -> list[Call]:
        """Calls that have not returned."""
        return [call for call in self._calls.values() if call.phase is CallPhase.RUNNING]

    def _forget_one(self) -> None:
        """Forget the oldest call that was told; a running one only when there is no other."""
        done = next((key for key, call in self._calls.items() if call.phase is CallPhase.TOLD), None)
        self._calls.pop(done if done is not None else next(iter(self._calls)))
