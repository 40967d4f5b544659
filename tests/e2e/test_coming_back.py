"""Whose conversation it is, and how it goes on: other windows, reloads, restarts, limits."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import OpenPage
from tests.e2e.line import Line
from tests.e2e.outage import TIMEOUT_S
from tests.e2e.sound import RATE
from tests.e2e.stage import Stage
from tests.e2e.talking import (
    OUTAGE_NOISE,
    answer,
    conversation,
    heard,
    rest,
    status,
    talk,
)
from tests.e2e.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(TIMEOUT_S)]


def test_another_device_takes_the_conversation_and_it_is_fetched_back(
    page: Page, stage: Stage, line: Line, open_page: OpenPage, picture: Callable[[Page, str], None]
) -> None:
    talk(page)
    heard(stage, 0.5)
    kept = page.evaluate("sessionStorage.getItem('holdfast.session')")
    other = open_page(f"{line.url}/?taps=1", tolerate=OUTAGE_NOISE)
    other.evaluate("(kept) => sessionStorage.setItem('holdfast.session', kept)", kept)
    other.reload()

    expect(status(page)).to_have_text("Continued in another window")
    expect(page.get_by_role("alert")).to_contain_text("One window at a time")
    picture(page, "line-elsewhere")
    assert page.evaluate("__holdfast.client.state.mic.phase") == "off"
    rest(page, 1.0)
    assert len(stage.calls) == 2, "nobody comes back by itself"

    page.get_by_role("button", name="Continue here").click()
    expect(status(page)).to_have_text("Listening")
    expect(status(other)).to_have_text("Continued in another window")
    assert len(stage.talks) == 1


def test_what_is_said_after_it_was_fetched_back_stands_behind_what_was_said_elsewhere(
    page: Page, stage: Stage, line: Line, open_page: OpenPage
) -> None:
    talk(page)
    heard(stage, 0.5)
    kept = page.evaluate("sessionStorage.getItem('holdfast.session')")
    other = open_page(f"{line.url}/?taps=1", tolerate=OUTAGE_NOISE)
    other.evaluate("(kept) => sessionStorage.setItem('holdfast.session', kept)", kept)
    other.reload()
    expect(status(page)).to_have_text("Continued in another window")
    other.get_by_role("button", name="Switch microphone on").click()
    before = stage.talk.received
    until(lambda: stage.talk.received > before + 3 * RATE, "the other window is heard")

    page.get_by_role("button", name="Continue here").click()
    expect(status(page)).to_have_text("Listening")
    fetched = stage.talk.received
    until(lambda: stage.talk.received > fetched + RATE, "this one is heard again")
    assert stage.talk.doubled == 0, "nothing is taken for what was said elsewhere"


def test_a_copied_tab_leaves_the_conversation_where_it_is(page: Page, stage: Stage, line: Line) -> None:
    talk(page)
    heard(stage, 0.5)
    kept = page.evaluate("sessionStorage.getItem('holdfast.session')")
    copy = page.context.new_page()
    copy.add_init_script(f"sessionStorage.setItem('holdfast.session', {kept!r})")
    copy.goto(f"{line.url}/?taps=1")
    expect(copy.get_by_role("button", name="Start talking")).to_be_visible()
    rest(copy, 1.5)
    assert len(stage.calls) == 1
    expect(status(page)).to_have_text("Listening")


def test_a_reload_goes_on_with_the_conversation(
    page: Page, stage: Stage, picture: Callable[[Page, str], None]
) -> None:
    talk(page)
    heard(stage, 1.0)
    stage.snapshot = [{"id": "u1", "role": "user", "text": "What do I owe?", "final": True}]
    page.reload()

    expect(conversation(page).get_by_text("What do I owe?")).to_be_visible()
    expect(status(page)).to_have_text("Microphone is off")
    assert page.evaluate("Object.keys(localStorage).length") == 0
    picture(page, "line-reloaded")
    resume = stage.call.first("resume_session")
    assert resume is not None
    assert resume["epoch"] == ""

    before = stage.talk.received
    page.get_by_role("button", name="Switch microphone on").click()
    until(lambda: stage.talk.received > before + RATE, "speech goes on in the session's numbers")
    assert stage.talk.gaps == []
    assert stage.talk.doubled == 0
    page.get_by_role("button", name="End conversation").click()
    until(lambda: page.evaluate("sessionStorage.getItem('holdfast.session')") is None, "the token is gone")


def test_a_reload_finds_nothing_and_asks_for_nothing(page: Page, stage: Stage) -> None:
    talk(page)
    heard(stage, 0.5)
    stage.forget()
    page.reload()
    expect(page.get_by_role("button", name="Start talking")).to_be_visible()
    until(lambda: stage.call.first("resume_session"), "the page looked")
    rest(page, 0.5)
    assert stage.call.first("create_session") is None


def test_a_gateway_that_stops_is_announced_and_waited_for(
    page: Page, stage: Stage, line: Line, picture: Callable[[Page, str], None]
) -> None:
    talk(page)
    heard(stage, 0.5)
    stage.say("status", state="draining")
    expect(status(page)).to_have_text("The service restarts in a moment")
    picture(page, "line-draining")
    stage.reachable = False
    stage.drop(1001)
    expect(status(page)).to_have_text("Moving to another server — still recording")
    picture(page, "line-moving")
    stage.reachable = True
    expect(status(page)).to_have_text("Listening")
    assert len(stage.talks) == 1


def test_a_busy_gateway_is_asked_again_when_it_wishes(
    page: Page, stage: Stage, picture: Callable[[Page, str], None]
) -> None:
    talk(page)
    heard(stage, 0.5)
    stage.answering = False
    stage.drop()
    until(lambda: len(stage.calls) == 2 and stage.calls[1].commands, "the page asks")
    limited = {"code": "RATE_LIMITED", "message": "Too many.", "retryable": True, "retryAfterMs": 3_000}
    asked = time.monotonic()
    stage.do(lambda: stage.refuse(stage.calls[1], limited))
    expect(status(page)).to_have_text("Busy, resuming shortly")
    picture(page, "line-busy")
    stage.answering = True
    until(lambda: len(stage.calls) == 3, "it asks again")
    assert time.monotonic() - asked >= 2.9
    expect(status(page)).to_have_text("Listening")


def test_a_session_near_its_end_can_be_renewed(
    page: Page, stage: Stage, picture: Callable[[Page, str], None]
) -> None:
    stage.limits["sessionSeconds"] = 121
    talk(page)
    heard(stage, 0.5)
    answer(stage, seconds=0.2)
    expect(page.get_by_text("This conversation reaches its time limit soon")).to_be_visible()
    picture(page, "line-ends-soon")
    stage.limits["sessionSeconds"] = 14_400
    page.get_by_role("button", name="New session now").click()
    until(lambda: len(stage.talks) == 2, "a new session")
    assert stage.calls[0].first("end_session")
    expect(conversation(page).get_by_text("New session")).to_be_visible()
    expect(page.get_by_text("This conversation reaches its time limit soon")).to_have_count(0)
    heard(stage, 0.5)


def test_a_script_that_cannot_be_loaded_is_not_blamed_on_the_microphone(
    open_page: OpenPage, stage: Stage, long_microphone: Path, picture: Callable[[Page, str], None]
) -> None:
    stage.missing = "capture.worklet"
    page = open_page(stage.url, microphone=long_microphone, tolerate=["503"])
    talk(page)
    expect(status(page)).to_have_text("The microphone is not ready yet")
    picture(page, "line-unloaded")
    stage.missing = ""
    expect(status(page)).to_have_text("Listening")
    heard(stage, 0.5)


def test_a_page_without_its_worker_says_so_and_can_be_tried_again(
    open_page: OpenPage, stage: Stage, long_microphone: Path
) -> None:
    stage.missing = "net.worker"
    page = open_page(stage.url, microphone=long_microphone, tolerate=["503"])
    talk(page)
    expect(status(page)).to_have_text("We couldn't reconnect")
    stage.missing = ""
    page.get_by_role("button", name="Reconnect").click()
    expect(status(page)).to_have_text("Listening")
    heard(stage, 0.5)
