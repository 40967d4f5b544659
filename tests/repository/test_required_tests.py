"""Where HOLDFAST_REQUIRE_BROWSER is set, a skipped browser or speech test is a failure."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SKIPPED = """
import pytest

@pytest.mark.browser
def test_page():
    pytest.skip("no Chromium here")

def test_other():
    pytest.skip("for a reason of its own")
"""


@pytest.mark.parametrize(("required", "outcome"), [("1", "1 failed, 1 skipped"), ("", "2 skipped")])
def test_a_browser_test_may_not_be_skipped_in_ci(
    project: Path, tmp_path: Path, required: str, outcome: str
) -> None:
    shutil.copy(project / "tests" / "conftest.py", tmp_path)
    (tmp_path / "test_page.py").write_text(SKIPPED)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n    browser\n    speech\n")

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(tmp_path)],
        env={**os.environ, "HOLDFAST_REQUIRE_BROWSER": required},
        capture_output=True,
        text=True,
        check=False,
    )

    assert outcome in done.stdout
    assert ("no Chromium here" in done.stdout) == bool(required)
