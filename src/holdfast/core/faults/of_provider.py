"""Faults of the provider: whoever serves the model did not do what its protocol promises.

What lives here: rows. What never will: a row of another party.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from holdfast.core.faults.table import (
    AT_ONCE,
    IN_OFFICE_HOURS,
    ONE_A_DAY,
    WHEN_MANY,
    FaultRow,
    Retry,
    Switch,
    by_code,
)

_BUSY: Final = "The voice service is busy at the moment. Please try again in a minute."
_GONE: Final = "The connection to the voice service was lost."
_HTTP: Final = ("HTTP status", "request id", "error.code")
_CLOSE: Final = ("close code", "close reason")
_ERROR: Final = ("the provider's own words", "error.code", "error.type")
_TOO_LONG: Final = ("which time-out was waited for in vain",)

PROVIDER: Final[Mapping[str, FaultRow]] = by_code(
    FaultRow(
        "provider.unreachable",
        message="The voice service can't be reached right now.",
        remedy="Check the upstream's base_url, outgoing firewall rules and the provider's status page.",
        meaning="No TCP connection to the upstream's address came about: refused, no route, or reset.",
        evidence=("the system's error",),
        retry=Retry.BACKOFF,
        close_code=4503,
        switch=Switch.IF_IT_LASTS,
        provoke="point the upstream's base_url at a port where nobody listens",
        alarm=WHEN_MANY,
    ),
    FaultRow(
        "provider.name_unknown",
        message="The address of the voice service can't be found right now.",
        remedy="The upstream's host name does not resolve: check base_url and this machine's DNS.",
        meaning="The upstream's host name has no address, and none was known from the last five minutes.",
        evidence=("the resolver's error",),
        retry=Retry.BACKOFF,
        close_code=4503,
        switch=Switch.IF_IT_LASTS,
        provoke="point the upstream's base_url at a name that does not exist, such as nobody.invalid",
        alarm=WHEN_MANY,
    ),
    FaultRow(
        "provider.tls_failed",
        message="The voice service can't be reached securely right now.",
        remedy="TLS to the upstream broke off: check proxies and the network between here and the provider.",
        meaning="TCP was connected, and the TLS handshake broke off for another reason than the certificate.",
        evidence=("the TLS library's error",),
        retry=Retry.BACKOFF,
        close_code=4503,
        switch=Switch.IF_IT_LASTS,
        provoke="point an https:// base_url at a server that speaks plain HTTP",
        alarm=WHEN_MANY,
    ),
    FaultRow(
        "provider.handshake_timeout",
        message="The voice service doesn't answer the call.",
        remedy="The connection did not open in time: check the network; see the provider's status page.",
        meaning="The WebSocket did not open within [limits] dial_s, from the name to the answer 101.",
        evidence=_TOO_LONG,
        retry=Retry.BACKOFF,
        close_code=4503,
        switch=Switch.IF_IT_LASTS,
        emulate="slow-handshake:60",
        alarm=WHEN_MANY,
    ),
    FaultRow(
        "provider.silent",
        message="The voice service doesn't answer.",
        remedy="The socket opened but no session.created came: the provider accepted and stayed silent. "
        "Wait, or put another upstream in the list.",
        meaning="The handshake succeeded and no session.created came within [limits] created_s.",
        evidence=_TOO_LONG,
        retry=Retry.BACKOFF,
        close_code=4503,
        switch=Switch.IF_IT_LASTS,
        emulate="silent-created",
        alarm=WHEN_MANY,
    ),
    FaultRow(
        "provider.unconfigured",
        message="The voice service doesn't get ready.",
        remedy="session.update was never confirmed: the provider accepted the session and stayed silent. "
        "Wait, or put another upstream in the list.",
        meaning="session.created came, and no session.updated within [limits] updated_s of our settings.",
        evidence=_TOO_LONG,
        retry=Retry.BACKOFF,
        close_code=4503,
        switch=Switch.IF_IT_LASTS,
        emulate="silent-updated",
        alarm=WHEN_MANY,
    ),
    FaultRow(
        "provider.unavailable",
        message=_BUSY,
        remedy="The provider answered with a server status: wait, or put another upstream in the list.",
        meaning="The handshake was answered with 408 or a status of 500 and above, or the session was "
        "closed with 1012 (restart).",
        evidence=_HTTP,
        retry=Retry.BACKOFF,
        close_code=4503,
        switch=Switch.IF_IT_LASTS,
        emulate="http:503",
        alarm=WHEN_MANY,
    ),
    FaultRow(
        "provider.not_ready",
        message="The voice service isn't ready yet. What you say is kept; send this again in a moment.",
        remedy="Nothing to repair unless it lasts: see provider.silent and provider.unconfigured. A "
        "client that types waits for session_ready.",
        meaning="A command came while no upstream was ready, and [limits] commands_held or "
        "relay_held_bytes are held already.",
        evidence=("what came too early",),
        retry=Retry.WAIT,
        ends=False,
        provoke="send more commands than [limits] commands_held to `holdfast emulate --fault silent-created`",
        alarm=IN_OFFICE_HOURS,
    ),
    FaultRow(
        "provider.overloaded",
        message=_BUSY,
        remedy="The provider asked to come back later: wait, or put another upstream in the list.",
        meaning="The upstream closed with 1013 (try again later), without a word of a quota.",
        evidence=_CLOSE,
        retry=Retry.WAIT,
        close_code=4503,
        switch=Switch.AT_ONCE,
        emulate="close:1013:created",
        alarm=WHEN_MANY,
    ),
    FaultRow(
        "provider.message_too_big",
        message="The voice service can't take what it was given.",
        remedy="The upstream closed with 1009 although messages were made small: raise its message limit.",
        meaning="The upstream closed with 1009 twice: once, and again after audio was cut into pieces of "
        "100 ms.",
        evidence=_CLOSE,
        close_code=4502,
        switch=Switch.AT_ONCE,
        emulate="close:1009:updated",
        alarm=AT_ONCE,
    ),
    FaultRow(
        "provider.rate_limited",
        message=_BUSY,
        remedy="The account's rate limit is reached: spread the load or ask the provider for a higher tier.",
        meaning="The handshake was answered with 429, or an error said rate_limit_exceeded, and no quota "
        "was named.",
        evidence=_HTTP,
        retry=Retry.WAIT,
        close_code=4503,
        switch=Switch.AT_ONCE,
        emulate="http:429",
        alarm=IN_OFFICE_HOURS,
    ),
    FaultRow(
        "provider.server_error",
        message="The voice service had a problem of its own.",
        remedy="Quote the provider's session id to its support; wait, or use another model or upstream.",
        meaning="The provider said server_error, in an error event or in a response that failed, or "
        "closed with 1011.",
        evidence=_ERROR,
        retry=Retry.BACKOFF,
        close_code=4503,
        switch=Switch.IF_IT_LASTS,
        emulate="error:server_error:response",
        alarm=WHEN_MANY,
    ),
    FaultRow(
        "provider.session_expired",
        message="The conversation reached the voice service's time limit.",
        remedy="The provider ends a session after its maximum duration, and the conversation is carried "
        "over before that: if this is seen often, the announced end (expires_at) is not the real one.",
        meaning="An error session_expired came, or a close for that reason, before the session was "
        "carried over to a fresh one.",
        evidence=_ERROR,
        retry=Retry.BACKOFF,
        close_code=4503,
        switch=Switch.IF_IT_LASTS,
        emulate="error:session_expired:idle",
        alarm=IN_OFFICE_HOURS,
    ),
    FaultRow(
        "provider.connection_lost",
        message=_GONE,
        remedy="The upstream's connection broke without a close frame: network or provider restart. If it "
        "happens to all sessions at once, look at this machine's own network first.",
        meaning="The upstream's socket ended without a close frame (1006), or no pong came to our pings.",
        evidence=("close code 1006, or how long no pong came",),
        retry=Retry.BACKOFF,
        close_code=4503,
        switch=Switch.IF_IT_LASTS,
        emulate="drop:idle",
        alarm=WHEN_MANY,
    ),
    FaultRow(
        "provider.closed",
        message=_GONE,
        remedy="The provider closed the session unasked: see the close code in the evidence.",
        meaning="The upstream closed in an orderly way (1000, 1001, 1005, or a code of its own) that "
        "nobody asked for.",
        evidence=_CLOSE,
        retry=Retry.BACKOFF,
        close_code=4503,
        switch=Switch.IF_IT_LASTS,
        emulate="close:1001:idle",
        alarm=WHEN_MANY,
    ),
    FaultRow(
        "provider.policy",
        message="The voice service refused to go on.",
        remedy="The provider closed for a policy reason: see the evidence; check usage policies and limits.",
        meaning="The upstream closed with 1008, and its reason does not say that the session expired.",
        evidence=_CLOSE,
        close_code=4502,
        switch=Switch.AT_ONCE,
        emulate="close:1008:idle:policy",
        alarm=WHEN_MANY,
    ),
    FaultRow(
        "provider.protocol_breach",
        message="The voice service sent something that can't be understood.",
        remedy="The upstream does not speak the Realtime protocol as documented: check base_url and its "
        "version.",
        meaning="Three messages within a minute were no events of the protocol or came in an impossible "
        "order; or the upstream closed with 1002, 1003 or 1007, or its answer to an upgrade is no HTTP.",
        evidence=("what was wrong with the last message",),
        retry=Retry.BACKOFF,
        close_code=4502,
        switch=Switch.IF_IT_LASTS,
        emulate="close:1007:idle",
        alarm=WHEN_MANY,
    ),
    FaultRow(
        "provider.stalled",
        message="The answer doesn't come, or doesn't go on. Ask again if it stays silent.",
        remedy="The provider sent nothing for a response that it owed: see its status page; count these "
        "per hour.",
        meaning="A response that was owed did not begin within [limits] response_first_s, or began and "
        "said nothing for response_stall_s, while the socket stayed open.",
        evidence=("how long nothing came",),
        retry=Retry.BACKOFF,
        close_code=4503,
        switch=Switch.IF_IT_LASTS,
        emulate="stall:response",
        alarm=WHEN_MANY,
    ),
    FaultRow(
        "provider.not_listening",
        message="The voice service doesn't seem to hear you. You can type instead.",
        remedy="The provider takes the audio and finds no speech in it, and there is some: quote its session "
        "id to its support; try another model or upstream, or a lower threshold of its turn detection.",
        meaning="What the upstream was given holds at least [limits] unheard_speech_s of speech, and within "
        "unheard_s it told nothing of it, though it is to find the turns itself and has never told of any "
        "on this link. Silence, noise and music are no speech; that is looked at here.",
        evidence=("how much speech there was", "how long nothing was told of it"),
        retry=Retry.BACKOFF,
        close_code=4503,
        switch=Switch.IF_IT_LASTS,
        emulate="ignore:input_audio_buffer.append",
        provoke="and say something",
        alarm=WHEN_MANY,
    ),
    FaultRow(
        "provider.response_failed",
        message="The assistant couldn't finish its answer. Please ask again.",
        remedy="A response failed at the provider: see the evidence for its reason.",
        meaning="response.done came with status failed and no known code, or what was owed could not be "
        "asked of a fresh upstream.",
        evidence=_ERROR,
        retry=Retry.BACKOFF,
        close_code=4503,
        switch=Switch.IF_IT_LASTS,
        emulate="end-response:unexplained",
        alarm=IN_OFFICE_HOURS,
    ),
    FaultRow(
        "provider.stage_failed",
        message="The assistant works with less than usual: one of its servers doesn't answer.",
        remedy="A server of [engine.transcription], [engine.chat] or [engine.speech] failed (see the "
        "evidence): its owner has to look. What is built in does the work meanwhile; the server is tried "
        "again.",
        meaning="A server that does a stage's work for the built-in engine answered with a server status, "
        "not in time, or with something else than was asked for.",
        evidence=("which stage", "what the server did"),
        retry=Retry.BACKOFF,
        ends=False,
        emulate="stage:transcription:503",
        provoke="with base_url of [engine.transcription] at the emulator",
        alarm=ONE_A_DAY,
    ),
)
