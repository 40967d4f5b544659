"""Checks as data: a question, what it stands on, its answer; and the verdict over all answers.

What lives here: order, time-outs, skipping what stands on a failed check, the shape of the report (contract,
`holdfast doctor --json`). What never will: a particular question.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
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
    def warning(cls, detail: str, remedy: str = "") -> Answer:
        """Works, but somebody should know."""
        return cls(Status.WARNING, detail, remedy=remedy)

    @classmethod
    def failed(cls, code: str, *evidence: str, remedy: str = "", provider_session: str = "") -> Answer:
        """A fault of the table."""
        return cls(Status.FAILED, "; ".join(evidence), fault(code, evidence), remedy, provider_session)

    @classmethod
    def skipped(cls, detail: str) -> Answer:
        """Not asked."""
        return cls(Status.SKIPPED, detail)


@dataclass(frozen=True, slots=True)
class Question:
    """One check to make. It is skipped when one of `needs` did not end ok or with a warning."""

    id: str
    name: str
    ask: Callable[[], Answer | Awaitable[Answer]]
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """One check made."""

    id: str
    name: str
    answer: Answer
    ms: float

    def as_object(self) -> dict[str, Any]:
        """As the contract has it, with `detail` added."""
        found: dict[str, Any] = {"id": self.id, "name": self.name, "status": str(self.answer.status)}
        if self.answer.fault is not None:
            found["fault"] = self.answer.told
        return {**found, "ms": round(self.ms, 1), "detail": self.answer.detail}


@dataclass(frozen=True, slots=True)
class Report:
    """All checks and what follows from them."""

    checks: Sequence[Check] = field(default_factory=tuple)

    @property
    def verdict(self) -> Answer | None:
        """The failure that explains the others; None when healthy."""
        return judge(self.checks)

    @property
    def healthy(self) -> bool:
        """Whether nothing failed. Warnings do not count."""
        return self.verdict is None

    def as_object(self) -> dict[str, Any]:
        """The contract's JSON."""
        worst = self.verdict
        sessions = (check.answer.provider_session for check in self.checks)
        return {
            "verdict": {"healthy": self.healthy, "fault": worst.told if worst else None},
            "checks": [check.as_object() for check in self.checks],
            "providerSessions": list(dict.fromkeys(filter(None, sessions))),
        }


def judge(checks: Sequence[Check]) -> Answer | None:
    """The first failure: layers are asked from the bottom up, so the first is the cause of the rest."""
    return next((check.answer for check in checks if check.answer.status is Status.FAILED), None)


async def run(questions: Sequence[Question], told: Callable[[Check], None] = lambda _: None) -> Report:
    """Ask one after the other. `told` hears of each as it ends."""
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
    return Report(tuple(checks))


async def _ask(question: Question) -> Answer:
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S):
            answer = question.ask()
            return answer if isinstance(answer, Answer) else await answer
    except TimeoutError:
        return Answer.failed("gateway.internal", f"the check took longer than {CHECK_TIMEOUT_S:.0f} s")
    except Exception as error:  # noqa: BLE001 - a doctor that falls ill still names the illness
        return Answer.failed("gateway.internal", f"{type(error).__name__}: {error}")
