"""When the process looks for garbage in cycles: seldom at everything, and never at what it began with.

What lives here: the collector's settings for a process that carries audio.
What never will: freeing anything; what ends goes with its last user (`runtime.shell`).
"""

from __future__ import annotations

import gc
from typing import Final

NEW: Final = 700
"""So many objects more than went: the new ones are looked at (CPython's own figure)."""
YOUNG: Final = 3
"""After so many of these looks, what they left over: 0.7 ms. CPython's 10 take 2 to 4."""
ALL: Final = 3_000
"""After so many of those, everything: 50 to 100 ms with 400 sessions, in which nobody's audio passes. By
CPython's 10 it came several times while sessions began, and found ten objects.
"""


def settle() -> None:
    """All is started: what there is now (modules, routes: 130,000 objects) is never looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW, YOUNG, ALL)
