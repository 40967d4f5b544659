"""What the console is told, as data: the same shapes go to browsers as JSON and from workers to the front.

What lives here: names of the console's protocol, masking of customers.
What never will: when something changes (`account`, `ledger`), who may read it.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

from holdfast.core.faults import Fault

Source = Literal["browser", "realtime", "call"]
State = Literal["connecting", "live", "recovering", "degraded", "away", "ended"]
Phase = Literal["listening", "user_speaking", "thinking", "answering"]
Light = Literal["good", "unsure", "bad", "none"]
Lane = Literal["client", "user", "assistant", "tool", "upstream", "fault", "loss"]

_KEPT_OF_A_CUSTOMER: Final = 2


class FaultTold(msgspec.Struct, frozen=True, omit_defaults=True):
    """One occurrence, as the contract has it, and when (ms since 1970)."""

    code: str
    party: str
    message: str
    remedy: str
    evidence: tuple[str, ...] = ()
    at: int = 0


class UpstreamTold(msgspec.Struct, frozen=True):
    """Who answers."""

    name: str = ""
    kind: str = ""
    model: str = ""


class Health(msgspec.Struct, frozen=True):
    """The strip from mouth to ear: each a light."""

    microphone: Light = "none"
    network: Light = "good"
    gateway: Light = "good"
    upstream: Light = "unsure"
    speaker: Light = "none"


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One session at a glance. `last_in_ms`, `last_out_ms`: 0 while audio flows, else the age of the last at
    the time of the message that brings the row; None before there was any.
    """

    id: str
    source: str
    customer: str
    upstream: UpstreamTold
    state: State
    phase: Phase = "listening"
    began_at: int = msgspec.field(name="beganAt")
    ended_at: int | None = msgspec.field(name="endedAt", default=None)
    turns: int = 0
    attention: int = 0
    why: str = ""
    health: Health = Health()
    last_in_ms: int | None = msgspec.field(name="lastIn_ms", default=None)
    last_out_ms: int | None = msgspec.field(name="lastOut_ms", default=None)
    silence_ms: int | None = None
    cost_usd: float | None = None
    faults: int = 0
    last_fault: FaultTold | None = msgspec.field(name="lastFault", default=None)


class Entry(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One line of a session's timeline, `t_ms` after its beginning. `data` holds facts, never words."""

    n: int
    t_ms: int
    lane: Lane
    kind: str
    text: str
    duration_ms: int | None = msgspec.field(name="durationMs", default=None)
    data: dict[str, Any] | None = None


class FaultSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A fault on the timeline of all sessions. `id` rises; `ended` when the session ended of it."""

    id: int
    at: int
    session: str
    source: str
    customer: str
    code: str
    party: str
    message: str
    remedy: str
    evidence: tuple[str, ...] = ()
    upstream: str = ""
    ended: bool = False


class TurnSample(msgspec.Struct, frozen=True):
    """How long one turn's user heard nothing, and what that was made of, in order (ms)."""

    at: int
    session: str
    turn: int
    segments: tuple[tuple[str, float], ...]
    side: Literal["server", "browser"] = "server"

    @property
    def silence_ms(self) -> float:
        """What the user heard of it: nothing, for so long."""
        return sum(ms for _, ms in self.segments)


class Money(msgspec.Struct, frozen=True):
    """What was spent, in `currency`. `rebuilt`: telling fresh upstreams again; `wasted`: never heard.
    `unpriced`: how many charges have no known price, and are not in the sums.
    """

    today: float = 0.0
    per_minute: float = msgspec.field(name="perMinute", default=0.0)
    rebuilt: float = 0.0
    wasted: float = 0.0
    estimated: bool = False
    unpriced: int = 0
    currency: str = "USD"


class Flow(msgspec.Struct, frozen=True, gc=False):
    """A session's audio: samples that came and that went down so far, and that wait for an upstream.
    `is_silent`: whether what came last is digital silence. `rtt_ms` of the client's line; None: not asked.
    """

    session: str
    came: int
    went: int
    held: int = 0
    is_silent: bool = False
    rtt_ms: float | None = None


class Batch(msgspec.Struct, frozen=True):
    """What happened in one process since `cursor` was last asked for. `is_whole`: that was too long ago (or
    never), so this is everything there is.
    """

    cursor: int
    is_whole: bool
    rows: tuple[Row, ...] = ()
    gone: tuple[str, ...] = ()
    faults: tuple[FaultSeen, ...] = ()
    turns: tuple[TurnSample, ...] = ()
    money: Money | None = None


def told(fault: Fault, at: int) -> FaultTold:
    """A fault in its shape."""
    row = fault.row
    return FaultTold(row.code, str(row.party), row.message, row.remedy, fault.evidence, at)


def masked(customer: str) -> str:
    """Enough of a customer's id to know the same one again beside others, too little to name anybody."""
    if not customer:
        return ""
    tail = customer[-_KEPT_OF_A_CUSTOMER:] if len(customer) > 2 * _KEPT_OF_A_CUSTOMER else ""
    return f"{customer[0]}…{tail}"
