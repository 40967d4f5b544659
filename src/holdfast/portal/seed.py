"""The dozen customers of the demo portal, as a table.

What lives here: who they are and how their loans stand. The same every time.
What never will: dates (see `schema`), figures that the arithmetic of `loan` gives.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from holdfast.portal.loan import Terms, plan
from holdfast.portal.schema import ContractRow, CustomerRow, DocumentRow, PaymentRow, Row

_ID, _SLIP, _STATEMENT = "copy of your identity card", "latest pay slip", "latest bank statement"
_INCOME, _INSURANCE, _MANDATE = "proof of income", "car insurance certificate", "signed direct debit mandate"


@dataclass(frozen=True, slots=True)
class _Customer:
    name: str
    product: str
    euros: int
    rate_bp: int
    months: int
    due_day: int
    paid: int = 0
    state: str = "active"
    overdue: int = 0
    applied_days_ago: int = 0
    method: str = "direct_debit"
    days_late: int = 0  # of the last payment
    received: tuple[str, ...] = (_ID, _INCOME, _MANDATE)
    in_review: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


_CUSTOMERS: Final = (
    _Customer("Anna Keller", "car loan", 18_500, 489, 60, 15, 29, received=(_ID, _MANDATE), missing=(_SLIP,)),
    _Customer("Ben Fischer", "personal loan", 6_000, 649, 36, 1, 11, method="transfer", days_late=1),
    _Customer("Clara Novak", "home improvement loan", 25_000, 425, 84, 5, 40),
    _Customer(
        "David Moreau",
        "car loan",
        14_200,
        515,
        48,
        10,
        state="applied",
        applied_days_ago=6,
        received=(_ID,),
        in_review=(_INCOME,),
        missing=(_SLIP, _STATEMENT),
    ),
    _Customer(
        "Elena Rossi",
        "home improvement loan",
        32_000,
        399,
        96,
        20,
        state="approved",
        applied_days_ago=12,
        received=(_ID, _INCOME),
        missing=(_MANDATE,),
    ),
    _Customer("Farid Haddad", "personal loan", 9_900, 699, 48, 28, 20, overdue=1),
    _Customer("Greta Lindholm", "car loan", 21_750, 459, 72, 12, 63, in_review=(_INSURANCE,)),
    _Customer("Hugo Martin", "student loan", 12_000, 0, 60, 3, 17, received=(_ID,)),
    _Customer("Irina Petrova", "personal loan", 5_000, 719, 24, 8, 24, state="paid_off"),
    _Customer(
        "Jonas Weber",
        "personal loan",
        15_000,
        589,
        60,
        25,
        state="declined",
        applied_days_ago=21,
        received=(_ID, _INCOME, _STATEMENT),
    ),
    _Customer("Katarina Horvat", "car loan", 27_400, 475, 60, 18, 5, method="transfer", days_late=2),
    _Customer("Liam O'Brien", "home improvement loan", 40_000, 439, 120, 2, 2, missing=(_SLIP, _STATEMENT)),
)


def rows() -> Iterator[Row]:
    """Every row of a new portal."""
    for position, customer in enumerate(_CUSTOMERS):
        customer_id, contract_id = f"cust-{1001 + position}", f"HF-{20417 + 131 * position}"
        yield CustomerRow(id=customer_id, name=customer.name, position=position)
        yield ContractRow(
            id=contract_id,
            customer_id=customer_id,
            product=customer.product,
            state=customer.state,
            principal_cents=customer.euros * 100,
            rate_bp=customer.rate_bp,
            months=customer.months,
            due_day=customer.due_day,
            paid=customer.paid,
            overdue=customer.overdue,
            applied_days_ago=customer.applied_days_ago,
        )
        yield from _payments(customer, contract_id)
        for state in ("received", "in_review", "missing"):
            for title in getattr(customer, state):
                yield DocumentRow(customer_id=customer_id, title=title, state=state)


def _payments(customer: _Customer, contract_id: str) -> Iterator[PaymentRow]:
    """A booking for each instalment that was due; the last `overdue` ones were returned by the bank."""
    terms = Terms(customer.euros * 100, customer.rate_bp, customer.months)
    due = customer.paid + customer.overdue
    for instalment in plan(terms)[:due]:
        yield PaymentRow(
            contract_id=contract_id,
            instalment=instalment.number,
            amount_cents=instalment.amount_cents,
            method=customer.method,
            outcome="received" if instalment.number <= customer.paid else "returned",
            days_late=customer.days_late if instalment.number == customer.paid else 0,
        )
