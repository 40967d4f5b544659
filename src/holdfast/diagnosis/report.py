"""All checks and what follows from them: the verdict, what helps, what to paste to support.

What lives here: the shape of the report (contract, `holdfast doctor --json`). What never will: asking.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from holdfast.core.faults import Party
from holdfast.diagnosis.checks import Answer, Check, Status
from holdfast.diagnosis.support import Trace


@dataclass(frozen=True, slots=True)
class Workaround:
    """Something that was tried after a failure. `setting` is how to have it always."""

    id: str
    name: str
    helps: bool
    detail: str
    setting: str = ""

    def as_object(self) -> dict[str, Any]:
        """For machines."""
        return {name: getattr(self, name) for name in self.__slots__ if getattr(self, name) != ""}


@dataclass(frozen=True, slots=True)
class Report:
    """What a visit found."""

    checks: Sequence[Check] = ()
    workarounds: Sequence[Workaround] = ()
    traces: Sequence[Trace] = ()
    status_page: str = ""
    """Of the service that was visited; empty where none is known."""
    explanation: dict[str, Any] = field(default_factory=dict)
    """Of a past session, as whoever kept it explains it."""

    @property
    def verdict(self) -> Answer | None:
        """The failure that explains the others; None when healthy."""
        return judge(self.checks)

    @property
    def healthy(self) -> bool:
        """Whether nothing failed. Warnings do not count."""
        return self.verdict is None

    @property
    def provider_sessions(self) -> list[str]:
        """The providers' own ids, in the order in which they were met."""
        told = [check.answer.provider_session for check in self.checks]
        told += [one for trace in self.traces for one in trace.sessions]
        return list(dict.fromkeys(filter(None, told)))

    @property
    def support(self) -> str:
        """What to paste; empty where nothing is at a provider's door."""
        worst = self.verdict
        if worst is None or worst.fault is None or worst.told is None:
            return ""
        if self.explanation:
            return str(self.explanation.get("support", {}).get("text", ""))
        party = worst.fault.row.party
        if party not in {Party.PROVIDER, Party.CONFIGURATION}:
            return ""
        # Time and model are worth something to a provider, even where it gave nothing to look up.
        known = [one for one in self.traces if party is Party.PROVIDER or not one.is_empty]
        blocks = [trace.block(worst.told) for trace in known]
        return "\n\n".join([*blocks, self._course]) if blocks else ""

    @property
    def _course(self) -> str:
        """What worked and what did not, in the order in which it was asked."""
        steps = [check for check in self.checks if check.id.startswith("upstream.")]
        worked = [check.name for check in steps if check.answer.status is Status.OK]
        failed = [check.name for check in steps if check.answer.is_trouble]
        return f"Worked: {', '.join(worked) or 'nothing'}\nFailed: {', '.join(failed) or 'nothing'}"

    @property
    def next_step(self) -> str:
        """One sentence: what helped, where something did; else the remedy."""
        worst = self.verdict
        if worst is None or worst.told is None:
            return ""
        helping = next((one for one in self.workarounds if one.helps), None)
        remedy = str(worst.told["remedy"])
        if helping is None:
            return remedy
        how = f" ({helping.setting})" if helping.setting else ""
        return f"What helped here: {helping.name}{how}. {remedy}"

    @property
    def warnings(self) -> list[Check]:
        """What is borne, and what somebody should know."""
        return [check for check in self.checks if check.answer.status is Status.WARNING]

    def as_object(self) -> dict[str, Any]:
        """The contract's JSON."""
        worst = self.verdict
        verdict: dict[str, Any] = {"healthy": self.healthy, "fault": worst.told if worst else None}
        more: dict[str, Any] = {
            "next": self.next_step,
            "support": self.support,
            "statusPage": "" if self.healthy else self.status_page,
        }
        found: dict[str, Any] = {
            "verdict": verdict | {name: value for name, value in more.items() if value},
            "checks": [check.as_object() for check in self.checks],
            "providerSessions": self.provider_sessions,
        }
        if self.workarounds:
            found["workarounds"] = [one.as_object() for one in self.workarounds]
        if traces := [trace.as_object() for trace in self.traces if not trace.is_empty]:
            found["providers"] = traces
        if self.explanation:
            found["explanation"] = self.explanation
        return found


def judge(checks: Sequence[Check]) -> Answer | None:
    """The first failure: layers are asked from the bottom up, so the first is the cause of the rest."""
    return next((check.answer for check in checks if check.answer.is_trouble), None)
