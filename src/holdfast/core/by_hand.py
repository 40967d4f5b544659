"""Turns that the client ends by hand: once for the upstream of the day, and once more when the process died
before anybody answered.

What lives here: the end itself, its line in the journal, and where a process that takes the session up has to
repeat it: its client tells the audio again, and not a command that was accepted.
What never will: voice detection (`upstream_side`), audio.
"""

from __future__ import annotations

from holdfast.core.asking import request_response
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
    return True


def record_end(s: State) -> None:
    """Tell the journal where the turn ends."""
    s.record("turn_end", {"position": s.kept.end if s.upstream.is_live else s.received})


def end_again(s: State, now: float) -> None:
    """The audio that was told again has come to where an earlier process was told that a turn ends."""
    ends = s.spoken.ends_again
    while ends and ends[0] <= s.received and end_turn(s, now):
        ends.popleft()
