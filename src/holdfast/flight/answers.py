"""What a session was answered from outside its own state: by the upstreams' common machine, and by measuring.

What lives here: hearing the answers while a session runs, and giving them again in a replay.
What never will: an answer of its own.

`Endpoints` is shared by all sessions of a process: what it knows of the others is in its answers and nowhere
else, so the answers are what a recording keeps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from holdfast.core.endpoints import Endpoints
from holdfast.core.faults import Fault
from holdfast.core.recovery import DialNow, NoHope, Recovery, WaitFor
from holdfast.flight.forms import Form, Former

MEASURED: Final = "measured"
Answer = tuple[str, Any]
"""What was asked, and what was answered: numbers and what can't be altered."""


class HeardEndpoints(Endpoints):
    """The real machine for one session, which hears what it answers. `answers` is emptied by each step."""

    __slots__ = ("_measure", "_real", "answers")

    def __init__(self, real: Endpoints, measure: Callable[[bytes], int] | None = None) -> None:
        self._real = real
        self._measure = measure
        self.answers: tuple[Answer, ...] = ()

    def decide(self, recovery: Recovery, now: float, chance: float) -> DialNow | WaitFor | NoHope:
        """See `Endpoints`; so for all that follow."""
        answer = self._real.decide(recovery, now, chance)
        self.answers += (("decide", answer),)
        return answer

    def better_than(self, endpoint: int, now: float) -> int | None:
        answer = self._real.better_than(endpoint, now)
        self.answers += (("better_than", answer),)
        return answer

    def patience_left(self, recovery: Recovery, now: float) -> float:
        answer = self._real.patience_left(recovery, now)
        self.answers += (("patience_left", answer),)
        return answer

    def went_live(self, endpoint: int, recovery: Recovery, now: float) -> None:
        self._real.went_live(endpoint, recovery, now)
        self.answers += (("went_live", endpoint),)

    def dial_failed(self, endpoint: int, recovery: Recovery, cause: Fault, now: float, chance: float) -> None:
        self._real.dial_failed(endpoint, recovery, cause, now, chance)
        self.answers += (("dial_failed", endpoint),)

    def lost_live(self, endpoint: int, recovery: Recovery, cause: Fault, now: float, chance: float) -> None:
        self._real.lost_live(endpoint, recovery, cause, now, chance)
        self.answers += (("lost_live", endpoint),)

    def left(self, endpoint: int) -> None:
        self._real.left(endpoint)
        self.answers += (("left", endpoint),)

    def dropped(self, recovery: Recovery) -> None:
        self._real.dropped(recovery)
        self.answers += (("dropped", None),)

    def measure(self, raw: bytes) -> int:
        """Bytes of audio in an audio message, for a relayed conversation."""
        assert self._measure is not None, "only relayed messages are measured"
        answer = self._measure(raw)
        self.answers += ((MEASURED, (len(raw), answer)),)
        return answer


def told_answers(answers: Iterable[Answer], former: Former) -> list[Form]:
    """The answers' forms."""
    return [
        [question, answer if question == MEASURED else former.form(answer)] for question, answer in answers
    ]


class OtherwiseError(Exception):
    """The core asks what it did not ask when this was recorded."""


class RecordedEndpoints(Endpoints):
    """Answers as recorded, and only what was asked. What is asked with the question decides nothing here."""

    # ruff: disable[ARG002] - the questions are those of `Endpoints`

    __slots__ = ("_answers", "_lengths")

    def __init__(self) -> None:
        self._answers: list[tuple[str, Any]] = []
        self._lengths: dict[int, int] = {}

    def hear(self, answers: Iterable[tuple[str, Any]]) -> None:
        """What was answered in the step that comes."""
        self._answers = []
        for question, answer in answers:
            if question == MEASURED:
                self._lengths[answer[0]] = answer[1]
            else:
                self._answers.append((question, answer))

    @property
    def left_over(self) -> list[str]:
        """What was asked when this was recorded, and not asked now."""
        return [question for question, _ in self._answers]

    def _answer(self, question: str) -> Any:
        if not self._answers:
            raise OtherwiseError(f"the core asks the upstreams' machine for {question}, as it did not then")
        asked, answer = self._answers.pop(0)
        if asked != question:
            raise OtherwiseError(f"the core asks the upstreams' machine for {question}, then it was {asked}")
        return answer

    def decide(self, recovery: Recovery, now: float, chance: float) -> DialNow | WaitFor | NoHope:
        """See `Endpoints`; so for all that follow."""
        answer: DialNow | WaitFor | NoHope = self._answer("decide")
        return answer

    def better_than(self, endpoint: int, now: float) -> int | None:
        answer: int | None = self._answer("better_than")
        return answer

    def patience_left(self, recovery: Recovery, now: float) -> float:
        answer: float = self._answer("patience_left")
        return answer

    def went_live(self, endpoint: int, recovery: Recovery, now: float) -> None:
        self._answer("went_live")

    def dial_failed(self, endpoint: int, recovery: Recovery, cause: Fault, now: float, chance: float) -> None:
        self._answer("dial_failed")
        recovery.cause = cause  # all that a session looks at

    def lost_live(self, endpoint: int, recovery: Recovery, cause: Fault, now: float, chance: float) -> None:
        self._answer("lost_live")
        recovery.cause = cause
        if recovery.no_worse_than is not None:
            recovery.no_worse_than, recovery.was_live = None, True

    def left(self, endpoint: int) -> None:
        self._answer("left")

    def dropped(self, recovery: Recovery) -> None:
        self._answer("dropped")

    # ruff: enable[ARG002]

    def measure(self, raw: bytes) -> int:
        """As it was measured then."""
        found = self._lengths.get(len(raw))
        if found is None:
            raise OtherwiseError(f"the core measures a message of {len(raw)} bytes, as it did not then")
        return found
