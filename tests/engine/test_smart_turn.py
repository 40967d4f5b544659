"""Who paused is judged by how it sounded, where the network for it is at hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.engine.compute import without_tail
from benchmarks.engine.speech import in_a_room, recorded

from holdfast.engine import options as engine_options
from holdfast.engine.endpointer import TurnSettings
from holdfast.engine.hearing import Hearing
from holdfast.engine.knowledge import Library
from holdfast.engine.options import EngineOptions, missing, turn_file
from holdfast.engine.resample import WIRE_RATE, down, to_pcm, to_samples
from holdfast.engine.smart_turn import LISTENED_S, SmartTurn, spectrum
from holdfast.engine.stages import RATE, Samples, SpeechError
from tests.engine.conftest import Tool
from tests.engine.test_stages import Heard
from tests.engine.tones import ToneRecogniser, Tones, ToneSession, ToneVad


class Judge:
    """Asked about pauses; the test says what it finds, when it likes."""

    def __init__(self) -> None:
        self.asked: list[Samples] = []
        self.thens: list[Callable[[float], None]] = []

    def ask(self, samples: Samples, then: Callable[[float], None]) -> None:
        self.asked.append(samples)
        self.thens.append(then)

    def close(self) -> None:
        """Nothing is held."""


def ears(judge: Judge, **turn: Any) -> tuple[Hearing, Heard, Tones]:
    heard, tones = Heard(), Tones()
    hearing = Hearing(ToneVad(), ToneRecogniser(tones, 0), heard, judge)
    hearing.turn_settings = TurnSettings.of({"type": "semantic_vad", **turn}, is_judged=True)
    return hearing, heard, tones


def quiet(ms: int) -> bytes:
    return bytes(48 * ms)


def stops(heard: Heard) -> list[str]:
    return [str(event[2]) for event in heard.events if event[0] == "stopped"]


def test_a_turn_is_over_when_it_sounds_so() -> None:
    judge = Judge()
    hearing, heard, tones = ears(judge)
    hearing.feed(to_pcm(tones.spoken("what is my balance", WIRE_RATE)) + quiet(400))
    assert stops(heard) == []
    judge.thens[0](0.6)
    hearing.feed(quiet(64))
    assert stops(heard) == ["what is my balance"]
    assert hearing.silence_s < 0.5


def test_who_sounds_as_if_they_go_on_may_go_on() -> None:
    judge = Judge()
    hearing, heard, tones = ears(judge)
    hearing.feed(to_pcm(tones.spoken("what is", WIRE_RATE)) + quiet(300))
    judge.thens[0](0.4)
    hearing.feed(quiet(1500) + to_pcm(tones.spoken("my balance", WIRE_RATE)) + quiet(200))
    assert stops(heard) == []
    judge.thens[-1](0.9)
    judge.thens[0](0.9)  # a verdict about the pause before
    hearing.feed(quiet(200))
    assert stops(heard) == ["what is my balance"]


def test_the_judge_hears_the_turn_with_what_came_before_it_and_no_more_than_its_end() -> None:
    judge = Judge()
    hearing, _, tones = ears(judge)
    hearing.feed(quiet(2000) + to_pcm(tones.spoken("one two three four", WIRE_RATE)) + quiet(200))
    # 300 ms of pre-roll, four words, and the silence of the pause
    assert len(judge.asked[0]) / RATE == pytest.approx(0.3 + 4 * 0.096 + 0.1, abs=0.07)
    hearing.feed(to_pcm(tones.spoken("word " * 100, WIRE_RATE)) + quiet(200))
    assert len(judge.asked[-1]) == LISTENED_S * RATE


def test_nobody_is_asked_where_the_client_says_when_or_silence_alone_counts() -> None:
    judge = Judge()
    hearing, _, tones = ears(judge)
    hearing.turn_settings = TurnSettings()
    hearing.feed(to_pcm(tones.spoken("what is my balance", WIRE_RATE)) + quiet(400))
    assert judge.asked == []


async def test_a_session_with_a_judge_waits_for_who_has_not_finished(
    library: Library, bank_tools: list[Tool]
) -> None:
    judge = Judge()
    session = ToneSession(library, bank_tools, guesses=True, judge=judge)
    await session.settle()
    session.say("what is my balance")
    session.be_quiet(20)
    await session.settle()
    assert "input_audio_buffer.speech_stopped" not in session.kinds()
    judge.thens[-1](0.9)
    session.be_quiet(2)
    await session.settle()
    assert session.answers() == [("completed", "balance")]
    await session.end()


# the network


def test_the_spectrum_is_the_one_that_the_network_learned() -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE).astype(np.float32)
    found = spectrum(tone)
    assert found.shape == (80, 800)
    assert found.dtype == np.float32
    # Figures of the extractor that the network was trained with, for this second of 1 kHz.
    assert int(found[:, 750].argmax()) == 26
    assert float(found.max()) == pytest.approx(1.8912, abs=1e-4)
    assert float(found.max() - found.min()) == pytest.approx(2.0, abs=1e-4)


def test_a_missing_network_is_told_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_options, "find_spec", lambda _name: None)
    reasons = missing(EngineOptions(turn="smart"))
    assert "pip install --no-deps pipecat-ai" in reasons[-1]


def test_the_network_is_found_inside_the_package_without_importing_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "pipecat" / "audio" / "turn" / "smart_turn" / "data"
    data.mkdir(parents=True)
    (tmp_path / "pipecat" / "__init__.py").write_text("raise RuntimeError('imported')", encoding="utf-8")
    (data / "smart-turn-v3.2-cpu.onnx").write_bytes(b"")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert turn_file(EngineOptions(turn="smart")) == data / "smart-turn-v3.2-cpu.onnx"
    assert turn_file(EngineOptions(turn="smart", turn_model=tmp_path)) == tmp_path


def test_a_broken_network_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "bad.onnx").write_bytes(b"no model")
    with pytest.raises(SpeechError, match="Judging the end of a turn is broken"):
        SmartTurn(tmp_path / "bad.onnx")


NETWORK = turn_file(EngineOptions())


@pytest.mark.recordings
@pytest.mark.skipif(NETWORK is None, reason="pipecat-ai is not installed (pip install --no-deps pipecat-ai)")
def test_whole_sentences_sound_more_finished_than_cut_ones(recordings: Path) -> None:
    assert NETWORK is not None
    judge = SmartTurn(NETWORK)
    whole: list[float] = []
    cut: list[float] = []
    for name in ("lj_0002", "lv_0890", "sb_spk1_snt1", "sb_spk1_snt2", "sb_spk1_snt5"):
        speech = without_tail(recorded(recordings / f"{name}.wav"))
        for found, part in ((whole, speech), (cut, speech[: len(speech) // 2])):
            pcm = in_a_room(part, before_ms=0, after_ms=100)
            found.append(judge.finished(down().feed(to_samples(pcm), last=True)))
    judge.close()
    assert np.mean(whole) > np.mean(cut) + 0.2
