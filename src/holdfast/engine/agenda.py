"""What waits for an answer, and what is known of the turns before it, whoever answered those.

What lives here: the user's last words, results of tools, what a client tells of an earlier session's
answers, and the next step that follows. Pure.
What never will: meaning (`dialogue`), the dialect's events, audio.

A conversation that a client restores goes through the same door as a living one: a call that stands in it
was made, a result that stands in it is not fetched again, an answer that stands in it was heard that far.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field

from holdfast.engine.carrying_on import BRIDGE, rest_of
from holdfast.engine.dialogue import Act, Dialogue, Say


@dataclass(slots=True)
class _Exchange:
    """The user's words and what came of them."""

    said: str = ""
    results: list[str] = field(default_factory=list)
    replied: str | None = None
    """What a client says was answered and heard. None: answered here, or not yet."""


@dataclass(frozen=True, slots=True)
class Errand:
    """What stood here when somebody else began to answer it."""

    exchange: _Exchange
    results: int


class Agenda:
    """One session's."""

    def __init__(self) -> None:
        self._before = _Exchange()
        self._now = _Exchange()
        self._is_due = False
        self._unsaid: list[str] = []
        self._cut: str | None = None
        self._interrupted: str | None = None
        self.is_waiting = False
        """Whether words that were spoken here wait for their answer."""

    def asked(self, text: str, *, is_live: bool) -> None:
        """The user said `text`; `is_live`: just now, into this session."""
        self._before, self._now = self._now, _Exchange(text)
        self._is_due = True
        self.is_waiting = is_live
        self._cut = self._interrupted = None

    def called(self) -> None:
        """A call stands in the conversation: the user's words led to it and do not wait any more."""
        self._is_due = self.is_waiting = False

    def returned(self, output: str) -> None:
        """A tool gave this."""
        self._now.results.append(output)
        self._unsaid.append(output)

    def given_away(self) -> Errand:
        """Somebody else begins to answer all that stands here: no words wait for their turn any more. Until
        it is `settled` it stays due, should nothing come of that.
        """
        self.is_waiting = False
        return Errand(self._now, len(self._unsaid))

    def settled(self, errand: Errand) -> None:
        """Somebody else has answered that. What came meanwhile was no part of it, and stands."""
        del self._unsaid[: errand.results]
        if self._now is errand.exchange:
            self._is_due = False
            self._cut = self._interrupted = None

    def replied(self, text: str) -> None:
        """A client tells an answer of before: all of it, or as far as it was heard."""
        self._is_due = self.is_waiting = False
        self._unsaid.clear()
        self._now.replied = self._cut = " ".join(filter(None, (self._now.replied, text)))

    def next_step(
        self, dialogue: Dialogue, *, verbatim: str | None = None, heard: str | None = None
    ) -> Act | Say:
        """What to do when asked for an answer. `verbatim`: say this; `heard`: of the answer that is due,
        this much was heard before.
        """
        if verbatim and heard is None:
            return Say(verbatim)
        heard = self._heard(heard)
        step = Say(verbatim) if verbatim else self._answer(dialogue, is_cut=heard is not None)
        if heard is None:
            return step
        if isinstance(step, Act):
            self._interrupted = heard
            return step
        return Say(rest_of(step.text, heard, bridge=BRIDGE if step.is_answer else ""))

    def foreseen(self, dialogue: Dialogue, text: str) -> Act | Say | None:
        """What the next step would be if the user's turn ended now, with `text`. Asking changes nothing.
        None where it would tell a tool's result, which is nobody's to keep.
        """
        if self._unsaid:
            return None
        twin = copy(self)  # its steps replace what it holds, and alter none of it
        twin.asked(text, is_live=True)
        return twin.next_step(dialogue.twin())

    def _heard(self, told: str | None) -> str | None:
        """How much of the answer was heard, from the best witness; None when it is to be given whole."""
        cut, self._cut = self._cut, None
        interrupted, self._interrupted = self._interrupted, None
        if told is not None:
            # A value of the request is short; the conversation may have the same words from their beginning.
            return cut if cut is not None and " ".join(told.split()) in " ".join(cut.split()) else told
        if self._unsaid:
            return interrupted
        return None if self._is_due else cut

    def _answer(self, dialogue: Dialogue, *, is_cut: bool) -> Act | Say:
        if self._unsaid:
            results, self._unsaid = self._unsaid, []
            return Say(_sentences(results))
        if self._is_due:
            self._is_due = self.is_waiting = False
            return self._decide(dialogue)
        if not is_cut:
            return Say(dialogue.opening())
        if self._now.results:
            return Say(_sentences(self._now.results))
        return self._decide(dialogue) if self._now.said else Say(dialogue.invitation())

    def _decide(self, dialogue: Dialogue) -> Act | Say:
        if self._before.replied is not None:
            dialogue.recall(self._before.said, self._before.replied)
        return dialogue.decide(self._now.said)


def _sentences(outputs: list[str]) -> str:
    return " ".join(map(_sentence, outputs))


def _sentence(output: str) -> str:
    """What a tool wants said. A tool without words gets no words invented for it."""
    try:
        told = json.loads(output)
    except ValueError:
        told = output
    except RecursionError:  # nobody speaks a thousand brackets
        told = None
    said = [told.get(key) for key in ("say", "message", "error")] if isinstance(told, Mapping) else [told]
    words = next((one for one in said if isinstance(one, str) and one.strip()), None)
    return words or "That is done, but I was given no words for the result."
