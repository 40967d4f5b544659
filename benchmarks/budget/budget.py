"""What was found, as data: a column for each candidate and face, a row for each layer.

What lives here: the report, from samples and back from JSON.
What never will: taking samples, drawing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from benchmarks.budget import layers
from benchmarks.budget.flame import grafted
from benchmarks.budget.layers import INTERPRETER, LAYERS, Stack

MEASURED_FACES: Final = {"json": "/v1/realtime", "page": "as the page talks"}
_SEEN_AS: Final = {layers.WAKE: layers.SEND}
"""What happens inside of a call that py-spy sees only from outside."""


@dataclass(slots=True)
class Column:
    """One candidate on one face. Microseconds are of one core, for one message."""

    name: str
    face: str
    cpu_us: float = 0.0
    """By the scheduler's account, which samples have no part in."""
    sampled_us: float = 0.0
    samples: int = 0
    layers: dict[str, float] = field(default_factory=dict)
    modules: dict[str, float] = field(default_factory=dict)
    """The interpreter's part, by the Python module that had it."""
    flame: str = ""
    """The picture's file, beside the report."""

    @property
    def title(self) -> str:
        """How a table names it."""
        return f"{self.name}, {MEASURED_FACES[self.face]}"

    @property
    def error(self) -> float:
        """By how much the sum of the layers is over the measured time."""
        return self.sampled_us / self.cpu_us - 1 if self.cpu_us else 0.0

    def fill(self, cpu_us: float, stacks: Iterable[Stack], us_of_a_sample: float) -> None:
        """From what was measured and what perf saw at the same time."""
        counted = layers.by_layer(stacks)
        self.cpu_us = cpu_us
        self.samples = counted.total()
        self.layers = {name: counted[name] * us_of_a_sample for name in LAYERS if counted[name]}
        self.sampled_us = sum(self.layers.values())

    def divide(self, seen: Mapping[str, int]) -> None:
        """The interpreter's part, by what py-spy saw."""
        modules = Counter[str]()
        for line, count in seen.items():
            stack = layers.told(line)
            if stack and layers.told_layer(stack) == INTERPRETER:
                modules[layers.module(stack)] += count
        self.modules = layers.parted(self.layers.get(INTERPRETER, 0.0), modules)


@dataclass(slots=True)
class Budget:
    """A whole run."""

    began: str
    revision: dict[str, Any]
    machine: dict[str, Any]
    shape: dict[str, Any]
    columns: list[Column] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """For machines, and for the page."""
        return {"kind": "holdfast.budget", **asdict(self)}

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Budget:
        """From JSON."""
        fields = {name: value for name, value in told.items() if name not in {"kind", "columns"}}
        return cls(**fields, columns=[Column(**column) for column in told["columns"]])


def pictured(
    stacks: Iterable[Stack], seen: Mapping[str, int], us_of_a_sample: float
) -> tuple[dict[tuple[str, ...], float], dict[str, str]]:
    """What a flame graph shows, in microseconds for one message, and the colour of each name.

    py-spy says what stands on what, perf how wide it is and what is inside of the kernel.
    """
    colours: dict[str, str] = {}
    inside: dict[str, dict[tuple[str, ...], float]] = {}
    for stack in stacks:
        found = layers.layer(stack)
        kind = _SEEN_AS.get(found, found)
        names = tuple(f"{frame.name} [kernel]" for frame in reversed(stack) if frame.is_kernel)[2:]
        colours.update(dict.fromkeys([*names, *([kind] if names else [])], "kernel"))
        costs = inside.setdefault(kind, {})
        costs[names] = costs.get(names, 0.0) + us_of_a_sample
    outside: dict[tuple[str, ...], float] = {}
    kinds: dict[tuple[str, ...], str] = {}
    for line, count in seen.items():
        calls = layers.told(line)
        if not calls:
            continue
        key = tuple(layers.shown(calls))
        outside[key] = outside.get(key, 0.0) + count
        kinds[key] = layers.told_layer(calls)
        colours.update({call.title: _colour(call) for call in calls})
    return grafted(outside, inside, lambda stack: kinds[stack]), colours


def _colour(call: layers.Told) -> str:
    if call.is_python:
        return "holdfast" if call.file.startswith("holdfast") else "interpreter"
    found = layers.told_layer([call])
    return {"uvloop": "uvloop", "picows": "picows", "msgspec": "msgspec", "pybase64": "msgspec"}.get(
        found, "holdfast" if found == layers.COMPILED else "interpreter"
    )
