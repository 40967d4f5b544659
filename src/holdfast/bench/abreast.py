"""Two candidates on one core at once, under the Python load: `python -m holdfast.bench.abreast TASK`.

What lives here: one pair of measurements.
What never will: more than one pair in one process.

The pace of a shared machine changes from moment to moment, by far more than what is looked for. Candidates
that run one after the other see different paces; these two see the same one, message by message, as the
scheduler interleaves them. Each one's own processor time is counted, not the other's.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict, dataclass
from typing import Any

import uvloop

from holdfast.bench.load import measure
from holdfast.bench.plans import Plan, Sample


@dataclass(frozen=True, slots=True)
class Task:
    """Two plans of the same length."""

    first: Plan
    second: Plan

    @classmethod
    def of(cls, told: dict[str, Any]) -> Task:
        """From JSON."""
        return cls(Plan(**told["first"]), Plan(**told["second"]))


async def measure_both(task: Task) -> tuple[Sample, Sample]:
    """Run both. Raises TimeoutError when the sessions do not become ready."""
    all_ready = asyncio.Barrier(2)
    async with asyncio.TaskGroup() as group:
        first = group.create_task(measure(task.first, all_ready))
        second = group.create_task(measure(task.second, all_ready))
    return first.result(), second.result()


def main(task: Task) -> None:
    """One pair on uvloop, printed."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found = runner.run(measure_both(task))
    sys.stdout.write(json.dumps([asdict(sample) for sample in found]) + "\n")


if __name__ == "__main__":
    main(Task.of(json.loads(sys.argv[1])))
