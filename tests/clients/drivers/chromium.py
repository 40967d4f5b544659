"""@openai/agents-realtime in a real Chromium: a page of the gateway's own origin, the library's own bundle.

What lives here: the browser, the page and its modules. What happens in it is `node/page.mjs`.
What never will: an import of this project.
"""

from __future__ import annotations

import base64
import os
import shutil
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Page, Route, async_playwright

from tests.clients.drivers.stagecraft import (
    BASE_URL,
    MODEL,
    SOCKET_URL,
    TEXT,
    TOOL_TEXT,
    is_killed,
    pcm,
    play,
)

_NODE: Final = Path(__file__).resolve().parent.parent / "node"
_LIBRARY: Final = _NODE / "node_modules/@openai/agents-realtime/dist/bundle"
_EXAMPLE: Final = _NODE.parent.parent.parent / "examples" / "agents_realtime.html"
_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_PAGE: Final = """<!doctype html><title>agents-realtime</title>
<script type="importmap">
{"imports": {"@openai/agents-realtime": "/clients/openai-realtime-agents.mjs"}}
</script>
<script type="module">import { run } from "/clients/page.mjs"; window.run = run;</script>"""


def browser() -> str:
    names = (os.environ.get("HOLDFAST_CHROMIUM", ""), *_NAMES)
    return next(filter(None, map(shutil.which, names)))


async def serve(route: Route) -> None:
    """The page's modules; everything else, and the socket above all, goes to the gateway."""
    name = route.request.url.rsplit("/", 1)[-1]
    path = next(path for path in (_NODE / name, _LIBRARY / name) if path.is_file())
    await route.fulfill(content_type="text/javascript", body=path.read_text())


async def example(page: Page, origin: str) -> str:
    """The page of `examples/`, as a person uses it."""
    await page.route("**/*.mjs", serve)
    await page.goto(f"{origin}/healthz?gateway={origin.replace('http', 'ws', 1)}")
    await page.set_content(_EXAMPLE.read_text())
    await page.click("#ask")
    await page.wait_for_selector("#answer[data-status]")
    return str(await page.inner_text("#answer"))


async def run(scene: str) -> str:
    origin = BASE_URL.removesuffix("/v1")
    told: dict[str, Any] = {
        "url": SOCKET_URL,
        "model": MODEL,
        "TEXT": TEXT,
        "TOOL_TEXT": TOOL_TEXT,
        "isKilled": is_killed(),
        "pcm": base64.b64encode(pcm()).decode(),
    }
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=browser(), args=["--no-sandbox"])
        page = await chromium.new_page(bypass_csp=True)
        await page.route(f"{origin}/clients/**", serve)
        # A page that came over no network may not open a socket to this machine; the gateway's own may.
        await page.goto(f"{origin}/healthz")
        if scene == "example":
            return await example(page, origin)
        await page.set_content(_PAGE)
        await page.wait_for_function("() => window.run !== undefined")
        return str(await page.evaluate("([scene, told]) => window.run(scene, told)", [scene, told]))


if __name__ == "__main__":
    play(run)
