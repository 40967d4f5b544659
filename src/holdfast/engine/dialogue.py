"""What to do about an utterance: act, ask back, or say plainly what one is.

What lives here: thresholds, the open question of the last turn, the sentences that are the engine's own.
Pure. What never will: a fact about a customer; those come from a tool's output alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from holdfast.engine.everyday import AFFIRMATIVE, GREETINGS, NEGATIVE
from holdfast.engine.knowledge import Knowledge, Skill, Slot
from holdfast.engine.stages import Meaning
from holdfast.engine.words import expanded, tokens

UNDERSTOOD: Final = 0.4
"""From this score on (and with this margin) a tool is called."""
GUESSED: Final = 0.25
"""From this score on the engine asks back; below it says that it did not understand."""
MARGIN: Final = 0.1
UNKNOWN: Final = 0.35
"""With more than this share of unknown words the engine asks back, however alike the rest is: "how far is
the moon" is no question about an application.
"""
UNFAMILIAR: Final = 0.6
"""With more than this share of strange word pairs it asks back: the right words in no order of speech are
what a recogniser makes of something else.
"""
_ALIKE: Final = 0.8
"""How alike a heard term must be to the spoken form of a value."""
_EXAMPLES: Final = 3


@dataclass(frozen=True, slots=True)
class Act:
    """Call a tool."""

    tool: str
    arguments: dict[str, str]


@dataclass(frozen=True, slots=True)
class Say:
    """Say a sentence of the engine's own."""

    text: str


@dataclass(frozen=True, slots=True)
class _Question:
    """What we asked back: the tool that a "yes" would call, or the slot that we lack."""

    skill: Skill
    for_slot: bool


class Dialogue:
    """One session's small memory: the question that is open, if any."""

    def __init__(self, knowledge: Knowledge) -> None:
        self.knowledge = knowledge
        self._open: _Question | None = None

    def decide(self, text: str) -> Act | Say:
        """What to do about what the user said."""
        question, self._open = self._open, None
        answer = None if question is None else self._answer(question, text)
        if answer is not None:
            return answer
        words = " ".join(expanded(tokens(text)))
        if not words:
            return Say("Sorry, I did not hear that. Could you say it again?")
        meaning = self.knowledge.index.meaning(text)
        skill = self.knowledge.skill(meaning.intent)
        if skill is not None and meaning.score >= GUESSED:
            return self._act(skill, text) if _is_clear(meaning) else self._ask(skill)
        if words in GREETINGS:
            return Say("Hello. How can I help you?")
        if words in AFFIRMATIVE | NEGATIVE:
            return Say(f"All right. {self._offer()}")
        return Say(self._refusal())

    def opening(self) -> str:
        """What to say when asked to speak without anything to answer."""
        return f"Hello. I am a limited local assistant. {self._offer()}"

    def _act(self, skill: Skill, text: str) -> Act | Say:
        if skill.slot is None:
            return Act(skill.name, {})
        value = heard_value(skill.slot, text)
        if value is not None:
            return Act(skill.name, {skill.slot.name: value})
        if not skill.slot.required:
            return Act(skill.name, {})
        self._open = _Question(skill, for_slot=True)
        values = [forms[0] for forms in skill.slot.values.values()][:_EXAMPLES]
        return Say(
            f"Which {skill.slot.name.replace('_', ' ')} do you mean? For example {_listed(values, 'or')}."
        )

    def _ask(self, skill: Skill) -> Say:
        self._open = _Question(skill, for_slot=False)
        return Say(f"Do you mean {skill.title}?")

    def _answer(self, question: _Question, text: str) -> Act | Say | None:
        """The turn as the answer to our question; None when it is something else."""
        words = " ".join(expanded(tokens(text)))
        if words in NEGATIVE:
            return Say(f"All right. {self._offer()}")
        if question.for_slot:
            slot = question.skill.slot
            value = None if slot is None else heard_value(slot, text)
            return None if slot is None or value is None else Act(question.skill.name, {slot.name: value})
        return self._act(question.skill, text) if words in AFFIRMATIVE else None

    def _refusal(self) -> str:
        return f"Sorry, I am a limited local assistant and did not understand that. {self._offer()}"

    def _offer(self) -> str:
        titles = [skill.title for skill in self.knowledge.skills][:_EXAMPLES]
        if not titles:
            return "No tools were given to me, so there is nothing that I can look up for you."
        return f"I can help you with {_listed(titles, 'or')}."


def heard_value(slot: Slot, text: str) -> str | None:
    """The value of a closed list that was spoken, or None.

    Compared as runs of words, so that the recogniser may have split or bent one; initials of several
    words count too ("annual percentage rate" for "apr").
    """
    words = expanded(tokens(text))
    best: tuple[float, str] | None = None
    for value, forms in slot.values.items():
        for form in forms:
            likeness = _likeness(expanded(tokens(form)), words)
            if likeness >= _ALIKE and (best is None or (likeness, len(value)) > (best[0], len(best[1]))):
                best = (likeness, value)
    return None if best is None else best[1]


def _likeness(form: Sequence[str], words: Sequence[str]) -> float:
    if not form:
        return 0.0
    target = "".join(form)
    best = 0.0
    for size in range(max(1, len(form) - 1), len(form) + 2):
        for at in range(len(words) - size + 1):
            run = words[at : at + size]
            best = max(best, SequenceMatcher(None, target, "".join(run), autojunk=False).ratio())
    return best


def _is_clear(meaning: Meaning) -> bool:
    return (
        meaning.score >= UNDERSTOOD
        and meaning.margin >= MARGIN
        and meaning.unknown <= UNKNOWN
        and meaning.unfamiliar <= UNFAMILIAR
    )


def _listed(names: Sequence[str], last: str) -> str:
    if len(names) < 2:
        return "".join(names)
    return re.sub(r"\s+", " ", f"{', '.join(names[:-1])} {last} {names[-1]}")
