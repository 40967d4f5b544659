"""This gateway beside another revision of itself, or with other settings: what a message costs more, pair by
pair.

What lives here: the order of the pairs, their ratios, the verdict.
What never will: drawing it.

Where a process has its memory is settled at its start, for good or bad, and is in all its figures. So both
gateways are started anew for each pair; who is first alternates. Within a pair they run abreast (`abreast`),
or the machine's own changes would be larger than those looked for.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from holdfast.bench import generator, machine
from holdfast.bench.abreast import Task
from holdfast.bench.candidates import Candidate, Upstream, echo_upstream, gateway
from holdfast.bench.figures import Interval, median_interval
from holdfast.bench.frames import FRAME_MS
from holdfast.bench.measuring import measure_abreast, measuring_cores
from holdfast.bench.plans import Plan, Sample
from holdfast.bench.revision import SOURCE, Revision, export, resolve, this_checkout

BOUND: Final = 1.05
"""It fails when the whole interval of the ratio lies above this."""
TURN_S: Final = 0.4
MORE_ROUNDS: Final = 1.5
"""Pairs that other work held up are repeated, up to so many times the rounds asked for."""

FACES: Final[dict[str, str]] = {
    "json": "/v1/realtime",
    "binary": "browser protocol",
    "page": "as the page talks",
}
HELD_UP_MS: Final = 2.0 * FRAME_MS
"""A load or an answer this late: frames arrive in heaps and no longer one by one."""

Verdict = Literal["passes", "fails", "undecided"]
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Shape:
    """How much is measured."""

    sessions: int = 50
    pairs: int = 30
    seconds: float = 3.0
    warm_up_s: float = 1.0


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


@dataclass(frozen=True, slots=True)
class Round:
    """One pair of one face."""

    number: int
    face: str
    pair: Pair


@dataclass(slots=True)
class Comparison:
    """All pairs of a run."""

    shape: Shape
    base: Revision
    candidate: Revision
    machine: dict[str, Any]
    bound: float = BOUND
    """What the ratio may be."""
    rounds: list[Round] = field(default_factory=list)

    def pairs(self, face: str) -> list[Pair]:
        """The pairs that count: those that nothing held up, or all when fewer than half are such."""
        found = [one.pair for one in self.rounds if one.face == face]
        calm = [pair for pair in found if not pair.is_disturbed]
        return calm if 2 * len(calm) >= len(found) else found

    def ratio(self, face: str) -> Interval:
        """This checkout's cost over the other's."""
        return median_interval([pair.ratio for pair in self.pairs(face)])

    def cost_us(self, face: str) -> tuple[float, float]:
        """Medians of the other's cost and ours, microseconds of one core for one message."""
        pairs = self.pairs(face)
        theirs = median_interval([pair.beside.cpu_us for pair in pairs])
        return theirs.median, median_interval([pair.candidate.cpu_us for pair in pairs]).median

    def verdict(self, face: str) -> Verdict:
        """Whether it costs more than the bound allows. Where the interval holds the bound nobody knows."""
        ratio = self.ratio(face)
        if ratio.low is None or ratio.high is None:
            return "undecided"
        if ratio.low > self.bound:
            return "fails"
        return "passes" if ratio.high <= self.bound else "undecided"

    @property
    def samples(self) -> list[Sample]:
        """Every sample of both."""
        return [sample for one in self.rounds for sample in (one.pair.beside, one.pair.candidate)]

    @property
    def faulty(self) -> int:
        """Frames that did not come back once, whole and in order."""
        return sum(sample.faulty for sample in self.samples)

    @property
    def messages(self) -> int:
        """Messages relayed within the measuring windows, each compared with what was sent."""
        return sum(sample.messages for sample in self.samples)

    @property
    def disturbed(self) -> int:
        """Pairs that other work held up."""
        return sum(one.pair.is_disturbed for one in self.rounds)

    @property
    def is_fine(self) -> bool:
        """Nothing lost, and no face fails."""
        return not self.faulty and all(self.verdict(face) != "fails" for face in FACES)

    def as_json(self) -> dict[str, Any]:
        """The report for machines."""
        faces = {
            face: {
                **asdict(self.ratio(face)),
                "base_us": self.cost_us(face)[0],
                "candidate_us": self.cost_us(face)[1],
                "verdict": self.verdict(face),
            }
            for face in FACES
        }
        return {
            "kind": "holdfast.bench.against",
            "machine": self.machine,
            "shape": asdict(self.shape),
            "base": self.base.as_json(),
            "candidate": self.candidate.as_json(),
            "interval": "95 %, order statistics",
            "bound": self.bound,
            "ratios": faces,
            "fine": self.is_fine,
            "pairs_disturbed": self.disturbed,
            "messages": self.messages,
            "lost_or_altered": self.faulty,
            "doubt": generator.doubt(),
            "troubles": sorted({trouble for sample in self.samples for trouble in sample.troubles})[:3],
            "pairs": [asdict(one) for one in self.rounds],
        }


@dataclass(frozen=True, slots=True)
class Variant:
    """A gateway of the pair: its source, and what is set otherwise."""

    source: Path
    settings: Mapping[str, str] = field(default_factory=dict)


def run(base: str, shape: Shape, progress: Progress, candidate: str | None = None) -> Comparison:
    """Measure this checkout, or the revision `candidate`, beside the revision `base`. Raises BenchError."""
    other = resolve(base)
    ours = resolve(candidate) if candidate is not None else this_checkout()
    cores = measuring_cores()
    comparison = Comparison(shape, other, ours, machine.description())
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="holdfast-against-")))
        sources = {"base": export(other, folder), "candidate": SOURCE}
        if candidate is not None:
            sources["candidate"] = export(ours, folder)
        variants = {name: Variant(source) for name, source in sources.items()}
        _measure(comparison, variants, folder, cores, progress)
    return comparison


def run_without(settings: Mapping[str, str], bound: float, shape: Shape, progress: Progress) -> Comparison:
    """Measure this checkout beside itself with these settings (as environment). Raises BenchError."""
    ours = this_checkout()
    comparison = Comparison(shape, ours, ours, machine.description(), bound)
    with tempfile.TemporaryDirectory(prefix="holdfast-without-") as folder:
        variants = {"base": Variant(SOURCE, settings), "candidate": Variant(SOURCE)}
        _measure(comparison, variants, Path(folder), measuring_cores(), progress)
    return comparison


def _measure(
    comparison: Comparison,
    variants: Mapping[str, Variant],
    folder: Path,
    cores: tuple[set[int], set[int]],
    progress: Progress,
) -> None:
    shape = comparison.shape
    with contextlib.ExitStack() as stack:
        # each has its own, so that each one's messages are counted
        upstreams = {name: stack.enter_context(echo_upstream(folder, cores[1])) for name in variants}
        bench = _Bench(folder, upstreams, cores, shape)
        for number in range(round(shape.pairs * MORE_ROUNDS)):
            if min(_calm(comparison, face) for face in FACES) >= shape.pairs:
                break
            progress(_line(number, comparison))
            comparison.rounds += bench.round(number, variants)


def _calm(comparison: Comparison, face: str) -> int:
    return sum(one.face == face and not one.pair.is_disturbed for one in comparison.rounds)


def _line(number: int, comparison: Comparison) -> str:
    so_far = "  ".join(
        f"{title} {comparison.ratio(face)}" for face, title in FACES.items() if comparison.rounds
    )
    return f"pair {number + 1} of {comparison.shape.pairs}  {so_far}".rstrip()


@dataclass(frozen=True, slots=True)
class _Bench:
    """Where and how a pair is measured."""

    folder: Path
    upstreams: dict[str, Upstream]
    cores: tuple[set[int], set[int]]
    shape: Shape

    def round(self, number: int, variants: Mapping[str, Variant]) -> Iterator[Round]:
        """One pair of each face. Who is started first alternates, and who is called first."""
        order = list(variants) if number % 2 == 0 else list(variants)[::-1]
        with contextlib.ExitStack() as stack:
            started: dict[tuple[str, str], Candidate] = {}
            for name in order:
                variant = variants[name]
                served = gateway(
                    self.upstreams[name],
                    self.folder,
                    self.cores[0],
                    source=variant.source,
                    name=name,
                    settings=variant.settings,
                )
                for one in stack.enter_context(served):
                    started[name, one.face] = one
            for face in FACES:
                first, second = order
                task = Task(self._plan(started[first, face]), self._plan(started[second, face]))
                found = dict(zip(order, measure_abreast(task, self.folder, self.cores[1]), strict=True))
                yield Round(number, face, Pair(found["candidate"], found["base"]))
                order.reverse()

    def _plan(self, candidate: Candidate) -> Plan:
        upstream = self.upstreams[candidate.name]
        return Plan(
            face=candidate.face,
            url=candidate.url,
            sessions=self.shape.sessions,
            seconds=self.shape.seconds,
            warm_up_s=self.shape.warm_up_s,
            pids=machine.family(candidate.pid),
            upstream_pid=upstream.pid,
            counts=upstream.counts,
            turns=max(1, round(self.shape.seconds / TURN_S)),
        )
