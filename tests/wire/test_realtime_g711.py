"""Telephone formats: the laws against known values, and that cutting a stream changes nothing."""

import base64
import math
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.wire.realtime.g711 import Compressor, Expander, Law, _compression, _expansion
from tests.wire.realtime_dialog import Dialog

LAWS = get_args(Law)


def tone(ms: int, hz: float = 440.0) -> bytes:
    time_s = np.arange(24 * ms) / 24_000
    return (np.sin(2 * math.pi * hz * time_s) * 8000).astype("<i2").tobytes()


def test_the_laws_at_known_points() -> None:
    # ITU-T G.711: silence, the largest values and their signs, scaled to 16 bits
    mu, a = _expansion("audio/pcmu"), _expansion("audio/pcma")
    assert [int(mu[code]) for code in (0xFF, 0x7F, 0x80, 0x00)] == [0, 0, 32124, -32124]
    assert [int(a[code]) for code in (0xD5, 0x55, 0xAA, 0x2A)] == [8, -8, 32256, -32256]


@pytest.mark.parametrize("law", LAWS)
def test_every_code_survives_the_round_trip(law: Law) -> None:
    meant = _expansion(law)
    again = meant[_compression(law)[meant.view(np.uint16)]]

    assert (again == meant).all()


@pytest.mark.parametrize("law", LAWS)
def test_a_tone_comes_through(law: Law) -> None:
    pcm = tone(500)
    back = np.frombuffer(Expander(law).feed(Compressor(law).feed(pcm)), dtype="<i2").astype(float)
    given_wave = np.frombuffer(pcm, dtype="<i2").astype(float)

    window = slice(2400, 9600)
    loudness = np.sqrt(np.mean(back[window] ** 2)) / np.sqrt(np.mean(given_wave[window] ** 2))
    assert 0.9 < loudness < 1.1


@given(st.lists(st.integers(0, 400), max_size=12), st.sampled_from(LAWS))
def test_cuts_do_not_matter(sizes: list[int], law: Law) -> None:
    pcm = tone(100)
    whole = Compressor(law).feed(pcm)
    compressor, expander, start, codes, back = Compressor(law), Expander(law), 0, b"", b""
    for size in [*sizes, len(pcm)]:
        piece = compressor.feed(pcm[start : start + 2 * size])
        start += 2 * size
        codes += piece
        back += expander.feed(piece)

    assert codes == whole
    difference = np.frombuffer(back, "<i2").astype(int) - np.frombuffer(Expander(law).feed(whole), "<i2")
    assert np.abs(difference).max(initial=0) <= 1  # the order of float additions


@pytest.mark.parametrize("law", LAWS)
def test_a_session_may_speak_telephone(law: Law) -> None:
    dialog = Dialog()
    dialog.update(audio={"input": {"format": {"type": law}}, "output": {"format": {"type": law}}})
    dialog.speak(Compressor(law).feed(tone(1000)))
    assert abs(len(dialog.notes.pcm) - len(tone(1000))) <= 300

    writer = dialog.host.begin_response()
    message = writer.message()
    message.audio(tone(1000))
    writer.done()
    deltas = [event["delta"] for event in dialog.take() if event["type"] == "response.output_audio.delta"]
    assert abs(len(base64.b64decode(deltas[0])) - 8000) <= 20
    assert dialog.events[-2]["response"]["audio"]["output"]["format"] == {"type": law}
