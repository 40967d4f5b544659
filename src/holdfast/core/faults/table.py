"""The shape of a row of the fault table, and the words its columns choose from.

What lives here: parties, retries, switches, alarms, `FaultRow`.
What never will: a row (`of_*`), an occurrence (the package itself).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Literal


class Party(StrEnum):
    """At whose door a fault lies."""

    USER_DEVICE = "user_device"
    USER_NETWORK = "user_network"
    APPLICATION = "application"
    CONFIGURATION = "configuration"
    GATEWAY = "gateway"
    TOOL = "tool"
    PROVIDER = "provider"
    STORE = "store"


class Retry(StrEnum):
    """What the gateway does by itself while a session starts."""

    NEVER = "never"
    BACKOFF = "backoff"
    WAIT = "wait"  # as back-off, but not before the provider's own delay


class Switch(StrEnum):
    """Whether a session goes to the next upstream of the list. `core.endpoints` does so; a test holds both
    together.
    """

    NO = "no"  # no upstream is at fault, or none can help
    AT_ONCE = "at_once"
    IF_IT_LASTS = "if_it_lasts"  # the same once more first: who fell may be back already


class Then(StrEnum):
    """What a client does after a close (reliability reference, B10)."""

    RESUME = "resume"
    FRESH = "fresh"  # that session is gone, another will do
    STOP = "stop"  # coming back unchanged would repeat it
    END = "end"  # nothing is wrong


_STOPS: Final = frozenset({1008, 1009, 3000, 4502, 4503})
_FRESH: Final = frozenset({4404, 4507})
_ENDS: Final = frozenset({1000, 4408})


def after_close(code: int) -> Then:
    """What this close code tells a client to do; unknown ones by their range."""
    if code in _ENDS:
        return Then.END
    if code in _FRESH:
        return Then.FRESH
    return Then.STOP if code in _STOPS or 4400 <= code < 4500 else Then.RESUME


@dataclass(frozen=True, slots=True)
class Alarm:
    """When somebody hears of it: `count` occurrences in `minutes` on one gateway."""

    severity: Literal["page", "ticket"]
    count: int
    minutes: int


AT_ONCE: Final = Alarm("page", 1, 5)
"""Nobody can talk until somebody has changed something."""
WHEN_MANY: Final = Alarm("page", 10, 5)
"""One is the world, ten are an outage."""
ONE_A_DAY: Final = Alarm("ticket", 1, 1440)
IN_OFFICE_HOURS: Final = Alarm("ticket", 20, 60)


@dataclass(frozen=True, slots=True)
class FaultRow:
    """The meaning of one fault code, and all that is done about it."""

    code: str
    message: str
    """For the user, wherever it is told: page, protocol, command line, log, console."""
    remedy: str
    """For the operator."""
    meaning: str
    """How it is recognised, in one sentence."""
    evidence: tuple[str, ...] = ()
    """What facts to expect beside it."""
    retry: Retry = Retry.NEVER
    close_code: int = 4500
    switch: Switch = Switch.NO
    ends: bool = True
    """Whether it can end a session; else `close_code` is never sent."""
    emulate: str = ""
    """The spelling of a fault of `holdfast emulate` that provokes it."""
    provoke: str = ""
    """How it is provoked otherwise, or what belongs to it."""
    advice: str = ""
    """What the user can do, where there is something; a page says it below the message."""
    alarm: Alarm | None = None
    party: Party = field(init=False)
    """A code begins with it."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "party", Party(self.code.partition(".")[0]))

    @property
    def retryable(self) -> bool:
        """Whether the same act may succeed later without anybody changing anything."""
        return self.retry is not Retry.NEVER

    @property
    def then(self) -> Then:
        """What a client does that was closed with this fault's code."""
        return after_close(self.close_code)

    @property
    def page(self) -> str:
        """Where the documentation tells of it, from the repository's root."""
        return f"docs/reference/faults.md#{self.code.replace('.', '')}"


def by_code(*rows: FaultRow) -> Mapping[str, FaultRow]:
    """A part of the table."""
    return {row.code: row for row in rows}
