"""What to do when an upstream is lost: dial again after a while, or give up.

What lives here: the decision, a pure function of the fault, the attempts, the time spent and chance.
What never will: dialling.

Today only a session that is still starting is dialled again. Rebuilding one that was live (restore settings,
conversation and unanswered audio) gets its branch here; until then the decision is an honest `GiveUp`.
"""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.core.faults import Fault, Retry
from holdfast.core.limits import Limits


@dataclass(frozen=True, slots=True)
class Redial:
    delay_s: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    reason: str


def decide(
    fault: Fault,
    *,
    was_live: bool,
    attempts: int,
    spent_s: float,
    chance: float,
    limits: Limits,
) -> Redial | GiveUp:
    """Judge a loss. `attempts` counts dials so far, `spent_s` is since the first, `chance` in [0, 1).

    Full jitter: a random share of an exponentially growing bound, so that many sessions that fell together
    do not come back together. A provider's own delay is a lower bound.
    """
    if was_live:
        return GiveUp("a live session cannot be rebuilt yet")
    if fault.row.retry is Retry.NEVER:
        return GiveUp("trying again would not help")
    if attempts > limits.retries:
        return GiveUp(f"{attempts} attempts failed")
    bound_s = min(limits.retry_cap_s, limits.retry_base_s * 2 ** (attempts - 1))
    delay_s = chance * bound_s + (fault.retry_after_s or 0.0)
    if spent_s + delay_s > limits.start_budget_s:
        return GiveUp(f"{spent_s:.0f} s were spent")
    return Redial(delay_s)
