"""What the page finds by itself, provoked in a real browser: it is told in the table's words, by its code."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from holdfast.core.faults import FAULTS
from holdfast.emulator.options import EmulatorOptions
from tests.e2e.conftest import FAKE_MICROPHONE, OpenPage
from tests.e2e.found import PAGE_SCENARIOS
from tests.e2e.gateways import EmulatorThread, gateway
from tests.e2e.line import Line
from tests.e2e.outage import RING_S, TIMEOUT_S
from tests.e2e.sound import write_microphone
from tests.e2e.stage import Stage
from tests.e2e.talking import OUTAGE_NOISE, heard, status, talk
from tests.e2e.test_devices import KEEP_STREAM
from tests.e2e.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(TIMEOUT_S)]

SLEPT_S: Final = 11.0
"""Longer than any timer of a page that is awake can be late."""
BUSY: Final = """() => { navigator.mediaDevices.getUserMedia = () =>
    Promise.reject(new DOMException('Could not start audio source', 'NotReadableError')); }"""
"""What Chromium says when another program holds the device; no file that plays a microphone can be held."""
TYPE_WITHOUT_A_CLICK: Final = """
    window.AudioContext = class extends AudioContext {
        get state() { return 'suspended'; }
        resume() { return new Promise(() => undefined); }
    };
    const wait = setInterval(() => {
        if (window.__holdfast === undefined) return;
        clearInterval(wait);
        window.__holdfast.client.type('Hello');
    }, 50);
"""
"""Chromium without a screen lets every page sound; others leave `resume` pending until there was a tap."""


def told(page: Page, code: str) -> None:
    """The page tells this fault, and in the words of its row."""
    row = FAULTS[code]
    expect(page.locator(".hf-status")).to_have_attribute("data-fault", code, timeout=20_000)
    headline, detail = row.message.removesuffix("."), row.advice
    expect(status(page)).to_contain_text(headline)
    expect(page.locator(".hf-detail")).to_contain_text(detail)


def test_a_refused_microphone(open_page: OpenPage, stage: Stage) -> None:
    page = open_page(stage.url, args=["--use-fake-ui-for-media-stream=deny", FAKE_MICROPHONE[1]])
    talk(page)
    told(page, "user_device.microphone_denied")
    expect(page.get_by_text("user_device.microphone_denied")).to_be_visible()


def test_no_microphone(open_page: OpenPage, stage: Stage) -> None:
    page = open_page(stage.url, args=["--use-fake-ui-for-media-stream"])
    talk(page)
    told(page, "user_device.microphone_missing")


def test_a_microphone_that_another_program_holds(open_page: OpenPage, stage: Stage) -> None:
    page = open_page(stage.url)
    page.evaluate(BUSY)
    talk(page)
    told(page, "user_device.microphone_busy")


def test_a_microphone_that_is_pulled_out(open_page: OpenPage, stage: Stage) -> None:
    page = open_page(stage.url)
    page.evaluate(KEEP_STREAM)
    talk(page)
    heard(stage, 0.3)
    page.evaluate("""() => { const [track] = __stream.getTracks();
        track.stop(); track.dispatchEvent(new Event('ended')); }""")
    told(page, "user_device.microphone_lost")


def test_a_microphone_that_gives_nothing(open_page: OpenPage, stage: Stage, tmp_path: Path) -> None:
    nothing = write_microphone(tmp_path / "nothing.wav", np.zeros(48_000 * 20))
    page = open_page(f"{stage.url}/?processing=off", microphone=nothing)
    talk(page)
    told(page, "user_device.microphone_silent")


def test_a_browser_that_wants_a_tap_first(open_page: OpenPage, stage: Stage) -> None:
    page = open_page("about:blank")
    page.add_init_script(TYPE_WITHOUT_A_CLICK)
    page.goto(f"{stage.url}/?taps=1")
    told(page, "user_device.speaker_locked")


def test_a_computer_that_slept(open_page: OpenPage, stage: Stage) -> None:
    page = open_page(stage.url, args=[*FAKE_MICROPHONE, "--renderer-process-limit=1"], tolerate=["503"])
    page.get_by_label("Type instead of speaking").fill("What do I owe?")
    page.keyboard.press("Enter")
    until(lambda: stage.calls and stage.call.first("input_text"), "the text came")
    stage.reachable = False  # so that it does not come back before it was looked at
    browser = page.context.browser
    assert browser is not None
    processes = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    renderers = [process["id"] for process in processes if process["type"] == "renderer"]
    for pid in renderers:
        os.kill(pid, signal.SIGSTOP)
    awake_at = time.monotonic() + SLEPT_S
    until(lambda: time.monotonic() > awake_at, "it sleeps", SLEPT_S + 5)
    for pid in renderers:
        os.kill(pid, signal.SIGCONT)
    told(page, "user_device.slept")
    stage.reachable = True


def test_a_gateway_that_does_not_answer_the_page(open_page: OpenPage, stage: Stage) -> None:
    stage.missing = "/api/financial-sherpa/realtime"
    page = open_page(stage.url, tolerate=["503"])
    told(page, "user_network.gateway_unreachable")


def test_a_part_of_the_page_that_does_not_come(open_page: OpenPage, stage: Stage) -> None:
    stage.missing = "capture.worklet"
    page = open_page(stage.url, tolerate=["503"])
    talk(page)
    told(page, "user_network.page_incomplete")
    stage.missing = ""


def test_a_line_that_is_away_for_longer_than_the_page_can_keep(page: Page, stage: Stage, line: Line) -> None:
    stage.limits["inputRingSeconds"] = RING_S
    talk(page)
    heard(stage, 0.5)
    line.cut()
    told(page, "user_network.away_too_long")
    line.mend()


def test_a_conversation_that_another_window_took(
    page: Page, stage: Stage, line: Line, open_page: OpenPage
) -> None:
    talk(page)
    heard(stage, 0.5)
    kept = page.evaluate("sessionStorage.getItem('holdfast.session')")
    other = open_page(f"{line.url}/?taps=1", tolerate=OUTAGE_NOISE)
    other.evaluate("(kept) => sessionStorage.setItem('holdfast.session', kept)", kept)
    other.reload()
    told(page, "application.replaced")


def test_what_the_gateway_finds_is_shown_in_the_same_words(
    open_page: OpenPage, tmp_path: Path, web_client: Path
) -> None:
    assert web_client.is_dir()
    row = FAULTS["configuration.quota_exhausted"]
    with (
        EmulatorThread(EmulatorOptions(faults=[row.emulate])).running() as emulator,
        gateway(tmp_path, OPENAI_API_KEY="sk-test", OPENAI_BASE_URL=emulator.http_base) as url,
    ):
        page = open_page(url)
        page.get_by_label("Type instead of speaking").fill("What do I owe?")
        page.keyboard.press("Enter")
        shown = page.locator(".hf-fault")
        expect(shown).to_contain_text(f"{row.message} {row.remedy}")
        expect(shown.locator(".hf-code")).to_have_text(row.code)


PROVOKED: Final[dict[str, Callable[..., None]]] = {
    "application.replaced": test_a_conversation_that_another_window_took,
    "user_network.gateway_unreachable": test_a_gateway_that_does_not_answer_the_page,
    "user_network.page_incomplete": test_a_part_of_the_page_that_does_not_come,
    "user_network.away_too_long": test_a_line_that_is_away_for_longer_than_the_page_can_keep,
    "user_device.microphone_denied": test_a_refused_microphone,
    "user_device.microphone_missing": test_no_microphone,
    "user_device.microphone_busy": test_a_microphone_that_another_program_holds,
    "user_device.microphone_lost": test_a_microphone_that_is_pulled_out,
    "user_device.microphone_silent": test_a_microphone_that_gives_nothing,
    "user_device.speaker_locked": test_a_browser_that_wants_a_tap_first,
    "user_device.slept": test_a_computer_that_slept,
}


def test_each_fault_that_only_the_page_finds_is_provoked_here() -> None:
    assert set(PROVOKED) == set(PAGE_SCENARIOS)
