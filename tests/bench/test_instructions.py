"""The driver that callgrind counts carries every row's messages; counting itself is `make instructions`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from benchmarks.instructions.__main__ import BOUNDS
from benchmarks.instructions.faces import FACES


def test_every_message_of_every_row_comes_out(project: Path) -> None:
    source = project / "src"
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.instructions.driver", *FACES],
        cwd=project,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(source)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    counted = json.loads(done.stdout)
    assert [*counted] == ["nothing", *FACES]
    assert min(counted.values()) >= 200


def test_every_row_has_a_bound_in_every_environment_that_is_known() -> None:
    known = json.loads(BOUNDS.read_text())

    assert known
    assert {tuple(bounds) for bounds in known.values()} == {tuple(FACES)}
