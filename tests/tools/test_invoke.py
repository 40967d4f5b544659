"""Running tools: every end is an outcome, and everything is bounded."""

from __future__ import annotations

import asyncio
import json

import pytest
from structlog.testing import capture_logs

from holdfast.core.faults import FAULTS
from holdfast.core.limits import Limits
from holdfast.ports import ClientAction, ToolContext
from holdfast.tools import FunctionToolbox, ToolFaultError, ToolResult, function_tool

CONTEXT = ToolContext("sess", "call", "cust-1", "Anna")
QUICK = Limits(tool_s=0.02)


async def greet(context: ToolContext, word: str = "Hello") -> ToolResult:
    return ToolResult(
        f"{word} {context.customer_name}", {"word": word}, ClientAction("wave", "hand"), end_session=True
    )


async def hang(_context: ToolContext) -> ToolResult:
    await asyncio.Event().wait()
    return ToolResult("")


async def break_down(context: ToolContext) -> ToolResult:
    raise RuntimeError(f"canary-4711 of {context.customer_name}")


async def time_out_inside(_context: ToolContext) -> ToolResult:
    raise TimeoutError


async def no_store(_context: ToolContext) -> ToolResult:
    raise ToolFaultError("store.unavailable")


async def own_fault(_context: ToolContext) -> ToolResult:
    raise ToolFaultError("shop.closed")


async def wait_for_what_is_cancelled(_context: ToolContext) -> ToolResult:
    lost = asyncio.get_running_loop().create_future()
    lost.cancel()
    await lost
    return ToolResult("")


async def no_number(_context: ToolContext) -> ToolResult:
    return ToolResult("Your rate is", {"rate": float("nan")})


async def act_strangely(_context: ToolContext) -> ToolResult:
    return ToolResult("There.", client_action=ClientAction("open_form", "form", {"field": object()}))


async def act_at_length(_context: ToolContext) -> ToolResult:
    return ToolResult("There.", client_action=ClientAction("open_form", "form", {"field": "x" * 70_000}))


async def flood(_context: ToolContext) -> ToolResult:
    return ToolResult("x" * 70_000)


def toolbox(limits: Limits = QUICK, concurrent: int = 4) -> FunctionToolbox:
    functions = (
        greet,
        hang,
        break_down,
        time_out_inside,
        no_store,
        own_fault,
        wait_for_what_is_cancelled,
        no_number,
        act_strangely,
        act_at_length,
        flood,
    )
    tools = [function_tool(function, description="x") for function in functions]
    return FunctionToolbox(tools, limits=limits, concurrent=concurrent)


async def test_a_result_bears_the_sentence_the_facts_and_the_consequences() -> None:
    outcome = await toolbox().call("greet", '{"word": "Good day"}', CONTEXT)

    assert json.loads(outcome.output) == {"say": "Good day Anna", "word": "Good day"}
    assert outcome.status == "ok"
    assert outcome.client_action == ClientAction("wave", "hand")
    assert outcome.end_session
    assert outcome.fault is None


@pytest.mark.parametrize(
    ("name", "arguments", "fault", "status"),
    [
        ("nothing", "{}", "tool.unknown", "refused"),
        ("greet", '{"word": 1}', "tool.arguments", "refused"),
        ("greet", '{"customer_id": "cust-2"}', "tool.arguments", "refused"),
        ("greet", json.dumps({"word": "x" * 20_000}), "tool.arguments", "refused"),
        ("greet", '{"word": "\ud800"}', "tool.arguments", "refused"),
        ("hang", "{}", "tool.timeout", "timeout"),
        ("break_down", "{}", "tool.failed", "failed"),
        ("time_out_inside", "", "tool.failed", "failed"),
        ("no_store", "{}", "store.unavailable", "failed"),
        ("own_fault", "{}", "tool.failed", "failed"),
        ("wait_for_what_is_cancelled", "{}", "tool.failed", "failed"),
        ("no_number", "{}", "tool.failed", "failed"),
        ("act_strangely", "{}", "tool.failed", "failed"),
        ("act_at_length", "{}", "tool.failed", "failed"),
        ("flood", "{}", "tool.failed", "failed"),
    ],
)
async def test_whatever_goes_wrong_is_an_outcome_with_calm_words(
    name: str, arguments: str, fault: str, status: str
) -> None:
    outcome = await toolbox().call(name, arguments, CONTEXT)

    told = json.loads(outcome.output)
    assert (outcome.fault, outcome.status) == (fault, status)
    assert told["say"] == FAULTS[fault].message
    assert told["error"]["code"] == fault
    assert len(outcome.output) < 1_000


async def test_an_error_of_a_tool_reaches_neither_the_model_nor_the_log_in_its_own_words() -> None:
    with capture_logs() as lines:
        outcome = await toolbox().call("break_down", "{}", CONTEXT)

    assert "canary" not in outcome.output + str(lines)
    assert "RuntimeError in break_down" in lines[0]["where"]
    assert (lines[0]["category"], lines[0]["source"]) == ("tool", "tools")


async def test_a_full_house_lets_calls_wait_within_their_time() -> None:
    box = toolbox(concurrent=1)
    hanging = asyncio.ensure_future(box.call("hang", "{}", CONTEXT))
    await asyncio.sleep(0)

    waiting = await box.call("greet", "{}", CONTEXT)

    assert (await hanging).status == "timeout"
    assert waiting.status in {"ok", "timeout"}
    assert (await box.call("greet", "{}", CONTEXT)).status == "ok"


async def test_a_cancelled_call_gives_its_place_back() -> None:
    box = toolbox(Limits(tool_s=5), concurrent=1)
    call = asyncio.ensure_future(box.call("hang", "{}", CONTEXT))
    await asyncio.sleep(0)
    call.cancel()

    with pytest.raises(asyncio.CancelledError):
        await call

    assert (await box.call("greet", "{}", CONTEXT)).status == "ok"


def test_two_tools_of_one_name_are_a_bug_of_the_author() -> None:
    with pytest.raises(ValueError, match="one name"):
        FunctionToolbox(
            [function_tool(greet, description="x"), function_tool(hang, name="greet", description="x")]
        )
