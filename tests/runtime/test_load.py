"""What holds this process: control groups of both kinds, read from files as the kernel writes them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from holdfast.core.overload import Overload, Pressure
from holdfast.runtime import load
from tests.server.gateway import eventually


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(load, "GROUPS", tmp_path / "groups")
    monkeypatch.setattr(load, "MEMBERSHIP", tmp_path / "membership")
    return tmp_path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_quota_of_the_second_kind_and_of_a_group_above(kernel: Path) -> None:
    write(kernel / "membership", "0::/service/worker\n")
    write(kernel / "groups/service/worker/cpu.max", "max 100000\n")
    write(kernel / "groups/service/cpu.max", "25000 100000\n")
    write(kernel / "groups/service/worker/memory.max", "1000000\n")
    assert load.quota_cores() == 0.25
    assert load.memory_limit() == 1_000_000


def test_a_quota_of_the_first_kind(kernel: Path) -> None:
    write(kernel / "membership", "4:memory:/box\n1:cpu,cpuacct:/box\n")
    write(kernel / "groups/cpu,cpuacct/box/cpu.cfs_quota_us", "50000\n")
    write(kernel / "groups/cpu,cpuacct/box/cpu.cfs_period_us", "100000\n")
    write(kernel / "groups/memory/box/memory.limit_in_bytes", "2000000\n")
    assert load.quota_cores() == 0.5
    assert load.memory_limit() == 2_000_000


def test_where_nothing_holds_it_the_machine_is_the_bound(kernel: Path) -> None:
    assert load.quota_cores() >= 1
    assert load.memory_limit() > 1 << 20


@pytest.mark.parametrize(("share", "told"), [(0.9, set()), (0.94, {"shed"}), (0.99, {"shed", "close"})])
async def test_short_memory_is_shed_before_anybody_is_closed(
    kernel: Path, share: float, told: set[str]
) -> None:
    write(kernel / "membership", "0::/box\n")
    write(kernel / "groups/box/memory.max", f"{round(load.memory_used() / share)}\n")
    asked: set[str] = set()
    overload = Overload()

    def close() -> bool:
        asked.add("close")
        return True

    watch = load.LoadWatch(overload, lambda: 1, lambda: asked.add("shed"), close)
    watch.start()
    async with asyncio.timeout(5):
        while overload.pressure is Pressure.NONE:  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.05)
    watch.stop()
    assert asked == told


def fragmented(mib: int) -> object:
    """Free memory of ours that the C library keeps: one small thing lies behind it."""
    pieces = [bytes(60_000) for _ in range(mib * 2**20 // 60_000)]
    behind = bytes(60_000)
    del pieces
    return behind


@pytest.mark.skipif(load._LIBC is None, reason="this C library cannot give memory back")
async def test_free_memory_is_given_back_before_people_are_refused_for_it_for_long(kernel: Path) -> None:
    write(kernel / "membership", "0::/box\n")
    behind = fragmented(64)
    held = load.memory_used()
    write(kernel / "groups/box/memory.max", f"{round(held / 0.87)}\n")
    overload = Overload()
    watch = load.LoadWatch(overload, lambda: 1, lambda: None, lambda: False)
    watch.start()
    await eventually(lambda: load.memory_used() <= held - 40 * 2**20)
    assert overload.is_memory_short
    await eventually(lambda: not overload.is_memory_short)
    watch.stop()
    del behind


async def test_samples_come_until_it_is_stopped() -> None:
    seen: list[int] = []

    def sessions() -> int:
        seen.append(1)
        return 3

    watch = load.LoadWatch(Overload(), sessions, lambda: None, lambda: False)
    watch.start()
    async with asyncio.timeout(5):
        while len(seen) < 2:  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.05)
    watch.stop()
