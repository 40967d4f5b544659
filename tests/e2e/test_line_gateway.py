"""A line that breaks between the page and the real gateway: what the provider hears is what was said.

How long an outage is, `outage.py` says.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from playwright.sync_api import Page, expect

from holdfast.emulator.options import EmulatorOptions
from holdfast.emulator.server import Emulator
from tests.e2e.conftest import OpenPage
from tests.e2e.gateways import EmulatorThread, GatewayProcess, running
from tests.e2e.given import Samples, assert_arrived, assert_goes_on, given, missing_between
from tests.e2e.line import Line
from tests.e2e.outage import CAUGHT_UP_S, HEALED_S, OUTAGE_S, RING_S, SPOKEN_S, TIMEOUT_S
from tests.e2e.sound import RATE
from tests.e2e.talking import (
    OUTAGE_NOISE,
    conversation,
    entered,
    healed_after,
    rest,
    status,
    talk,
    watch,
)
from tests.e2e.waiting import until, when

pytestmark = [pytest.mark.browser, pytest.mark.alone, pytest.mark.timeout(TIMEOUT_S)]


def behind(
    emulator: Emulator, folder: Path, **environment: str
) -> contextlib.AbstractContextManager[GatewayProcess]:
    """A gateway whose provider is the emulator."""
    provider = {"OPENAI_API_KEY": "sk-test", "OPENAI_BASE_URL": emulator.http_base}
    # A test's last sentence need not be finished.
    return running(folder, **provider, HOLDFAST_LIMITS__DRAIN_BUSY_S="0.5", **environment)


@pytest.fixture
def emulator(web_client: Path) -> Iterator[Emulator]:
    with EmulatorThread(EmulatorOptions(keep_audio=True)).running() as opened:
        yield opened


def heard(emulator: Emulator, record: int = -1) -> Samples:
    """What a session of the emulated provider got, as samples."""
    pcm = bytes(emulator.records[record].pcm)
    return np.frombuffer(pcm[: len(pcm) // 2 * 2], dtype="<i2")


def asked(page: Page) -> Any:
    """The typed question in the transcript; the emulator's answers may say the same."""
    return page.locator(".hf-turn[data-speaker=user]").get_by_text("What do I owe?")


def losses(page: Page) -> list[float]:
    """Milliseconds of each gap in the transcript."""
    named: list[float] = page.evaluate(
        "__holdfast.client.state.entries.filter((each) => each.kind === 'gap').map((each) => each.ms)"
    )
    return named


@pytest.fixture
def watched(open_page: OpenPage, long_microphone: Path) -> Callable[[str], Page]:
    def begin(url: str) -> Page:
        page = open_page(f"{url}/?taps=1&processing=off", microphone=long_microphone, tolerate=OUTAGE_NOISE)
        watch(page)
        talk(page)
        return page

    return begin


def test_a_cut_line_costs_the_provider_no_word(
    watched: Callable[[str], Page], emulator: Emulator, tmp_path: Path
) -> None:
    with (
        behind(emulator, tmp_path) as gateway,
        Line(gateway.port).running() as line,
    ):
        page = watched(line.url)
        until(lambda: emulator.records and len(heard(emulator)) > RATE, "sound flows", 20)
        line.cut()
        expect(status(page)).to_have_text("Connection lost — still recording")
        rest(page, OUTAGE_S)
        line.mend()
        healed = healed_after(page, line.mended_at)
        caught_up = entered(page, "ready", line.mended_at) - line.mended_at
        print(f"\n{OUTAGE_S:g} s cut: healed after {healed:.3f} s, caught up after {caught_up:.3f} s")
        until(lambda: len(heard(emulator)) > (OUTAGE_S + 4) * RATE, "the provider heard everything", 30)

        assert healed <= HEALED_S
        assert caught_up <= CAUGHT_UP_S
        assert losses(page) == []
        assert conversation(page).get_by_text("New session").count() == 0
        assert_arrived(given(page), heard(emulator), OUTAGE_S + 3)
        page.close()


def test_a_dead_network_that_tells_nobody_costs_the_provider_no_word(
    watched: Callable[[str], Page], emulator: Emulator, tmp_path: Path
) -> None:
    # So long that the page gives its socket up; the gateway hears of it when the network is back.
    with behind(emulator, tmp_path) as gateway, Line(gateway.port).running() as line:
        page = watched(line.url)
        until(lambda: emulator.records and len(heard(emulator)) > RATE, "sound flows", 20)
        line.freeze()
        expect(status(page)).to_have_text("Connection lost — still recording", timeout=20_000)
        rest(page, OUTAGE_S - 4)
        line.mend()
        healed = healed_after(page, line.mended_at)
        print(f"\nhealed {healed:.3f} s after a silent network")
        whole_s = min(12 + OUTAGE_S, SPOKEN_S - 2)
        until(lambda: len(heard(emulator)) > (whole_s + 1) * RATE, "the provider heard everything", 30)

        assert healed <= HEALED_S
        assert losses(page) == []
        assert len(emulator.records) == 1
        assert_arrived(given(page), heard(emulator), whole_s)
        page.close()


def test_what_could_not_be_kept_is_what_the_provider_misses(
    watched: Callable[[str], Page], emulator: Emulator, tmp_path: Path
) -> None:
    ring = {"HOLDFAST_LIMITS__CLIENT_RING_S": str(RING_S)}
    with behind(emulator, tmp_path, **ring) as gateway, Line(gateway.port).running() as line:
        page = watched(line.url)
        until(lambda: emulator.records and len(heard(emulator)) > 1.5 * RATE, "sound flows", 20)
        line.cut()
        expect(status(page)).to_have_text("Connection lost — recording full", timeout=(RING_S + 5) * 1_000)
        rest(page, 2 * OUTAGE_S - RING_S)
        before = heard(emulator)
        line.mend()
        until(lambda: len(heard(emulator)) > len(before) + (RING_S + 1) * RATE, "what was kept arrives", 30)

        (named_ms,) = losses(page)
        missing = missing_between(given(page), before, heard(emulator)[len(before) :])
        print(f"\nnamed {named_ms:.0f} ms, the provider misses {missing / RATE * 1000:.0f} ms")
        assert named_ms == pytest.approx(missing / RATE * 1000, abs=100)
        page.close()


def test_a_killed_gateway_is_waited_for_and_says_what_it_kept(
    watched: Callable[[str], Page],
    emulator: Emulator,
    tmp_path: Path,
    picture: Callable[[Page, str], None],
) -> None:
    with behind(emulator, tmp_path) as gateway:
        page = watched(gateway.url)
        page.get_by_label("Type instead of speaking").fill("What do I owe?")
        page.keyboard.press("Enter")
        expect(asked(page)).to_be_visible()
        until(lambda: emulator.records and len(heard(emulator)) > 2 * RATE, "sound flows", 20)
        gateway.kill()
        expect(status(page)).to_have_text("Connection lost — still recording")
        gateway.start()
        healed = healed_after(page, gateway.served_at - 1) - 1
        print(f"\nhealed {healed:.3f} s after the gateway served again")
        until(lambda: len(emulator.records) == 2 and len(heard(emulator)) > 4 * RATE, "speech goes on", 30)

        expect(conversation(page).get_by_text("Sherpa remembers what was said as text.")).to_be_visible()
        expect(asked(page)).to_be_visible()
        picture(page, "gateway-killed")
        assert healed <= HEALED_S
        assert conversation(page).get_by_text("New session").count() == 0
        assert losses(page) == []
        # The second provider session hears what the first one did not, without a hole between.
        assert_goes_on(given(page), heard(emulator, 0), heard(emulator, 1), 2)
        page.close()


def test_a_page_that_is_turned_away_comes_back_by_itself_when_it_was_told_to(
    watched: Callable[[str], Page], tmp_path: Path, picture: Callable[[Page, str], None]
) -> None:
    provider = EmulatorThread(EmulatorOptions(keep_audio=True, control_port=0))
    with (
        provider.running() as emulator,
        behind(emulator, tmp_path, HOLDFAST_LIMITS__RECOVERY_BUDGET_S="2") as gateway,
    ):
        page = watched(gateway.url)
        until(lambda: emulator.records and len(heard(emulator)) > RATE, "sound flows", 20)
        httpx.post(f"{emulator.control_url}/dark", json={"how": "refuse"}).raise_for_status()
        expect(status(page)).to_have_text("Busy, resuming shortly")
        expect(page.get_by_text("provider.unreachable")).to_be_visible()
        when(page, "__holdfast.client.state.link.phase === 'reconnecting'", 20)
        expect(status(page)).to_have_text("Busy, resuming shortly")
        picture(page, "turned-away")
        sessions = len(emulator.records)
        httpx.post(f"{emulator.control_url}/back").raise_for_status()
        until(lambda: len(emulator.records) > sessions and len(heard(emulator)) > RATE, "speech goes on", 30)
        expect(status(page)).not_to_have_text("Busy, resuming shortly")
        picture(page, "came-back")
        page.close()


def test_a_gateway_without_a_journal_forgets_and_says_so(
    watched: Callable[[str], Page], emulator: Emulator, tmp_path: Path
) -> None:
    with behind(emulator, tmp_path, HOLDFAST_JOURNAL__KIND="memory") as gateway:
        page = watched(gateway.url)
        until(lambda: emulator.records and len(heard(emulator)) > 2 * RATE, "sound flows", 20)
        page.get_by_label("Type instead of speaking").fill("What do I owe?")
        page.keyboard.press("Enter")
        gateway.kill()
        expect(status(page)).to_have_text("Connection lost — still recording")
        gateway.start()
        expect(conversation(page).get_by_text("New session")).to_be_visible(timeout=20_000)
        expect(asked(page)).to_be_visible()
        until(lambda: len(emulator.records) == 2 and len(heard(emulator)) > 2 * RATE, "speech goes on", 30)
        page.close()


def test_a_stopped_gateway_hands_the_conversation_to_the_next_process(
    watched: Callable[[str], Page], emulator: Emulator, tmp_path: Path
) -> None:
    with behind(emulator, tmp_path) as gateway:
        page = watched(gateway.url)
        until(lambda: emulator.records and len(heard(emulator)) > RATE, "sound flows", 20)
        gateway.stop()
        expect(status(page)).to_have_text("Moving to another server — still recording")
        gateway.start()
        healed = healed_after(page, gateway.served_at - 1) - 1
        print(f"\nhealed {healed:.3f} s after the next process served")
        assert healed <= HEALED_S
        assert conversation(page).get_by_text("New session").count() == 0
        assert losses(page) == []
        page.close()


def test_a_reload_goes_on_with_the_conversation(
    watched: Callable[[str], Page], emulator: Emulator, tmp_path: Path
) -> None:
    with behind(emulator, tmp_path) as gateway:
        page = watched(gateway.url)
        page.get_by_label("Type instead of speaking").fill("What do I owe?")
        page.keyboard.press("Enter")
        until(lambda: emulator.records and len(heard(emulator)) > RATE, "sound flows", 20)
        page.reload()
        expect(asked(page)).to_be_visible()
        expect(status(page)).to_have_text("Microphone is off")
        before = len(heard(emulator))
        page.get_by_role("button", name="Switch microphone on").click()
        until(lambda: len(heard(emulator)) > before + RATE, "speech goes on", 20)
        assert len(emulator.records) == 1
        assert losses(page) == []
        page.close()
