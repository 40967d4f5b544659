"""Whole, checked WebSocket messages over picows frames."""

from holdfast.sockets.listener import MessageBounds, MessageListener

__all__ = ["MessageBounds", "MessageListener"]
