"""The upstreams of a node as they are: well, slow, refusing, down.

What lives here: what becomes of a dial, and how often an endpoint was dialled that should be left alone.
What never will: choosing one; that is the core's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from holdfast.core.faults import Fault, Party, Retry, fault
from holdfast.providers.classify import of_close
from holdfast.wire.refused_upgrade import of_status
from tests.simulation.truth import Violation

SECRET = "sk-proj-0123456789abcdef"
REFUSED_S = 60.0
OWN = frozenset({"configuration.session_refused", "gateway.internal", "provider.message_too_big"})
"""About what one session sent, and no other."""
DIALS_MAX = 40
"""Of one session within one budget."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of a dial. No cause: it opens."""

    cause: Fault | None = None
    after_s: float = 0.02
    is_in_band: bool = False
    is_never: bool = False


def outcome_of(argument: str, chance: Random) -> Outcome:
    """A fault of the handshake by its argument in the matrix."""
    after_s = 0.01 + chance.random() * 0.1
    if argument == "never":
        return Outcome(is_never=True)
    if argument == "in band":
        return Outcome(
            fault("configuration.invalid_api_key", [f"Incorrect key {SECRET}"]), after_s, is_in_band=True
        )
    status, _, more = argument.partition(" ")
    if not status.isdigit():
        return Outcome(fault(argument, ["told so"]), after_s)
    headers = {"retry-after": more} if more.isdigit() else {}
    body = "insufficient_quota" if more == "quota" else ""
    return Outcome(of_status(int(status), headers, body), after_s)


def closing(argument: str) -> Fault:
    """A close frame by its argument in the matrix."""
    code, _, reason = argument.partition(" ")
    return of_close(int(code), reason)


@dataclass(slots=True)
class Endpoint:
    """One upstream of the list."""

    name: str
    chance: Random
    troubles: list[tuple[float, float, str]] = field(default_factory=list)
    """From, until, and how dials fail meanwhile."""
    lifetime_s: float | None = None
    dials: int = 0
    refused_at: float = float("-inf")
    failed_at: float = float("-inf")
    """When a dial last failed, or a trouble last began."""

    def dialled(self, now: float) -> None:
        """Somebody dials."""
        self.dials += 1
        if now - self.refused_at < REFUSED_S - 0.001:
            raise Violation("I9", f"{self.name} was dialled {now - self.refused_at:.1f} s after it refused")

    def outcome(self, now: float, wish: str | None) -> Outcome:
        """What becomes of a dial. `wish` is a fault that is meant for this session."""
        argument = wish or next((how for begin, end, how in self.troubles if begin <= now < end), None)
        if argument is None:
            return Outcome(after_s=0.005 + self.chance.random() * 0.06)
        return outcome_of(argument, self.chance)

    def has_failed(self, cause: Fault, now: float, *, was_live: bool) -> None:
        """A dial has failed, or a link died young or by a refusal; one user's offence is nobody else's."""
        self.failed_at = now
        is_own = cause.code in OWN or (was_live and cause.row.party is not Party.CONFIGURATION)
        if cause.row.retry is Retry.NEVER and not is_own:
            self.refused_at = now

    def is_well(self, since: float, now: float) -> bool:
        """Whether it would have taken anybody all the time since then, a while before included."""
        return self.failed_at < since - REFUSED_S - 5 and not any(
            begin <= now and end > since - REFUSED_S - 5 for begin, end, _ in self.troubles
        )
