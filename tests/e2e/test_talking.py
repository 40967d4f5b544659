"""Talking, in a real browser: every sample arrives, silence is immediate, a broken link heals by itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from benchmarks.rig.browser import COUNT_MESSAGES
from playwright.sync_api import Page, expect

from tests.e2e.conftest import OpenPage
from tests.e2e.given import assert_arrived, given
from tests.e2e.sound import RATE, likeness, noise, resampled, write_microphone
from tests.e2e.stage import Stage
from tests.e2e.talking import answer, heard, talk
from tests.e2e.waiting import until, when

pytestmark = pytest.mark.browser

SPOKEN_S = 4.0


@pytest.fixture(scope="module")
def microphone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_microphone(tmp_path_factory.mktemp("sound") / "microphone.wav", noise(SPOKEN_S))


def spoken() -> Any:
    return resampled(noise(SPOKEN_S), 48_000)


def test_what_is_said_arrives_as_it_was_said(open_page: OpenPage, stage: Stage, microphone: Path) -> None:
    page = open_page(f"{stage.url}/?taps=1&processing=off", microphone=microphone)
    page.evaluate(COUNT_MESSAGES)
    talk(page)
    heard(stage, SPOKEN_S + 0.8)

    # The page's own thread heard of levels and of what was said, and touched no sound.
    counted = page.evaluate("__counts")
    assert counted["messages"]["worklets to page"] > 10 * SPOKEN_S
    assert counted["messages"]["worker to page"] > 0
    assert set(counted["binary"].values()) == {0}

    assert_arrived(given(page), stage.call.samples, SPOKEN_S)
    alike = likeness(stage.call.samples.astype(float), spoken())
    print(f"\ncapture: {alike:.4f}")
    assert alike >= 0.99


def test_a_frozen_page_loses_nothing(open_page: OpenPage, stage: Stage, microphone: Path) -> None:
    page = open_page(f"{stage.url}/?taps=1&processing=off", microphone=microphone)
    talk(page)
    heard(stage, 1.0)
    before = stage.call.received
    page.evaluate("() => { const end = performance.now() + 500; while (performance.now() < end); }")
    during = stage.call.received - before
    heard(stage, SPOKEN_S + 0.8)

    # Frames went on while the page stood still; `received` asserts that there is no hole.
    assert during >= 0.4 * RATE
    assert_arrived(given(page), stage.call.samples, SPOKEN_S)


def test_what_is_said_before_there_is_a_session_is_kept(
    open_page: OpenPage, stage: Stage, microphone: Path
) -> None:
    stage.answering = False
    page = open_page(f"{stage.url}/?taps=1&processing=off", microphone=microphone)
    talk(page)
    expect(page.get_by_role("status").filter(has_text="Listening")).to_have_text("Listening — connecting")
    until(lambda: stage.calls and stage.call.commands, "create_session came")
    when(page, "performance.now() > 2500")
    assert not stage.call.pieces
    stage.do(lambda: stage.accept(stage.call))
    heard(stage, SPOKEN_S + 0.8)

    assert_arrived(given(page), stage.call.samples, SPOKEN_S)


def test_who_talks_before_the_page_is_set_up_is_heard_too(
    open_page: OpenPage, stage: Stage, microphone: Path
) -> None:
    stage.configured.clear()
    page = open_page(f"{stage.url}/?processing=off&taps=1", microphone=microphone)
    talk(page)
    when(page, "__holdfast.client.state.mic.phase === 'live'")
    when(page, "performance.now() > 2000")
    assert not stage.calls
    stage.configured.set()
    heard(stage, SPOKEN_S + 0.8)

    assert_arrived(given(page), stage.call.samples, SPOKEN_S)


@pytest.mark.alone
def test_barge_in_is_silent_within_20_ms(
    open_page: OpenPage, stage: Stage, microphone: Path, picture: Callable[[Page, str], None]
) -> None:
    page = open_page(f"{stage.url}/?taps=1", microphone=microphone)
    talk(page)
    heard(stage, 0.2)
    answer(stage, seconds=6)
    when(page, "__holdfast.client.state.speaker.phase === 'playing'")
    when(page, "__holdfast.quanta().filter((q) => q.peak > 0.01).length > 60")
    picture(page, "talking")

    stage.say("speech_started", itemId="item_u2", sample=0)
    stage.say("interrupted", responseId="resp_1", itemId="item_a1", playedMs=400)
    when(page, "__holdfast.flushes.length > 0")
    when(page, "__holdfast.quanta().at(-1).at > __holdfast.flushes[0] + 400")
    silent_after = page.evaluate(
        """() => { const [at] = __holdfast.flushes;
        const loud = __holdfast.quanta().filter((q) => q.peak > 0.0005);
        return loud.at(-1).at - at; }"""
    )
    print(f"\nbarge-in: last sound {silent_after} ms after the event")
    assert silent_after <= 20
    expect(page.get_by_text("interrupted").first).to_be_visible()
