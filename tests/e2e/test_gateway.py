"""The page and the real gateway: a spoken question is answered aloud, on time, by the right facts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from holdfast.emulator.options import EmulatorOptions
from holdfast.emulator.server import Emulator
from holdfast.engine.flite_wasm import FliteWasm, cache_folder, load
from tests.e2e.conftest import OpenPage
from tests.e2e.gateways import EmulatorThread, gateway
from tests.e2e.given import Samples, assert_arrived, given
from tests.e2e.sound import RATE, likeness, noise, resampled, write_microphone
from tests.e2e.waiting import until, when

pytestmark = pytest.mark.browser

QUESTION = "When is my next payment due?"
# The greeting is spoken first; the question comes after it.
GREETING_S = 6.5
SPOKEN_S = 4.0


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory, web_client: Path, speech_files: Path) -> Iterator[str]:
    with gateway(tmp_path_factory.mktemp("local")) as url:
        yield url


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with EmulatorThread(EmulatorOptions(keep_audio=True)).running() as running:
        yield running


@pytest.fixture(scope="module")
def relayed(tmp_path_factory: pytest.TempPathFactory, web_client: Path, emulator: Emulator) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("relayed")
    with gateway(folder, OPENAI_API_KEY="sk-test", OPENAI_BASE_URL=emulator.http_base) as url:
        yield url


@pytest.fixture(scope="module")
def question(tmp_path_factory: pytest.TempPathFactory, speech_files: Path) -> Path:
    voice = FliteWasm(load(speech_files / "flite.wasm", cache_folder()))
    samples = np.concatenate(list(voice.speak(QUESTION, "slt", 1.0, lambda: False)))
    sound = resampled(np.asarray(samples, dtype=np.float64) / 32_768, 16_000, 48_000)
    path = tmp_path_factory.mktemp("question") / "question.wav"
    return write_microphone(path, 0.8 * sound / np.abs(sound).max(), lead_s=GREETING_S, tail_s=20)


def start(page: Page) -> None:
    page.get_by_role("button", name="Start talking").click()


def test_the_page_loads_clean(open_page: OpenPage, local: str, picture: Callable[[Page, str], None]) -> None:
    page = open_page(local)
    expect(page.get_by_role("heading", name="Financial Sherpa")).to_be_visible()
    expect(page.get_by_text("How can I help you today?")).to_be_visible()
    expect(page.get_by_text("Local assistant: limited")).to_be_visible()
    picture(page, "page")


def test_a_spoken_question_is_answered_aloud(
    open_page: OpenPage, local: str, question: Path, picture: Callable[[Page, str], None]
) -> None:
    page = open_page(f"{local}/?taps=1&processing=off", microphone=question)
    start(page)
    conversation = page.get_by_label("Conversation")
    answer = conversation.get_by_text(re.compile(r"Your next payment .*(euro|€)", re.IGNORECASE))
    expect(answer).to_be_visible(timeout=25_000)
    expect(conversation.get_by_text(re.compile("when is my next payment", re.IGNORECASE))).to_be_visible()
    when(page, "__holdfast.client.state.speaker.phase === 'playing'")
    when(page, "__holdfast.client.state.speaker.phase !== 'playing'", 25)
    # The greeting was over before the question: nobody interrupted anything.
    expect(conversation.get_by_text("interrupted")).to_have_count(0)
    picture(page, "answered")

    heard = np.asarray(page.evaluate("__holdfast.samples()"))
    loud_s = np.count_nonzero(np.abs(heard) > 0.01) / RATE
    print(f"\nheard {loud_s:.1f} s of loud samples; answer: {answer.inner_text()}")
    assert loud_s > 1.0
    assert page.evaluate("__holdfast.client.state.speaker.underruns") == 0


def test_the_greeting_is_spoken_first(open_page: OpenPage, local: str, question: Path) -> None:
    # The microphone is open before the session is ready: what it brings until then is silence, not a turn.
    page = open_page(f"{local}/?taps=1&processing=off", microphone=question)
    start(page)
    first = page.get_by_label("Conversation").get_by_role("listitem").first
    expect(first).to_contain_text("How can I help you today?")
    when(page, "__holdfast.quanta().some((q) => q.peak > 0.05)")


def test_a_typed_request_opens_the_form(
    open_page: OpenPage, local: str, picture: Callable[[Page, str], None]
) -> None:
    page = open_page(local)
    page.get_by_label("Type instead of speaking").fill("I want to change my address")
    page.get_by_role("button", name="Send").click()
    dialog = page.get_by_role("dialog", name="Change your address")
    expect(dialog).to_be_visible(timeout=20_000)
    picture(page, "form")
    dialog.get_by_label("Street and number").fill("Neue Gasse 3")
    dialog.get_by_label("Postcode").fill("20095")
    dialog.get_by_label("Town or city").fill("Hamburg")
    dialog.get_by_role("button", name="Save address").click()
    expect(dialog.get_by_role("status")).to_contain_text("Nothing was changed")


def test_another_customer_reads_nothing_of_the_first(open_page: OpenPage, local: str) -> None:
    page = open_page(local)
    page.get_by_role("button", name="How much do I still owe?").click()
    conversation = page.get_by_label("Conversation")
    expect(conversation.get_by_text("How much do I still owe?")).to_be_visible()
    page.get_by_label("Demo customer").select_option(index=1)
    expect(page.get_by_role("complementary").get_by_text("Ben Fischer")).to_be_visible()
    expect(conversation.get_by_text("How much do I still owe?")).to_have_count(0)


def test_what_is_said_reaches_the_provider_unchanged(
    open_page: OpenPage, relayed: str, emulator: Emulator, tmp_path: Path
) -> None:
    microphone = write_microphone(tmp_path / "microphone.wav", noise(SPOKEN_S))
    page = open_page(f"{relayed}/?taps=1&processing=off", microphone=microphone)
    start(page)
    until(
        lambda: emulator.sessions and len(heard(emulator)) > 4.8 * RATE, "the provider heard everything", 20
    )
    assert_arrived(given(page), heard(emulator), SPOKEN_S)
    alike = likeness(heard(emulator).astype(float), resampled(noise(SPOKEN_S), 48_000))
    print(f"\ncapture at the provider: {alike:.4f}")
    assert alike >= 0.99


def test_a_frozen_page_loses_nothing_on_the_way_to_the_provider(
    open_page: OpenPage, relayed: str, emulator: Emulator, tmp_path: Path
) -> None:
    microphone = write_microphone(tmp_path / "microphone.wav", noise(SPOKEN_S))
    before = len(emulator.sessions)
    page = open_page(f"{relayed}/?taps=1&processing=off", microphone=microphone)
    start(page)
    until(lambda: len(emulator.sessions) > before and len(heard(emulator)) > RATE, "sound flows", 20)
    page.evaluate("() => { const end = performance.now() + 500; while (performance.now() < end); }")
    until(lambda: len(heard(emulator)) > 4.8 * RATE, "the provider heard everything", 20)
    assert_arrived(given(page), heard(emulator), SPOKEN_S)


def heard(emulator: Emulator) -> Samples:
    """What the newest session of the emulated provider got, as samples."""
    pcm = bytes(emulator.records[-1].pcm)
    return np.frombuffer(pcm[: len(pcm) // 2 * 2], dtype="<i2")
