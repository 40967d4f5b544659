"""Products of a few rows: the compiled ones and numpy's are the same but for rounding."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from holdfast.engine import products


@pytest.mark.parametrize("is_built", [True, False])
@pytest.mark.parametrize(
    ("inner", "columns", "each"), [(389, 128, 4), (257, 512, 1), (65, 48, 2), (7, 10, 1)]
)
def test_rows_are_multiplied_and_the_others_left_alone(
    monkeypatch: pytest.MonkeyPatch, inner: int, columns: int, each: int, *, is_built: bool
) -> None:
    if not is_built:
        monkeypatch.setattr(products, "_BUILT", Path("/nowhere.so"))
    made = np.random.default_rng(3)
    weights = made.normal(size=(inner, columns)).astype(np.float32)
    rows = made.normal(size=(9 * each, inner + 1)).astype(np.float32)[:, :inner]
    out = np.full((9 * each, columns), -7, dtype=np.float32)
    multiply = products.product(rows, weights, out, each)
    for count in (1, 6, 7):
        out[:] = -7
        multiply(count)
        np.testing.assert_allclose(out[: count * each], rows[: count * each] @ weights, atol=2e-4)
        assert (out[count * each :] == -7).all()


def test_a_file_for_another_machine_is_left_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "_products.so"
    broken.write_bytes(b"\x7fELF of somebody else")
    monkeypatch.setattr(products, "_BUILT", broken)
    rows, weights, out = (np.ones(shape, dtype=np.float32) for shape in ((2, 3), (3, 16), (2, 16)))
    products.product(rows, weights, out)(2)
    assert (out == 3).all()
