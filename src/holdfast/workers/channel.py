"""A line between two processes of ours: messages in order, each with at most one file descriptor.

What lives here: framing over a Unix socket, its bounds, who closes which descriptor.
What never will: what a message says (`memos`).

A descriptor travels with the first byte of its message. The system ends a read behind the bytes it came with,
so that one read brings one descriptor at most; where it could not take it (no room in the table of this
process), it says so, and the message comes without.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections import deque
from collections.abc import Callable
from typing import Final

_HEAD: Final = 4
_WITH_SOCKET: Final = 1 << 31
_READ_BYTES: Final = 256 * 1024
MESSAGE_BYTES_MAX: Final = 4 * 1024 * 1024
"""More is no message of ours."""
WAITING_BYTES_MAX: Final = 16 * 1024 * 1024
"""With more than so much waiting, the other side does not read any more."""


class Channel:
    """One end. `hear` gets each message with the descriptor that came along, which is then its own; `ended`
    is called once, when the other side is gone.
    """

    def __init__(
        self, sock: socket.socket, hear: Callable[[bytes, int | None], None], ended: Callable[[], None]
    ) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._hear = hear
        self._ended = ended
        self._loop = asyncio.get_running_loop()
        self._heard = bytearray()
        self._descriptors: deque[int | None] = deque()
        self._waiting: deque[tuple[memoryview, int | None]] = deque()
        self._waiting_bytes = 0
        self.is_open = True
        self.is_ending = False
        """Whether nobody is at the other end; `ended` is about to be told."""
        self._loop.add_reader(sock.fileno(), self._read)

    def send(self, message: bytes, descriptor: int | None = None) -> bool:
        """Send, now or when there is room: then the descriptor is ours from here on. False: nothing was sent,
        for the line is over, or the other side has not read for long.
        """
        if not self.is_open or self._waiting_bytes > WAITING_BYTES_MAX or len(message) > MESSAGE_BYTES_MAX:
            return False
        mark = 0 if descriptor is None else _WITH_SOCKET
        framed = (len(message) | mark).to_bytes(_HEAD) + message
        self._waiting.append((memoryview(framed), descriptor))
        self._waiting_bytes += len(framed)
        if len(self._waiting) > 1 or self._write():
            return True
        self._waiting.clear()  # nobody is there to read it
        return False

    def close(self) -> None:
        """Hang up. Twice is harmless."""
        if not self.is_open:
            return
        self.is_open = False
        self._loop.remove_reader(self._sock.fileno())
        self._loop.remove_writer(self._sock.fileno())
        self._sock.close()
        for descriptor in (*(one for _, one in self._waiting), *self._descriptors):
            if descriptor is not None:
                os.close(descriptor)
        self._waiting.clear()
        self._descriptors.clear()

    def _over(self) -> None:
        if self.is_open:
            self.close()
            self._ended()

    def _write(self) -> bool:
        """Send what there is room for; False when nobody reads it any more."""
        while self._waiting:
            view, descriptor = self._waiting[0]
            try:
                if descriptor is None:
                    sent = self._sock.send(view)
                else:
                    sent = socket.send_fds(self._sock, [view], [descriptor])
            except BlockingIOError:
                self._loop.add_writer(self._sock.fileno(), self._write)
                return True
            except OSError:
                self.is_ending = True
                self._loop.call_soon(self._over)  # not within the caller's step
                return False
            self._waiting_bytes -= sent
            if descriptor is not None:
                os.close(descriptor)
            if sent < len(view):
                self._waiting[0] = (view[sent:], None)
            else:
                self._waiting.popleft()
        self._loop.remove_writer(self._sock.fileno())
        return True

    def _read(self) -> None:
        try:
            data, descriptors, flags, _ = socket.recv_fds(self._sock, _READ_BYTES, 1)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data, descriptors, flags = b"", [], 0
        for one in descriptors:
            os.set_inheritable(one, False)
            self._descriptors.append(one)
        if not descriptors and flags & socket.MSG_CTRUNC:
            self._descriptors.append(None)
        if not data:
            self._over()
            return
        self._heard += data
        while self.is_open and (message := self._next()) is not None:
            self._hear(*message)

    def _next(self) -> tuple[bytes, int | None] | None:
        """The next whole message."""
        heard = self._heard
        if len(heard) < _HEAD:
            return None
        head = int.from_bytes(heard[:_HEAD])
        size = head & ~_WITH_SOCKET
        if size > MESSAGE_BYTES_MAX:
            self._over()
            return None
        if len(heard) < _HEAD + size:
            return None
        message = bytes(heard[_HEAD : _HEAD + size])
        del heard[: _HEAD + size]
        return message, self._descriptors.popleft() if head & _WITH_SOCKET else None
