"""What a provider's support asks for, collected on the way and put into one block to paste.

What lives here: ids, the time, the model, the address without its query. What never will: keys, words, sound.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from holdfast.core.faults import Fault

IDS_MAX: Final = 20
_REQUEST: Final = "request id "
"""How `providers.classify` writes the id of a refused request."""


@dataclass(slots=True)
class Trace:
    """One provider, as it was met. Times are UTC."""

    name: str = ""
    address: str = ""
    model: str = ""
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    sessions: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    responses: list[str] = field(default_factory=list)
    """Those that failed."""
    events: list[str] = field(default_factory=list)
    """Of `error` events."""

    def note(self, ids: list[str], one: str | None) -> None:
        """Keep an id, once."""
        if one and one not in ids and len(ids) < IDS_MAX:
            ids.append(one)

    def met(self, found: Fault) -> None:
        """A refusal's own request id stands in its evidence."""
        for fact in found.evidence:
            if fact.startswith(_REQUEST):
                self.note(self.requests, fact.removeprefix(_REQUEST))

    @property
    def is_empty(self) -> bool:
        """Whether nobody there could look anything up."""
        return not (self.sessions or self.requests or self.responses or self.events)

    def as_object(self) -> dict[str, Any]:
        """For machines; what is not known is left out."""
        told: dict[str, Any] = {
            "upstream": self.name,
            "address": self.address,
            "model": self.model,
            "at": self.began.isoformat(timespec="seconds"),
            "sessions": self.sessions,
            "requests": self.requests,
            "responses": self.responses,
            "events": self.events,
        }
        return {key: value for key, value in told.items() if value}

    def block(self, told: dict[str, Any]) -> str:
        """One block to paste. `told` is the verdict's fault."""
        rows = {
            "What happened": str(told["code"]),
            "Time (UTC)": f"{self.began:%Y-%m-%d %H:%M:%S}",
            "Service": self.address,
            "Model": self.model,
            "Session ids": ", ".join(self.sessions),
            "Request ids": ", ".join(self.requests),
            "Response ids": ", ".join(self.responses),
            "Event ids of errors": ", ".join(self.events),
            "Evidence": "; ".join(map(str, told["evidence"])),
        }
        return "\n".join(f"{name}: {value}" for name, value in rows.items() if value)
