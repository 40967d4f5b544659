"""What to do about an utterance: act, ask back, or say plainly what one is.

What lives here: thresholds, the open question of the last turn (`questions`), the sentences that are the
engine's own. Pure. What never will: a fact about a customer; those come from a tool's output alone.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import Final

from holdfast.engine.everyday import AFFIRMATIVE, GREETINGS, NEGATIVE
from holdfast.engine.knowledge import Knowledge, Skill
from holdfast.engine.questions import (
    Question,
    another_s_question,
    asked_in,
    heard_value,
    listed,
    named_in,
    own_questions,
    question_of,
)
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
    is_answer: bool = True
    """Whether it is about what was asked; a refusal is not, and continues nothing."""


class _Understood:
    """The last words and what they mean: they are often asked about again, when a turn that paused is over.
    Twins share it, for the same words mean the same.
    """

    def __init__(self) -> None:
        self._words: tuple[Knowledge, str] | None = None
        self._meaning = Meaning(None, 0.0)

    def meaning(self, knowledge: Knowledge, text: str) -> Meaning:
        if self._words != (knowledge, text):
            self._words, self._meaning = (knowledge, text), knowledge.index.meaning(text)
        return self._meaning


class Dialogue:
    """One session's small memory: the question that is open, if any."""

    def __init__(self, knowledge: Knowledge) -> None:
        self.knowledge = knowledge
        self._open: Question | None = None
        self._understood = _Understood()

    def twin(self) -> Dialogue:
        """Another that stands where this one does: what it decides is not remembered here."""
        return copy(self)

    def learn(self, knowledge: Knowledge) -> None:
        """Take over other tools. A question stays open if it is about one that is still there."""
        self.knowledge = knowledge
        if self._open is not None:
            skill = knowledge.skill(self._open.skill.name)
            self._open = None if skill is None else question_of(skill, for_slot=self._open.for_slot)

    def recall(self, said: str, replied: str) -> None:
        """Take up where an earlier session stopped: the user said `said`, the answer was `replied`. When
        that was a question, it is open again.
        """
        self._open = self._question_in(said, replied)

    def decide(self, text: str) -> Act | Say:
        """What to do about what the user said."""
        words = " ".join(expanded(tokens(text)))
        if not words:
            return Say("Sorry, I did not hear that. Could you say it again?")
        question, self._open = self._open, None
        answer = None if question is None else self._answer(question, text, words)
        if answer is not None:
            return answer
        meaning = self._understood.meaning(self.knowledge, text)
        skill = self.knowledge.skill(meaning.intent)
        if skill is not None and meaning.score >= GUESSED:
            return self._act(skill, text) if is_clear(meaning) else self._ask(skill, for_slot=False)
        if words in GREETINGS:
            return Say("Hello. How can I help you?")
        if words in AFFIRMATIVE | NEGATIVE:
            return Say(f"All right. {self._offer()}")
        return Say(self._refusal(), is_answer=False)

    def opening(self) -> str:
        """What to say when asked to speak without anything to answer."""
        return f"Hello. I am a limited local assistant. {self._offer()}"

    def invitation(self) -> str:
        """What to say when a greeting was cut off and nobody knows which."""
        return "How can I help you?"

    def nudge(self) -> str:
        """What to say to somebody who has been silent for long."""
        return f"Are you still there? {self._offer()}"

    def _act(self, skill: Skill, text: str) -> Act | Say:
        if skill.slot is None:
            return Act(skill.name, {})
        value = heard_value(skill.slot, text)
        if value is not None:
            return Act(skill.name, {skill.slot.name: value})
        if not skill.slot.required:
            return Act(skill.name, {})
        return self._ask(skill, for_slot=True)

    def _ask(self, skill: Skill, *, for_slot: bool) -> Say:
        self._open = question_of(skill, for_slot=for_slot)
        return Say(self._open.text)

    def _answer(self, question: Question, text: str, words: str) -> Act | Say | None:
        """The turn as the answer to our question; None when it is something else."""
        if words in NEGATIVE:
            return Say(f"All right. {self._offer()}")
        if question.for_slot:
            slot = question.skill.slot
            value = None if slot is None else heard_value(slot, text) or question.picked(text)
            return None if slot is None or value is None else Act(question.skill.name, {slot.name: value})
        return self._act(question.skill, text) if words in AFFIRMATIVE else None

    def _question_in(self, said: str, replied: str) -> Question | None:
        meaning = self.knowledge.index.meaning(said)
        meant = self.knowledge.skill(meaning.intent) if meaning.score >= GUESSED else None
        own = own_questions(self.knowledge.skills, replied)
        if own:
            return next((one for one in own if one.skill is meant), own[0] if len(own) == 1 else None)
        asked = asked_in(replied)
        if not asked:
            return None
        if meant is not None and meant.slot is not None and heard_value(meant.slot, said) is None:
            return another_s_question(meant, replied)
        meaning = self.knowledge.index.meaning(asked)
        meant = named_in(self.knowledge.skills, asked) or (
            self.knowledge.skill(meaning.intent) if is_clear(meaning) else None
        )
        return None if meant is None else question_of(meant, for_slot=False)

    def _refusal(self) -> str:
        return f"Sorry, I am a limited local assistant and did not understand that. {self._offer()}"

    def _offer(self) -> str:
        titles = [skill.title for skill in self.knowledge.skills][:_EXAMPLES]
        if not titles:
            return "No tools were given to me, so there is nothing that I can look up for you."
        return f"I can help you with {listed(titles, 'or')}."


def is_clear(meaning: Meaning) -> bool:
    """Whether one may act on it."""
    return (
        meaning.score >= UNDERSTOOD
        and meaning.margin >= MARGIN
        and meaning.unknown <= UNKNOWN
        and meaning.unfamiliar <= UNFAMILIAR
    )
