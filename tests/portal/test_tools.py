"""What the tools say is true, and is the same in words and in fields."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from holdfast.portal import Portal
from holdfast.portal.glossary import GLOSSARY, Term
from holdfast.ports import ToolContext

TODAY = date(2026, 11, 20)
Ask = Callable[..., Awaitable[dict[str, Any]]]

LOOK_UPS = (
    "balance",
    "next_payment",
    "last_payment",
    "contract_status",
    "payoff",
    "interest_rate",
    "contract_end",
    "missing_documents",
)


async def test_there_are_a_dozen_customers(portal: Portal) -> None:
    assert len(portal.customers) == 12
    assert portal.customers[0].id == "cust-1001"
    assert portal.customer("cust-1002") == portal.customers[1]
    assert portal.customer("nobody") is None


async def test_the_first_customer_hears_figures_that_fit_together(ask: Ask) -> None:
    balance, next_payment, payoff = await ask("balance"), await ask("next_payment"), await ask("payoff")
    end = await ask("contract_end")

    assert balance["say"] == "You still owe 10,120 euros and 41 cents on your car loan."
    assert balance["balance"] == payoff["balance"] == "10120.41"
    assert next_payment["say"] == (
        "Your next payment of 348 euros and 19 cents is due on the fifteenth of December."
    )
    total = sum(Decimal(payoff[part]) for part in ("balance", "accrued_interest", "fee"))
    assert Decimal(payoff["total"]) == total
    assert "early settlement fee of 101 euros and 20 cents" in payoff["say"]
    assert end["say"] == "Your loan ends on the fifteenth of June 2029. There are 31 instalments left."


async def test_every_customer_can_ask_everything(portal: Portal, ask: Ask) -> None:
    for customer in portal.customers:
        for tool in LOOK_UPS:
            told = await ask(tool, customer.id)
            assert 10 < len(told["say"]) < 200
            assert "None" not in told["say"]
            assert len(re.findall(r"[.!?](?= |$)", told["say"])) <= 3


async def test_results_begin_as_their_tools_say_and_no_opening_tells_a_fact(portal: Portal) -> None:
    for tool in portal.toolbox.definitions():
        openings = tool["parameters"].get("x-openings", [])
        assert not re.search(r"\d", "".join(openings))
        said = []
        for customer in portal.customers if openings else ():
            context = ToolContext("s", "c", customer.id, "x")
            said.append(json.loads((await portal.toolbox.call(tool["name"], "{}", context)).output)["say"])
        for opening in openings:
            assert any(say.startswith(f"{opening} ") for say in said), (opening, said)


async def test_amounts_in_words_stand_in_the_fields(portal: Portal, ask: Ask) -> None:
    for customer in portal.customers:
        for tool in ("balance", "next_payment", "last_payment", "payoff"):
            told = await ask(tool, customer.id)
            for euros, cents in re.findall(r"([\d,]+) euros?(?: and (\d+) cents?)?", told["say"]):
                amount = f"{euros.replace(',', '')}.{int(cents or 0):02}"
                assert amount in told.values(), (customer, tool, told)


@pytest.mark.parametrize("days", [0, 1, 12, 40, 365, 2_000])
async def test_the_next_payment_is_ahead_on_every_day(tmp_path: Path, days: int) -> None:
    today = TODAY + timedelta(days=days)
    portal = await Portal.open(tmp_path / "p.sqlite3", today=lambda: today)
    for customer in portal.customers:
        context = ToolContext("s", "c", customer.id, customer.name)
        ahead = json.loads((await portal.toolbox.call("next_payment", "{}", context)).output)
        behind = json.loads((await portal.toolbox.call("last_payment", "{}", context)).output)
        assert "due" not in ahead or date.fromisoformat(ahead["due"]) > today
        assert "booked" not in behind or date.fromisoformat(behind["booked"]) <= today
    portal.close()


@pytest.mark.parametrize(
    ("customer", "tool", "said"),
    [
        ("cust-1004", "contract_status", "still being checked. Two documents are still missing."),
        ("cust-1005", "contract_status", "is approved. The money has not been paid out yet."),
        ("cust-1006", "contract_status", "one instalment is overdue"),
        ("cust-1009", "contract_status", "fully paid back"),
        ("cust-1010", "contract_status", "was declined"),
        ("cust-1006", "last_payment", "was returned by your bank"),
        ("cust-1006", "next_payment", "are overdue"),
        ("cust-1004", "balance", "nothing to pay yet"),
        ("cust-1008", "interest_rate", "no interest"),
        ("cust-1001", "missing_documents", "We still need your latest pay slip."),
        ("cust-1004", "missing_documents", "your latest pay slip and your latest bank statement"),
        ("cust-1007", "missing_documents", "just checking your car insurance certificate"),
        ("cust-1002", "missing_documents", "Nothing is missing."),
        ("cust-9999", "balance", "I can't find a contract"),
        ("' or 1=1 --", "balance", "I can't find a contract"),
    ],
)
async def test_each_state_has_its_words(ask: Ask, customer: str, tool: str, said: str) -> None:
    assert said in (await ask(tool, customer))["say"]


@pytest.mark.parametrize("target", ["change_address", "change_bank", "change_due_date", "upload_document"])
async def test_changes_open_a_form_and_change_nothing(portal: Portal, target: str) -> None:
    outcome = await portal.toolbox.call(target, "{}", ToolContext("s", "c", "cust-1001", "Anna"))

    assert outcome.client_action is not None
    assert (outcome.client_action.action, outcome.client_action.target) == ("open_form", target)
    assert "voice" in json.loads(outcome.output)["say"]
    assert json.loads(outcome.output)["changed"] is False


async def test_the_rest_of_the_conversation(portal: Portal) -> None:
    context = ToolContext("s", "c", "cust-1001", "Anna", last_reply="You still owe 3 euros.")
    call = portal.toolbox.call

    person, bye = await call("human", "{}", context), await call("goodbye", "{}", context)

    assert person.client_action is not None
    assert person.client_action.action == "request_callback"
    assert bye.end_session
    assert json.loads((await call("repeat", "{}", context)).output)["say"] == "You still owe 3 euros."
    assert "interest rate" in json.loads((await call("help", "{}", context)).output)["say"]


async def test_every_term_is_explained(ask: Ask) -> None:
    assert set(GLOSSARY) == set(Term)
    for term in Term:
        told = await ask("explain_term", arguments=json.dumps({"term": term.value}))
        assert told["term"] == term.value
        assert told["say"] == GLOSSARY[term].text


def test_what_is_asked_under_another_terms_name_is_explained_there() -> None:
    fixed = GLOSSARY[Term.FIXED_RATE]
    assert "variable rate" in fixed.spoken
    assert "variable rate" in fixed.text


async def test_no_tool_takes_a_customer(portal: Portal) -> None:
    for tool in portal.toolbox.definitions():
        assert set(tool["parameters"]["properties"]) <= {"term"}
        assert tool["parameters"]["additionalProperties"] is False
        assert tool["parameters"]["x-title"]
    outcome = await portal.toolbox.call(
        "balance", '{"customer_id": "cust-1002"}', ToolContext("s", "c", "cust-1001", "Anna")
    )
    assert outcome.fault == "tool.arguments"
