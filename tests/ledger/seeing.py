"""Sessions as a ledger sees them, without a gateway: sightings by hand, on a clock of the test's.

What lives here: the clock, shorthand. What never will: expectations.
"""

from __future__ import annotations

from typing import Any

from holdfast.core.faults import fault
from holdfast.core.limits import Limits
from holdfast.ledger import Batch, Climate, Flow, Ledger, Row
from holdfast.ports import sightings as seen
from holdfast.ports.charges import Charge, Tokens
from holdfast.ports.sightings import Watched

WALL = 1_800_000_000.0


class Seen:
    """A ledger, and time that passes when told so."""

    def __init__(self, **limits: Any) -> None:
        self.at = 100.0
        self.limits = Limits(**limits)
        self.ledger = Ledger(self.limits, wall_s=WALL, at=self.at)
        self.sessions: dict[str, Watched] = {}

    def session(self, name: str = "hf_1", customer: str = "C-1007") -> str:
        """One more begins."""
        self.sessions[name] = Watched(name, "browser", customer)
        self.saw(seen.Began(), name)
        return name

    def live(self, name: str = "hf_1", **kwargs: Any) -> str:
        """One whose upstream serves."""
        self.session(name, **kwargs)
        self.saw(seen.UpstreamLive(0, "openai", "openai", "gpt-realtime-2.1", "sess_1"), name)
        return name

    def saw(self, sighting: seen.Sighting, name: str = "hf_1") -> None:
        self.ledger.saw(self.sessions[name], sighting, self.at)

    def lost(
        self, code: str = "provider.connection_lost", name: str = "hf_1", *, was_live: bool = True
    ) -> None:
        """Its upstream goes."""
        self.saw(seen.UpstreamLost(0, fault(code, ["close 1006"]), was_live), name)

    def turn(
        self,
        name: str = "hf_1",
        *,
        thinking: float = 0.4,
        speaking: float = 0.2,
        received: int | None = None,
    ) -> None:
        """The user speaks for a second and is answered."""
        self.saw(seen.TurnBegan("item_1", 24_000), name)
        self.at += 1.5
        self.saw(seen.TurnEnded("item_1", 48_000, received), name)
        self.at += thinking
        self.saw(seen.ResponseBegan("resp_1"), name)
        self.at += speaking
        self.saw(seen.FirstSound("resp_1", "item_2"), name)

    def look(self, *flows: Flow, climate: Climate | None = None) -> None:
        """A second passes."""
        self.at += 1.0
        for flow in flows:
            self.ledger.flowed(self.at, flow)
        self.ledger.look(self.at, climate or Climate())

    def collect(self, cursor: int = 0) -> Batch:
        return self.ledger.collect(cursor, self.at)

    def row(self, name: str = "hf_1") -> Row:
        return next(row for row in self.collect().rows if row.id == name)

    def document(self, name: str = "hf_1") -> dict[str, Any]:
        found = self.ledger.document(name, self.at)
        assert found is not None
        return found


def charge(number: int, nanos: int | None, *, rebuild: int = 0, wasted: int = 0, at: float = WALL) -> Charge:
    """What an answer of `hf_1` cost."""
    return Charge(
        session_id="hf_1",
        customer_id="C-1007",
        kind="response",
        thing_id=f"resp_{number}",
        at=at,
        upstream="openai",
        model="gpt-realtime-2.1",
        status="completed",
        tokens=Tokens(),
        billed_ms=0,
        heard_ms=0,
        is_estimated=False,
        priced="2026-11-01",
        cost=nanos,
        assumed=nanos or 0,
        rebuild=rebuild,
        wasted=wasted,
    )
