"""Every state of the page: nothing for axe to find, nothing that scrolls sideways, pictures to look at."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import OpenPage
from tests.e2e.scenes import SCENES
from tests.e2e.stage import Stage

pytestmark = pytest.mark.browser

AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
# No rule that is on reads style sheets, and the page has neither media nor frames: they are not waited for.
AXE_OPTIONS = "{ resultTypes: ['violations'], preload: false, iframes: false }"
WIDE = {"width": 1280, "height": 860}
NARROW = {"width": 320, "height": 640}
# Forced colours and low windows (what zooming to 400 % makes of a screen) are looked at once each.
LOOKS: dict[str, dict[str, Any]] = {
    "wide-light": {"viewport": WIDE, "color_scheme": "light"},
    "wide-dark": {"viewport": WIDE, "color_scheme": "dark"},
    "narrow-light": {"viewport": NARROW, "color_scheme": "light"},
    "narrow-dark": {"viewport": NARROW, "color_scheme": "dark"},
    "forced": {"viewport": WIDE, "forced_colors": "active"},
    "zoomed": {"viewport": {"width": 320, "height": 256}, "color_scheme": "light"},
}


def play(page: Page, scene: str) -> None:
    """Bring the page into a scene, from the beginning."""
    page.evaluate(
        """([actions, blank]) => {
            const { store } = __holdfast.client;
            const config = window.__config ??= store.getState().config;
            store.dispatch({ type: 'reset' , config: blank ? undefined : config });
            const now = performance.timeOrigin + performance.now();
            for (const action of actions) {
                for (const field of ['since', 'lostAt', 'retryAt']) {
                    if (action.link?.[field] !== undefined) action.link[field] += now;
                }
                store.dispatch(action);
            }
        }""",
        [SCENES[scene], scene == "unavailable"],
    )


def complaints(page: Page) -> list[str]:
    result: Any = page.evaluate(f"async () => axe.run(document, {AXE_OPTIONS})")
    return [
        f"{each['id']}: {each['help']} at {[node['target'] for node in each['nodes']]}"
        for each in result["violations"]
    ]


@pytest.fixture(params=LOOKS)
def gallery(request: Any, open_page: OpenPage, stage: Stage) -> tuple[str, Page]:
    page = open_page(f"{stage.url}/?taps=1", reduced_motion="reduce", **LOOKS[request.param])
    expect(page.get_by_text("Signed in as")).to_be_visible()
    page.evaluate(AXE.read_text())
    return request.param, page


@pytest.mark.timeout(180)
def test_every_state(gallery: tuple[str, Page], picture: Callable[[Page, str], None]) -> None:
    name, page = gallery
    found: dict[str, list[str]] = {}
    for scene in SCENES:
        play(page, scene)
        picture(page, f"{name}-{scene}")
        if trouble := complaints(page):
            found[scene] = trouble
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if wide > 0:
            found.setdefault(scene, []).append(f"scrolls sideways by {wide} px")
    assert not found, "\n".join(f"{scene}: {line}" for scene, lines in found.items() for line in lines)
