"""A customer's file as of today: what the tools speak from.

What lives here: frozen records, and the dates and figures that follow from them. Pure.
What never will: the database, sentences.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from holdfast.portal.loan import Settlement, Terms, balance_cents, months_later, next_due, plan, settlement


class State(StrEnum):
    """How far a contract has come."""

    APPLIED = "applied"
    APPROVED = "approved"
    DECLINED = "declined"
    ACTIVE = "active"
    PAID_OFF = "paid_off"


@dataclass(frozen=True, slots=True)
class Customer:
    """Who somebody is."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Payment:
    """One booking. A returned one has moved no money."""

    instalment: int
    amount_cents: int
    method: str
    returned: bool
    booked: date


@dataclass(frozen=True, slots=True)
class Document:
    """A paper. `title` follows "your" ("latest pay slip")."""

    title: str
    state: str


@dataclass(frozen=True, slots=True)
class Contract:
    """A loan as of `today`."""

    id: str
    product: str
    state: State
    terms: Terms
    due_day: int
    paid: int
    overdue: int
    applied: date
    today: date

    @property
    def next_number(self) -> int:
        """The number of the next instalment to fall due."""
        return self.paid + self.overdue + 1

    @property
    def next_due(self) -> date:
        """When the next instalment falls due: always after today."""
        return next_due(self.due_day, self.today)

    def due(self, number: int) -> date:
        """When an instalment falls or fell due."""
        return months_later(self.next_due, number - self.next_number)

    @property
    def end(self) -> date:
        """When the last instalment falls due."""
        return self.due(self.terms.months)

    @property
    def left(self) -> int:
        """How many instalments are not paid."""
        return self.terms.months - self.paid

    @property
    def balance_cents(self) -> int:
        """What is owed, without interest of the running month."""
        return balance_cents(self.terms, self.paid)

    @property
    def next_amount_cents(self) -> int:
        """What falls due next."""
        return plan(self.terms)[self.next_number - 1].amount_cents

    @property
    def overdue_cents(self) -> int:
        """What should have been paid and was not."""
        return sum(line.amount_cents for line in plan(self.terms)[self.paid : self.paid + self.overdue])

    @property
    def settlement(self) -> Settlement:
        """What it costs to pay everything back today."""
        return settlement(
            self.terms, paid=self.paid, last_due=self.due(self.paid), end=self.end, today=self.today
        )

    def booked(self, number: int, days_late: int) -> date:
        """When a booking for an instalment was made: never after today."""
        return min(self.today, self.due(number) + timedelta(days=days_late))


@dataclass(frozen=True, slots=True)
class CustomerFile:
    """Everything the tools may say about one customer."""

    customer: Customer
    contract: Contract
    payments: tuple[Payment, ...]
    documents: tuple[Document, ...]

    def titles(self, state: str) -> list[str]:
        """The documents in one state."""
        return [document.title for document in self.documents if document.state == state]
