"""What a modelled upstream knows of a conversation, and what it would answer.

What lives here: items in the order they came, which turns no answer covers yet, the words of an answer.
What never will: time, events, faults (`upstream`).

Words carry their meaning: `u3` begins what the user said in turn 3, `a3` an answer to it; who is told the
conversation again by text knows as much as who heard it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

from tests.simulation.script import Turn

_USER = re.compile(r"\bu(\d+)\b")
_ANSWER = re.compile(r"\ba(\d+)\b")


def turns_in(text: str) -> list[int]:
    """The turns that a user's words are."""
    return [int(found) for found in _USER.findall(text)]


def answers_in(text: str) -> list[int]:
    """The turns that an assistant's words answer."""
    return [int(found) for found in _ANSWER.findall(text)]


def words_of_user(marks: list[int]) -> str:
    """What the user said in these turns."""
    return " ".join([*(f"u{mark}" for mark in marks), "said", "the", "user"])


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call that the model wants to make."""

    name: str
    arguments: str
    mark: int


def calls_of(turn: Turn) -> list[Call]:
    """What the turn needs."""
    if turn.tool is None:
        return []
    names = ["read", "write"] if turn.tool == "twice" else [turn.tool]
    return [Call(name, json.dumps({"turn": turn.mark}), turn.mark) for name in names]


@dataclass(slots=True)
class Answer:
    """A response."""

    id: str
    item_id: str
    covers: list[int]
    number: int
    """Marks its samples."""
    words: list[str] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    said: int = 0
    """Words so far."""
    samples: int = 0
    is_begun: bool = False
    is_called: bool = False
    is_done: bool = False
    """Whether nothing more will come of it."""


@dataclass(slots=True)
class Known:
    """One upstream's knowledge."""

    turns: dict[int, Turn]
    """What the caller's turns need, by mark: the model understands what it is told."""
    items: dict[str, str] = field(default_factory=dict)
    """Ids and who they are of."""
    open_marks: list[int] = field(default_factory=list)
    """Of the user's items, in order, that no answer covers."""
    made: dict[str, Call] = field(default_factory=dict)
    """Calls by id."""
    results: dict[str, str] = field(default_factory=dict)
    collisions: int = 0
    """Requests of the gateway's that met a response in the making: it may ask again, to be sure."""
    silences: int = 0
    """Items of the user's in which nothing was said, and that no response has followed yet."""
    fresh_results: int = 0
    """Results that no response has followed yet."""

    def user(self, item_id: str, marks: list[int]) -> None:
        """An item of the user's."""
        self.items[item_id] = "user"
        self.silences += not marks
        self.open_marks += [mark for mark in marks if mark not in self.open_marks]

    def assistant(self, item_id: str, text: str) -> None:
        """What an assistant said before, to another upstream's knowledge."""
        self.items[item_id] = "assistant"
        self.cover(answers_in(text))

    def cover(self, marks: list[int]) -> None:
        """These are answered."""
        self.open_marks = [mark for mark in self.open_marks if mark not in marks]

    def uncover(self, marks: list[int]) -> None:
        """Their answer came to nothing."""
        self.open_marks = [*(mark for mark in marks if mark not in self.open_marks), *self.open_marks]

    def call(self, call_id: str, name: str, arguments: str) -> None:
        """A call that this or another upstream made."""
        try:
            mark = int(json.loads(arguments).get("turn", 0))
        except (ValueError, AttributeError):
            mark = 0
        self.made[call_id] = Call(name, arguments, mark)

    def result(self, call_id: str, output: str) -> None:
        """A call's result."""
        self.results[call_id] = output
        self.fresh_results += 1

    def missing(self, mark: int) -> list[Call]:
        """Calls that an answer to this turn still needs, and that nobody has made."""
        made = {(call.name, call.mark) for call in self.made.values()}
        turn = self.turns.get(mark)
        return [] if turn is None else [one for one in calls_of(turn) if (one.name, one.mark) not in made]

    def waits(self, mark: int) -> bool:
        """Whether a call of this turn has no result yet."""
        return any(call.mark == mark and call_id not in self.results for call_id, call in self.made.items())

    def answerable(self) -> list[int]:
        """What a response that begins now is about."""
        return [mark for mark in self.open_marks if not self.waits(mark)]

    def words(self, marks: list[int]) -> list[str]:
        """The words of an answer."""
        count = max([3, *(self.turns[mark].words for mark in marks if mark in self.turns)])
        return [*(f"a{mark}" for mark in marks), *(f"w{number}" for number in range(count))]
