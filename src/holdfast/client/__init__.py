"""A client of both dialects, for the terminal, the doctor, benchmarks and tests.

What lives here: dialling, one vocabulary over the browser protocol and the Realtime dialect, a microphone
made of recordings, a conversation with its latencies.
What never will: printing, or anything a server needs.
"""

from holdfast.client.behind import BehindDialect
from holdfast.client.conversation import Conversation, Latency, SessionError, Turn
from holdfast.client.credentials import credential_for
from holdfast.client.dialects import BrowserDialect, Dialect, RealtimeDialect, SessionWish, dialect_for
from holdfast.client.line import (
    GATEWAY_UNREACHABLE,
    OF_THE_WAY,
    CallError,
    DialError,
    Line,
    dial,
    is_address,
    is_loopback,
)
from holdfast.client.microphone import Microphone
from holdfast.client.recording import Recording, RecordingError, read_wav, write_wav

__all__ = [
    "GATEWAY_UNREACHABLE",
    "OF_THE_WAY",
    "BehindDialect",
    "BrowserDialect",
    "CallError",
    "Conversation",
    "DialError",
    "Dialect",
    "Latency",
    "Line",
    "Microphone",
    "RealtimeDialect",
    "Recording",
    "RecordingError",
    "SessionError",
    "SessionWish",
    "Turn",
    "credential_for",
    "dial",
    "dialect_for",
    "is_address",
    "is_loopback",
    "read_wav",
    "write_wav",
]
