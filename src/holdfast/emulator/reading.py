"""JSON that strangers wrote.

What lives here: reading an object, whatever comes instead. What never will: what is in it.
"""

from __future__ import annotations

from typing import Any

import msgspec


def json_object(raw: bytes | str) -> dict[str, Any]:
    """What a stranger calls a JSON object. Raises `ValueError`, also for one that is nested too deep."""
    try:
        return msgspec.json.decode(raw, type=dict[str, Any])
    except RecursionError:
        raise ValueError("it is nested too deep") from None
