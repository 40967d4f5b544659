"""A visitor of the page, and who answers: speaks by a file, types, waits for what the page says of itself.

What lives here: the microphone's file; a person's acts; the emulated provider.
What never will: figures.
"""

from __future__ import annotations

import asyncio
import json
import wave
from pathlib import Path
from typing import Final

import numpy as np
from playwright.async_api import Page

from holdfast.bench.candidates import BenchError
from holdfast.emulator import Emulator, EmulatorOptions, Turn

RATE_HZ: Final = 48_000
ROOM: Final = 0.0005
"""No room is silent: so loud is what a microphone hears of it (-66 dB)."""
VOICE: Final = 0.15
_SYLLABLES_HZ: Final = 3.1
SPEED: Final = 1.25
"""A provider that speaks hardly faster than it sounds."""
CHAR_MS: Final = 60
_TURNS: Final = 2_000
_SAID: Final = "the next payment of your loan is due on the first of December"
_LOOK_S: Final = 0.05
_PATIENCE_S: Final = 60.0
_SITUATION: Final = "document.querySelector('.hf-status')?.dataset.situation"
_ANSWERED: Final = """(() => {
  const last = document.querySelector(".hf-turns")?.lastElementChild;
  const { speaker, final } = last?.dataset ?? {};
  if (speaker !== "assistant" || final !== "true") return false;
  // At first the greeting and the session's beginning stand between.
  let line = last;
  for (let back = 0; back < 4 && line && line.dataset.speaker !== "user"; back += 1) {
    line = line.previousElementSibling;
  }
  return line?.textContent.includes(%s) ?? false;
})()"""


def write_microphone(path: Path, pattern: list[tuple[float, bool]], seed: int) -> Path:
    """A WAV of stretches (seconds, whether somebody speaks), with the sound of a room beneath."""
    chance = np.random.default_rng(seed)
    parts = []
    for seconds, is_loud in pattern:
        time = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
        level = VOICE * (0.6 + 0.4 * np.sin(2 * np.pi * _SYLLABLES_HZ * time)) if is_loud else ROOM
        parts.append(chance.standard_normal(len(time)) * level)
    pcm = (np.clip(np.concatenate(parts), -1, 1) * 32_767).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(pcm.tobytes())
    return path


async def situation(page: Page) -> str:
    """What the page's headline is about."""
    return str(await page.evaluate(_SITUATION))


async def until(page: Page, *wanted: str) -> None:
    """Until the headline is about one of these. Raises BenchError."""
    await _holds(page, f"{json.dumps(wanted)}.includes({_SITUATION})", f"`{wanted[0]}`")


async def talk(page: Page) -> None:
    """Begin with the microphone."""
    await page.get_by_role("button", name="Start talking").click()


async def ask(page: Page, question: str) -> None:
    """Type a question; wait until it has been answered. Raises BenchError."""
    box = page.get_by_label("Type instead of speaking")
    await box.fill(question)
    await box.press("Enter")
    await _holds(page, _ANSWERED % json.dumps(question), f"an answer to `{question}`")
    await until(page, "mic_off", "listening")


async def _holds(page: Page, expression: str, what: str) -> None:
    for _ in range(int(_PATIENCE_S / _LOOK_S)):
        if await page.evaluate(expression):
            return
        await asyncio.sleep(_LOOK_S)
    said = await situation(page)
    raise BenchError(f"the page never showed {what}.", f"It says `{said}`.", "Open it by hand.")


def words(characters: int) -> str:
    """A sentence of this length."""
    known, found = _SAID.split(), list[str]()
    while sum(map(len, found)) < characters:
        found.append(known[len(found) % len(known)])
    return " ".join(found)


def upstream(*, answer_s: float, at_once: bool = False) -> Emulator:
    """A provider whose answers have words for so many seconds. `at_once`: with the sound of a sixtieth of
    that, all in one moment.
    """
    say = words(int(answer_s * 1000 / CHAR_MS))
    script = [Turn(hear="When is my next payment due?", say=say)] * _TURNS
    char_ms = 1 if at_once else CHAR_MS
    return Emulator(EmulatorOptions(script=script, speed=0 if at_once else SPEED, char_ms=char_ms))
