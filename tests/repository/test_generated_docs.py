"""Generated pages say what the code says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_no_generated_page_is_stale(project: Path) -> None:
    done = subprocess.run(
        [sys.executable, "scripts/generate_docs.py", "--check"],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout + done.stderr == ""
    assert done.returncode == 0
