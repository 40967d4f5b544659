"""What a process holds when it is scraped, read from every room: sessions, buffers, audio, upstreams, load.

What lives here: reading, and the names under which it is told (`telemetry.meters`).
What never will: counting as things happen (`telemetry.sighted`), deciding.

Rooms count for themselves what they need to know anyway; here it is only looked at, so that nothing is done
for a message. Conversations are read a few at a time, so that nobody's audio waits for a scrape.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import metadata
from typing import Final, get_args

from holdfast.accounts import Books
from holdfast.auth.client_secrets import ClientSecrets
from holdfast.core.audio import SAMPLE_BYTES, SAMPLE_RATE_HZ
from holdfast.core.breaker import BreakerState
from holdfast.core.limits import Limits
from holdfast.core.links import Linked
from holdfast.core.overload import LoadSample
from holdfast.core.relay_input import RelayInput
from holdfast.core.upstream_link import UpstreamPhase
from holdfast.engine.pool import EnginePool
from holdfast.ports.charges import NANOS_PER_USD
from holdfast.ports.journal import Cause, Degraded, Journal
from holdfast.providers.warm import WarmDialer
from holdfast.runtime.call_runner import CallRunner
from holdfast.runtime.directory import Directory, Running
from holdfast.runtime.relay_return import ReturnableLine
from holdfast.runtime.relay_runner import RelayRunner
from holdfast.runtime.session_runner import SessionRunner
from holdfast.runtime.upstreams import Upstreams
from holdfast.sockets import MessageListener
from holdfast.telemetry import MOMENTS, TALLY
from holdfast.telemetry.metrics import Family, Metrics, Reading
from holdfast.telemetry.sighted import MetricsWatch

TOGETHER: Final = 32
"""So many conversations are read in a row: half a millisecond."""
REFUSALS: Final = ("application.rate_limited", "gateway.draining", "gateway.overloaded")
"""What is told at the door: named before it happens, for an alert sees only what grows, not what appears."""
_BASE64: Final = 3 / 4


@dataclass(slots=True)
class Passed:
    """Audio that passed through a conversation: samples and bytes, up and down."""

    up: int = 0
    up_bytes: int = 0
    down: int = 0
    down_bytes: int = 0

    def no_less_than(self, before: Passed) -> Passed:
        """What is reckoned may come out lower a moment later; a counter never does."""
        return Passed(
            max(self.up, before.up),
            max(self.up_bytes, before.up_bytes),
            max(self.down, before.down),
            max(self.down_bytes, before.down_bytes),
        )

    def plus(self, other: Passed) -> Passed:
        """Both."""
        return Passed(
            self.up + other.up,
            self.up_bytes + other.up_bytes,
            self.down + other.down,
            self.down_bytes + other.down_bytes,
        )


def passed(one: Running) -> Passed:
    """So far, in this process."""
    if isinstance(one, SessionRunner):
        s = one.session.state
        up, down = s.received - s.inherited, s.output.sounded
        return Passed(up, up * SAMPLE_BYTES, down, down * SAMPLE_BYTES)
    if isinstance(one, RelayRunner):
        r = one.relay.state
        up_bytes, down_bytes = _given(r.kept), round(r.said * _BASE64)
        sample_bytes = r.facts.input_sample_bytes
        return Passed(up_bytes // sample_bytes, up_bytes, down_bytes // sample_bytes, down_bytes)
    return Passed()


def _given(kept: RelayInput) -> int:
    """Bytes of audio that upstreams were given: reckoned where messages were not measured, by the newest
    one's share of audio. To measure each would take a millisecond.
    """
    newest = kept.fresh[-1] if kept.fresh else kept.given[-1] if kept.given else None
    if newest is None:
        return kept.first
    size = kept.size + sum(map(len, kept.fresh))
    return kept.first + size * kept.length(newest) // len(newest)


@dataclass(slots=True)
class Use:
    """How full the buffers of one name are."""

    used: float = 0.0
    fullest: float = 0.0

    def add(self, used: float, limit: float) -> None:
        """One more of them."""
        self.used += used
        if limit > 0:
            self.fullest = max(self.fullest, used / limit)


class Uses:
    """Of all buffers, by the name of their bound."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._uses: dict[str, Use] = {}

    def add(self, buffer: str, used: float, limit: float | None = None) -> None:
        """`limit` where it is not the one that `[limits]` has."""
        bound = getattr(self._limits, buffer) if limit is None else limit
        self._uses.setdefault(buffer, Use()).add(used, bound)

    def readings(self) -> Iterator[Reading]:
        """Used, bound, and how full the fullest is."""
        for buffer, use in self._uses.items():
            yield Reading("holdfast_buffer_used", use.used, (buffer,))
            yield Reading("holdfast_buffer_limit", getattr(self._limits, buffer), (buffer,))
            yield Reading("holdfast_buffer_fullest_ratio", use.fullest, (buffer,))


@dataclass(slots=True)
class Conversations:
    """All of a process. `ended` hears of each that leaves: what passed there still counts."""

    directory: Directory
    _before: dict[str, Passed] = field(default_factory=dict)
    """By source, of those that have ended."""
    _told: dict[Running, Passed] = field(default_factory=dict)
    """Of those that run, as last read."""

    def ended(self, one: Running) -> None:
        """It is over."""
        self._look(one)
        its = self._told.pop(one, None)
        if its is not None:
            source = source_of(one)
            self._before[source] = self._before.get(source, Passed()).plus(its)

    def _look(self, one: Running) -> None:
        if isinstance(one, SessionRunner | RelayRunner):
            self._told[one] = passed(one).no_less_than(self._told.get(one, Passed()))

    async def read(self, uses: Uses) -> list[Reading]:
        """Sessions by state, what is in their buffers, and the audio that passed."""
        states: Counter[tuple[str, ...]] = Counter()
        for at, one in enumerate(self.directory.running):
            if at % TOGETHER == TOGETHER - 1:
                await asyncio.sleep(0)
            if is_ours(one):
                self._look(one)
                states[source_of(one), state_of(one)] += 1
                _buffers_of(one, uses)
        readings = [Reading("holdfast_sessions", count, labels) for labels, count in states.items()]
        return [*readings, *self._audio()]

    def _audio(self) -> Iterator[Reading]:
        """In one piece: who ends in between would be counted twice."""
        sums = dict(self._before)
        for one, its in self._told.items():
            source = source_of(one)
            sums[source] = sums.get(source, Passed()).plus(its)
        for source, total in sums.items():
            yield Reading("holdfast_audio_samples_total", total.up, (source, "up"))
            yield Reading("holdfast_audio_samples_total", total.down, (source, "down"))
            yield Reading("holdfast_audio_bytes_total", total.up_bytes, (source, "up"))
            yield Reading("holdfast_audio_bytes_total", total.down_bytes, (source, "down"))


def is_ours(one: Running) -> bool:
    """Whether it runs in this process: a stand-in for one elsewhere does not, nor does one that is over."""
    return isinstance(one, SessionRunner | RelayRunner | CallRunner) and not one.is_finished


def source_of(one: Running) -> str:
    """By which door its client came."""
    if isinstance(one, SessionRunner):
        return "browser"
    return "realtime" if isinstance(one, RelayRunner) else "call"


def state_of(one: Running) -> str:
    """As the label `state` has it."""
    if isinstance(one, SessionRunner):
        links: Linked = one.session.state
        if not one.is_parked and not one.session.state.link.is_attached:
            return "waiting"
    elif isinstance(one, RelayRunner):
        links = one.relay.state
    else:
        return "held"
    if one.is_parked:
        return "away"
    if links.upstream.phase is UpstreamPhase.LIVE:
        return "live"
    return "recovering" if links.line.is_ready_told else "starting"


def _buffers_of(one: Running, uses: Uses) -> None:
    if isinstance(one, SessionRunner):
        _of_session(one, uses)
    elif isinstance(one, RelayRunner):
        _of_relay(one, uses)
    else:
        return
    for buffer, line in (("client_outbox_bytes", _socket(one.client)), ("upstream_outbox_bytes", one.line)):
        if isinstance(line, MessageListener) and line.is_open:
            uses.add(buffer, line.send_buffer_bytes)


def _socket(client: object) -> object:
    return client.client if isinstance(client, ReturnableLine) else client


def _of_session(one: SessionRunner, uses: Uses) -> None:
    s = one.session.state
    limits, kept, window = s.limits, s.kept, s.window
    held = "input_held_s" if s.link.is_attached or one.is_parked else "input_before_session_s"
    uses.add(held, kept.waiting / SAMPLE_RATE_HZ, kept.waiting_s)
    uses.add("commands_held", kept.commands, kept.commands_max)
    uses.add("input_replayed_s", kept.given_samples / SAMPLE_RATE_HZ, kept.given_max / SAMPLE_RATE_HZ)
    uses.add("window_bytes", window.audio_bytes, window.audio_bytes_max)
    uses.add("window_messages", window.texts, window.messages_max)
    uses.add("conversation_items", len(s.conversation.items), limits.conversation_items)
    uses.add("commands_remembered", len(s.commands), limits.commands_remembered)
    uses.add("tool_calls_remembered", len(s.tools.calls), limits.tool_calls_remembered)


def _of_relay(one: RelayRunner, uses: Uses) -> None:
    s = one.relay.state
    kept, window = s.kept, s.window
    uses.add("relay_held_bytes", kept.waiting_size, kept.waiting_max)
    uses.add("commands_remembered", len(kept.asked), kept.asked_max)
    uses.add("window_bytes", window.size, window.bytes_max)
    uses.add("window_messages", window.messages, window.messages_max)
    uses.add("conversation_items", len(s.mirror.items), s.mirror.items_max)


def of_upstreams(upstreams: Upstreams, warm: Iterable[WarmDialer], now: float) -> Iterator[Reading]:
    """Breakers, links and accounts of retries."""
    for one in upstreams.endpoints.status(now):
        for state in BreakerState:
            yield Reading("holdfast_upstream_state", float(one.state is state), (one.name, str(state)))
        yield Reading("holdfast_upstream_links", one.live, (one.name, "live"))
        yield Reading("holdfast_upstream_links", one.dialing, (one.name, "dialing"))
        yield Reading("holdfast_upstream_retry_tokens", one.tokens, (one.name,))
    for pool in warm:
        name = pool.traits.name
        yield Reading("holdfast_warm_links", pool.waiting, (name, "waiting"))
        yield Reading("holdfast_warm_links", pool.size, (name, "wanted"))
        yield Reading("holdfast_warm_taken_total", pool.taken, (name,))


def of_journal(journal: Journal, uses: Uses) -> Iterator[Reading]:
    """Its figures and its state."""
    counts, state = journal.counts, journal.state
    yield Reading("holdfast_journal_lines_total", counts.written, ("written",))
    yield Reading("holdfast_journal_lines_total", counts.refused, ("refused",))
    yield Reading("holdfast_journal_batches_total", counts.batches)
    for cause in get_args(Cause):
        is_it = isinstance(state, Degraded) and state.cause == cause
        yield Reading("holdfast_journal_degraded", float(is_it), (cause,))
    uses.add("journal_spool_lines", counts.waiting)
    uses.add("journal_spool_bytes", counts.waiting_bytes)


def of_books(books: Books, uses: Uses) -> Iterator[Reading]:
    """What was paid, for what."""
    for labels, nanos in books.paid.items():
        yield Reading("holdfast_cost_usd_total", nanos / NANOS_PER_USD, labels)
    uses.add("charges_waiting", books.waiting)
    uses.add("budget_customers", len(books.spending.by_customer))


def of_process(directory: Directory, sample: LoadSample | None) -> Iterator[Reading]:
    """Load, room, descriptors, who was turned away."""
    yield Reading("holdfast_build_info", 1.0, (version(),))
    if (overload := directory.overload) is not None:
        yield Reading("holdfast_busy_ratio", overload.busy)
        yield Reading("holdfast_pressure", int(overload.pressure))
        yield Reading("holdfast_room_sessions", overload.room)
    if sample is not None:
        yield Reading("holdfast_memory_ratio", sample.memory)
    if (descriptors := directory.descriptors) is not None:
        yield Reading("holdfast_descriptors_left", descriptors.left)
    if (express := directory.express) is not None:
        yield Reading("holdfast_express_messages_total", express.up, ("up",))
        yield Reading("holdfast_express_messages_total", express.down, ("down",))
    for code in {*REFUSALS, *directory.refused}:
        yield Reading("holdfast_refusals_total", directory.refused[code], (code,))
    yield Reading("holdfast_watch_failures_total", directory.watches.failed)


def of_log() -> Iterator[Reading]:
    """Lines and key moments."""
    for level, count in tuple(TALLY.levels.items()):  # a thread may log meanwhile
        yield Reading("holdfast_log_lines_total", count, (level,))
    for moment in MOMENTS:
        yield Reading("holdfast_moments_total", TALLY.moments[moment], (moment,))
    yield Reading("holdfast_log_lines_dropped_total", TALLY.dropped)


def of_spans(counts: Mapping[str, int]) -> Iterator[Reading]:
    """What became of spans."""
    for outcome in ("made", "sent", "failed"):
        yield Reading("holdfast_spans_total", counts.get(outcome, 0), (outcome,))


def of_engine(pool: EnginePool) -> Iterator[Reading]:
    """Its processes, and the stages that others should do."""
    ready, wanted, sessions = pool.numbers
    yield Reading("holdfast_engine_workers", ready, ("ready",))
    yield Reading("holdfast_engine_workers", wanted, ("all",))
    yield Reading("holdfast_engine_sessions", sessions)
    for news in pool.stage_troubles:
        yield Reading("holdfast_engine_stage_troubles", 1.0, (news.stage,))


Room = Callable[["Uses"], Iterable[Reading]]
"""Reads one room. What it keeps in buffers it enters in the uses."""


class Figures:
    """One process' figures: what it counted, and what it holds when it is asked."""

    def __init__(
        self,
        directory: Directory,
        limits: Limits,
        told: Mapping[str, Collection[str]],
        *,
        is_watching: bool = True,
    ) -> None:
        """`told`: the upstreams' names and the tools', which labels may bear. `is_watching`: whether what is
        seen of conversations is counted.
        """
        self.metrics = Metrics({"version": [version()], **told})
        self.rooms: list[Room] = [lambda _: of_log(), lambda _: of_process(directory, self._sample)]
        """What else is read; who builds a room adds it."""
        self._limits = limits
        self._conversations = Conversations(directory)
        self._sample: LoadSample | None = None
        directory.parting = self._conversations.ended
        if is_watching:
            directory.watches.all.append(MetricsWatch(self.metrics))

    def heard(self, sample: LoadSample) -> None:
        """How busy the process is, four times a second."""
        self._sample = sample
        self.metrics.observe("holdfast_event_loop_lag_seconds", max(0.0, sample.lag_s))

    async def families(self) -> list[Family]:
        """All of it, now."""
        uses = Uses(self._limits)
        readings = await self._conversations.read(uses)
        for room in self.rooms:
            readings += room(uses)
        return self.metrics.families([*readings, *uses.readings()])


def of_door(
    directory: Directory, secrets: ClientSecrets, audio_requests: Callable[[], int]
) -> Callable[[Uses], Iterable[Reading]]:
    """Reads what only the process with the port has: bounds over all workers."""

    def read(uses: Uses) -> Iterable[Reading]:
        uses.add("sessions", len(directory))
        uses.add("client_secrets", len(secrets))
        uses.add("client_secrets_bytes", secrets.size)
        uses.add("audio_requests", audio_requests())
        return ()

    return read


@cache
def version() -> str:
    """Of this program."""
    return metadata.version("holdfast")
