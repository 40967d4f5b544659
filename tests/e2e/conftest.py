"""Chromium with a microphone that is a file, and pages that may not write a single error to their console.

What lives here: fixtures. What never will: what a page must do.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, sync_playwright

from stage import WEB, Stage

RESULTS = Path(__file__).parents[2] / "test-results"
FAKE_MICROPHONE = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]

OpenPage = Callable[..., Page]


def _missing(reason: str) -> None:
    if os.environ.get("HOLDFAST_REQUIRE_BROWSER"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the distribution's Chromium."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if (path := shutil.which(name)) is not None:
            break
    else:
        _missing("no Chromium on this machine: apt install chromium")
        raise AssertionError
    if not (WEB / "index.html").exists():
        _missing("the web client is not built: npm --prefix web run build")
    return path


@pytest.fixture(scope="module")
def driver() -> Iterator[Playwright]:
    # One module each: a driver that lives longer keeps an event loop alive under the tests of other folders.
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def launch(driver: Playwright, chromium: str) -> Iterator[Callable[..., Browser]]:
    """A browser with these arguments; one for each set of arguments and module."""
    browsers: dict[tuple[str, ...], Browser] = {}

    def start(*args: str) -> Browser:
        if args not in browsers:
            every = ["--no-sandbox", *args]
            browsers[args] = driver.chromium.launch(executable_path=chromium, headless=True, args=every)
        return browsers[args]

    yield start
    for browser in browsers.values():
        browser.close()


@pytest.fixture
def stage() -> Iterator[Stage]:
    with Stage().running() as running:
        yield running


@pytest.fixture
def open_page(launch: Callable[..., Browser]) -> Iterator[OpenPage]:
    """Opens a page; whatever its console calls an error fails the test at the end."""
    complaints: list[str] = []
    contexts: list[BrowserContext] = []
    tolerated: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            complaints.append(f"{message.type}: {message.text}")

    def start(
        url: str,
        *,
        microphone: Path | None = None,
        args: list[str] | None = None,
        tolerate: list[str] | None = None,
        **context: Any,
    ) -> Page:
        chosen = list(FAKE_MICROPHONE if args is None else args)
        if microphone is not None:
            chosen.append(f"--use-file-for-fake-audio-capture={microphone}%noloop")
        opened = launch(*chosen).new_context(**context)
        contexts.append(opened)
        tolerated.extend(tolerate or [])
        page = opened.new_page()
        page.on("console", heard)
        page.on("pageerror", lambda error: complaints.append(f"exception: {error}"))
        page.goto(url)
        return page

    yield start
    for opened in contexts:
        with contextlib.suppress(Exception):
            opened.close()
    left = [each for each in complaints if not any(word in each for word in tolerated)]
    assert not left, "\n".join(left)


@pytest.fixture
def picture() -> Callable[[Page, str], None]:
    """Keeps a screenshot in test-results/."""
    RESULTS.mkdir(exist_ok=True)

    def take(page: Page, name: str) -> None:
        page.screenshot(path=str(RESULTS / f"{name}.png"))

    return take
