"""The OpenAI Realtime dialect (GA shape) in the role of the server. Pure: no sockets, no clock.

`RealtimeHost` takes client events and emits server events; a `Responder` says what to answer, through
the host's verbs and the writers it hands out.
"""

from holdfast.wire.realtime.events import BYTES_PER_MS, SAMPLE_RATE_HZ, new_id
from holdfast.wire.realtime.host import RealtimeHost
from holdfast.wire.realtime.responder import Responder
from holdfast.wire.realtime.response import MessageWriter, ResponseWriter
from holdfast.wire.realtime.rules import Refused
from holdfast.wire.realtime.session_config import VOICES, Intent, SessionConfig

__all__ = [
    "BYTES_PER_MS",
    "SAMPLE_RATE_HZ",
    "VOICES",
    "Intent",
    "MessageWriter",
    "RealtimeHost",
    "Refused",
    "Responder",
    "ResponseWriter",
    "SessionConfig",
    "new_id",
]
