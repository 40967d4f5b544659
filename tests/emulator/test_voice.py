"""The ear and the mouth: the same samples give the same answer, however they were cut."""

from hypothesis import given
from hypothesis import strategies as st

from holdfast.emulator.voice import Ear, SpeechEdge, deltas, spoken
from holdfast.wire.realtime import BYTES_PER_MS

PHRASE = spoken("one two three", char_ms=30)
PCM = bytes(1000 * BYTES_PER_MS) + PHRASE + bytes(700 * BYTES_PER_MS)


def edges(pieces: list[bytes], silence_ms: int = 500) -> list[SpeechEdge]:
    ear = Ear()
    return [edge for piece in pieces for edge in ear.feed(piece, prefix_ms=300, silence_ms=silence_ms)]


def test_speech_begins_a_prefix_early_and_ends_after_the_silence() -> None:
    phrase_ms = len(PHRASE) // BYTES_PER_MS

    started, stopped = edges([PCM])

    assert started == SpeechEdge("started", 700)
    assert stopped.kind == "stopped"
    assert abs(stopped.ms - (1000 + phrase_ms + 500)) <= 40


def test_a_click_and_a_murmur_are_no_speech() -> None:
    click = b"\xff\x7f" * (24 * 20)
    murmur = b"\x40\x00" * (24 * 1000)

    assert edges([bytes(48_000), click, bytes(48_000), murmur, bytes(48_000)]) == []


@given(st.lists(st.integers(1, 2_000), min_size=1, max_size=300))
def test_cuts_do_not_matter(sizes: list[int]) -> None:
    pieces, start = [], 0
    for size in sizes:
        pieces.append(PCM[start : start + 2 * size])
        start += 2 * size
    pieces.append(PCM[start:])

    assert edges(pieces) == edges([PCM])


def test_the_same_words_always_sound_the_same() -> None:
    assert spoken("hello you", char_ms=20) == spoken("hello you", char_ms=20)
    assert spoken("hello", char_ms=20) != spoken("howdy", char_ms=20)
    assert len(spoken("hello", char_ms=20)) == 100 * BYTES_PER_MS
    assert b"".join(deltas(PHRASE)) == PHRASE
