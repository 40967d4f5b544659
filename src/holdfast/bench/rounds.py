"""A run: who takes part is started, measured in turn, ended.

What lives here: the order of measurements, so that a slow minute strikes all; one function for each part.
What never will: figures (`report`), the measurement itself (`measuring`).
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from holdfast.bench import generator, machine
from holdfast.bench.candidates import BenchError, Candidate, Upstream, echo_upstream
from holdfast.bench.contenders import Contender, named
from holdfast.bench.measuring import idle, measure, measuring_cores, setups
from holdfast.bench.plans import Face, IdlePlan, Plan, SetupPlan
from holdfast.bench.report import Report, Start, Talk, Weight
from holdfast.bench.search import Search
from holdfast.bench.shapes import AIOHTTP, ALONE, BARE, HAPROXY, LITELLM, NGINX, OURS, Kind, Shape, Who

Progress = Callable[[str], None]
_Crowd = tuple[Upstream, list[Candidate]]
"""One upstream, and those who still take part before it."""

AT_ONCE: Final = 8
"""Set-ups at the same time: fewer than `overload_from_sessions`, or the gateway sends people away."""
BEYOND: Final = 1.6
"""Not tried: a number of sessions that would take so many cores, at what fewer sessions took."""
SEARCHED: Final[tuple[Who, ...]] = (NGINX, HAPROXY, BARE, *OURS, *ALONE, AIOHTTP, LITELLM)
"""Of whom the most sessions are looked for. Joined, frames wait longer than the search allows."""
_ACCOUNTABLE: Final = ("gateway", "unjoined", "direct")
"""Where these break off the run does; what another does is told, and it takes no further part."""
_WARM_SESSIONS: Final = 8
_WARM_S: Final = 0.5


def run(report: Report, progress: Progress) -> None:
    """Measure what its shape says. What was found before an exception stands in it. Raises BenchError."""
    shape = report.shape
    contenders, absent = named(shape.names)
    cores = measuring_cores()
    report.absent.update(absent)
    if (doubt := generator.doubt()) is not None:
        report.notes.append(doubt)
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as folder:
        bench = _Bench(report, progress, Path(folder), contenders, *cores)
        if set(shape.parts) & set(BEFORE_ONE_UPSTREAM):
            with bench.everybody() as crowd:
                for part, carry_out in BEFORE_ONE_UPSTREAM.items():
                    if part in shape.parts:
                        carry_out(bench, crowd)
        if "relay" in shape.parts and shape.tls:
            with bench.everybody(tls=True) as crowd:
                _talks(bench, crowd, tls=True)
        if "memory" in shape.parts:
            _weights(bench)


def empty(shape: Shape) -> Report:
    """Before the first measurement."""
    return Report(shape, machine.description())


@dataclass(frozen=True, slots=True)
class _Bench:
    """Where a run takes place, and what it has found."""

    report: Report
    progress: Progress
    folder: Path
    contenders: list[Contender]
    candidate_core: set[int]
    load_cores: set[int]

    @property
    def shape(self) -> Shape:
        """How much is measured."""
        return self.report.shape

    @contextlib.contextmanager
    def everybody(self, *, tls: bool = False) -> Iterator[_Crowd]:
        """All contenders before one upstream, with the faces that are asked for."""
        with contextlib.ExitStack() as stack:
            upstream = stack.enter_context(echo_upstream(self.folder, self.load_cores, tls=tls))
            candidates: list[Candidate] = []
            for contender in filter(self.faces, self.contenders):
                self.progress(f"{contender.name} starts{' (TLS upstream)' if tls else ''}")
                with self.forgiving(contender, []):
                    candidates += stack.enter_context(self.start(contender, upstream))
            yield upstream, candidates

    @contextlib.contextmanager
    def start(self, contender: Contender, upstream: Upstream) -> Iterator[list[Candidate]]:
        """One contender, in a folder that none was in before: what one kept must not be the next one's."""
        wanted = self.faces(contender)
        with (
            tempfile.TemporaryDirectory(dir=self.folder) as home,
            contender.start(upstream, Path(home), self.candidate_core) as found,
        ):
            yield [one for one in found if one.face in wanted]

    def faces(self, contender: Contender) -> tuple[Face, ...]:
        """Those that are measured."""
        chosen = {"gateway": self.shape.faces, "unjoined": self.shape.unjoined_faces}
        return chosen.get(contender.name, contender.faces)

    @contextlib.contextmanager
    def forgiving(self, one: Candidate | Contender, others: list[Any]) -> Iterator[None]:
        """A relay of others that breaks is told of, and takes no further part."""
        try:
            yield
        except BenchError as error:
            if one.name in _ACCOUNTABLE:
                raise
            self.report.notes.append(f"{one.name} takes no further part: {error.what} {error.why}")
            if one in others:
                others.remove(one)

    def talk(
        self,
        candidate: Candidate,
        upstream: Upstream,
        sessions: int,
        *,
        frame_ms: int = 20,
        seconds: float = 0.0,
        is_busy: bool = False,
    ) -> Plan:
        """Sessions that talk, as long as the shape says unless `seconds` does."""
        return Plan(
            face=candidate.face,
            url=candidate.url,
            sessions=sessions,
            seconds=seconds or self.shape.seconds,
            warm_up_s=self.shape.busy_warm_up_s if is_busy else self.shape.warm_up_s,
            pids=machine.family(candidate.pid),
            upstream_pid=upstream.pid,
            frame_ms=frame_ms,
            counts=upstream.counts,
        )


def _back_and_forth(candidates: list[Candidate], at: int) -> list[Candidate]:
    """So that a drift of the machine strikes nobody first each time."""
    return candidates[::-1] if at % 2 else candidates[:]


# who talks


def _talks(bench: _Bench, crowd: _Crowd, *, tls: bool = False) -> None:
    for frame_ms in bench.shape.frames_ms[:1] if tls else bench.shape.frames_ms:
        kind = Kind(frame_ms, tls)
        for at in range(bench.shape.rounds):
            for sessions in bench.shape.counts(kind):
                _round(bench, kind, at, sessions, crowd)


def _round(bench: _Bench, kind: Kind, at: int, sessions: int, crowd: _Crowd) -> None:
    """Each once, one after the other."""
    upstream, candidates = crowd
    shape, report = bench.shape, bench.report
    title = f"talk, {kind}, round {at + 1} of {shape.rounds}, {sessions} sessions"
    for candidate in _back_and_forth(candidates, at):
        whose: Who = (candidate.name, candidate.face)
        if not shape.takes_part(whose, sessions):
            continue
        if report.would_take(whose, kind, sessions) > BEYOND:
            report.spared.add(f"{candidate.name} with {sessions} sessions ({kind})")
            continue
        bench.progress(f"{title}: {candidate.name} {candidate.face}")
        with bench.forgiving(candidate, candidates):
            is_busy = sessions not in shape.sessions
            plan = bench.talk(candidate, upstream, sessions, frame_ms=kind.frame_ms, is_busy=is_busy)
            sample = measure(plan, bench.folder, bench.load_cores)
            report.talks.append(Talk(at, *whose, sessions, kind.frame_ms, kind.tls, sample))


# how many one core carries


def _capacities(bench: _Bench, crowd: _Crowd) -> None:
    upstream, candidates = crowd
    searches = bench.report.searches
    left = [one for one in candidates if (one.name, one.face) in SEARCHED]
    for one in left:
        searches[one.name, one.face] = Search(bench.shape.most)
    while left:
        for candidate in left[:]:
            search = searches[candidate.name, candidate.face]
            sessions = search.next()
            if sessions is None:
                left.remove(candidate)
                continue
            bench.progress(f"most sessions: {candidate.name} {candidate.face} with {sessions}")
            with bench.forgiving(candidate, left):
                plan = bench.talk(candidate, upstream, sessions, is_busy=True)
                search.told(sessions, measure(plan, bench.folder, bench.load_cores))


# beginnings


def _starts(bench: _Bench, crowd: _Crowd) -> None:
    upstream, candidates = crowd
    for at in range(bench.shape.setup_rounds):
        title = f"set-ups, round {at + 1} of {bench.shape.setup_rounds}"
        for candidate in _back_and_forth([one for one in candidates if one.name != "unjoined"], at):
            bench.progress(f"{title}: {candidate.name} {candidate.face}")
            plan = SetupPlan(
                face=candidate.face,
                url=candidate.url,
                at_once=AT_ONCE,
                seconds=bench.shape.seconds / 2,
                pids=machine.family(candidate.pid),
                upstream_pid=upstream.pid,
                warm_up_s=bench.shape.warm_up_s / 2,
            )
            with bench.forgiving(candidate, candidates):
                found = setups(plan, bench.folder, bench.load_cores)
                bench.report.starts.append(Start(at, candidate.name, candidate.face, found))


# what they weigh


def _weights(bench: _Bench) -> None:
    weighed = [one for one in bench.contenders if one.name not in {"direct", "unjoined"}]
    for at in range(bench.shape.weight_rounds):
        with echo_upstream(bench.folder, bench.load_cores) as upstream:
            for contender in weighed[:]:
                with bench.forgiving(contender, weighed):
                    _weigh(bench, at, contender, upstream)


def _weigh(bench: _Bench, at: int, contender: Contender, upstream: Upstream) -> None:
    """Each face of one, in processes that have done nothing else: memory once taken is seldom given back."""
    shape = bench.shape
    for face in bench.faces(contender):
        bench.progress(f"memory, round {at + 1} of {shape.weight_rounds}: {contender.name} {face}")
        with bench.start(contender, upstream) as found:
            (one,) = (one for one in found if one.face == face)
            _warm(bench, one, upstream)
            quiet = idle(
                IdlePlan(face, one.url, shape.idle, machine.family(one.pid)), bench.folder, bench.load_cores
            )
        active: float | None = None
        if shape.active_s:
            with bench.start(contender, upstream) as found:
                (one,) = (one for one in found if one.face == face)
                _warm(bench, one, upstream)
                plan = bench.talk(one, upstream, shape.active, seconds=shape.active_s)
                sample = measure(plan, bench.folder, bench.load_cores)
                active = (sample.memory_after - sample.memory_before) / shape.active / 1024
        bench.report.weights.append(Weight(at, contender.name, face, quiet.bytes_per_session / 1024, active))


def _warm(bench: _Bench, candidate: Candidate, upstream: Upstream) -> None:
    """What a process takes once, with its first sessions, is no session's."""
    measure(bench.talk(candidate, upstream, _WARM_SESSIONS, seconds=_WARM_S), bench.folder, bench.load_cores)


BEFORE_ONE_UPSTREAM: Final[dict[str, Callable[[_Bench, _Crowd], None]]] = {
    "relay": _talks,
    "capacity": _capacities,
    "setups": _starts,
}
"""Parts for which everybody is started once."""
