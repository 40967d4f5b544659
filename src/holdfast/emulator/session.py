"""One connection of an emulator: a well-behaved host behind a door that misbehaves as told.

What lives here: the socket, its books, and telling at each step what is to break now.
What never will: the dialect (`holdfast.wire.realtime`), what is answered (`responder`), how a fault is
carried out (`acts`, `outflow`).
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from picows import WSFrame, WSMsgType, WSTransport

from holdfast.emulator.acts import ACTS
from holdfast.emulator.dialects import SPOKEN, check_older
from holdfast.emulator.faults import ENDINGS, REFUSALS
from holdfast.emulator.front import NO_LINGER
from holdfast.emulator.moments import IDLE_AFTER_S, Progress, State
from holdfast.emulator.options import EmulatorOptions
from holdfast.emulator.outflow import Gate, Outflow
from holdfast.emulator.plan import Misbehaviour
from holdfast.emulator.reading import json_object
from holdfast.emulator.record import SessionRecord
from holdfast.emulator.responder import EmulatedResponder
from holdfast.emulator.spelling import FaultSpec
from holdfast.sockets import MessageListener
from holdfast.wire.dialects import OlderClient
from holdfast.wire.realtime import Intent, RealtimeHost, Refused, ResponseWriter

PING_EVERY_S: Final = 20.0
_TOLD_LIFE_S: Final = 3600.0
_SLOW_READER_WINDOW: Final = 16 * 1024

_DELAYS: Final[Mapping[str, str]] = {"session.created": "slow-created", "session.updated": "slow-updated"}


class EmulatedSession(MessageListener):
    """A session and its books."""

    def __init__(
        self,
        options: EmulatorOptions,
        record: SessionRecord,
        misbehaviour: Misbehaviour,
        *,
        refusal: str | None,
        settings: Mapping[str, Any] | None = None,
        on_begin: Callable[[EmulatedSession], None],
        on_change: Callable[[], None],
    ) -> None:
        """`refusal`: a code of `REFUSALS`, when this connection is refused in band. `on_begin` is called
        when the socket stands, `on_change` whenever the books change.
        """
        super().__init__()
        self.record = record
        self.misbehaviour = misbehaviour
        self.newest_event_id: str | None = None
        self._refusal = refusal
        self._on_begin = on_begin
        self._on_change = on_change
        self._progress = Progress()
        self._outflow = Outflow(self, options.tamper)
        self._responder = EmulatedResponder(options, record, self)
        self._begun: ResponseWriter | None = None
        self._responses_failed = 0
        self._expiry = misbehaviour.take("expire")
        self._life_s = options.session_s if self._expiry is None else float(self._expiry.arguments[0])
        intent: Intent = "transcription" if record.intent == "transcription" else "realtime"
        told_s = _TOLD_LIFE_S if self._ends("unannounced") else self._life_s
        self.host = RealtimeHost(
            model=record.model,
            responder=self._responder,
            emit=self._outflow.emit,
            expires_at=int(time.time() + told_s),
            session_id=record.id,
            intent=intent,
            settings=settings,
        )
        older = SPOKEN[options.dialect].older
        self._older = None if older is None else OlderClient(older)
        self._timers: set[asyncio.TimerHandle] = set()
        self._idle_timer: asyncio.TimerHandle | None = None
        self._is_frozen = False
        self._is_gone = False
        self._held_until_s = 0.0
        self._bytes_per_s: int | None = None
        self._reads_again_s = 0.0

    @property
    def state(self) -> State:
        """Where the session stands."""
        return self._progress.state

    # the socket's side

    def on_open(self) -> None:
        self.record.state = self.state
        self._on_begin(self)
        if self._refusal is not None:
            refusal = REFUSALS[self._refusal]
            self.host.fail(refusal.kind, self._refusal, refusal.message)
            self.close(refusal.close_code, f"{refusal.kind}.{self._refusal}")
            return
        self._later(self._life_s, self._expire)
        self._later(PING_EVERY_S, self._ping_client)
        self.host.open()
        if self.takes("server-error", "start"):
            self.host.fail("server_error", "server_error", "The emulator was told to have an error.")

    def on_text(self, payload: bytes) -> None:
        event = _read(payload)
        self.record.received(event, len(payload))
        if event is not None and isinstance(event.get("event_id"), str):
            self.newest_event_id = event["event_id"]
        if self._refusal is None:
            self._receive(payload, event)
            self._fire(str(self.record.message_count))
        self._read_on(len(payload))
        self._on_change()

    def on_binary(self, payload: bytes) -> None:
        self.record.received(None, len(payload))
        if self._refusal is None:
            self.host.receive_binary()
            self._fire(str(self.record.message_count))
        self._read_on(len(payload))
        self._on_change()

    def on_closed(self, code: int, reason: str) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self._responder.close()
        self.host.forget_audio()
        self.record.ended(code, reason, "emulator" if self.closed_by_us else "client")
        self._on_change()

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if self._is_gone:
            return  # it was read before reading stopped; a host that is gone would not have got it
        if frame.msg_type is WSMsgType.CLOSE and self.is_open and self._keeps_open():
            return
        super().on_ws_frame(transport, frame)

    # what breaks it, from inside and from outside

    def abort(self, *, reset: bool = False) -> None:
        """End the TCP connection without a close frame; with `reset` by a reset."""
        if not self.is_open:
            return
        self.closed_by_us = True
        self._shut()
        if reset:
            handle = self.transport.underlying_transport.get_extra_info("socket")
            handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        self.transport.disconnect(graceful=False)

    def end(self, code: int, reason: str) -> None:
        """Close, where that can be said; else end the connection."""
        if self._is_frozen:
            self.abort()
        else:
            self.close(code, reason)

    def freeze(self, seconds: float | None = None) -> None:
        """Neither a byte out nor one in, for so long or for good."""
        if not self.is_open or self._is_frozen:
            return
        self._is_frozen = True
        self.transport.underlying_transport.pause_reading()
        if seconds is None:
            self._is_gone = True
            self._outflow.shut()
        else:
            self._later(seconds, self._thaw)
            self.hold(seconds)

    def mute(self) -> None:
        """No event goes out any more."""
        self._outflow.shut()

    def hold(self, seconds: float) -> None:
        """What goes out from now on goes out so much later."""
        self._outflow.hold()
        self._held_until_s = asyncio.get_running_loop().time() + seconds
        self._later(seconds, self._outflow.release)

    def read_slowly(self, bytes_per_s: int) -> None:
        """Read no faster from now on."""
        self._bytes_per_s = bytes_per_s
        handle = self.transport.underlying_transport.get_extra_info("socket")
        handle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SLOW_READER_WINDOW)

    def end_response(self, name: str) -> None:
        """End the response that is being given, by a row of `ENDINGS`."""
        writer = self._begun if self._begun is not None else self.host.active
        if writer is None:
            return
        self._responder.response_cancelled(writer)
        ending = ENDINGS[name]
        error = None if ending.error is None else dict(ending.error)
        writer.done(ending.status, ending.reason, error)

    def suffer(self, fault: FaultSpec) -> None:
        """Carry out one fault that has a moment, now."""
        if self.is_open:
            self.record.broke(str(fault))
            ACTS[fault.name](self, fault)
            self._on_change()

    # the outflow's side

    def is_due(self, kind: str) -> None:
        """Break what is to break when an event of this type is due."""
        moment = self._progress.due(kind)
        if moment is not None:
            self._fire(moment)
        if kind == "session.created" and self.takes("silent-created"):
            self.mute()
        delay = self.misbehaviour.take(_DELAYS.get(kind, ""))
        if delay is not None:
            self.record.broke(str(delay))
            self.hold(float(delay.arguments[0]))

    def has_passed(self, kind: str) -> None:
        """Break what is to break now that it went out."""
        was = self.state
        moments = self._progress.sent(kind)
        self.record.state = self.state
        for moment in moments:
            now = self._progress.deltas
            self._fire(moment, before=now - 1, now=now)
        if self.state is State.IDLE and (was is not State.IDLE or kind == "session.updated"):
            self._await_idle()

    def send(self, kind: str, payload: bytes) -> None:
        """Put an event on the wire."""
        if self.is_open and self._outflow.gate is not Gate.SHUT and not self._is_frozen:
            for told in (payload,) if self._older is None else self._older.down(payload):
                self.send_text(told)
            self.record.sent(kind)
            if kind == "response.done":
                response = (_read(payload) or {}).get("response") or {}
                self.record.ended_response(str(response.get("status")))
            self._on_change()

    def takes(self, name: str, *first: str) -> bool:
        """Whether a fault happens now; notes it."""
        fault = self.misbehaviour.take(name, *first)
        if fault is not None:
            self.record.broke(str(fault))
        return fault is not None

    def overflows(self) -> None:
        """More is held back than may be."""
        self.abort()

    # the responder's side

    def begun(self, writer: ResponseWriter) -> None:
        """A response has begun and said nothing yet."""
        failing = self.misbehaviour.take("server-error", "response")
        if failing is not None and self._responses_failed < _limit(failing):
            self._responses_failed += 1
            self.record.broke(str(failing))
            writer.done("failed", error={**(ENDINGS["server_error"].error or {})})
            return
        self._begun = writer
        self._fire("begun")
        self._begun = None

    def heard(self, before_ms: int, now_ms: int) -> None:
        """Audio of a turn."""
        self._fire("speaking", before=before_ms, now=now_ms)

    def stalls(self) -> bool:
        """Whether nothing more comes of the response that has said its first words."""
        return self._progress.deltas == 1 and self.takes("stall")

    # inside

    def _receive(self, payload: bytes, event: Mapping[str, Any] | None) -> None:
        """Let the host carry out a client event, unless it is told otherwise."""
        kind = str((event or {}).get("type", ""))
        if self.takes("ignore", kind):
            return
        if self.takes("reject", kind) or (kind == "session.update" and self.takes("reject-update")):
            self._reject(event or {})
        elif self._older is None:
            self.host.receive(payload)
        else:
            self._receive_older(payload, event or {}, self._older)

    def _receive_older(self, payload: bytes, event: Mapping[str, Any], older: OlderClient) -> None:
        """Carry out an event of the shape before GA, which refuses what is GA's."""
        try:
            check_older(event)
        except Refused as refused:
            event_id = event.get("event_id")
            told_id = event_id if isinstance(event_id, str) else None
            self.host.fail(refused.kind, refused.code, refused.message, param=refused.param, event_id=told_id)
        else:
            self.host.receive(older.up(payload))

    def _reject(self, event: Mapping[str, Any]) -> None:
        kind, event_id = event.get("type"), event.get("event_id")
        self.host.fail(
            "invalid_request_error",
            "invalid_value",
            f"The emulator was told to refuse {kind}.",
            param="session" if kind == "session.update" else None,
            event_id=event_id if isinstance(event_id, str) else None,
        )

    def _fire(self, moment: str, *, before: int = 0, now: int = 0) -> None:
        for fault in self.misbehaviour.at(moment, before=before, now=now):
            self.suffer(fault)

    def _await_idle(self) -> None:
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        self._idle_timer = self._later(IDLE_AFTER_S, self._idle)

    def _idle(self) -> None:
        if self.state is State.IDLE:
            self._fire("idle")

    def _keeps_open(self) -> bool:
        """The client closes. Whether its close stays without an answer, for now or for good."""
        self._progress.state = self.record.state = State.CLOSING
        was_shut = self._outflow.gate is Gate.SHUT
        self._fire("closing")
        if self._outflow.gate is Gate.HOLDING:
            self._outflow.shut()
            self._later(self._held_until_s - asyncio.get_running_loop().time(), self.close)
        return not self.is_open or (self._outflow.gate is Gate.SHUT and not was_shut)

    def _ends(self, how: str) -> bool:
        return self._expiry is not None and self._expiry.arguments[1] == how

    def _expire(self) -> None:
        if not self._ends("bare") and not self._is_frozen:
            message = f"The session reached its {self._life_s:.0f} seconds."
            self.host.fail("invalid_request_error", "session_expired", message)
        self.end(1001, "invalid_request_error.session_expired")

    def _ping_client(self) -> None:
        if self.is_open and not self._is_frozen:
            self.transport.send_ping()
            self._later(PING_EVERY_S, self._ping_client)

    def _thaw(self) -> None:
        self._is_frozen = False
        if self.is_open:
            self.transport.underlying_transport.resume_reading()

    def _read_on(self, size: int) -> None:
        """A slow reader rests after what it has read."""
        if self._bytes_per_s is None or not self.is_open:
            return
        loop = asyncio.get_running_loop()
        self._reads_again_s = max(self._reads_again_s, loop.time()) + size / self._bytes_per_s
        self.transport.underlying_transport.pause_reading()
        self._later(self._reads_again_s - loop.time(), self._resume_reading)

    def _resume_reading(self) -> None:
        rests = asyncio.get_running_loop().time() < self._reads_again_s
        if self.is_open and not rests and not self._is_frozen:
            self.transport.underlying_transport.resume_reading()

    def _later(self, delay_s: float, act: Callable[[], None]) -> asyncio.TimerHandle:
        def ring() -> None:
            self._timers.discard(timer)
            act()

        timer = asyncio.get_running_loop().call_later(delay_s, ring)
        self._timers.add(timer)
        return timer


def _limit(fault: FaultSpec) -> float:
    """How many responses `server-error:response` fails."""
    return int(fault.arguments[1]) if len(fault.arguments) > 1 else float("inf")


def _read(payload: bytes) -> dict[str, Any] | None:
    try:
        return json_object(payload)
    except ValueError:
        return None
