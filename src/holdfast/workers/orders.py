"""What a worker is told at its start.

What lives here: its shape, and its way: pickled, from the process that starts it, which is ours, through a
pipe that nobody else has. Settings are told, not read again: the file may have changed since.
What never will: a line for what changes later (`memos`).
"""

from __future__ import annotations

import pickle
from dataclasses import dataclass

from holdfast.config import Settings
from holdfast.node import Place


@dataclass(frozen=True, slots=True)
class Orders:
    """What a worker is told at its start."""

    settings: Settings
    place: Place
    as_json: bool | None

    def written(self) -> bytes:
        """For `Orders.read`."""
        return pickle.dumps(self)

    @staticmethod
    def read(given: bytes) -> Orders:
        """What the front wrote."""
        orders = pickle.loads(given)  # noqa: S301 - from the process that started us, see the first lines
        assert isinstance(orders, Orders)
        return orders
