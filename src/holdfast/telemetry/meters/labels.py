"""The labels: the values of each are few and known.

What lives here: each label once, with all that it may say.
What never will: a customer, a session, an address, a word that somebody said.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from holdfast.core.breaker import BreakerState
from holdfast.core.faults import FAULTS, Party
from holdfast.telemetry.buffers import BUFFERS
from holdfast.telemetry.meters.shapes import Label
from holdfast.telemetry.moments import MOMENTS

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
