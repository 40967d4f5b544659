"""A client of one engine worker: speaks audio into the socket, gathers what comes back with its times.

What lives here: the socket, a turn's events. What never will: phrases, scores.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

import pybase64
from picows import ws_connect

from holdfast.engine.pool import EngineAddress
from holdfast.sockets.listener import MessageListener

BYTES_PER_MS: Final = 48
_TURN_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Event:
    """A server event and when it came (the loop's clock, seconds)."""

    at: float
    body: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """The event's type."""
        return str(self.body["type"])


@dataclass(slots=True)
class Turn:
    """What one utterance brought about."""

    transcript: str = ""
    tool: str | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    call_id: str = ""
    text: str = ""


class EngineLine(MessageListener):
    """One session with a worker."""

    def __init__(self) -> None:
        super().__init__()
        self.events: asyncio.Queue[Event] = asyncio.Queue()

    @classmethod
    async def open(
        cls, address: EngineAddress, session: Mapping[str, Any], model: str = "holdfast-local"
    ) -> Self:
        """Dial and configure."""
        line = cls()
        await line.dial(EngineAddress(f"{address.url}?model={model}", address.token))
        line.tell(type="session.update", session={"type": "realtime", **session})
        await line.until("session.updated")
        return line

    async def dial(self, address: EngineAddress) -> None:
        """Open the socket. Raises what picows raises."""
        await ws_connect(
            lambda: self,
            address.url,
            extra_headers={"Authorization": f"Bearer {address.token}"},
            max_frame_size=self.bounds.frame_bytes,
        )

    def on_text(self, payload: bytes) -> None:
        self.events.put_nowait(Event(asyncio.get_running_loop().time(), json.loads(payload)))

    def on_closed(self, code: int, reason: str) -> None:
        body = {"type": "closed", "code": code, "reason": reason}
        self.events.put_nowait(Event(asyncio.get_running_loop().time(), body))

    def tell(self, **event: Any) -> None:
        """Send one client event."""
        self.send_text(json.dumps(event).encode())

    def append(self, pcm: bytes) -> None:
        """Send PCM16 24 kHz."""
        self.tell(type="input_audio_buffer.append", audio=pybase64.b64encode_as_string(pcm))

    async def next(self) -> Event:
        """The next event; raises when the line is down or an error came."""
        async with asyncio.timeout(_TURN_S):
            event = await self.events.get()
        if event.kind in {"closed", "error"}:
            raise ConnectionError(json.dumps(event.body))
        return event

    async def until(self, kind: str) -> Event:
        """Wait for an event of that type; what comes before it is dropped."""
        while True:
            event = await self.next()
            if event.kind == kind:
                return event

    async def turn(self) -> Turn:
        """Gather one turn, up to the end of its response."""
        turn = Turn()
        while True:
            event = await self.next()
            body = event.body
            if event.kind == "conversation.item.input_audio_transcription.completed":
                turn.transcript = str(body["transcript"])
            elif event.kind == "response.function_call_arguments.done":
                turn.tool, turn.call_id = str(body["name"]), str(body["call_id"])
                turn.arguments = json.loads(body["arguments"])
            elif event.kind == "response.output_text.done":
                turn.text = str(body["text"])
            elif event.kind == "response.done":
                return turn
