"""One relayed conversation of `/v1/realtime`, run: originals go through, only their type is looked at.

What lives here: the tables from an event's type to the core's method, and from an effect to a call.
What never will: a second parse of a message that is only passed on.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from holdfast.core import effects, relay
from holdfast.core.events import UpstreamCreated, UpstreamErred
from holdfast.core.faults import Fault, Party
from holdfast.core.limits import Limits
from holdfast.core.rates import FloodWatch, TokenBucket
from holdfast.core.relay import Relay, RelayEffect
from holdfast.ports import ClientLine, UpstreamDialer
from holdfast.runtime.directory import Directory
from holdfast.runtime.shell import Shell, chance, now
from holdfast.wire import upstream
from holdfast.wire.upstream import BreachError

ERRORS_PER_S: Final = 1.0
ERRORS_BURST: Final = 20.0


class RelayRunner(Shell):
    """Between a client of the Realtime dialect and an upstream."""

    def __init__(
        self,
        client: ClientLine,
        dialer: UpstreamDialer,
        directory: Directory,
        limits: Limits,
        query: Mapping[str, str],
    ) -> None:
        super().__init__(client, dialer, directory, "realtime")
        self.query = query
        self.relay = Relay(limits)
        self._errors = TokenBucket(ERRORS_PER_S, ERRORS_BURST)
        self._flood = FloodWatch(limits.client_flood_s)
        self.log = self.log.bind(session=f"hf_{secrets.token_hex(16)}")
        self._perform: Mapping[type, Callable[[Any], None]] = {
            relay.SendUp: self._send_up,
            relay.SendDown: self._send_down,
            relay.SendError: self._send_error,
            relay.SendTerminal: self._send_terminal,
            effects.Dial: self.dial,
            effects.HangUp: self.hang_up,
            effects.CloseClient: self.close_client,
            effects.StartTimer: self.start_timer,
            effects.StopTimer: self.stop_timer,
            effects.Note: self.note,
            effects.Finish: lambda _: self.finish(),
        }
        self._looked_at: Mapping[str, Callable[[int, bytes], Sequence[RelayEffect]]] = {
            "session.created": self._created,
            "response.created": self._response_began,
            "response.done": self._response_ended,
            "error": self._erred,
        }

    # the client's side

    def start(self) -> None:
        """The client's socket is open."""
        self._carry_out(self.relay.start(now()))

    def client_text(self, payload: bytes) -> None:
        """One client event: the hot path up. Its type is not needed, only that it has one."""
        try:
            upstream.peek_type(payload)
        except BreachError as breach:
            self._refuse(f"Not an event: {breach}. Send one JSON object with `type`.")
            return
        relay, line = self.relay, self.line
        relay.messages += 1
        if relay.is_passing and line is not None:
            line.send_text(payload)
        else:
            self._carry_out(relay.client_message(payload))

    def client_binary(self, payload: bytes) -> None:
        """This dialect is text only."""
        self._refuse(f"A binary message of {len(payload)} bytes: send base64 in input_audio_buffer.append.")

    def _refuse(self, message: str) -> None:
        """Say what is wrong, within a rate; who goes on for too long is told goodbye."""
        at = now()
        if self._errors.take(1, at):
            self.client.send_text(_error("invalid_event", message))
        elif self._flood.refused(at):
            self._carry_out(self.relay.flooded())

    def client_closed(self, code: int, reason: str) -> None:
        """The client's socket is over."""
        self._carry_out(self.relay.client_gone(code, reason))
        self.finish()

    def client_stalled(self, waiting_bytes: int) -> None:
        """The client does not read."""
        self._carry_out(self.relay.client_too_slow(waiting_bytes))

    def drain(self) -> None:
        """The process stops."""
        self._carry_out(self.relay.drain())

    # the upstream's side

    def connected(self, generation: int) -> None:
        self._carry_out(self.relay.opened(generation))

    def upstream_message(self, generation: int, raw: bytes) -> None:
        """One server event: the hot path down."""
        try:
            looked_at = self._looked_at.get(upstream.peek_type(raw))
        except BreachError as breach:
            self._carry_out(self.relay.breached(generation, str(breach), chance(), now()))
            return
        if looked_at is not None:
            self._carry_out(looked_at(generation, raw))
        elif self.relay.is_passing and generation == self.relay.link.voice:
            self.client.send_text(raw)
        else:
            self._carry_out(self.relay.upstream_message(generation, raw))

    def upstream_lost(self, generation: int, cause: Fault) -> None:
        self._carry_out(self.relay.lost(generation, cause, chance(), now()))

    def timer_fired(self, name: str) -> None:
        self._carry_out(self.relay.timer(name, chance(), now()))

    def _created(self, generation: int, raw: bytes) -> Sequence[RelayEffect]:
        event = upstream.read(raw, generation)
        session_id = event.session_id if isinstance(event, UpstreamCreated) else ""
        return self.relay.created(generation, raw, session_id)

    def _response_began(self, generation: int, raw: bytes) -> Sequence[RelayEffect]:
        return self.relay.response_began(generation, raw, _response_id(raw))

    def _response_ended(self, generation: int, raw: bytes) -> Sequence[RelayEffect]:
        return self.relay.response_ended(generation, raw, _response_id(raw))

    def _erred(self, generation: int, raw: bytes) -> Sequence[RelayEffect]:
        event = upstream.read(raw, generation)
        if not isinstance(event, UpstreamErred):
            return self.relay.upstream_message(generation, raw)
        return self.relay.erred(generation, raw, event.fault, chance=chance(), now=now())

    # effects

    def _carry_out(self, due: Sequence[RelayEffect]) -> None:
        perform = self._perform
        for effect in due:
            perform[type(effect)](effect)

    def _send_up(self, effect: relay.SendUp) -> None:
        if self.line is not None:
            self.line.send_text(effect.raw)

    def _send_down(self, effect: relay.SendDown) -> None:
        self.client.send_text(effect.raw)

    def _send_error(self, effect: relay.SendError) -> None:
        is_theirs = effect.fault.row.party is Party.APPLICATION
        kind = "invalid_request_error" if is_theirs else "server_error"
        message = f"{effect.message} {effect.fault.row.remedy}"
        self.client.send_text(_error(effect.code, message, kind, effect.event_id))

    def _send_terminal(self, effect: relay.SendTerminal) -> None:
        raw = upstream.terminal_event(effect.response_id, effect.status, effect.fault, _event_id())
        self.client.send_text(raw)


def _response_id(raw: bytes) -> str:
    event = upstream.parse(raw)
    response = event.response if event is not None else None
    return (response.id if response is not None else None) or ""


def _event_id() -> str:
    return f"event_{secrets.token_hex(12)}"


def _error(
    code: str, message: str, kind: str = "invalid_request_error", event_id: str | None = None
) -> bytes:
    return upstream.error_event(code, message, kind, event_id, _event_id())
