"""Faults of the application: the program that is a client of the gateway, or whoever embeds it.

What lives here: rows. What never will: a row of another party.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from holdfast.core.faults.table import IN_OFFICE_HOURS, Alarm, FaultRow, Retry, by_code

_OFTEN: Final = Alarm("ticket", 100, 60)
"""Single ones are somebody's mistake while developing."""

APPLICATION: Final[Mapping[str, FaultRow]] = by_code(
    FaultRow(
        "application.invalid_message",
        message="The page sent something the service doesn't understand.",
        remedy="The client sent a message that breaks the protocol: the evidence names the field.",
        meaning="A message could not be read, or the upstream refused one that came from the client as it "
        "was.",
        evidence=("which field, and what is wrong with it",),
        close_code=4400,
        provoke='send {"type": "nonsense"} to a session',
        alarm=_OFTEN,
    ),
    FaultRow(
        "application.message_too_large",
        message="The page sent too much at once.",
        remedy="Send audio in messages of at most 64 KiB, and text in at most 256 KiB.",
        meaning="A message was longer than client_binary_bytes or client_text_bytes of [limits]; the "
        "socket was closed with 1009.",
        evidence=("how many bytes are allowed",),
        close_code=1009,
        provoke="send a binary message of 65 KiB to a session",
        alarm=IN_OFFICE_HOURS,
    ),
    FaultRow(
        "application.broken_framing",
        message="The page broke the connection's own rules.",
        remedy="The client's WebSocket library sends what RFC 6455 forbids: see the close reason.",
        meaning="A frame had a reserved bit, fragments came out of order, or a text was not UTF-8; the "
        "socket was closed with 1002 or 1007.",
        evidence=("which rule",),
        close_code=1002,
        provoke="send a text message that is not UTF-8 to a session",
        alarm=IN_OFFICE_HOURS,
    ),
    FaultRow(
        "application.message_flood",
        message="The page sent too many messages.",
        remedy="The client kept sending faster than the message rate for ten seconds.",
        meaning="Messages were refused for being too many, without a pause, for [limits] client_flood_s.",
        close_code=1008,
        provoke="send messages without a pause for more than ten seconds",
        alarm=IN_OFFICE_HOURS,
    ),
    FaultRow(
        "application.unsupported_model",
        message="This voice model isn't available.",
        remedy="Use one of the models that GET /api/financial-sherpa/realtime lists.",
        meaning="create_session named a model that is no realtime model, is retired, or is unknown.",
        evidence=("which model, and which one was meant",),
        close_code=4400,
        provoke='send {"type": "create_session", "model": "gpt-4o"}',
        advice="An operator has to choose another model.",
        alarm=_OFTEN,
    ),
    FaultRow(
        "application.rate_limited",
        message="That was a bit too fast. Please wait a moment.",
        remedy="The client passed one of [limits]: see the evidence for which.",
        meaning="One of the limits for a single client was passed: messages or audio per second, or "
        "sessions of one address or customer.",
        evidence=("which limit, and its value",),
        retry=Retry.WAIT,
        close_code=4429,
        provoke="send more than [limits] client_messages_per_s messages in a second",
        alarm=_OFTEN,
    ),
    FaultRow(
        "application.no_session",
        message="There is no conversation yet.",
        remedy="Send create_session first; audio that came before it is kept for ten seconds.",
        meaning="Audio or a command came before create_session.",
        close_code=4404,
        provoke="send audio to the socket before create_session",
        alarm=_OFTEN,
    ),
    FaultRow(
        "application.unknown_session",
        message="That conversation is no longer kept here.",
        remedy="Send create_session: a session is kept for [limits] resume_window_s after its client has "
        "left.",
        meaning="resume_session named a session that is over, or came with a token that does not open it.",
        evidence=("resume_session",),
        close_code=4404,
        provoke="send resume_session with the id of a session that has ended",
        alarm=_OFTEN,
    ),
    FaultRow(
        "application.replaced",
        message="Continued in another window.",
        remedy="Nothing to repair: a newer connection took the session over with its resume token.",
        meaning="Another socket resumed the session while this one was open; this one was closed with 4409.",
        close_code=4409,
        provoke="resume a session from a second window while the first is open",
        advice="One window at a time. You can fetch it back.",
    ),
    FaultRow(
        "application.not_authorized",
        message="Please sign in again.",
        remedy="The ticket or the portal's session decides who the customer is, not the page's word.",
        meaning="There was no ticket, key or session, or it is of somebody else than the message says.",
        evidence=("what was missing or did not fit",),
        close_code=4403,
        provoke="send create_session with the customerId of somebody else",
        advice="Your session with the portal has ended.",
        alarm=_OFTEN,
    ),
    FaultRow(
        "application.idle",
        message="The conversation ended after a long silence.",
        remedy="Nothing to repair: [limits] idle_s sets how long nobody may say a word.",
        meaning="Nobody said or sent anything for [limits] idle_s.",
        evidence=("how long it was silent",),
        close_code=4408,
        provoke="serve with HOLDFAST_LIMITS__IDLE_S=2 and say nothing",
        advice="Start again whenever you like.",
    ),
    FaultRow(
        "application.time_limit",
        message="The conversation reached its time limit.",
        remedy="Nothing to repair: [limits] session_s sets how long a session may last.",
        meaning="The session was [limits] session_s old.",
        evidence=("how long it may last",),
        close_code=4408,
        provoke="serve with HOLDFAST_LIMITS__SESSION_S=5 and go on talking",
        advice="Start again to go on.",
    ),
)
