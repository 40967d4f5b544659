"""How the process itself is, as far as it matters to its sessions.

What lives here: the facts, and which light they are.
What never will: measuring them (`runtime.load`).
"""

from __future__ import annotations

from typing import Final

import msgspec

from holdfast.ledger.shapes import Light

LAG_UNSURE_S: Final = 0.05
"""Two frames of audio: somebody may hear it."""
LAG_BAD_S: Final = 0.25


class Climate(msgspec.Struct, frozen=True):
    """One look at the process. `lag_s`: how late its loop is; `busy`: share of a core; `load` names what is
    asked of it: none, refuse, shed or close.
    """

    lag_s: float = 0.0
    busy: float = 0.0
    sessions: int = 0
    load: str = "none"
    is_draining: bool = False

    @property
    def light(self) -> Light:
        """For the strip."""
        if self.lag_s >= LAG_BAD_S or self.load in {"shed", "close"}:
            return "bad"
        return "unsure" if self.lag_s >= LAG_UNSURE_S or self.load == "refuse" else "good"


def worst(climates: list[Climate]) -> Climate:
    """Of several processes: the latest loop, all the sessions, the hardest load."""
    if not climates:
        return Climate()
    order = ("none", "refuse", "shed", "close")
    return Climate(
        lag_s=max(one.lag_s for one in climates),
        busy=sum(one.busy for one in climates),
        sessions=sum(one.sessions for one in climates),
        load=max((one.load for one in climates), key=order.index),
        is_draining=any(one.is_draining for one in climates),
    )
