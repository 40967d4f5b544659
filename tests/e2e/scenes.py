"""Every state of the page that exists, as the happenings that lead to it.

What lives here: actions for the client's store, in order. What never will: how a state looks.
"""

from __future__ import annotations

from typing import Any

Action = dict[str, Any]

LINK: Action = {"phase": "ready", "since": 0, "sessions": 1, "attempts": 1, "heardAt": 0, "resumable": True}
QUESTION = "When is my next payment due, and how much is it?"
ANSWER = (
    "Your next payment is 240 euros. It is due on the first of December and comes from your bank account."
)
FAULT = {
    "code": "provider.server_error",
    "party": "provider",
    "message": "The speech provider reported an error of its own.",
    "remedy": "Wait a minute and try again; nothing is wrong on your side.",
}


def link(**fields: Any) -> Action:
    """Moments are in milliseconds from now."""
    return {"type": "link", "link": {**LINK, **fields}, "at": 0}


def message(kind: str, **fields: Any) -> Action:
    return {"type": "message", "message": {"type": kind, **fields}, "at": 1_700_000_000_000}


def mic(phase: str) -> Action:
    return {"type": "mic", "phase": phase}


def kept(seconds: float) -> Action:
    return {"type": "waiting", "ms": 1_000 * seconds, "ringMs": 45_000}


OPENAI = {"name": "openai", "kind": "openai", "model": "gpt-realtime-2.1"}
RESUMED = message(
    "session_resumed",
    recovered=False,
    epoch="e2",
    offset=9,
    received=0,
    resumeToken="t",
    contextRestored="text_only",
)
REMEMBERED = [
    {"id": "u1", "role": "user", "text": QUESTION},
    {"id": "a1", "role": "assistant", "text": ANSWER},
    {"id": "u2", "role": "user", "text": "And how much do I still owe?"},
    {"id": "a2", "role": "assistant", "text": "You still owe 4,200 euros.", "status": "incomplete"},
]
ENDING = message(
    "session_created",
    sessionId="s1",
    upstream={"name": "local", "kind": "local"},
    limits={"sessionSeconds": 120},
)
SESSION = message(
    "session_created", sessionId="s1", upstream={"name": "local", "kind": "local", "model": "local"}
)
ASKED = [
    message("speech_started", itemId="u1"),
    message("speech_stopped", itemId="u1"),
    message("user_transcript", itemId="u1", text=QUESTION, final=True),
]
ANSWERED = [
    message("response_started", responseId="r1"),
    message("assistant_transcript", responseId="r1", itemId="a1", text=ANSWER, final=True),
]
PLAYING: Action = {"type": "playing", "itemId": "a1", "heardMs": 2_000, "ofMs": 5_000, "at": 0}
CALL = [link(), SESSION, mic("live")]
TALKED = [*CALL, *ASKED, *ANSWERED, PLAYING, message("response_done", responseId="r1", status="completed")]
QUIET: Action = {"type": "quiet", "underruns": 0, "at": 0}

SCENES: dict[str, list[Action]] = {
    "welcome": [],
    "asking_mic": [link(phase="connecting"), mic("asking")],
    "connecting": [link(phase="connecting"), mic("live")],
    "waking": [link(phase="preparing"), SESSION, mic("live")],
    "listening": CALL,
    "hearing": [*CALL, message("speech_started", itemId="u1")],
    "thinking": [*CALL, *ASKED],
    "tool": [*CALL, *ASKED, message("tool_started", callId="c1", name="next_payment")],
    "speaking": TALKED,
    "interrupted": [
        *TALKED,
        message("interrupted", responseId="r1", itemId="a1", playedMs=2_000),
        QUIET,
        message("speech_started", itemId="u2"),
    ],
    "muted": [*TALKED, QUIET, mic("muted")],
    "hold": [*TALKED, QUIET, {"type": "hold_to_talk", "on": True}, mic("muted")],
    "mic_off": [*TALKED, QUIET, mic("off")],
    "mic_denied": [*CALL, mic("denied")],
    "mic_missing": [*CALL, mic("missing")],
    "mic_busy": [*CALL, mic("busy")],
    "mic_lost": [*TALKED, QUIET, mic("lost")],
    "mic_silent": [*CALL, {"type": "mic_silent", "silent": True}],
    "speaker_locked": [*CALL, {"type": "speaker", "phase": "locked"}],
    "lost": [*TALKED, QUIET, link(phase="reconnecting", lostAt=-12_000, reason="network"), kept(12)],
    "lost_typing": [*TALKED, QUIET, mic("off"), link(phase="reconnecting", lostAt=-12_000, reason="network")],
    "overflowing": [
        *TALKED,
        QUIET,
        link(phase="reconnecting", lostAt=-12_000, reason="network"),
        kept(45),
        {"type": "overflowed", "ms": 7_000, "at": 1},
    ],
    "moving": [*TALKED, QUIET, link(phase="reconnecting", lostAt=-12_000, reason="draining"), kept(3)],
    "slept": [*TALKED, QUIET, link(phase="reconnecting", lostAt=-12_000, reason="slept"), kept(1)],
    "busy": [*TALKED, QUIET, link(phase="reconnecting", lostAt=-12_000, retryAt=8_000)],
    "draining": [*TALKED, QUIET, link(status="draining")],
    "fresh_session": [*TALKED, QUIET, link(phase="authenticating", lostAt=-12_000, resumable=False)],
    "restored": [*TALKED, QUIET, RESUMED, message("snapshot", items=REMEMBERED)],
    "upstream_changed": [*TALKED, QUIET, message("status", state="live", upstream=OPENAI)],
    "ends_soon": [*TALKED, QUIET, ENDING, {"type": "tick", "at": 1_700_000_040_000}],
    "replaced": [*TALKED, QUIET, mic("off"), link(phase="failed", reason="REPLACED")],
    "mic_unloaded": [*CALL, mic("unloaded")],
    "new_session": [
        *TALKED,
        QUIET,
        message("session_created", sessionId="s2", upstream={"name": "local", "kind": "local"}),
    ],
    "catching_up": [*CALL, link(phase="replaying"), kept(4)],
    "slow": [*CALL, link(phase="stalled")],
    "recovering": [*TALKED, QUIET, link(status="recovering")],
    "gap": [*TALKED, QUIET, {"type": "overflowed", "ms": 7_000, "at": 1}],
    "notice": [
        *TALKED,
        QUIET,
        message("error", code="RATE_LIMITED", message="Too many messages. Wait a second.", suppressed=3),
        message("error", code="provider.server_error", message="", fault=FAULT),
    ],
    "form_address": [
        *TALKED,
        QUIET,
        message("client_action", action="open_form", target="change_address", arguments={"city": "Hamburg"}),
    ],
    "form_upload": [*TALKED, QUIET, message("client_action", action="open_form", target="upload_document")],
    "failed": [
        *TALKED,
        QUIET,
        mic("off"),
        link(phase="failed", reason="RECONNECT_FAILED", fault=FAULT),
        kept(12),
    ],
    "time_limit": [*TALKED, QUIET, mic("off"), link(phase="ended", reason="time_limit")],
    "ended": [*TALKED, QUIET, mic("off"), link(phase="ended", reason="goodbye")],
    "unavailable": [
        {"type": "config_failed", "reason": "The assistant's settings could not be loaded (status 503)."}
    ],
}
