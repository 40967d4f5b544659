"""The arithmetic of an annuity loan, in whole cents.

What lives here: instalment, plan, interest of the running month, early settlement. Pure.
What never will: customers, a database, sentences.

The instalment is the annuity P * r / (1 - (1 + r)^-n) with the monthly rate r = nominal / 12, rounded to a
cent; the last one takes up the rounding. The fee for early settlement follows Article 16 of the EU's consumer
credit directive 2008/48/EC: at most 1 % of what is repaid early, 0.5 % when no more than a year was left, and
never more than the interest that the lender loses.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from typing import Final

_CENT: Final = Decimal(1)
_DAYS_OF_YEAR: Final = 365
_FEE: Final = Decimal("0.01")
_FEE_LAST_YEAR: Final = Decimal("0.005")


@dataclass(frozen=True, slots=True)
class Terms:
    """What was agreed. `rate_bp` is the nominal yearly rate in basis points (489 is 4.89 %)."""

    principal_cents: int
    rate_bp: int
    months: int

    @property
    def rate_percent(self) -> Decimal:
        """The nominal yearly rate in percent."""
        return Decimal(self.rate_bp).scaleb(-2)

    @property
    def effective_percent(self) -> Decimal:
        """The annual percentage rate: the nominal rate with interest compounded monthly, no other costs."""
        yearly = (1 + self._monthly) ** 12 - 1
        return (yearly * 100).quantize(Decimal("0.01"), ROUND_HALF_UP)

    @property
    def instalment_cents(self) -> int:
        """What is due each month, save the last."""
        if not self.rate_bp:
            return _round(Decimal(self.principal_cents) / self.months)
        rate = self._monthly
        return _round(self.principal_cents * rate / (1 - (1 + rate) ** -self.months))

    @property
    def _monthly(self) -> Decimal:
        return Decimal(self.rate_bp) / 10_000 / 12


@dataclass(frozen=True, slots=True)
class Instalment:
    """One month of the plan. `balance_cents` is what is owed after it."""

    number: int
    amount_cents: int
    interest_cents: int
    balance_cents: int


@dataclass(frozen=True, slots=True)
class Settlement:
    """What it costs to pay everything back on a day, and the interest that is saved by it."""

    balance_cents: int
    interest_cents: int
    fee_cents: int
    saved_cents: int

    @property
    def total_cents(self) -> int:
        """The sum to be paid."""
        return self.balance_cents + self.interest_cents + self.fee_cents


@cache
def plan(terms: Terms) -> tuple[Instalment, ...]:
    """The whole repayment plan. Amounts less interest add up to the principal, to the cent."""
    balance, fixed, found = terms.principal_cents, terms.instalment_cents, list[Instalment]()
    for number in range(1, terms.months + 1):
        interest = _round(Decimal(balance) * terms.rate_bp / 10_000 / 12)
        amount = balance + interest if number == terms.months else fixed
        balance += interest - amount
        found.append(Instalment(number, amount, interest, balance))
    return tuple(found)


def balance_cents(terms: Terms, paid: int) -> int:
    """What is owed after `paid` instalments."""
    return plan(terms)[paid - 1].balance_cents if paid else terms.principal_cents


def settlement(terms: Terms, *, paid: int, last_due: date, end: date, today: date) -> Settlement:
    """Paying everything back on `today`, `paid` instalments having been paid, the last on `last_due`."""
    owed = balance_cents(terms, paid)
    accrued = _round(Decimal(owed) * terms.rate_bp / 10_000 * max(0, (today - last_due).days) / _DAYS_OF_YEAR)
    lost = max(0, sum(line.interest_cents for line in plan(terms)[paid:]) - accrued)
    share = _FEE if months_later(end, -12) > today else _FEE_LAST_YEAR
    fee = min(_round(owed * share), lost)
    return Settlement(owed, accrued, fee, lost - fee)


def months_later(start: date, months: int) -> date:
    """The same day `months` later (earlier when negative). Days beyond the 28th are not used by contracts."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return date(year, month + 1, start.day)


def next_due(due_day: int, today: date) -> date:
    """The first day after `today` that is the `due_day` of its month (1 to 28)."""
    this_month = today.replace(day=due_day)
    return this_month if this_month > today else months_later(this_month, 1)


def _round(cents: Decimal) -> int:
    return int(cents.quantize(_CENT, ROUND_HALF_UP))
