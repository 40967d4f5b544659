"""Checks of what happens when a client is wrong: one error each, and the session goes on.

What lives here: the group `error`.
What never will: broken frames (`frames`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from holdfast.conformance.caller import Caller
from holdfast.conformance.talking import TEXT, ask
from holdfast.conformance.verdict import Check, expect
from holdfast.conformance.visit import Visit

_DEEP: Final = b'{"type":"session.update","session":' + b'{"a":' * 10_000 + b"1" + b"}" * 10_001


async def _lives(caller: Caller) -> None:
    """The session takes the next event as if nothing had been."""
    caller.send("input_audio_buffer.clear")
    await caller.until("input_audio_buffer.cleared")


async def _unknown_event(caller: Caller) -> str:
    error = await caller.error_for(caller.send("no.such.event"))
    await _lives(caller)
    seen = (error.get("type"), error.get("param"))
    expect(seen == ("invalid_request_error", "type"), f"type and param are {seen}")
    return f"{error.get('code')}, param type"


async def _not_json(caller: Caller) -> str:
    for text in (b"{", b'{"type":', b"hello", b""):
        caller.send_text(text)
        error = await caller.error_for(None)
        expect(error.get("type") == "invalid_request_error", f"type is {error.get('type')!r}")
    await _lives(caller)
    return "four broken messages, four errors"


async def _not_object(caller: Caller) -> str:
    for text in (b"[]", b"7", b'"x"', b"null", b"{}", b'{"type":7}'):
        caller.send_text(text)
        await caller.error_for(None)
    await _lives(caller)
    return "arrays, numbers, null, no type: an error each"


async def _missing_field(caller: Caller) -> str:
    error = await caller.error_for(caller.send("conversation.item.delete"))
    seen = (error.get("code"), error.get("param"))
    expect(seen == ("missing_required_parameter", "item_id"), f"code and param are {seen}")
    return "missing_required_parameter item_id"


async def _wrong_type(caller: Caller) -> str:
    error = await caller.error_for(caller.send("conversation.item.retrieve", item_id=["x"]))
    await _lives(caller)
    return f"{error.get('code')}, and the session goes on"


async def _named(caller: Caller) -> str:
    for event_id in ("mine-1", "ö" * 100):
        caller.send("response.cancel", event_id=event_id)
        await caller.error_for(event_id)
    return "error.event_id is the client's own"


async def _unnamed(caller: Caller) -> str:
    caller.send("response.cancel", event_id=None)
    error = await caller.error_for(None)
    expect(error.get("event_id", "(missing)") is None, f"error.event_id is {error.get('event_id')!r}")
    return "error.event_id is null for an event without one"


async def _shape(caller: Caller) -> str:
    error = await caller.error_for(caller.send("response.cancel"))
    lacking = [name for name in ("type", "code", "message", "param", "event_id") if name not in error]
    expect(not lacking, f"the error lacks {lacking}")
    expect(isinstance(error["message"], str) and error["message"], "the message is empty")
    return "type, code, message, param, event_id"


async def _deep(caller: Caller) -> str:
    caller.send_text(_DEEP)
    await caller.error_for(None)
    await _lives(caller)
    return "10 000 levels: an error, and the session goes on"


async def _then_talks(caller: Caller) -> str:
    for kind in ("no.such.event", "response.cancel", "conversation.item.delete"):
        await caller.error_for(caller.send(kind))
    given = await ask(caller, **TEXT)
    return f"three errors, then an answer of {len(given.events)} events"


def _check(name: str, sentence: str, section: str, look: Callable[[Caller], Awaitable[str]]) -> Check:
    async def run(visit: Visit) -> str:
        async with visit.session() as caller:
            return await look(caller)

    return Check(f"error.{name}", sentence, section, run)


CHECKS: Final = (
    _check("unknown_event", "An unknown event is refused, param type.", "9.4", _unknown_event),
    _check("not_json", "What is no JSON gets an error; the session goes on.", "9.4", _not_json),
    _check("not_object", "JSON that is no event gets an error; the session goes on.", "9.4", _not_object),
    _check("missing_field", "A missing field is named.", "9.4", _missing_field),
    _check("wrong_type", "A field of the wrong type is refused; the session goes on.", "9.4", _wrong_type),
    _check("named", "An error names the client's event.", "9.1", _named),
    _check("unnamed", "An error for an event without an id names none.", "9.1", _unnamed),
    _check("shape", "An error has all its fields.", "9.1", _shape),
    _check("deep", "Deeply nested JSON does no harm.", "9.4", _deep),
    _check("then_talks", "After errors the conversation goes on.", "9.1", _then_talks),
)
