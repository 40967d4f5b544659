"""Figures as one says them."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from holdfast.portal import speech

TODAY = date(2026, 11, 20)


@pytest.mark.parametrize(
    ("cents", "said"),
    [
        (841_230, "8,412 euros and 30 cents"),
        (100, "1 euro"),
        (101, "1 euro and 1 cent"),
        (5, "5 cents"),
        (0, "0 euros"),
        (-250, "minus 2 euros and 50 cents"),
        (1_000_000_00, "1,000,000 euros"),
    ],
)
def test_money(cents: int, said: str) -> None:
    assert speech.money(cents) == said


def test_days() -> None:
    assert speech.day(date(2026, 12, 15), TODAY) == "the fifteenth of December"
    assert speech.day(date(2026, 10, 31), TODAY) == "the thirty-first of October"
    assert speech.day(date(2028, 3, 1), TODAY) == "the first of March 2028"
    assert speech.day_and_year(date(2027, 8, 12)) == "the twelfth of August 2027"


def test_a_date_without_its_year_is_one_date_only() -> None:
    days = [TODAY + timedelta(days=number) for number in range(-800, 800)]
    said = [speech.day(one, TODAY) for one in days]

    assert len(set(said)) == len(days)


def test_shares_counts_and_lists() -> None:
    assert speech.percent(Decimal("4.89")) == "4.89 percent"
    assert speech.percent(Decimal("5.00")) == "5 percent"
    assert speech.percent(Decimal(10)) == "10 percent"
    assert speech.count(1, "instalment", "instalments") == "one instalment"
    assert speech.count(31, "instalment", "instalments") == "31 instalments"
    assert speech.listing(["a"]) == "a"
    assert speech.listing(["a", "b", "c"]) == "a, b and c"
