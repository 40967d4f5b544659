"""Checks of tool calls.

What lives here: the group `tool`.
What never will: tools.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from holdfast.conformance import rules
from holdfast.conformance.caller import Caller, Json
from holdfast.conformance.talking import (
    TEXT,
    TOOL,
    TOOL_OUTPUT,
    TOOL_QUESTION,
    Answer,
    answer,
    ask,
    nothing_wrong,
    told,
)
from holdfast.conformance.verdict import Check, Failed, expect
from holdfast.conformance.visit import Visit


async def _called(caller: Caller) -> tuple[Answer, Json]:
    """A response that calls the tool, and the call."""
    caller.write(TOOL_QUESTION)
    given = await answer(caller, **TEXT, tool_choice="required")
    if not given.calls:
        kinds = [item.get("type") for item in given.items]
        raise Failed(f"tool_choice required, and no call came: {given.status} with {kinds}")
    return given, given.calls[0]


async def _order(caller: Caller) -> str:
    given, call = await _called(caller)
    nothing_wrong(rules.tool_turn_order(given.events))
    expect(given.status == "completed", f"the response ended as {given.status}")
    expect(call.get("name") == TOOL["name"], f"the call is of {call.get('name')!r}")
    return "one call, in order, and the response ends"


async def _arguments(caller: Caller) -> str:
    given, call = await _called(caller)
    nothing_wrong(rules.arguments_join(given.events))
    try:
        msgspec.json.decode(call["arguments"], type=dict)
    except (KeyError, msgspec.DecodeError) as broken:
        raise Failed(f"the arguments are no JSON object: {call.get('arguments')!r:.100}") from broken
    return f"{call['arguments']!r:.60}, the same in deltas, done and item"


async def _call_id(caller: Caller) -> str:
    given, call = await _called(caller)
    named = Counter(event["call_id"] for event in given.events if "call_id" in event)
    named.update(event["item"]["call_id"] for event in given.events if "call_id" in (event.get("item") or {}))
    expect(set(named) == {call.get("call_id")}, f"the events name the calls {set(named)}")
    return f"one id in {sum(named.values())} places"


async def _status(caller: Caller) -> str:
    given, call = await _called(caller)
    done = [event["item"] for event in given.events if event["type"] == "response.output_item.done"]
    seen = [item.get("status") for item in (*done, call)]
    wrong = [f"status {one!r}" for one in seen if one != "completed"]
    expect(done and not wrong, f"the finished call has {told(wrong) or 'no output_item.done'}")
    return "completed in output_item.done and in response.done"


async def _output(caller: Caller) -> str:
    _, call = await _called(caller)
    output = {"type": "function_call_output", "call_id": call["call_id"], "output": TOOL_OUTPUT}
    caller.send("conversation.item.create", item=output)
    await caller.until("conversation.item.added")
    await caller.until("conversation.item.done")
    given = await answer(caller, **TEXT, tool_choice="none")
    expect(given.status == "completed" and not given.calls, f"{given.status} with {len(given.calls)} calls")
    expect(rules.joined(given.events, "response.output_text.delta"), "the answer said nothing")
    return "the output was taken and answered"


async def _none(caller: Caller) -> str:
    given = await ask(caller, TOOL_QUESTION, **TEXT, tool_choice="none")
    expect(not given.calls, "tool_choice none, and a tool was called")
    return "tool_choice none, and no tool was called"


def _check(name: str, sentence: str, section: str, look: Callable[[Caller], Awaitable[str]]) -> Check:
    async def run(visit: Visit) -> str:
        async with visit.session(tools=[TOOL]) as caller:
            return await look(caller)

    return Check(f"tool.{name}", sentence, section, run)


CHECKS: Final = (
    _check("order", "A response that calls a tool has its events in order, and ends.", "8.4", _order),
    _check("arguments", "Arguments are JSON, and their deltas join.", "8.4", _arguments),
    _check("call_id", "All events of a call bear the same call_id.", "8.4", _call_id),
    _check("status", "A finished call is completed.", "11", _status),
    _check("output", "A tool's output is taken and answered.", "8.4", _output),
    _check("none", "With tool_choice none no tool is called.", "4.1", _none),
)
