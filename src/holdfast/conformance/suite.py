"""The suite: all checks in order, and running them one after another.

What lives here: the list, choosing from it, a time limit for each check.
What never will: printing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from holdfast.conformance import (
    answers,
    calls,
    chaos,
    connecting,
    frames,
    hearing,
    items,
    mistakes,
    sessions,
    traps,
    upstream,
    whole,
)
from holdfast.conformance.caller import Refused
from holdfast.conformance.verdict import EVIDENCE_CHARS, Check, Failed, Outcome, Report, Result, Skipped
from holdfast.conformance.visit import Target, Visit, hang_up

CHECK_PATIENCES: Final = 12
"""A check may take so many times the patience with one answer."""

CHECKS: Final[Sequence[Check]] = (
    *connecting.CHECKS,
    *sessions.CHECKS,
    *items.CHECKS,
    *answers.CHECKS,
    *calls.CHECKS,
    *hearing.CHECKS,
    *mistakes.CHECKS,
    *traps.CHECKS,
    *frames.CHECKS,
    *chaos.CHECKS,
    *upstream.CHECKS,
    *whole.CHECKS,
)
"""All checks, in the order in which they are made."""

GROUPS: Final = tuple(dict.fromkeys(check.group for check in CHECKS))


class Unreachable(Exception):  # noqa: N818 - the server is
    """No session could be opened at all. The message says why."""


def chosen(only: Sequence[str], *, with_chaos: bool, with_upstream: bool) -> list[Check]:
    """The checks of these groups or with these ids (or beginnings of ids); without any, all that are asked
    for. Raises `KeyError` with a name that is none.
    """
    for name in only:
        if not any(_is_named(check, name) for check in CHECKS):
            raise KeyError(name)
    if only:
        return [check for check in CHECKS if any(_is_named(check, name) for name in only)]
    left_out = {"chaos": not with_chaos, "upstream": not with_upstream}
    return [check for check in CHECKS if not left_out.get(check.group, False)]


def _is_named(check: Check, name: str) -> bool:
    return check.id == name or check.id.startswith(f"{name}.")


async def run(
    target: Target, checks: Sequence[Check], told: Callable[[Result], None] = lambda _: None
) -> Report:
    """Make the checks, one after another; `told` gets each result as it comes. Raises `Unreachable`."""
    visit = Visit(target)
    await _knock(visit)
    results = []
    for check in checks:
        result = await make(check, visit)
        told(result)
        results.append(result)
    return Report(tuple(results))


async def make(check: Check, visit: Visit) -> Result:
    """Make one check."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    limit_s = CHECK_PATIENCES * max(visit.target.patience_s, 1.0)
    try:
        async with asyncio.timeout(limit_s):
            outcome, evidence = Outcome.PASSED, await check.run(visit)
    except Failed as failed:
        outcome, evidence = Outcome.FAILED, str(failed)
    except Skipped as skipped:
        outcome, evidence = Outcome.SKIPPED, str(skipped)
    except Refused as refused:
        outcome, evidence = Outcome.FAILED, str(refused)
    except TimeoutError:
        outcome, evidence = Outcome.FAILED, f"not over within {limit_s:g} s"
    except (KeyError, TypeError, AttributeError, IndexError, ValueError) as odd:
        # An event that is not shaped as the dialect says: whoever reads it stumbles. That is a verdict.
        outcome, evidence = Outcome.FAILED, f"an event lacks what belongs there: {type(odd).__name__} {odd}"
    return Result(check, outcome, evidence[:EVIDENCE_CHARS], (loop.time() - begun) * 1000)


async def _knock(visit: Visit) -> None:
    """See whether anybody is there at all."""
    try:
        caller = await visit.dial(whole=False)
    except Refused as refused:
        raise Unreachable(str(refused)) from refused
    try:
        first = await caller.next(wanted="session.created")
    except Failed as failed:
        raise Unreachable(str(failed)) from failed
    finally:
        await hang_up(caller)
    if first["type"] == "error":
        raise Unreachable(f"the session was refused: {first.get('error')}")
