"""The words of a loan contract, explained in a sentence each.

What lives here: terms, how people say them, what they mean. What never will: a customer's figures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Term(StrEnum):
    """What `explain_term` can explain. The value is the term as it is spoken."""

    ANNUAL_PERCENTAGE_RATE = "annual percentage rate"
    INSTALMENT = "instalment"
    EARLY_SETTLEMENT = "early settlement"
    EARLY_SETTLEMENT_FEE = "early settlement fee"
    BALANCE = "balance"
    DIRECT_DEBIT = "direct debit"
    MANDATE = "mandate"
    IBAN = "iban"
    PRINCIPAL = "principal"
    INTEREST = "interest"
    NOMINAL_RATE = "nominal rate"
    FIXED_RATE = "fixed rate"
    LOAN_TERM = "term of a loan"
    DUE_DATE = "due date"
    AMORTISATION = "amortisation"
    LATE_FEE = "late fee"
    DEFAULT = "default"
    PROOF_OF_INCOME = "proof of income"
    PAY_SLIP = "pay slip"


@dataclass(frozen=True, slots=True)
class Meaning:
    """`spoken` holds other ways to say the term; `text` is one or two short sentences."""

    text: str
    spoken: tuple[str, ...] = ()


GLOSSARY: Final[Mapping[Term, Meaning]] = {
    Term.ANNUAL_PERCENTAGE_RATE: Meaning(
        "The annual percentage rate is the yearly price of a loan with all its costs, not only the interest. "
        "It makes offers easy to compare.",
        ("apr", "a p r", "annual rate", "percentage rate", "effective rate", "effective interest rate"),
    ),
    Term.INSTALMENT: Meaning(
        "An instalment is the fixed amount that you pay every month. One part is interest, the rest pays "
        "back your loan.",
        ("installment", "instalments", "monthly payment", "monthly rate"),
    ),
    Term.EARLY_SETTLEMENT: Meaning(
        "Early settlement means that you pay back the whole rest of your loan before its end. You then save "
        "the interest of the remaining months.",
        ("early repayment", "paying off early", "settlement figure", "payoff"),
    ),
    Term.EARLY_SETTLEMENT_FEE: Meaning(
        "The early settlement fee is what the bank may ask when you pay back early. It is at most one "
        "percent of the amount, and half a percent in the last year.",
        ("early repayment fee", "prepayment penalty", "settlement fee"),
    ),
    Term.BALANCE: Meaning(
        "The balance is what you still owe on your loan today, without the interest of the coming months.",
        ("outstanding balance", "outstanding amount", "remaining debt"),
    ),
    Term.DIRECT_DEBIT: Meaning(
        "With a direct debit we collect the instalment from your bank account on the due date. You gave us "
        "permission for that.",
        ("debit", "automatic debit", "standing debit"),
    ),
    Term.MANDATE: Meaning(
        "A mandate is your written permission to collect payments from your bank account. "
        "You may take it back.",
        ("direct debit mandate", "sepa mandate"),
    ),
    Term.IBAN: Meaning(
        "IBAN stands for international bank account number. It names your account, its bank and its country.",
        ("i b a n", "international bank account number", "account number"),
    ),
    Term.PRINCIPAL: Meaning(
        "The principal is the amount that you borrowed, without interest and fees.",
        ("loan amount", "capital"),
    ),
    Term.INTEREST: Meaning(
        "Interest is the price for borrowing money. It is counted on what you still owe.",
        ("interest costs",),
    ),
    Term.NOMINAL_RATE: Meaning(
        "The nominal rate is the yearly interest rate alone, without any other costs of the loan.",
        ("nominal interest rate", "nominal interest"),
    ),
    Term.FIXED_RATE: Meaning(
        "A fixed rate stays the same until the end of your contract. A variable rate may change with the "
        "market.",
        ("fixed interest rate", "fixed interest", "variable rate"),
    ),
    Term.LOAN_TERM: Meaning(
        "The term is the time from the start of your loan to its last instalment.",
        ("loan term", "term", "duration", "remaining term"),
    ),
    Term.DUE_DATE: Meaning(
        "The due date is the day of the month on which your instalment must have been paid.",
        ("payment date", "due day"),
    ),
    Term.AMORTISATION: Meaning(
        "Amortisation means paying back a loan bit by bit. With each instalment the interest part shrinks "
        "and the repayment part grows.",
        ("amortization", "repayment plan", "repayment schedule"),
    ),
    Term.LATE_FEE: Meaning(
        "A late fee can be charged when an instalment arrives after its due date.",
        ("late payment fee", "reminder fee"),
    ),
    Term.DEFAULT: Meaning(
        "A loan is in default when several instalments have not been paid in spite of reminders.",
        ("loan default", "defaulting"),
    ),
    Term.PROOF_OF_INCOME: Meaning(
        "A proof of income is a paper that shows what you earn, such as your latest pay slips.",
        ("income statement", "salary statement"),
    ),
    Term.PAY_SLIP: Meaning(
        "A pay slip is the monthly statement from your employer about your wages.",
        ("payslip", "wage slip", "payroll slip"),
    ),
}

SPOKEN: Final[Mapping[str, list[str]]] = {
    term.value: [term.value, *meaning.spoken] for term, meaning in GLOSSARY.items()
}
"""Term -> every way to say it."""
