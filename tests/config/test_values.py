"""Single values at the edge of what they may be."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.config.shapes import MAY_BE_NONE
from tests.config.test_load import read, told


@pytest.mark.parametrize("name", sorted({*MAY_BE_NONE, "unheard_s"}))
def test_what_can_be_switched_off_may_be_nothing(tmp_path: Path, name: str) -> None:
    assert getattr(read(tmp_path, f"[limits]\n{name} = 0").limits, name) == 0
