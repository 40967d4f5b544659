"""The fault table: what can go wrong, whose fault it is, what to do about it.

What lives here: one row per fault, a module for each party. Error messages, close codes, retry decisions,
`holdfast explain`, the doctor's verdicts, labels of metrics, alarms, the docs page and the words of the web
client for what it finds itself all come from these rows.
What never will: finding out which fault it was (that is `providers.classify` and `wire`).

A code begins with its party (contract: Browser protocol, `fault`). The ranges of close codes instruct a
client that never met us: 1001 and 1012-1014 come back, 4400-4499 do not come back unchanged, 4500-4599 a new
session may work (reliability reference, B10).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from holdfast.core.faults.of_application import APPLICATION
from holdfast.core.faults.of_configuration import CONFIGURATION
from holdfast.core.faults.of_gateway import GATEWAY
from holdfast.core.faults.of_provider import PROVIDER
from holdfast.core.faults.of_tool_and_store import TOOL_AND_STORE
from holdfast.core.faults.of_user import FOUND_BY_PAGE, USER
from holdfast.core.faults.table import Alarm, FaultRow, Party, Retry, Switch, Then, after_close

__all__ = [
    "EVIDENCE_CHARS_MAX",
    "FAULTS",
    "FOUND_BY_PAGE",
    "Alarm",
    "Fault",
    "FaultRow",
    "Party",
    "Retry",
    "Switch",
    "Then",
    "after_close",
    "fault",
]

FAULTS: Final[Mapping[str, FaultRow]] = {
    **PROVIDER,
    **CONFIGURATION,
    **GATEWAY,
    **APPLICATION,
    **USER,
    **TOOL_AND_STORE,
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One occurrence of a fault. `evidence` holds short facts, never secrets."""

    row: FaultRow
    evidence: tuple[str, ...] = ()
    retry_after_s: float | None = None

    @property
    def code(self) -> str:
        """The table's code."""
        return self.row.code

    @property
    def facts(self) -> dict[str, Any]:
        """What every line of the log says of a fault."""
        party, words = str(self.row.party), self.row.message
        return {"fault": self.code, "party": party, "message": words, "evidence": list(self.evidence)}


EVIDENCE_CHARS_MAX: Final = 200
_KEY: Final = re.compile(r"\b(sk|ek)[-_][\w-]{4,}")
"""Providers repeat the key they refused; evidence goes to the client, so it is cut out here, for all."""


_CARD: Final = re.compile(r"(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w-])")
"""And they repeat what a user said: numbers of cards are nobody's evidence."""
_MAIL: Final = re.compile(r"[\w.+-]+@[\w-]+\.\w+")
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
"""Evidence is one line, and no terminal obeys it: C0, DEL, C1, and what some viewers break lines at."""
_LOOKED_AT: Final = 4 * EVIDENCE_CHARS_MAX


def _safe(fact: str) -> str:
    fact = _KEY.sub(r"\1-...", fact[:_LOOKED_AT])
    fact = _MAIL.sub("[mail]", _CARD.sub(_without_card, fact))
    return _CONTROL.sub(" ", fact)[:EVIDENCE_CHARS_MAX]


def _without_card(found: re.Match[str]) -> str:
    """A number whose digits have a card's check digit (ISO/IEC 7812-1, annex B) is taken for one."""
    digits = [int(one) for one in found[0] if one.isdigit()]
    total = sum(digits[-1::-2]) + sum(sum(divmod(2 * one, 10)) for one in digits[-2::-2])
    return found[0] if total % 10 else "[card]"


def fault(code: str, evidence: Sequence[str] = (), *, retry_after_s: float | None = None) -> Fault:
    """One occurrence of `code`. KeyError for a code that the table does not know: a bug of ours."""
    return Fault(FAULTS[code], tuple(map(_safe, evidence)), retry_after_s)
