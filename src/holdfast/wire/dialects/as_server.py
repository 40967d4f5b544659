"""One client of the shape before GA, in both directions: it speaks its own, we hear GA.

What lives here: the same tables as `as_client`, read the other way; what GA tells that such a client has no
name for is not told.
What never will: judging a client: who is let in with the older shape is a setting (`server.beta_clients`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import ClassVar, Final

from holdfast.wire.dialects.beta import BETA
from holdfast.wire.dialects.bodies import item_in, spelled
from holdfast.wire.dialects.memory import decode, encode, kind_of
from holdfast.wire.dialects.table import Dialect, Field, Json, carried
from holdfast.wire.realtime import new_id

_HEAD_BYTES: Final = 512
_AUDIO: Final = re.compile(rb'"type"\s*:\s*"response\.output_audio\.delta"')
GA_ONLY: Final = frozenset(
    {
        "conversation.item.done",
        "input_audio_buffer.timeout_triggered",
        "input_audio_buffer.dtmf_event_received",
        "conversation.item.input_audio_transcription.segment",
        "mcp_list_tools.in_progress",
        "mcp_list_tools.completed",
        "mcp_list_tools.failed",
        "response.mcp_call_arguments.delta",
        "response.mcp_call_arguments.done",
        "response.mcp_call.in_progress",
        "response.mcp_call.completed",
        "response.mcp_call.failed",
    }
)
"""What there was no name for."""
_ABOUT: Final = ("id", "object", "model", "expires_at")

_joined: Final = b"".join


class OlderClient:
    """What one socket needs to know."""

    def __init__(
        self,
        dialect: Dialect,
        *,
        on_left_out: Callable[[Sequence[str]], None] = lambda _left: None,
        ids: Callable[[str], str] = new_id,
    ) -> None:
        self.dialect = dialect
        self._on_left_out = on_left_out
        self._ids = ids
        self._names = {
            ga: theirs
            for theirs, ga in dialect.server_events.items()
            if not theirs.startswith("transcription_session.")
        }
        audio = self._names["response.output_audio.delta"]
        self._audio = f'"type":"{audio}"'.encode()

    # from the client

    def up(self, raw: bytes) -> bytes:
        """A client's event in GA's words. What is no event is for the session to refuse."""
        build = self._UP.get(kind_of(raw) or "")
        event = None if build is None else decode(raw)
        return raw if build is None or event is None else encode(build(self, event))

    def _update(self, event: Json) -> Json:
        return self._updated(event, "realtime")

    def _update_transcription(self, event: Json) -> Json:
        return self._updated(event, "transcription")

    def _updated(self, event: Json, kind: str) -> Json:
        session = event.get("session")
        if not isinstance(session, dict):
            return event
        table = self.dialect.session if kind == "realtime" else self.dialect.transcription_session
        told, left = carried(session, table or (), "ga")
        self._leave(left)
        return {**event, "type": "session.update", "session": {"type": kind, **told}}

    def _ask(self, event: Json) -> Json:
        response = event.get("response")
        if not isinstance(response, dict):
            return event
        told, left = carried(response, self.dialect.response or (), "ga")
        self._leave([f"response.{path}" for path in left])
        if isinstance(told.get("input"), list):
            told["input"] = [item_in(self.dialect, item, "ga") for item in told["input"]]
        return {**event, "response": told}

    def _add(self, event: Json) -> Json:
        return {**event, "item": item_in(self.dialect, event.get("item"), "ga")}

    def _leave(self, left: Sequence[str]) -> None:
        if left:
            self._on_left_out(left)

    _UP: ClassVar[Mapping[str, Callable[[OlderClient, Json], Json]]] = {
        "session.update": _update,
        "transcription_session.update": _update_transcription,
        "response.create": _ask,
        "conversation.item.create": _add,
    }

    # to the client

    def down(self, raw: bytes) -> Sequence[bytes]:
        """A GA event in the client's words; an audio message by an exchange of its name."""
        found = _AUDIO.search(raw, 0, _HEAD_BYTES)
        if found is not None:
            return (_joined((raw[: found.start()], self._audio, raw[found.end() :])),)
        kind = kind_of(raw)
        if kind in GA_ONLY:
            return ()
        event = decode(raw)
        if kind is None or event is None:
            return (raw,)
        return [encode(told) for told in self._told(event, kind)]

    def _told(self, event: Json, kind: str) -> Iterator[Json]:
        event["type"] = self._names.get(kind, kind)
        if isinstance(event.get("item"), dict):
            event["item"] = item_in(self.dialect, event["item"], "theirs")
        if isinstance(event.get("response"), dict):
            event["response"] = self._response(event["response"])
        error = event.get("error")
        if isinstance(error, dict) and "param" in error:
            error["param"] = spelled(self.dialect, error["param"], "theirs")
        session = event.get("session")
        if not isinstance(session, dict):
            yield event
            return
        if session.get("type") == "transcription":
            event["type"] = f"transcription_{kind}"
        event["session"] = self._session(session)
        yield event
        if kind == "session.created" and session.get("type") != "transcription":
            conversation = {"id": self._ids("conv"), "object": "realtime.conversation"}
            yield {
                "type": "conversation.created",
                "event_id": self._ids("event"),
                "conversation": conversation,
            }

    def _session(self, session: Json) -> Json:
        is_transcription = session.get("type") == "transcription"
        table = self.dialect.transcription_session if is_transcription else self.dialect.session
        settings = {key: value for key, value in session.items() if key not in {"type", *_ABOUT}}
        told, _ = carried(settings, table or (), "theirs")
        return {**{key: session[key] for key in _ABOUT if key in session}, **told}

    def _response(self, response: Json) -> Json:
        told, _ = carried(response, self.dialect.told_response or (), "theirs")
        if isinstance(told.get("output"), list):
            told["output"] = [item_in(self.dialect, item, "theirs") for item in told["output"]]
        return told


def asks_for_beta(headers: Mapping[str, str], subprotocols: Sequence[str]) -> bool:
    """Whether an upgrade is of a client of the older shape (protocol reference, 1.3)."""
    return "realtime=v1" in headers.get("openai-beta", "") or any(
        name.startswith("openai-beta.realtime") for name in subprotocols
    )


def cure_of(raw: bytes) -> tuple[str, str, str | None] | None:
    """Where a client's event is of the older shape: the field, what to write instead, and the event's id.
    None for GA, and for what is no event.
    """
    event = decode(raw)
    if event is None:
        return None
    event_id = event.get("event_id")
    told_id = event_id if isinstance(event_id, str) else None
    if event.get("type") == "transcription_session.update":
        return "type", "Send 'session.update' with 'session.type' set to 'transcription'.", told_id
    for body, cures in (("session", _SESSION_CURES), ("response", _RESPONSE_CURES)):
        asked = event.get(body)
        older = next((key for key in asked if key in cures), None) if isinstance(asked, dict) else None
        if older is not None:
            ga = cures[older]
            cure = f"Write '{body}.{ga}'." if ga else "GA has no such setting: leave it out."
            return f"{body}.{older}", cure, told_id
    return None


def _cures(fields: tuple[Field, ...] | None) -> Mapping[str, str]:
    renamed = {one.theirs: one.ga for one in fields or () if one.theirs != one.ga}
    return {**renamed, "temperature": ""}


_SESSION_CURES: Final = _cures(BETA.session)
_RESPONSE_CURES: Final = _cures(BETA.response)
