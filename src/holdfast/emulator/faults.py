"""The faults an emulator can be told to have, as one table.

What lives here: names, arguments, meanings, and the small tables of words that arguments choose from.
What never will: reading a spelling (`spelling`), counting (`plan`), carrying a fault out (`acts`, `session`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from holdfast.emulator.arguments import Argument, At, Choice, Count, Seconds
from holdfast.emulator.moments import NOT_OF_A_SOCKET, NOT_OF_A_TALK


@dataclass(frozen=True, slots=True)
class FaultKind:
    """A row of the table. Arguments after the `required` ones may be left out; then `defaults` hold.
    `row`: the row of the fault matrix that it stands for.
    """

    name: str
    row: str
    meaning: str
    arguments: Sequence[Argument] = ()
    required: int = 0
    defaults: Sequence[str] = ()

    @property
    def form(self) -> str:
        """How the fault is written."""
        text = self.name
        for index, argument in enumerate(self.arguments):
            text += f":{argument.form}" if index < self.required else f"[:{argument.form}]"
        return text

    @property
    def place_of_moment(self) -> int | None:
        """Which argument is the moment, for faults that have one."""
        return next((at for at, one in enumerate(self.arguments) if isinstance(one, At)), None)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An admission refused in band: 101, one `error`, then a close with `<type>.<code>` as reason."""

    kind: str
    close_code: int
    message: str


REFUSALS: Final[Mapping[str, Refusal]] = {
    "invalid_api_key": Refusal("invalid_request_error", 3000, "The API key is not known here."),
    "missing_model": Refusal("invalid_request_error", 4000, "The query has no 'model'."),
    "invalid_model": Refusal("invalid_request_error", 4000, "The model is not supported in realtime mode."),
    "model_not_found": Refusal("invalid_request_error", 4004, "The model does not exist or is not yours."),
    "beta_api_shape_disabled": Refusal(
        "invalid_request_error", 4000, "The beta shape is gone; connect without the OpenAI-Beta header."
    ),
    "insufficient_quota": Refusal("insufficient_quota", 1013, "There is no credit left on this account."),
}

HTTP_STATUSES: Final[Mapping[int, tuple[str, str]]] = {
    301: ("redirect", "moved"),
    302: ("redirect", "moved"),
    307: ("redirect", "moved"),
    308: ("redirect", "moved"),
    400: ("invalid_request_error", "bad_request"),
    401: ("invalid_request_error", "invalid_api_key"),
    403: ("invalid_request_error", "unsupported_country_region_territory"),
    404: ("invalid_request_error", "not_found"),
    408: ("server_error", "request_timeout"),
    429: ("requests", "rate_limit_exceeded"),
    500: ("server_error", "server_error"),
    502: ("server_error", "bad_gateway"),
    503: ("server_error", "service_unavailable"),
    504: ("server_error", "gateway_timeout"),
}
"""HTTP refusals at the handshake: `type` and `code` of the JSON body."""

QUOTA: Final = "insufficient_quota"

CLOSE_REASONS: Final[Mapping[str, str]] = {
    "told": "told so",
    "expired": "session expired",
    "quota": f"{QUOTA}.{QUOTA}",
    "policy": "policy violation",
    "restart": "service restart",
    "none": "",
}
"""What a close frame gives as its reason."""

ERRORS: Final[Mapping[str, tuple[str, str, str]]] = {
    "server_error": (
        "server_error",
        "server_error",
        "The server had an error while processing your request. Sorry about that!",
    ),
    "invalid_request": ("invalid_request_error", "invalid_value", "The emulator was told to refuse this."),
    "session_expired": (
        "invalid_request_error",
        "session_expired",
        "Your session hit the maximum duration of 60 minutes.",
    ),
    "rate_limit": ("rate_limit_error", "rate_limit_exceeded", "Rate limit reached. Try again in 1s."),
    "quota": (QUOTA, QUOTA, "There is no credit left on this account."),
}
"""`error` events: `type`, `code`, `message`. `invalid_request` names the client's newest event."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a response ends that was told to: its status, and why."""

    status: Literal["failed", "incomplete"]
    reason: str | None = None
    error: Mapping[str, Any] | None = None


def _failed(name: str) -> Ending:
    kind, code, message = ERRORS[name]
    return Ending("failed", error={"type": kind, "code": code, "message": message})


ENDINGS: Final[Mapping[str, Ending]] = {
    "server_error": _failed("server_error"),
    "rate_limit": _failed("rate_limit"),
    "quota": _failed("quota"),
    "unexplained": Ending("failed", error={"type": "unknown", "code": None, "message": "It did not work."}),
    "max_tokens": Ending("incomplete", "max_output_tokens"),
    "content_filter": Ending("incomplete", "content_filter"),
}

CLIENT_EVENTS: Final = (
    "session.update",
    "input_audio_buffer.append",
    "input_audio_buffer.commit",
    "input_audio_buffer.clear",
    "conversation.item.create",
    "conversation.item.retrieve",
    "conversation.item.truncate",
    "conversation.item.delete",
    "response.create",
    "response.cancel",
)

SERVER_EVENTS: Final = (
    "session.created",
    "session.updated",
    "error",
    "rate_limits.updated",
    "input_audio_buffer.committed",
    "input_audio_buffer.cleared",
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "conversation.item.added",
    "conversation.item.done",
    "conversation.item.retrieved",
    "conversation.item.deleted",
    "conversation.item.truncated",
    "conversation.item.input_audio_transcription.delta",
    "conversation.item.input_audio_transcription.completed",
    "response.created",
    "response.output_item.added",
    "response.output_item.done",
    "response.content_part.added",
    "response.content_part.done",
    "response.output_text.delta",
    "response.output_text.done",
    "response.output_audio.delta",
    "response.output_audio.done",
    "response.output_audio_transcript.delta",
    "response.output_audio_transcript.done",
    "response.function_call_arguments.delta",
    "response.function_call_arguments.done",
    "response.done",
)

OVERSIZED_BYTES: Final = 22 * 1024 * 1024
"""More than any client of ours takes in one message."""

STAGES: Final = ("transcription", "chat", "speech")
"""The stages of an engine that may be served by others."""
WORK_ENDS: Final = ("401", "404", "429", "500", "503", "reset", "silence", "cut")

_TALK: Final = At(without=NOT_OF_A_TALK)
_SOCKET: Final = At(without=NOT_OF_A_SOCKET)
_ASKED: Final = Choice(CLIENT_EVENTS, "CLIENT_EVENT")
_TOLD: Final = Choice(SERVER_EVENTS, "SERVER_EVENT")
_STATUSES: Final = Choice([str(code) for code in HTTP_STATUSES], "STATUS")

_ROWS: Final = (
    # before there is a session
    FaultKind("slow-handshake", "slow upstream", "answers the upgrade late", (Seconds(),), 1),
    FaultKind(
        "http",
        "401, 403, 404, 429, 5xx, 408, 3xx",
        f"refuses the upgrade with that status ({', '.join(map(str, HTTP_STATUSES))}); with that Retry-After "
        "or in the words of a spent quota",
        (_STATUSES, Seconds("SECONDS|quota", ("quota",))),
        1,
    ),
    FaultKind(
        "refuse",
        "401, 404, quota",
        f"101, then an error event and the close that goes with it: {', '.join(REFUSALS)}",
        (Choice([*REFUSALS], "CODE"),),
        1,
    ),
    FaultKind(
        "stage",
        "beside the matrix",
        "the HTTP API of a stage answers that status; or resets, stays silent, or cuts its answer: "
        f"{', '.join(WORK_ENDS)}",
        (Choice(STAGES, "STAGE"), Choice(WORK_ENDS, "HOW")),
        2,
    ),
    # the connection
    FaultKind("drop", "TCP reset", "ends the TCP connection without a close frame", (At(),), 1),
    FaultKind("reset", "TCP reset", "resets the TCP connection", (At(),), 1),
    FaultKind(
        "half-open",
        "stall / half-open",
        "no byte goes out any more and none is read, not even a ping; or for so many seconds",
        (At(), Seconds()),
        1,
    ),
    FaultKind("mute", "stall / half-open", "no event goes out any more; pings are answered", (_SOCKET,), 1),
    FaultKind(
        "late",
        "slow upstream",
        "everything from that moment on goes out so many seconds late",
        (Seconds(), _SOCKET),
        1,
        ("committed",),
    ),
    FaultKind(
        "slow-reader",
        "slow upstream",
        "reads so few bytes a second from that moment on",
        (Count("BYTES"), _TALK),
        1,
        ("created",),
    ),
    FaultKind(
        "close",
        "close 1000 to 1013",
        f"closes with that code at that moment, and with that reason: {', '.join(CLOSE_REASONS)}",
        (Count("CODE", 1000, 4999), _TALK, Choice([*CLOSE_REASONS], "REASON")),
        1,
        ("created", "told"),
    ),
    FaultKind(
        "expire",
        "close 1001, session_expired",
        "ends the session that many seconds after it began (session_expired, 1001), as expires_at said; or "
        "unannounced; or bare, without the error",
        (Seconds(), Choice(("announced", "unannounced", "bare"))),
        1,
        ("announced",),
    ),
    # error events, and answers refused
    FaultKind(
        "error",
        "error events, rate limited",
        f"an error event: {', '.join(ERRORS)}; invalid_request names the client's newest event",
        (Choice([*ERRORS], "ERROR"), _TALK),
        1,
        ("idle",),
    ),
    FaultKind(
        "server-error",
        "error server_error, response failed",
        "an error event server_error after session.created, or the first N responses fail (without N: all)",
        (Choice(["start", "response"]), Count()),
        0,
        ("start",),
    ),
    FaultKind("reject", "error invalid_request", "answers these client events with an error", (_ASKED,), 1),
    FaultKind("reject-update", "error invalid_request", "refuses every session.update (invalid_value)"),
    FaultKind(
        "end-response",
        "response failed, incomplete, rate limited",
        f"ends a response so, failed or incomplete: {', '.join(ENDINGS)}",
        (Choice([*ENDINGS], "ENDING"), At(only=("begun", "response", "delta"), counts_messages=False)),
        1,
        ("begun",),
    ),
    # silence
    FaultKind("silent-created", "stall / half-open", "accepts the socket and never says a word"),
    FaultKind("silent-updated", "stall / half-open", "never answers session.update"),
    FaultKind("slow-created", "slow upstream", "sends session.created late", (Seconds(),), 1),
    FaultKind("slow-updated", "slow upstream", "sends session.updated late", (Seconds(),), 1),
    FaultKind(
        "stall",
        "stall / half-open",
        "a response begins and then nothing more of it comes",
        (Choice(["response"]),),
        0,
        ("response",),
    ),
    FaultKind("ignore", "stall / half-open", "does not answer these client events at all", (_ASKED,), 1),
    FaultKind("omit", "stall / half-open", "never sends these events", (_TOLD,), 1),
    # breaches of the dialect
    FaultKind("malformed", "malformed JSON", "sends broken JSON at that moment", (_TALK,), 0, ("updated",)),
    FaultKind(
        "wrong-types",
        "malformed JSON",
        "sends a known event with fields of the wrong type at that moment",
        (_TALK,),
        0,
        ("updated",),
    ),
    FaultKind(
        "unknown-event",
        "malformed JSON",
        "sends an event of an unknown type at that moment",
        (_TALK,),
        0,
        ("updated",),
    ),
    FaultKind(
        "oversized",
        "oversized frame",
        f"sends one message of so many bytes at that moment ({OVERSIZED_BYTES} if not said)",
        (_TALK, Count("BYTES", 1_000, 100_000_000)),
        0,
        ("updated", str(OVERSIZED_BYTES)),
    ),
    FaultKind("duplicate-done", "duplicated event", "sends every response.done twice"),
    FaultKind(
        "duplicate",
        "duplicated event",
        "sends every event of that type twice, or every event",
        (Choice((*SERVER_EVENTS, "all"), "SERVER_EVENT|all"),),
        1,
    ),
    FaultKind(
        "reorder",
        "reordered",
        "a response's first delta comes before its item, or its last one after its end",
        (Choice(("delta", "done")),),
        1,
    ),
    FaultKind(
        "stray",
        "reordered",
        "sends a delta of a response that never began at that moment",
        (_TALK,),
        0,
        ("updated",),
    ),
)

FAULTS: Final[Mapping[str, FaultKind]] = {row.name: row for row in _ROWS}
"""All faults by name."""
