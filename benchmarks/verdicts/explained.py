"""Why a verdict was wrong, where that is known and stays so.

What lives here: a sentence for each miss that was looked at. What never will: counting.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from benchmarks.verdicts.truth import HEALTHY

_WHY: Final[Mapping[tuple[str, str], str]] = {
    ("ignore append", HEALTHY): (
        "the gateway does not listen itself: that an upstream hears nothing of what is spoken only the user "
        "knows, until something else is owed. A doctor, who knows that he spoke, finds it"
    ),
    ("mute", HEALTHY): "as of an upstream that ignores sound, where only sound followed",
    ("half-open", "provider.response_failed"): (
        "the third upstream in a row was lost in the same turn: the turn is given up by name, the loss "
        "stands in the log"
    ),
    ("mute", "provider.response_failed"): "as above",
}
"""By fault and by what was said."""


def why(case: str, side: str, said: str) -> str:  # noqa: ARG001 - a reason may hang on the side, too
    """A sentence; empty where nobody has looked yet."""
    return _WHY.get((case, said), "")
