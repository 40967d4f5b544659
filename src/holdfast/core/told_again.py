"""What a client tells again to the process that took its session up, and where that must be listened to
otherwise than the first time.

What lives here: marks in the input: a turn that was ended by hand ends there again; the sound of a turn whose
words are kept is passed over, or it would be heard as a second turn.
What never will: reading the journal (`restart`).
"""

from __future__ import annotations

from holdfast.core.by_hand import end_turn
from holdfast.core.state import State


def next_mark(s: State) -> int | None:
    """The position of the next one."""
    ends, known = s.spoken.ends_again, s.spoken.known_again
    if not ends:
        return known[0][0] if known else None
    return min(ends[0], known[0][0]) if known else ends[0]


def passed(s: State, now: float) -> None:
    """The input has grown: do what the marks say that it has come to."""
    ends, known = s.spoken.ends_again, s.spoken.known_again
    while (mark := next_mark(s)) is not None and mark <= s.received:
        if not ends or mark < ends[0]:
            s.received = max(s.received, known.pop(0)[1])
        elif end_turn(s, now):
            ends.pop(0)
        else:
            return
