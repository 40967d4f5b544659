"""What people and their applications notice: sessions, turns, audio.

What lives here: rows of the table of figures.
What never will: counting.
"""

from __future__ import annotations

from typing import Final

from holdfast.telemetry.meters.shapes import ABSENCES, LIVES, SILENCES, WAITS, Alert, Kind, Meter, group

SESSIONS: Final = group(
    "Sessions",
    Meter(
        "sessions",
        Kind.GAUGE,
        "Conversations that run.",
        'Compare with `holdfast_buffer_limit{buffer="sessions"}`: near it, add a machine or raise '
        "`[limits] sessions`.",
        ("source", "state"),
    ),
    Meter(
        "sessions_began_total",
        Kind.COUNTER,
        "Sessions that were accepted.",
        "Many more than people who speak: a client that starts anew in a loop. Look at how they end.",
        ("source",),
    ),
    Meter(
        "sessions_ended_total",
        Kind.COUNTER,
        "Sessions that are over: why, and by which fault.",
        "Look the code up with `holdfast explain CODE`; `not_resumed` is networks that did not come "
        "back and, without a code, people who closed the page.",
        ("source", "reason", "code"),
    ),
    Meter(
        "session_seconds",
        Kind.HISTOGRAM,
        "How long sessions lasted.",
        "Very short ones: people give up; look at `holdfast_turn_seconds` and at faults.",
        ("source",),
        LIVES,
    ),
    Meter(
        "refusals_total",
        Kind.COUNTER,
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
        Kind.COUNTER,
        "Clients whose socket broke while their session went on.",
        "All at once: a proxy or load balancer on the way restarted, or cuts long connections.",
        ("source",),
    ),
    Meter(
        "resumes_total",
        Kind.COUNTER,
        "Clients that came back to their session, and whether everything was made good.",
        'Many `recovered="no"`: clients stay away longer than what is kept for them (`[limits] window_*`).',
        ("source", "recovered"),
    ),
    Meter(
        "away_seconds",
        Kind.HISTOGRAM,
        "How long clients that came back had been away.",
        "Near `[limits] resume_window_s`: give them longer.",
        ("source",),
        ABSENCES,
    ),
)

TURNS: Final = group(
    "Turns",
    Meter(
        "turns_total",
        Kind.COUNTER,
        "Turns of users that ended.",
        "None while people are connected: microphones are silent, or the end of speech is not found.",
        ("source",),
    ),
    Meter(
        "turn_seconds",
        Kind.HISTOGRAM,
        "The silence after a turn, in segments that add up.",
        "`thinking`, `endpointing` are the upstream's, `network` the user's line, `playback` the page's.",
        ("source", "segment"),
        SILENCES,
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
        Kind.COUNTER,
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
        Kind.HISTOGRAM,
        "From the beginning of an answer to its end.",
        "Long answers cost money and are interrupted: ask for shorter ones in the instructions.",
        ("source", "status"),
        SILENCES,
    ),
    Meter(
        "interruptions_total",
        Kind.COUNTER,
        "Answers that users spoke over.",
        "Many: answers are long, or the microphone hears the speaker.",
        ("source",),
    ),
    Meter(
        "tool_calls_total",
        Kind.COUNTER,
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
        Kind.HISTOGRAM,
        "How long tools ran.",
        "Users hear silence meanwhile: make the tool quicker, or let it answer at once and finish later.",
        ("tool",),
        WAITS,
    ),
    Meter(
        "tokens_total",
        Kind.COUNTER,
        "Tokens that upstreams said they used.",
        "`input_audio` that grows faster than turns: each turn pays for the whole history again.",
        ("upstream", "kind"),
    ),
    Meter(
        "cost_usd_total",
        Kind.COUNTER,
        "What that costs by the price table.",
        "`rebuild` or `waste` that grows: losses and interruptions cost money.",
        ("upstream", "purpose"),
    ),
)

AUDIO: Final = group(
    "Audio",
    Meter(
        "audio_samples_total",
        Kind.COUNTER,
        "Samples of audio that passed. Down at `/v1/realtime`, where originals pass unread, "
        "reckoned from their size.",
        "It is the load. Up without down: nobody is answered.",
        ("source", "direction"),
    ),
    Meter(
        "audio_bytes_total",
        Kind.COUNTER,
        "Bytes of that audio, as it is counted in the conversation: without base64 and envelopes.",
        "At `/v1/realtime` the network carries a third more than this.",
        ("source", "direction"),
    ),
    Meter(
        "express_messages_total",
        Kind.COUNTER,
        "Messages of usual audio that took the compiled way.",
        "Low is bad: audio passes through Python at several times the price. See `[server] express`.",
        ("direction",),
    ),
    Meter(
        "audio_lost_samples_total",
        Kind.COUNTER,
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
)
