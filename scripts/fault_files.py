"""What is written from the fault table: its page, the words of the web client, its data for tests of the web.

What lives here: the table's rows as Markdown, TypeScript and JSON. What never will: words that no row says.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Final

from holdfast.cli.explain import as_object, lines
from holdfast.core.faults import FAULTS, FOUND_BY_PAGE, FaultRow, Party, after_close

_INTRODUCTION: Final = """\
One row for each thing that can go wrong, from the table that also decides retries, switches, close codes and
the words users see. A code is the same in the page, the protocol, the log, the metrics, the console and the
doctor; `holdfast explain CODE` prints its row. Its first word is the party at whose door the fault lies. An
alarm is for one gateway: so many in so many minutes, and somebody is paged or finds a ticket."""

_CLOSES: Final = (1000, 1001, 1002, 1003, 1006, 1007, 1008, 1009, 1011, 1012, 1013, 1014, 3000)
_RANGES: Final = (4400, 4401, 4403, 4404, 4408, 4409, 4429, 4450, 4500, 4502, 4503, 4507, 4550)

_BY_HAND: Final = "Change the code, not this file."


def page(note: str) -> str:
    """docs/reference/faults.md."""
    parts = ["# Faults", note, _INTRODUCTION]
    for party in Party:
        rows = [row for row in FAULTS.values() if row.party is party]
        parts.append(f"## {str(party).replace('_', ' ').capitalize()}")
        for row in rows:
            parts += _section(row)
    return "\n\n".join(parts)


def _section(row: FaultRow) -> Iterator[str]:
    yield f"### {row.code}"
    told = ((label, text) for label, text in lines(row) if label not in _SAID)
    yield "\n".join(f"- **{label}**: {_text(label, text)}" for label, text in told)


_SAID: Final = frozenset({"whose", "page"})
"""Said by where it stands."""


def _text(label: str, text: str) -> str:
    if label == "provoke" and text.startswith("holdfast "):
        command, comma, rest = text.partition(", ")
        return f"`{command}`{comma}{rest}"
    return text


def words_of_page() -> str:
    """web/packages/react/src/faults.ts: the words for what the page finds by itself."""
    rows = "".join(f"  {name}: {_line(FAULTS[code])},\n" for name, code in FOUND_BY_PAGE.items())
    return (
        "/**\n * The words for what the page finds by itself: those of the gateway's table.\n *\n"
        f" * Written by `make docs` from the fault table. {_BY_HAND}\n */\n\n"
        f"export const FAULT_LINES = {{\n{rows}}} as const;"
    )


def _line(row: FaultRow) -> str:
    headline = row.message.removesuffix(".")
    fields = {"code": row.code, "headline": headline, "detail": row.advice}
    return "{ " + ", ".join(f"{name}: {_quoted(text)}" for name, text in fields.items()) + " }"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def table() -> str:
    """web/packages/client/test/fault-table.json: rows and close codes, for tests of the page's verdicts."""
    closes: Mapping[int, str] = {code: str(after_close(code)) for code in (*_CLOSES, *_RANGES)}
    told = {"closes": closes, "faults": [as_object(row) for row in FAULTS.values()]}
    return json.dumps(told, ensure_ascii=False, indent=1)
