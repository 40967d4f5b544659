"""Why a verdict was wrong, where that is known and stays so.

What lives here: a sentence for each kind of miss that was looked at. What never will: counting.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_OF_CODE: Final[Mapping[str, str]] = {
    "provider.response_failed": (
        "the same turn was lost with three upstreams in a row and is given up by that name; what each loss "
        "was stands in log and console"
    ),
    **dict.fromkeys(
        (
            "provider.handshake_timeout",
            "provider.silent",
            "provider.unconfigured",
            "provider.stalled",
            "provider.unreachable",
        ),
        "a time-out that nobody provoked: these runs wait a tenth of the defaults (1.5 s at most), many of "
        "them at once, and nobody measured what they waited for",
    ),
}
"""By what was said, of any fault."""


def why(said: str) -> str:
    """A sentence; empty where nobody has looked yet."""
    return _OF_CODE.get(said, "")
