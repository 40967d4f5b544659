"""One relayed conversation of `/v1/realtime`, run: originals go through, only their type is looked at.

What lives here: the tables from an event's type to the core's method, and from an effect to a call.
What never will: a second parse of a message that is only passed on.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from holdfast.core import effects, relay
from holdfast.core.events import UpstreamCreated, UpstreamErred
from holdfast.core.faults import Fault, Party, fault
from holdfast.core.limits import Limits
from holdfast.core.relay import Relay, RelayEffect
from holdfast.ports import ClientLine, UpstreamDialer
from holdfast.runtime.directory import Directory
from holdfast.runtime.shell import Shell, chance, now
from holdfast.wire import upstream
from holdfast.wire.upstream import BreachError


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
        """One client event: the hot path up."""
        try:
            upstream.peek_type(payload)
        except BreachError as breach:
            message = f"Not an event: {breach}. Send one JSON object with `type`."
            self.client.send_text(_error("invalid_event", message))
            return
        self._carry_out(self.relay.client_message(payload))

    def client_binary(self, payload: bytes) -> None:
        """This dialect is text only."""
        message = (
            f"A binary message of {len(payload)} bytes: send audio as base64 in input_audio_buffer.append."
        )
        self.client.send_text(_error("invalid_event", message))

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
            if looked_at is None:
                self._carry_out(self.relay.upstream_message(generation, raw))
            else:
                self._carry_out(looked_at(generation, raw))
        except BreachError as breach:
            self.upstream_lost(generation, fault("provider.protocol_breach", [str(breach)[:200]]))

    def upstream_lost(self, generation: int, cause: Fault) -> None:
        self._carry_out(self.relay.lost(generation, cause, chance(), now()))

    def timer_fired(self, name: str) -> None:
        self._carry_out(self.relay.timer(name, chance(), now()))

    def _created(self, generation: int, raw: bytes) -> Sequence[RelayEffect]:
        event = upstream.decode(upstream.parse(raw), generation)
        assert isinstance(event, UpstreamCreated)
        return self.relay.created(generation, raw, event.session_id)

    def _response_began(self, generation: int, raw: bytes) -> Sequence[RelayEffect]:
        response = upstream.parse(raw).response
        return self.relay.response_began(generation, raw, (response and response.id) or "")

    def _response_ended(self, generation: int, raw: bytes) -> Sequence[RelayEffect]:
        response = upstream.parse(raw).response
        return self.relay.response_ended(generation, raw, (response and response.id) or "")

    def _erred(self, generation: int, raw: bytes) -> Sequence[RelayEffect]:
        event = upstream.decode(upstream.parse(raw), generation)
        assert isinstance(event, UpstreamErred)
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


def _event_id() -> str:
    return f"event_{secrets.token_hex(12)}"


def _error(
    code: str, message: str, kind: str = "invalid_request_error", event_id: str | None = None
) -> bytes:
    return upstream.error_event(code, message, kind, event_id, _event_id())
