"""A client's socket: messages to its conversation, and the conversation's messages back.

What lives here: the seam between a picows listener and a runner.
What never will: what a message says.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable

from holdfast.ports import Conversation
from holdfast.sockets import MessageBounds, MessageListener
from holdfast.sockets.heartbeat import round_trip_ms
from holdfast.wire.upstream import error_event


class ClientSocket(MessageListener):
    """One client. `start` makes its conversation once the handshake is over."""

    def __init__(
        self, start: Callable[[ClientSocket], Conversation], bounds: MessageBounds, outbox_bytes: int
    ) -> None:
        super().__init__(bounds)
        self._start: Callable[[ClientSocket], Conversation] | None = start
        self._outbox_bytes = outbox_bytes
        self._conversation: Conversation | None = None

    def on_open(self) -> None:
        self.make_room(0)
        assert self._start is not None, "opened twice"
        conversation = self._start(self)
        self._start = None  # with all that it knows of the upgrade
        self.hand_to(conversation)
        conversation.start()

    def hand_to(self, conversation: Conversation | None) -> None:
        """From here on what the client sends is for this conversation, or for nobody."""
        self._conversation = conversation
        if conversation is None:
            # The runner refers to this socket; the socket must not refer to the runner for ever.
            self.__dict__.pop("on_text", None)
            self.__dict__.pop("on_binary", None)
            return
        # The hot path has no step between picows and the runner.
        self.on_text = conversation.client_text  # type: ignore[method-assign] # see the comment above
        self.on_binary = conversation.client_binary  # type: ignore[method-assign] # same

    def on_breach(self, code: int, reason: str) -> None:
        if self._conversation is not None:
            self._conversation.client_breached(code, reason)

    def on_closed(self, code: int, reason: str) -> None:
        conversation = self._conversation
        self.hand_to(None)
        if conversation is not None:
            conversation.client_closed(code, reason)

    @property
    def round_trip_ms(self) -> float | None:
        """See `ClientLine`."""
        return round_trip_ms(self.transport) if self.is_open else None

    def make_room(self, size: int) -> None:
        """A message of that size is about to be sent: it alone is no reason to take the client for slow."""
        if self.is_open:
            self.transport.underlying_transport.set_write_buffer_limits(high=self._outbox_bytes + size)

    def resume_writing(self) -> None:
        self.make_room(0)

    def pause_writing(self) -> None:
        # The transport calls this in the middle of a send, which may be in the middle of a step.
        asyncio.get_running_loop().call_soon(self._stalled)

    def _stalled(self) -> None:
        if self._conversation is not None:
            self._conversation.client_stalled(self.send_buffer_bytes)

    def drain(self) -> None:
        """The process stops."""
        if self._conversation is not None:
            self._conversation.drain(at_once=True)
        else:
            self.close(1001, "draining")


class RefusedSocket(MessageListener):
    """Refused after 101, as the service does it: `error`, then a close (protocol, 9.3)."""

    def __init__(self, code: str, message: str, close_code: int = 3000, param: str | None = None) -> None:
        super().__init__()
        self._code = code
        self._message = message
        self._close_code = close_code
        self._param = param

    def on_open(self) -> None:
        event_id = f"event_{secrets.token_hex(12)}"
        kind = "invalid_request_error"
        self.send_text(error_event(self._code, self._message, kind, None, event_id, param=self._param))
        self.close(self._close_code, f"{kind}.{self._code}")

    def drain(self) -> None:
        """The process stops."""
        self.close(1001, "draining")
