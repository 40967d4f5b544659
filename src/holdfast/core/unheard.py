"""The user speaks, and the upstream, alive and well, tells nothing of it.

What lives here: when that may be asked, what is done about it; behind the browser protocol.
What never will: which part is listened to, and when (`hearing`); listening.
"""

from __future__ import annotations

from holdfast.core import lifecycle
from holdfast.core.events import UpstreamLost
from holdfast.core.hearing import Unheard, is_left, named
from holdfast.core.notices import Status
from holdfast.core.state import State


def may_count(s: State, now: float) -> bool:
    """Whether speech that is given now has to be told of. Not while an answer comes or sounds: the
    microphone hears it, too.
    """
    item = s.output.current
    is_sounding = item is not None and not item.is_cut and item.unheard_s(now) > 0
    by_itself = s.turn.is_answered and s.options.turn_detection == "auto"
    is_calm = s.turn.is_quiet and not s.tools.running and not s.spoken.turns and not is_sounding
    return by_itself and is_calm and s.upstream.is_live and s.link.is_attached


def unheard(s: State, event: Unheard, now: float) -> None:
    """Named, and left for a fresh one, which is told what was said; where that does not help, only named."""
    cause = named(s, event) if may_count(s, now) else None
    if cause is None:
        return
    s.tell(Status("degraded", cause))
    s.line.is_recovering_told = True
    if is_left(s.line):
        lifecycle.lost(s, UpstreamLost(event.generation, cause, event.chance), now)


def heard(s: State) -> None:
    """The upstream tells of speech."""
    if s.upstream.hears is False and s.line.is_recovering_told:
        s.line.is_recovering_told = False
        s.tell(Status("live"))
    s.upstream.hears = True
