"""What a message costs more with everything that watches on: `python -m benchmarks.observing`.

What lives here: which settings turn it off. What never will: the measurement (`holdfast.bench.against`).
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from typing import Final

from benchmarks.compare import WARM_UP_S, judge
from benchmarks.rig.report import Result, arguments, carry_out, progress
from holdfast.bench import against
from holdfast.bench.revision import this_checkout

BOUND: Final = 1.03
"""More than this it must not cost."""
OFF: Final = {
    "HOLDFAST_RECORDER__STEPS": "false",
    "HOLDFAST_METRICS__ACCESS": "off",
    "HOLDFAST_TRANSCRIPTS__ENABLED": "false",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run, print, write. 1 when something is not as it must be."""
    parser = arguments(str(__doc__).partition("\n")[0])
    shape = against.Shape()
    parser.add_argument("--pairs", type=int, default=shape.pairs)
    parser.add_argument("--sessions", type=int, default=shape.sessions)
    parser.add_argument("--seconds", type=float, default=shape.seconds)
    parser.add_argument("--warm-up", type=float, default=WARM_UP_S, help="seconds before a message counts")
    asked = parser.parse_args(argv)
    shape = against.Shape(asked.sessions, asked.pairs, asked.seconds, asked.warm_up)

    async def measure(result: Result) -> None:
        judge(await asyncio.to_thread(against.run_without, OFF, BOUND, shape, progress), result)

    about = {name: getattr(asked, name) for name in ("pairs", "sessions", "seconds", "warm_up")}
    title = "What watching costs a message: recorder, metrics and transcripts on, beside off"
    result = Result("observing", title, this_checkout(), asked.seed, about)
    return carry_out(result, asked, measure)


if __name__ == "__main__":
    sys.exit(main())
