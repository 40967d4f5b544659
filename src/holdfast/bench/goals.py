"""What this project wants to reach, as data: which figure, which bound, met or not.

What lives here: the table and its judgement. Pure.
What never will: measuring. A goal whose figure a run does not have is not judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from holdfast.bench.figures import Figure


@dataclass(frozen=True, slots=True)
class Goal:
    """One of them."""

    what: str
    figure: str
    bound: float
    is_least: bool = False
    """Whether the bound is the least that will do; else the most."""
    stretch: float | None = None

    @property
    def also(self) -> str:
        """Where nobody ran who joins no frames: the gateway, which joins none while there is time."""
        return self.figure.replace("unjoined", "gateway")


GOALS: Final = (
    Goal("CPU for a message, /v1/realtime", "cpu unjoined.json / nginx.json, 20 ms", 1.15),
    Goal("the same, may come back", "cpu unjoined.json-resume / nginx.json, 20 ms", 1.15),
    Goal("CPU for a message, browser protocol", "cpu unjoined.page / nginx.json, 20 ms", 1.15),
    Goal("the same, bare PCM", "cpu unjoined.binary / nginx.json, 20 ms", 1.15),
    Goal("LiteLLM's beside /v1/realtime", "cpu litellm.json / unjoined.json, 20 ms", 2.8, is_least=True),
    Goal(
        "LiteLLM's beside the browser protocol", "cpu litellm.json / unjoined.page, 20 ms", 2.8, is_least=True
    ),
    Goal(
        "naive aiohttp's beside /v1/realtime", "cpu aiohttp.json / unjoined.json, 20 ms", 2.5, is_least=True
    ),
    Goal(
        "naive aiohttp's beside the browser protocol",
        "cpu aiohttp.json / unjoined.page, 20 ms",
        2.5,
        is_least=True,
    ),
    Goal(
        "sessions on one core beside LiteLLM",
        "sessions on one core unjoined.json / litellm.json",
        6.5,
        is_least=True,
    ),
    Goal(
        "the same, browser protocol",
        "sessions on one core unjoined.page / litellm.json",
        6.5,
        is_least=True,
    ),
    Goal(
        "sessions on one core beside nginx",
        "sessions on one core unjoined.json / nginx.json",
        0.8,
        is_least=True,
        stretch=1.0,
    ),
    Goal(
        "the same, browser protocol",
        "sessions on one core unjoined.page / nginx.json",
        0.8,
        is_least=True,
        stretch=1.0,
    ),
    Goal(
        "CPU for a second of speech beside nginx, frames joined",
        "speech gateway.json / nginx.json, 400 sessions, 20 ms",
        1.0,
    ),
    Goal("the same, browser protocol", "speech gateway.page / nginx.json, 400 sessions, 20 ms", 1.0),
    Goal("added p99, /v1/realtime", "added p99 unjoined.json, 400 sessions, 20 ms", 1.0),
    Goal("added p99, browser protocol", "added p99 unjoined.page, 400 sessions, 20 ms", 1.0),
    Goal("the same, frames joined, /v1/realtime", "added p99 gateway.json, 400 sessions, 20 ms", 1.0),
    Goal("the same, frames joined, browser protocol", "added p99 gateway.page, 400 sessions, 20 ms", 1.0),
    Goal(
        "set-ups beside LiteLLM, /v1/realtime",
        "set-ups gateway.json / litellm.json",
        20.0,
        is_least=True,
        stretch=30.0,
    ),
    Goal(
        "set-ups beside LiteLLM, browser protocol",
        "set-ups gateway.page / litellm.json",
        20.0,
        is_least=True,
        stretch=30.0,
    ),
    Goal("idle session, /v1/realtime", "idle session gateway.json", 40.0, stretch=20.0),
    Goal("idle session, browser protocol", "idle session gateway.page", 40.0, stretch=20.0),
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A goal and what was found."""

    goal: Goal
    found: Figure

    @property
    def is_met(self) -> bool:
        """Whether the median keeps the bound."""
        return self._keeps(self.goal.bound)

    @property
    def word(self) -> str:
        """For people."""
        if self.goal.stretch is not None and self._keeps(self.goal.stretch):
            return "met, and the stretch"
        return "met" if self.is_met else "NOT MET"

    @property
    def wanted(self) -> str:
        """The bound, for people."""
        stretch = "" if self.goal.stretch is None else f", stretch {self.goal.stretch:g}"
        return f"{'>=' if self.goal.is_least else '<='} {self.goal.bound:g}{stretch}"

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "what": self.goal.what,
            "figure": self.found.name,
            "unit": self.found.unit,
            "found": self.found.spread.median,
            "low": self.found.spread.low,
            "high": self.found.spread.high,
            "wanted": self.wanted,
            "met": self.is_met,
        }

    def _keeps(self, bound: float) -> bool:
        found = self.found.spread.median
        return found >= bound if self.goal.is_least else found <= bound


def judge(figures: Sequence[Figure]) -> list[Verdict]:
    """Those goals for which there is a figure."""
    by_name = {figure.name: figure for figure in figures}
    found = [(goal, by_name.get(goal.figure) or by_name.get(goal.also)) for goal in GOALS]
    return [Verdict(goal, figure) for goal, figure in found if figure is not None]
