"""As `unheard`, behind `/v1/realtime`: the client is told nothing that its dialect has no word for.

What lives here: when that may be asked, what is done about it.
What never will: which part is listened to, and when (`hearing`); listening.
"""

from __future__ import annotations

from holdfast.core import relay_link
from holdfast.core.hearing import Unheard, is_left, named
from holdfast.core.relay_events import TELEPHONE_BYTES_PER_MS
from holdfast.core.relay_state import BASE64, RelayState


def may_count(s: RelayState, now: float) -> bool:
    """Whether speech that is given now has to be told of. What a telephone sends is not listened to."""
    facts = s.facts
    by_itself = facts.kind == "realtime" and facts.hears_turns
    is_calm = s.is_quiet and not s.spoken.turns and now >= _sounds_until(s)
    is_listening = s.lane.is_passing and not s.is_away and facts.input_bytes_per_ms > TELEPHONE_BYTES_PER_MS
    return by_itself and is_calm and is_listening


def _sounds_until(s: RelayState) -> float:
    """When the client has played what was said last: counted from its end on, so at the latest."""
    mirror = s.mirror
    said = next(
        (one for item_id in reversed(mirror.order) if (one := mirror.items[item_id]).said_from >= 0), None
    )
    if said is None:
        return 0.0
    size = said.said if said.said >= 0 else s.lane.said - said.said_from
    return s.lane.said_at + size / BASE64 / s.facts.output_bytes_per_ms / 1000


def unheard(s: RelayState, event: Unheard, now: float) -> None:
    """Named, and left for a fresh one, which is told what was said; where that does not help, only named."""
    cause = named(s, event) if may_count(s, now) else None
    if cause is not None and is_left(s.line):
        relay_link.lose(s, s.upstream, cause, now)
