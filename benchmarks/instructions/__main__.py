"""Count, and compare with what holds: `python -m benchmarks.instructions [FACE...]`.

What lives here: the table, the bounds in `bounds.json`, the verdict.
What never will: counting.

A row may cost so much more than its bound and no more; when it has become cheaper, or has to cost more, the
new count is written by `--write`, and the reason stands in the commit. Bounds are for one environment: where
it is another (Python, compiler, libraries), counts are printed and nothing is judged, unless
HOLDFAST_REQUIRE_VALGRIND is set.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from benchmarks.instructions.counts import CannotCountError, Count, count, environment
from benchmarks.instructions.faces import FACES, here
from benchmarks.rig.report import table

BOUNDS: Final = Path(__file__).with_name("bounds.json")
TOLERANCE: Final = 0.05
"""What is left of chance when each row is the cheapest of a few placements (`counts`): some 2 %."""

Bounds = Mapping[str, Mapping[str, int]]


def dearer(found: Mapping[str, Count], bounds: Mapping[str, int]) -> list[str]:
    """The rows that cost more than they may. A row without a bound is one of them."""
    return [name for name, one in found.items() if one.each > bounds.get(name, 0) * (1 + TOLERANCE)]


def text(found: Mapping[str, Count], bounds: Mapping[str, int]) -> str:
    """The table for people."""
    libraries = sorted({name for one in found.values() for name in one.by_library})
    rows = [
        {
            "face": name,
            "what": FACES[name].title,
            "instructions": round(one.each),
            "bound": bounds.get(name),
            "change": f"{one.each / bounds[name] - 1:+.1%}" if name in bounds else None,
            **{library: round(one.by_library.get(library, 0)) for library in libraries},
        }
        for name, one in found.items()
    ]
    return "\n".join(table(rows))


def main(arguments: Sequence[str]) -> int:
    """Answers the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "faces", nargs="*", metavar="FACE", help=f"of {', '.join(FACES)}; all when none is named"
    )
    parser.add_argument("--write", action="store_true", help="let what was counted be the bounds from now on")
    parser.add_argument("--json", action="store_true", help="print the counts as JSON")
    asked = parser.parse_args(arguments)
    is_required = bool(os.environ.get("HOLDFAST_REQUIRE_VALGRIND"))
    try:
        found = count(asked.faces or here())
    except CannotCountError as error:
        sys.stderr.write(f"{'error' if is_required else 'note'}: instructions are not counted: {error}\n")
        return int(is_required)
    where = environment()
    all_bounds: dict[str, dict[str, int]] = json.loads(BOUNDS.read_text())
    bounds = all_bounds.get(where)
    if asked.write:
        kept = {**(bounds or {}), **{name: round(one.each) for name, one in found.items()}}
        all_bounds[where] = bounds = {name: kept[name] for name in FACES if name in kept}
        BOUNDS.write_text(json.dumps(all_bounds, indent=2) + "\n")
    if asked.json:
        sys.stdout.write(json.dumps({name: asdict(one) for name, one in found.items()}) + "\n")
    else:
        sys.stdout.write(f"instructions for one message; {where}\n\n{text(found, bounds or {})}\n\n")
    if bounds is None:
        sys.stderr.write(
            "No bounds are known for this environment: `make instructions WRITE=1` makes them.\n"
        )
        return int(is_required)
    over = dearer(found, bounds)
    sys.stderr.writelines(f"FAIL  {name}: more than {TOLERANCE:.0%} over its bound\n" for name in over)
    return int(bool(over))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
