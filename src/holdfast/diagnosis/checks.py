"""Checks as data: a question, what it stands on, its answer; and how they are asked one after the other.

What lives here: order, time-outs, skipping what stands on a failed check. What never will: a particular
question, the verdict (`report`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from holdfast.core.faults import Fault, fault
from holdfast.wire.browser import fault_object

CHECK_TIMEOUT_S: Final = 60.0


class Status(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a question found. `detail` is one short line; `remedy` may be more exact than the table's."""

    status: Status
    detail: str = ""
    fault: Fault | None = None
    remedy: str = ""
    provider_session: str = ""

    @property
    def is_trouble(self) -> bool:
        """Whether something is wrong."""
        return self.status is Status.FAILED

    @property
    def told(self) -> dict[str, Any] | None:
        """The fault as the contract tells it, with the exact remedy where there is one."""
        if self.fault is None:
            return None
        told = fault_object(self.fault)
        return {**told, "remedy": self.remedy or told["remedy"]}

    @classmethod
    def ok(cls, detail: str = "", *, provider_session: str = "") -> Answer:
        """All is well."""
        return cls(Status.OK, detail, provider_session=provider_session)

    @classmethod
    def warning(cls, detail: str, remedy: str = "", *, code: str = "") -> Answer:
        """Works, but somebody should know; `code` names a fault that is borne."""
        borne = fault(code, [detail]) if code else None
        return cls(Status.WARNING, detail, borne, remedy)

    @classmethod
    def failed(cls, code: str, *evidence: str, remedy: str = "", provider_session: str = "") -> Answer:
        """A fault of the table."""
        return cls.of(fault(code, evidence), remedy=remedy, provider_session=provider_session)

    @classmethod
    def of(cls, found: Fault, *, remedy: str = "", provider_session: str = "") -> Answer:
        """A fault that somebody else has named already."""
        return cls(Status.FAILED, "; ".join(found.evidence), found, remedy, provider_session)

    @classmethod
    def skipped(cls, detail: str) -> Answer:
        """Not asked."""
        return cls(Status.SKIPPED, detail)


Ask = Callable[[], Answer | Awaitable[Answer]]
"""How a question is put."""


@dataclass(frozen=True, slots=True)
class Question:
    """One check to make. It is skipped when one of `needs` did not end ok or with a warning."""

    id: str
    name: str
    ask: Ask
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """One check made."""

    id: str
    name: str
    answer: Answer
    ms: float

    def as_object(self) -> dict[str, Any]:
        """As the contract has it, with `detail` added, and what to do about a warning that is no fault."""
        found: dict[str, Any] = {"id": self.id, "name": self.name, "status": str(self.answer.status)}
        if self.answer.fault is not None:
            found["fault"] = self.answer.told
        elif self.answer.remedy:
            found["remedy"] = self.answer.remedy
        return {**found, "ms": round(self.ms, 1), "detail": self.answer.detail}


Told = Callable[[Check], None]
"""Who hears of each check as it ends."""


async def run(questions: Sequence[Question], told: Told = lambda _: None) -> list[Check]:
    """Ask one after the other."""
    checks: list[Check] = []
    fallen: set[str] = set()
    for question in questions:
        begun = time.perf_counter()
        missing = [need for need in question.needs if need in fallen]
        answer = Answer.skipped(f"stands on {missing[0]}") if missing else await _ask(question)
        if answer.status in {Status.FAILED, Status.SKIPPED}:
            fallen.add(question.id)
        check = Check(question.id, question.name, answer, (time.perf_counter() - begun) * 1000)
        checks.append(check)
        told(check)
    return checks


async def _ask(question: Question) -> Answer:
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S):
            answer = question.ask()
            return answer if isinstance(answer, Answer) else await answer
    except TimeoutError:
        return Answer.failed("gateway.internal", f"the check took longer than {CHECK_TIMEOUT_S:.0f} s")
    except Exception as error:  # noqa: BLE001 - a doctor that falls ill still names the illness
        return Answer.failed("gateway.internal", f"{type(error).__name__}: {error}")
