"""How many files this process may open, and how many it has open."""

from __future__ import annotations

import os
import resource
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
    one = Descriptors(1_000, Reserve(10))
    before = one.left
    held = os.dup(0)
    assert one.left == before - 1
    os.close(held)


def test_where_the_kernel_does_not_tell_it_is_counted_now_and_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Older(type(tmp_path)):  # type: ignore[misc] # a folder whose size is no number of files
        def stat(self, **_: object) -> os.stat_result:
            return os.stat_result((0,) * 10)

    monkeypatch.setattr(descriptors, "OPEN", Older(tmp_path))
    now = [0.0]
    one = Descriptors(100, Reserve(10), lambda: now[0])
    (tmp_path / "0").touch()
    assert one.left == 99
    (tmp_path / "1").touch()
    assert one.left == 99
    now[0] += descriptors.RECOUNT_S
    assert one.left == 98


def test_the_soft_limit_is_raised_to_what_the_sessions_may_need() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
        one = Descriptors.of(Limits(sessions=100))
        assert one.limit == 100 * descriptors.PER_SESSION + 64 + descriptors.HOUSE
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == one.limit
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
