"""The line between two processes: whole messages in order, each with its own descriptor, none left open."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from holdfast.workers.channel import MESSAGE_BYTES_MAX, Channel
from tests.server.gateway import eventually


@dataclass
class End:
    """One end, and what it heard: what the descriptor that came along says."""

    heard: list[tuple[bytes, str]] = field(default_factory=list)
    is_over: bool = False

    def hear(self, message: bytes, descriptor: int | None) -> None:
        said = ""
        if descriptor is not None:
            said = os.read(descriptor, 100).decode()
            os.close(descriptor)
        self.heard.append((message, said))

    def ended(self) -> None:
        assert not self.is_over
        self.is_over = True


@contextmanager
def line() -> Iterator[tuple[Channel, End, Channel, End]]:
    one, other = socket.socketpair()
    left, right = End(), End()
    with (
        closing(Channel(one, left.hear, left.ended)) as from_left,
        closing(Channel(other, right.hear, right.ended)) as from_right,
    ):
        yield from_left, left, from_right, right


def saying(words: str) -> int:
    """A descriptor from which these words can be read."""
    reads, writes = os.pipe()
    os.write(writes, words.encode())
    os.close(writes)
    return reads


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_each_descriptor_comes_with_its_message() -> None:
    with line() as (left, _, _, right):
        sent = []
        for number in range(200):
            message = os.urandom(number * 37 % 9_000)
            words = f"{number}" if number % 3 else ""
            assert left.send(message, saying(words) if words else None)
            sent.append((message, words))
            if number % 20 == 0:
                await asyncio.sleep(0)
        await eventually(lambda: len(right.heard) == len(sent))

        assert right.heard == sent


async def test_who_does_not_read_is_waited_for_up_to_a_bound_and_nothing_leaks() -> None:
    with line() as (left, _, _, right):
        large, taken = bytes(MESSAGE_BYTES_MAX), 0
        while left.send(large, mine := saying("x")):
            taken += 1
            assert taken < 20
        os.close(mine)
        kept = saying("x")
        assert not left.send(b"one more", kept)
        os.close(kept)  # still ours
        assert not left.send(bytes(MESSAGE_BYTES_MAX + 1))
        await eventually(lambda: len(right.heard) == taken)
        assert left.send(b"again")
        left.send(large, saying("under way"))


async def test_the_end_is_told_once() -> None:
    with line() as (left, end, right, _):
        right.close()
        kept = saying("x")
        assert not left.send(b"to nobody, before that is known", kept)
        os.close(kept)
        await eventually(lambda: end.is_over)
        assert not left.send(b"to nobody")
        left.close()


async def test_what_is_no_message_of_ours_ends_it() -> None:
    ours, theirs = socket.socketpair()
    end = End()
    with closing(Channel(ours, end.hear, end.ended)), theirs:
        theirs.sendall(b"\x7f\xff\xff\xff")
        await eventually(lambda: end.is_over)


@pytest.fixture(autouse=True)
def _no_descriptor_stays_behind() -> Iterator[None]:
    if not Path("/proc/self/fd").exists():
        yield
        return
    before = descriptors()
    yield
    assert descriptors() <= before
