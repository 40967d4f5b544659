"""How many files this process may open, and how many it has open."""

from __future__ import annotations

import errno
import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.core.limits import Limits
from holdfast.core.reserve import Reserve
from holdfast.runtime import descriptors
from holdfast.runtime.descriptors import Descriptors

pytestmark = pytest.mark.skipif(
    not descriptors.OPEN.exists(), reason="this system does not tell its descriptors"
)


def test_what_is_open_is_known_to_the_file() -> None:
    now = [0.0]
    one = Descriptors(1_000, Reserve(10), lambda: now[0])
    before = one.left
    held = os.dup(0)
    now[0] += descriptors.TOLD_S
    assert one.left == before - 1
    os.close(held)


class Older(type(Path())):  # type: ignore[misc] # a folder whose size is no number of files
    def stat(self, **_: object) -> os.stat_result:
        return os.stat_result((0,) * 10)


class Full(Older):
    def iterdir(self) -> Iterator[Path]:
        raise OSError(errno.EMFILE, "Too many open files")


def test_where_the_kernel_does_not_tell_it_is_counted_now_and_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(descriptors, "OPEN", Older(tmp_path))
    now = [0.0]
    one = Descriptors(100, Reserve(10), lambda: now[0])
    (tmp_path / "0").touch()
    assert one.left == 99
    (tmp_path / "1").touch()
    assert one.left == 99
    now[0] += descriptors.RECOUNT_S
    assert one.left == 98


def test_connections_that_came_since_the_count_are_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(descriptors, "OPEN", Older(tmp_path))
    now = [0.0]
    one = Descriptors(20, Reserve(20), lambda: now[0])
    assert one.left == 20
    assert sum(one.may_accept() for _ in range(50)) == 9
    now[0] += descriptors.RECOUNT_S
    assert one.left == 20


def test_who_has_none_left_to_count_with_knows_that_none_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(descriptors, "OPEN", Full(tmp_path))
    one = Descriptors(100, Reserve(10), lambda: 0.0)
    assert one.left == 0
    assert one.refusal() is not None
    assert not one.may_accept()


def test_the_soft_limit_is_raised_to_what_the_sessions_may_need() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
        one = Descriptors.of(Limits(sessions=100))
        assert one.limit == 100 * descriptors.PER_SESSION + 64 + descriptors.HOUSE
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == one.limit
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
