"""Chromium with a microphone that is a file, and pages that may not write a single error to their console.

What lives here: fixtures. What never will: what a page must do.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Playwright,
    expect,
    sync_playwright,
)

from tests.e2e.console_stage import WIDE, ConsoleStage
from tests.e2e.line import Line
from tests.e2e.outage import SPOKEN_S
from tests.e2e.sound import Floats, noise, write_microphone
from tests.e2e.stage import WEB, Stage
from tests.e2e.talking import OUTAGE_NOISE, watch

RESULTS = Path(__file__).parents[2] / "test-results"
FAKE_MICROPHONE = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]

# Refusals that a test asked for; the browser's network layer tells them, too.
REFUSALS = ["404", "503", "401", "Failed to load resource", "ERR_"]

OpenPage = Callable[..., Page]


@pytest.fixture(scope="session")
def web_client(project: Path) -> Path:
    """The built page."""
    if not (WEB / "index.html").is_file():
        pytest.skip("the web client is not built: run `make web`")
    return project / "web"


@pytest.fixture(scope="module")
def driver() -> Iterator[Playwright]:
    # One module each: a driver that lives longer keeps an event loop alive under the tests of other folders.
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def launch(driver: Playwright, chromium: Path, web_client: Path) -> Iterator[Callable[..., Browser]]:
    """A browser with these arguments; one for each set of arguments and module."""
    browsers: dict[tuple[str, ...], Browser] = {}

    def start(*args: str) -> Browser:
        if args not in browsers:
            every = ["--no-sandbox", *args]
            browsers[args] = driver.chromium.launch(executable_path=str(chromium), headless=True, args=every)
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
        # JPEG takes half the time of PNG: there are hundreds.
        page.screenshot(path=str(RESULTS / f"{name}.jpg"))

    return take


@pytest.fixture(scope="session")
def sound() -> Floats:
    """Long enough to speak before, through and after an outage."""
    return noise(SPOKEN_S)


@pytest.fixture(scope="session")
def long_microphone(tmp_path_factory: pytest.TempPathFactory, sound: Floats) -> Path:
    return write_microphone(tmp_path_factory.mktemp("sound") / "microphone.wav", sound)


@pytest.fixture
def line(stage: Stage) -> Iterator[Line]:
    """A network before the scripted gateway."""
    with Line(stage.port).running() as running:
        yield running


@pytest.fixture
def page(open_page: OpenPage, line: Line, long_microphone: Path) -> Page:
    """A page behind the line, whose link is watched."""
    tolerated = [*OUTAGE_NOISE, "503"]
    opened = open_page(f"{line.url}/?taps=1&processing=off", microphone=long_microphone, tolerate=tolerated)
    watch(opened)
    return opened


@pytest.fixture
def console_stage() -> Iterator[ConsoleStage]:
    """What tells the console's page what the test wants."""
    with ConsoleStage().running() as running:
        yield running


@pytest.fixture
def open_console(open_page: OpenPage, console_stage: ConsoleStage) -> Callable[..., Page]:
    """Opens the console at one of its addresses."""

    def start(place: str = "sessions", **context: Any) -> Page:
        context = {"viewport": WIDE, "reduced_motion": "reduce", **context}
        page = open_page(f"{console_stage.url}/console#/{place}", args=[], tolerate=REFUSALS, **context)
        expect(page.get_by_role("navigation", name="Console")).to_be_visible()
        return page

    return start
