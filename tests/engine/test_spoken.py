"""What is written is said in words, in pieces that lose nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.engine.spoken import clauses, said


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("€340.50", "three hundred forty euros and fifty cents"),
        ("$1", "one dollar"),
        ("£0.02", "two pence"),
        ("1,234 EUR", "one thousand two hundred thirty four euros"),
        ("4.9%", "four point nine percent"),
        ("2026-12-01", "first of December twenty twenty six"),
        ("1 December 2026", "first of December twenty twenty six"),
        ("December 24", "December twenty fourth"),
        ("the 3rd", "the third"),
        ("0049123", "zero zero four nine one two three"),
        ("your APR", "your A P R"),
        ("HF-2041", "H F two zero four one"),
        ("2026-13-01 * x", "two thousand twenty six - thirteen - zero one x"),
    ],
)
def test_figures_become_words(written: str, spoken: str) -> None:
    assert said(written).replace(" -", " -") == spoken or said(written) == spoken.replace(" - ", "-")


def test_sentences_are_cut_at_their_clauses() -> None:
    pieces = list(clauses("Hello there, Anna. You owe nothing; all is well."))
    assert [piece.written for piece in pieces] == [
        "Hello there, ",
        "Anna. ",
        "You owe nothing; ",
        "all is well.",
    ]
    assert [piece.pause_ms for piece in pieces] == [90, 180, 90, 180]


def test_the_first_piece_is_short_where_the_sentence_allows() -> None:
    first, *_ = clauses("Your next payment of three hundred euros is due on the first of December.")
    assert first.written == "Your next payment "


@given(st.text(max_size=500))
def test_pieces_together_are_the_text_and_hold_no_figure(text: str) -> None:
    pieces = list(clauses(text))
    joined = "".join(piece.written for piece in pieces)
    assert joined.strip(" .!?;:,\n") in text
    assert not any(char.isascii() and char.isdigit() for piece in pieces for char in piece.said)


@given(st.text(alphabet="abc ,.", max_size=300))
def test_no_letter_is_lost(text: str) -> None:
    joined = "".join(piece.written for piece in clauses(text))
    assert [char for char in joined if char.isalpha()] == [char for char in text if char.isalpha()]
