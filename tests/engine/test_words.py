"""Numbers, spellings and stems."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.engine.words import cardinal, digits, expanded, ordinal, stem, tokens, year


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "zero"),
        (19, "nineteen"),
        (40, "forty"),
        (342, "three hundred forty two"),
        (1_000, "one thousand"),
        (12_005, "twelve thousand five"),
        (2_000_000, "two million"),
        (-7, "minus seven"),
    ],
)
def test_cardinals(number: int, words: str) -> None:
    assert cardinal(number) == words


@pytest.mark.parametrize(
    ("number", "words"),
    [(1, "first"), (12, "twelfth"), (20, "twentieth"), (21, "twenty first"), (30, "thirtieth"), (5, "fifth")],
)
def test_ordinals(number: int, words: str) -> None:
    assert ordinal(number) == words


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (2026, "twenty twenty six"),
        (2005, "two thousand five"),
        (1905, "nineteen oh five"),
        (1900, "nineteen hundred"),
    ],
)
def test_years(number: int, words: str) -> None:
    assert year(number) == words


def test_digits_are_told_one_by_one() -> None:
    assert digits("07-5") == "zero seven five"


def test_tokens_are_what_a_recogniser_would_write() -> None:
    found = tokens("What\u2019s due on the 21st, 340 euros?")
    assert " ".join(found) == "what's due on the twenty first three hundred forty euros"


def test_spellings_and_contractions_meet() -> None:
    assert expanded(tokens("I've no instalments")) == ["i", "have", "no", "installments"]


@pytest.mark.parametrize("words", [("pay", "paying"), ("payment", "payments"), ("document", "documents")])
def test_forms_of_a_word_meet_in_their_stem(words: tuple[str, str]) -> None:
    assert stem(words[0]) == stem(words[1])


@given(st.text())
def test_any_text_has_tokens_of_letters_only(text: str) -> None:
    assert all(
        token.replace("'", "").isascii() and token.replace("'", "").isalpha() for token in tokens(text)
    )
