"""Questions that the engine asks back, and those that somebody else asked in an earlier session.

What lives here: their words, the answers that fit (a value of a list, its place in the list), and knowing
one again by its words. Pure. What never will: whether to ask (`dialogue`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from holdfast.engine.knowledge import Skill, Slot
from holdfast.engine.words import expanded, tokens

_ALIKE: Final = 0.8
"""How alike a heard term must be to the spoken form of a value."""
_EXAMPLES: Final = 3
_SHORTEST_ECHO: Final = 3
"""So many words of a question that was cut tell which one it was."""
_AROUND_A_PLACE: Final = frozenset(
    "the one won want that this it i mean would like take please no yes uh um number option".split()  # noqa: SIM905 - reads as it is said
)
"""Words that may stand around "second" ("won" is what a recogniser makes of "one"); with others than these,
and the list's own name, somebody speaks of something else.
"""
_ORDINALS: Final = {
    "first": 0,
    "second": 1,
    "third": 2,
    "fourth": 3,
    "fifth": 4,
    "last": -1,
    "former": 0,
    "latter": -1,
}
_CARDINALS: Final = {"one": 0, "two": 1, "three": 2, "four": 3, "five": 4}
_SENTENCE: Final = re.compile(r"[^.!?]+[.!?]*")


@dataclass(frozen=True, slots=True)
class Question:
    """About a tool: whether it is meant, or (`for_slot`) with which value of its list."""

    skill: Skill
    for_slot: bool
    offered: tuple[str, ...] = ()
    """Values in the order in which they were named."""

    @property
    def text(self) -> str:
        """As the engine asks it."""
        slot = self.skill.slot
        if not self.for_slot or slot is None:
            return f"Do you mean {self.skill.title}?"
        named = listed([slot.values[value][0] for value in self.offered], "or")
        return f"Which {slot.name.replace('_', ' ')} do you mean? For example {named}."

    def picked(self, text: str) -> str | None:
        """The value that was chosen by its place: "the second one", "number two", "the last"."""
        words = expanded(tokens(text))
        places = {_ORDINALS[word] for word in words if word in _ORDINALS}
        if not places and (len(words) == 1 or {"number", "option"} & set(words)):
            places = {_CARDINALS[word] for word in words if word in _CARDINALS}
        others = set(words) - _ORDINALS.keys() - _CARDINALS.keys() - _AROUND_A_PLACE
        if self.skill.slot is not None:
            others -= set(tokens(self.skill.slot.name.replace("_", " ")))
        if len(places) != 1 or others:
            return None
        (place,) = places
        return self.offered[place] if self.offered and place < len(self.offered) else None


def question_of(skill: Skill, *, for_slot: bool) -> Question:
    """The question as the engine itself asks it."""
    values = () if skill.slot is None or not for_slot else tuple(skill.slot.values)[:_EXAMPLES]
    return Question(skill, for_slot, values)


def own_questions(skills: Iterable[Skill], replied: str) -> list[Question]:
    """Those of the engine's questions that `replied` ends with, or is the beginning of."""
    words = tokens(replied)
    found = []
    for skill in skills:
        for for_slot in (False, True) if skill.slot is not None else (False,):
            question = question_of(skill, for_slot=for_slot)
            mine = tokens(question.text)
            is_beginning = len(words) >= _SHORTEST_ECHO and mine[: len(words)] == words
            if words[-len(mine) :] == mine or is_beginning:
                found.append(question)
    return found


def another_s_question(skill: Skill, replied: str) -> Question | None:
    """A question in words that are not ours, about the value that the skill needs; None when it has no list.
    The values count in the order in which they were named, else in their own.
    """
    slot = skill.slot
    if slot is None:
        return None
    words = " ".join(tokens(replied))
    places: dict[str, int] = {}
    for value, forms in slot.values.items():
        found = [words.find(" ".join(tokens(form))) for form in forms]
        if any(at >= 0 for at in found):
            places[value] = min(at for at in found if at >= 0)
    named = tuple(sorted(places, key=lambda value: places[value]))
    return Question(skill, for_slot=True, offered=named or tuple(slot.values)[:_EXAMPLES])


def named_in(skills: Iterable[Skill], question: str) -> Skill | None:
    """The one skill whose title the question names."""
    words = f" {' '.join(tokens(question))} "
    named = [skill for skill in skills if f" {' '.join(tokens(skill.title))} " in words]
    return named[0] if len(named) == 1 else None


def asked_in(replied: str) -> str:
    """The question an answer ends with, or ended with before a last remark; empty when there is none."""
    sentences = _SENTENCE.findall(replied)[-2:]
    return next((one.strip() for one in reversed(sentences) if one.endswith("?")), "")


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


def listed(names: Sequence[str], last: str) -> str:
    """Names as one says them: "a, b or c"."""
    if len(names) < 2:
        return "".join(names)
    return re.sub(r"\s+", " ", f"{', '.join(names[:-1])} {last} {names[-1]}")
