"""What one or several processes tell, put together for those who watch.

What lives here: the rows of all, the newest faults and turns, as a snapshot and as changes.
What never will: sockets; judging a row (`ledger`).

Everything is encoded once for all who watch: a change that four consoles see costs as much as for one.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from holdfast.ledger.latency import Latency
from holdfast.ledger.numbers import NumberedFaults
from holdfast.ledger.purse import together
from holdfast.ledger.shapes import Batch, FaultSeen, Money, Row

LATENCY_EVERY_MS: Final = 2_000
"""The figures of all turns are worked out at most so often."""
SNAPSHOT_FAULTS: Final = 200

_encode: Final = msgspec.json.Encoder().encode


class Board:
    """`take` what each process tells; `changes` once for every look, `snapshot` for whoever comes. `faults`
    outlive it.
    """

    def __init__(self, faults: NumberedFaults) -> None:
        self._rows: dict[str, tuple[int, Row]] = {}
        self._faults = faults
        self._latency = Latency()
        self._latency_told = -LATENCY_EVERY_MS
        self._latency_due = False
        self._money: Money | None = None
        self._money_due = False
        self._fresh: dict[str, Row] = {}
        self._gone: list[str] = []
        self._new_faults: list[FaultSeen] = []
        self._moneys: dict[int, Money] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def take(self, process: int, batch: Batch) -> None:
        """One process tells. Where it tells everything, what it told before and does not now is gone."""
        if batch.is_whole:
            named = {row.id for row in batch.rows}
            self._go([one for one, (at, _) in self._rows.items() if at == process and one not in named])
        self._go(batch.gone)
        for row in batch.rows:
            self._rows[row.id] = process, row
            self._fresh[row.id] = row
        self._new_faults += self._faults.take(process, batch.faults)
        for sample in batch.turns:
            self._latency.take(sample)
        self._latency_due |= bool(batch.turns)
        if batch.money is not None:
            self._moneys[process] = batch.money
            self._spent()

    def _go(self, gone: list[str] | tuple[str, ...]) -> None:
        for one in gone:
            if self._rows.pop(one, None) is not None:
                self._fresh.pop(one, None)
                self._gone.append(one)

    def lost(self, process: int) -> None:
        """A process has ended: its sessions are nobody's until one tells of them again."""
        self._faults.lost(process)
        self._moneys.pop(process, None)
        self._spent()
        self._go([one for one, (at, _) in self._rows.items() if at == process])

    def _spent(self) -> None:
        money = together(list(self._moneys.values()))
        if money != self._money:
            self._money, self._money_due = money, True

    @property
    def has_news(self) -> bool:
        """Whether there is anything that `changes` would tell."""
        return bool(self._fresh or self._gone or self._new_faults or self._money_due)

    def changes(self, at_ms: int, gateway: dict[str, Any]) -> bytes:
        """What is new since this was asked last, as JSON."""
        told: dict[str, Any] = {"at": at_ms, "gateway": gateway}
        told["rows"], told["gone"] = list(self._fresh.values()), self._gone
        told["faults"] = self._new_faults
        if self._latency_due and at_ms - self._latency_told >= LATENCY_EVERY_MS:
            told["latency"] = self._latency.as_object()
            self._latency_told, self._latency_due = at_ms, False
        if self._money_due:
            told["cost"], self._money_due = self._money, False
        encoded = _encode(told)
        self._fresh, self._gone, self._new_faults = {}, [], []
        return encoded

    def snapshot(self, at_ms: int, gateway: dict[str, Any]) -> bytes:
        """Everything, as JSON. Ask for the changes first: what is new is in both otherwise."""
        told = {
            "at": at_ms,
            "gateway": gateway,
            "rows": [row for _, row in self._rows.values()],
            "faults": self._faults.newest(SNAPSHOT_FAULTS),
            "cost": self._money,
            "latency": self._latency.as_object(),
        }
        return _encode(told)
