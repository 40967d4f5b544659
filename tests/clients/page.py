"""The matrix as a table, for the terminal and for docs/measurements.

What lives here: layout. What never will: a judgement.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.rig.report import MEASUREMENTS

from holdfast.bench import machine
from holdfast.bench.revision import this_checkout
from tests.clients.cells import Cell

_FACTS = ("processor", "cores", "system", "python")


def table(cells: Sequence[Cell]) -> str:
    """Client and scene in rows, upstreams in columns; below it why a cell did not pass."""
    columns = list(dict.fromkeys((cell.upstream, cell.killed) for cell in cells))
    rows = list(dict.fromkeys((cell.client, cell.scene) for cell in cells))
    found = {(cell.client, cell.scene, cell.upstream, cell.killed): cell for cell in cells}
    heads = [f"{upstream}, killed" if killed else upstream for upstream, killed in columns]
    lines = [_row(["client", "scene", *heads]), _row(["---"] * (len(heads) + 2))]
    notes: list[str] = []
    for client, scene in rows:
        row = [client, scene]
        for column in columns:
            cell = found.get((client, scene, *column))
            row.append(_word(cell, notes))
        lines.append(_row(row))
    lines += ["", *(f"{number}. {note}" for number, note in enumerate(notes, 1)), "", _sum(cells)]
    return "\n".join(lines)


def _word(cell: Cell | None, notes: list[str]) -> str:
    if cell is None:
        return ""
    if cell.passed:
        return "pass"
    reasons = filter(None, (cell.failed, cell.skipped, *cell.wrong[:3]))
    why = " ".join(" / ".join(reasons).split()).replace("|", "\\|")
    if why not in notes:
        notes.append(why)
    return f"{'no' if cell.skipped else 'FAIL'} ({notes.index(why) + 1})"


def _sum(cells: Sequence[Cell]) -> str:
    tried = [cell for cell in cells if not cell.skipped]
    passed = sum(cell.passed for cell in tried)
    events = sum(cell.events for cell in tried)
    wrong = sum(len(cell.wrong) for cell in tried)
    repeated = sum("sounded" in one or "began with it again" in one for cell in tried for one in cell.wrong)
    killed = [cell for cell in tried if cell.killed]
    return (
        f"{passed} of {len(tried)} cells pass, {len(cells) - len(tried)} were not tried. "
        f"{events} server events were read, {wrong} complaints about type or order. "
        f"Of {len(killed)} conversations whose upstream was killed in the middle of an answer "
        f"{sum(not cell.failed for cell in killed)} were finished; repeated audio: {repeated}."
    )


def _row(texts: Iterable[str]) -> str:
    return f"| {' | '.join(texts)} |"


def write(cells: Sequence[Cell]) -> Path:
    """The dated page."""
    now = datetime.now(UTC)
    facts = machine.description()
    path = MEASUREMENTS / f"{now:%Y-%m-%d-%H%M}-clients.md"
    path.write_text(
        "# Clients of strangers, unchanged, with each kind of upstream\n\n"
        f"* {now:%Y-%m-%d %H:%M} UTC, commit {this_checkout().name}\n"
        f"* {', '.join(f'{name} {facts[name]}' for name in _FACTS)}\n\n"
        "Each cell: the client finished its scene, every event of the server is valid by the official types\n"
        "in strict mode, and the orders hold. `killed`: after four audio messages of an answer the\n"
        "upstream's connection is reset, or the engine's process killed.\n\n"
        f"{table(cells)}\n"
    )
    return path
