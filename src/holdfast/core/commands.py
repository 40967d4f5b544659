"""Commands that were seen before: a repeated `eventId` has no effect and gets its first answer again.

What lives here: a bounded memory of answers by id (reliability reference, B4).
What never will: knowing what a command does.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from holdfast.core.notices import Accepted, SessionCreated

Answer = Accepted | SessionCreated
"""What a command is answered with, once it was accepted."""


@dataclass(slots=True)
class CommandMemory:
    remembered_max: int
    _answers: OrderedDict[str, Answer] = field(default_factory=OrderedDict)

    def __len__(self) -> int:
        return len(self._answers)

    def answer_to(self, event_id: str | None) -> Answer | None:
        """The first answer to this id, None when it is new or the command bore none."""
        return None if event_id is None else self._answers.get(event_id)

    def remember(self, event_id: str, answer: Answer) -> None:
        """Keep the answer; the oldest is forgotten."""
        self._answers[event_id] = answer
        while len(self._answers) > self.remembered_max:
            self._answers.popitem(last=False)
