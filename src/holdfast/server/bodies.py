"""A request's body, within bounds: of size, and of the time between two pieces.

What lives here: which path may send how much; reading a body whole, or piece by piece.
What never will: what is in it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from starlette.types import Message, Receive

BODY_BYTES_MAX: Final = 16 * 1024
BODY_S: Final = 5.0
PIECE_S: Final = 10.0
"""The longest wait for the next piece of a body that is read piece by piece."""


class BodyRefusedError(Exception):
    """A body that is too large, or too slow."""


@dataclass(frozen=True, slots=True)
class BodyRules:
    """How much a path may send; `flowing` are those whose body goes on while it comes."""

    sizes: Mapping[str, int] = field(default_factory=dict)
    flowing: frozenset[str] = frozenset()
    otherwise: int = BODY_BYTES_MAX

    def size(self, path: str) -> int:
        """The most bytes that a body of this path may have."""
        return self.sizes.get(path, self.otherwise)


def judge_length(length: str, most: int) -> None:
    """Raises BodyRefusedError where Content-Length is no length, or more than may come."""
    if not (length.isascii() and length.isdigit()) or int(length) > most:
        raise BodyRefusedError


async def whole(receive: Receive, most: int) -> bytes:
    """The whole body. Raises BodyRefusedError."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            while (message := await receive())["type"] == "http.request":
                body += message.get("body", b"")
                if len(body) > most:
                    raise BodyRefusedError
                if not message.get("more_body", False):
                    break
    except TimeoutError:
        raise BodyRefusedError from None
    return bytes(body)  # or what came before the client went away


def replayed(body: bytes, receive: Receive) -> Receive:
    """The body again, for whoever reads it next."""
    waiting = [body]

    async def replay() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return replay


def counted(receive: Receive, most: int) -> Receive:
    """The body as it comes; BodyRefusedError from the piece that is too much, or does not come."""
    is_over, so_far = False, 0

    async def count() -> Message:
        nonlocal is_over, so_far
        if is_over:
            return await receive()  # whether the client is still there
        try:
            async with asyncio.timeout(PIECE_S):
                message = await receive()
        except TimeoutError:
            raise BodyRefusedError from None
        so_far += len(message.get("body", b""))
        is_over = not message.get("more_body", False)
        if so_far > most:
            raise BodyRefusedError
        return message

    return count
