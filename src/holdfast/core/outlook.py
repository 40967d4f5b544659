"""When one recovery may dial one endpoint, and how long it waits until then.

What lives here: the answer for one endpoint, and the wait that a session is told.
What never will: how the answer is found (`endpoints`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from holdfast.core.recovery import WaitFor

ASK_AGAIN_S: Final = 0.5
"""While something may change at any moment; twice that while a known time has to pass."""
WAIT_LEAST_S: Final = 0.01
"""Shorter ones would be rounding."""
ANSWERED_S: Final = 0.75
"""A probe that has no answer by then will hardly have one."""
NEVER: Final = float("inf")


@dataclass(frozen=True, slots=True)
class Outlook:
    """No reason: now."""

    at: float
    reason: str = ""
    is_worth_waiting: bool = False
    """The endpoint is well and only our own delay stands before it."""
    asked_at: float | None = None
    """When the probe began whose answer is waited for."""
    answered_by: float = NEVER
    """When it must have been answered, and the next one may go."""


def wait(outlook: Outlook, now: float, chance: float) -> WaitFor:
    """Until then, but asking again now and then, each session at its own moments."""
    expected_s = outlook.at - now
    ask_s = ASK_AGAIN_S * (1 + chance) / 2
    if expected_s > 2 * ASK_AGAIN_S:
        ask_s *= 2
    seconds = max(WAIT_LEAST_S, min(expected_s, ask_s))
    return WaitFor(seconds, outlook.reason, expected_s)


def wait_in_outage(outlook: Outlook, until: float, now: float, chance: float) -> WaitFor | None:
    """While nobody can be reached there is nothing to ask between probes. None: that would be too late."""
    if outlook.asked_at is not None and now < outlook.asked_at + ANSWERED_S:
        return replace(wait(outlook, now, chance), is_outage=True)
    at = outlook.at if outlook.asked_at is None else outlook.answered_by
    if at > until:
        return None
    return WaitFor(max(WAIT_LEAST_S, at - now), outlook.reason, at - now, is_outage=True)
