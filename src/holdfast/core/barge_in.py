"""Barge-in: who speaks over the answer silences it, and the answer is cut where it was heard.

What lives here: the two halves, with and without a cancel of our own.
"""

from __future__ import annotations

from holdfast.core.audio import ms_of_samples
from holdfast.core.effects import CancelResponse, Truncate
from holdfast.core.notices import Interrupted
from holdfast.core.state import State


def interrupt(s: State, now: float, *, reached: int | None = None) -> None:
    """Silence the running answer: the client flushes, the upstream stops and forgets what was not heard."""
    active = s.turn.active
    if active is not None and s.turn.silenced != active:
        if s.upstream.is_live and s.turn.reopened is None:
            s.out.append(CancelResponse(s.aliases.upstream(active)))
        s.turn.silence()
    cut_audio(s, now, reached=reached)


def cut_audio(s: State, now: float, *, reached: int | None = None) -> None:
    """Barge-in's half that is ours: tell the client, cut the item where it was heard."""
    if (cut := s.output.cut(now, reached=reached)) is None:
        return
    item, heard = cut
    heard_ms = ms_of_samples(heard)
    s.tell(Interrupted(item.response_id, item.item_id, heard_ms))
    s.conversation.heard(item.item_id, heard, item.sent)
    if s.upstream.is_live and item.generation == s.upstream.generation:
        s.out.append(Truncate(s.aliases.upstream(item.item_id), heard_ms))
