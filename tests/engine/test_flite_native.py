"""The system's libflite, where it is installed: what the WebAssembly voice promises, and it streams."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from holdfast.engine.flite_native import FliteNative, load

SENTENCE = "Your next payment of three hundred euros is due on the first of December."


@pytest.fixture(scope="module")
def voice() -> FliteNative:
    found = load()
    if found is None:
        pytest.skip("libflite is not installed (Debian: libflite1)")
    return found


@pytest.mark.parametrize("name", ["rms", "awb", "slt"])
def test_a_clause_comes_in_many_chunks(voice: FliteNative, name: str) -> None:
    chunks = list(voice.speak(SENTENCE, name, 1.0, lambda: False))
    assert len(chunks) > 10
    assert np.abs(np.concatenate(chunks)).max() > 0.1


def test_it_stops_when_told(voice: FliteNative) -> None:
    stop = threading.Event()
    speaking = voice.speak(SENTENCE, "rms", 1.0, stop.is_set)
    assert len(next(speaking)) > 0
    stop.set()
    assert list(speaking) == []


def test_speed_changes_the_length(voice: FliteNative) -> None:
    slow = np.concatenate(list(voice.speak("your next payment", "rms", 0.5, lambda: False)))
    fast = np.concatenate(list(voice.speak("your next payment", "rms", 1.5, lambda: False)))
    assert len(slow) > 2 * len(fast)
