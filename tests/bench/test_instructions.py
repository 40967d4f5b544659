"""The driver that callgrind counts carries every row's messages; counting itself is `make instructions`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from benchmarks.instructions.__main__ import BOUNDS
from benchmarks.instructions.faces import FACES, here


def test_every_message_of_every_row_comes_out(project: Path) -> None:
    source, rows = project / "src", here()
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.instructions.driver", *rows],
        cwd=project,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(source)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    counted = json.loads(done.stdout)
    assert [*counted] == ["nothing", "nothing-express", *rows]
    assert min(counted.values()) >= 200


def test_every_row_has_a_bound_in_every_environment_that_is_known() -> None:
    known = json.loads(BOUNDS.read_text())

    assert known
    for environment, bounds in known.items():
        has_express = "express" in environment
        assert [*bounds] == [name for name, face in FACES.items() if has_express or not face.rides]
