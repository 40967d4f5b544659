"""A client and a host in one room: events in, events out, no socket, no loop.

What lives here: the driver the tests of the dialect share, and a responder that only notes what it is told.
"""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Mapping
from typing import Any

from holdfast.wire.realtime import BYTES_PER_MS, Intent, RealtimeHost, Responder, ResponseWriter

Json = dict[str, Any]


class NotingResponder:
    """Answers nothing by itself; notes every call of the port, in order."""

    host: RealtimeHost

    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []
        self.pcm = b""

    def bind(self, host: RealtimeHost) -> None:
        self.host = host

    def session_updated(self, changed: Mapping[str, Any]) -> None:
        self.told.append(("session_updated", changed))

    def audio(self, pcm: bytes) -> int:
        self.pcm += pcm
        return 0

    def audio_cleared(self) -> None:
        self.told.append(("audio_cleared", None))

    def committed(self, item_id: str) -> None:
        self.told.append(("committed", item_id))

    def item_created(self, item: Json) -> None:
        self.told.append(("item_created", item))

    def response_requested(self, request: Json) -> None:
        self.told.append(("response_requested", request))

    def response_cancelled(self, writer: ResponseWriter) -> None:
        self.told.append(("response_cancelled", writer.id))

    def truncated(self, item_id: str, audio_end_ms: int) -> None:
        self.told.append(("truncated", (item_id, audio_end_ms)))


class Dialog:
    """One session. `send` gives the events it caused; `events` are all so far."""

    def __init__(self, responder: Responder | None = None, *, intent: Intent = "realtime") -> None:
        self.events: list[Json] = []
        self._taken = 0
        counter = itertools.count(1)
        self.notes = NotingResponder()
        self.host = RealtimeHost(
            model="gpt-realtime-2.1",
            responder=responder or self.notes,
            emit=lambda payload: self.events.append(json.loads(payload)),
            expires_at=1_800_000_000,
            ids=lambda prefix: f"{prefix}_{next(counter)}",
            intent=intent,
        )
        self.host.open()
        self._taken = len(self.events)

    def send(self, kind: str, **fields: Any) -> list[Json]:
        """Send one client event; gives what came back."""
        return self.send_raw(json.dumps({"type": kind, **fields}).encode())

    def send_raw(self, payload: bytes) -> list[Json]:
        """Send any text; gives what came back."""
        self.take()
        self.host.receive(payload)
        return self.take()

    def take(self) -> list[Json]:
        """The events since the last look."""
        fresh = self.events[self._taken :]
        self._taken = len(self.events)
        return fresh

    def update(self, **session: Any) -> Json:
        """`session.update` of a conversation; gives the only answer."""
        [answer] = self.send("session.update", session={"type": "realtime", **session}, event_id="mine")
        return answer

    def speak(self, pcm: bytes) -> list[Json]:
        """Append audio."""
        return self.send("input_audio_buffer.append", audio=base64.b64encode(pcm).decode())

    def say(self, text: str, **fields: Any) -> list[Json]:
        """Add a user message."""
        content = [{"type": "input_text", "text": text}]
        item = {"type": "message", "role": "user", "content": content, **fields.pop("item", {})}
        return self.send("conversation.item.create", item=item, **fields)


def silence(ms: int) -> bytes:
    """PCM16 zeros."""
    return bytes(ms * BYTES_PER_MS)


def kinds(events: list[Json]) -> list[str]:
    """The types of events."""
    return [event["type"] for event in events]


def only_error(events: list[Json]) -> Json:
    """The error of the one event there is."""
    [event] = events
    assert event["type"] == "error", event
    error: Json = event["error"]
    return error
