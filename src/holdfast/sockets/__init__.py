"""Whole, checked WebSocket messages over picows frames."""

from holdfast.sockets.connecting import (
    READ_BUFFER_BYTES,
    Complaints,
    Connected,
    Handshake,
    bracketed,
    connect,
)
from holdfast.sockets.listener import MessageBounds, MessageListener
from holdfast.sockets.own_bytes import OwnBytes

__all__ = [
    "READ_BUFFER_BYTES",
    "Complaints",
    "Connected",
    "Handshake",
    "MessageBounds",
    "MessageListener",
    "OwnBytes",
    "bracketed",
    "connect",
]
