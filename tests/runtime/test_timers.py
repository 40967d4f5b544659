"""Named deadlines: each comes once, at its time, unless it was moved or stopped."""

from __future__ import annotations

import asyncio
import time

from holdfast.runtime import timers
from holdfast.runtime.timers import Timers
from tests.server.gateway import eventually


async def test_they_come_in_the_order_of_their_times() -> None:
    due, fired = Timers(), list[str]()
    due.start("second", 0.02, fired.append)
    due.start("first", 0.01, fired.append)
    due.start("third", 0.03, fired.append)
    await eventually(lambda: len(fired) == 3)
    assert fired == ["first", "second", "third"]


async def test_one_that_is_moved_comes_once_and_later() -> None:
    due, fired = Timers(), list[str]()
    due.start("moved", 0.01, fired.append)
    due.start("moved", 0.05, fired.append)
    due.start("other", 0.03, fired.append)
    await eventually(lambda: len(fired) == 2)
    assert fired == ["other", "moved"]
    await asyncio.sleep(0.02)
    assert len(fired) == 2


async def test_one_that_is_stopped_does_not_come_and_the_others_do() -> None:
    due, fired = Timers(), list[str]()
    for name in ("a", "b", "c"):
        due.start(name, 0.01, fired.append)
    due.stop("a")
    due.stop("unknown")
    await eventually(lambda: fired == ["b", "c"])


async def test_one_may_stop_and_start_others() -> None:
    due, fired = Timers(), list[str]()

    def fire(name: str) -> None:
        fired.append(name)
        if name == "a":
            due.stop("same time")
            due.start("next", 0.01, fire)

    due.start("a", 0.01, fire)
    due.start("same time", 0.01, fire)
    await eventually(lambda: fired == ["a", "next"])


async def test_one_may_start_a_far_one_while_another_is_near() -> None:
    due, fired = Timers(), list[str]()
    due.start("near", 0.03, fired.append)
    due.start("first", 0.01, lambda _: due.start("far", 60, fired.append))
    await eventually(lambda: fired == ["near"], 1)
    due.stop_all()


async def test_none_comes_after_all_were_stopped() -> None:
    due, fired = Timers(), list[str]()
    due.start("a", 0.01, fired.append)
    due.stop_all()
    await asyncio.sleep(0.02)
    assert not fired
    due.start("b", 0.01, fired.append)
    await eventually(lambda: fired == ["b"])


async def test_after_a_stall_they_wait_once_more() -> None:
    """What the sockets have received meanwhile is heard first."""
    due, fired = Timers(), list[str]()
    due.start("late", 0.01, fired.append)
    time.sleep(timers.LATE_S + 0.05)  # noqa: ASYNC251 - the loop stands still
    await asyncio.sleep(timers.GRACE_S / 2)
    assert not fired
    await eventually(lambda: fired == ["late"])
