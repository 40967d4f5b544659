"""Barge-in: who speaks over the answer silences it, and the answer is cut where it was heard.

What lives here: the two halves, with and without a cancel of our own.
"""

from __future__ import annotations

from holdfast.core.effects import CancelResponse, Truncate
from holdfast.core.notices import Interrupted
from holdfast.core.state import State


def interrupt(s: State, now: float) -> None:
    """Silence the running answer: the client flushes, the upstream stops and forgets what was not heard."""
    active = s.turn.active
    if active is not None:
        s.out.append(CancelResponse(active))
        s.turn.silence()
    cut_audio(s, now)


def cut_audio(s: State, now: float) -> None:
    """Barge-in's half that is ours: tell the client, cut the item where it was heard."""
    if (cut := s.output.cut(now)) is None:
        return
    item, heard_ms = cut
    s.tell(Interrupted(item.response_id, item.item_id, heard_ms))
    s.conversation.heard(item.item_id, heard_ms)
    if s.upstream.is_live:
        s.out.append(Truncate(item.item_id, heard_ms))
