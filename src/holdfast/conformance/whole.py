"""Checks over everything that was heard in the visit.

What lives here: the group `whole`; it is run last.
What never will: asking anything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from holdfast.conformance import rules
from holdfast.conformance.shapes import SHAPES, misshapen
from holdfast.conformance.talking import nothing_wrong
from holdfast.conformance.verdict import Check, Skipped
from holdfast.conformance.visit import Heard, Visit

_PREFIXES: Final = {"event_id": "event_", "response_id": "resp_", "call_id": "call_"}


def _ids(heard: Sequence[Heard]) -> tuple[list[str], str]:
    events = [event for one in heard for event in one.events]
    return rules.unique_ids(events), f"{len(events)} events, as many ids"


def _ends(heard: Sequence[Heard]) -> tuple[list[str], str]:
    whole = [one for one in heard if one.is_whole]
    wrong = [f"connection {one.number}: {text}" for one in whole for text in rules.one_end_each(one.events)]
    count = sum(event["type"] == "response.created" for one in whole for event in one.events)
    return wrong, f"{count} responses, as many ends"


def _shapes(heard: Sequence[Heard]) -> tuple[list[str], str]:
    known = [event for one in heard for event in one.events if event["type"] in SHAPES]
    wrong = Counter(text for event in known for text in misshapen(event))
    return list(wrong), f"{len(known)} events with all their fields"


def _known(heard: Sequence[Heard]) -> tuple[list[str], str]:
    kinds = Counter(event["type"] for one in heard for event in one.events)
    wrong = [f"{kind} came {count} times" for kind, count in kinds.items() if kind not in SHAPES]
    return wrong, f"{len(kinds)} types, all of the dialect"


def _prefixes(heard: Sequence[Heard]) -> tuple[list[str], str]:
    mine = ("call_mine_1",)
    wrong = Counter(
        f"{name} {str(event[name])[:24]!r} does not begin with {prefix}"
        for one in heard
        for event in one.events
        for name, prefix in _PREFIXES.items()
        if isinstance(event.get(name), str) and not event[name].startswith(prefix) and event[name] not in mine
    )
    return list(wrong), "event_, resp_, call_"


def _sessions(heard: Sequence[Heard]) -> tuple[list[str], str]:
    ids = [
        (event.get("session") or {}).get("id")
        for one in heard
        for event in one.events
        if event["type"] == "session.created"
    ]
    wrong = [f"{one} is the id of {count} sessions" for one, count in Counter(ids).items() if count > 1]
    return wrong, f"{len(ids)} sessions, as many ids"


def _check(
    name: str, sentence: str, section: str, look: Callable[[Sequence[Heard]], tuple[list[str], str]]
) -> Check:
    async def run(visit: Visit) -> str:
        if not any(one.events for one in visit.heard):
            raise Skipped("nothing was heard: run other checks with this one")
        wrong, evidence = look(visit.heard)
        nothing_wrong(wrong)
        return evidence

    return Check(f"whole.{name}", sentence, section, run)


CHECKS: Final = (
    _check("event_ids", "Every event has an id, and no two the same.", "11.3", _ids),
    _check("session_ids", "No two sessions have the same id.", "11.3", _sessions),
    _check("prefixes", "Ids begin as the dialect's do.", "11.3", _prefixes),
    _check("ends", "Every response ended exactly once, and was silent after that.", "7.3", _ends),
    _check("shapes", "Every event has its required fields.", "7", _shapes),
    _check("known", "No event is outside of the dialect.", "11.12", _known),
)
