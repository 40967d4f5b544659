"""Every buffer of the house, by the name of its bound: what is in it, and what is done when it is full.

What lives here: rows of one table. A bound of `core.limits` that is none of these, and does not stand among
those that hold nothing, fails a test.
What never will: the buffers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Buffer:
    """One buffer. `is_shared`: there is one in a process, not one in each session."""

    limit: str
    holds: str
    when_full: str
    is_shared: bool = False
    is_ring: bool = False
    """It is full by design, and nobody is harmed when its oldest goes."""


_ROWS: Final = (
    Buffer("sessions", "conversations", "a new one is refused: `gateway.overloaded`", is_shared=True),
    Buffer(
        "input_before_session_s",
        "audio that came before `create_session`",
        "the oldest is lost, by name: `no_session`",
    ),
    Buffer(
        "input_held_s", "audio that waits for an upstream", "the oldest is lost, by name: `held_too_long`"
    ),
    Buffer("commands_held", "commands that wait for an upstream", "the command is refused"),
    Buffer(
        "relay_held_bytes",
        "messages of `/v1/realtime` that wait for an upstream",
        "the message is dropped, by name: `relay.dropped`",
    ),
    Buffer(
        "client_outbox_bytes",
        "what a client has not read",
        "its socket is closed; it may come back: `client.too_slow`",
    ),
    Buffer("upstream_outbox_bytes", "what an upstream has not read", "its client is not read meanwhile"),
    Buffer(
        "input_replayed_s",
        "given audio that a lost upstream would take with it",
        "the oldest is forgotten",
        is_ring=True,
    ),
    Buffer(
        "window_bytes",
        "sound that a client has not acknowledged",
        "the oldest goes; a client that comes back is told: `window_full`",
        is_ring=True,
    ),
    Buffer(
        "window_messages",
        "messages that a client has not acknowledged",
        "the oldest goes; a client that comes back starts with a snapshot",
        is_ring=True,
    ),
    Buffer(
        "conversation_items",
        "items that a fresh upstream is told",
        "the oldest is forgotten",
        is_ring=True,
    ),
    Buffer(
        "commands_remembered",
        "commands whose repetition is known; at `/v1/realtime` questions without an answer",
        "the oldest is forgotten",
        is_ring=True,
    ),
    Buffer("tool_calls_remembered", "calls of tools", "the oldest that is over is forgotten", is_ring=True),
    Buffer(
        "journal_spool_lines",
        "lines that are not durable yet",
        "lines are refused: `journal.degraded`",
        is_shared=True,
    ),
    Buffer("journal_spool_bytes", "the same in bytes", "as above", is_shared=True),
    Buffer(
        "charges_waiting",
        "charges that are not in the database yet",
        "they are counted by budgets and not kept: `cost.unwritten`",
        is_shared=True,
    ),
    Buffer(
        "budget_customers",
        "customers of today whose own cap is kept",
        "only the other caps hold for more",
        is_shared=True,
    ),
    Buffer(
        "transcript_lines",
        "lines of transcripts that are not written yet",
        "lines are lost; a `gap` in the transcript says how many",
        is_shared=True,
    ),
    Buffer("transcript_bytes", "the same in bytes", "as above", is_shared=True),
    Buffer("flight_steps", "a session's newer steps", "the older ones are forgotten", is_ring=True),
    Buffer("flight_bytes", "the same in bytes", "as above", is_ring=True),
    Buffer(
        "flight_ended",
        "recordings of sessions that ended",
        "the oldest is forgotten",
        is_shared=True,
        is_ring=True,
    ),
    Buffer(
        "flight_fresh",
        "sessions whose start waits to be written down",
        "the one that waits longest is written down",
        is_shared=True,
        is_ring=True,
    ),
    Buffer(
        "flight_waiting",
        "recordings that wait to be written",
        "a session is not written at that moment: `skipped`",
        is_shared=True,
    ),
    Buffer(
        "sound_bytes",
        "a recorded session's sound that is not written yet",
        "silence takes its place; `sound.ended` says how much",
    ),
    Buffer("client_secrets", "client secrets in use", "429 with `Retry-After`", is_shared=True),
    Buffer("client_secrets_bytes", "the sessions they are bound to", "as above", is_shared=True),
    Buffer("audio_requests", "speech and recordings under way", "429", is_shared=True),
    Buffer(
        "console_sessions",
        "sessions that the console follows",
        "one more is counted, not shown",
        is_shared=True,
    ),
    Buffer(
        "console_ended", "sessions that ended lately", "the oldest is forgotten", is_shared=True, is_ring=True
    ),
    Buffer(
        "console_faults", "faults of all sessions", "the oldest is forgotten", is_shared=True, is_ring=True
    ),
    Buffer("console_entries", "lines of a session's timeline", "the oldest is forgotten", is_ring=True),
    Buffer("console_turns", "turns of a session's timeline", "the oldest is forgotten", is_ring=True),
    Buffer("console_faults_of_session", "faults of a session", "the oldest is forgotten", is_ring=True),
    Buffer("console_watchers", "consoles that are open", "one more is refused", is_shared=True),
    Buffer(
        "console_stream_messages", "messages for a console", "it starts over with a snapshot", is_ring=True
    ),
    Buffer("console_log_lines", "lines of the log", "the oldest is forgotten", is_shared=True, is_ring=True),
)

BUFFERS: Final[Mapping[str, Buffer]] = {row.limit: row for row in _ROWS}

ALARMING: Final = tuple(row.limit for row in _ROWS if not row.is_ring)
"""Where somebody is harmed when it is full."""
