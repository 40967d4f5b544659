"""The gateway itself: its bounds, its processes, its store, its engine.

What lives here: rows of the table of figures.
What never will: counting.
"""

from __future__ import annotations

from typing import Final

from holdfast.telemetry.buffers import ALARMING
from holdfast.telemetry.meters.shapes import QUICK, Alert, Kind, Meter, group

BOUNDS: Final = group(
    "Bounds",
    Meter(
        "buffer_used",
        Kind.GAUGE,
        "What is in a buffer, over all sessions, in the unit of its bound.",
        "It is memory. See `holdfast_buffer_fullest_ratio` for whether anybody is near a bound.",
        ("buffer",),
    ),
    Meter(
        "buffer_limit",
        Kind.GAUGE,
        "The bound, of one session or of the process.",
        "It is a setting in `[limits]`.",
        ("buffer",),
    ),
    Meter(
        "buffer_fullest_ratio",
        Kind.GAUGE,
        "How full the fullest one is. Rings and memories are full by design.",
        "See the page on metrics for what is done when each is full, and whether that harms anybody.",
        ("buffer",),
        alerts=(
            Alert(
                "HoldfastNearItsBound",
                f'max by (buffer) (holdfast_buffer_fullest_ratio{{buffer=~"{"|".join(ALARMING)}"}}) > 0.9',
                "5m",
                "ticket",
                "[limits] {{ $labels.buffer }} is nine tenths used.",
            ),
        ),
    ),
)

PROCESS: Final = group(
    "Process",
    Meter(
        "build_info",
        Kind.GAUGE,
        "1, with the version.",
        "Several versions at once: a deploy is under way.",
        ("version",),
    ),
    Meter(
        "event_loop_lag_seconds",
        Kind.HISTOGRAM,
        "How late the event loop was, four times a second.",
        "Above 10 ms everybody's audio waits: something blocks, or the processor is full. New "
        "sessions are refused from 30 ms on.",
        (),
        QUICK,
        alerts=(
            Alert(
                "HoldfastLoopLags",
                "histogram_quantile(0.99, sum by (worker, le) "
                "(rate(holdfast_event_loop_lag_seconds_bucket[5m]))) > 0.03",
                "5m",
                "ticket",
                "The event loop of process {{ $labels.worker }} is late: everybody's audio waits.",
            ),
        ),
    ),
    Meter(
        "busy_ratio",
        Kind.GAUGE,
        "Processor time, as a share of what one event loop may have here.",
        "New sessions are refused from 0.75 on: add workers or a machine.",
        alerts=(
            Alert(
                "HoldfastBusy",
                "max by (worker) (holdfast_busy_ratio) > 0.7",
                "10m",
                "ticket",
                "Process {{ $labels.worker }} is nearly as busy as it may be.",
            ),
        ),
    ),
    Meter(
        "memory_ratio",
        Kind.GAUGE,
        "Memory in use, as a share of what the process may have.",
        "New sessions are refused from 0.85 on; from 0.97 on parked sessions are ended.",
        alerts=(
            Alert(
                "HoldfastMemory",
                "max by (worker) (holdfast_memory_ratio) > 0.85",
                "5m",
                "page",
                "Process {{ $labels.worker }} is short of memory.",
            ),
        ),
    ),
    Meter(
        "pressure",
        Kind.GAUGE,
        "0 all is well, 1 no new sessions, 2 spare memory is let go, 3 parked sessions are ended.",
        "Add a machine; see which of busy, lag and memory is high.",
        alerts=(
            Alert(
                "HoldfastUnderPressure",
                "max by (worker) (holdfast_pressure) > 0",
                "2m",
                "page",
                "Process {{ $labels.worker }} takes no new sessions.",
            ),
        ),
    ),
    Meter(
        "room_sessions",
        Kind.GAUGE,
        "How many more sessions the processor bears, by what is known.",
        "Low is bad: add workers or a machine before it is 0.",
    ),
    Meter(
        "descriptors_left",
        Kind.GAUGE,
        "File descriptors that may still be opened.",
        "Low is bad: raise `ulimit -n`. Below `[limits] descriptors_reserved` no session begins.",
        alerts=(
            Alert(
                "HoldfastDescriptors",
                "min by (worker) (holdfast_descriptors_left) < 128",
                "5m",
                "page",
                "Process {{ $labels.worker }} runs out of file descriptors.",
            ),
        ),
    ),
    Meter(
        "worker_up",
        Kind.GAUGE,
        "Whether a process answered this scrape. What a worker that did not had counted is missing.",
        "0 for long: it hangs or cannot start; the log says why.",
        alerts=(
            Alert(
                "HoldfastWorkerDown",
                "min by (worker) (holdfast_worker_up) == 0",
                "1m",
                "page",
                "The worker {{ $labels.worker }} does not answer.",
            ),
        ),
    ),
    Meter(
        "worker_restarts_total",
        Kind.COUNTER,
        "Workers that ended unasked and were started again.",
        "Each is a bug or the system's killer: look at `worker.lost` in the log.",
        alerts=(
            Alert(
                "HoldfastWorkersEnd",
                "sum(increase(holdfast_worker_restarts_total[1h])) > 0",
                "0m",
                "ticket",
                "A worker ended unasked.",
            ),
        ),
    ),
    Meter(
        "watch_failures_total",
        Kind.COUNTER,
        "Sightings that one of those who watch (console, metrics, transcripts, cost) could not take in.",
        "A bug of the gateway's own, which cost a figure and no conversation: the log has the first.",
    ),
    Meter(
        "listened_total",
        Kind.COUNTER,
        "Inputs listened to because the upstream had told nothing of them: `speech`, or `none`.",
        "`speech`: an upstream does not listen; the fault `provider.not_listening` says whose session.",
        ("sound",),
    ),
    Meter(
        "spans_total",
        Kind.COUNTER,
        "Spans for OpenTelemetry. More `made` than `sent` for long: some were dropped.",
        "`failed`: the receiver of `[traces] endpoint` does not take them.",
        ("outcome",),
    ),
    Meter(
        "log_lines_total",
        Kind.COUNTER,
        "Lines that were logged, whether or not they were written.",
        "Many errors: read them.",
        ("level",),
    ),
    Meter(
        "log_lines_dropped_total",
        Kind.COUNTER,
        "Lines that could not be written: the disk or pipe was too slow.",
        "The log has holes: write it somewhere quicker.",
    ),
)

STORE_AND_ENGINE: Final = group(
    "Store and engine",
    Meter(
        "journal_lines_total",
        Kind.COUNTER,
        "Lines of the journal.",
        "`refused`: too many waited; those sessions do not survive a restart whole.",
        ("outcome",),
        alerts=(
            Alert(
                "HoldfastJournalRefuses",
                'sum(increase(holdfast_journal_lines_total{outcome="refused"}[10m])) > 0',
                "0m",
                "page",
                "Lines of the journal are lost.",
            ),
        ),
    ),
    Meter(
        "journal_batches_total",
        Kind.COUNTER,
        "Transactions of the journal.",
        "Compare with lines: a handful of lines in each is usual.",
    ),
    Meter(
        "journal_degraded",
        Kind.GAUGE,
        "1 while the journal does not write, with the cause.",
        "A restart now would lose sessions: see the cause, and `store.*` in the fault table.",
        ("cause",),
        alerts=(
            Alert(
                "HoldfastJournalDegraded",
                "max by (cause) (holdfast_journal_degraded) == 1",
                "1m",
                "page",
                "The journal does not write ({{ $labels.cause }}): a restart would lose sessions.",
            ),
        ),
    ),
    Meter(
        "transcript_lines_total",
        Kind.COUNTER,
        "Lines of transcripts.",
        "`lost`: the store stumbled for longer than memory lasted; a `gap` in each transcript says so.",
        ("outcome",),
        alerts=(
            Alert(
                "HoldfastTranscriptsLost",
                'sum(increase(holdfast_transcript_lines_total{outcome="lost"}[10m])) > 0',
                "0m",
                "ticket",
                "Lines of transcripts are lost.",
            ),
        ),
    ),
    Meter(
        "transcripts_failing",
        Kind.GAUGE,
        "1 while no transcript is written.",
        "The log's `transcripts.degraded` has the cause.",
    ),
    Meter(
        "sound_recorded",
        Kind.GAUGE,
        "Conversations whose sound is recorded now; each has a consent.",
        "Compare with `holdfast_sessions`: who is recorded agreed to it.",
    ),
    Meter(
        "redactions_total",
        Kind.COUNTER,
        "What was taken out of transcripts before they were written.",
        "People say such numbers; a jump may mean that an application asks for them.",
        ("personal",),
    ),
    Meter(
        "engine_workers",
        Kind.GAUGE,
        "Processes of the embedded engine: `ready` to take a session, and `all`.",
        "Fewer `ready` than `all` for long: one cannot start; `/readyz` says why.",
        ("state",),
        alerts=(
            Alert(
                "HoldfastEngineDown",
                'holdfast_engine_workers{state="all"} > 0 and ignoring (state) '
                'holdfast_engine_workers{state="ready"} == 0',
                "1m",
                "page",
                "No process of the embedded engine is ready.",
            ),
        ),
    ),
    Meter(
        "recordings_total",
        Kind.COUNTER,
        "Recordings of the flight recorder, by what became of them.",
        "`failed`: the folder takes none, see `recorder.not_written`. `skipped`: too many at once. "
        "`stumbled`: a bug of the gateway's own, which cost a recording and no conversation.",
        ("outcome",),
    ),
    Meter(
        "engine_sessions",
        Kind.GAUGE,
        "Sessions that the embedded engine serves.",
        "Recognising speech takes most of a core for a few talkers: see `holdfast bench talkers`.",
    ),
    Meter(
        "engine_stage_troubles",
        Kind.GAUGE,
        "Engine processes in which a stage is done by what is built in, because its server failed.",
        "The server's owner has to look; it is tried again by itself.",
        ("stage",),
    ),
)
