"""`holdfast explain CODE`: one row of the fault table, in words.

What lives here: the command, how a row is told.
What never will: texts about a fault; they stand in the table.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Final

import typer

from holdfast.cli.errors import Exit, fail
from holdfast.core.faults import FAULTS, FaultRow, Party, Retry, Switch, Then

EXAMPLES = """
Examples:

  holdfast explain provider.rate_limited

  holdfast explain configuration.invalid_api_key --json

  holdfast explain provider   (lists the codes of a party)

  holdfast explain            (lists all codes)
"""

_RETRIED: Final[Mapping[Retry, str]] = {
    Retry.NEVER: "no",
    Retry.BACKOFF: "yes, with growing pauses",
    Retry.WAIT: "yes, when the other side allows it",
}
_SWITCHED: Final[Mapping[Switch, str]] = {
    Switch.NO: "no",
    Switch.AT_ONCE: "yes, at once",
    Switch.IF_IT_LASTS: "yes, if the same one fails again",
}
_THEN: Final[Mapping[Then, str]] = {
    Then.RESUME: "come back for the same session",
    Then.FRESH: "begin a new session",
    Then.STOP: "stay away until something has changed",
    Then.END: "nothing: it is an ordinary end",
}


def as_object(row: FaultRow) -> dict[str, object]:
    """A row for machines."""
    return {
        "code": row.code,
        "party": str(row.party),
        "message": row.message,
        "advice": row.advice,
        "remedy": row.remedy,
        "meaning": row.meaning,
        "evidence": list(row.evidence),
        "retry": str(row.retry),
        "retryable": row.retryable,
        "switch": str(row.switch),
        "closeCode": row.close_code if row.ends else None,
        "then": str(row.then) if row.ends else None,
        "emulate": row.emulate,
        "provoke": provocation(row),
        "alarm": None
        if row.alarm is None
        else {"severity": row.alarm.severity, "count": row.alarm.count, "minutes": row.alarm.minutes},
        "page": row.page,
    }


def provocation(row: FaultRow) -> str:
    """What one does to see the fault."""
    emulated = f"holdfast emulate --fault {row.emulate}" if row.emulate else ""
    return ", ".join(filter(None, (emulated, row.provoke)))


def alarm(row: FaultRow) -> str:
    """Who hears of it, and when."""
    if row.alarm is None:
        return "nobody is called"
    count, minutes = row.alarm.count, row.alarm.minutes
    return f"{row.alarm.severity}: {count} in {minutes} min"


def lines(row: FaultRow) -> Iterator[tuple[str, str]]:
    """A row for people: label and text."""
    yield "whose", str(row.party)
    yield "meaning", row.meaning
    yield "users see", " ".join(filter(None, (row.message, row.advice)))
    yield "do", row.remedy
    yield "evidence", "; ".join(row.evidence) or "none"
    if row.ends:
        yield "retried", _RETRIED[row.retry]
        yield "switched", _SWITCHED[row.switch]
        yield "close code", f"{row.close_code}: {_THEN[row.then]}"
    else:
        yield "close code", "none: a session goes on, or there was none yet"
    yield "alarm", alarm(row)
    yield "provoke", provocation(row)
    yield "page", row.page


def explain(
    code: Annotated[
        str | None, typer.Argument(help="A code such as provider.silent, or a party; none lists all.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """What a fault means, how it is recognised, whose it is, what to do, how to provoke it."""
    if code is None or code in set(Party):
        _list((row for row in FAULTS.values() if code in {None, row.party}), as_json=as_json)
        return
    row = FAULTS.get(code)
    if row is None:
        near = nearest(code)
        hint = f"Did you mean {', '.join(near)}?" if near else "`holdfast explain` lists all codes."
        fail(f"no fault is called {code!r}.", "", hint, exit_code=Exit.WRONG_USE, as_json=as_json)
    if as_json:
        print(json.dumps(as_object(row), ensure_ascii=False))
        return
    print(f"{row.code}\n")
    for label, text in lines(row):
        print(f"  {label:<10} {text}")


def nearest(code: str) -> list[str]:
    """Codes that may have been meant: alike in spelling, or with a word in common; the likest first."""
    asked = code.strip().lower().replace("-", "_")
    words = set(asked.replace(".", "_").split("_"))
    by_name = {name.partition(".")[2]: name for name in FAULTS}
    likest = difflib.get_close_matches(asked.partition(".")[2] or asked, by_name, n=2)
    alike = [by_name[name] for name in likest]
    alike += difflib.get_close_matches(asked, FAULTS, n=3, cutoff=0.6)
    alike += [name for name in FAULTS if words & set(name.partition(".")[2].split("_"))]
    return list(dict.fromkeys(alike))[:3]


def _list(rows: Iterable[FaultRow], *, as_json: bool) -> None:
    listed = list(rows)
    if as_json:
        print(json.dumps([as_object(row) for row in listed], ensure_ascii=False))
        return
    width = max(len(row.code) for row in listed)
    for row in listed:
        print(f"{row.code:<{width}}  {row.meaning}")
