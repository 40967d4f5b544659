"""As `unheard`, behind `/v1/realtime`: the client is told nothing that its dialect has no word for.

What lives here: when that may be asked, what is done about it.
What never will: which part is listened to, and when (`hearing`); listening.
"""

from __future__ import annotations

from holdfast.core import relay_link
from holdfast.core.faults import fault
from holdfast.core.hearing import EVIDENCE, LEFT_MAX, Unheard
from holdfast.core.relay_events import TELEPHONE_BYTES_PER_MS
from holdfast.core.relay_state import BASE64, RelayState


def may_count(s: RelayState, now: float) -> bool:
    """Whether speech that is given now has to be told of. What a telephone sends is not listened to."""
    facts = s.facts
    by_itself = facts.kind == "realtime" and facts.hears_turns
    is_calm = s.is_quiet and not s.spoken.turns and now >= _sounds_until(s)
    is_listening = s.is_passing and not s.is_away and facts.input_bytes_per_ms > TELEPHONE_BYTES_PER_MS
    return by_itself and is_calm and is_listening


def _sounds_until(s: RelayState) -> float:
    """When the client has played what was said last: counted from its end on, so at the latest."""
    mirror = s.mirror
    said = next(
        (one for item_id in reversed(mirror.order) if (one := mirror.items[item_id]).said_from >= 0), None
    )
    if said is None:
        return 0.0
    size = said.said if said.said >= 0 else s.said - said.said_from
    return s.said_at + size / BASE64 / s.facts.output_bytes_per_ms / 1000


def unheard(s: RelayState, event: Unheard, now: float) -> None:
    """Named, and left for a fresh one, which is told what was said; where that does not help, only named."""
    link = s.upstream
    if event.generation != link.generation or link.hears is not None or not may_count(s, now):
        return
    words = EVIDENCE.format(speech_s=event.speech_s, after_s=s.limits.unheard_s)
    cause = fault("provider.not_listening", [words])
    link.hears = False
    s.note("upstream.unheard", "warning", upstream_session=link.session_id, **cause.facts)
    if s.line.unheard < LEFT_MAX:
        s.line.unheard += 1
        relay_link.lose(s, link, cause, now)
