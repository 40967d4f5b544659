"""Frames in, whole and checked messages out: what a frame-level library leaves to us.

What lives here: joining fragments, reserved bits, UTF-8, sizes, the closing handshake (RFC 6455, 5 to 7).
What never will: knowing what a message means, tasks, queues.

Everything runs inside picows' callback. The common case, one unfragmented message, costs one
comparison per rule and one copy (the payload leaves the read buffer).
"""

from __future__ import annotations

import asyncio
import codecs
from dataclasses import dataclass
from functools import partial
from typing import Final

from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport

from holdfast.express import Express, Leg
from holdfast.express.session import TlsSession
from holdfast.sockets.sealing import let_go

CLOSE_WAIT_S: Final = 2.0
"""How long we wait for the peer's close frame after ours; then what is waiting may still be sent."""
LINGER_S: Final = 10.0
"""How long a peer may take to read the rest; then the connection is cut."""
PINGS_PER_S_MAX: Final = 20

_HEAD_BYTES: Final = 14
"""The longest head of a frame."""
_REFUSED_FRAMES: Final = frozenset({1002, 1007, 1009})
"""With which picows closes for a frame that it does not take."""
_UNSENDABLE_CLOSE_CODES: Final = frozenset({1004, 1005, 1006, 1015})

_TEXT: Final = WSMsgType.TEXT
_BINARY: Final = WSMsgType.BINARY
_CONTINUATION: Final = WSMsgType.CONTINUATION
_CLOSE: Final = WSMsgType.CLOSE
_PING: Final = WSMsgType.PING


@dataclass(frozen=True, slots=True)
class MessageBounds:
    """The largest message a peer may send, in bytes, and in how many fragments."""

    text_bytes: int = 21 * 1024 * 1024
    binary_bytes: int = 64 * 1024
    fragments: int = 64

    @property
    def frame_bytes(self) -> int:
        """What to give picows as `max_frame_size`: one byte more, so that we are the ones who refuse."""
        return max(self.text_bytes, self.binary_bytes) + 1


class _Fragments:
    """A message that is still arriving."""

    __slots__ = ("count", "decoder", "parts", "size")

    def __init__(self, *, is_text: bool) -> None:
        self.parts: list[bytes] = []
        self.size = 0
        self.count = 0
        self.decoder = codecs.getincrementaldecoder("utf-8")() if is_text else None


class MessageListener(WSListener):
    """One end of a WebSocket, server or client side. Subclasses override the `on_*` methods.

    `on_text` and `on_binary` get whole messages as bytes; text is valid UTF-8. `on_closed` is called
    exactly once, with 1006 when the connection ended without a close frame.
    """

    transport: WSTransport
    leg: Leg | None = None
    """Its place on the express, once it rides."""

    def __init__(self, bounds: MessageBounds | None = None) -> None:
        self.bounds = bounds or MessageBounds()
        self._text_bytes = self.bounds.text_bytes
        self._binary_bytes = self.bounds.binary_bytes
        self.is_open = False
        self.closed_by_us = False
        self._fragments: _Fragments | None = None
        self._pings = 0
        self._ping_second = 0
        self._close_sent: tuple[int, str] | None = None
        self._close_received: tuple[int, str] | None = None
        self._patience: asyncio.TimerHandle | None = None
        """With a peer that was told goodbye."""

    # what subclasses override

    def on_open(self) -> None:
        """The handshake is over; sending is possible. Afterwards the heads of both sides are forgotten."""

    def on_text(self, payload: bytes) -> None:
        """One whole text message, valid UTF-8."""

    def on_binary(self, payload: bytes) -> None:
        """One whole binary message."""

    def on_breach(self, code: int, reason: str) -> None:
        """The peer broke a rule and is about to be closed with this code: a last word may still be sent."""

    def on_closed(self, code: int, reason: str) -> None:
        """The connection is over. `code` is the peer's, or ours if we closed first, or 1006."""

    # sending

    def send_text(self, payload: bytes) -> None:
        """Send one text message; silently nothing after the end, as on every socket."""
        if self.is_open:
            self.transport.send(_TEXT, payload)

    def send_binary(self, payload: bytes) -> None:
        """Send one binary message; silently nothing after the end."""
        if self.is_open:
            self.transport.send(_BINARY, payload)

    def ride(self, express: Express) -> None:
        """From the next boundary between frames on `express` reads this socket, if it can."""
        transport = self.transport.underlying_transport
        if not self.is_open or self.leg is not None:
            return
        tls = transport.get_extra_info("ssl_object")
        if tls is not None and (not isinstance(tls, TlsSession) or tls.raw is None):
            return
        fd = transport.get_extra_info("socket").fileno()
        try:
            leg = express.leg(self.transport, fd, is_server=not self.transport.is_client_side, tls=tls)
        except OSError:  # no descriptor is left for it
            return
        self.leg = leg
        self.send_text = leg.text  # type: ignore[method-assign] # as in `on_ws_connected`
        self.send_binary = leg.binary  # type: ignore[method-assign] # same
        self.on_ws_frame = self._board  # type: ignore[method-assign] # for the frames until then

    def _board(self, transport: WSTransport, frame: WSFrame) -> None:
        is_boundary = frame.tail_size == 0
        MessageListener.on_ws_frame(self, transport, frame)
        is_boundary &= self._fragments is None and self.is_open
        if is_boundary and self.leg is not None and self.leg.board():
            self.__dict__.pop("on_ws_frame", None)

    def send_large(self, payload: bytes) -> None:
        """Send one text message that is larger than the others. picows keeps the room in which it masks, for
        as long as the connection lives: this one brings its own.
        """
        if self.is_open:
            room = bytearray(_HEAD_BYTES) + payload
            self._sends_around()
            self.transport.send_reuse_external_bytearray(_TEXT, room, _HEAD_BYTES)

    def ping(self) -> None:
        """Ask the peer whether it is still there."""
        self._sends_around()
        self.transport.send_ping()

    def give_up(self, reason: str) -> None:
        """The peer answers no ping: say so, should it hear that, with nothing behind it."""
        if self.leg is not None:
            self.leg.is_shut = True
        self.transport.send_close(WSCloseCode.GOING_AWAY, reason)

    def _sends_around(self) -> None:
        """The express does not see what is sent now, and must not overtake it."""
        if self.leg is not None:
            self.leg.may_wait = True

    def pause_reading(self, *, paused: bool) -> None:
        """Let TCP do the waiting."""
        if self.leg is not None:
            self.leg.pause(paused)
            return
        transport = self.transport.underlying_transport
        if not transport.is_closing():
            if paused:
                transport.pause_reading()
            else:
                transport.resume_reading()

    def abort(self) -> None:
        """Break the connection without a word, as a network does."""
        if self.is_open:
            self.transport.disconnect(graceful=False)

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Begin the closing handshake. Twice is harmless. `reason` is cut at 123 bytes (RFC 6455, 5.5)."""
        self._say_goodbye(code, reason)

    def _say_goodbye(self, code: int, reason: str) -> None:
        if not self.is_open:
            return
        self._shut()
        self.closed_by_us = True
        cut = reason.encode()[:123].decode("utf-8", "ignore")
        self._close_sent = (code, cut)
        self.transport.send_close(code, cut)  # type: ignore[arg-type] # picows takes any code as an int
        self._patience = asyncio.get_running_loop().call_later(CLOSE_WAIT_S, self._waited)

    def _waited(self) -> None:
        """The peer has not agreed: what is waiting may still be sent, for a while."""
        lingers_s = LINGER_S - CLOSE_WAIT_S
        self._patience = asyncio.get_running_loop().call_later(lingers_s, self.transport.disconnect, False)
        self.transport.disconnect()

    @property
    def send_buffer_bytes(self) -> int:
        """Bytes accepted for sending that the kernel has not taken yet."""
        return int(self.transport.underlying_transport.get_write_buffer_size())

    # picows' side

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport
        self.is_open = True
        # While it is open nothing stands between a sender and picows: a call less for each message.
        send = transport.send
        self.send_text = partial(send, _TEXT)  # type: ignore[method-assign] # see the comment
        self.send_binary = partial(send, _BINARY)  # type: ignore[method-assign] # same
        self.on_open()
        for head in (transport.request, transport.response):
            head.headers.clear()  # who wants to know has read it; it would be kept as long as the socket

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if not self.is_open:
            # We have closed; all that still counts is the peer's agreement.
            if frame.msg_type == _CLOSE:
                transport.disconnect()
            return
        if frame.rsv1 or frame.rsv2 or frame.rsv3:
            self._breach(1002, "reserved bit set")
            return
        kind = frame.msg_type
        if frame.fin and self._fragments is None:
            if kind == _BINARY:
                if frame.payload_size > self._binary_bytes:
                    self._breach(1009, f"binary message over {self._binary_bytes} bytes")
                    return
                self.on_binary(frame.get_payload_as_bytes())
                return
            if kind == _TEXT:
                payload = frame.get_payload_as_bytes()
                if len(payload) <= self._text_bytes and payload.isascii():
                    self.on_text(payload)
                else:
                    self._unusual_text(payload)
                return
        self._unusual(frame)

    def _unusual(self, frame: WSFrame) -> None:
        """Everything but a whole message."""
        kind = frame.msg_type
        if kind == _CLOSE:
            self._closing(frame)
        elif kind == _PING:
            self._ping(frame)
        elif kind in (_TEXT, _BINARY, _CONTINUATION):
            self._fragment(frame)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self._shut()
        if transport.is_secure:
            let_go(transport.underlying_transport)
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        said = self._close_sent if self.closed_by_us else self._close_received
        self.on_closed(*(said or self._unsaid(transport)))

    def _unsaid(self, transport: WSTransport) -> tuple[int, str]:
        """Neither side's listener closed it: the connection broke; or picows refused a frame, too large or
        none at all; or the heartbeat gave the peer up.
        """
        # Where no close frame was sent or came there is no handshake, whatever the stub says.
        own = getattr(transport.close_handshake, "sent", None)
        if own is None:
            return 1006, ""
        code, reason = int(own.code.value), own.reason or ""
        if code not in _REFUSED_FRAMES:
            return 1006, reason
        self.on_breach(code, reason)
        return code, reason

    def _shut(self) -> None:
        """No more sending; the class's own methods, which look first, are seen again."""
        self.is_open = False
        if self.leg is not None:
            self.leg.is_shut = True
            self.leg.leave()
            self.leg = None
            self.__dict__.pop("on_ws_frame", None)
        self.__dict__.pop("send_text", None)
        self.__dict__.pop("send_binary", None)

    def _unusual_text(self, payload: bytes) -> None:
        if len(payload) > self._text_bytes:
            self._breach(1009, f"text message over {self._text_bytes} bytes")
            return
        try:
            payload.decode()
        except UnicodeDecodeError:
            self._breach(1007, "text is not UTF-8")
            return
        self.on_text(payload)

    def _fragment(self, frame: WSFrame) -> None:
        kind = frame.msg_type
        arriving = self._fragments
        if (kind == _CONTINUATION) is (arriving is None):
            self._breach(1002, "fragments out of order")
            return
        if arriving is None:
            arriving = self._fragments = _Fragments(is_text=kind == _TEXT)
        arriving.count += 1
        arriving.size += frame.payload_size
        bound = self.bounds.text_bytes if arriving.decoder else self.bounds.binary_bytes
        if arriving.size > bound or arriving.count > self.bounds.fragments:
            self._breach(1009, f"message over {bound} bytes or {self.bounds.fragments} fragments")
            return
        part = frame.get_payload_as_bytes()
        arriving.parts.append(part)
        if arriving.decoder is not None:
            try:
                arriving.decoder.decode(part, final=bool(frame.fin))
            except UnicodeDecodeError:
                self._breach(1007, "text is not UTF-8")
                return
        if frame.fin:
            self._fragments = None
            whole = b"".join(arriving.parts)
            if arriving.decoder is not None:
                self.on_text(whole)
            else:
                self.on_binary(whole)

    def _ping(self, frame: WSFrame) -> None:
        """Answer, where picows was told not to; a flood of pings is a flood (RFC 6455, 5.5.2)."""
        second = int(asyncio.get_running_loop().time())
        self._pings = self._pings + 1 if second == self._ping_second else 1
        self._ping_second = second
        if self._pings > PINGS_PER_S_MAX:
            self._breach(1008, f"over {PINGS_PER_S_MAX} pings a second")
        else:
            self._sends_around()
            self.transport.send_pong(frame.get_payload_as_bytes())

    def _closing(self, frame: WSFrame) -> None:
        code = int(frame.get_close_code())  # type: ignore[call-overload] # an int at run time
        # picows says 0 where no code was sent; a peer that sends 0 means something else.
        if code >= 5000 or code in _UNSENDABLE_CLOSE_CODES or (code == 0 and frame.payload_size):
            self._breach(1002, "close code not allowed")
            # The peer has said its close: nothing more will come that is worth waiting for.
            self.transport.disconnect()
            return
        self.agree_to_close(code, frame.get_close_reason() or "")

    def agree_to_close(self, code: int, reason: str) -> None:
        """The peer has closed, with this code (0: with none): say so too, and end."""
        self._close_received = (code or 1005, reason)
        self.transport.send_close(
            code or WSCloseCode.OK,  # type: ignore[arg-type] # picows takes any code as an int
            reason,
        )
        self._shut()
        self.transport.disconnect()

    def refused_below(self, code: int, reason: str) -> None:
        """picows has met a frame that it refuses by itself, and is about to close with this code."""
        if self.is_open:
            self.on_breach(code, reason)
            self._shut()
            self.closed_by_us = True
            self._close_sent = (code, reason)

    def _breach(self, code: int, reason: str) -> None:
        """The peer broke the protocol: say which rule, then end. What it sends after that is ignored."""
        self.on_breach(code, reason)
        self._say_goodbye(code, reason)
        self._fragments = None
