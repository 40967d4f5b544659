"""What the other rooms hold: upstreams, store, load, log, bill, console, engine, the door.

What lives here: a function for each room, which reads it and gives its figures their names.
What never will: conversations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from importlib import metadata
from typing import Final, get_args

from holdfast.accounts import Books
from holdfast.auth.client_secrets import ClientSecrets
from holdfast.core.breaker import BreakerState
from holdfast.core.overload import LoadSample
from holdfast.engine.pool import EnginePool
from holdfast.flight import Recorder
from holdfast.ledger import Ledger
from holdfast.ports.charges import NANOS_PER_USD
from holdfast.ports.journal import Cause, Degraded, Journal
from holdfast.ports.sound import Recordings
from holdfast.ports.transcripts import TranscriptStore
from holdfast.providers.warm import WarmDialer
from holdfast.readings.uses import Room, Uses
from holdfast.runtime.directory import Directory
from holdfast.runtime.listening import Listening
from holdfast.runtime.upstreams import Upstreams
from holdfast.server.console.feed import Feed
from holdfast.telemetry import MOMENTS, TALLY, kept_lines
from holdfast.telemetry.metrics import Reading

REFUSALS: Final = ("application.rate_limited", "gateway.draining", "gateway.overloaded")
"""What is told at the door: named before it happens, for an alert sees only what grows, not what appears."""


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


def of_books(books: Books, uses: Uses) -> Iterator[Reading]:
    """What was paid, for what; what waits to be written of it."""
    for labels, nanos in books.paid.items():
        yield Reading("holdfast_cost_usd_total", nanos / NANOS_PER_USD, labels)
    uses.add("charges_waiting", books.waiting)
    uses.add("budget_customers", len(books.spending.by_customer))


def of_recorder(recorder: Recorder, uses: Uses) -> Iterator[Reading]:
    """What the flight recorder keeps, and what became of recordings."""
    counts = recorder.counts
    for outcome in ("written", "failed", "skipped", "stumbled"):
        yield Reading("holdfast_recordings_total", getattr(counts, outcome), (outcome,))
    for tap in recorder.taps:
        steps, size = tap.fill
        uses.add("flight_steps", steps)
        uses.add("flight_bytes", size)
    uses.add("flight_ended", recorder.ended)
    uses.add("flight_fresh", recorder.fresh)
    uses.add("flight_waiting", recorder.waiting)


def of_transcripts(store: TranscriptStore, uses: Uses) -> Iterator[Reading]:
    """What was written of what was said, and what was taken out of it."""
    counts = store.counts
    yield Reading("holdfast_transcript_lines_total", counts.written, ("written",))
    yield Reading("holdfast_transcript_lines_total", counts.lost, ("lost",))
    yield Reading("holdfast_transcripts_failing", float(counts.is_failing))
    for kind, count in counts.taken_out.items():
        yield Reading("holdfast_redactions_total", count, (kind,))
    uses.add("transcript_lines", counts.waiting)
    uses.add("transcript_bytes", counts.waiting_bytes)


def of_sound(store: Recordings, uses: Uses) -> Iterator[Reading]:
    """The sound that waits for the disk."""
    uses.add("sound_bytes", store.waiting_bytes)
    yield Reading("holdfast_sound_recorded", store.running)


def of_ledger(ledger: Ledger, uses: Uses) -> Iterable[Reading]:
    """What is kept for the console."""
    for buffer, used in ledger.fill():
        uses.add(buffer, used)
    uses.add("console_log_lines", kept_lines.count())
    return ()


def of_listening(listening: Listening) -> Iterator[Reading]:
    """What was found in inputs of which no upstream told."""
    yield Reading("holdfast_listened_total", listening.found, ("speech",))
    yield Reading("holdfast_listened_total", listening.listened - listening.found, ("none",))


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


def of_door(
    directory: Directory, secrets: ClientSecrets, feed: Feed, audio_requests: Callable[[], int]
) -> Room:
    """Reads what only the process with the port has: bounds over all workers."""

    def read(uses: Uses) -> Iterable[Reading]:
        uses.add("sessions", len(directory))
        uses.add("client_secrets", len(secrets))
        uses.add("client_secrets_bytes", secrets.size)
        uses.add("audio_requests", audio_requests())
        uses.add("console_watchers", feed.watchers)
        for waiting in feed.waiting:
            uses.add("console_stream_messages", waiting)
        return ()

    return read


@cache
def version() -> str:
    """Of this program."""
    return metadata.version("holdfast")
