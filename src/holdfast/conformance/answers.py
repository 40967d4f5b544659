"""Checks of answers: their order, their pieces, their cost, and how they are stopped.

What lives here: the groups `text`, `speech` and `response`.
What never will: hearing (`hearing`), tools (`calls`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from holdfast.conformance import rules
from holdfast.conformance.caller import Caller
from holdfast.conformance.talking import (
    SPOKEN,
    TEXT,
    Answer,
    answer,
    ask,
    field,
    finish,
    message_of,
    nothing_wrong,
    speaking,
)
from holdfast.conformance.verdict import Check, Skipped, expect
from holdfast.conformance.visit import Visit

_QUIET_S: Final = 0.5
_LATE_S: Final = 0.2
_RAPID: Final = 10


async def _and_what_comes_late(caller: Caller, given: Answer) -> Sequence[Mapping[str, Any]]:
    """The events of an answer, and those that come after its end, where none should."""
    await asyncio.sleep(_LATE_S)
    return rules.of_response(caller.events, given.id)


async def _text_order(caller: Caller) -> str:
    events = await _and_what_comes_late(caller, await ask(caller, **TEXT))
    nothing_wrong(rules.text_turn_order(events))
    return f"{len(events)} events in the documented order"


async def _text_joins(caller: Caller) -> str:
    given = await ask(caller, **TEXT)
    nothing_wrong(rules.text_joins(given.events))
    text = rules.joined(given.events, "response.output_text.delta")
    kept = "".join(part.get("text") or "" for part in message_of(given)["content"])
    expect(kept == text, f"response.done has {kept!r:.100}, the deltas join to {text!r:.100}")
    return f"{len(text)} characters, the same in deltas, done, part, item and response.done"


async def _usage(caller: Caller) -> str:
    given = await ask(caller, **TEXT)
    nothing_wrong(rules.usage_adds_up(given.response))
    return f"{given.response['usage']['total_tokens']} tokens in all"


async def _spoken_order(caller: Caller) -> str:
    events = await _and_what_comes_late(caller, await ask(caller, **SPOKEN))
    nothing_wrong(rules.spoken_turn_order(events))
    return f"{len(events)} events in order"


async def _spoken_joins(caller: Caller) -> str:
    given = await ask(caller, **SPOKEN)
    nothing_wrong(rules.transcript_joins(given.events))
    audio = given.audio
    expect(audio, "there was no audio")
    expect(len(audio) % 2 == 0, f"{len(audio)} bytes are no whole number of samples")
    return f"{len(audio) // 48} ms of sound, the transcript the same everywhere"


async def _item_ids(caller: Caller) -> str:
    given = await ask(caller, **SPOKEN)
    named = {rules.item_id_of(event) for event in given.events} - {None}
    expect(named == {message_of(given)["id"]}, f"the events name the items {named}")
    indexes = {event.get("output_index") for event in given.events if "output_index" in event}
    expect(indexes == {0}, f"the events name the outputs {indexes}")
    return "one item, one id, in every event"


async def _created(caller: Caller) -> str:
    given = await ask(caller, **TEXT)
    response = given.events[0].get("response") or {}
    expect(response.get("status") == "in_progress", f"created with status {response.get('status')!r}")
    expect(response.get("output") == [], f"created with output {response.get('output')!r}")
    expect(given.id.startswith("resp_"), f"the id is {given.id!r}")
    return "in_progress, without output"


async def _metadata(caller: Caller) -> str:
    given = await ask(caller, **TEXT, metadata={"topic": "sky"})
    seen = [field(event, "response.metadata.topic") for event in (given.events[0], given.done)]
    expect(seen == ["sky", "sky"], f"metadata.topic in created and done is {seen}")
    return "metadata came back in created and done"


async def _modality(caller: Caller) -> str:
    given = await ask(caller, **TEXT)
    kinds = {event["type"] for event in given.events}
    expect("response.output_audio.delta" not in kinds, "an answer in text had audio")
    expect(given.response.get("output_modalities") == ["text"], f"{given.response.get('output_modalities')}")
    return "output_modalities of one response holds for that one"


async def _out_of_band(caller: Caller) -> str:
    message = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Say yes."}]}
    given = await answer(caller, **TEXT, conversation="none", input=[message], metadata={"beside": "1"})
    expect(given.status == "completed", f"it ended as {given.status}")
    told = given.response.get("conversation_id", "(missing)")
    expect(told is None, f"conversation_id is {told!r}")
    items = [kind for kind in caller.kinds if kind.startswith("conversation.item.")]
    expect(not items, f"{items[0] if items else ''} came for an answer beside the conversation")
    return "conversation_id null, no item events"


async def _one_active(caller: Caller) -> str:
    first = await speaking(caller)
    asked = caller.send("response.create")
    came = await caller.until("error", "response.done")
    if came["type"] == "response.done":
        # Either the first was over when the second was asked for, which then begins, or nothing was said.
        later = await caller.until("response.created", "error")
        expect(later["type"] == "response.created", f"the error came after the end of the first: {later}")
        raise Skipped("the first answer was over before the second was asked for")
    expect(field(came, "error.event_id") == asked, f"the error names {field(came, 'error.event_id')!r}")
    code = field(came, "error.code")
    expect(code == "conversation_already_has_active_response", f"code is {code!r}")
    given = await finish(caller, first, timeout_s=3 * caller.patience_s)
    expect(given.status == "completed", f"the first answer then ended as {given.status}")
    return "conversation_already_has_active_response, and the first went on to its end"


async def _cancel(caller: Caller) -> str:
    response_id = await speaking(caller)
    asked = caller.send("response.cancel", response_id=response_id)
    came = await caller.until("response.done", "error", timeout_s=3 * caller.patience_s)
    if came["type"] == "error" or field(came, "response.status") == "completed":
        error = came if came["type"] == "error" else await caller.until("error")
        expect(field(error, "error.event_id") == asked, f"the error is about something else: {error}")
        raise Skipped("the answer was over before it could be cancelled")
    status, reason = field(came, "response.status"), field(came, "response.status_details.reason")
    expect((status, reason) == ("cancelled", "client_cancelled"), f"it ended as {status}, {reason}")
    seen = caller.seen
    await caller.quiet(_QUIET_S, but=("rate_limits.updated",))
    given = await ask(caller, **TEXT)
    expect(given.id != response_id, "the next answer has the same id")
    return f"cancelled after {seen} events, nothing after its end, and the next turn is answered"


async def _cancel_none(caller: Caller) -> str:
    error = await caller.error_for(caller.send("response.cancel"))
    expect(error.get("code") == "response_cancel_not_active", f"code is {error.get('code')!r}")
    await ask(caller, **TEXT)
    return "response_cancel_not_active, and the session goes on"


async def _unasked(caller: Caller) -> str:
    caller.write("Good day to you.")
    greeting = {"instructions": "Say only: good day.", "metadata": {"holdfast_say": "Good day."}}
    given = await answer(caller, **SPOKEN, **greeting)
    expect(given.status == "completed", f"the answer ended as {given.status}")
    await caller.quiet(_QUIET_S, but=("rate_limits.updated",))
    return f"one response.create, one response, and nothing for {_QUIET_S} s"


async def _remembers(caller: Caller) -> str:
    first = await ask(caller, **TEXT)
    second = await ask(caller, "And which colour has grass?", **TEXT)
    added = [event for event in second.events if event["type"] == "conversation.item.added"]
    expect(added, "the second answer was added to no conversation")
    ids = [first.response.get("conversation_id"), second.response.get("conversation_id")]
    expect(ids[0] == ids[1] and ids[0], f"the conversation ids are {ids}")
    before = added[0].get("previous_item_id")
    user = [event for event in caller.of("conversation.item.added") if field(event, "item.role") == "user"]
    expect(before == field(user[-1], "item.id"), f"the answer follows {before!r}, not the question")
    return "one conversation; the answer follows its question"


async def _max_tokens(caller: Caller) -> str:
    caller.write("Please count from one to two hundred.")
    given = await answer(caller, **TEXT, max_output_tokens=2)
    seen = given.response.get("max_output_tokens")
    expect(seen == 2, f"max_output_tokens came back as {seen!r}")
    if given.status == "completed":
        return "echoed; this server counts no tokens and completed the answer"
    reason = field(given.done, "response.status_details.reason")
    expect((given.status, reason) == ("incomplete", "max_output_tokens"), f"{given.status}, {reason}")
    return "incomplete, max_output_tokens"


async def _rapid(caller: Caller) -> str:
    for _ in range(_RAPID):
        caller.send("response.create", response=dict(TEXT))
        caller.send("response.cancel")
    # A response that was quicker than its cancelling leaves an error behind, which is right.
    await caller.wait(
        lambda: len(caller.of("response.done")) == _RAPID, f"end of {_RAPID} responses", 3 * caller.patience_s
    )
    expect(len(caller.of("response.created")) == _RAPID, f"{len(caller.of('response.created'))} were created")
    codes = {field(event, "error.code") for event in caller.of("error")}
    expect(codes <= {"response_cancel_not_active"}, f"the errors are {codes}")
    nothing_wrong(rules.one_end_each(caller.events))
    return f"{_RAPID} responses asked for and cancelled, {_RAPID} ends"


def _check(
    name: str, sentence: str, section: str, look: Callable[[Caller], Awaitable[str]], **how: Any
) -> Check:
    async def run(visit: Visit) -> str:
        async with visit.session(**how) as caller:
            return await look(caller)

    return Check(name, sentence, section, run)


CHECKS: Final = (
    _check("text.order", "An answer in text has its events in the documented order.", "8.3", _text_order),
    _check("text.joins", "Deltas join to what done, part, item and response.done say.", "7.3", _text_joins),
    _check("text.modality", "A response may be in text where the session speaks.", "6", _modality),
    _check("speech.order", "A spoken answer has its events in order.", "8.2", _spoken_order),
    _check("speech.joins", "Audio is whole samples; the transcript joins.", "8.2", _spoken_joins),
    _check("speech.ids", "All events of an answer name the same item.", "7.3", _item_ids),
    _check("response.created", "response.created is in progress and empty.", "7.4", _created),
    _check("response.usage", "response.done says what the answer cost, and it adds up.", "3.1", _usage),
    _check("response.metadata", "Metadata of a request comes back.", "6", _metadata),
    _check("response.out_of_band", "An answer beside the conversation stays there.", "8.6", _out_of_band),
    _check("response.one_active", "A second answer at once is refused by name.", "8.4", _one_active),
    _check("response.cancel", "A cancelled answer ends at once, as cancelled.", "8.6", _cancel),
    _check("response.cancel_none", "Cancelling nothing is a harmless error.", "8.6", _cancel_none),
    _check("response.unasked", "Who asks once is answered once.", "6", _unasked),
    _check("response.remembers", "An answer joins the conversation after its question.", "5", _remembers),
    _check("response.max_tokens", "max_output_tokens is taken.", "4.1", _max_tokens),
    _check("response.rapid", "Asked for and cancelled ten times: ten ends.", "7.3", _rapid),
)
