"""How every command speaks to people, and says that something is wrong: what, why, fix; with which exit code.

What lives here: words on a terminal, exit codes, the three lines, their form as JSON.
What never will: finding out what is wrong.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from enum import IntEnum
from typing import Any, NoReturn, TextIO

import typer

from holdfast.core.faults import FAULTS


class Exit(IntEnum):
    """Exit codes of all commands."""

    FINE = 0
    TROUBLE = 1
    WRONG_USE = 2


def say(text: str = "", *, to: TextIO | None = None) -> None:
    """Lines for people. What strangers have written may be in them: no terminal obeys that."""
    lines = text.split("\n")
    if not all(map(str.isprintable, lines)):
        from holdfast.telemetry.redaction import escape  # noqa: PLC0415 - a third of a second, and seldom needed

        lines = list(map(escape, lines))
    print("\n".join(lines), file=to, flush=True)


def shows_unicode() -> bool:
    """Whether what reads our output understands marks beyond ASCII."""
    return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"


def fail(
    what: str,
    why: str = "",
    fix: str = "",
    *,
    exit_code: int = Exit.TROUBLE,
    as_json: bool = False,
    code: str | None = None,
) -> NoReturn:
    """Say it on standard error and leave. With `as_json` it is one object there: {"error": {...}}."""
    told = {
        key: value for key, value in (("code", code), ("what", what), ("why", why), ("fix", fix)) if value
    }
    if as_json:
        print(json.dumps({"error": told}, ensure_ascii=False), file=sys.stderr)
    else:
        say(f"error: {what}", to=sys.stderr)
        for name in ("why", "fix", "code"):
            if name in told:
                say(f"  {name + ':':<5} {told[name]}", to=sys.stderr)
    raise typer.Exit(int(exit_code))


def fail_by_fault(
    code: str, evidence: Sequence[str], *, told: dict[str, Any] | None = None, as_json: bool = False
) -> NoReturn:
    """Leave with a row of the fault table, in its words; the evidence is why. `told` is the other side's own
    fault object and knows better whose it is and what to do.
    """
    row = FAULTS[code]
    known = told or {}
    what = str(known.get("message") or row.message)
    party = str(known.get("party") or row.party)
    remedy = str(known.get("remedy") or row.remedy)
    fail(what, "; ".join([*evidence, f"whose fault: {party}"]), remedy, as_json=as_json, code=code)
