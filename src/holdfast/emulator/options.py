"""What an emulator can be told at its start."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from holdfast.emulator.dialects import DialectName
from holdfast.emulator.script import Turn
from holdfast.emulator.spelling import FaultSpec

Tamper = Callable[[dict[str, Any]], Sequence[dict[str, Any]]]
"""Takes a server event that is due and gives the events that go out instead: itself, others, none."""

Darkness = Literal["refuse", "reset", "silence"]
"""Nobody listens; or each connection is reset; or none is ever answered. The last two are counted."""


@dataclass(frozen=True, slots=True)
class EmulatorOptions:
    """Where to listen, how to behave.

    `port` and `control_port`: 0 takes a free one; `control_port` None opens none. `faults`: spellings of
    the fault table; `seed`: of every chance in them. `api_key`: the only key accepted; without it any key
    is. `speed`: how many times faster than real time audio is given out (0: all at once). `char_ms`: speech
    for each character. `keep_audio`: keep each session's input, not only its checksum. `tamper`: rewrites
    what goes out. `dialect`: whose address, checks and shape; `deployments`: Azure's (none named: any).
    """

    host: str = "127.0.0.1"
    port: int = 0
    control_port: int | None = None
    faults: Sequence[str | FaultSpec] = ()
    seed: int = 0
    script: Sequence[Turn] = ()
    api_key: str | None = None
    speed: float = 8.0
    char_ms: int = 60
    session_s: float = 3600.0
    keep_audio: bool = False
    tamper: Tamper | None = None
    dialect: DialectName = "openai"
    deployments: tuple[str, ...] = ()
