"""One connection of an emulator: a well-behaved host behind a door that misbehaves as told.

What lives here: carrying out the faults of the table, at their moments, on what goes out and comes in.
What never will: the dialect (`holdfast.wire.realtime`) and what is answered (`responder`).
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from holdfast.emulator.faults import REFUSALS, FaultSpec, Misbehaviour
from holdfast.emulator.options import EmulatorOptions
from holdfast.emulator.record import SessionRecord
from holdfast.emulator.responder import EmulatedResponder
from holdfast.sockets import MessageListener
from holdfast.wire.realtime import Intent, RealtimeHost, new_id

HELD_EVENTS_MAX: Final = 10_000
"""Events kept back by a delay; a session beyond it is dropped."""

_MOMENT_OF: Final[Mapping[str, str]] = {
    "session.created": "created",
    "session.updated": "updated",
    "input_audio_buffer.speech_started": "speech",
}
_DELAY_OF: Final[Mapping[str, str]] = {"session.created": "slow-created", "session.updated": "slow-updated"}
_DELTAS: Final = frozenset({"response.output_audio.delta", "response.output_text.delta"})

_ALL_RESPONSES: Final = 1_000_000


class EmulatedSession(MessageListener):
    """A session and its books."""

    def __init__(
        self,
        options: EmulatorOptions,
        record: SessionRecord,
        misbehaviour: Misbehaviour,
        *,
        refusal: str | None,
        on_begin: Callable[[EmulatedSession], None],
        on_change: Callable[[], None],
    ) -> None:
        """`refusal`: a code of `REFUSALS`, when this connection is refused in band. `on_begin` is called
        when the socket stands, `on_change` whenever the books change.
        """
        super().__init__()
        self.record = record
        self._misbehaviour = misbehaviour
        self._refusal = refusal
        self._on_begin = on_begin
        self._on_change = on_change
        failing = misbehaviour.find("server-error", "response")
        self._responder = EmulatedResponder(
            options,
            record,
            failures=_failures(failing),
            stalls=misbehaviour.find("stall") is not None,
        )
        self._life_s = misbehaviour.seconds("expire") or options.session_s
        intent: Intent = "transcription" if record.intent == "transcription" else "realtime"
        self.host = RealtimeHost(
            model=record.model,
            responder=self._responder,
            emit=self._emit,
            expires_at=int(time.time() + self._life_s),
            session_id=record.id,
            intent=intent,
        )
        self._held: deque[bytes] | None = None
        self._timers: list[asyncio.TimerHandle] = []
        self._is_mute = False
        self._delta_count = 0

    # the socket's side

    def on_open(self) -> None:
        self._on_begin(self)
        if self._refusal is not None:
            self._refuse(self._refusal)
            return
        self._later(self._life_s, self._expire)
        self.host.open()
        if self._misbehaviour.find("server-error", "start") is not None:
            self.host.fail("server_error", "server_error", "The emulator was told to have an error.")

    def on_text(self, payload: bytes) -> None:
        event = _read(payload)
        self.record.received(event)
        if self._refusal is None:
            if event is not None and event.get("type") == "session.update" and self._rejects_updates():
                self._reject(event)
            else:
                self.host.receive(payload)
            for fault in self._misbehaviour.at(str(self.record.message_count)):
                self._break(fault)
        self._on_change()

    def on_binary(self, payload: bytes) -> None:  # noqa: ARG002 - binary has no meaning here
        self.record.received(None)
        self.host.receive_binary()
        self._on_change()

    def on_closed(self, code: int, reason: str) -> None:
        for timer in self._timers:
            timer.cancel()
        self._responder.close()
        self.record.ended(code, reason, "emulator" if self.closed_by_us else "client")
        self._on_change()

    def abort(self) -> None:
        """Drop the TCP connection without a word."""
        if self.is_open:
            self.is_open = False
            self.closed_by_us = True
            self.transport.disconnect(graceful=False)

    # what goes out

    def _emit(self, payload: bytes) -> None:
        if self._is_mute:
            return
        if self._held is not None:
            self._held.append(payload)
            if len(self._held) > HELD_EVENTS_MAX:
                self.abort()
            return
        kind = _kind(payload)
        if kind == "session.created" and self._misbehaviour.find("silent-created"):
            self._is_mute = True
            return
        if kind == "session.updated" and self._misbehaviour.find("silent-updated"):
            return
        delay_s = self._misbehaviour.seconds(_DELAY_OF.get(kind, ""))
        if delay_s is not None:
            self._held = deque([payload])
            self._later(delay_s, self._release)
            return
        self._deliver(kind, payload)

    def _release(self) -> None:
        """The delay is over: what was due, then what came after it."""
        held, self._held = self._held or deque(), None
        first = held.popleft()
        self._deliver(_kind(first), first)
        for payload in held:
            self._emit(payload)

    def _deliver(self, kind: str, payload: bytes) -> None:
        for fault in self._misbehaviour.at(_MOMENT_OF.get(kind, "")):
            self._break(fault)
        self._send(kind, payload)
        if kind == "response.created":
            self._delta_count = 0
        elif kind == "response.done" and self._misbehaviour.find("duplicate-done"):
            self._send(kind, payload)
        elif kind in _DELTAS:
            self._delta_count += 1
            if self._delta_count == 1:
                for fault in self._misbehaviour.at("response"):
                    self._break(fault)

    def _send(self, kind: str, payload: bytes) -> None:
        if self.is_open:
            self.send_text(payload)
            self.record.sent(kind)
            self._on_change()

    # faults

    def _break(self, fault: FaultSpec) -> None:
        """Carry out a fault that has a moment."""
        if fault.name == "drop":
            self.abort()
        elif fault.name == "close":
            self.close(int(fault.arguments[0]), "told so")
        elif fault.name == "malformed":
            self._send("(malformed)", b'{"type":"session.updated","event_id":')
        elif fault.name == "unknown-event":
            strange = {"type": "emulator.strange", "event_id": new_id("event"), "detail": {"answer": 42}}
            self._send("emulator.strange", msgspec.json.encode(strange))

    def _rejects_updates(self) -> bool:
        return self._misbehaviour.find("reject-update") is not None

    def _reject(self, event: Mapping[str, Any]) -> None:
        event_id = event.get("event_id")
        self.host.fail(
            "invalid_request_error",
            "invalid_value",
            "The emulator was told to refuse session.update.",
            param="session",
            event_id=event_id if isinstance(event_id, str) else None,
        )

    def _refuse(self, code: str) -> None:
        refusal = REFUSALS[code]
        self.host.fail(refusal.kind, code, refusal.message)
        self.close(refusal.close_code, f"{refusal.kind}.{code}")

    def _expire(self) -> None:
        self.host.fail(
            "invalid_request_error", "session_expired", f"The session reached its {self._life_s:.0f} seconds."
        )
        self.close(1001, "invalid_request_error.session_expired")

    def _later(self, delay_s: float, act: Callable[[], None]) -> None:
        self._timers.append(asyncio.get_running_loop().call_later(delay_s, act))


def _failures(fault: FaultSpec | None) -> int:
    if fault is None:
        return 0
    return int(fault.arguments[1]) if len(fault.arguments) > 1 else _ALL_RESPONSES


def _kind(payload: bytes) -> str:
    """The type of one of our own events: the encoder writes it first."""
    return payload[9 : payload.index(b'"', 9)].decode()


def _read(payload: bytes) -> dict[str, Any] | None:
    try:
        event = msgspec.json.decode(payload)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) else None
