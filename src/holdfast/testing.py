"""A Realtime upstream for the tests of others: `holdfast emulate` in a thread, told what to break.

What lives here: a face of `Emulator` that plain and asynchronous tests can use alike.
What never will: behaviour; that is the emulator's.

    with RealtimeUpstream(speed=0) as upstream:
        upstream.fault("reset:delta=3@1")
        talk_to(upstream.url)
        assert upstream.sessions[0].close_code == 1006
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

from holdfast.emulator import Attempt, Darkness, Emulator, EmulatorOptions, SessionRecord

T = TypeVar("T")


class RealtimeUpstream:
    """An emulator on a free port, with a thread and a loop of its own.

    All methods may be called from any thread but block it for the moment they take; the two that wait are
    `wait_for`, for plain tests, and `until`, for those in an event loop.
    """

    def __init__(self, **options: Any) -> None:
        """`options` are those of `EmulatorOptions`; audio is kept unless they say otherwise."""
        self.emulator = Emulator(EmulatorOptions(**{"keep_audio": True, **options}))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="realtime-upstream", daemon=True)

    def start(self) -> None:
        """Listen. Raises `PortTaken`."""
        self._thread.start()
        self._await(self.emulator.start())

    def stop(self) -> None:
        """Say goodbye to every session and end the thread."""
        try:
            self._await(self.emulator.close())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    # where it is, and its books

    @property
    def url(self) -> str:
        """The WebSocket address, without `model`."""
        return self.emulator.url

    @property
    def base_url(self) -> str:
        """What official clients call `base_url`."""
        return self.emulator.http_base

    @property
    def sessions(self) -> Sequence[SessionRecord]:
        """The books of all connections that became sessions, oldest first. Those of an open one go on
        changing; wait for what you look for.
        """
        return self._call(lambda: self.emulator.records)

    @property
    def attempts(self) -> Sequence[Attempt]:
        """Every knock at the door, refused ones too."""
        return self._call(lambda: list(self.emulator.attempts))

    # breaking things

    def fault(self, *faults: str, live: bool = False) -> None:
        """These faults from now on, and no others; none ends them all. With `live` in open sessions, too.

        Raises `FaultSpelling`.
        """
        self._call(lambda: self.emulator.set_faults(faults, live=live))

    def break_now(self, fault: str) -> int:
        """Break all open sessions so at once; gives their number. Raises `FaultSpelling`."""
        return self._call(lambda: self.emulator.break_now(fault))

    def kill(self, code: int | None = None) -> int:
        """End all connections, by a reset or by a close code; gives their number."""
        return self._call(lambda: self.emulator.kill(code))

    def go_dark(self, how: Darkness = "refuse", *, kill: bool = True) -> None:
        """Take no connections any more; with `kill` the running ones are reset."""
        self._call(lambda: self.emulator.go_dark(how, kill=kill))

    def come_back(self) -> None:
        """Take connections again, on the same port. Raises `PortTaken`."""
        self._call(self.emulator.come_back)

    # waiting

    def wait_for(self, condition: Callable[[], bool], timeout_s: float = 5.0) -> None:
        """Block until `condition` holds; looked at whenever a session's books change. Not for a test whose
        own event loop must go on meanwhile. Raises `TimeoutError`.
        """
        self._await(self.emulator.wait_for(condition, timeout_s))

    async def until(self, condition: Callable[[], bool], timeout_s: float = 5.0) -> None:
        """The same for a test in an event loop."""
        waiting = self.emulator.wait_for(condition, timeout_s)
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(waiting, self._loop))

    # inside

    def _call(self, act: Callable[[], T]) -> T:
        """Do it in the emulator's own thread; at once if we are there, as conditions are."""
        if threading.current_thread() is self._thread:
            return act()

        async def acted() -> T:
            return act()

        return self._await(acted())

    def _await(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()
