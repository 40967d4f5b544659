"""What a speech server answers is sound, or is refused before anybody hears it."""

from __future__ import annotations

import io
import struct
import wave

import pytest

from holdfast.engine.remote import Speech
from holdfast.engine.served_sound import NoSoundError, ServedSound
from holdfast.engine.switch import StageError
from tests.engine.odd_servers import OddServer, odd, said

SAMPLES = b"".join(struct.pack("<h", at % 3_000) for at in range(6_000))


def wav(rate: int = 24_000, channels: int = 1, width: int = 2, pcm: bytes = SAMPLES) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setparams((channels, width, rate, 0, "NONE", ""))
        out.writeframes(pcm)
    return file.getvalue()


def with_list(told: bytes) -> bytes:
    """As ffmpeg writes it: a chunk of words before the samples, and the word `data` among them."""
    words = b"LIST" + (13).to_bytes(4, "little") + b"INFO data 1.2" + b"\0"
    return told[:36] + words + told[36:]


def heard(sound: ServedSound, *parts: bytes) -> bytes:
    pieces = [piece for part in parts for piece in sound.feed(part)]
    return b"".join([*pieces, *sound.finish()])


@pytest.mark.parametrize("whole", [wav(), with_list(wav())], ids=["plain", "with a list"])
@pytest.mark.parametrize("is_wav", [True, False])
def test_a_wav_file_is_the_same_however_it_is_cut(whole: bytes, *, is_wav: bool) -> None:
    for at in range(len(whole) - len(SAMPLES) + 4):
        sound = ServedSound(16_000, "audio/wav", is_wav=is_wav)
        assert heard(sound, whole[:at], whole[at:]) == SAMPLES, f"cut at {at}"
    bytewise = (whole[at : at + 1] for at in range(len(whole)))
    assert heard(ServedSound(24_000, is_wav=is_wav), *bytewise) == SAMPLES


@pytest.mark.parametrize("rate", [8_000, 16_000, 48_000])
def test_a_wav_file_says_its_own_rate(rate: int) -> None:
    size = len(heard(ServedSound(24_000, is_wav=True), wav(rate)))
    assert size == pytest.approx(len(SAMPLES) * 24_000 / rate, abs=9_600)


def test_bare_samples_are_taken_as_they_come() -> None:
    assert heard(ServedSound(24_000, "audio/pcm"), SAMPLES[:1], SAMPLES[1:7], SAMPLES[7:]) == SAMPLES
    assert heard(ServedSound(24_000, "application/octet-stream"), SAMPLES) == SAMPLES


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b'{"error":"no such voice"}'),
        ("text/html; charset=utf-8", b"<html>"),
        ("audio/mpeg", b"\xff\xfb\x90\x64" + bytes(400)),
        ("audio/mpeg", b"ID3\x04" + bytes(400)),
        ("", b"OggS" + bytes(400)),
        ("audio/pcm", b"fLaC" + bytes(400)),
        ("audio/wav", wav(rate=7)),
        ("audio/wav", wav(rate=4_000_000)),
        ("audio/wav", wav(channels=2)),
        ("audio/wav", wav(width=1)),
        ("audio/wav", b"RIFF\0\0\0\0WAVEdata\0\0\0\0fmt "),
        ("audio/wav", b"RIFF\0\0\0\0WAVELIST\xff\xff\xff\x7f" + bytes(400)),
    ],
)
async def test_what_is_no_sound_is_refused_and_heard_by_nobody(kind: str, body: bytes) -> None:
    with pytest.raises(NoSoundError):
        heard(ServedSound(24_000, kind), body)
    async with odd("speech", OddServer(said(body), kind=kind)) as server:
        with pytest.raises(StageError) as refused:
            assert not [piece async for piece in Speech(server).speak("hello", "marin", 1.0)]
        assert refused.value.code == "provider.stage_failed"
        assert not server.switch.is_on


def test_a_wav_file_that_was_asked_for_and_does_not_come_is_refused() -> None:
    with pytest.raises(NoSoundError, match="no WAV file"):
        heard(ServedSound(24_000, is_wav=True), SAMPLES)
