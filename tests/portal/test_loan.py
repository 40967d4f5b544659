"""The arithmetic of a loan, checked by hand and by its own laws."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.portal.loan import Terms, balance_cents, months_later, next_due, plan, settlement

TERMS = st.builds(
    Terms,
    principal_cents=st.integers(100_000, 10_000_000),
    rate_bp=st.integers(0, 2_000),
    months=st.integers(2, 180),
)


def test_the_instalment_is_that_of_the_text_book() -> None:
    # 10,000 at 6 % over 24 months: 10,000 * 0.005 / (1 - 1.005^-24) = 443.206
    assert Terms(1_000_000, 600, 24).instalment_cents == 44_321
    assert Terms(1_200_000, 0, 60).instalment_cents == 20_000


def test_the_annual_percentage_rate_compounds_the_months() -> None:
    assert Terms(1_000_000, 600, 24).effective_percent == Decimal("6.17")
    assert Terms(1_000_000, 0, 24).effective_percent == 0


@given(TERMS)
def test_a_plan_pays_back_exactly_what_was_borrowed(terms: Terms) -> None:
    lines = plan(terms)

    assert sum(line.amount_cents - line.interest_cents for line in lines) == terms.principal_cents
    assert lines[-1].balance_cents == 0
    assert all(earlier.balance_cents > later.balance_cents for earlier, later in pairwise(lines))
    # the last one takes up the rounding: at most half a cent, with interest, for each month
    drift = abs(lines[-1].amount_cents - terms.instalment_cents)
    assert drift <= terms.months * (1 + terms.rate_bp / 10_000) ** (terms.months / 12)


@given(TERMS, st.data())
def test_settling_early_costs_what_is_owed_and_a_bounded_fee(terms: Terms, data: st.DataObject) -> None:
    paid = data.draw(st.integers(0, terms.months - 1))
    last_due = date(2026, 11, 15)
    end = months_later(last_due, terms.months - paid)
    today = last_due + timedelta(days=data.draw(st.integers(0, 27)))

    cost = settlement(terms, paid=paid, last_due=last_due, end=end, today=today)

    left = [line.interest_cents for line in plan(terms)[paid:]]
    assert cost.balance_cents == balance_cents(terms, paid)
    assert 0 <= cost.fee_cents <= cost.balance_cents // 100 + 1
    assert cost.fee_cents <= sum(left)
    assert cost.saved_cents >= 0
    assert cost.total_cents == cost.balance_cents + cost.interest_cents + cost.fee_cents


def test_the_fee_is_halved_in_the_last_year() -> None:
    terms, last_due = Terms(1_000_000, 600, 24), date(2026, 11, 1)

    long = settlement(terms, paid=10, last_due=last_due, end=months_later(last_due, 14), today=last_due)
    short = settlement(terms, paid=13, last_due=last_due, end=months_later(last_due, 11), today=last_due)

    assert long.fee_cents == round(balance_cents(terms, 10) / 100)
    assert short.fee_cents == round(balance_cents(terms, 13) / 200)


@pytest.mark.parametrize("end", [date(2028, 3, 1), date(2027, 3, 1)])
def test_the_last_year_begins_a_year_before_the_end_with_a_leap_day_or_without(end: date) -> None:
    terms, begins = Terms(1_000_000, 600, 24), months_later(end, -12)

    before = settlement(terms, paid=12, last_due=begins, end=end, today=begins - timedelta(days=1))
    within = settlement(terms, paid=12, last_due=begins, end=end, today=begins)

    assert before.fee_cents == round(balance_cents(terms, 12) / 100)
    assert within.fee_cents == round(balance_cents(terms, 12) / 200)


def test_interest_runs_by_the_day_since_the_last_due_date() -> None:
    terms, last_due = Terms(3_650_000, 1_000, 60), date(2026, 11, 1)

    cost = settlement(
        terms, paid=0, last_due=last_due, end=date(2031, 11, 1), today=last_due + timedelta(days=10)
    )

    assert cost.interest_cents == 10_000  # 36,500 * 10 % * 10 / 365


@pytest.mark.parametrize(
    ("due_day", "today", "due"),
    [
        (15, date(2026, 11, 14), date(2026, 11, 15)),
        (15, date(2026, 11, 15), date(2026, 12, 15)),
        (15, date(2026, 12, 31), date(2027, 1, 15)),
        (28, date(2027, 2, 28), date(2027, 3, 28)),
        (1, date(2026, 12, 1), date(2027, 1, 1)),
    ],
)
def test_the_next_due_date_is_always_ahead(due_day: int, today: date, due: date) -> None:
    assert next_due(due_day, today) == due


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(1, 28))
def test_the_next_due_date_is_within_a_month(today: date, due_day: int) -> None:
    assert timedelta(0) < next_due(due_day, today) - today <= timedelta(days=31)
    assert months_later(months_later(next_due(due_day, today), -7), 7) == next_due(due_day, today)
