"""The user's turns that are not answered: where each begins and ends, and who is answering it.

What lives here: which input must be told again when the upstream is lost, and whether an answer is owed.
What never will: audio (`kept_input`), words (`conversation`).

A typed turn has a place and no length.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field


@dataclass(slots=True)
class SpokenTurn:
    item_id: str
    first: int
    """Session position where it begins, with the padding that a voice detector needs."""
    last: int | None = None
    """None while the user is speaking."""
    response_id: str | None = None
    """Who is answering it."""
    replays: int = 0
    """How often it was told again to a fresh upstream."""
    is_through_tools: bool = False
    """Its answer waits for tools."""
    called_by: str | None = None
    """Who called them."""
    missed_by: str | None = None
    """The answer that was in the making when this was given, and that is not about it; empty as long as
    nobody has told its id.
    """
    is_typed: bool = False
    """It has a place among the items and none in the sound."""
    is_by_hand: bool = False
    """Ended by the client, and its item's id is not known yet."""
    awaits: bool = False
    """It was open when its upstream was lost: the next one hears it again and must not tell of it twice."""
    is_due_again: bool = False
    """In a transcription session: its upstream was lost before its words were whole, and the next one has not
    come to it yet.
    """
    is_heard_again: bool = False
    """The next one has come to it, and has not said yet that its item stands."""
    is_written: bool = False
    """Its words are whole. It stays while an earlier one's are not: it would be heard again with that."""
    is_end_told: bool = False
    """The client knows where it ends."""


@dataclass(slots=True)
class Spoken:
    """The turns in order. At most the last one is open."""

    turns: list[SpokenTurn] = field(default_factory=list)
    settled: int = 0
    """Everything before this position is answered, or will never be."""
    ends_again: list[int] = field(default_factory=list)
    """Where an earlier process was told that a turn ends, and the audio before it is on its way again."""
    known_again: list[tuple[int, int]] = field(default_factory=list)
    """Turns whose words an earlier process has kept, while sound from before them is on its way again."""

    @property
    def open(self) -> SpokenTurn | None:
        """The turn that is being spoken."""
        return next((turn for turn in self.turns if turn.last is None), None)

    @property
    def owed(self) -> list[SpokenTurn]:
        """The turns that are over and that nobody is answering."""
        return [turn for turn in self.turns if turn.last is not None and turn.response_id is None]

    def begin(self, item_id: str, first: int) -> SpokenTurn:
        """The user begins to speak. A turn that was still open ends here."""
        if (still_open := self.open) is not None:
            still_open.last = max(first, still_open.first)
        for missing in self.turns:
            if missing.missed_by == "":
                missing.missed_by = None  # who speaks again stops the answer that was in the making
        turn = SpokenTurn(item_id, max(first, self._last_end()))
        self.turns.append(turn)
        return turn

    def end(self, last: int) -> SpokenTurn | None:
        """The open turn is over."""
        if (turn := self.open) is not None:
            turn.last = max(last, turn.first)
        return turn

    def add(self, item_id: str, first: int, last: int) -> SpokenTurn:
        """A turn that the client ended by hand. One that was still open ends before it."""
        if (still_open := self.open) is not None:
            still_open.last = max(first, still_open.first)
        first = max(first, self._last_end())
        turn = SpokenTurn(item_id, first, max(first, last), is_by_hand=True)
        self.turns.append(turn)
        return turn

    def typed(self, item_id: str, at: int) -> None:
        """A turn without sound."""
        self.turns.append(SpokenTurn(item_id, at, at, is_typed=True))

    def find(self, item_id: str) -> SpokenTurn | None:
        """The unanswered turn with this item."""
        return next((turn for turn in self.turns if turn.item_id == item_id), None)

    def answering(self, response_id: str, waiting: Container[str] = ()) -> None:
        """A response begins: it answers all that is over, but for what waits for the tools that the
        responses `waiting` have called, and what was given when it was in the making.
        """
        for turn in self.turns:
            if turn.missed_by == "":
                turn.missed_by = response_id
            if turn.missed_by == response_id:
                continue
            is_ready = turn.is_through_tools and turn.response_id not in waiting
            if turn.last is not None and (turn.response_id is None or is_ready):
                turn.response_id = response_id
                turn.is_through_tools = False

    def called_tools(self, response_id: str) -> None:
        """The response ended with calls: the answer comes with the next one, when they have returned."""
        for turn in self.turns:
            if turn.response_id == response_id:
                turn.is_through_tools = True
                turn.called_by = response_id

    def called_again(self, earlier: Container[str], response_id: str) -> None:
        """The response repeats a call that one of the `earlier` ones made, on a lost upstream: it is about
        the turn that waits for that call, and takes the wait over, with all that it calls besides.
        """
        for turn in self.turns:
            if turn.is_through_tools and turn.response_id in earlier:
                turn.response_id = turn.called_by = response_id

    def missed(self, running: str | None, waiting: Container[str] = ()) -> None:
        """A request met an answer that was in the making, `running` where its id is known: that one is about
        what the upstream had heard, and not about what it was given with the request: what was typed, what
        waited for tools. One answer in the making can have missed it, no second.
        """
        for turn in self.turns:
            is_called = turn.called_by is not None and turn.called_by not in waiting
            if not (turn.is_typed or is_called) or turn.missed_by is not None:
                continue
            if turn.is_through_tools or turn.response_id in {None, running}:
                turn.missed_by = running or ""
            if running is not None and turn.response_id == running:
                turn.response_id = turn.called_by
                turn.is_through_tools = turn.called_by is not None

    def lost(self) -> None:
        """The upstream is lost: the next one is told of all before it is asked."""
        for turn in self.turns:
            turn.missed_by = None

    def reopen(self, response_id: str) -> None:
        """The response came to nothing: what it answered is owed again."""
        for turn in self.turns:
            if turn.response_id == response_id:
                turn.response_id = turn.called_by = None
            if turn.missed_by == response_id:
                turn.missed_by = None

    def answered(self, response_id: str) -> None:
        """The response has said what it had to say."""
        self._drop([turn for turn in self.turns if turn.response_id == response_id])

    def answered_all(self) -> None:
        """The request for an answer was refused: no answer will come to what is over."""
        self._drop([turn for turn in self.turns if turn.last is not None])

    def forget(self, turn: SpokenTurn) -> None:
        """Nobody will answer this one."""
        self._drop([turn])

    def hear_again(
        self, end: int, kept_from: int, replays_max: int
    ) -> list[tuple[SpokenTurn, tuple[int, int] | None, bool]]:
        """Nobody answers here: whatever is not written yet is heard again by the next upstream, as it was
        said, as far as it is kept. `end` is where the input ends that the lost one was given. Answers each
        turn, what of it cannot be heard again, and whether anything of it is left; else it is forgotten.
        """
        found = []
        for turn in list(self.turns):
            turn.is_due_again = True
            turn.is_by_hand = turn.is_heard_again = False
            last = turn.last = end if turn.last is None else turn.last
            turn.replays += 1
            is_given_up = turn.replays > replays_max and not turn.is_written
            from_here = last if is_given_up else min(last, kept_from)
            lost = (turn.first, from_here) if turn.first < from_here and not turn.is_written else None
            turn.first = max(turn.first, from_here)
            is_left = turn.first < last
            if not is_left:
                self.forget(turn)
            found.append((turn, lost, is_left))
        return found

    def heard_again(self, position: int) -> SpokenTurn | None:
        """A fresh upstream has come to `position`: the turn that is due again there."""
        due = (turn for turn in self.turns if turn.is_due_again and turn.last is not None)
        turn = next((turn for turn in due if turn.last is not None and turn.last > position), None)
        if turn is not None:
            turn.is_due_again, turn.is_heard_again = False, True
        return turn

    def ended_again(self, position: int) -> SpokenTurn | None:
        """A fresh upstream is told of the end of a turn at `position`: the turn due again that ends there."""
        turn = next((turn for turn in self.turns if turn.is_due_again), None)
        if turn is None or turn.last != position:
            return None
        turn.is_due_again, turn.is_heard_again = False, True
        return turn

    def written(self, turn: SpokenTurn) -> None:
        """The words of this one are whole. It is done when those of all before it are."""
        turn.is_written = True
        self.shed()

    def shed(self) -> None:
        """Let the turns go that are done."""
        while self.turns and self.turns[0].is_written:
            first = self.turns[0]
            if first.last is None or first.is_due_again or first.is_heard_again:
                return
            self._drop([first])

    def passed_over(self, position: int) -> list[SpokenTurn]:
        """The turns due again that end before `position`: a fresh upstream heard none of their own there."""
        return [turn for turn in self.turns if turn.is_due_again and (turn.last or 0) <= position]

    def clear(self, position: int) -> None:
        """The client takes back what it said since the last turn."""
        if (still_open := self.open) is not None:
            self._drop([still_open])
        self.settled = max(self.settled, position)

    def _drop(self, gone: list[SpokenTurn]) -> None:
        for turn in gone:
            self.turns.remove(turn)
            if turn.last is not None and not turn.is_typed:
                self.settled = max(self.settled, turn.last)

    def _last_end(self) -> int:
        ends = [turn.last for turn in self.turns if turn.last is not None and not turn.is_typed]
        return max([self.settled, *ends])

    def needed_from(self, otherwise: int | None = None) -> int:
        """The first position of a turn that may be needed; without one `otherwise`, or what is settled."""
        nothing = self.settled if otherwise is None else otherwise
        return min([turn.first for turn in self.turns if not turn.is_typed], default=nothing)

    def unheard_from(self) -> int:
        """The first position of which no voice detector has said anything final: where a fresh upstream's
        input begins.
        """
        due = next((turn for turn in self.turns if turn.is_due_again), self.open)
        return due.first if due is not None else self._last_end()
