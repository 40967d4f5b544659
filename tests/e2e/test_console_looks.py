"""Every state of the console: nothing for axe to find, nothing that scrolls sideways, pictures to look at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.e2e import console_scenes as scenes
from tests.e2e.console_stage import WIDE, ConsoleStage, go, now
from tests.e2e.test_looks import AXE, complaints

pytestmark = pytest.mark.browser

NARROW: ViewportSize = {"width": 360, "height": 740}
LOOKS: dict[str, dict[str, Any]] = {
    "wide-light": {"viewport": WIDE, "color_scheme": "light"},
    "wide-dark": {"viewport": WIDE, "color_scheme": "dark"},
    "narrow-light": {"viewport": NARROW, "color_scheme": "light"},
    "narrow-dark": {"viewport": NARROW, "color_scheme": "dark"},
    "forced": {"viewport": WIDE, "forced_colors": "active"},
    "zoomed": {"viewport": {"width": 340, "height": 256}, "color_scheme": "light"},
}
PLACES = {
    "sessions": "sessions",
    "filtered-away": "sessions?q=no-such-session",
    "session": "session/{one}?t=24.1",
    "closer": "session/{one}?t=24.1&zoom=6&table=turns",
    "explained": "session/{one}?explain=1",
    "unknown-session": "session/s-9999",
    "latency": "latency?bucket=1000",
    "latency-tables": "latency?table=segments,silence,histogram",
    "faults": "faults",
    "faults-narrowed": "faults?party=provider&span=1h&table=faults",
    "cost": "cost",
    "setup": "setup",
}
EMPTY = ("sessions", "latency", "faults", "cost")


@pytest.fixture(params=LOOKS)
def look(request: Any, open_console: Callable[..., Page]) -> tuple[str, Page]:
    page = open_console(**LOOKS[request.param])
    page.evaluate(AXE.read_text())
    return request.param, page


@pytest.mark.timeout(180)
def test_every_state(
    look: tuple[str, Page], console_stage: ConsoleStage, picture: Callable[[Page, str], None]
) -> None:
    name, page = look
    found: dict[str, list[str]] = {}

    def judge(state: str) -> None:
        expect(page.locator("h1, .c-refused").first).to_be_visible()
        expect(page.locator("[aria-busy=true]")).to_have_count(0)
        expect(page.get_by_text("Asking the gateway")).to_have_count(0)
        picture(page, f"console-{name}-{state}")
        if trouble := complaints(page):
            found[state] = trouble
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if wide > 0:
            found.setdefault(state, []).append(f"scrolls sideways by {wide} px")

    for place in EMPTY:
        go(page, place)
        judge(f"empty-{place}")
    rows = scenes.troubled(now())
    console_stage.show(rows)
    for state, place in PLACES.items():
        go(page, place.format(one=rows[0]["id"]))
        judge(state)
    go(page, "sessions")
    console_stage.show(
        scenes.calm(now()), gateway=scenes.gateway(12, state="draining", banner="One of 4 workers.")
    )
    expect(page.get_by_role("heading", level=1)).to_have_text("All 12 conversations go well.")
    judge("calm")
    console_stage.reachable = False
    console_stage.cut()
    expect(page.get_by_text("The line to the gateway is lost.")).to_be_visible()
    judge("lost")

    assert not found, "\n".join(f"{state}: {line}" for state, lines in found.items() for line in lines)
