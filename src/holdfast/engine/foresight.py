"""One session's guesses: what the answer will be if the turn is over now.

What lives here: when to guess, what to make ready for a guess, whether it was right.
What never will: deciding (`agenda`, `dialogue`), sound (`ahead`), anything that a client could see.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from holdfast.engine.ahead import Ahead
from holdfast.engine.dialogue import Act, Say
from holdfast.engine.knowledge import Knowledge
from holdfast.engine.speaking import Manner

Step = Act | Say
FirstWords = Callable[[Step], tuple[Sequence[str], Manner]]


class Foresight:
    """Of one session. Without `ahead` nothing is guessed."""

    def __init__(self, ahead: Ahead | None, first_words: FirstWords) -> None:
        """`first_words` says how an answer by a step may begin, and how it would be said."""
        self._ahead = ahead
        self._first_words = first_words
        self._guess: Step | None = None

    def guess(self, foresee: Callable[[], Step | None]) -> None:
        """The turn has paused: `foresee` says what the answer would be, if there is time to ask."""
        self._guess = None
        if self._ahead is not None and self._ahead.may_guess():
            self._guess = foresee()
            if self._guess is not None:
                self.make_ready(self._guess)

    def make_ready(self, step: Step) -> None:
        """Have the beginning of the answer said, though nobody hears it yet."""
        if self._ahead is not None:
            texts, manner = self._first_words(step)
            for text in texts:
                self._ahead.make_ready(text, manner)

    def turned_out(self, step: Step) -> None:
        """This is what the answer was."""
        if self._ahead is not None:
            self._ahead.tally.right += step == self._guess
        self._guess = None


def first_words(step: Step, knowledge: Knowledge) -> Sequence[str]:
    """Our own sentence, or how the results of the tool may begin."""
    if isinstance(step, Say):
        return (step.text,)
    skill = knowledge.skill(step.tool)
    return () if skill is None else skill.openings
