"""Checks of what real clients do that a hand-written one does not: haste, pairs, odd pieces.

What lives here: the group `trap`.
What never will: a client's name; what it does is told in the protocol notes, section 11.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

import pybase64

from holdfast.conformance import rules
from holdfast.conformance.caller import Caller, Json, Refused
from holdfast.conformance.talking import (
    SPOKEN,
    TEXT,
    TOOL,
    TOOL_OUTPUT,
    ask,
    field,
    message_of,
    nothing_wrong,
)
from holdfast.conformance.verdict import Check, Failed, Skipped, expect
from holdfast.conformance.visit import Visit, hang_up

_BYTES_PER_MS: Final = 48
_LONGEST_APPEND: Final = 15 * 1024 * 1024
_REFUSED: Final = (3000, 1008)
_KEY: Final = "openai-insecure-api-key."
_FATAL: Final = ("invalid_model", "model_not_found")


async def _early(visit: Visit) -> str:
    caller = await _dialled(visit)
    model = visit.target.model
    try:
        asked = caller.update(model=model, instructions="Be brief.", audio=_BY_HAND)
        caller.append(bytes(200 * _BYTES_PER_MS))
        caller.send("input_audio_buffer.commit")
        await caller.until("session.created")
        updated = await caller.until("session.updated", "error")
        expect(updated["type"] == "session.updated", f"{asked} was refused: {updated.get('error')}")
        expect(field(updated, "session.instructions") == "Be brief.", "the update was not applied")
        await caller.until("input_audio_buffer.committed")
    finally:
        await hang_up(caller)
    return "settings (with the model of the address) and audio, before anything was read"


async def _bad_field(caller: Caller) -> str:
    wrong = {"input": {"turn_detection": {"type": "server_vad", "threshold": 7}}}
    error = await caller.error_for(caller.update(instructions="changed", tools=[TOOL], audio=wrong))
    param = error.get("param")
    expect(param == "session.audio.input.turn_detection.threshold", f"param is {param!r}")
    caller.update(tool_choice="auto")
    session = (await caller.until("session.updated")).get("session") or {}
    kept = (session.get("instructions") != "changed", session.get("tools") == [])
    expect(all(kept), "a part of the refused update was applied")
    return f"{error.get('code')}, param {param}; nothing of it was applied"


async def _tracing(caller: Caller) -> str:
    first = caller.update(instructions="Be brief.", audio={"output": {"speed": 1.25}})
    second = caller.update(tracing="auto")
    for _ in (first, second):
        await caller.until("session.updated")
    session = caller.of("session.updated")[-1].get("session") or {}
    seen = (session.get("instructions"), field(session, "audio.output.speed"), session.get("tracing"))
    expect(seen == ("Be brief.", 1.25, "auto"), f"instructions, speed and tracing are {seen}")
    return "two updates at once, the second with tracing: both hold"


async def _create_cancel(caller: Caller) -> str:
    caller.write("Please count from one to two hundred.")
    asked = caller.send("response.create", response={**SPOKEN, "metadata": {"client_event_id": "one"}})
    stopped = caller.send("response.cancel")
    created = await caller.until("response.created", "error")
    late = []
    if created["type"] == "error":  # it was told to stop before it had begun
        late = [created]
        created = await caller.until("response.created")
    expect(field(created, "response.metadata.client_event_id") == "one", f"{asked}: the metadata is gone")
    done = await caller.until("response.done", "error")
    if done["type"] == "error":
        late.append(done)
        done = await caller.until("response.done")
    expect(rules.response_id_of(done) == rules.response_id_of(created), "another response ended")
    wrong = [one for one in late if field(one, "error.event_id") != stopped]
    expect(not wrong, f"an error came that nobody asked for: {wrong}")
    nothing_wrong(rules.one_end_each(caller.events))
    return f"one created, one done: {field(done, 'response.status')}"


async def _two_at_once(caller: Caller) -> str:
    caller.write("Please count from one to two hundred.")
    first = caller.send("response.create", response={**SPOKEN, "metadata": {"which": "first"}})
    second = caller.send("response.create", response={**SPOKEN, "metadata": {"which": "second"}})
    await caller.wait(
        lambda: len(caller.of("response.created")) + len(caller.of("error")) == len((first, second)),
        "answer to each of two requests",
        3 * caller.patience_s,
    )
    which = [field(event, "response.metadata.which") for event in caller.of("response.created")]
    expect(which[:1] == ["first"], f"answered were {which}")
    await caller.wait(lambda: len(caller.of("response.done")) == len(which), "end", 3 * caller.patience_s)
    nothing_wrong(rules.one_end_each(caller.events))
    errors = [(field(one, "error.code"), field(one, "error.event_id")) for one in caller.of("error")]
    if not errors:
        return "answered one after the other"
    expect(errors == [(_ALREADY, second)], f"the errors are {errors}, not about {second}")
    return "the first is answered, the second refused by name"


async def _parallel_outputs(caller: Caller) -> str:
    """As a client that answers each call of one response by itself."""
    calls = ("call_mine_one", "call_mine_two")
    for call_id in calls:
        call = {"type": "function_call", "call_id": call_id, "name": TOOL["name"], "arguments": "{}"}
        caller.send("conversation.item.create", item=call)
    for call_id in calls:
        output = {"type": "function_call_output", "call_id": call_id, "output": TOOL_OUTPUT}
        caller.send("conversation.item.create", item=output)
        caller.send("response.create", response=dict(TEXT))
    await caller.wait(lambda: len(caller.of("conversation.item.done")) >= len(calls) * 2, "four items")
    await caller.wait(lambda: bool(caller.of("response.done")), "an answer")
    codes = {field(event, "error.code") for event in caller.of("error")}
    expect(codes <= {_ALREADY}, f"the errors are {codes}")
    await caller.wait(lambda: len(caller.of("response.done")) == len(caller.of("response.created")), "end")
    nothing_wrong(rules.one_end_each(caller.events))
    return f"two outputs, two requests: {len(caller.of('response.done'))} answers, {len(codes)} refusals"


async def _unknown_call(caller: Caller) -> str:
    output = {
        "id": "lost_result_1",
        "type": "function_call_output",
        "call_id": "call_of_nobody",
        "output": "x",
    }
    error = await caller.error_for(caller.send("conversation.item.create", item=output))
    await caller.error_for(caller.send("conversation.item.retrieve", item_id="lost_result_1"))
    await ask(caller, **TEXT)
    return f"{error.get('code')}; not inserted, and the conversation goes on"


async def _edits(caller: Caller) -> str:
    """As a client that keeps its history in step by the echoes alone."""
    names = ("edit_1", "edit_2", "edit_3")
    previous = "root"
    for name in names:
        part = {"type": "input_text", "text": name}
        item = {"id": name, "type": "message", "role": "user", "content": [part]}
        caller.send("conversation.item.create", item=item, previous_item_id=previous)
        previous = name
    for name in names[:2]:
        caller.send("conversation.item.delete", item_id=name)
    await caller.wait(lambda: len(caller.of("conversation.item.deleted")) == 2, "two deletions")
    added = [(field(one, "item.id"), one.get("previous_item_id")) for one in caller.of(_ADDED)]
    expect(added == [("edit_1", None), ("edit_2", "edit_1"), ("edit_3", "edit_2")], f"added were {added}")
    gone = [one.get("item_id") for one in caller.of("conversation.item.deleted")]
    expect(gone == list(names[:2]), f"deleted were {gone}")
    return "three added, two deleted: an echo for each, in order"


async def _usage_details(caller: Caller) -> str:
    given = await ask(caller, **SPOKEN)
    usage = given.response.get("usage") or {}
    for path in _DETAILS:
        value = field(usage, path)
        expect(isinstance(value, int) and not isinstance(value, bool), f"usage.{path} is {value!r}")
    cached = field(usage, "input_token_details.cached_tokens_details")
    expect(cached is None or isinstance(cached, dict), f"cached_tokens_details is {cached!r}")
    return "both details are objects of numbers"


async def _cut_and_read(caller: Caller) -> str:
    item_id = message_of(await ask(caller, **SPOKEN))["id"]
    caller.send("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=20)
    caller.send("conversation.item.retrieve", item_id=item_id)
    await caller.until("conversation.item.truncated")
    item = (await caller.until("conversation.item.retrieved")).get("item") or {}
    expect(item.get("id") == item_id, f"item.id is {item.get('id')!r}")
    expect(isinstance(item.get("content"), list), f"item.content is {item.get('content')!r}")
    return "cut and read in one breath: the same item, its content a list"


async def _longest_append(caller: Caller) -> str:
    audio = pybase64.b64encode_as_string(bytes(_LONGEST_APPEND))
    caller.send("input_audio_buffer.append", audio=audio)
    caller.send("input_audio_buffer.commit")
    await caller.until("input_audio_buffer.committed", timeout_s=3 * caller.patience_s)
    return f"15 MiB of audio, {len(audio) / 2**20:.0f} MiB of text, in one append"


async def _read_long_audio(caller: Caller) -> str:
    step = bytes(10_000 * _BYTES_PER_MS)
    caller.append(step * 4, step=len(step))
    caller.send("input_audio_buffer.commit")
    item_id = (await caller.until("input_audio_buffer.committed", timeout_s=3 * caller.patience_s))["item_id"]
    caller.send("conversation.item.retrieve", item_id=item_id)
    read = await caller.until("conversation.item.retrieved", timeout_s=3 * caller.patience_s)
    part: Json = (field(read, "item.content") or [{}])[0]
    size = len(part.get("audio") or "")
    expect(part.get("type") == "input_audio", f"the part is {part.get('type')!r}")
    await ask(caller, **TEXT)
    return f"a turn of 40 s comes back ({size / 2**20:.1f} MiB of base64), and the session goes on"


async def _bad_key(visit: Visit) -> str:
    headers = {**visit.target.headers, "Authorization": "Bearer sk-nobody-has-this-key"}
    try:
        caller = await visit.dial(None, headers, whole=False)
    except Refused as refused:
        raise Failed(f"{refused}: a client that knows the service waits for an error event") from refused
    try:
        first = await caller.next(wanted="session.created or an error")
        if first["type"] == "session.created":
            raise Skipped("this server takes any key")
        code, reason = await caller.end()
    finally:
        await hang_up(caller)
    seen = field(first, "error.code")
    expect((first["type"], seen) == ("error", "invalid_api_key"), f"{first['type']} with code {seen!r}")
    expect(code in _REFUSED, f"closed with {code}")
    expect(reason == "invalid_request_error.invalid_api_key", f"the reason of the close is {reason!r}")
    return f"101, error invalid_api_key, {code} {reason}"


async def _key_of_a_browser(visit: Visit) -> str:
    key = visit.target.credential or "any-key"
    caller = await _dialled(visit, headers={"Sec-WebSocket-Protocol": f"realtime, {_KEY}{key}"})
    try:
        await caller.until("session.created")
        expect(caller.subprotocol == "realtime", f"selected {caller.subprotocol!r}")
    finally:
        await hang_up(caller)
    return "the key came as a subprotocol; realtime was selected, the key not echoed"


async def _no_such_model(visit: Visit) -> str:
    caller = await _dialled(visit, visit.target.address(model="gpt-4o"))
    try:
        first = await caller.next(wanted="session.created or an error")
        if first["type"] == "session.created":
            raise Skipped("this server takes any model")
        code, reason = await caller.end()
    finally:
        await hang_up(caller)
    seen = field(first, "error.code")
    expect(first["type"] == "error" and seen in _FATAL, f"{first['type']} with code {seen!r}")
    expect(code in (4000, 4004), f"closed with {code}")
    expect(reason == f"{field(first, 'error.type')}.{seen}", f"the reason of the close is {reason!r}")
    return f"101, error {seen}, {code} {reason}"


async def _dialled(visit: Visit, address: str | None = None, headers: Json | None = None) -> Caller:
    try:
        return await visit.dial(address, headers)
    except Refused as refused:
        raise Failed(str(refused)) from refused


_ALREADY: Final = "conversation_already_has_active_response"
_ADDED: Final = "conversation.item.added"
_DETAILS: Final = (
    "input_token_details.text_tokens",
    "input_token_details.audio_tokens",
    "input_token_details.cached_tokens",
    "output_token_details.text_tokens",
    "output_token_details.audio_tokens",
)
_BY_HAND: Final[Json] = {"input": {"turn_detection": None}}


def _check(
    name: str, sentence: str, section: str, look: Callable[[Caller], Awaitable[str]], **how: Any
) -> Check:
    async def run(visit: Visit) -> str:
        async with visit.session(**how) as caller:
            return await look(caller)

    return Check(f"trap.{name}", sentence, section, run)


CHECKS: Final = (
    Check("trap.early", "Settings and audio may come before session.created was read.", "11", _early),
    _check("bad_field", "An update with one bad field names it, and nothing is applied.", "4.5", _bad_field),
    _check("tracing", "An update is not lost in one with tracing behind it.", "11", _tracing),
    _check("create_cancel", "Asked for and cancelled at once: one begin, one end.", "8.6", _create_cancel),
    _check("two_at_once", "Of two requests at once the second is refused by its id.", "8.4", _two_at_once),
    _check(
        "parallel_outputs",
        "A request for each output of parallel calls does no harm.",
        "8.4",
        _parallel_outputs,
    ),
    _check(
        "unknown_call", "The output of an unknown call is refused; the session goes on.", "8.4", _unknown_call
    ),
    _check("edits", "Each edit of the history has its echo, in order.", "11", _edits),
    _check("usage_details", "Usage has its details as objects of numbers.", "11.5", _usage_details),
    _check("cut_and_read", "An item can be read as soon as it is cut.", "11", _cut_and_read),
    _check("longest_append", "15 MiB of audio may come in one append.", "2.4", _longest_append, quiet=True),
    _check("read_long_audio", "A long spoken turn can be read back.", "6", _read_long_audio, quiet=True),
    Check("trap.bad_key", "A wrong key: 101, error, close with type and code.", "9.3", _bad_key),
    Check("trap.key_of_a_browser", "A key may come as a subprotocol.", "1.3", _key_of_a_browser),
    Check("trap.no_such_model", "A chat model: 101, error, close with type and code.", "9.3", _no_such_model),
)
