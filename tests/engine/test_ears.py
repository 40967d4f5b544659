"""Speech is told from everything else that a microphone gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from benchmarks.engine.speech import in_a_room, synthesised

from holdfast.core.limits import Limits
from holdfast.engine.ears import Ears
from holdfast.engine.options import EngineOptions
from holdfast.engine.resample import WIRE_RATE, to_pcm
from holdfast.engine.stages import Samples, SpeechError

pytestmark = pytest.mark.speech

ENOUGH_S = Limits().unheard_speech_s
SECONDS = 10


@pytest.fixture(scope="module")
def ears(speech_files: Path) -> Ears:
    return Ears.of(EngineOptions(speech_folder=speech_files))


def time_line() -> Samples:
    return (np.arange(SECONDS * WIRE_RATE) / WIRE_RATE).astype(np.float32)


def white_noise() -> Samples:
    return np.random.default_rng(1).normal(0, 0.1, SECONDS * WIRE_RATE).astype(np.float32)


def hum_of_a_fan() -> Samples:
    """Brown noise over the hum of the mains."""
    walk = np.cumsum(np.random.default_rng(2).normal(0, 1, SECONDS * WIRE_RATE))
    walk -= np.convolve(walk, np.ones(2400) / 2400, mode="same")
    found: Samples = (0.2 * walk / np.abs(walk).max() + 0.1 * np.sin(2 * np.pi * 50 * time_line())).astype(
        np.float32
    )
    return found


def music() -> Samples:
    """Chords, two a second, each struck and dying away, over a bass."""
    at = time_line()
    dying = np.exp(-3 * (at % 0.5))
    step = (at * 2).astype(int)
    root = 220.0 * 2 ** (np.array([0, 5, 7, 3])[step % 4] / 12)
    notes = sum(
        np.sin(2 * np.pi * root * ratio * at) / order for order, ratio in enumerate((1, 1.26, 1.5, 2), 1)
    )
    found: Samples = (0.2 * dying * notes + 0.1 * np.sin(2 * np.pi * root / 4 * at)).astype(np.float32)
    return found


def keyboard() -> Samples:
    """Clicks, five a second."""
    chance = np.random.default_rng(3)
    found = np.zeros(SECONDS * WIRE_RATE, dtype=np.float32)
    for at in range(0, len(found) - 480, WIRE_RATE // 5):
        found[at : at + 240] = chance.normal(0, 0.3, 240) * np.exp(-np.arange(240) / 40)
    return found


@pytest.mark.parametrize(
    "sound", [white_noise, hum_of_a_fan, music, keyboard, lambda: np.zeros(240_000, np.float32)]
)
def test_what_is_no_speech_is_none(ears: Ears, sound: object) -> None:
    found = ears.speech_s(to_pcm(sound()))  # type: ignore[operator] # one of the five

    assert found < ENOUGH_S / 3, found


@pytest.mark.parametrize("voice", ["rms", "awb", "slt"])
@pytest.mark.parametrize("level", [1.0, 0.1])
def test_a_question_is_enough(ears: Ears, voice: str, level: float) -> None:
    said = synthesised("Hello? Can you hear me? What is my balance?", voice)

    assert ears.speech_s(in_a_room(said * level, before_ms=2000, after_ms=4000)) >= ENOUGH_S


def test_a_word_is_not(ears: Ears) -> None:
    assert 0 < ears.speech_s(in_a_room(synthesised("Hello", "rms"), before_ms=500, after_ms=500)) < ENOUGH_S


def test_a_half_sample_at_the_end_is_left_out(ears: Ears) -> None:
    assert ears.speech_s(bytes(4801)) == 0.0


def test_without_the_files_nobody_listens(tmp_path: Path) -> None:
    with pytest.raises(SpeechError, match="make speech"):
        Ears(tmp_path / "nothing.onnx").speech_s(bytes(4800))
