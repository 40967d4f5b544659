"""The tables of the demo portal.

What lives here: customers, contracts, payments, documents. No date stands in them: a demo that was made last
year must still have its next payment in the future, so rows hold months paid and days passed, and `records`
turns them into dates of today.
What never will: queries, figures that can be computed.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

APPLICATION_ID: Final = 0x48_46_50_31
"""SQLite's `application_id` of our files ("HFP1"): another program's file is never written to."""
VERSION: Final = 1
"""SQLite's `user_version`: tables and demo rows together. A file of another version is filled anew."""


class Row(DeclarativeBase):
    """Every table of the portal."""


class CustomerRow(Row):
    __tablename__ = "customer"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    position: Mapped[int]
    contract: Mapped[ContractRow] = relationship(back_populates="customer", lazy="joined")
    documents: Mapped[list[DocumentRow]] = relationship(order_by="DocumentRow.id", lazy="selectin")


class ContractRow(Row):
    """A loan, from the application to its last instalment.

    `paid` instalments are booked, `overdue` ones came back. `decided_days_ago` is for applications.
    """

    __tablename__ = "contract"
    __table_args__ = (
        CheckConstraint("due_day between 1 and 28"),
        CheckConstraint("paid + overdue <= months"),
        CheckConstraint("state in ('applied', 'approved', 'declined', 'active', 'paid_off')"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[str] = mapped_column(ForeignKey("customer.id"), unique=True)
    product: Mapped[str]
    state: Mapped[str]
    principal_cents: Mapped[int]
    rate_bp: Mapped[int]
    months: Mapped[int]
    due_day: Mapped[int]
    paid: Mapped[int]
    overdue: Mapped[int]
    applied_days_ago: Mapped[int]
    customer: Mapped[CustomerRow] = relationship(back_populates="contract")
    payments: Mapped[list[PaymentRow]] = relationship(order_by="PaymentRow.instalment", lazy="selectin")


class PaymentRow(Row):
    """One booking. `days_late` counts from the instalment's due date; `outcome` is received or returned."""

    __tablename__ = "payment"

    id: Mapped[int] = mapped_column(primary_key=True)
    contract_id: Mapped[str] = mapped_column(ForeignKey("contract.id"), index=True)
    instalment: Mapped[int]
    amount_cents: Mapped[int]
    method: Mapped[str]
    outcome: Mapped[str]
    days_late: Mapped[int]


class DocumentRow(Row):
    """A paper of a customer's file. `state` is received, in_review or missing."""

    __tablename__ = "document"

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[str] = mapped_column(ForeignKey("customer.id"), index=True)
    title: Mapped[str]
    state: Mapped[str]
