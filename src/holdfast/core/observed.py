"""What a client tells of its own end: for whoever looks after it, and no ground of a decision.

What lives here: the two events. What never will: what is made of them (`ledger`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from holdfast.core.faults import Fault


@dataclass(frozen=True, slots=True)
class Reported:
    """What the client says of its own end: a fault that only it can see, figures by name."""

    fault: Fault | None
    figures: dict[str, int] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class SilenceHeard:
    """How long the user waited for an answer, told by their own client in positions of the session's input:
    the last sample of their speech, what was being recorded when the first sound of the answer arrived, and
    when it was heard. It decides nothing.
    """

    item_id: str
    spoke_until: int
    received_at: int
    heard_at: int
