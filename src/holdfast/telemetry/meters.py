"""What is counted and measured, each thing named once: type, labels, meaning, what to do when it is high.

What lives here: rows of one table. `/metrics`, its page of reference, the dashboard and the alert rules come
from it.
What never will: counting (`metrics`), reading what rooms hold (`holdfast.readings`).

Names end in their unit, as Prometheus has it. The values of a label are few and known: what is not among them
becomes `other`. No label ever bears a customer, a session, an address or a word that somebody said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Literal

from holdfast.core.breaker import BreakerState
from holdfast.core.faults import FAULTS, Party
from holdfast.telemetry.buffers import ALARMING, BUFFERS
from holdfast.telemetry.moments import MOMENTS

PREFIX: Final = "holdfast_"
OTHER: Final = "other"
"""What a label says of a value that it does not know."""


class Kind(StrEnum):
    """As Prometheus has them."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Label:
    """One label. `values`: all that it may say; None: they are told when the process starts."""

    name: str
    help: str
    values: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Alert:
    """When somebody is told: `expr` holds for `lasts`. `page`: now; `ticket`: in working hours."""

    name: str
    expr: str
    lasts: str
    severity: Literal["page", "ticket"]
    says: str


@dataclass(frozen=True, slots=True)
class Meter:
    """One thing. `advice`: what to do when it is high (or, where it says so, low)."""

    name: str
    kind: Kind
    help: str
    advice: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    alerts: tuple[Alert, ...] = ()
    group: str = ""

    @property
    def unit(self) -> str:
        """As its name ends."""
        stem = self.name.removesuffix("_total")
        return next((unit for unit in UNITS if stem.endswith(f"_{unit}")), "")


UNITS: Final = ("seconds", "ratio", "bytes", "samples", "tokens", "usd")

LABELS: Final[Mapping[str, Label]] = {
    one.name: one
    for one in (
        Label("worker", "The process that tells it: `front` has the port; workers have numbers from 1."),
        Label("upstream", "The name of an upstream, as the settings have it."),
        Label("tool", "The name of one of the application's own tools."),
        Label(
            "source",
            "By which door the client came.",
            frozenset({"browser", "realtime", "call"}),
        ),
        Label(
            "state",
            "Of a session: `waiting` has not asked for one yet, `starting` no upstream yet, `live`, "
            "`recovering` lost its upstream, `away` its client, `held` is a call whose sound goes past us. "
            "Of an upstream: its breaker. Of links: `live`, `dialing`, `waiting`, `wanted`.",
            frozenset(
                {
                    *("waiting", "starting", "live", "recovering", "away", "held"),
                    *map(str, BreakerState),
                    *("dialing", "wanted", "ready", "all"),
                }
            ),
        ),
        Label(
            "code",
            "A code of the fault table; `none` where there was no fault.",
            frozenset({*FAULTS, "none"}),
        ),
        Label("party", "At whose door a fault lies.", frozenset({*map(str, Party), "none"})),
        Label(
            "direction", "`up` is towards the upstream, `down` towards the client.", frozenset({"up", "down"})
        ),
        Label(
            "reason",
            "Why samples were lost, or a session ended.",
            frozenset(
                {
                    *(
                        "gap_in_client_positions",
                        "held_too_long",
                        "no_session",
                        "not_transcribed",
                        "too_fast",
                    ),
                    *("upstream_lost", "window_full", "skipped", "truncated"),
                    *(
                        "ended_by_client",
                        "client_gone",
                        "not_resumed",
                        "not_started",
                        "draining",
                        "suspended",
                    ),
                    *(
                        "goodbye",
                        "idle",
                        "time_limit",
                        "message_flood",
                        "gateway_fault",
                        "budget_spent",
                        "ended_by_operator",
                        "fault",
                    ),
                }
            ),
        ),
        Label(
            "status",
            "Of a response or a tool's call.",
            frozenset(
                {"completed", "cancelled", "failed", "incomplete", "ok", "timeout", "refused", "unknown"}
            ),
        ),
        Label(
            "recovered", "Whether everything that was missed could be made good.", frozenset({"yes", "no"})
        ),
        Label(
            "segment",
            "Of the silence that a user hears: `thinking` from the upstream's word that speech has ended "
            "until a response begins, `speaking` until its first sound, `whole` both. Where the client "
            "measures: `endpointing` before, `network` and `playback` behind, and `heard`, all five parts.",
            frozenset({"thinking", "speaking", "whole", "endpointing", "network", "playback", "heard"}),
        ),
        Label(
            "kind",
            "Of tokens. `input_cached` is the part of all input that was cached.",
            frozenset(
                {
                    *("input_text", "input_audio", "input_image", "input_cached"),
                    *("output_text", "output_audio"),
                    *("transcription_input", "transcription_output"),
                }
            ),
        ),
        Label(
            "purpose",
            "What was paid for: an answer that was heard, telling a fresh upstream again, what nobody heard.",
            frozenset({"answer", "rebuild", "waste", "transcription"}),
        ),
        Label("buffer", "The name of its bound in `[limits]`.", frozenset(BUFFERS)),
        Label(
            "outcome",
            "What became of lines, spans and recordings.",
            frozenset({"written", "refused", "lost", "made", "sent", "failed", "skipped", "stumbled"}),
        ),
        Label("sound", "What an input was found to be.", frozenset({"speech", "none"})),
        Label(
            "personal",
            "What was taken out of a transcript.",
            frozenset({"card", "iban", "phone", "mail", "digits"}),
        ),
        Label(
            "cause",
            "Why the journal does not write.",
            frozenset({"slow", "locked", "disk_full", "read_only", "gone", "damaged", "failing"}),
        ),
        Label("stage", "A stage of the embedded engine.", frozenset({"transcription", "chat", "speech"})),
        Label("moment", "A key moment of the log.", frozenset(MOMENTS)),
        Label("level", "Of a line of the log.", frozenset({"debug", "info", "warning", "error", "critical"})),
        Label("version", "Of this program."),
    )
}

_QUICK: Final = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_SILENCES: Final = (0.1, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0)
_WAITS: Final = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 40.0)
_LIVES: Final = (1.0, 10.0, 30.0, 60.0, 180.0, 600.0, 1800.0, 3600.0, 7200.0, 14400.0)

_C, _G, _H = Kind.COUNTER, Kind.GAUGE, Kind.HISTOGRAM


def _group(title: str, *meters: Meter) -> tuple[Meter, ...]:
    return tuple(replace(one, name=PREFIX + one.name, group=title) for one in meters)


_ROWS: Final = (
    *_group(
        "Sessions",
        Meter(
            "sessions",
            _G,
            "Conversations that run.",
            'Compare with `holdfast_buffer_limit{buffer="sessions"}`: near it, add a machine or raise '
            "`[limits] sessions`.",
            ("source", "state"),
        ),
        Meter(
            "sessions_began_total",
            _C,
            "Sessions that were accepted.",
            "Many more than people who speak: a client that starts anew in a loop. Look at how they end.",
            ("source",),
        ),
        Meter(
            "sessions_ended_total",
            _C,
            "Sessions that are over: why, and by which fault.",
            "Look the code up with `holdfast explain CODE`; `not_resumed` is networks that did not "
            "come back.",
            ("source", "reason", "code"),
        ),
        Meter(
            "session_seconds",
            _H,
            "How long sessions lasted.",
            "Very short ones: people give up; look at `holdfast_turn_seconds` and at faults.",
            ("source",),
            _LIVES,
        ),
        Meter(
            "refusals_total",
            _C,
            "Clients that were turned away at the door, before a session: the fault that they were told.",
            "`gateway.overloaded`: add a machine. `application.rate_limited`: one address or customer "
            "wants many.",
            ("code",),
            alerts=(
                Alert(
                    "HoldfastTurnsAway",
                    'sum(rate(holdfast_refusals_total{code="gateway.overloaded"}[5m])) > 0.1',
                    "5m",
                    "page",
                    "New conversations are refused because the gateway is full.",
                ),
            ),
        ),
        Meter(
            "client_drops_total",
            _C,
            "Clients whose socket broke while their session went on.",
            "All at once: a proxy or load balancer on the way restarted, or cuts long connections.",
            ("source",),
        ),
        Meter(
            "resumes_total",
            _C,
            "Clients that came back to their session, and whether everything was made good.",
            'Many `recovered="no"`: clients stay away longer than what is kept for them (`[limits] '
            "window_*`).",
            ("source", "recovered"),
        ),
        Meter(
            "away_seconds",
            _H,
            "How long clients that came back had been away.",
            "Near `[limits] resume_window_s`: give them longer.",
            ("source",),
            _WAITS,
        ),
    ),
    *_group(
        "Faults",
        Meter(
            "faults_total",
            _C,
            "Faults that conversations met, by the fault table: what, and at whose door it lies.",
            "`holdfast explain CODE` says what to do.",
            ("code", "party"),
        ),
        Meter(
            "moments_total",
            _C,
            "Key moments of the log, whether or not its level lets them be written.",
            "See the page on logs for what each means.",
            ("moment",),
            alerts=(
                Alert(
                    "HoldfastBugs",
                    "sum(increase(holdfast_moments_total"
                    '{moment=~"step.failed|task.failed|http.failed|upgrade.failed|watch.failed"}[15m])) > 0',
                    "0m",
                    "ticket",
                    "A bug of the gateway's own: the log has its traceback.",
                ),
                Alert(
                    "HoldfastChargesLost",
                    'sum(increase(holdfast_moments_total{moment="cost.unwritten"}[15m])) > 0',
                    "0m",
                    "page",
                    "Charges were not kept: the bill has holes.",
                ),
                Alert(
                    "HoldfastForeignResumes",
                    'sum(increase(holdfast_moments_total{moment="resume.foreign"}[15m])) > 0',
                    "0m",
                    "page",
                    "A customer tried to resume another one's session: a stolen token, or a portal "
                    "that mixes them up.",
                ),
            ),
        ),
    ),
    *_group(
        "Upstreams",
        Meter(
            "upstream_state",
            _G,
            "1 for the state that an upstream's breaker is in.",
            "`open`: it is left alone for a while. `refused`: somebody has to change the key, the "
            "model or the account.",
            ("upstream", "state"),
            alerts=(
                Alert(
                    "HoldfastUpstreamRefuses",
                    'max by (upstream) (holdfast_upstream_state{state="refused"}) == 1',
                    "2m",
                    "page",
                    "The upstream {{ $labels.upstream }} refuses everybody: key, model or account.",
                ),
                Alert(
                    "HoldfastUpstreamDown",
                    'min by (upstream) (holdfast_upstream_state{state="open"}) == 1',
                    "5m",
                    "ticket",
                    "The upstream {{ $labels.upstream }} has not been reachable for five minutes.",
                ),
                Alert(
                    "HoldfastNoUpstream",
                    'max(holdfast_upstream_state{state=~"closed|half_open"}) == 0',
                    "1m",
                    "page",
                    "No upstream can be reached: nobody can begin a conversation.",
                ),
            ),
        ),
        Meter(
            "upstream_links",
            _G,
            "Links to an upstream.",
            "Many `dialing`: it is slow to let sessions in.",
            ("upstream", "state"),
        ),
        Meter(
            "upstream_retry_tokens",
            _G,
            "What is left of an upstream's account of retries.",
            "Low is bad: near `[limits] retry_tokens_least` no retries are made there; it fails too often.",
            ("upstream",),
        ),
        Meter(
            "dials_total",
            _C,
            "Dials, and how they ended: `none`, or the fault.",
            "`holdfast doctor --upstream NAME` goes through the layers.",
            ("upstream", "code"),
        ),
        Meter(
            "dial_seconds",
            _H,
            "From a dial until the upstream had confirmed our settings.",
            "Above a second users wait for it at the start: `[[upstream]] warm` keeps links dialled.",
            ("upstream",),
            _WAITS,
        ),
        Meter(
            "upstream_lost_total",
            _C,
            "Live links that were lost, and why.",
            "One provider, many codes: its status page. All at once: a restart there.",
            ("upstream", "code", "party"),
            alerts=(
                Alert(
                    "HoldfastUpstreamLosses",
                    "sum by (upstream) (rate(holdfast_upstream_lost_total[10m])) * 60 "
                    '> 0.05 * clamp_min(sum by (upstream) (holdfast_upstream_links{state="live"}), 20)',
                    "5m",
                    "ticket",
                    "More than one live link in twenty is lost each minute at {{ $labels.upstream }}.",
                ),
            ),
        ),
        Meter(
            "rebuild_seconds",
            _H,
            "From the loss of an upstream until the next one had been told the conversation and listened.",
            "Users wait for it in mid-sentence: put another upstream in the list, or keep links warm.",
            ("upstream",),
            _WAITS,
            alerts=(
                Alert(
                    "HoldfastSlowRebuilds",
                    "histogram_quantile(0.95, sum by (le) (rate(holdfast_rebuild_seconds_bucket[15m]))) > 5",
                    "10m",
                    "ticket",
                    "One rebuild in twenty takes more than five seconds.",
                ),
            ),
        ),
        Meter(
            "warm_links",
            _G,
            "Links that wait for a session, and how many are wanted.",
            "Fewer `waiting` than `wanted` for long: dialling fails, or sessions come faster.",
            ("upstream", "state"),
        ),
        Meter(
            "warm_taken_total",
            _C,
            "Sessions that got a waiting link.",
            "Compare with `holdfast_dials_total`: a small share means that the pool is too small.",
            ("upstream",),
        ),
    ),
    *_group(
        "Turns",
        Meter(
            "turns_total",
            _C,
            "Turns of users that ended.",
            "None while people are connected: microphones are silent, or the end of speech is not found.",
            ("source",),
        ),
        Meter(
            "turn_seconds",
            _H,
            "The silence after a turn, in segments that add up.",
            "`thinking`, `endpointing` are the upstream's, `network` the user's line, `playback` the page's.",
            ("source", "segment"),
            _SILENCES,
            alerts=(
                Alert(
                    "HoldfastSlowAnswers",
                    "histogram_quantile(0.95, sum by (le) "
                    '(rate(holdfast_turn_seconds_bucket{segment="whole"}[10m]))) > 3',
                    "10m",
                    "ticket",
                    "One answer in twenty begins more than three seconds after the user has finished.",
                ),
            ),
        ),
        Meter(
            "responses_total",
            _C,
            "Answers that ended, by status.",
            "`failed`: see `holdfast_faults_total`. `cancelled`: people interrupt.",
            ("source", "status"),
            alerts=(
                Alert(
                    "HoldfastFailingAnswers",
                    'sum(rate(holdfast_responses_total{status="failed"}[10m])) '
                    "> 0.05 * sum(rate(holdfast_responses_total[10m]))",
                    "10m",
                    "page",
                    "More than one answer in twenty fails.",
                ),
            ),
        ),
        Meter(
            "response_seconds",
            _H,
            "From the beginning of an answer to its end.",
            "Long answers cost money and are interrupted: ask for shorter ones in the instructions.",
            ("source", "status"),
            _SILENCES,
        ),
        Meter(
            "interruptions_total",
            _C,
            "Answers that users spoke over.",
            "Many: answers are long, or the microphone hears the speaker.",
            ("source",),
        ),
        Meter(
            "tool_calls_total",
            _C,
            "Calls of the application's tools, by status.",
            "`timeout`: the portal behind it is slow (`[limits] tool_s`).",
            ("tool", "status"),
            alerts=(
                Alert(
                    "HoldfastToolsFail",
                    'sum by (tool) (rate(holdfast_tool_calls_total{status=~"failed|timeout"}[10m])) '
                    "> 0.2 * sum by (tool) (rate(holdfast_tool_calls_total[10m]))",
                    "10m",
                    "ticket",
                    "More than one call in five of the tool {{ $labels.tool }} fails.",
                ),
            ),
        ),
        Meter(
            "tool_seconds",
            _H,
            "How long tools ran.",
            "Users hear silence meanwhile: make the tool quicker, or let it answer at once and finish later.",
            ("tool",),
            _WAITS,
        ),
        Meter(
            "tokens_total",
            _C,
            "Tokens that upstreams said they used.",
            "`input_audio` that grows faster than turns: each turn pays for the whole history again.",
            ("upstream", "kind"),
        ),
        Meter(
            "cost_usd_total",
            _C,
            "What that costs by the price table.",
            "`rebuild` or `waste` that grows: losses and interruptions cost money.",
            ("upstream", "purpose"),
        ),
    ),
    *_group(
        "Audio",
        Meter(
            "audio_samples_total",
            _C,
            "Samples of audio that passed. Down at `/v1/realtime`, where originals pass unread, "
            "reckoned from their size.",
            "It is the load. Up without down: nobody is answered.",
            ("source", "direction"),
        ),
        Meter(
            "audio_bytes_total",
            _C,
            "Bytes of that audio, as it is counted in the conversation: without base64 and envelopes.",
            "At `/v1/realtime` the network carries a third more than this.",
            ("source", "direction"),
        ),
        Meter(
            "express_messages_total",
            _C,
            "Messages of usual audio that took the compiled way.",
            "Low is bad: audio passes through Python at several times the price. See `[server] express`.",
            ("direction",),
        ),
        Meter(
            "audio_lost_samples_total",
            _C,
            "Samples that were lost, each named to its client.",
            "`held_too_long`: no upstream for longer than `[limits] input_held_s`. `window_full`: "
            "clients were away long.",
            ("direction", "reason"),
            alerts=(
                Alert(
                    "HoldfastAudioLost",
                    "sum(rate(holdfast_audio_lost_samples_total"
                    '{reason=~"held_too_long|upstream_lost|window_full"}[10m])) '
                    "> 0.001 * sum(rate(holdfast_audio_samples_total[10m]))",
                    "10m",
                    "ticket",
                    "More than one sample in a thousand is lost.",
                ),
            ),
        ),
    ),
    *_group(
        "Bounds",
        Meter(
            "buffer_used",
            _G,
            "What is in a buffer, over all sessions, in the unit of its bound.",
            "It is memory. See `holdfast_buffer_fullest_ratio` for whether anybody is near a bound.",
            ("buffer",),
        ),
        Meter(
            "buffer_limit",
            _G,
            "The bound, of one session or of the process.",
            "It is a setting in `[limits]`.",
            ("buffer",),
        ),
        Meter(
            "buffer_fullest_ratio",
            _G,
            "How full the fullest one is. Rings and memories are full by design.",
            "See the page on metrics for what is done when each is full, and whether that harms anybody.",
            ("buffer",),
            alerts=(
                Alert(
                    "HoldfastNearItsBound",
                    f"max by (buffer) "
                    f'(holdfast_buffer_fullest_ratio{{buffer=~"{"|".join(ALARMING)}"}}) > 0.9',
                    "5m",
                    "ticket",
                    "[limits] {{ $labels.buffer }} is nine tenths used.",
                ),
            ),
        ),
    ),
    *_group(
        "Process",
        Meter(
            "build_info",
            _G,
            "1, with the version.",
            "Several versions at once: a deploy is under way.",
            ("version",),
        ),
        Meter(
            "event_loop_lag_seconds",
            _H,
            "How late the event loop was, four times a second.",
            "Above 10 ms everybody's audio waits: something blocks, or the processor is full. New "
            "sessions are refused from 30 ms on.",
            (),
            _QUICK,
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
            _G,
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
            _G,
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
            _G,
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
            _G,
            "How many more sessions the processor bears, by what is known.",
            "Low is bad: add workers or a machine before it is 0.",
        ),
        Meter(
            "descriptors_left",
            _G,
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
            _G,
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
            _C,
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
            _C,
            "Sightings that one of those who watch (console, metrics, transcripts, cost) could not take in.",
            "A bug of the gateway's own, which cost a figure and no conversation: the log has the first.",
        ),
        Meter(
            "listened_total",
            _C,
            "Inputs listened to because the upstream had told nothing of them: was it `speech`, or `none`?",
            "`speech`: an upstream does not listen; the fault `provider.not_listening` says whose session.",
            ("sound",),
        ),
        Meter(
            "spans_total",
            _C,
            "Spans for OpenTelemetry. More `made` than `sent` for long: some were dropped.",
            "`failed`: the receiver of `[traces] endpoint` does not take them.",
            ("outcome",),
        ),
        Meter(
            "log_lines_total",
            _C,
            "Lines that were logged, whether or not they were written.",
            "Many errors: read them.",
            ("level",),
        ),
        Meter(
            "log_lines_dropped_total",
            _C,
            "Lines that could not be written: the disk or pipe was too slow.",
            "The log has holes: write it somewhere quicker.",
        ),
    ),
    *_group(
        "Store and engine",
        Meter(
            "journal_lines_total",
            _C,
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
            _C,
            "Transactions of the journal.",
            "Compare with lines: a handful of lines in each is usual.",
        ),
        Meter(
            "journal_degraded",
            _G,
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
            _C,
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
            _G,
            "1 while no transcript is written.",
            "The log's `transcripts.degraded` has the cause.",
        ),
        Meter(
            "sound_recorded",
            _G,
            "Conversations whose sound is recorded now; each has a consent.",
            "Compare with `holdfast_sessions`: who is recorded agreed to it.",
        ),
        Meter(
            "redactions_total",
            _C,
            "What was taken out of transcripts before they were written.",
            "People say such numbers; a jump may mean that an application asks for them.",
            ("personal",),
        ),
        Meter(
            "engine_workers",
            _G,
            "Processes of the embedded engine: `ready` to take a session, and `all`.",
            "Fewer `ready` than `all` for long: one cannot start; `/readyz` says why.",
            ("state",),
            alerts=(
                Alert(
                    "HoldfastEngineDown",
                    'holdfast_engine_workers{state="all"} > 0 and on() '
                    'holdfast_engine_workers{state="ready"} == 0',
                    "1m",
                    "page",
                    "No process of the embedded engine is ready.",
                ),
            ),
        ),
        Meter(
            "recordings_total",
            _C,
            "Recordings of the flight recorder, by what became of them.",
            "`failed`: the folder takes none, see `recorder.not_written`. `skipped`: too many at once. "
            "`stumbled`: a bug of the gateway's own, which cost a recording and no conversation.",
            ("outcome",),
        ),
        Meter(
            "engine_sessions",
            _G,
            "Sessions that the embedded engine serves.",
            "Recognising speech takes most of a core for a few talkers: see `holdfast bench talkers`.",
        ),
        Meter(
            "engine_stage_troubles",
            _G,
            "Engine processes in which a stage is done by what is built in, because its server failed.",
            "The server's owner has to look; it is tried again by itself.",
            ("stage",),
        ),
    ),
)

METERS: Final[Mapping[str, Meter]] = {one.name: one for one in _ROWS}
