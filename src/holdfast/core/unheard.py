"""The user speaks, and the upstream, alive and well, tells nothing of it.

What lives here: when that may be asked, what is done about it; behind the browser protocol.
What never will: which part is listened to, and when (`hearing`); listening.
"""

from __future__ import annotations

from holdfast.core import lifecycle
from holdfast.core.events import UpstreamLost
from holdfast.core.faults import fault
from holdfast.core.hearing import EVIDENCE, LEFT_MAX, Unheard
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
    link = s.upstream
    if event.generation != link.generation or link.hears is not None or not may_count(s, now):
        return
    words = EVIDENCE.format(speech_s=event.speech_s, after_s=s.limits.unheard_s)
    cause = fault("provider.not_listening", [words])
    link.hears = False
    s.note("upstream.unheard", "warning", upstream_session=link.session_id, **cause.facts)
    s.tell(Status("degraded", cause))
    s.line.is_recovering_told = True
    if s.line.unheard < LEFT_MAX:
        s.line.unheard += 1
        lifecycle.lost(s, UpstreamLost(link.generation, cause, event.chance), now)


def heard(s: State) -> None:
    """The upstream tells of speech."""
    if s.upstream.hears is False and s.line.is_recovering_told:
        s.line.is_recovering_told = False
        s.tell(Status("live"))
    s.upstream.hears = True
