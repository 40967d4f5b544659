"""The rounds: bare relay and gateway in turn, face by face, so that a slow minute strikes both.

What lives here: the order of measurements, their pairing, the report.
What never will: drawing it.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from holdfast.bench import machine
from holdfast.bench.candidates import STARTS, BenchError, Candidate, Start, echo_upstream, plain_environment
from holdfast.bench.figures import Spread, spread
from holdfast.bench.load import Plan, Sample

TARGET: Final = 1.25
"""The gateway may cost this many times a bare relay (the project's own bound)."""
CROWDED: Final = 0.85
"""A share of a core from which on its owner's waiting shows in the figures."""
FACES: Final = {"json": "/v1/realtime", "binary": "browser protocol"}
_GRACE_S: Final = 60.0


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

    def ratios(self, face: str, sessions: int | None = None, name: str = "gateway") -> list[float]:
        """The gateway's cost over the bare relay's, from the same round and number of sessions."""
        costs = {(m.round, m.sessions, m.name): m.sample.cpu_us for m in self.measured if m.face == face}
        return [
            cost / costs[at, count, "bare"]
            for (at, count, who), cost in costs.items()
            if who == name and sessions in {None, count} and (at, count, "bare") in costs
        ]

    @property
    def faulty(self) -> int:
        """Frames that were lost or altered, over all samples."""
        return sum(one.sample.lost + one.sample.altered for one in self.measured)

    @property
    def messages(self) -> int:
        """Messages relayed within the measuring windows."""
        return sum(one.sample.messages for one in self.measured)

    @property
    def doubts(self) -> list[str]:
        """Why the figures should be read with care."""
        found = []
        busiest = max((m.sample.load_share + m.sample.upstream_share for m in self.measured), default=0.0)
        if busiest > CROWDED:
            found.append(
                f"the load and its upstream used {busiest:.0%} of their core: they were the bottleneck, "
                "so round trips are theirs; the cost for one message still holds"
            )
        fullest = max((m.sample.candidate_share for m in self.measured), default=0.0)
        if fullest > CROWDED:
            found.append(f"a candidate used {fullest:.0%} of its core: a backlog makes messages cheaper")
        latest = max((m.sample.late_p99_ms for m in self.measured), default=0.0)
        if latest > 5.0:
            found.append(f"the load was up to {latest:.1f} ms late (p99): the machine had other work")
        return found + sorted({trouble for m in self.measured for trouble in m.sample.troubles})[:3]

    def as_json(self) -> dict[str, Any]:
        """The report for machines, and for `--compare`."""
        return {
            "kind": "holdfast.bench.relay",
            "machine": self.machine,
            "shape": asdict(self.shape),
            "ratios": {face: asdict(spread(self.ratios(face))) for face in FACES},
            "messages": self.messages,
            "lost_or_altered": self.faulty,
            "doubts": self.doubts,
            "samples": [asdict(one) for one in self.measured],
        }


Progress = Callable[[str], None]


def run(shape: Shape, progress: Progress, starts: Sequence[Start] = STARTS) -> Report:
    """Measure. Raises BenchError when something does not start or a measurement breaks."""
    report = Report(shape, machine.description())
    with _everybody(starts) as (upstream_pid, candidates, folder, load_cores):
        for at in range(shape.rounds):
            # back and forth, so that a drift of the machine strikes nobody first each time
            ordered = candidates if at % 2 == 0 else candidates[::-1]
            for sessions in shape.sessions:
                for candidate in ordered:
                    title = f"round {at + 1}/{shape.rounds}, {sessions} sessions, {candidate.face}"
                    progress(f"{title}: {candidate.name}")
                    plan = Plan(
                        face=candidate.face,
                        url=candidate.url,
                        sessions=sessions,
                        seconds=shape.seconds,
                        warm_up_s=shape.warm_up_s,
                        pid=candidate.pid,
                        upstream_pid=upstream_pid,
                    )
                    sample = _measure(plan, folder, load_cores)
                    report.measured.append(Measured(at, sessions, candidate.name, candidate.face, sample))
    return report


@contextlib.contextmanager
def _everybody(starts: Sequence[Start]) -> Iterator[tuple[int, list[Candidate], Path, set[int]]]:
    reason = machine.obstacle()
    if reason is not None:
        raise BenchError("this machine cannot measure.", reason, "Run it on a Linux machine with two cores.")
    candidate_core, load_cores = machine.cores()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="holdfast-bench-")))
        upstream_pid, upstream = stack.enter_context(echo_upstream(folder, load_cores))
        candidates: list[Candidate] = []
        for start in starts:
            candidates += stack.enter_context(start(upstream, folder, candidate_core))
        # neighbours of one face stand side by side, as close in time as can be
        candidates.sort(key=lambda one: one.face)
        yield upstream_pid, candidates, folder, load_cores


def _measure(plan: Plan, folder: Path, load_cores: set[int]) -> Sample:
    command = [sys.executable, "-m", "holdfast.bench.load", json.dumps(asdict(plan))]
    with subprocess.Popen(  # noqa: S603 - our own module
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=plain_environment(),
        cwd=folder,
    ) as child:
        machine.pin(child.pid, load_cores)
        try:
            told, complaint = child.communicate(timeout=plan.seconds + plan.warm_up_s + _GRACE_S)
        except BaseException:
            child.kill()
            raise
    if child.returncode != 0:
        why = complaint.decode(errors="replace").strip().splitlines()[-1:] or ["It said nothing."]
        raise BenchError(f"the load on {plan.url} broke off.", why[0], "Try fewer --sessions.")
    fields = json.loads(told)
    return Sample(**{**fields, "troubles": tuple(fields["troubles"])})
