"""The gateway's cost for a message beside another revision's: `python -m benchmarks.compare --base HEAD~1`.

What lives here: `holdfast bench --against`, with a dated page.
What never will: the measurement (`holdfast.bench.against`).
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence

from benchmarks.rig.report import Result, arguments, carry_out, progress
from holdfast.bench import against
from holdfast.bench.revision import this_checkout
from holdfast.core.limits import DEFAULT

WARM_UP_S = DEFAULT.input_replayed_s + 2.0
"""From there on memory goes round; until then each message lies in memory that nobody has touched before."""


def judge(found: against.Comparison, result: Result) -> None:
    """What must be so: the interval does not lie above the bound, and every byte came back."""
    for face, title in against.FACES.items():
        base_us, candidate_us = found.cost_us(face)
        ratio, verdict = found.ratio(face), found.verdict(face)
        result.rows.append(
            {
                "face": title,
                "base us": round(base_us, 2),
                "candidate us": round(candidate_us, 2),
                "ratio": round(ratio.median, 4),
                "95 % from": ratio.low,
                "to": ratio.high,
                "pairs": ratio.n,
                "verdict": verdict,
            }
        )
        low = ratio.low if ratio.low is not None else float("nan")
        fine = verdict != "fails"
        result.check(f"{title}: low end of the ratio's interval", low, found.bound, is_fine=fine)
    result.check("messages lost or altered", found.faulty, 0)
    result.notes += [
        f"base {found.base.name}: {found.base.title}",
        f"{found.messages} messages compared; {found.disturbed} of {len(found.rounds)} pairs held up",
        "interval from order statistics; moments at which sessions begin are not seeded",
    ]
    result.details.update(found.as_json())


def main(argv: Sequence[str] | None = None) -> int:
    """Run, print, write. 1 when something is not as it must be."""
    parser = arguments(str(__doc__).partition("\n")[0])
    parser.add_argument("--base", default="HEAD~1", help="the revision to stand beside")
    parser.add_argument("--pairs", type=int, default=against.Shape().pairs)
    parser.add_argument("--sessions", type=int, default=against.Shape().sessions)
    parser.add_argument("--seconds", type=float, default=against.Shape().seconds)
    parser.add_argument(
        "--warm-up",
        type=float,
        default=WARM_UP_S,
        help="seconds of talk before a message counts: until sessions have filled what they keep; or 1",
    )
    asked = parser.parse_args(argv)
    shape = against.Shape(asked.sessions, asked.pairs, asked.seconds, asked.warm_up)

    async def measure(result: Result) -> None:
        judge(await asyncio.to_thread(against.run, asked.base, shape, progress, asked.rev), result)

    about = {name: getattr(asked, name) for name in ("base", "pairs", "sessions", "seconds", "warm_up")}
    result = Result("compare", "What a message costs more", this_checkout(), asked.seed, about)
    return carry_out(result, asked, measure)


if __name__ == "__main__":
    sys.exit(main())
