"""What a set-up costs, and what a silent session weighs: `python -m benchmarks.setups [--against REV]`.

What lives here: the rounds of two experiments of `holdfast.bench`, for both faces: the gateway beside the
bare relay and nginx, and beside another revision of itself where one is named. Within a round the candidates
take turns; what counts is the ratio of two in the same round.
What never will: the load (`holdfast.bench.load`, and its compiled twin).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from holdfast.bench import measuring
from holdfast.bench.candidates import Candidate, Upstream, echo_upstream, gateway
from holdfast.bench.contenders import Begin, named
from holdfast.bench.figures import Spread, spread
from holdfast.bench.machine import description
from holdfast.bench.plans import IdlePlan, SetupPlan
from holdfast.bench.revision import export, resolve

FACES: Final = ("json", "binary")
AT_ONCE: Final = 8
"""Fewer than `overload_from_sessions`: nobody is sent away for load."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Where everything runs."""

    folder: Path
    upstream: Upstream
    core: set[int]
    load_cores: set[int]


@dataclass(slots=True)
class Found:
    """What was measured, by candidate and face."""

    setup_us: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    idle_kb: dict[str, float] = field(default_factory=dict)

    def ratio(self, title: str, beside: str) -> Spread | None:
        """The cost of a set-up over another's, round by round."""
        mine, others = self.setup_us.get(title), self.setup_us.get(beside)
        return (
            spread([one / other for one, other in zip(mine, others, strict=True)])
            if mine and others
            else None
        )


def weigh(starts: Sequence[Begin], stage: Stage, found: Found, sessions: int) -> None:
    """Each face has a fresh process: what earlier sessions have let go would be room for the next ones."""
    for start in starts:
        for face in FACES:
            with start(stage.upstream, stage.folder, stage.core) as candidates:
                for one in (one for one in candidates if one.face == face):
                    set_up(one, stage, 0.5)
                    plan = IdlePlan(one.face, one.url, sessions, (one.pid,))
                    weight = measuring.idle(plan, stage.folder, stage.load_cores)
                    found.idle_kb[_title(one)] = kb = weight.bytes_per_session / 1024
                    _progress(f"{_title(one)}: {kb:.1f} kB for each of {sessions} silent sessions")


def set_up(candidate: Candidate, stage: Stage, seconds: float) -> float:
    """Processor time for one set-up, microseconds."""
    pids = (candidate.pid,)
    plan = SetupPlan(candidate.face, candidate.url, AT_ONCE, seconds, pids, stage.upstream.pid)
    measured = measuring.setups(plan, stage.folder, stage.load_cores)
    if measured.failed or measured.refused:
        _progress(f"{measured.failed} failed, {measured.refused} sent away: {measured.troubles}")
    return measured.cpu_us


def compare(candidates: Sequence[Candidate], stage: Stage, found: Found, rounds: int, seconds: float) -> None:
    """All take turns, there and back, so that a drift of the machine strikes nobody first each time."""
    for at in range(rounds):
        for one in candidates if at % 2 == 0 else candidates[::-1]:
            cost_us = set_up(one, stage, seconds)
            found.setup_us[_title(one)].append(cost_us)
            _progress(f"round {at + 1}/{rounds}, {_title(one)}: {cost_us:.0f} us for a set-up")


def _title(candidate: Candidate) -> str:
    return f"{candidate.name} {candidate.face}"


def _progress(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def main() -> None:
    """Measure, and say it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=6, help="of set-ups; 0 leaves them out")
    parser.add_argument("--seconds", type=float, default=2.0, help="of each candidate's turn in a round")
    parser.add_argument("--idle", type=int, default=1000, help="silent sessions; 0 leaves them out")
    parser.add_argument("--against", metavar="REV", help="another revision of the gateway")
    parser.add_argument("--json", action="store_true")
    told = parser.parse_args()
    found = Found()
    core, load_cores = measuring.measuring_cores()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="holdfast-setups-")))
        stage = Stage(folder, stack.enter_context(echo_upstream(folder, load_cores)), core, load_cores)
        starts = [one.start for one in named(("nginx", "bare", "gateway"))[0]]
        if told.against:
            source = export(resolve(told.against), folder)
            starts.append(partial(gateway, source=source, name=told.against))
        if told.idle:
            weigh(starts, stage, found, told.idle)
        if told.rounds:
            everybody = [stack.enter_context(start(stage.upstream, folder, core)) for start in starts]
            wanted = [one for candidates in everybody for one in candidates if one.face in FACES]
            compare(sorted(wanted, key=lambda one: one.face), stage, found, told.rounds, told.seconds)
    _say(found, told.against, as_json=told.json)


def _say(found: Found, revision: str | None, *, as_json: bool) -> None:
    rows: dict[str, dict[str, Any]] = {}
    for title in found.setup_us or found.idle_kb:
        face = title.rpartition(" ")[2]
        cost = spread(found.setup_us[title]) if title in found.setup_us else None
        beside = {"bare": found.ratio(title, f"bare {face}")}
        if revision is not None:
            beside[revision] = found.ratio(title, f"{revision} {face}")
        ratios = {name: asdict(one) for name, one in beside.items() if one is not None}
        rows[title] = {
            "setup_us": asdict(cost) if cost else None,
            "over": ratios,
            "idle_kb": found.idle_kb.get(title),
        }
    if as_json:
        sys.stdout.write(json.dumps({"machine": description(), "candidates": rows}) + "\n")
        return
    for title, row in rows.items():
        words = [f"{title:18}"]
        if row["setup_us"]:
            words.append(f"{row['setup_us']['median']:6.0f} us a set-up")
        words += [
            f"{one['median']:.2f} ({one['low']:.2f}-{one['high']:.2f}) times {name}"
            for name, one in row["over"].items()
        ]
        if row["idle_kb"] is not None:
            words.append(f"{row['idle_kb']:5.1f} kB silent")
        sys.stdout.write("   ".join(words) + "\n")


if __name__ == "__main__":
    main()
