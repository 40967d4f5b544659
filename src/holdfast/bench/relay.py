"""The rounds: bare relay and gateway in turn, face by face, so that a slow minute strikes both.

What lives here: the order of measurements, their pairing, the report.
What never will: drawing it.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from holdfast.bench import generator, machine
from holdfast.bench.candidates import STARTS, Candidate, Start, Upstream, echo_upstream
from holdfast.bench.figures import Change, Spread, change, spread
from holdfast.bench.frames import FRAME_MS
from holdfast.bench.measuring import measure, measuring_cores
from holdfast.bench.plans import CROWDED, Plan, Sample

TARGET: Final = 1.25
"""The gateway may cost this many times a bare relay (the project's own bound)."""
HELD_UP_MS: Final = 2.0 * FRAME_MS
"""A load or an answer this late: frames arrive in heaps and no longer one by one."""
FACES: Final[dict[str, str]] = {"json": "/v1/realtime", "binary": "browser protocol"}


@dataclass(frozen=True, slots=True)
class Shape:
    """How much is measured."""

    sessions: tuple[int, ...] = (50, 100)
    rounds: int = 4
    seconds: float = 4.0
    warm_up_s: float = 1.0


@dataclass(frozen=True, slots=True)
class Measured:
    """One sample and what it is of."""

    round: int
    sessions: int
    name: str
    face: str
    sample: Sample


@dataclass(frozen=True, slots=True)
class Pair:
    """A candidate's sample beside that of what it is measured by."""

    candidate: Sample
    beside: Sample

    @property
    def ratio(self) -> float:
        """How many times the other's cost."""
        return self.candidate.cpu_us / self.beside.cpu_us

    @property
    def is_disturbed(self) -> bool:
        """Whether either was held up: what has piled up is relayed more cheaply."""
        both = (self.candidate, self.beside)
        return any(one.late_p99_ms > HELD_UP_MS or one.rtt_p99_ms > HELD_UP_MS for one in both)


@dataclass(slots=True)
class Report:
    """All samples of a run."""

    shape: Shape
    machine: dict[str, Any]
    measured: list[Measured] = field(default_factory=list)

    def samples(self, name: str, face: str, sessions: int | None = None) -> list[Sample]:
        """The samples of one candidate's face, of one number of sessions or of all."""
        return [
            one.sample
            for one in self.measured
            if (one.name, one.face) == (name, face) and sessions in {None, one.sessions}
        ]

    def cost(self, name: str, face: str, sessions: int) -> Spread:
        """Processor time for one message, microseconds."""
        return spread([sample.cpu_us for sample in self.samples(name, face, sessions)])

    def pairs(self, face: str, sessions: int | None = None, name: str = "gateway") -> list[Pair]:
        """The gateway beside the bare relay, from the same round and number of sessions."""
        found = {(m.round, m.sessions, m.name): m.sample for m in self.measured if m.face == face}
        return [
            Pair(sample, found[at, count, "bare"])
            for (at, count, who), sample in found.items()
            if who == name and sessions in {None, count} and (at, count, "bare") in found
        ]

    def ratios(self, face: str, sessions: int | None = None, name: str = "gateway") -> list[float]:
        """Costs over the bare relay's, of the pairs that were not disturbed; of all when all were."""
        calm = [pair.ratio for pair in self.pairs(face, sessions, name) if not pair.is_disturbed]
        return calm or self.all_ratios(face, sessions, name)

    def all_ratios(self, face: str, sessions: int | None = None, name: str = "gateway") -> list[float]:
        """Costs over the bare relay's, of every pair."""
        return [pair.ratio for pair in self.pairs(face, sessions, name)]

    @property
    def disturbed(self) -> int:
        """How many pairs do not count."""
        return sum(pair.is_disturbed for face in FACES for pair in self.pairs(face))

    @property
    def faulty(self) -> int:
        """Frames that did not come back once, whole and in order, over all samples."""
        return sum(one.sample.faulty for one in self.measured)

    @property
    def messages(self) -> int:
        """Messages relayed within the measuring windows."""
        return sum(one.sample.messages for one in self.measured)

    @property
    def doubts(self) -> list[str]:
        """Why the figures should be read with care."""
        found = [told] if (told := generator.doubt()) is not None else []
        crowded = [m.sample for m in self.measured if m.sample.is_crowded]
        if crowded:
            load = max(sample.load_share for sample in crowded)
            upstream = max(sample.upstream_share for sample in crowded)
            late = max(sample.late_p99_ms for sample in crowded)
            found.append(
                f"the load was the bottleneck in {len(crowded)} of {len(self.measured)} measurements: "
                f"it used up to {load:.0%} of a core, its upstream {upstream:.0%}, and it was up to "
                f"{late:.1f} ms late. Round trips are theirs then; the cost for one message still holds"
            )
        fullest = max((m.sample.candidate_share for m in self.measured), default=0.0)
        if fullest > CROWDED:
            found.append(f"a candidate used {fullest:.0%} of its core: a backlog makes messages cheaper")
        if self.disturbed:
            total = sum(len(self.pairs(face)) for face in FACES)
            found.append(
                f"{self.disturbed} of {total} pairs were held up (frames over {HELD_UP_MS:.0f} ms late: "
                "other work here, or too many sessions) and are left out of the ratios, unless all were"
            )
        return found + sorted({trouble for m in self.measured for trouble in m.sample.troubles})[:3]

    def as_json(self) -> dict[str, Any]:
        """The report for machines, and for `--compare`."""
        return {
            "kind": "holdfast.bench.relay",
            "machine": self.machine,
            "shape": asdict(self.shape),
            "ratios": {face: asdict(spread(self.ratios(face))) for face in FACES},
            "ratios_of_all_pairs": {face: asdict(spread(self.all_ratios(face))) for face in FACES},
            "nginx_over_bare": {
                face: asdict(spread(found)) for face in FACES if (found := self.ratios(face, name="nginx"))
            },
            "target": TARGET,
            "pairs_disturbed": self.disturbed,
            "messages": self.messages,
            "lost_or_altered": self.faulty,
            "doubts": self.doubts,
            "samples": [asdict(one) for one in self.measured],
        }


def changes(earlier: dict[str, Any], report: Report) -> list[Change]:
    """Each face's ratio beside an earlier report's (`as_json`)."""
    return [
        change(face, Spread(**earlier["ratios"][face]), spread(report.ratios(face)))
        for face in FACES
        if face in earlier["ratios"]
    ]


Progress = Callable[[str], None]


def run(shape: Shape, progress: Progress, starts: Sequence[Start] = STARTS) -> Report:
    """Measure. Raises BenchError when something does not start or a measurement breaks."""
    report = Report(shape, machine.description())
    with _everybody(starts) as (upstream, candidates, folder, load_cores):
        for at in range(shape.rounds):
            # back and forth, so that a drift of the machine strikes nobody first each time
            ordered = candidates if at % 2 == 0 else candidates[::-1]
            for sessions in shape.sessions:
                for candidate in (one for one in ordered if one.face in FACES):
                    title = f"round {at + 1}/{shape.rounds}, {sessions} sessions, {candidate.face}"
                    progress(f"{title}: {candidate.name}")
                    plan = Plan(
                        face=candidate.face,
                        url=candidate.url,
                        sessions=sessions,
                        seconds=shape.seconds,
                        warm_up_s=shape.warm_up_s,
                        pids=machine.family(candidate.pid),
                        upstream_pid=upstream.pid,
                        counts=upstream.counts,
                    )
                    sample = measure(plan, folder, load_cores)
                    report.measured.append(Measured(at, sessions, candidate.name, candidate.face, sample))
    return report


@contextlib.contextmanager
def _everybody(starts: Sequence[Start]) -> Iterator[tuple[Upstream, list[Candidate], Path, set[int]]]:
    candidate_core, load_cores = measuring_cores()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="holdfast-bench-")))
        upstream = stack.enter_context(echo_upstream(folder, load_cores))
        candidates: list[Candidate] = []
        for start in starts:
            candidates += stack.enter_context(start(upstream, folder, candidate_core))
        # neighbours of one face stand side by side, as close in time as can be
        candidates.sort(key=lambda one: one.face)
        yield upstream, candidates, folder, load_cores
