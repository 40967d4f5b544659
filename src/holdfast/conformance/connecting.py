"""Checks of a connection's beginning: who speaks first, and what is said then.

What lives here: the group `connect`.
What never will: changing a session (`sessions`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Final

import httpx

from holdfast.conformance.caller import Caller, Refused
from holdfast.conformance.talking import field
from holdfast.conformance.verdict import Check, Failed, Skipped, expect
from holdfast.conformance.visit import Visit, hang_up

_QUIET_S: Final = 0.4
_NOT_HERE: Final = (401, 403, 404, 405, 501)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


_SESSION: Final[Mapping[str, Callable[[object], bool]]] = {
    "type": lambda value: value == "realtime",
    "object": lambda value: value == "realtime.session",
    "model": _is_text,
    "instructions": _is_text,
    "output_modalities": lambda value: isinstance(value, list),
    "audio.input.format.type": _is_text,
    "audio.output.format.type": _is_text,
    "audio.output.voice": lambda value: isinstance(value, str | dict),
    "tools": lambda value: isinstance(value, list),
}
"""What `session.created` must say of a session."""


async def _dialled(visit: Visit, address: str | None = None, **headers: str) -> Caller:
    try:
        return await visit.dial(address, {**visit.target.headers, **headers})
    except Refused as refused:
        raise Failed(str(refused)) from refused


async def _created_first(visit: Visit) -> str:
    caller = await _dialled(visit)
    try:
        first = await caller.next(wanted="session.created")
        expect(first["type"] == "session.created", f"the first event was {first['type']}: {first}")
    finally:
        await hang_up(caller)
    return "session.created came first"


async def _session_object(visit: Visit) -> str:
    caller = await _dialled(visit)
    try:
        session = (await caller.until("session.created")).get("session") or {}
    finally:
        await hang_up(caller)
    wrong = [
        f"session.{path} is {field(session, path)!r}"
        for path, is_right in _SESSION.items()
        if not is_right(field(session, path))
    ]
    expect(not wrong, "; ".join(wrong))
    expect(str(session.get("id", "")).startswith("sess_"), f"session.id is {session.get('id')!r}")
    left_s = (session.get("expires_at") or 0) - time.time()
    expect(left_s > 0, f"session.expires_at is {session.get('expires_at')!r}, {left_s:.0f} s from now")
    return f"id, object, type, model, nested audio; expires in {left_s:.0f} s"


async def _quiet(visit: Visit) -> str:
    caller = await _dialled(visit)
    try:
        await caller.until("session.created")
        await caller.quiet(_QUIET_S, but=("conversation.created",))
    finally:
        await hang_up(caller)
    return f"nothing for {_QUIET_S} s"


async def _subprotocol(visit: Visit) -> str:
    caller = await _dialled(visit, **{"Sec-WebSocket-Protocol": "realtime"})
    await hang_up(caller)
    expect(caller.subprotocol == "realtime", f"offered realtime, selected {caller.subprotocol!r}")
    return "realtime was selected"


async def _no_credential(visit: Visit) -> str:
    try:
        caller = await visit.dial(None, {}, whole=False)
    except Refused as refused:
        expect(refused.status in (401, 403), str(refused))
        return f"HTTP {refused.status}"
    try:
        first = await caller.next(wanted="session.created or an error")
        if first["type"] == "session.created":
            raise Skipped("this server asks nobody for a key")
        expect(first["type"] == "error", f"the first event was {first['type']}")
        code, reason = await caller.end()
    finally:
        await hang_up(caller)
    expect(code in (3000, 1008), f"closed with {code} {reason!r}")
    return f"error {field(first, 'error.code')}, closed with {code}"


async def _transcription(visit: Visit) -> str:
    caller = await _dialled(visit, visit.target.address(intent="transcription"))
    try:
        session = (await caller.until("session.created")).get("session") or {}
    finally:
        await hang_up(caller)
    seen = (session.get("type"), session.get("object"))
    expect(seen == ("transcription", "realtime.transcription_session"), f"type and object are {seen}")
    return "a realtime.transcription_session"


async def _client_secret(visit: Visit) -> str:
    asked = {"session": {"type": "realtime", "instructions": "Be brief."}}
    url = visit.target.rest("/realtime/client_secrets")
    try:
        async with httpx.AsyncClient(
            verify=visit.target.trust or True, timeout=visit.target.patience_s
        ) as client:
            answer = await client.post(url, json=asked, headers=visit.target.headers)
    except httpx.HTTPError as failed:
        raise Skipped(f"no HTTP beside the socket: {type(failed).__name__}") from failed
    is_ours = answer.headers.get("Content-Type", "").startswith("application/json")
    if answer.status_code in _NOT_HERE or not is_ours:
        raise Skipped(f"no client secrets here: HTTP {answer.status_code}")
    expect(answer.status_code in (200, 201), f"HTTP {answer.status_code}")
    told = answer.json()
    expect(
        isinstance(told.get("value"), str) and told["value"], f"value is {type(told.get('value')).__name__}"
    )
    expect(told.get("expires_at", 0) > time.time(), f"expires_at is {told.get('expires_at')!r}")
    kept = field(told, "session.instructions")
    expect(kept == "Be brief.", f"session.instructions is {kept!r}")
    return "value, expires_at, session"


CHECKS: Final = (
    Check("connect.created_first", "The first event is session.created.", "8.1", _created_first),
    Check("connect.session_object", "session.created bears the whole session.", "4.1", _session_object),
    Check("connect.quiet", "After session.created the server waits for the client.", "8.1", _quiet),
    Check("connect.subprotocol", "The offered subprotocol realtime is selected.", "1.3", _subprotocol),
    Check("connect.no_credential", "Who has no key is refused.", "9.2", _no_credential),
    Check(
        "connect.transcription", "intent=transcription opens a transcription session.", "8.7", _transcription
    ),
    Check("connect.client_secret", "A client secret can be had by HTTP.", "1.4", _client_secret),
)
