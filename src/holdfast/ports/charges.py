"""What was billed, as data, and who keeps it.

What lives here: one charge, sums of charges, the protocol of their store.
What never will: prices, rules (`accounts`); SQL (`store`).

Money is whole nano-dollars (a billionth of a US dollar), so that sums are exact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Final, Literal, Protocol

NANOS_PER_USD: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Tokens:
    """What an upstream says it used (protocol reference, 3.1). What was cached is contained in the input."""

    text_in: int = 0
    text_cached: int = 0
    audio_in: int = 0
    audio_cached: int = 0
    image_in: int = 0
    image_cached: int = 0
    text_out: int = 0
    audio_out: int = 0

    def __bool__(self) -> bool:
        return any(getattr(self, field.name) for field in fields(self))

    @property
    def input(self) -> int:
        """All that was read."""
        return self.text_in + self.audio_in + self.image_in

    @property
    def output(self) -> int:
        """All that was said and written."""
        return self.text_out + self.audio_out


@dataclass(frozen=True, slots=True)
class Charge:
    """One billed thing. Its key is session, kind and id: told twice, it is billed once."""

    session_id: str
    customer_id: str
    kind: Literal["response", "transcription"]
    thing_id: str
    """The response's id, or that of the item that was written down."""
    at: float
    """When it ended: wall-clock seconds."""
    upstream: str
    model: str
    status: str
    tokens: Tokens
    billed_ms: int
    """Of audio, where that is billed and not tokens."""
    heard_ms: int
    """How much of the answer was heard."""
    is_estimated: bool
    """The upstream did not say what it used."""
    priced: str
    """The date of the price; `own engine`, which costs nothing; or `unknown`."""
    cost: int | None
    """Nano-dollars; None where no price is known: never silently nothing."""
    assumed: int
    """What budgets count: the cost, or what it would be at the dearest price that is known."""
    rebuild: int = 0
    """Of the cost: what a fresh upstream was told again."""
    wasted: int = 0
    """Of the cost: generated, and never heard."""

    @property
    def key(self) -> tuple[str, str, str]:
        """What it is, among all charges."""
        return self.session_id, self.kind, self.thing_id


OWN_ENGINE: Final = "own engine"
UNKNOWN: Final = "unknown"
ENDLESS: Final = float("inf")
"""A moment that never comes."""


@dataclass(frozen=True, slots=True)
class Sum:
    """Charges of one group. `name` is the session's, customer's, model's or day's; empty for all."""

    name: str
    responses: int = 0
    transcriptions: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    cost: int = 0
    """Nano-dollars, of all whose price is known."""
    rebuild: int = 0
    wasted: int = 0
    estimated: int = 0
    """How many rest on an estimate."""
    unknown: int = 0
    """How many have no price."""

    def __add__(self, other: Sum) -> Sum:
        added = [getattr(self, f.name) + getattr(other, f.name) for f in fields(self)[1:]]
        return Sum(self.name, *added)


Grouping = Literal["session", "customer", "model", "day"]


class Charges(Protocol):
    """Where charges are kept."""

    def put(self, charge: Charge) -> None:
        """Keep it, in place of what was kept under its key. Never waits, never raises."""
        ...

    @property
    def lost(self) -> int:
        """Charges that found no room: named in the log, counted by budgets all the same."""
        ...

    @property
    def waiting(self) -> int:
        """How many are not written yet."""
        ...

    async def spent(self, since: float, before: float = ENDLESS) -> Mapping[str, int] | None:
        """Nano-dollars that budgets count, by customer, of charges between these moments. None: nobody can
        say now; ask again.
        """
        ...

    async def spent_on(self, session_id: str, before: float = ENDLESS) -> int | None:
        """The same of one session, from its beginning on."""
        ...

    async def close(self) -> None:
        """Write what waits. Twice is harmless."""
        ...


def merged(sums: Sequence[Sum]) -> list[Sum]:
    """Sums of several stores as one, by name, in the order of first appearance."""
    out: dict[str, Sum] = {}
    for one in sums:
        out[one.name] = out[one.name] + one if one.name in out else one
    return list(out.values())
