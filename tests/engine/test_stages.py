"""Each stage with the real library behind it."""

from __future__ import annotations

import asyncio
import os
import threading
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from holdfast.engine import flite_wasm
from holdfast.engine.endpointer import TurnSettings
from holdfast.engine.hearing import Hearing, Reading
from holdfast.engine.knowledge import Library
from holdfast.engine.options import FLITE, SILERO
from holdfast.engine.resample import WIRE_RATE, down, to_pcm, to_samples, up
from holdfast.engine.silero import Silero
from holdfast.engine.speaking import Manner, Mouth, loud_end, new_resampler, voice_name, without_lead
from holdfast.engine.sphinx import AcousticModel, SphinxRecogniser, check, installed_model
from holdfast.engine.spoken import clauses
from holdfast.engine.stages import FRAME, RATE, Samples, SpeechError
from holdfast.engine.vad import SileroVad
from tests.engine.conftest import Tool

pytestmark = pytest.mark.speech


@pytest.fixture(scope="module")
def voice(speech_files: Path) -> flite_wasm.FliteWasm:
    return flite_wasm.FliteWasm(flite_wasm.load(speech_files / FLITE, flite_wasm.cache_folder()))


@pytest.fixture(scope="module")
def silero(speech_files: Path) -> Silero:
    return Silero.load(speech_files / SILERO)


def spoken(voice: flite_wasm.FliteWasm, text: str) -> Samples:
    return np.concatenate(list(voice.speak(text, "rms", 1.0, lambda: False)))


def quiet(ms: int, rate: int = RATE) -> Samples:
    return np.random.default_rng(1).normal(0, 3e-4, rate * ms // 1000).astype(np.float32)


class Heard:
    """What the ears told."""

    def __init__(self) -> None:
        self.events: list[tuple[object, ...]] = []
        self.partials: list[str] = []
        self.pauses: list[str] = []

    def speech_started(self, at_ms: int) -> None:
        self.events.append(("started", at_ms))

    def words_so_far(self, text: str) -> None:
        self.partials.append(text)

    def speech_paused(self, text: str) -> None:
        self.pauses.append(text)

    def speech_stopped(self, at_ms: int, text: str, seconds: float) -> None:
        self.events.append(("stopped", at_ms, text, seconds))


# recognition


def test_a_question_is_heard_word_by_word(
    library: Library, bank_tools: list[Tool], voice: flite_wasm.FliteWasm
) -> None:
    recogniser = SphinxRecogniser(installed_model(), library.build(bank_tools, ""))
    recogniser.start()
    pcm = to_pcm(np.concatenate((quiet(300), spoken(voice, "what is my balance"), quiet(300))))
    partials = []
    for at in range(0, len(pcm), 2 * FRAME):
        recogniser.feed(pcm[at : at + 2 * FRAME])
        partials.append(recogniser.partial())
    assert recogniser.finish() == "what is my balance"
    assert any(partial.startswith("what is") for partial in partials)


def test_words_of_the_tools_and_instructions_can_be_heard(library: Library, bank_tools: list[Tool]) -> None:
    knowledge = library.build(bank_tools, "You speak with Mr Zygote about amortisation.")
    words = Path(knowledge.dictionary_path).read_text(encoding="utf-8")
    assert "\nzygote " in words
    assert "\namortization " in words
    assert "\napr EY P IY AA R\n" in words


def test_a_model_folder_that_is_not_there_is_told_in_words(tmp_path: Path) -> None:
    reasons = check(AcousticModel(tmp_path / "nowhere"))
    assert len(reasons) == 3
    assert "does not exist" in reasons[0]


# hearing: resampling, turns and words together


@pytest.mark.parametrize("frame_ms", [20, 100, 7])
def test_a_turn_is_found_and_understood_at_any_frame_length(
    silero: Silero, library: Library, bank_tools: list[Tool], voice: flite_wasm.FliteWasm, frame_ms: int
) -> None:
    heard = Heard()
    recogniser = SphinxRecogniser(installed_model(), library.build(bank_tools, ""))
    hearing = Hearing(SileroVad(silero), recogniser, heard)
    hearing.turn_settings = TurnSettings(silence_duration_ms=200)
    speech = without_lead(spoken(voice, "when is my next payment"))
    whole = np.concatenate((quiet(600), speech, quiet(800)))
    wire = to_pcm(up().feed(whole, last=True))
    size = WIRE_RATE * frame_ms // 1000 * 2
    for at in range(0, len(wire), size):
        hearing.feed(wire[at : at + size])
    (_, started), (_, stopped, text, seconds) = heard.events
    assert text == "when is my next payment"
    assert started == pytest.approx(300, abs=120)
    end_ms = 600 + len(speech) * 1000 // RATE
    assert stopped == pytest.approx(end_ms + 200, abs=200)
    assert seconds == pytest.approx(len(speech) / RATE + 0.2, abs=0.3)
    assert heard.partials


def on_the_wire(*parts: Samples) -> bytes:
    return to_pcm(up().feed(np.concatenate(parts), last=True))


@pytest.mark.parametrize("around_ms", [0, 300])
def test_a_recorded_turn_is_heard_whole_however_close_it_was_cut(
    silero: Silero,
    library: Library,
    bank_tools: list[Tool],
    voice: flite_wasm.FliteWasm,
    around_ms: int,
) -> None:
    text = "when is my next payment"
    speech = without_lead(spoken(voice, text))
    reading = Reading(SileroVad(silero), SphinxRecogniser(installed_model(), library.build(bank_tools, "")))
    wire = on_the_wire(quiet(around_ms), speech[: loud_end(speech)], quiet(around_ms))
    for at in range(0, len(wire), 4800):
        reading.feed(wire[at : at + 4800])
    assert reading.finish() == text


def test_a_recording_with_a_long_pause_is_one_text_and_noise_is_none(
    silero: Silero, library: Library, bank_tools: list[Tool], voice: flite_wasm.FliteWasm
) -> None:
    recogniser = SphinxRecogniser(installed_model(), library.build(bank_tools, ""))
    reading = Reading(SileroVad(silero), recogniser)
    speech = without_lead(spoken(voice, "what is my balance"))
    reading.feed(on_the_wire(speech, quiet(1500), without_lead(spoken(voice, "good bye"))))
    assert reading.finish() == "what is my balance good bye"
    reading = Reading(SileroVad(silero), recogniser)
    reading.feed(on_the_wire(quiet(2000)))
    assert reading.finish() == ""


@pytest.mark.parametrize("skipped", [4800, 48_000, 480_002])
def test_positions_stay_right_when_audio_was_thrown_away_or_turns_were_the_client_s(
    silero: Silero,
    library: Library,
    bank_tools: list[Tool],
    voice: flite_wasm.FliteWasm,
    skipped: int,
) -> None:
    heard = Heard()
    recogniser = SphinxRecogniser(installed_model(), library.build(bank_tools, ""))
    hearing = Hearing(SileroVad(silero), recogniser, heard)
    hearing.turn_settings = None
    hearing.feed(on_the_wire(quiet(1000)))
    hearing.drop()
    hearing.turn_settings = TurnSettings(silence_duration_ms=200)
    hearing.skip(skipped)
    hearing.feed(on_the_wire(quiet(600), without_lead(spoken(voice, "how much do i owe")), quiet(800)))
    (_, started), (_, _, text, _) = heard.events
    assert str(text).startswith("how much do i owe")
    assert started == pytest.approx(1000 + skipped / 48 + 300, abs=120)


class Fed:
    """A recogniser that remembers what it was fed, in frames."""

    def __init__(self) -> None:
        self.pcm = b""
        self.frames: list[int] = []

    def start(self) -> None:
        """An utterance begins."""

    def feed(self, pcm: bytes) -> None:
        self.pcm += pcm
        self.frames.append(len(pcm) // (2 * FRAME))

    def partial(self) -> str:
        return ""

    def finish(self) -> str:
        return str(sum(self.frames))

    def teach(self, knowledge: object) -> None:
        """Nothing to learn."""


def test_the_recogniser_gets_speech_by_handfuls_and_a_pause_as_it_comes(
    silero: Silero, voice: flite_wasm.FliteWasm
) -> None:
    fed, heard = Fed(), Heard()
    hearing = Hearing(SileroVad(silero), fed, heard)
    hearing.turn_settings = TurnSettings(silence_duration_ms=200)
    said = up().feed(np.concatenate((quiet(600), spoken(voice, "what is my balance"), quiet(900))))
    for pcm in (to_pcm(said)[at : at + 960] for at in range(0, len(said) * 2, 960)):
        hearing.feed(pcm)

    assert heard.events[-1][0] == "stopped"
    assert max(fed.frames[:3]) > 4  # what came before the first frame of speech, with the first handful
    assert 4 in fed.frames
    assert fed.frames[-5:] == [1] * 5
    assert heard.events[-1][2] == str(sum(fed.frames))
    assert len(fed.pcm) == sum(fed.frames) * 2 * FRAME


def test_of_a_long_pause_its_beginning_is_heard_and_its_end_if_speech_goes_on(
    silero: Silero, voice: flite_wasm.FliteWasm
) -> None:
    phrase, pause_frames = without_lead(spoken(voice, "what is my balance")), 700 * RATE // 1000 // FRAME
    heard = []
    for between in (quiet(0), quiet(700)):
        fed, told = Fed(), Heard()
        hearing = Hearing(SileroVad(silero), fed, told)
        hearing.turn_settings = TurnSettings(silence_duration_ms=900)
        hearing.feed(on_the_wire(quiet(600), phrase, between, phrase, quiet(1200)))
        assert [event[0] for event in told.events] == ["started", "stopped"]
        heard.append((sum(fed.frames), len(fed.frames)))
    (without, _), (with_pause, handfuls) = heard
    assert 8 + 6 - 3 <= with_pause - without <= 8 + 6 + 3
    assert with_pause - without < pause_frames / 1.2
    assert handfuls < 0.4 * with_pause  # nobody is in a hurry with such a hangover


@pytest.mark.parametrize("rest", [1, 200, 511])
@pytest.mark.parametrize("settings", [None, TurnSettings()])
def test_a_turn_that_its_client_ends_is_heard_to_its_last_sample(
    silero: Silero, voice: flite_wasm.FliteWasm, rest: int, settings: TurnSettings | None
) -> None:
    """Who lets go of the key as the last word ends: less than a frame is the end of a word, too."""
    fed = Fed()
    hearing = Hearing(SileroVad(silero), fed, Heard())
    hearing.turn_settings = settings
    speech = without_lead(spoken(voice, "what is my balance"))
    speech = speech[: loud_end(speech) // FRAME * FRAME - FRAME + rest]
    wire = to_pcm(up().feed(speech, last=True))
    hearing.feed(wire)
    hearing.take()
    assert len(fed.pcm) // 2 == pytest.approx(len(speech), abs=2)
    assert hearing._rest.size < 2 * FRAME


@pytest.mark.parametrize("level", [0.0, 0.5])
def test_a_turn_that_nobody_ends_is_heard_in_parts_and_whole(silero: Silero, level: float) -> None:
    """What a recogniser keeps of one utterance has no bound of its own."""
    fed = Fed()
    starts: list[int] = []
    fed.start = lambda: starts.append(sum(fed.frames))  # type: ignore[method-assign] # it has no other eyes
    hearing = Hearing(SileroVad(silero), fed, Heard())
    hearing.turn_settings = None
    second = to_pcm(np.full(WIRE_RATE, level, dtype=np.float32))
    for _ in range(200):
        hearing.feed(second)
    text, seconds = hearing.take()
    assert seconds == pytest.approx(200, abs=0.1)
    lengths = [after - before for before, after in pairwise(starts)]
    assert 2 <= len(lengths) <= 3
    assert max(lengths) <= 76 * RATE // FRAME
    assert len(text.split()) == len(starts)
    assert len(fed.pcm) // 2 == pytest.approx(200 * RATE, abs=2)


def test_what_is_taught_during_a_turn_waits_for_its_end(
    silero: Silero, library: Library, bank_tools: list[Tool], voice: flite_wasm.FliteWasm
) -> None:
    heard = Heard()
    first, second = library.build(bank_tools, ""), library.build(bank_tools[:1], "")
    recogniser = SphinxRecogniser(installed_model(), first)
    hearing = Hearing(SileroVad(silero), recogniser, heard)
    hearing.turn_settings = TurnSettings(silence_duration_ms=200)
    wire = on_the_wire(quiet(600), without_lead(spoken(voice, "when is my next payment")), quiet(800))
    middle = len(wire) // 4 * 2
    hearing.feed(wire[:middle])
    hearing.teach(second)
    assert recogniser._knowledge is first
    hearing.feed(wire[middle:])
    assert heard.events[-1][2] == "when is my next payment"
    assert recogniser._knowledge is second


def test_resampling_there_and_back_keeps_the_sound() -> None:
    tone = np.sin(np.arange(RATE) * 2 * np.pi * 440 / RATE).astype(np.float32) * 0.5
    wire = up().feed(tone, last=True)
    back = down().feed(to_samples(to_pcm(wire)), last=True)
    assert abs(len(back) - len(tone)) <= 2
    middle = slice(2000, 14000)
    assert np.corrcoef(tone[middle], back[middle])[0, 1] > 0.999


# speech


async def gathered(mouth: Mouth, text: str, stop: threading.Event, limit: int = 10**9) -> bytes:
    out, resampler = b"", new_resampler()
    for clause in clauses(text):
        async for pcm in mouth.speak(clause, Manner("rms"), resampler, stop):
            assert 0 < len(pcm) <= 4800
            out += pcm
            if len(out) > limit:
                stop.set()
    return out


async def test_what_is_said_can_be_understood_again(
    library: Library, bank_tools: list[Tool], voice: flite_wasm.FliteWasm
) -> None:
    mouth = Mouth(voice)
    wire = await gathered(mouth, "How much do I owe?", threading.Event())
    mouth.close()
    recogniser = SphinxRecogniser(installed_model(), library.build(bank_tools, ""))
    recogniser.start()
    recogniser.feed(
        to_pcm(np.concatenate((quiet(300), down().feed(to_samples(wire), last=True), quiet(300))))
    )
    assert recogniser.finish() == "how much do i owe"


async def test_speech_stops_when_told(voice: flite_wasm.FliteWasm) -> None:
    mouth, stop = Mouth(voice), threading.Event()
    async with asyncio.timeout(5):
        out = await gathered(mouth, "This sentence is much too long to be heard. " * 20, stop, 9600)
    mouth.close()
    assert len(out) <= 9600 + 4800


def test_a_clause_begins_with_sound(voice: flite_wasm.FliteWasm) -> None:
    samples = without_lead(spoken(voice, "Hello."))
    assert np.abs(samples[: RATE // 50]).max() > 0.005


def test_speed_changes_the_length(voice: flite_wasm.FliteWasm) -> None:
    slow = np.concatenate(list(voice.speak("your next payment", "rms", 0.5, lambda: False)))
    fast = np.concatenate(list(voice.speak("your next payment", "rms", 1.5, lambda: False)))
    assert len(slow) > 2 * len(fast)


@pytest.mark.parametrize("text", ["-o /etc/passwd", "--help", "$(id)", "<xml/>", "\u4f60\u597d", "a" * 400])
def test_any_text_is_only_text(voice: flite_wasm.FliteWasm, text: str) -> None:
    for _ in voice.speak(text, "rms", 1.0, lambda: False):
        pass


def test_compiled_modules_are_kept_privately_and_foreign_ones_never_loaded(
    speech_files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    cache = flite_wasm.cache_folder()
    assert cache is not None
    assert cache.stat().st_mode & 0o777 == 0o700
    flite_wasm.load(speech_files / FLITE, cache)
    (kept,) = cache.iterdir()
    assert kept.stat().st_mode & 0o777 == 0o600
    kept.write_bytes(b"not ours")
    kept.chmod(0o666)
    flite_wasm.load(speech_files / FLITE, cache)
    assert kept.stat().st_mode & 0o777 == 0o600
    os.chmod(cache, 0o755)  # noqa: PTH101 - the folder is opened to others behind our back
    assert flite_wasm.cache_folder() is None


def test_a_missing_voice_is_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(SpeechError, match="Run `make speech`"):
        flite_wasm.load(tmp_path / "none.wasm", None)
    (tmp_path / "bad.wasm").write_bytes(b"no module")
    with pytest.raises(SpeechError, match="no WebAssembly"):
        flite_wasm.load(tmp_path / "bad.wasm", None)


@pytest.mark.parametrize(
    ("asked", "voice"),
    [("marin", "rms"), ("coral", "slt"), ({"id": "awb"}, "awb"), ("nobody", "rms"), ({}, "rms")],
)
def test_every_voice_of_the_dialect_has_one_of_ours(asked: object, voice: str) -> None:
    assert voice_name(asked, flite_wasm.VOICES) == voice
