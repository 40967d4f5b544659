"""What a run of `holdfast bench` found: its samples, and the figures that follow from them.

What lives here: pairing within a round, figures under names, doubts. Pure.
What never will: measuring, layout, whether a figure is good enough (`goals`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from holdfast.bench.figures import TIMES, Change, Figure, Spread, change, spread
from holdfast.bench.plans import CROWDED, Face, Sample, Setups
from holdfast.bench.search import FULL, Search, promised
from holdfast.bench.shapes import (
    AIOHTTP,
    ALONE,
    BARE,
    BARE_BINARY,
    DIRECT,
    GATEWAY,
    HAPROXY,
    LITELLM,
    NGINX,
    OURS,
    UNJOINED,
    Kind,
    Shape,
    Who,
)

BACKLOG_MS: Final = 500.0
"""A relay that is so late stands behind its load, and goes on falling back: the load waits two seconds."""
HELD_UP_FRAMES: Final = 2
"""A load or an answer later than so many frames: they arrive in heaps and no longer one by one."""

BESIDE: Final[tuple[tuple[Who, Who], ...]] = (
    *((ours, NGINX) for ours in (*UNJOINED, *GATEWAY)),
    *((ours, BARE if ours[1].startswith("json") else BARE_BINARY) for ours in (*UNJOINED, *GATEWAY)),
    (BARE, NGINX),
    (HAPROXY, NGINX),
    *((peer, ours) for peer in (AIOHTTP, LITELLM) for ours in (UNJOINED[0], UNJOINED[2], *OURS)),
)
"""Whose cost is told as so many times whose."""
MORE: Final[tuple[tuple[Who, Who], ...]] = (
    *((ours, other) for other in (NGINX, BARE, AIOHTTP, LITELLM) for ours in OURS),
    (BARE, NGINX),
)
"""Who carries, or sets up, so many times as much as whom; and whose second of speech costs more."""
CARRIED: Final[tuple[tuple[Who, Who], ...]] = (
    *MORE,
    *((ours, other) for other in (NGINX, LITELLM) for ours in ALONE),
)
"""Who carries so many times as much as whom."""


def who(one: Who) -> str:
    """As a report calls it."""
    return f"{one[0]}.{one[1]}"


def beside(top: Who, bottom: Who) -> str:
    """A ratio's name."""
    return f"{who(top)} / {who(bottom)}"


@dataclass(frozen=True, slots=True)
class Talk:
    """Sessions that talked through one contender."""

    round: int
    name: str
    face: Face
    sessions: int
    frame_ms: int
    tls: bool
    sample: Sample

    @property
    def is_held_up(self) -> bool:
        """What has piled up is relayed more cheaply."""
        latest = max(self.sample.late_p99_ms, self.sample.rtt_p99_ms)
        return latest > HELD_UP_FRAMES * self.frame_ms


@dataclass(frozen=True, slots=True)
class Start:
    """Set-ups through one contender."""

    round: int
    name: str
    face: Face
    setups: Setups

    @property
    def is_full(self) -> bool:
        """Whether the contender's core was what held it back."""
        return self.setups.candidate_share >= CROWDED

    @property
    def per_s(self) -> float:
        """Of a full core: as counted, or by their processor time where something else was full first."""
        found = self.setups
        return found.per_s if self.is_full or not found.cpu_us else 1e6 / found.cpu_us * FULL


@dataclass(frozen=True, slots=True)
class Weight:
    """Memory of one session of a freshly started contender."""

    round: int
    name: str
    face: Face
    idle_kb: float
    active_kb: float | None
    """After some seconds of talk; None where it was not measured."""


@dataclass(slots=True)
class Report:
    """Everything that one run found."""

    shape: Shape
    machine: dict[str, Any]
    absent: dict[str, str] = field(default_factory=dict)
    """Who is not here, and what to do to have it."""
    spared: set[str] = field(default_factory=set)
    """What was left out, for it would have been beyond a core."""
    notes: list[str] = field(default_factory=list)
    talks: list[Talk] = field(default_factory=list)
    starts: list[Start] = field(default_factory=list)
    weights: list[Weight] = field(default_factory=list)
    searches: dict[Who, Search] = field(default_factory=dict)

    # samples

    def of(self, one: Who, kind: Kind, sessions: int | None = None) -> list[Talk]:
        """The talks of one contender's face, of one number of sessions or of all."""
        return [
            talk
            for talk in self.of_kind(kind)
            if (talk.name, talk.face) == one and sessions in {None, talk.sessions}
        ]

    def of_kind(self, kind: Kind) -> list[Talk]:
        """Everybody's."""
        return [talk for talk in self.talks if (talk.frame_ms, talk.tls) == (kind.frame_ms, kind.tls)]

    def median(self, one: Who, kind: Kind, sessions: int, field_name: str) -> float:
        """The median of one field of the samples."""
        return spread([getattr(talk.sample, field_name) for talk in self.of(one, kind, sessions)]).median

    def pairs(self, top: Who, bottom: Who, kind: Kind) -> list[tuple[Talk, Talk]]:
        """From the same round and number of sessions: those that nothing held up, or all where all were."""
        others = {(talk.round, talk.sessions): talk for talk in self.of(bottom, kind)}
        found = [
            (talk, others[talk.round, talk.sessions])
            for talk in self.of(top, kind)
            if (talk.round, talk.sessions) in others and talk.sessions in self.shape.sessions
        ]
        return [pair for pair in found if not any(talk.is_held_up for talk in pair)] or found

    def cost(self, one: Who, kind: Kind, sessions: int) -> Spread:
        """Processor time for one message, microseconds."""
        return spread([talk.sample.cpu_us for talk in self.of(one, kind, sessions)])

    def added_ms(self, one: Who, kind: Kind, sessions: int, share: str) -> Spread:
        """What a relay adds to the round trip's `share` (p50, p95, p99): paired with no relay, same round."""
        straight = {talk.round: talk.sample for talk in self.of(DIRECT, kind, sessions)}
        return spread(
            [
                getattr(talk.sample, f"rtt_{share}_ms") - getattr(straight[talk.round], f"rtt_{share}_ms")
                for talk in self.of(one, kind, sessions)
                if talk.round in straight
            ]
        )

    @property
    def kinds(self) -> list[Kind]:
        """Which of them were measured."""
        return [Kind(*one) for one in dict.fromkeys((talk.frame_ms, talk.tls) for talk in self.talks)]

    @property
    def relays(self) -> list[Who]:
        """Everybody who was measured in any way, in the table's order."""
        told: list[Talk | Start | Weight] = [*self.talks, *self.starts, *self.weights]
        return list(dict.fromkeys([*((one.name, one.face) for one in told), *self.searches]))

    def would_take(self, one: Who, kind: Kind, sessions: int) -> float:
        """How much of a core, at what fewer sessions took most recently; 0 where nobody knows."""
        fewer = [talk for talk in self.of(one, kind) if talk.sessions < sessions]
        if not fewer or one[0] == "direct":
            return 0.0
        nearest = max(fewer, key=lambda talk: talk.sessions)
        return nearest.sample.candidate_share * sessions / nearest.sessions

    # figures

    def figures(self) -> list[Figure]:
        """All that can be told of this run."""
        return [
            *self._costs(),
            *self._speech(),
            *self._latencies(),
            *self._capacities(),
            *self._starts(),
            *self._weights(),
        ]

    def _costs(self) -> Iterator[Figure]:
        for kind in self.kinds:
            for top, bottom in BESIDE:
                ratios = [
                    above.sample.cpu_us / below.sample.cpu_us
                    for above, below in self.pairs(top, bottom, kind)
                ]
                if ratios:
                    better = bottom in {*GATEWAY, *UNJOINED}
                    yield Figure(f"cpu {beside(top, bottom)}, {kind}", TIMES, spread(ratios), better)
            for one in self.relays:
                per_s = [talk.sample.cpu_ms_per_audio_s for talk in self.of(one, kind)]
                if any(per_s) and one[0] != "direct":
                    yield Figure(f"cpu for a second of speech {who(one)}, {kind}", "ms", spread(per_s))

    def _speech(self) -> Iterator[Figure]:
        """Where frames are joined the messages are not the same, but what was said is."""
        for kind in self.kinds:
            for top, bottom in MORE:
                for sessions in sorted({talk.sessions for talk in self.of(top, kind)}):
                    others = {talk.round: talk.sample for talk in self.of(bottom, kind, sessions)}
                    ratios = [
                        talk.sample.cpu_ms_per_audio_s / others[talk.round].cpu_ms_per_audio_s
                        for talk in self.of(top, kind, sessions)
                        if talk.round in others and others[talk.round].cpu_ms_per_audio_s
                    ]
                    if ratios:
                        name = f"speech {beside(top, bottom)}, {sessions} sessions, {kind}"
                        yield Figure(name, TIMES, spread(ratios))

    def _latencies(self) -> Iterator[Figure]:
        for kind in self.kinds:
            for one in self.relays:
                for sessions in sorted({talk.sessions for talk in self.of(one, kind)}):
                    found = self.added_ms(one, kind, sessions, "p99")
                    if found.n and one[0] != "direct":
                        yield Figure(f"added p99 {who(one)}, {sessions} sessions, {kind}", "ms", found)

    def carried(self, one: Who) -> float:
        """Sessions on one core: as searched for, or as processor time promises at the most of them.

        0 where that is not known, or known of others only by a search.
        """
        if one in self.searches:
            return self.searches[one].sessions
        if self.searches:
            return 0.0
        talks = self.of(one, Kind())
        most = max((talk.sessions for talk in talks), default=0)
        found = [promised(most, talk.sample) for talk in talks if talk.sessions == most]
        return spread(found).median

    def _capacities(self) -> Iterator[Figure]:
        everybody = [one for one in self.relays if one[0] != "direct"]
        found = {one: count for one in everybody if (count := self.carried(one))}
        for one, count in found.items():
            yield Figure(f"sessions on one core {who(one)}", "sessions", spread([count]), is_more_better=True)
        for top, bottom in CARRIED:
            if top in found and bottom in found:
                name = f"sessions on one core {beside(top, bottom)}"
                yield Figure(name, TIMES, spread([found[top] / found[bottom]]), is_more_better=True)

    def _starts(self) -> Iterator[Figure]:
        by_round = {(one.round, (one.name, one.face)): one.per_s for one in self.starts}
        for one in dict.fromkeys(whose for _, whose in by_round):
            found = spread([per_s for (_, whose), per_s in by_round.items() if whose == one])
            yield Figure(f"set-ups {who(one)}", "a second", found, is_more_better=True)
        for top, bottom in MORE:
            ratios = [
                per_s / by_round[at, bottom]
                for (at, whose), per_s in by_round.items()
                if whose == top and by_round.get((at, bottom))
            ]
            if ratios:
                yield Figure(f"set-ups {beside(top, bottom)}", TIMES, spread(ratios), is_more_better=True)

    def _weights(self) -> Iterator[Figure]:
        for one in dict.fromkeys((weight.name, weight.face) for weight in self.weights):
            mine = [weight for weight in self.weights if (weight.name, weight.face) == one]
            yield Figure(f"idle session {who(one)}", "kB", spread([weight.idle_kb for weight in mine]))
            active = [weight.active_kb for weight in mine if weight.active_kb is not None]
            if active:
                yield Figure(f"active session {who(one)}", "kB", spread(active))

    # how far it can be trusted

    @property
    def samples(self) -> list[Sample]:
        """Every sample of sessions that talked."""
        tried = [
            sample
            for search in self.searches.values()
            for sample in (*search.passed.values(), *search.failed.values())
        ]
        return [talk.sample for talk in self.talks] + tried

    @property
    def faulty(self) -> int:
        """Frames that were lost, altered, doubled or swapped, over all samples."""
        return sum(sample.faulty - _overdue(sample) for sample in self.samples)

    @property
    def overdue(self) -> int:
        """Frames that stood behind a backlog and were not waited for: nobody knows whether they are lost."""
        return sum(map(_overdue, self.samples))

    @property
    def messages(self) -> int:
        """Messages relayed within the measuring windows."""
        return sum(sample.messages for sample in self.samples)

    @property
    def doubts(self) -> list[str]:
        """Why the figures should be read with care."""
        found = list(self.notes)
        crowded = [talk.sample for talk in self.talks if talk.sample.is_crowded]
        if crowded:
            load, upstream, late = (
                max(getattr(sample, name) for sample in crowded)
                for name in ("load_share", "upstream_share", "late_p99_ms")
            )
            found.append(
                f"the load was full or held up in {len(crowded)} of {len(self.talks)} measurements: it used "
                f"up to {load:.0%} of a core, its upstream {upstream:.0%}, it was up to {late:.1f} ms late. "
                "Round trips are theirs then; the cost for one message still holds"
            )
        fullest = max(
            (talk.sample.candidate_share for talk in self.talks if talk.name != "direct"), default=0.0
        )
        if fullest > CROWDED:
            found.append(f"a candidate used {fullest:.0%} of its core: a backlog makes messages cheaper")
        held_up = sum(talk.is_held_up for talk in self.talks)
        if self.overdue:
            found.append(f"{self.overdue} frames stood behind a backlog at the end and were not waited for")
        if held_up:
            found.append(
                f"{held_up} of {len(self.talks)} measurements were held up (frames over {HELD_UP_FRAMES} of "
                "their lengths late: other work here, or too many sessions); their pairs are left out of the "
                "ratios, unless all were"
            )
        if any(not one.is_full for one in self.starts if one.name != "direct"):
            names = sorted({who((one.name, one.face)) for one in self.starts if not one.is_full})
            found.append(f"set-ups of {', '.join(names)} left their core room: told is what it would do")
        if self.spared:
            found.append(f"left out, being beyond one core: {', '.join(sorted(self.spared))}")
        troubles = {trouble for sample in self.samples for trouble in sample.troubles}
        troubles |= {trouble for one in self.starts for trouble in one.setups.troubles}
        return found + sorted(troubles)[:3]

    def as_json(self) -> dict[str, Any]:
        """The report for machines, and for `--compare`."""
        return {
            "kind": KIND,
            "machine": self.machine,
            "shape": asdict(self.shape),
            "absent": self.absent,
            "figures": [asdict(one) for one in self.figures()],
            "messages": self.messages,
            "lost_or_altered": self.faulty,
            "doubts": self.doubts,
            "talks": [asdict(one) for one in self.talks],
            "starts": [asdict(one) for one in self.starts],
            "weights": [asdict(one) for one in self.weights],
            "searches": {who(one): search.as_json() for one, search in self.searches.items()},
        }


def _overdue(sample: Sample) -> int:
    return sample.lost if sample.rtt_p99_ms > BACKLOG_MS else 0


KIND: Final = "holdfast.bench"


def changes(earlier: dict[str, Any], report: Report) -> list[Change]:
    """Each comparable figure beside an earlier report's (`Report.as_json`)."""
    told = {one["name"]: Figure(**{**one, "spread": Spread(**one["spread"])}) for one in earlier["figures"]}
    now = [figure for figure in report.figures() if figure.is_comparable]
    return [change(told[figure.name], figure) for figure in now if figure.name in told]
