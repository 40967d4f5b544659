"""The fault table: what can go wrong, whose fault it is, what to do about it.

What lives here: one row per fault. Error messages, close codes, retry decisions, `holdfast explain`,
the doctor's verdicts and the docs page all come from these rows.
What never will: finding out which fault it was (that is `providers.classify` and `wire`).

A code begins with its party (contract: Browser protocol, `fault`). The ranges of close codes instruct a
client that never met us: 1001 and 1012-1014 come back, 4400-4499 do not come back unchanged, 4500-4599 a new
session may work (reliability reference, B10).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Party(StrEnum):
    """At whose door a fault lies."""

    USER_DEVICE = "user_device"
    USER_NETWORK = "user_network"
    APPLICATION = "application"
    CONFIGURATION = "configuration"
    GATEWAY = "gateway"
    TOOL = "tool"
    PROVIDER = "provider"
    STORE = "store"


class Retry(StrEnum):
    """What the gateway does by itself while a session starts."""

    NEVER = "never"
    BACKOFF = "backoff"
    WAIT = "wait"  # as back-off, but not before the provider's own delay


@dataclass(frozen=True, slots=True)
class FaultRow:
    """The meaning of one fault code."""

    code: str
    party: Party
    message: str
    remedy: str
    retry: Retry = Retry.NEVER
    close_code: int = 4500

    @property
    def retryable(self) -> bool:
        """Whether the same act may succeed later without anybody changing anything."""
        return self.retry is not Retry.NEVER


@dataclass(frozen=True, slots=True)
class Fault:
    """One occurrence of a fault. `evidence` holds short facts, never secrets."""

    row: FaultRow
    evidence: tuple[str, ...] = ()
    retry_after_s: float | None = None

    @property
    def code(self) -> str:
        """The table's code."""
        return self.row.code


def _rows(*rows: FaultRow) -> Mapping[str, FaultRow]:
    return {row.code: row for row in rows}


_P = Party
_BUSY = "The voice service is busy at the moment. Please try again in a minute."
_SETUP = "The voice service isn't set up correctly. The people who run this site have to look at it."
_GONE = "The connection to the voice service was lost."

FAULTS: Final[Mapping[str, FaultRow]] = _rows(
    # the provider's side
    FaultRow(
        "provider.unreachable",
        _P.PROVIDER,
        "The voice service can't be reached right now.",
        "Check the upstream's base_url, outgoing firewall rules and the provider's status page.",
        Retry.BACKOFF,
        4503,
    ),
    FaultRow(
        "provider.name_unknown",
        _P.PROVIDER,
        "The voice service can't be reached right now.",
        "The upstream's host name does not resolve: check base_url and this machine's DNS.",
        Retry.BACKOFF,
        4503,
    ),
    FaultRow(
        "provider.tls_failed",
        _P.PROVIDER,
        "The voice service can't be reached securely right now.",
        "TLS to the upstream broke off: check proxies and the network between here and the provider.",
        Retry.BACKOFF,
        4503,
    ),
    FaultRow(
        "provider.handshake_timeout",
        _P.PROVIDER,
        "The voice service doesn't answer.",
        "The connection did not open in time: check the network; see the provider's status page.",
        Retry.BACKOFF,
        4503,
    ),
    FaultRow(
        "provider.silent",
        _P.PROVIDER,
        "The voice service doesn't answer.",
        "The socket opened but no session.created came: the provider accepted and stayed silent. "
        "Wait, or put another upstream in the list.",
        Retry.BACKOFF,
        4503,
    ),
    FaultRow(
        "provider.unconfigured",
        _P.PROVIDER,
        "The voice service doesn't answer.",
        "session.update was never confirmed: the provider accepted the session and stayed silent.",
        Retry.BACKOFF,
        4503,
    ),
    FaultRow(
        "provider.unavailable",
        _P.PROVIDER,
        _BUSY,
        "The provider answered with a server status: wait, or put another upstream in the list.",
        Retry.BACKOFF,
        4503,
    ),
    FaultRow(
        "provider.overloaded",
        _P.PROVIDER,
        _BUSY,
        "The provider asked to come back later: wait, or put another upstream in the list.",
        Retry.WAIT,
        4503,
    ),
    FaultRow(
        "provider.message_too_big",
        _P.PROVIDER,
        "The voice service can't take what it was given.",
        "The upstream closed with 1009 although messages were made small: raise its message limit.",
        Retry.NEVER,
        4502,
    ),
    FaultRow(
        "provider.rate_limited",
        _P.PROVIDER,
        _BUSY,
        "The account's rate limit is reached: spread the load or ask the provider for a higher tier.",
        Retry.WAIT,
        4503,
    ),
    FaultRow(
        "provider.server_error",
        _P.PROVIDER,
        "The voice service had a problem of its own.",
        "Quote the provider's session id to its support; wait, or use another model or upstream.",
        Retry.BACKOFF,
        4503,
    ),
    FaultRow(
        "provider.session_expired",
        _P.PROVIDER,
        "The conversation reached the voice service's time limit.",
        "The provider ends a session after its maximum duration. Start a new session.",
        Retry.BACKOFF,
        4503,
    ),
    FaultRow(
        "provider.connection_lost",
        _P.PROVIDER,
        _GONE,
        "The upstream's connection broke without a close frame: network or provider restart.",
        Retry.BACKOFF,
        4503,
    ),
    FaultRow(
        "provider.closed",
        _P.PROVIDER,
        _GONE,
        "The provider closed the session unasked: see the close code in the evidence.",
        Retry.BACKOFF,
        4503,
    ),
    FaultRow(
        "provider.policy",
        _P.PROVIDER,
        "The voice service refused to go on.",
        "The provider closed for a policy reason: see the evidence; check usage policies and limits.",
        Retry.NEVER,
        4502,
    ),
    FaultRow(
        "provider.protocol_breach",
        _P.PROVIDER,
        "The voice service sent something that can't be understood.",
        "The upstream does not speak the Realtime protocol as documented: check base_url and its version.",
        Retry.BACKOFF,
        4502,
    ),
    FaultRow(
        "provider.stalled",
        _P.PROVIDER,
        "The assistant stopped in the middle of its answer. Please ask again.",
        "The provider sent nothing for a response that it owed: see its status page; count these per hour.",
        Retry.BACKOFF,
        4503,
    ),
    FaultRow(
        "provider.response_failed",
        _P.PROVIDER,
        "The assistant couldn't finish its answer. Please ask again.",
        "A response failed at the provider: see the evidence for its reason.",
        Retry.BACKOFF,
        4503,
    ),
    FaultRow(
        "provider.stage_failed",
        _P.PROVIDER,
        "The assistant works with less than usual: one of its servers doesn't answer.",
        "A server of [engine.transcription], [engine.chat] or [engine.speech] failed (see the evidence): its "
        "owner has to look. What is built in does the work meanwhile; the server is tried again.",
        Retry.BACKOFF,
        4503,
    ),
    # how we were set up
    FaultRow(
        "configuration.invalid_api_key",
        _P.CONFIGURATION,
        _SETUP,
        "The provider refused the API key: set the right one in OPENAI_API_KEY, or in the variable that "
        "the upstream's api_key_env names.",
        Retry.NEVER,
        4502,
    ),
    FaultRow(
        "configuration.no_access",
        _P.CONFIGURATION,
        _SETUP,
        "The key has no access to this model, project or region: check the project's permissions.",
        Retry.NEVER,
        4502,
    ),
    FaultRow(
        "configuration.model_not_found",
        _P.CONFIGURATION,
        _SETUP,
        "The provider does not know this model or path: check the upstream's model and base_url.",
        Retry.NEVER,
        4502,
    ),
    FaultRow(
        "configuration.quota_exhausted",
        _P.CONFIGURATION,
        _SETUP,
        "The account has no credit left or is blocked: see the provider's billing page.",
        Retry.NEVER,
        4502,
    ),
    FaultRow(
        "configuration.beta_shape",
        _P.CONFIGURATION,
        _SETUP,
        "Something on the way adds the beta header, which the service refuses since May 2026: remove it.",
        Retry.NEVER,
        4502,
    ),
    FaultRow(
        "configuration.session_refused",
        _P.CONFIGURATION,
        _SETUP,
        "The upstream refused our session settings: see the evidence for the field it names.",
        Retry.NEVER,
        4502,
    ),
    FaultRow(
        "configuration.tls_certificate",
        _P.CONFIGURATION,
        _SETUP,
        "The upstream's certificate is not trusted here: check base_url, the clock and the CA bundle.",
        Retry.NEVER,
        4502,
    ),
    FaultRow(
        "configuration.redirected",
        _P.CONFIGURATION,
        _SETUP,
        "The upstream redirects to another address and credentials are never sent there: correct base_url.",
        Retry.NEVER,
        4502,
    ),
    FaultRow(
        "configuration.speech_files_missing",
        _P.CONFIGURATION,
        "The built-in assistant isn't installed completely.",
        "Run `make speech` in the checkout, or install the wheel, which carries the speech files.",
        Retry.NEVER,
        4502,
    ),
    FaultRow(
        "configuration.stage_refused",
        _P.CONFIGURATION,
        "The assistant works with less than it was given: one of its servers refuses it.",
        "A server of [engine.transcription], [engine.chat] or [engine.speech] refuses the request (see the "
        "evidence): correct base_url, model and key. What is built in does the work meanwhile.",
        Retry.NEVER,
        4502,
    ),
    FaultRow(
        "configuration.port_in_use",
        _P.CONFIGURATION,
        _SETUP,
        "Another program listens on this port: stop it, or choose another with HOLDFAST_PORT.",
        Retry.NEVER,
        4502,
    ),
    FaultRow(
        "configuration.invalid",
        _P.CONFIGURATION,
        _SETUP,
        "A setting is wrong: `holdfast doctor --offline` names it and the remedy.",
        Retry.NEVER,
        4502,
    ),
    # ourselves
    FaultRow(
        "gateway.engine_unavailable",
        _P.GATEWAY,
        "The built-in assistant is starting or had to restart.",
        "The speech worker is not ready: see the log lines with source=engine.",
        Retry.BACKOFF,
        4503,
    ),
    FaultRow(
        "gateway.overloaded",
        _P.GATEWAY,
        "Too many conversations are running. Please try again in a minute.",
        "The bound [limits] sessions is reached, or the processor, the loop or memory is full, or file "
        "descriptors run out (see the evidence): add a machine, or raise the bound.",
        Retry.WAIT,
        1013,
    ),
    FaultRow(
        "gateway.draining",
        _P.GATEWAY,
        "The service is being restarted. Please start again in a moment.",
        "The process was told to stop and takes no new sessions.",
        Retry.WAIT,
        1001,
    ),
    FaultRow(
        "gateway.internal",
        _P.GATEWAY,
        "Something went wrong on our side.",
        "A bug in the gateway: please report the log line with this session's id.",
        Retry.NEVER,
        4500,
    ),
    # the client program
    FaultRow(
        "application.invalid_message",
        _P.APPLICATION,
        "The page sent something the service doesn't understand.",
        "The client sent a message that breaks the protocol: the evidence names the field.",
        Retry.NEVER,
        4400,
    ),
    FaultRow(
        "application.message_too_large",
        _P.APPLICATION,
        "The page sent too much at once.",
        "Send audio in messages of at most 64 KiB.",
        Retry.NEVER,
        1009,
    ),
    FaultRow(
        "application.message_flood",
        _P.APPLICATION,
        "The page sent too many messages.",
        "The client kept sending faster than the message rate for ten seconds.",
        Retry.NEVER,
        1008,
    ),
    FaultRow(
        "application.unsupported_model",
        _P.APPLICATION,
        "This voice model isn't available.",
        "Use one of the models that GET /api/financial-sherpa/realtime lists.",
        Retry.NEVER,
        4400,
    ),
    FaultRow(
        "application.rate_limited",
        _P.APPLICATION,
        "That was a bit too fast. Please wait a moment.",
        "The client passed one of [limits]: see the evidence for which.",
        Retry.WAIT,
        4429,
    ),
    FaultRow(
        "application.no_session",
        _P.APPLICATION,
        "There is no conversation yet.",
        "Send create_session first; audio that came before it is kept for ten seconds.",
        Retry.NEVER,
        4404,
    ),
    FaultRow(
        "application.not_authorized",
        _P.APPLICATION,
        "You aren't signed in for this.",
        "The ticket or the portal's session decides who the customer is, not the page's word.",
        Retry.NEVER,
        4403,
    ),
    FaultRow(
        "application.idle",
        _P.APPLICATION,
        "The conversation ended because nothing was said for a while.",
        "Nothing to repair: [limits] idle_s and session_s set how long a session may last.",
        Retry.NEVER,
        4408,
    ),
    # the user's own side
    FaultRow(
        "user_network.connection_lost",
        _P.USER_NETWORK,
        "Your connection was interrupted.",
        "The client's socket broke: usually the user's network.",
        Retry.NEVER,
        4500,
    ),
    FaultRow(
        "user_network.slow",
        _P.USER_NETWORK,
        "Your connection is too slow to carry the voice.",
        "The client did not read what was sent to it: usually the user's network.",
        Retry.NEVER,
        1013,
    ),
    FaultRow(
        "user_device.microphone",
        _P.USER_DEVICE,
        "Your microphone can't be used.",
        "The browser was not allowed to record, or there is no microphone.",
        Retry.NEVER,
        4400,
    ),
    # tools and stores
    FaultRow(
        "tool.failed",
        _P.TOOL,
        "I couldn't look that up just now.",
        "A tool ended with an error: see the log line with its call id.",
    ),
    FaultRow(
        "tool.timeout",
        _P.TOOL,
        "Looking that up took too long.",
        "A tool did not answer within [limits] tool_s.",
    ),
    FaultRow(
        "tool.arguments",
        _P.TOOL,
        "I couldn't look that up just now.",
        "The model called a tool with arguments that do not fit its schema.",
    ),
    FaultRow(
        "tool.unknown",
        _P.TOOL,
        "I can't do that.",
        "The model called a tool that was not offered.",
    ),
    FaultRow(
        "store.unavailable",
        _P.STORE,
        "Your account data can't be read right now.",
        "The database file is locked, read-only or damaged: see the evidence for the path.",
    ),
)


EVIDENCE_CHARS_MAX: Final = 200
_KEY: Final = re.compile(r"\b(sk|ek)[-_][\w-]{4,}")
"""Providers repeat the key they refused; evidence goes to the client, so it is cut out here, for all."""


def _safe(fact: str) -> str:
    return _KEY.sub(r"\1-...", fact)[:EVIDENCE_CHARS_MAX]


def fault(code: str, evidence: Sequence[str] = (), *, retry_after_s: float | None = None) -> Fault:
    """One occurrence of `code`. KeyError for a code that the table does not know: a bug of ours."""
    return Fault(FAULTS[code], tuple(map(_safe, evidence)), retry_after_s)
