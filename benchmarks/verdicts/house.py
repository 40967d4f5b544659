"""What one run lives in: an emulator that misbehaves, a gateway before it, patience of a second or so.

What lives here: the settings, composing the real parts within this process. What never will: judging.
"""

from __future__ import annotations

import contextlib
import random
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from benchmarks.verdicts.truth import Case
from holdfast import config
from holdfast.app import Gateway
from holdfast.config import Settings
from holdfast.emulator import Emulator, EmulatorOptions
from holdfast.ports.sightings import EVERYTHING, Sighting, Watched

PATIENCE: Final[dict[str, float]] = {
    "dial_s": 1.5,
    "created_s": 1.5,
    "updated_s": 1.5,
    "start_budget_s": 3.0,
    "response_first_s": 1.8,
    "response_stall_s": 1.5,
    "response_notice_s": 0.6,
    "recovery_budget_s": 2.5,
    "retry_base_s": 0.02,
    "retry_cap_s": 0.1,
    "throttle_s": 0.2,
    "unheard_s": 0.5,
    "upstream_ping_s": 1.6,
    "upstream_pong_s": 0.8,
    "outage_wait_s": 0.6,
    "patience_s": 1.5,
    "resume_window_s": 1.0,
}
"""The limits of a run: everything that waits for silence, a tenth of what it is."""
SPEEDS: Final = (0.0, 8.0, 20.0)


@dataclass(frozen=True, slots=True)
class Run:
    """One of many: which fault, in which spelling, at which pace. All of it is drawn by its seed."""

    case: Case
    number: int
    seed: int

    @property
    def chance(self) -> random.Random:
        """The same for the same run."""
        return random.Random(f"{self.seed}:{self.case.name}:{self.number}")  # noqa: S311 - nothing secret hangs on it

    @property
    def spelling(self) -> str:
        """The fault as it is provoked this time: each moment and word has its turn."""
        moments, words = self.case.moments or ("",), self.case.words or ("",)
        moment = moments[self.number % len(moments)]
        word = words[self.number // len(moments) % len(words)]
        return self.case.spelling.format(m=moment, w=word)

    @property
    def faults(self) -> list[str]:
        """As the emulator takes them."""
        return [one for one in self.spelling.split(";") if one]

    @property
    def speed(self) -> float:
        """How fast the upstream speaks."""
        return self.chance.choice(SPEEDS)


@contextlib.contextmanager
def settings(base_url: str, limits: dict[str, float] | None = None, **more: Any) -> Iterator[Settings]:
    """Settings for a gateway or a doctor before this upstream, with files of their own."""
    with tempfile.TemporaryDirectory(prefix="holdfast-verdicts-") as folder:
        overrides = {
            "port": 0,
            "journal": {"kind": "memory"},
            "portal": {"database": f"{folder}/portal.sqlite3"},
            "limits": {**PATIENCE, **(limits or {})},
            **more,
        }
        environ = {"OPENAI_API_KEY": "sk-test-verdicts", "OPENAI_BASE_URL": base_url}
        yield config.load(environ=environ, folder=Path(folder), overrides=overrides)


@contextlib.asynccontextmanager
async def upstream(run: Run, faults: list[str]) -> AsyncIterator[Emulator]:
    """An emulator with these faults."""
    options = EmulatorOptions(faults=faults, seed=run.seed * 1000 + run.number, speed=run.speed, char_ms=20)
    async with Emulator(options) as emulator:
        yield emulator


@dataclass(slots=True)
class Seen:
    """What those who run the gateway see of its sessions."""

    sees = EVERYTHING
    sightings: list[Sighting] = field(default_factory=list)

    def saw(self, session: Watched, sighting: Sighting, at: float) -> None:  # noqa: ARG002 - the port's form
        """See `Watch`."""
        self.sightings.append(sighting)


@dataclass(frozen=True, slots=True)
class Door:
    """A gateway that runs."""

    address: str
    seen: Seen

    @property
    def authority(self) -> str:
        """Host and port."""
        return self.address.partition("://")[2]


@contextlib.asynccontextmanager
async def gateway(of: Settings) -> AsyncIterator[Door]:
    """The whole gateway, in this process; it ends with its sessions."""
    made = Gateway(of)
    seen = Seen()
    made.directory.watches.add(seen)
    async with made.running() as address:
        try:
            yield Door(address, seen)
        finally:
            made.stop()
            made.stop()
