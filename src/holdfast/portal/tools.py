"""What the Financial Sherpa can look up and do.

What lives here: one function per tool, with the sentence it says; the table of tools.
What never will: SQL, arithmetic, a customer's id as an argument (it comes from the context only).

Every fact in a sentence stands beside it as a field. Nothing is changed by voice: such a tool opens a form.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Annotated, Final

from pydantic import Field

from holdfast.portal import speech
from holdfast.portal.glossary import GLOSSARY, SPOKEN, Term
from holdfast.portal.records import Contract, CustomerFile, State
from holdfast.portal.store import PortalStore
from holdfast.portal.utterances import UTTERANCES
from holdfast.ports import ClientAction, ToolContext
from holdfast.tools import Tool, ToolResult, function_tool

UNKNOWN: Final = ToolResult("I can't find a contract under your name.", {"found": False})

# What a contract that is not running lets us say about money.
_NOT_RUNNING: Final[Mapping[State, str]] = {
    State.APPLIED: "Your application is still being checked, so there is nothing to pay yet.",
    State.APPROVED: "Your loan is approved but not paid out yet, so there is nothing to pay yet.",
    State.DECLINED: "Your application was declined, so there is no loan and nothing to pay.",
    State.PAID_OFF: "Your loan is fully paid back. You owe nothing.",
}


class PortalTools:
    """The tools over one store. `today` is asked at each call."""

    def __init__(self, store: PortalStore, today: Callable[[], date]) -> None:
        self._store = store
        self._today = today

    async def balance(self, context: ToolContext) -> ToolResult:
        file = await self._file(context)
        if file is None:
            return UNKNOWN
        contract = file.contract
        if contract.state is not State.ACTIVE:
            return _not_running(contract)
        return ToolResult(
            f"You still owe {speech.money(contract.balance_cents)} on your {contract.product}.",
            {"contract": contract.id, "balance": speech.decimal(contract.balance_cents), "currency": "EUR"},
        )

    async def next_payment(self, context: ToolContext) -> ToolResult:
        file = await self._file(context)
        if file is None:
            return UNKNOWN
        contract = file.contract
        if contract.state is not State.ACTIVE:
            return _not_running(contract)
        amount, due = contract.next_amount_cents, contract.next_due
        say = f"Your next payment of {speech.money(amount)} is due on {speech.day(due, contract.today)}."
        facts = {"contract": contract.id, "amount": speech.decimal(amount), "due": due.isoformat()}
        if contract.overdue:
            late = contract.overdue_cents
            say = (
                f"{speech.money(late).capitalize()} are overdue, because your bank returned a payment. {say}"
            )
            facts["overdue"] = speech.decimal(late)
        return ToolResult(say, {**facts, "currency": "EUR"})

    async def last_payment(self, context: ToolContext) -> ToolResult:
        file = await self._file(context)
        if file is None:
            return UNKNOWN
        if not file.payments:
            return ToolResult("There are no payments on your contract yet.", {"payments": 0})
        last = file.payments[-1]
        booked, amount = speech.day(last.booked, file.contract.today), speech.money(last.amount_cents)
        facts = {
            "amount": speech.decimal(last.amount_cents),
            "currency": "EUR",
            "booked": last.booked.isoformat(),
            "method": last.method,
            "outcome": "returned" if last.returned else "received",
        }
        if last.returned:
            say = f"Your last payment of {amount} on {booked} was returned by your bank."
        else:
            say = f"Your last payment of {amount} arrived on {booked}."
        return ToolResult(say, facts)

    async def contract_status(self, context: ToolContext) -> ToolResult:
        file = await self._file(context)
        if file is None:
            return UNKNOWN
        contract = file.contract
        missing = len(file.titles("missing"))
        facts = {
            "contract": contract.id,
            "product": contract.product,
            "state": contract.state.value,
            "applied": contract.applied.isoformat() if _is_application(contract) else None,
            "missing_documents": missing,
            "overdue_instalments": contract.overdue,
        }
        return ToolResult(_status(contract, missing), facts)

    async def payoff(self, context: ToolContext) -> ToolResult:
        file = await self._file(context)
        if file is None:
            return UNKNOWN
        contract = file.contract
        if contract.state is not State.ACTIVE:
            return _not_running(contract)
        cost = contract.settlement
        say = f"To pay off your loan today you would need {speech.money(cost.total_cents)}."
        if cost.fee_cents:
            say = f"{say} That includes an early settlement fee of {speech.money(cost.fee_cents)}."
        facts = {
            "contract": contract.id,
            "total": speech.decimal(cost.total_cents),
            "balance": speech.decimal(cost.balance_cents),
            "accrued_interest": speech.decimal(cost.interest_cents),
            "fee": speech.decimal(cost.fee_cents),
            "saved_interest": speech.decimal(cost.saved_cents),
            "currency": "EUR",
            "valid_on": contract.today.isoformat(),
        }
        return ToolResult(say, facts)

    async def interest_rate(self, context: ToolContext) -> ToolResult:
        file = await self._file(context)
        if file is None:
            return UNKNOWN
        contract = file.contract
        if contract.state in {State.APPLIED, State.DECLINED}:
            return _not_running(contract)
        nominal, effective = contract.terms.rate_percent, contract.terms.effective_percent
        facts = {
            "contract": contract.id,
            "nominal_percent": f"{nominal:f}",
            "effective_percent": f"{effective:f}",
            "fixed": True,
        }
        if not nominal:
            return ToolResult("You pay no interest on your loan.", facts)
        return ToolResult(
            f"Your interest rate is {speech.percent(nominal)} a year, fixed until the end. "
            f"The annual percentage rate is {speech.percent(effective)}.",
            facts,
        )

    async def contract_end(self, context: ToolContext) -> ToolResult:
        file = await self._file(context)
        if file is None:
            return UNKNOWN
        contract = file.contract
        if contract.state is not State.ACTIVE:
            return _not_running(contract)
        end, left = speech.day_and_year(contract.end), contract.left
        say = f"Your loan ends on {end}. There are {speech.count(left, 'instalment', 'instalments')} left."
        if left == 1:
            say = f"Your last instalment is due on {end}."
        facts = {"contract": contract.id, "end": contract.end.isoformat(), "instalments_left": left}
        return ToolResult(say, facts)

    async def missing_documents(self, context: ToolContext) -> ToolResult:
        file = await self._file(context)
        if file is None:
            return UNKNOWN
        missing, in_review = file.titles("missing"), file.titles("in_review")
        facts = {"missing": missing, "in_review": in_review}
        if missing:
            listed = speech.listing([f"your {title}" for title in missing])
            return ToolResult(f"We still need {listed}.", facts)
        if in_review:
            listed = speech.listing([f"your {title}" for title in in_review])
            return ToolResult(f"Nothing is missing. We are just checking {listed}.", facts)
        return ToolResult("Nothing is missing. We have all the documents we need.", facts)

    async def _file(self, context: ToolContext) -> CustomerFile | None:
        return await self._store.file(context.customer_id, self._today())


async def explain_term(
    _context: ToolContext,
    term: Annotated[
        Term, Field(description="The term to explain.", json_schema_extra={"x-spoken": dict(SPOKEN)})
    ],
) -> ToolResult:
    return ToolResult(GLOSSARY[term].text, {"term": term.value})


async def upload_document(_context: ToolContext) -> ToolResult:
    return _form(
        "You can hand in documents on the page, not by voice. I've opened the upload form for you.",
        "upload_document",
    )


async def change_address(_context: ToolContext) -> ToolResult:
    return _form(
        "For your safety I can't change your address by voice. I've opened the form for you.",
        "change_address",
    )


async def change_bank(_context: ToolContext) -> ToolResult:
    return _form(
        "For your safety I can't change your bank account by voice. I've opened the form for you.",
        "change_bank",
    )


async def change_due_date(_context: ToolContext) -> ToolResult:
    return _form(
        "I can't change the day of your payment by voice. I've opened the form for you.", "change_due_date"
    )


async def human(_context: ToolContext) -> ToolResult:
    return ToolResult(
        "I can't put you through myself. I've opened the call-back form, so that a colleague can ring you.",
        {"changed": False},
        ClientAction("request_callback", "callback"),
    )


async def repeat(context: ToolContext) -> ToolResult:
    return ToolResult(
        context.last_reply or "I haven't said anything yet.", {"repeated": bool(context.last_reply)}
    )


async def help_(_context: ToolContext) -> ToolResult:
    return ToolResult(
        "I can tell you your balance, your payments, your interest rate, your payoff amount and what "
        "documents are missing. I can also explain terms, open forms, or help you reach a person.",
        {"tools": list(UTTERANCES)},
    )


async def goodbye(_context: ToolContext) -> ToolResult:
    return ToolResult("Thank you for talking to me. Goodbye.", end_session=True)


_OPENINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "balance": ("You still owe",),
    "next_payment": ("Your next payment of",),
    "last_payment": ("Your last payment of",),
    "contract_status": (
        "Your car loan is",
        "Your personal loan is",
        "Your home improvement loan is",
        "Your application for a",
    ),
    "payoff": ("To pay off your loan today you would need",),
    "interest_rate": ("Your interest rate is",),
    "contract_end": ("Your loan ends on",),
    "missing_documents": ("We still need your", "Nothing is missing."),
    "upload_document": ("You can hand in documents on the page,",),
    "change_address": ("For your safety I can't change your address by voice.",),
    "change_bank": ("For your safety I can't change your bank account by voice.",),
    "change_due_date": ("I can't change the day of your payment by voice.",),
    "human": ("I can't put you through myself.",),
    "help": ("I can tell you your balance,",),
    "goodbye": ("Thank you for talking to me.",),
}
"""How the sentences above begin, as a rule: what the engine may have ready before it has the facts."""


def portal_tools(store: PortalStore, today: Callable[[], date]) -> list[Tool]:
    """Every tool of the portal, in the order in which they are offered."""
    of = PortalTools(store, today)
    table: tuple[tuple[str, Callable[..., object], str, str], ...] = (
        ("balance", of.balance, "your balance", "What the customer still owes on the loan."),
        ("next_payment", of.next_payment, "your next payment", "Amount and due date of the next instalment."),
        ("last_payment", of.last_payment, "your last payment", "Whether the last payment arrived, and when."),
        (
            "contract_status",
            of.contract_status,
            "the status of your contract",
            "State of the contract or of the application: under review, approved, active and so on.",
        ),
        ("payoff", of.payoff, "paying off your loan early", "What it costs to settle the whole loan today."),
        ("interest_rate", of.interest_rate, "your interest rate", "Nominal and annual percentage rate."),
        ("contract_end", of.contract_end, "the end of your contract", "Last due date, instalments left."),
        (
            "missing_documents",
            of.missing_documents,
            "your missing documents",
            "Which documents the customer still has to hand in.",
        ),
        (
            "upload_document",
            upload_document,
            "uploading a document",
            "Opens the upload form, for a customer who wants to hand in a document.",
        ),
        ("explain_term", explain_term, "explaining a term", "Explains a term of loans in plain words."),
        (
            "change_address",
            change_address,
            "changing your address",
            "Opens the form for a new address. Nothing is changed by voice.",
        ),
        (
            "change_bank",
            change_bank,
            "changing your bank account",
            "Opens the form for a new bank account. Nothing is changed by voice.",
        ),
        (
            "change_due_date",
            change_due_date,
            "changing your due date",
            "Opens the form for another day of payment. Nothing is changed by voice.",
        ),
        ("human", human, "talking to a person", "Opens the call-back form, to be called by a person."),
        ("repeat", repeat, "repeating my last answer", "The assistant's last answer once more."),
        ("help", help_, "what I can help you with", "What the assistant can do."),
        (
            "goodbye",
            goodbye,
            "ending the conversation",
            "The customer is done: says goodbye and ends the call.",
        ),
    )
    return [
        function_tool(
            function,  # type: ignore[arg-type] # a table of functions with different parameters
            name=name,
            title=title,
            description=words,
            utterances=UTTERANCES[name],
            openings=_OPENINGS.get(name, ()),
            idempotent=True,  # they look things up, or open a form in the page
        )
        for name, function, title, words in table
    ]


def _not_running(contract: Contract) -> ToolResult:
    return ToolResult(_NOT_RUNNING[contract.state], {"contract": contract.id, "state": contract.state.value})


def _is_application(contract: Contract) -> bool:
    return contract.state in {State.APPLIED, State.APPROVED, State.DECLINED}


def _status(contract: Contract, missing: int) -> str:
    product, applied = contract.product, speech.day(contract.applied, contract.today)
    wanted = f" {speech.count(missing, 'document is', 'documents are').capitalize()} still missing."
    match contract.state:
        case State.APPLIED:
            return f"Your application for a {product} of {applied} is still being checked." + (
                wanted if missing else ""
            )
        case State.APPROVED:
            return f"Your application for a {product} is approved. The money has not been paid out yet." + (
                wanted if missing else ""
            )
        case State.DECLINED:
            return f"I'm sorry, your application for a {product} of {applied} was declined."
        case State.PAID_OFF:
            return f"Your {product} is fully paid back and the contract is closed."
        case State.ACTIVE if contract.overdue:
            late = speech.count(contract.overdue, "instalment is", "instalments are")
            return f"Your {product} is active, but {late} overdue."
        case State.ACTIVE:
            return (
                f"Your {product} is active and everything is in order."
                if not missing
                else (f"Your {product} is active." + wanted)
            )


def _form(say: str, target: str) -> ToolResult:
    return ToolResult(say, {"changed": False, "form": target}, ClientAction("open_form", target))
