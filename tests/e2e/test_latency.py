"""The parts of a turn's silence, as the gateway tells them, add up to what was heard: real Chromium, its
microphone and its loudspeaker recorded side by side.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page

from holdfast.emulator import Turn
from holdfast.emulator.options import EmulatorOptions
from holdfast.emulator.server import Emulator
from tests.e2e.conftest import OpenPage
from tests.e2e.gateways import EmulatorThread, gateway
from tests.e2e.sound import RATE, Floats, noise, write_microphone
from tests.e2e.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.alone, pytest.mark.timeout(180)]

TURNS = 10
WORD_S = 0.7
PAUSE_S = 1.8
AWAY_MS = 20
"""How far the sum of the parts may be from what was recorded."""
LOUD = 0.02
PARTS = 5
"""When the page has told what it heard; three are the gateway's own."""


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    script = [Turn(hear="a word", say="yes" * (1 + number % 3)) for number in range(TURNS + 2)]
    with EmulatorThread(EmulatorOptions(script=script, speed=2.0)).running() as running:
        yield running


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, web_client: Path, emulator: Emulator) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("served")
    with gateway(folder, OPENAI_API_KEY="sk-test", OPENAI_BASE_URL=emulator.http_base) as url:
        yield url


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Words whose ends are loud, and pauses of many lengths between them."""
    word = noise(WORD_S)
    parts = []
    for number in range(TURNS):
        parts += [word, np.zeros(int((PAUSE_S + 0.037 * number) * 48_000))]
    path = tmp_path_factory.mktemp("words") / "words.wav"
    return write_microphone(path, np.concatenate(parts), lead_s=3.0, tail_s=3.0)


def turns(url: str) -> list[dict[str, Any]]:
    """Of the one session, by the console's API."""
    with urllib.request.urlopen(f"{url}/api/console/stream", timeout=10) as stream:
        rows = next(json.loads(line[5:]) for line in stream if line.startswith(b"data:"))["rows"]
    if not rows:
        return []
    with urllib.request.urlopen(f"{url}/api/console/sessions/{rows[0]['id']}", timeout=10) as answer:
        return list(json.load(answer)["turns"])


def ends(sound: Floats) -> list[tuple[int, int]]:
    """First and last loud sample of each word: quiet for 400 ms lies between two."""
    loud = np.flatnonzero(np.abs(sound) > LOUD)
    cuts = np.flatnonzero(np.diff(loud) > 0.4 * RATE)
    begins, lasts = np.r_[loud[0], loud[cuts + 1]], np.r_[loud[cuts], loud[-1]]
    return list(zip(begins.tolist(), lasts.tolist(), strict=True))


def recorded(page: Page) -> list[float]:
    """The silence before each answer (ms), in the recording of microphone and loudspeaker; what the machine's
    output adds after that is no part of it.
    """
    delay_ms = float(page.evaluate("__holdfast.delayMs()"))
    spoken = np.asarray(page.evaluate("__holdfast.microphone()"))
    played = np.flatnonzero(np.abs(np.asarray(page.evaluate("__holdfast.samples()"))) > LOUD)
    found = []
    for _, last in ends(spoken):
        after = played[played > last]
        if len(after):
            found.append(float(after[0] - last) * 1000 / RATE + delay_ms)
    return found


def test_the_parts_add_up_to_the_silence_that_was_recorded(
    open_page: OpenPage, served: str, words: Path
) -> None:
    page = open_page(f"{served}/?taps=1&processing=off", microphone=words)
    page.get_by_role("button", name="Start talking").click()
    until(lambda: sum(len(one["segments"]) == PARTS for one in turns(served)) >= TURNS, "all turns", 60)

    told = [one for one in turns(served) if one["segments"]]
    heard = recorded(page)
    sums = [sum(part["ms"] for part in one["segments"]) for one in told]
    for one, whole, measured in zip(told, sums, heard, strict=True):
        parts = "  ".join(f"{part['name']} {part['ms']:.0f}" for part in one["segments"])
        print(f"turn {one['n']}: recorded {measured:.1f} ms, told {whole:.1f} ms: {parts}")
    assert len(heard) == TURNS
    assert [one["silenceMs"] for one in told] == pytest.approx(sums, abs=0.5)
    assert max(abs(whole - measured) for whole, measured in zip(sums, heard, strict=True)) <= AWAY_MS
