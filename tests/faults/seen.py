"""What is seen of faults while something runs: in the log, and in all that a client is told.

What lives here: collecting. What never will: provoking (`scenarios`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from structlog.testing import capture_logs

from holdfast.core.faults import FAULTS
from tests.server.gateway import Client


@dataclass
class Seen:
    """Every fault that was told, in order: its code, and the words beside it."""

    lines: Sequence[Mapping[str, Any]]
    clients: list[Client] = field(default_factory=list)
    others: list[Mapping[str, Any]] = field(default_factory=list)
    """Objects with `code` and `message` from elsewhere: an HTTP body, a command's output."""

    @property
    def logged(self) -> list[Mapping[str, Any]]:
        return [line for line in self.lines if line.get("fault") in FAULTS]

    @property
    def told(self) -> list[Mapping[str, Any]]:
        messages = [message for client in self.clients for message in client.texts]
        return [*self.others, *(fault for message in messages for fault in _faults(message))]

    @property
    def codes(self) -> list[str]:
        """Without those that are only the consequence of another: once each, the log's first."""
        codes = [str(line["fault"]) for line in self.logged] + [str(fault["code"]) for fault in self.told]
        return list(dict.fromkeys(codes))

    def has(self, code: str) -> bool:
        return code in self.codes

    def check_words(self) -> None:
        """Whoever tells a fault tells it in the words of its row."""
        for line in self.logged:
            row = FAULTS[line["fault"]]
            assert line.get("message", row.message) == row.message, line
            assert line.get("party", str(row.party)) == str(row.party), line
        for fault in self.told:
            row = FAULTS[fault["code"]]
            assert fault.get("message", row.message) == row.message, fault
            assert fault.get("party", str(row.party)) == str(row.party), fault


def _faults(told: Any) -> Iterator[Mapping[str, Any]]:
    """Fault objects, however deep they stand."""
    if isinstance(told, Mapping):
        if told.get("code") in FAULTS:
            yield told
        for value in told.values():
            yield from _faults(value)
    elif isinstance(told, list):
        for value in told:
            yield from _faults(value)


@contextmanager
def seeing() -> Iterator[Seen]:
    with capture_logs() as lines:
        yield Seen(lines)
