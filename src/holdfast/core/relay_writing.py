"""Relayed transcription sessions: what is said is written down, and nobody answers.

What lives here: a turn is done when its words are whole; until then a lost upstream takes it with it, and the
next one hears it again as it was said: the same sound, ended by hand where the client had ended it.
What never will: the shape of a message; sessions of the browser protocol (`writing`).
"""

from __future__ import annotations

from holdfast.core.relay_effects import SendDeleted
from holdfast.core.relay_events import SpeechBegan
from holdfast.core.relay_input import Asked
from holdfast.core.relay_state import RelayState
from holdfast.core.spoken import SpokenTurn


def is_writing(s: RelayState) -> bool:
    """Whether this is a transcription session."""
    return s.facts.kind == "transcription"


def leave(s: RelayState) -> list[tuple[int, int]]:
    """The upstream is lost: what is not written yet is due again. Answers what of it cannot be."""
    lost: list[tuple[int, int]] = []
    for turn, gone, is_left in s.spoken.hear_again(s.kept.end, s.kept.first, s.limits.turn_replays):
        if gone is not None:
            lost.append(gone)
        commit = s.kept.ends.pop(turn.item_id, None)
        if is_left and commit is not None:
            s.kept.ask_again(commit)
    return lost


def ended_by(s: RelayState, turn: SpokenTurn, commit: Asked | None) -> None:
    """The client's own message that ended the turn: told again with it."""
    if commit is not None and is_writing(s):
        s.kept.ends[turn.item_id] = commit


def began_again(s: RelayState, event: SpeechBegan) -> bool:
    """Whether a fresh upstream has come to a turn that the client knows: it goes on under its id."""
    if not is_writing(s):
        return False
    position = s.position(event.audio_ms)
    passed_over(s, position)
    turn = s.spoken.heard_again(position)
    if turn is None:
        return False
    turn.last = None
    _known(s, event.item_id, turn)
    return True


def committed_again(s: RelayState, upstream_id: str, position: int) -> SpokenTurn | None:
    """The turn due again that the client ended by hand at `position`, if it is one."""
    turn = s.spoken.ended_again(position) if is_writing(s) else None
    if turn is not None:
        _known(s, upstream_id, turn)
    return turn


def passed_over(s: RelayState, position: int) -> None:
    """A fresh upstream heard no turn of their own in these: their items are gone, and that is told."""
    for turn in s.spoken.passed_over(position):
        s.spoken.forget(turn)
        if s.mirror.get(turn.item_id) is not None and not turn.is_written:
            s.mirror.remove(turn.item_id)
            s.out.append(SendDeleted(turn.item_id))


def written(s: RelayState, turn: SpokenTurn) -> None:
    """Its words are whole."""
    s.spoken.written(turn)
    _forget_ends(s)


def stands_again(s: RelayState, turn: SpokenTurn) -> None:
    """Its item stands, perhaps for the second time."""
    turn.is_heard_again = False
    s.spoken.shed()
    _forget_ends(s)


def _forget_ends(s: RelayState) -> None:
    here = {turn.item_id for turn in s.spoken.turns}
    s.kept.ends = {item_id: end for item_id, end in s.kept.ends.items() if item_id in here}


def _known(s: RelayState, upstream_id: str, turn: SpokenTurn) -> None:
    s.ids.bind(upstream_id, turn.item_id)
    s.restored.add(turn.item_id)
