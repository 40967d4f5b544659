"""The weights of a model, out of its ONNX file.

What lives here: as much of protobuf's wire format as leads to a model's named float tensors. What never
will: the graph between them, for whoever asks for a tensor by its name knows what it is for.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np

from holdfast.engine.stages import Samples

# Field numbers, as `onnx.proto` gives them.
_MODEL_GRAPH: Final = 7
_GRAPH_INITIALIZER: Final = 5
_TENSOR_DIMENSIONS: Final = 1
_TENSOR_TYPE: Final = 2
_TENSOR_NAME: Final = 8
_TENSOR_RAW: Final = 9

_FLOAT: Final = 1
"""The type of a tensor of float32."""

# Wire types.
_VARINT: Final = 0
_BYTES: Final = 2
_FIXED: Final = {1: 8, 5: 4}


def float_tensors(model: bytes) -> Mapping[str, Samples]:
    """Every tensor of the main graph that holds float32 as raw bytes. Raises ValueError: it is no model."""
    found = {}
    for graph in _parts(memoryview(model), _MODEL_GRAPH):
        for tensor in _parts(graph, _GRAPH_INITIALIZER):
            raw = b"".join(_parts(tensor, _TENSOR_RAW))
            sizes = list(_numbers(tensor, _TENSOR_DIMENSIONS))
            if list(_numbers(tensor, _TENSOR_TYPE)) == [_FLOAT] and len(raw) == 4 * math.prod(sizes):
                name = b"".join(_parts(tensor, _TENSOR_NAME)).decode()
                found[name] = np.frombuffer(raw, dtype="<f4").reshape(sizes)
    return found


def _numbers(message: memoryview, wanted: int) -> Iterator[int]:
    """The fields of that number that are numbers."""
    for field, value in _fields(message):
        if field == wanted and isinstance(value, int):
            yield value


def _parts(message: memoryview, wanted: int) -> Iterator[memoryview]:
    """The fields of that number that have a length."""
    for field, value in _fields(message):
        if field == wanted and isinstance(value, memoryview):
            yield value


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Number and value of each field in turn."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        kind = key & 7
        if kind == _VARINT:
            value, at = _varint(message, at)
            yield key >> 3, value
            continue
        if kind == _BYTES:
            size, at = _varint(message, at)
        elif kind in _FIXED:
            size = _FIXED[kind]
        else:
            raise ValueError(f"no such wire type: {kind}")
        if at + size > len(message):
            raise ValueError("a field reaches beyond its message")
        yield key >> 3, message[at : at + size]
        at += size


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """A number in groups of seven bits, and where it ends."""
    number = 0
    for shift in range(0, 64, 7):
        if at >= len(message):
            raise ValueError("a number is cut off")
        byte = message[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
    raise ValueError("a number is too long")
