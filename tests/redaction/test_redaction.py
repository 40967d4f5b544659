"""What is taken out of a text, what stays, and how much of each in sentences by the hundred."""

from __future__ import annotations

import time
from typing import get_args

import hypothesis.strategies as st
import pytest
from benchmarks.redaction.__main__ import measured, page, told
from benchmarks.redaction.cases import Case
from hypothesis import given

from holdfast.config.keeping import PersonalKind
from holdfast.redaction import DEFAULT_KINDS, Kind, Redaction

EVERYTHING = Redaction()
SAID_IBAN = (
    "eight nine three seven oh four double zero four four zero five three two zero one three zero zero zero"
)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("My card is 4111 1111 1111 1111, thanks.", "My card is [card], thanks."),
        ("four one one one, one one one one, one one one one, one one one one", "[card]"),
        ("4111\u20111111\u20111111\u20111111 or 4111_1111_1111_1111", "[card] or [card]"),
        ("4111\u200b1111\u200b1111\u200b1111", "[card]"),
        ("DE89\u22123704\u22120044\u22120532\u22120130\u221200", "[iban]"),
        ("1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13", None),
        ("Meine Karte: vierzig null null, null null fünf sechs, ...", None),
        ("IBAN DE89 3704 0044 0532 0130 00", "IBAN [iban]"),
        (f"D E {SAID_IBAN}", "[iban]"),
        ("My IBAN is MT84MALT011000012345MTLCAST001S, and", "My IBAN is [iban], and"),
        ("Call 0171 2345678 or +44 20 7946 0958.", "Call [phone] or [phone]."),
        ("a dot keller at example dot com", "[mail]"),
        ("anna.keller@example.com", "[mail]"),
        ("Anna dot keller at sign example dot com, please", "[mail], please"),
        ("Schreiben Sie keller ät firma punkt de", "Schreiben Sie [mail]"),
        ("anna.keller(at)example.com or ben [at] example [dot] org", "[mail] or [mail]"),
        ("anna at gmail .com", "[mail]"),
        ("You can look at me. In 2026 I paid 300 euros.", None),
        ("I was looking at mail. It said 300 euros.", None),
        ("the security code is one two three", "the security code is [card]"),
        ("My card number is 4111 1111 1111 1112", "My card number is [card]"),  # a digit misheard
        ("My IBAN is DE88 3704 0044 0532 0130 00", "My IBAN is [iban]"),
        ("My contract is HF-20417 of 2026-11-22 over 12,500.00 euros.", None),
        ("The reference is 4111 1111 1111 1112.", None),
        ("One, two, three, four, five, six, seven, eight, nine, ten.", None),
        ("", None),
    ],
)  # fmt: skip
def test_what_is_nobodys_business_is_taken_out_and_nothing_else(said: str, kept: str | None) -> None:
    assert EVERYTHING.clean(said).text == (said if kept is None else kept)


def test_a_text_in_which_nothing_is_found_stays_the_same_object() -> None:
    text = "I would like to know what I owe."
    assert EVERYTHING.clean(text).text is text


def test_each_kind_can_be_left_in() -> None:
    text = "4111111111111111, DE89370400440532013000, 0171 2345678, a@example.com"
    for kind in DEFAULT_KINDS:
        others = Redaction([one for one in DEFAULT_KINDS if one is not kind]).clean(text)
        assert f"[{kind}]" not in others.text
        assert set(others.found) == set(DEFAULT_KINDS) - {kind}
    assert Redaction([]).clean(text).text is text


def test_who_must_be_sure_takes_out_every_number() -> None:
    clean = Redaction([*DEFAULT_KINDS, Kind.DIGITS]).clean(
        "contract 2044 8810, and the rest is five six seven eight nine oh one"
    )

    assert clean.text == "contract [digits], and the rest is [digits]"


def test_the_settings_name_the_same_kinds() -> None:
    assert get_args(PersonalKind) == tuple(map(str, Kind))


def test_local_numbers_are_those_of_the_regions_asked_for() -> None:
    text = "ring me on 0171 2345678"
    assert Redaction(regions=("US",)).clean(text).text == text
    assert Redaction(regions=("DE",)).clean(text).text == "ring me on [phone]"


def test_the_figures_of_the_documents_hold() -> None:
    results = measured()
    built_with, mended_after, unseen = results

    assert sum(one.cases for one in results) > 450
    for one in (built_with, mended_after):
        assert one.untouched == one.empty
        assert all(count.precision == 1 for count in one.counts.values())
        assert all(count.recall == 1 for kind, count in one.counts.items() if kind != "mail")
    assert built_with.counts["mail"].recall == 1
    for kind, least in UNSEEN_RECALL.items():
        assert unseen.counts[kind].recall >= least
    assert "recall" in told(results, misses=True)
    assert page(results).startswith("# Redaction")


UNSEEN_RECALL = {"card": 0.84, "iban": 0.91, "phone": 0.92, "mail": 0.92}


def test_what_is_marked_in_a_case_is_where_it_says() -> None:
    case = Case.of("call {phone:0171 2} or {mail:a@b.de}!")
    assert case.text == "call 0171 2 or a@b.de!"
    assert [case.text[start:end] for _, start, end in case.truth] == ["0171 2", "a@b.de"]


@given(st.text(alphabet="4 1one-two,.@ atdotDE+()", max_size=200))
def test_places_are_in_order_and_lie_apart(text: str) -> None:
    places = EVERYTHING.places(text)
    ends = [edge for place in places for edge in (place.start, place.end)]
    assert ends == sorted(ends)
    assert all(place.start < place.end <= len(text) for place in places)


@pytest.mark.parametrize(
    "text",
    ["1 " * 8_000, "four " * 3_000, "a at " * 3_000, "1234567890" * 1_600, "a_" * 8_000, "a.b" * 5_000,
     "+" + "1" * 8_000, "1" + " " * 128_000, "(212) 555-0187 " * 1_000,
     "DE89 3704 0044 0532 0130 01 " * 500, "a dot " * 2_700, "@ " * 8_000],
)  # fmt: skip
def test_no_text_of_the_longest_kind_takes_long(text: str) -> None:
    """What must not happen is a pattern that tries everything: that would take hours, not a second."""
    began = time.process_time()
    EVERYTHING.clean(text)
    assert time.process_time() - began < 10
