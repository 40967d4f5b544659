"""WAV of every usual shape comes out as the one format of the house."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from holdfast.client import RecordingError, read_wav, write_wav


def tone(rate: int, seconds: float = 0.5) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * 440 * np.arange(int(rate * seconds)) / rate)


def save(path: Path, signal: np.ndarray, rate: int, *, width: int = 2, channels: int = 1) -> Path:
    full = 2 ** (8 * width - 1)
    wide = np.repeat((signal * (full - 1)).astype(np.int64), channels)
    data = (
        (wide + 128).astype(np.uint8).tobytes()
        if width == 1
        else b"".join(int(sample).to_bytes(width, "little", signed=True) for sample in wide)
    )
    with wave.open(str(path), "wb") as wav:
        wav.setparams((channels, width, rate, 0, "NONE", ""))
        wav.writeframes(data)
    return path


@pytest.mark.parametrize("rate", [8000, 16000, 24000, 44100, 48000])
@pytest.mark.parametrize(("width", "channels"), [(2, 1), (2, 2), (1, 1), (3, 1), (4, 2)])
def test_any_rate_width_and_channels(tmp_path: Path, rate: int, width: int, channels: int) -> None:
    recording = read_wav(save(tmp_path / "a.wav", tone(rate), rate, width=width, channels=channels))

    heard = np.frombuffer(recording.pcm, dtype="<i2") / 32768
    expected = tone(24000)[: len(heard)]
    assert abs(recording.samples - 12000) <= 2
    middle = slice(2000, 10000)
    assert np.corrcoef(heard[middle], expected[middle])[0, 1] > 0.99
    assert bool(recording.note) == ((rate, width, channels) != (24000, 2, 1))


def test_what_needs_no_conversion_is_the_same_to_the_bit(tmp_path: Path) -> None:
    pcm = (np.arange(-32768, 32768, 7).astype("<i2")).tobytes()
    write_wav(tmp_path / "same.wav", pcm)

    recording = read_wav(tmp_path / "same.wav")

    assert recording.pcm == pcm
    assert recording.note == ""


def test_a_conversion_is_told(tmp_path: Path) -> None:
    recording = read_wav(save(tmp_path / "a.wav", tone(16000), 16000, channels=2))

    assert recording.note == "converted 16000 Hz to 24000 Hz, 2 channels to one"


def test_where_speech_ends_is_found_before_trailing_silence(tmp_path: Path) -> None:
    signal = np.concatenate([tone(24000), np.zeros(12000)])

    assert abs(read_wav(save(tmp_path / "a.wav", signal, 24000)).speech_end - 12000) <= 240


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "does not exist"),
        (b"", "no usable WAV"),
        (b"ID3 an mp3", "no usable WAV"),
        (b"RIFF", "no usable WAV"),
    ],
)
def test_what_is_no_recording_is_refused_in_three_lines(
    tmp_path: Path, content: bytes | None, words: str
) -> None:
    path = tmp_path / "a.wav"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(RecordingError) as refused:
        read_wav(path)

    assert words in refused.value.what
    assert refused.value.why
    assert refused.value.fix


@pytest.mark.parametrize(("peak", "is_silent"), [(0.0, True), (0.0004, True), (0.0008, False)])
def test_a_recording_in_which_nothing_can_be_heard_is_refused(
    tmp_path: Path, peak: float, *, is_silent: bool
) -> None:
    path = save(tmp_path / "a.wav", np.full(2400, peak), 24000)
    if not is_silent:
        assert read_wav(path).samples == 2400
        return
    with pytest.raises(RecordingError, match="is silent") as refused:
        read_wav(path)
    assert "loudest sample" in refused.value.why


def test_a_recording_without_samples_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="is empty"):
        read_wav(save(tmp_path / "a.wav", np.zeros(0), 24000))


@pytest.mark.parametrize("cut", [1, 2, 3, 4_801])
def test_a_file_that_was_cut_within_a_sample_is_read_to_there_and_says_so(tmp_path: Path, cut: int) -> None:
    path = save(tmp_path / "a.wav", tone(24000), 24000, channels=2)
    path.write_bytes(path.read_bytes()[:-cut])

    recording = read_wav(path)

    assert recording.samples == 12_000 - -(-cut // 4)
    assert "s before the end that its header names" in recording.note


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (24, (1).to_bytes(4, "little"), "16 bit and 1 samples a second"),
        (24, (4_000_000_000).to_bytes(4, "little"), "4000000000 samples a second"),
        (34, (40).to_bytes(2, "little"), "40 bit"),
    ],
)
def test_a_header_that_no_recorder_writes_is_refused(
    tmp_path: Path, place: int, value: bytes, words: str
) -> None:
    path = save(tmp_path / "a.wav", tone(24000), 24000)
    data = bytearray(path.read_bytes())
    data[place : place + len(value)] = value
    path.write_bytes(data)

    with pytest.raises(RecordingError, match="no usable WAV") as refused:
        read_wav(path)
    assert words in refused.value.why


def test_who_wrote_it_as_it_came_did_not_know_its_length(tmp_path: Path) -> None:
    path = save(tmp_path / "a.wav", tone(24000), 24000)
    data = bytearray(path.read_bytes())
    data[4:8] = data[40:44] = b"\xff\xff\xff\xff"
    path.write_bytes(data)

    recording = read_wav(path)
    assert (recording.samples, recording.note) == (12_000, "")
