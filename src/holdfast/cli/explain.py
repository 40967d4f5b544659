"""`holdfast explain CODE`: one row of the fault table, in words.

What lives here: the command. What never will: texts; they stand in the table.
"""

from __future__ import annotations

import difflib
import json
from typing import Annotated

import typer

from holdfast.cli.errors import Exit, fail
from holdfast.core.faults import FAULTS, FaultRow

EXAMPLES = """
Examples:

  holdfast explain provider.rate_limited

  holdfast explain configuration.invalid_api_key --json

  holdfast explain            (lists all codes)
"""


def as_object(row: FaultRow) -> dict[str, object]:
    """A row for machines."""
    return {
        "code": row.code,
        "party": str(row.party),
        "message": row.message,
        "remedy": row.remedy,
        "retry": str(row.retry),
        "retryable": row.retryable,
        "closeCode": row.close_code,
    }


def explain(
    code: Annotated[
        str | None, typer.Argument(help="A code such as provider.silent; none lists all.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """What a fault means, whose it is, what to do."""
    if code is None:
        _list_all(as_json=as_json)
        return
    row = FAULTS.get(code)
    if row is None:
        near = difflib.get_close_matches(code, FAULTS, n=3, cutoff=0.4)
        hint = f"Did you mean {', '.join(near)}?" if near else "`holdfast explain` lists all codes."
        fail(f"no fault is called {code!r}.", "", hint, exit_code=Exit.WRONG_USE, as_json=as_json)
    if as_json:
        print(json.dumps(as_object(row)))
        return
    again = {
        "never": "no",
        "backoff": "yes, with growing pauses",
        "wait": "yes, when the other side allows it",
    }
    print(f"{row.code}\n")
    print(f"  whose      {row.party}")
    print(f"  users see  {row.message}")
    print(f"  do         {row.remedy}")
    print(f"  retried    {again[row.retry]}")
    print(f"  close code {row.close_code}")


def _list_all(*, as_json: bool) -> None:
    if as_json:
        print(json.dumps([as_object(row) for row in FAULTS.values()]))
        return
    width = max(map(len, FAULTS))
    for row in FAULTS.values():
        print(f"{row.code:<{width}}  {row.message}")
