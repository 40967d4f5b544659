"""Seed after seed for a budget of seconds.

What lives here: which seeds, how many, for how long; a failure names its seed.
What never will: what a seed leads to.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable

BUDGET_S = float(os.environ.get("HOLDFAST_PROPERTY_SECONDS", "10"))
"""How long fresh seeds are tried; 60 in the nightly run, and for the issue's proof."""
EXAMPLES_MAX = int(os.environ.get("HOLDFAST_PROPERTY_EXAMPLES", "1500"))
"""With the same seeds everywhere a slow machine proves less and a fast one nothing new."""


def first_seed() -> int:
    """The same seeds each time, so that a change is judged and not its luck; `random` in the nightly run."""
    given = os.environ.get("HOLDFAST_PROPERTY_SEED", "1")
    return random.SystemRandom().randrange(2**32) if given == "random" else int(given)


def try_seeds(steps_of: Callable[[int], int], budget_s: float = BUDGET_S) -> str:
    """Live one seed after another, each answering its steps, until `budget_s` or the examples are spent;
    answers what was done.
    """
    first = first_seed()
    deadline = time.monotonic() + budget_s
    examples = steps = 0
    while time.monotonic() < deadline and examples < EXAMPLES_MAX:
        seed = first + examples
        try:
            steps += steps_of(seed)
        except Exception as error:
            raise AssertionError(f"seed {seed}: {error}") from error
        examples += 1
    assert examples > 0
    return f"{examples} examples, {steps} steps, {budget_s:g} s, seeds from {first}"
