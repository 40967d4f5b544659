"""How often the verdict is right: each fault many times, the truth beside what doctor and gateway said.

python -m benchmarks.verdicts --runs 20
python -m benchmarks.verdicts --runs 20 --part verdicts.jsonl      (goes on where it was interrupted)
python -m benchmarks.verdicts --only "close 10" --sides doctor --runs 3 --no-page
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.rig.report import Cell, Result, arguments, carry_out, progress
from benchmarks.verdicts.explained import why
from benchmarks.verdicts.house import Run
from benchmarks.verdicts.sides import SIDES
from benchmarks.verdicts.truth import CLIENT, HEALTHY, NO_SESSION, UPSTREAM, WAY, Case, party_of
from holdfast import telemetry
from holdfast.bench.revision import this_checkout

RUN_S: Final = 60.0
PARTY_SHARE: Final = 0.95
CODE_SHARE: Final = 0.90
HEALTHY_RUNS: Final = 200
_OF_UPSTREAM: Final = ("doctor", "page", "client")
_CALM: Final = Case("no fault", "", (HEALTHY,))

Key = tuple[str, str, int]


NOTES: Final = (
    "doctor: `holdfast doctor`; page: a session of the browser protocol; client: one behind /v1/realtime",
    "misbehaving: a page that breaks the rules, or whose network breaks",
    "looked at: its session afterwards, by `holdfast doctor --session`",
    "from outside: `holdfast doctor --url` through a proxy that breaks",
    "live verdict: what the client was told (session_ended, else error, status, response_done)",
    "where a trouble was none of the client's business: what those who run the gateway saw",
    "time-outs are a tenth of the defaults; moments, words, pace and order of turns are drawn by the seed",
)


def work(asked: argparse.Namespace) -> Iterator[tuple[str, Run]]:
    """All runs: which side, which run."""
    for case in UPSTREAM:
        for side in _OF_UPSTREAM:
            yield from ((side, Run(case, at, asked.seed)) for at in range(asked.runs))
    of_session = [case for case in CLIENT if case.spelling not in NO_SESSION]
    for side, cases in (("misbehaving", CLIENT), ("looked at", of_session), ("from outside", WAY)):
        for case in cases:
            yield from ((side, Run(case, at, asked.seed)) for at in range(asked.runs))
    for side in _OF_UPSTREAM:
        yield from ((side, Run(_CALM, at, asked.seed)) for at in range(asked.healthy))


class Book:
    """What was said in which run; kept in a file, where one was named, so that a run goes on later."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self.said: dict[Key, str] = {}
        if path is not None and path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                side, case, number, verdict = json.loads(line)
                self.said[side, case, number] = verdict

    def enter(self, side: str, run: Run, verdict: str) -> None:
        """One more."""
        self.said[side, run.case.name, run.number] = verdict
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps([side, run.case.name, run.number, verdict]) + "\n")


async def all_runs(asked: argparse.Namespace, result: Result) -> None:
    """Every run, in so many lanes."""
    telemetry.configure(level="critical")
    book = Book(asked.part)
    wanted = [
        (side, run)
        for side, run in work(asked)
        if (not asked.sides or side in asked.sides.split(",")) and asked.only in run.case.name
    ]
    due = [one for one in wanted if (one[0], one[1].case.name, one[1].number) not in book.said]
    total, left = len(wanted), iter(due)
    if len(due) < total:
        result.notes.append(f"made in parts: {total - len(due)} of {total} runs were kept from earlier ones")

    async def lane() -> None:
        for side, run in left:
            book.enter(side, run, await _one(side, run))
            progress(f"{len(book.said)} of {total} runs, last: {run.case.name}, {side}", every_s=2.0)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(asked.lanes):
                group.create_task(lane())
    finally:
        judge(wanted, book, result)


async def _one(side: str, run: Run) -> str:
    """A run that fails is a wrong verdict, and is named as one."""
    try:
        async with asyncio.timeout(RUN_S):
            return await SIDES[side](run)
    except TimeoutError:
        return f"(no verdict within {RUN_S:g} s)"
    except Exception as error:  # noqa: BLE001 - whatever breaks is counted against us
        return f"({type(error).__name__}: {error})"


def judge(wanted: Sequence[tuple[str, Run]], book: Book, result: Result) -> None:
    """The table, the shares, the misses."""
    told = [(side, run, book.said.get((side, run.case.name, run.number))) for side, run in wanted]
    done = [(side, run, said) for side, run, said in told if said is not None]
    faulty = [one for one in done if one[1].case is not _CALM]
    for case in dict.fromkeys(run.case for _, run, _ in faulty):
        result.rows.append(_row(case, [one for one in faulty if one[1].case is case]))
    for side in dict.fromkeys(side for side, _, _ in faulty):
        mine = [one for one in faulty if one[0] == side]
        party = sum(is_right_party(side, run.case, said) for side, run, said in mine) / len(mine)
        code = sum(said in run.case.right(side) for side, run, said in mine) / len(mine)
        result.check(f"{side}: right party", 100 * party, 100 * PARTY_SHARE, "%", at_least=True)
        result.check(f"{side}: right code", 100 * code, 100 * CODE_SHARE, "%", at_least=True)
    for side in dict.fromkeys(side for side, run, _ in done if run.case is _CALM):
        calm = [said for one, run, said in done if one == side and run.case is _CALM]
        well = sum(said == HEALTHY for said in calm)
        result.check(f"{side}: no fault, healthy", well, len(calm), at_least=True)
    result.tables["Parties: the truth beside what was said"] = _confusion(faulty)
    _misses(faulty, result)
    result.check("runs without a verdict", len(told) - len(done), 0)


def is_right_party(side: str, case: Case, said: str) -> bool:
    """Whose it is, whatever the code."""
    return party_of(said) in {party_of(code) for code in case.right(side)}


def _row(case: Case, runs: Sequence[tuple[str, Run, str]]) -> dict[str, Any]:
    row: dict[str, Any] = {"fault": case.name, "truth": ", ".join(case.codes)}
    for side in (*_OF_UPSTREAM, "misbehaving", "looked at", "from outside"):
        mine = [said for one, _, said in runs if one == side]
        right = sum(said in case.right(side) for said in mine)
        row[side] = f"{right} of {len(mine)}" if mine else "-"
    return row


def _confusion(runs: Sequence[tuple[str, Run, str]]) -> list[Mapping[str, Cell]]:
    """One row for each party that is the truth; where several are right, the one that was said."""
    counted: Counter[tuple[str, str]] = Counter()
    for side, run, said in runs:
        right = [party_of(code) for code in run.case.right(side)]
        counted[party_of(said) if party_of(said) in right else right[0], party_of(said)] += 1
    columns = sorted({said for _, said in counted})
    return [
        {"truth": truth, **{said: counted[truth, said] or None for said in columns}}
        for truth in sorted({truth for truth, _ in counted})
    ]


def _misses(runs: Sequence[tuple[str, Run, str]], result: Result) -> None:
    """Each that was wrong, counted, with the reason where one is known."""
    missed: Counter[tuple[str, str, str, str]] = Counter()
    for side, run, said in runs:
        if said not in run.case.right(side):
            what = "code" if is_right_party(side, run.case, said) else "party"
            missed[run.case.name, side, said, what] += 1
    result.tables["Every miss"] = [
        {
            "fault": case,
            "side": side,
            "said": said,
            "wrong": what,
            "runs": count,
            "why": why(said),
        }
        for (case, side, said, what), count in missed.most_common()
    ]


def main(argv: Sequence[str] | None = None) -> int:
    """Run, print, write. 1 when fewer verdicts are right than must be."""
    parser = arguments(str(__doc__).partition("\n")[0])
    parser.add_argument("--runs", type=int, default=20, help="of each fault and side")
    parser.add_argument(
        "--healthy", type=int, default=HEALTHY_RUNS, help="runs without a fault, of each side"
    )
    parser.add_argument("--lanes", type=int, default=12, help="runs side by side")
    parser.add_argument("--only", default="", help="faults whose name has this in it")
    parser.add_argument("--sides", default="", help=f"such as doctor,page; of {', '.join(SIDES)}")
    parser.add_argument("--part", type=Path, help="keep what was said in this file, and go on with it")
    parser.add_argument("--note", action="append", default=[], help="a sentence for the page; repeatable")
    asked = parser.parse_args(argv)

    async def measure(result: Result) -> None:
        await all_runs(asked, result)

    shape = {"runs of each": asked.runs, "healthy runs": asked.healthy, "lanes": asked.lanes}
    result = Result(
        "verdicts", "Whose fault is it? Verdicts beside the truth", this_checkout(), asked.seed, shape
    )
    result.notes += [*NOTES, *asked.note]
    return carry_out(result, asked, measure)


if __name__ == "__main__":
    sys.exit(main())
