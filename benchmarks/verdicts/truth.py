"""The truth: for each fault that can be provoked, whose it is and which codes say so.

What lives here: one table, written from the contract (parties, codes) and the fault matrix (reliability
reference, C); never from what a run said. What never will: running anything.

`codes` are those that are right, the best first; where the matrix bears a fault without a word (outcomes D
and N, or a wait within the limits) "healthy" is. `live` is what a session must be told where that is other
than what a doctor, who looks for faults, must find; `client` the same of a session of the dialect, whose
client says itself what the gateway says for a page, and is refused itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

HEALTHY: Final = "healthy"
Side = Literal["upstream", "client"]

STARTING: Final = ("created", "updated")
LIVE: Final = ("idle", "speech", "speaking=100", "committed", "begun", "response", "delta=3", "call", "tool")
ANSWERING: Final = ("begun", "response", "delta=3")
ALL: Final = STARTING + LIVE


@dataclass(frozen=True, slots=True)
class Case:
    """A fault. `{m}` in its spelling is one of `moments`, `{w}` one of `words`; chance draws which."""

    name: str
    spelling: str
    codes: tuple[str, ...]
    moments: Sequence[str] = ()
    words: Sequence[str] = ()
    live: tuple[str, ...] | None = None
    client: tuple[str, ...] | None = None
    is_voiced: bool = False
    """Whether it takes a human voice to be seen; else the user hums, which the emulator takes for one."""
    why: str = ""

    def right(self, side: str) -> tuple[str, ...]:
        """What is right to say: for a doctor, in a session of a page, in one of a client of the dialect."""
        of_client = self.client if side == "client" else None
        of_live = None if side == "doctor" else self.live
        return of_client or of_live or self.codes


def party_of(code: str) -> str:
    """A code begins with its party."""
    return HEALTHY if code == HEALTHY else code.partition(".")[0]


_REDIRECT = ("configuration.redirected",)
_KEY = ("configuration.invalid_api_key",)
_ACCESS = ("configuration.no_access",)
_MODEL = ("configuration.model_not_found",)
_QUOTA = ("configuration.quota_exhausted",)
_BETA = ("configuration.beta_shape",)
_REFUSED = ("configuration.session_refused",)
_UNAVAILABLE = ("provider.unavailable",)
_RATE = ("provider.rate_limited",)
_OVERLOAD = ("provider.overloaded", "provider.rate_limited")
_LOST = ("provider.connection_lost",)
_CUT_EARLY = ("provider.connection_lost", "provider.unreachable", "provider.handshake_timeout")
_HANDSHAKE = ("provider.handshake_timeout",)
_SILENT = ("provider.silent",)
_UNCONFIGURED = ("provider.unconfigured",)
_STALLED = ("provider.stalled",)
_DEAD = ("provider.connection_lost", "provider.stalled")
_CLOSED = ("provider.closed",)
_BREACH = ("provider.protocol_breach",)
_SERVER = ("provider.server_error",)
_POLICY = ("provider.policy",)
_EXPIRED = ("provider.session_expired",)
_TOO_BIG = ("provider.message_too_big", "provider.closed")
_FAILED = ("provider.response_failed",)
_OURS = ("gateway.message_refused", "configuration.session_refused")
_ITS_OWN = ("application.invalid_message",)
_BORNE = (HEALTHY,)
_BORNE_OR_NAMED = (HEALTHY, "provider.protocol_breach")

UPSTREAM: Final = (
    # before there is a session
    Case("slow-handshake, too slow", "slow-handshake:{w}", _HANDSHAKE, words=("5", "8")),
    Case("slow-handshake, in time", "slow-handshake:{w}", _BORNE, words=("0.05", "0.2"), why="within dial_s"),
    Case("http 3xx", "http:{w}", _REDIRECT, words=("301", "302", "307", "308")),
    Case("http 400", "http:400", _REFUSED),
    Case("http 401", "http:401", _KEY),
    Case("http 403", "http:403", _ACCESS),
    Case("http 404", "http:404", _MODEL),
    Case("http 408", "http:408", _UNAVAILABLE),
    Case("http 429", "http:429:{w}", _RATE, words=("0", "1")),
    Case("http 429, quota", "http:429:quota", _QUOTA),
    Case("http 5xx", "http:{w}", _UNAVAILABLE, words=("500", "502", "503", "504")),
    Case("refuse invalid_api_key", "refuse:invalid_api_key", _KEY),
    Case("refuse missing_model", "refuse:missing_model", _MODEL),
    Case("refuse invalid_model", "refuse:invalid_model", _MODEL),
    Case("refuse model_not_found", "refuse:model_not_found", _MODEL),
    Case("refuse beta_api_shape_disabled", "refuse:beta_api_shape_disabled", _BETA),
    Case("refuse insufficient_quota", "refuse:insufficient_quota", _QUOTA),
    # the connection
    Case("drop, connecting", "drop:connecting", _CUT_EARLY),
    Case("reset, connecting", "reset:connecting", _CUT_EARLY),
    Case("half-open, connecting", "half-open:connecting", _HANDSHAKE),
    Case("drop", "drop:{m}", _LOST, ALL),
    Case("reset", "reset:{m}", _LOST, ALL),
    Case("half-open, created", "half-open:created", _SILENT),
    Case("half-open, updated", "half-open:updated", _UNCONFIGURED),
    Case("half-open", "half-open:{m}", _DEAD, LIVE),
    Case("half-open for a moment", "half-open:{m}:0.15", _BORNE, LIVE, why="it comes back within the limits"),
    Case("mute, created", "mute:created", _SILENT),
    Case("mute, updated", "mute:updated", _UNCONFIGURED),
    Case("mute", "mute:{m}", _STALLED, LIVE),
    Case("late, created", "late:9:created", _SILENT),
    Case("late, updated", "late:9:updated", _UNCONFIGURED),
    Case("late", "late:9:{m}", _STALLED, ("committed", "begun", "response")),
    Case(
        "late, in time", "late:0.15:{m}", _BORNE, ("committed", "begun", "response"), why="within the limits"
    ),
    Case(
        "slow-reader",
        "slow-reader:{w}",
        (*_STALLED, *_UNCONFIGURED),
        words=("50", "200"),
        why="nothing of a turn arrives; at 50 bytes a second not even the settings",
    ),
    Case("close 1000", "close:1000:{m}", _CLOSED, ALL),
    Case("close 1001", "close:1001:{m}", _CLOSED, ALL),
    Case("close 1001, expired", "close:1001:{m}:expired", (*_EXPIRED, *_CLOSED), ALL),
    Case("close 1002, 1003, 1007", "close:{w}:{m}", _BREACH, ALL, ("1002", "1003", "1007")),
    Case("close 1008", "close:1008:{m}:policy", _POLICY, ALL),
    Case("close 1009", "close:1009:{m}", _TOO_BIG, ALL),
    Case("close 1011", "close:1011:{m}", _SERVER, ALL),
    Case("close 1012", "close:1012:{m}:restart", _UNAVAILABLE, ALL),
    Case("close 1013", "close:1013:{m}", _OVERLOAD, ALL),
    Case("close 1013, quota", "close:1013:{m}:quota", _QUOTA, ALL),
    Case("close 4000", "close:4000:{m}", _REFUSED, STARTING),
    Case("expire, unannounced", "expire:{w}:unannounced", _EXPIRED, words=("0.2", "0.4")),
    Case("expire, bare", "expire:{w}:bare", (*_EXPIRED, *_CLOSED), words=("0.2", "0.4")),
    # error events, and answers refused
    Case("error server_error", "error:server_error:{m}", _SERVER, ALL),
    Case(
        "error invalid_request, starting",
        "error:invalid_request:{m}",
        _REFUSED,
        STARTING,
        client=(*_REFUSED, *_ITS_OWN),
        why="a client of the dialect sends its own session.update: what is refused behind it is its own",
    ),
    Case(
        "error invalid_request",
        "error:invalid_request:{m}",
        _OURS,
        LIVE,
        client=_ITS_OWN,
        why="what the gateway says is refused; what a client of the dialect says itself is its own",
    ),
    Case("error session_expired", "error:session_expired:{m}", _EXPIRED, ALL),
    Case("error rate_limit", "error:rate_limit:{m}", _RATE, ALL),
    Case("error quota", "error:quota:{m}", _QUOTA, ALL),
    Case("server-error at the start", "server-error:start", _SERVER),
    Case("server-error, every answer", "server-error:response", _SERVER),
    Case("reject session.update", "reject:session.update", _REFUSED, client=_ITS_OWN, why="as above"),
    Case("reject-update", "reject-update", _REFUSED, client=_ITS_OWN, why="as above"),
    Case(
        "reject what is said",
        "reject:{w}",
        _OURS,
        words=("response.create", "conversation.item.create", "input_audio_buffer.append"),
        client=_ITS_OWN,
        why="as above",
    ),
    Case("end-response server_error", "end-response:server_error:{m}", _SERVER, ANSWERING),
    Case("end-response rate_limit", "end-response:rate_limit:{m}", _RATE, ANSWERING),
    Case("end-response quota", "end-response:quota:{m}", _QUOTA, ANSWERING),
    Case(
        "end-response incomplete",
        "end-response:{w}:{m}",
        _FAILED,
        ANSWERING,
        ("max_tokens", "content_filter"),
        live=(HEALTHY, *_FAILED),
        why="passed on as incomplete; no answer of a check may be",
    ),
    # silence
    Case("silent-created", "silent-created", _SILENT),
    Case("silent-updated", "silent-updated", _UNCONFIGURED),
    Case("slow-created, too slow", "slow-created:9", _SILENT),
    Case("slow-created, in time", "slow-created:{w}", _BORNE, words=("0.05", "0.2")),
    Case("slow-updated, too slow", "slow-updated:9", _UNCONFIGURED),
    Case("slow-updated, in time", "slow-updated:{w}", _BORNE, words=("0.05", "0.2")),
    Case("stall", "stall:response", _STALLED),
    Case("ignore session.update", "ignore:session.update", _UNCONFIGURED),
    Case("ignore response.create", "ignore:response.create", _STALLED),
    Case(
        "ignore append",
        "ignore:input_audio_buffer.append",
        _STALLED,
        live=("provider.not_listening",),
        is_voiced=True,
        why="a doctor says that it waits for an answer; in a session none is owed for what was not heard",
    ),
    Case("omit session.created", "omit:session.created", _SILENT),
    Case("omit session.updated", "omit:session.updated", _UNCONFIGURED),
    Case("omit response.done", "omit:response.done", (*_STALLED, *_BREACH), why="an end that must come"),
    Case(
        "omit what nobody needs",
        "omit:{w}",
        _BORNE_OR_NAMED,
        words=("rate_limits.updated", "response.content_part.done", "conversation.item.added"),
    ),
    # breaches of the dialect: dropped and counted, the third in a minute ends the link (outcome X)
    Case("malformed", "malformed:{m}", _BREACH, ("updated", *LIVE), live=_BORNE_OR_NAMED, why="one is borne"),
    Case("malformed, again and again", "malformed:delta=1;malformed:delta=2;malformed:delta=3", _BREACH),
    Case("wrong-types", "wrong-types:{m}", _BREACH, ("updated", *LIVE), live=_BORNE_OR_NAMED, why="borne"),
    Case("unknown-event", "unknown-event:{m}", _BORNE, ("updated", *LIVE), why="a provider may add events"),
    Case("oversized", "oversized:{m}", (*_BREACH, "provider.message_too_big"), ("updated", *LIVE)),
    Case("duplicate-done", "duplicate-done", _BORNE_OR_NAMED, why="dropped by id"),
    Case("duplicate", "duplicate:{w}", _BORNE_OR_NAMED, words=("all", "response.created", "response.done")),
    Case(
        "reorder",
        "reorder:{w}",
        _BREACH,
        words=("delta", "done"),
        live=_BORNE_OR_NAMED,
        why="held two seconds",
    ),
    Case("stray", "stray:{m}", _BREACH, ("updated", *LIVE), live=_BORNE_OR_NAMED, why="one is borne"),
)
"""Faults of an upstream, as `holdfast emulate` spells them; several at once with semicolons between."""

CLIENT: Final = (
    Case("audio before create_session", "early-audio", ("application.no_session",)),
    Case("no JSON", "no-json", ("application.invalid_message",)),
    Case("unknown type", "unknown-type", ("application.invalid_message",)),
    Case("field of a wrong type", "wrong-field", ("application.invalid_message",)),
    Case("text too large", "large-text", ("application.message_too_large",)),
    Case("audio message too large", "large-audio", ("application.message_too_large",)),
    Case("flood of messages", "flood", ("application.message_flood", "application.rate_limited")),
    Case("audio faster than time", "fast-audio", ("application.rate_limited",)),
    Case("chat model", "chat-model", ("application.unsupported_model",)),
    Case("retired model", "retired-model", ("application.unsupported_model",)),
    Case("another customer", "other-customer", ("application.not_authorized",)),
    Case("nothing said for long", "idle", ("application.idle",)),
    Case("broken framing", "broken-framing", ("application.broken_framing",)),
    Case("a session that never was", "no-session", ("application.unknown_session", "application.no_session")),
    Case("socket reset", "reset", ("user_network.connection_lost",)),
    Case("socket silent", "half-open", ("user_network.connection_lost",)),
    Case("socket not read", "slow", ("user_network.slow", "user_network.connection_lost")),
)
"""Faults of a client and of the network before it, by the names of `acts.ACTS`."""
NO_SESSION: Final = frozenset({"chat-model", "retired-model", "other-customer", "no-session"})
"""Acts of which no session comes: there is none to be looked at afterwards."""

WAY: Final = (
    Case("nobody listens", "refuse", ("user_network.gateway_unreachable",)),
    Case("reset at once", "reset", ("user_network.gateway_unreachable", "user_network.connection_lost")),
    Case("silence", "silence", ("user_network.gateway_unreachable", "user_network.connection_lost")),
    Case("cut after some bytes", "cut", ("user_network.connection_lost", "user_network.gateway_unreachable")),
    Case("another server answers", "stranger", ("configuration.invalid",)),
)
"""What the proxy between a client and the gateway does, for `doctor --url`."""
