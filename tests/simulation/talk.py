"""The caller's side of the conversation: silence, a turn, patience, the next turn, goodbye.

What lives here: when the caller speaks.
What never will: sockets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from holdfast.core import events
from tests.simulation.conversation import words_of_user
from tests.simulation.matrix import At
from tests.simulation.script import Turn
from tests.simulation.truth import Violation

if TYPE_CHECKING:
    from tests.simulation.caller import Caller

PATIENCE_S = 60.0
"""20 s to recover, and the longest budget: then an answer is overdue."""
MOVES_ON_S = 30.0
EXTRA_TURNS = 2
Phase = Literal["pausing", "speaking", "said", "waiting", "leaving"]


class Talk:
    """Where the conversation stands."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.clock = caller.clock
        self.phase: Phase = "pausing"
        self.left = list(caller.script.turns)
        self.turn: Turn | None = None
        self.since = self.clock.now
        self.spoken = 0.0
        self.by_event: dict[str, int] = {}
        self.has_cancelled = False
        self.extra = 0
        self.is_attached_once = False

    def mark(self) -> int:
        """Whose frame the microphone makes now: of a turn, or silence."""
        if self.phase != "speaking" or self.turn is None:
            return 0
        if self.spoken >= self.turn.seconds:
            self.phase, self.since = "said", self.clock.now
            return 0
        self.spoken += self.caller.script.frame_s
        return self.turn.mark

    def act(self) -> None:
        """The page is attached: go on."""
        now = self.clock.now
        if not self.is_attached_once:
            self.is_attached_once, self.since = True, now
        match self.phase:
            case "pausing":
                self._pause(now)
            case "said":
                self._said(now)
            case "waiting":
                self._wait(now)
            case "leaving":
                self._leave(now)
            case _:
                pass

    def _pause(self, now: float) -> None:
        if not self.left and not self._finds_more():
            self.phase, self.since = "leaving", now
            return
        if now - self.since < self.left[0].pause_s:
            return
        self.turn = turn = self.left.pop(0)
        self.spoken, self.has_cancelled = 0.0, False
        if turn.how == "speech":
            self.phase = "speaking"
            return
        event_id = f"text-{turn.mark}"
        self.by_event[event_id] = turn.mark
        self._hand_over(turn)
        given = events.TextGiven(words_of_user([turn.mark]), event_id)
        self.caller.command(given, event_id)
        if turn.is_repeated:
            self.caller.command(given, event_id)
        self.phase, self.since = "waiting", now

    def _finds_more(self) -> bool:
        """Something to say, where a fault waits for it."""
        turns = self.caller.turns
        at = self.caller.mishaps.needs()
        if at is None or self.extra >= EXTRA_TURNS or self.caller.has_ended:
            return False
        self.extra += 1
        mark = max(turns) + 1
        turns[mark] = Turn(mark, seconds=1.0, tool="slow_read" if at is At.TR else None, patience="answer")
        self.left.append(turns[mark])
        return True

    def _said(self, now: float) -> None:
        assert self.turn is not None
        caller = self.caller
        if caller.sent_to < caller.truth.spoken[self.turn.mark][1]:
            return
        if caller.script.options.turn_detection == "manual":
            event_id = f"commit-{self.turn.mark}"
            self.by_event[event_id] = self.turn.mark
            caller.command(events.CommitAsked(event_id), event_id)
        self._hand_over(self.turn)
        self.phase, self.since = "waiting", now

    def _hand_over(self, turn: Turn) -> None:
        self.caller.truth.said.append(turn.mark)

    def refused(self, event_id: str) -> None:
        """A command was refused by name."""
        if (mark := self.by_event.get(event_id)) is not None:
            self.caller.truth.refused.add(mark)

    def _is_answered(self) -> bool:
        assert self.turn is not None
        return self.turn.mark not in self.caller.judge.unanswered()

    def _wait(self, now: float) -> None:
        assert self.turn is not None
        waited = now - self.since
        is_sounding = self.caller.loudspeaker.is_sounding
        if self.turn.cancels and is_sounding and not self.has_cancelled:
            self.has_cancelled = True
            self.caller.command(events.CancelAsked(), None)
        patience = self.turn.patience
        is_enough = (
            patience == "none"
            or (patience == "barge" and is_sounding and self._is_ours())
            or (self._is_answered() and not is_sounding)
            or waited > MOVES_ON_S
        )
        if is_enough:
            self.phase, self.since = "pausing", now

    def _is_ours(self) -> bool:
        """Whether what sounds is the answer to the present turn."""
        assert self.turn is not None
        heard = self.caller.loudspeaker.last
        told = None if heard is None else self.caller.judge.answers.get(heard)
        return told is not None and self.turn.mark in told.answer.covers

    def _leave(self, now: float) -> None:
        """All was said: what is owed must come, and then everything must be accounted for."""
        caller = self.caller
        owed = caller.judge.unanswered()
        troubled_until = max(caller.mishaps.last_at, caller.world.troubled_until, caller.returned_at)
        calm_since = max(self.since, troubled_until)
        if (owed or not caller.is_quiet()) and now - calm_since > PATIENCE_S:
            raise Violation(
                "I10", f"turns {owed} are not answered {now - calm_since:.0f} s after the last fault"
            )
        if (
            owed
            or not caller.is_quiet()
            or now - self.since < 1.2
            or caller.mishaps.is_waiting(now - self.since)
        ):
            return
        if now < caller.mishaps.last_at + 1:
            return
        if caller.view.open_response is not None:
            if now - calm_since > PATIENCE_S:
                raise Violation("B5", f"{caller.view.open_response} never ends")
            return
        caller.world.account(caller)
        caller.ends()
