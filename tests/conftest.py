"""What every test may ask for, and what CI does not let pass.

What lives here: where Chromium, the reference recordings and the speech files are, with the reason of a skip;
and the rule that a skipped browser or speech test is a failure where HOLDFAST_REQUIRE_BROWSER is set.
What never will: fixtures of one room's own tests.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
import uvloop
from hypothesis import HealthCheck, Phase, settings

PROJECT = Path(__file__).resolve().parent.parent
SPEECH_FILES = PROJECT / "src" / "holdfast" / "_speech"
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
NOT_SKIPPABLE = ("browser", "speech")
# Tests speak to one worker of the engine; a gateway that starts as many as there are processors starts later.
os.environ.setdefault("HOLDFAST_ENGINE__WORKERS", "1")

# Time is no matter of a test: on a busy machine an example may take any of it.
# Nor is what failed run again and again under a tracer to explain it: time would be over before it is told.
settings.register_profile(
    "untimed",
    deadline=None,
    phases=[phase for phase in Phase if phase is not Phase.explain],
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def project() -> Path:
    """The root of the checkout."""
    return PROJECT


@pytest.fixture(scope="session")
def chromium() -> Path:
    """A Chromium to drive: HOLDFAST_CHROMIUM, or the first on the path."""
    for name in (os.environ.get("HOLDFAST_CHROMIUM", ""), *CHROMIUM_NAMES):
        found = shutil.which(name) if name else None
        if found:
            return Path(found)
    pytest.skip("no Chromium: install it, or name one in HOLDFAST_CHROMIUM")


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of reference recordings, which the project does not carry."""
    beside = Path(os.environ.get("HOLDFAST_REFERENCE", PROJECT.parent / "shared"))
    if not (beside / "speech" / "manifest.tsv").is_file():
        pytest.skip("no reference recordings: name their folder in HOLDFAST_REFERENCE")
    return beside / "speech"


@pytest.fixture(scope="session")
def speech_files() -> Path:
    """The folder of the embedded engine's files."""
    if not (SPEECH_FILES / "silero_vad_16k_op15.onnx").is_file():
        pytest.skip("no speech files: run `make speech`")
    return SPEECH_FILES


@pytest.fixture(autouse=True)
def logging_begins_anew() -> Iterator[None]:
    """A command that is run within the tests configures logging for the process: not for the next test."""
    yield
    structlog.reset_defaults()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[Any]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    required = os.environ.get("HOLDFAST_REQUIRE_BROWSER") and any(map(item.get_closest_marker, NOT_SKIPPABLE))
    if required and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing of it may be: {_reason(report.longrepr)}"
    return report


def _reason(longrepr: object) -> str:
    return str(longrepr[2]) if isinstance(longrepr, tuple) else str(longrepr)


def pytest_asyncio_loop_factories(item: pytest.Item) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop that `holdfast serve` runs, in whose place the express waits; `plain_loop`: Python's own."""
    if item.get_closest_marker("plain_loop"):
        return {"asyncio": asyncio.new_event_loop}
    return {"uvloop": uvloop.new_event_loop}
