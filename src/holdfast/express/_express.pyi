# What the compiled module offers: see `_express.pyx`.

import asyncio
from collections.abc import Callable

from picows import WSTransport

from holdfast.core.lanes import InputLane, OutputLane, RelayLane, Tape
from holdfast.core.relay_input import RelayInput
from holdfast.core.relay_window import RelayWindow
from holdfast.express.session import TlsSession

class CompiledTape(Tape):
    @classmethod
    def instead_of(cls, tape: Tape) -> CompiledTape: ...

class CompiledInputLane(InputLane):
    @classmethod
    def instead_of(cls, lane: InputLane) -> CompiledInputLane: ...

class CompiledOutputLane(OutputLane):
    @classmethod
    def instead_of(cls, lane: OutputLane) -> CompiledOutputLane: ...

class CompiledRelayLane(RelayLane):
    @classmethod
    def instead_of(cls, lane: RelayLane) -> CompiledRelayLane: ...

class Way: ...

class Leg:
    way: Way | None
    is_shut: bool
    may_wait: bool
    @property
    def is_riding(self) -> bool: ...
    def text(self, payload: bytes) -> None: ...
    def binary(self, payload: bytes) -> None: ...
    def board(self) -> bool: ...
    def leave(self) -> None: ...
    def flush(self) -> None: ...
    def pause(self, is_paused: bool) -> None: ...

class Express:
    @property
    def up(self) -> int: ...
    @property
    def down(self) -> int: ...
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None: ...
    def leg(self, web: WSTransport, fd: int, *, is_server: bool, tls: TlsSession | None) -> Leg: ...
    def join(self, ms: int) -> None: ...
    def run(self) -> None: ...
    def close(self) -> None: ...

class RelayUp(Way):
    def __init__(self, lane: CompiledRelayLane, to: Leg, kept: RelayInput, fresh_max: int) -> None: ...

class RelayDown(Way):
    def __init__(
        self,
        lane: CompiledRelayLane,
        generation: int,
        to: Leg,
        window: RelayWindow | None,
        fresh_max: int,
    ) -> None: ...

class SessionUp(Way):
    def __init__(
        self,
        lane: CompiledInputLane,
        to: Leg,
        received: Callable[[], bytes | None],
        is_positioned: bool,
        least: int,
    ) -> None: ...

class SessionDown(Way):
    def __init__(
        self,
        lane: CompiledOutputLane,
        generation: int,
        to: Leg,
        heard: CompiledInputLane,
        received: Callable[[], bytes | None],
        tell_every: int,
        is_positioned: bool,
        least: int,
    ) -> None: ...
