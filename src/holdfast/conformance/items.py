"""Checks of the conversation's items: ids, order, what may be added, read, cut and removed.

What lives here: the group `item`.
What never will: answers.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

import pybase64

from holdfast.conformance.caller import Caller, Json
from holdfast.conformance.talking import SPOKEN, ask, field, message_of
from holdfast.conformance.verdict import Check, expect
from holdfast.conformance.visit import Visit

_QUIET_S: Final = 0.3
_ODD_TEXT: Final = (
    'Gr\u00fc\u00dfe \U0001f600 \u0001 \u2028 \u200f\u05e9\u05dc\u05d5\u05dd \U0001d11e \\ " </script>'
)


async def _create(caller: Caller, item: Json, **more: Any) -> Json:
    """Create an item; gives its `added`, after its `done`."""
    caller.send("conversation.item.create", item=item, **more)
    added = await caller.until("conversation.item.added")
    done = await caller.until("conversation.item.done")
    seen = field(done, "item.id")
    expect(seen == field(added, "item.id"), f"added was {field(added, 'item.id')}, done was {seen}")
    return added


def _message(text: str, role: str = "user", kind: str = "input_text", **more: Any) -> Json:
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text}], **more}


async def _own_id(caller: Caller) -> str:
    added = await _create(caller, _message("one", id="item_of_mine_1"))
    expect(field(added, "item.id") == "item_of_mine_1", f"the id became {field(added, 'item.id')!r}")
    expect(field(added, "item.status") == "completed", f"status is {field(added, 'item.status')!r}")
    return "item_of_mine_1 was added, then done"


async def _server_id(caller: Caller) -> str:
    ids = [field(await _create(caller, _message(text)), "item.id") for text in ("one", "two")]
    expect(all(isinstance(one, str) and one for one in ids) and ids[0] != ids[1], f"the ids are {ids}")
    return "two items, two ids"


async def _order(caller: Caller) -> str:
    await _create(caller, _message("one", id="order_1"))
    last = await _create(caller, _message("three", id="order_3"))
    middle = await _create(caller, _message("two", id="order_2"), previous_item_id="order_1")
    first = await _create(caller, _message("zero", id="order_0"), previous_item_id="root")
    seen = [one.get("previous_item_id") for one in (first, middle, last)]
    expect(seen == [None, "order_1", "order_1"], f"previous_item_id of root, middle, last are {seen}")
    return "root, after an id, at the end"


async def _unknown_previous(caller: Caller) -> str:
    asked = caller.send(
        "conversation.item.create", item=_message("x", id="lost_1"), previous_item_id="item_that_is_not"
    )
    await caller.error_for(asked)
    await caller.error_for(caller.send("conversation.item.retrieve", item_id="lost_1"))
    expect("conversation.item.added" not in caller.kinds, "the item was added all the same")
    return "refused, and not inserted"


async def _same_id(caller: Caller) -> str:
    await _create(caller, _message("one", id="twice_1"))
    error = await caller.error_for(
        caller.send("conversation.item.create", item=_message("two", id="twice_1"))
    )
    return f"refused: {error.get('code')}"


async def _retrieve(caller: Caller) -> str:
    await _create(caller, _message(_ODD_TEXT, id="kept_1"))
    caller.send("conversation.item.retrieve", item_id="kept_1")
    item = (await caller.until("conversation.item.retrieved")).get("item") or {}
    expect(item.get("id") == "kept_1", f"item.id is {item.get('id')!r}")
    text = (item.get("content") or [{}])[0].get("text")
    expect(text == _ODD_TEXT, f"the text came back as {text!r}")
    return "the same text, with its odd characters"


async def _delete(caller: Caller) -> str:
    await _create(caller, _message("one", id="gone_1"))
    caller.send("conversation.item.delete", item_id="gone_1")
    deleted = await caller.until("conversation.item.deleted")
    expect(deleted.get("item_id") == "gone_1", f"item_id is {deleted.get('item_id')!r}")
    error = await caller.error_for(caller.send("conversation.item.retrieve", item_id="gone_1"))
    expect(error.get("code") == "item_retrieve_invalid_item_id", f"code is {error.get('code')!r}")
    return "deleted, and not there any more"


async def _delete_unknown(caller: Caller) -> str:
    error = await caller.error_for(caller.send("conversation.item.delete", item_id="item_that_is_not"))
    expect(error.get("code") == "item_delete_invalid_item_id", f"code is {error.get('code')!r}")
    return "item_delete_invalid_item_id"


async def _roles(caller: Caller) -> str:
    for role, kind in (("system", "input_text"), ("user", "input_text"), ("assistant", "output_text")):
        added = await _create(caller, _message(f"I am {role}.", role, kind))
        seen = (field(added, "item.role"), (field(added, "item.content") or [{}])[0].get("type"))
        expect(seen == (role, kind), f"role and part are {seen}, not {(role, kind)}")
    return "system, user, assistant"


async def _calls(caller: Caller) -> str:
    call = {"type": "function_call", "call_id": "call_mine_1", "name": "look", "arguments": "{}"}
    added = await _create(caller, call)
    expect(field(added, "item.call_id") == "call_mine_1", f"call_id is {field(added, 'item.call_id')!r}")
    output = {"type": "function_call_output", "call_id": "call_mine_1", "output": "seen"}
    added = await _create(caller, output)
    expect(field(added, "item.call_id") == "call_mine_1", f"call_id is {field(added, 'item.call_id')!r}")
    return "a call and its output, as a restored history has them"


async def _no_answer(caller: Caller) -> str:
    await _create(caller, _message("Are you there?"))
    await caller.quiet(_QUIET_S)
    return f"no response for {_QUIET_S} s"


async def _audio(caller: Caller) -> str:
    pcm = bytes(48 * 500)
    part = {"type": "input_audio", "audio": pybase64.b64encode_as_string(pcm)}
    await _create(caller, {"id": "heard_1", "type": "message", "role": "user", "content": [part]})
    caller.send("conversation.item.retrieve", item_id="heard_1")
    item = (await caller.until("conversation.item.retrieved")).get("item") or {}
    kinds = [one.get("type") for one in item.get("content") or ()]
    expect(kinds == ["input_audio"], f"the parts are {kinds}")
    return "half a second of audio in an item"


async def _truncate(caller: Caller) -> str:
    given = await ask(caller, **SPOKEN)
    expect(len(given.audio) >= 48 * 100, f"the answer had only {len(given.audio)} bytes of audio")
    item_id = message_of(given)["id"]
    caller.send("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=50)
    cut = await caller.until("conversation.item.truncated")
    seen = (cut.get("item_id"), cut.get("content_index"), cut.get("audio_end_ms"))
    expect(seen == (item_id, 0, 50), f"truncated says {seen}")
    caller.send("conversation.item.retrieve", item_id=item_id)
    item = (await caller.until("conversation.item.retrieved")).get("item") or {}
    left = [part["transcript"] for part in item.get("content") or () if part.get("transcript")]
    expect(not left, f"the transcript is still {left[:1]}")
    return "cut at 50 ms, the transcript gone"


async def _truncate_beyond(caller: Caller) -> str:
    item_id = message_of(await ask(caller, **SPOKEN))["id"]
    asked = caller.send(
        "conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=3_600_000
    )
    error = await caller.error_for(asked)
    expect(error.get("code") == "invalid_value", f"code is {error.get('code')!r}")
    return "invalid_value"


async def _truncate_user(caller: Caller) -> str:
    await _create(caller, _message("mine", id="not_spoken_1"))
    asked = caller.send(
        "conversation.item.truncate", item_id="not_spoken_1", content_index=0, audio_end_ms=10
    )
    error = await caller.error_for(asked)
    return f"refused: {error.get('code') or error.get('message')}"


async def _truncate_unknown(caller: Caller) -> str:
    asked = caller.send(
        "conversation.item.truncate", item_id="item_that_is_not", content_index=0, audio_end_ms=0
    )
    error = await caller.error_for(asked)
    expect(error.get("code") == "item_truncate_invalid_item_id", f"code is {error.get('code')!r}")
    return "item_truncate_invalid_item_id"


def _check(name: str, sentence: str, section: str, look: Callable[[Caller], Awaitable[str]]) -> Check:
    async def run(visit: Visit) -> str:
        async with visit.session() as caller:
            return await look(caller)

    return Check(f"item.{name}", sentence, section, run)


CHECKS: Final = (
    _check("own_id", "An item keeps the id that the client chose.", "5", _own_id),
    _check("server_id", "An item without an id gets one.", "5", _server_id),
    _check("order", "previous_item_id puts an item first, after another, or last.", "5", _order),
    _check("unknown_previous", "After an unknown item nothing is inserted.", "5", _unknown_previous),
    _check("same_id", "An id cannot be used twice.", "5", _same_id),
    _check("retrieve", "An item is given back as it was, in any characters.", "6", _retrieve),
    _check("delete", "An item that is deleted is gone.", "6", _delete),
    _check("delete_unknown", "Deleting what is not there is an error with its code.", "9.4", _delete_unknown),
    _check("roles", "System, user and assistant text can be added.", "5", _roles),
    _check("calls", "A tool call and its output can be added.", "5", _calls),
    _check("no_answer", "Adding an item begins no response.", "6", _no_answer),
    _check("audio", "Audio can be added as an item.", "5", _audio),
    _check("truncate", "A spoken answer can be cut; its transcript goes.", "8.5", _truncate),
    _check("truncate_beyond", "Cutting beyond the end is invalid_value.", "8.5", _truncate_beyond),
    _check("truncate_user", "What the user said cannot be cut.", "9.4", _truncate_user),
    _check("truncate_unknown", "Cutting what is not there has its code.", "9.4", _truncate_unknown),
)
