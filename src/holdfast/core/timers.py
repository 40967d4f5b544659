"""The names of a session's deadlines.

What lives here: names, and which silence means which fault.
What never will: seconds (`limits`), what is done (`session` has the table).
"""

from __future__ import annotations

from typing import Final

from holdfast.core.upstream_link import UpstreamPhase

TIMER_CREATE: Final = "create_wait"
TIMER_DIAL: Final = "dial"
TIMER_CREATED: Final = "created"
TIMER_UPDATED: Final = "updated"
TIMER_SETTINGS: Final = "client_settings"
TIMER_PATIENCE: Final = "dial_patience"
TIMER_RETRY: Final = "retry"
TIMER_TELL: Final = "tell_trouble"
TIMER_PACE: Final = "pace"
TIMER_ROTATE: Final = "rotate"
TIMER_RETURN: Final = "return_to_preferred"
TIMER_IDLE: Final = "idle"
TIMER_LIFE: Final = "life"
TIMER_GOODBYE: Final = "goodbye"
TIMER_RESPONSE: Final = "response"
TIMER_REASK: Final = "reask"
TIMER_ORDER: Final = "order"
TIMER_AWAY: Final = "away"
TIMER_UTTERANCE: Final = "open_utterance"
TIMER_ALONE: Final = "upstream_alone"
TIMER_DRAIN: Final = "drain"

STARTING: Final = (TIMER_DIAL, TIMER_CREATED, TIMER_UPDATED, TIMER_PATIENCE)
"""The deadlines of a link that is starting. Readiness is never pretended: each of these ends the link."""

SILENCES: Final = {
    UpstreamPhase.DIALING: "provider.handshake_timeout",
    UpstreamPhase.OPEN: "provider.silent",
    UpstreamPhase.CREATED: "provider.unconfigured",
}
"""Which silence means what."""
