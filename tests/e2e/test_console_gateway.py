"""The console before the real gateway: what befalls a real call is named on both pages within a second."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from holdfast.emulator.options import EmulatorOptions
from tests.e2e.conftest import OpenPage
from tests.e2e.gateways import EmulatorThread, GatewayProcess, running
from tests.e2e.line import Line
from tests.e2e.talking import OUTAGE_NOISE, entered, status, talk, watch
from tests.e2e.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.alone, pytest.mark.timeout(120)]

NAMED_S = 1.0
AT_ONCE = {
    "HOLDFAST_LIMITS__DRAIN_BUSY_S": "0.5",
    "HOLDFAST_LIMITS__RETRY_BASE_S": "0.05",
    "HOLDFAST_LIMITS__RETRY_CAP_S": "0.1",
    "HOLDFAST_LIMITS__BREAKER_OPEN_S": "0.3",
    "HOLDFAST_LIMITS__BREAKER_ALONE_S": "0.3",
}
"""What is known of a fault is measured here, not how patiently a failed upstream is dialled again: none is
left alone for long.
"""
LOST_LINE = "Connection lost — still recording"


@pytest.fixture
def provider() -> Iterator[EmulatorThread]:
    thread = EmulatorThread(EmulatorOptions())
    with thread.running():
        yield thread


@pytest.fixture
def gateway(web_client: Path, tmp_path: Path, provider: EmulatorThread) -> Iterator[GatewayProcess]:
    upstream = {"OPENAI_API_KEY": "sk-test", "OPENAI_BASE_URL": provider.emulator.http_base}
    with running(tmp_path, **upstream, **AT_ONCE) as process:
        yield process


@pytest.fixture
def line(gateway: GatewayProcess) -> Iterator[Line]:
    with Line(gateway.port).running() as opened:
        yield opened


@pytest.fixture
def call(open_page: OpenPage, line: Line, long_microphone: Path) -> Page:
    page = open_page(f"{line.url}/?taps=1&processing=off", microphone=long_microphone, tolerate=OUTAGE_NOISE)
    watch(page)
    talk(page)
    expect(page.locator("[data-mic=live]")).to_be_visible()
    entered(page, "ready", 0)
    return page


@pytest.fixture
def desk(open_page: OpenPage, gateway: GatewayProcess, call: Page) -> Page:
    """The console's page of that call."""
    page = open_page(f"{gateway.url}/console", args=[], viewport={"width": 1360, "height": 1000})
    session = page.get_by_role("table", name="Sessions").get_by_role("link")
    expect(session).to_have_count(1)
    session.click()
    expect(page.get_by_role("list", name="Events")).to_be_visible()
    return page


def named(here: Locator, there: Locator) -> tuple[float, float]:
    """Seconds until each of two places shows something, from now on."""
    begun = time.monotonic()
    seen: dict[int, float] = {}

    def both() -> bool:
        for number, place in enumerate((here, there)):
            if number not in seen and place.count() > 0:
                seen[number] = time.monotonic() - begun
        return len(seen) == 2

    until(both, "both pages name it", 10)
    return seen[0], seen[1]


def test_three_faults_of_a_real_call_are_named_on_both_pages_within_a_second(
    call: Page,
    desk: Page,
    provider: EmulatorThread,
    line: Line,
    picture: Callable[[Page, str], None],
) -> None:
    emulator = provider.emulator
    events = desk.get_by_role("list", name="Events")
    took: dict[str, tuple[float, float]] = {}

    provider.do(lambda: emulator.go_dark("refuse"))
    code = "provider.connection_lost"
    took[code] = named(call.locator(".hf-fault .hf-code"), events.get_by_text(code).last)
    picture(call, "three-faults-1-page")
    picture(desk, "three-faults-1-console")
    provider.do(emulator.come_back)
    expect(call.locator(".hf-fault")).to_have_count(0, timeout=20_000)

    line.cut()
    code = "user_network.connection_lost"
    took[code] = named(status(call).get_by_text(LOST_LINE), events.get_by_text(code).last)
    picture(call, "three-faults-2-page")
    picture(desk, "three-faults-2-console")
    line.mend()
    entered(call, "ready", line.mended_at)

    emulator.set_faults(["http:401"])
    provider.do(emulator.kill)
    code = "configuration.invalid_api_key"
    took[code] = named(call.get_by_text(code).first, events.get_by_text(code).last)
    picture(call, "three-faults-3-page")
    picture(desk, "three-faults-3-console")
    desk.get_by_role("button", name="Explain").click()
    expect(desk.get_by_label("Explanation")).to_contain_text(code)
    print(
        "".join(
            f"\n{code}: page {page:.2f} s, console {console:.2f} s" for code, (page, console) in took.items()
        )
    )

    assert max(seconds for both in took.values() for seconds in both) <= NAMED_S, took
