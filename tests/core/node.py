"""`Endpoints` with a clock that the test moves and a chance that it sets, and short words to drive it.

What lives here: words. What never will: a rule.
"""

from __future__ import annotations

from holdfast.core.breaker import BreakerState
from holdfast.core.endpoints import Endpoints
from holdfast.core.faults import Fault, fault
from holdfast.core.limits import Limits
from holdfast.core.recovery import DialNow, NoHope, Recovery, WaitFor

DOWN = fault("provider.unreachable")
CUT = fault("provider.connection_lost")
KEY = fault("configuration.invalid_api_key")
BUSY = fault("provider.rate_limited")


class Node:
    """`Endpoints` with a clock that the test moves and a chance that it sets."""

    def __init__(self, names: int = 1, limits: Limits | None = None) -> None:
        self.endpoints = Endpoints([f"e{number}" for number in range(names)], limits or Limits())
        self.now = 100.0
        self.chance = 0.5

    def starting(self, budget_s: float = 35.0) -> Recovery:
        return Recovery(self.now, was_live=False, budget_s=budget_s)

    def decide(self, recovery: Recovery) -> DialNow | WaitFor | NoHope:
        return self.endpoints.decide(recovery, self.now, self.chance)

    def dial(self, recovery: Recovery | None = None) -> tuple[Recovery, DialNow]:
        recovery = recovery or self.starting()
        decision = self.decide(recovery)
        assert isinstance(decision, DialNow), decision
        return recovery, decision

    def wait(self, recovery: Recovery) -> WaitFor:
        decision = self.decide(recovery)
        assert isinstance(decision, WaitFor), decision
        return decision

    def end(self, recovery: Recovery) -> NoHope:
        decision = self.decide(recovery)
        assert isinstance(decision, NoHope), decision
        return decision

    def until_dial(self, recovery: Recovery) -> tuple[float, DialNow]:
        """Wait as told until there is a dial; how long that took."""
        began = self.now
        while isinstance(decision := self.decide(recovery), WaitFor):
            self.now += decision.seconds
        assert isinstance(decision, DialNow), decision
        return self.now - began, decision

    def fail(self, recovery: Recovery, cause: Fault = DOWN, after: float = 0.0) -> Recovery:
        self.now += after
        assert recovery.under_way is not None
        self.endpoints.dial_failed(recovery.under_way.endpoint, recovery, cause, self.now, self.chance)
        return recovery

    def live(self, many: int = 1, after: float = 0.0) -> None:
        for _ in range(many):
            recovery, dial = self.dial()
            self.now += after
            self.endpoints.went_live(dial.endpoint, recovery, self.now)

    def go_live(self, recovery: Recovery) -> None:
        assert recovery.under_way is not None
        self.endpoints.went_live(recovery.under_way.endpoint, recovery, self.now)

    def lose(self, endpoint: int = 0, cause: Fault = CUT, recovery: Recovery | None = None) -> Recovery:
        recovery = recovery or Recovery(self.now, was_live=True, budget_s=15.0)
        self.endpoints.lost_live(endpoint, recovery, cause, self.now, self.chance)
        return recovery

    def break_endpoint(self, cause: Fault = DOWN) -> None:
        """Five sessions dial in vain and leave."""
        for _ in range(5):
            recovery, _dial = self.dial()
            self.endpoints.dropped(self.fail(recovery, cause))

    def state(self, index: int = 0) -> BreakerState:
        return self.endpoints.status(self.now)[index].state
