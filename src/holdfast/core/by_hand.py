"""Turns that the client ends by hand.

What lives here: the end itself, and its line in the journal: a client tells its audio again to the process
that takes the session up, and not a command that was accepted (`told_again`).
What never will: voice detection (`upstream_side`), audio.
"""

from __future__ import annotations

from holdfast.core.asking import request_response, watch_response
from holdfast.core.barge_in import interrupt
from holdfast.core.effects import CommitInput, Respond
from holdfast.core.rebuild import end_by_hand
from holdfast.core.state import State
from holdfast.core.turn import TurnSignal


def end_turn(s: State, now: float) -> bool:
    """The turn is over, as the client has said; False when there is no room to keep that for an upstream."""
    if s.upstream.is_live:
        interrupt(s, now)
        end_by_hand(s, s.kept.end)
        s.out.append(CommitInput())
    elif not s.kept.hold_command(CommitInput()):
        return False
    s.turn.move(TurnSignal.INPUT_GIVEN)
    s.turn.ask(Respond())
    request_response(s, now)
    if not s.turn.is_answered:  # its words are owed
        s.turn.last_event_at = now
        watch_response(s)
    return True


def record_end(s: State) -> None:
    """Tell the journal where the turn ends."""
    s.record("turn_end", {"position": s.kept.end if s.upstream.is_live else s.received})
