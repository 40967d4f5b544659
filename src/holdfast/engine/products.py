"""Products of a few rows with weights, by `products.c` where it was built, else by numpy.

What lives here: which of the two, and the weights as it wants them. What never will: a network (`silero`).
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np

from holdfast.engine.stages import Samples

Product = Callable[[int], None]
"""Multiplies so many rows, from where they stand to where they are wanted."""

_BUILT: Final = Path(__file__).with_name("_products.so")
_COLUMNS: Final = 16
_ALIGNED: Final = 64


def product(rows: Samples, weights: Samples, out: Samples, each: int = 1) -> Product:
    """`each` rows for one that is asked for. All three stay where they are."""
    compiled = _compiled()
    inner, columns = weights.shape
    if compiled is None or columns % _COLUMNS:

        def by_numpy(count: int) -> None:
            np.matmul(rows[: count * each], weights, out=out[: count * each])

        return by_numpy
    blocks = _aligned(weights.size)
    blocks[:] = weights.reshape(inner, columns // _COLUMNS, _COLUMNS).transpose(1, 0, 2).ravel()
    of, by, to = rows.ctypes.data, blocks.ctypes.data, out.ctypes.data
    of_stride, to_stride = rows.strides[0] // rows.itemsize, out.strides[0] // out.itemsize
    held = (rows, blocks, out)  # whose addresses these are

    def multiply(count: int, _held: object = held) -> None:
        compiled(of, of_stride, count * each, by, inner, columns, to, to_stride)

    return multiply


def _aligned(size: int) -> Samples:
    raw = np.zeros(size + _ALIGNED // 4, dtype=np.float32)
    begin = -raw.ctypes.data % _ALIGNED // raw.itemsize
    return raw[begin : begin + size]


def _compiled() -> Any | None:
    if not _BUILT.is_file():
        return None
    try:
        library = ctypes.CDLL(str(_BUILT))
    except OSError:  # built for another machine
        return None
    if not library.hf_products_fit_here():
        return None
    number, address = ctypes.c_ssize_t, ctypes.c_void_p
    library.hf_product.argtypes = (address, number, number, address, number, number, address, number)
    library.hf_product.restype = None
    return library.hf_product
