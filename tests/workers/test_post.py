"""A post whose process says nothing any more: it is ended and replaced, and what it was given is not lost."""

from __future__ import annotations

import asyncio
import os
import resource
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path

import pytest

from holdfast.ports import Principal
from holdfast.server.host import BROWSER_PATH, Admission
from holdfast.workers import memos, post
from holdfast.workers.channel import WAITING_BYTES_MAX
from holdfast.workers.post import Post
from tests.server.gateway import eventually

PEOPLE = Admission(BROWSER_PATH, Principal("C-1", "Ada", "demo"), "127.0.0.1", "C-1")
WORKER = """
import os, socket, struct, sys, time
from msgspec import msgpack
line = socket.socket(fileno=int(sys.argv[1]))
orders = sys.stdin.read()

def tell(*memo):
    message = msgpack.encode(memo)
    line.sendall(struct.pack(">I", len(message)) + message)

if os.path.exists(orders):
    tell("Ready", ["hf_1"])
    data, descriptors, _, _ = socket.recv_fds(line, 65536, 4)
    tell("Took", msgpack.decode(data[4:])[1])
    os.write(descriptors[0], b"taken in by the second")
    time.sleep(60)
open(orders, "w").close()
tell("Ready", [])
time.sleep(60)
"""
"""The first process says that it is ready, and no more; the second takes a socket in."""


FULL_WORKER = """
import os, socket, struct, sys, time
from msgspec import msgpack
line = socket.socket(fileno=int(sys.argv[1]))
sys.stdin.read()

def tell(*memo):
    message = msgpack.encode(memo)
    line.sendall(struct.pack(">I", len(message)) + message)

tell("Ready", [])
data, descriptors, _, _ = socket.recv_fds(line, 65536, 4)
os.close(descriptors[0])
tell("Left", msgpack.decode(data[4:])[1])
time.sleep(60)
"""
"""It has no descriptor for what it is given."""


class Heard:
    """What the staff would be told."""

    def __init__(self) -> None:
        self.memos: list[memos.FromWorker] = []
        self.losses = 0

    def hear(self, _: Post, memo: memos.FromWorker) -> None:
        self.memos.append(memo)

    def lost(self, _: Post) -> None:
        self.losses += 1


def staffed(worker: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Post, Heard]:
    """A post whose processes run this script."""
    (folder / "odd_worker.py").write_text(worker)
    monkeypatch.setattr(post, "MODULE", "odd_worker")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]))
    heard = Heard()
    return Post(0, str(folder / "there").encode(), heard.hear, heard.lost), heard


@contextmanager
def no_descriptors() -> Iterator[Callable[[], None]]:
    """None is left, and what is open stays open; until the block ends, or what it is given is called."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    again = partial(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        yield again
    finally:
        again()


@asynccontextmanager
async def kept(one: Post) -> AsyncIterator[None]:
    keeper = asyncio.create_task(one.keep())
    try:
        yield
    finally:
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)


async def test_one_that_hangs_is_ended_and_its_successor_gets_what_it_had_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(post, "HUNG_S", 1.0)
    one, heard = staffed(WORKER, tmp_path, monkeypatch)
    ours, theirs = socket.socketpair()
    async with kept(one):
        await asyncio.wait_for(one.ready.wait(), 50)
        first = one.pid
        with ours, theirs:
            assert one.give(memos.TakeIn(1, PEOPLE, b"", b""), os.dup(theirs.fileno()))
            assert one.awaited == {1}
            ours.settimeout(50)
            assert await asyncio.to_thread(ours.recv, 100) == b"taken in by the second"
            await eventually(lambda: one.awaited == set())
        assert heard.losses == 1
        assert one.pid not in {first, None}
        assert heard.memos == [memos.Ready(()), memos.Ready(("hf_1",))]
        one.close()
    assert one.pid is None


async def test_one_that_could_not_be_started_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, heard = staffed(WORKER, tmp_path, monkeypatch)
    with no_descriptors() as again:
        async with kept(one):
            await asyncio.wait_for(one.began.wait(), 50)
            again()
            assert not one.is_ready
            assert heard.losses > 0
            await asyncio.wait_for(one.ready.wait(), 50)
            one.close()


async def test_of_those_who_waited_for_too_long_a_line_none_is_counted_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, heard = staffed(WORKER, tmp_path, monkeypatch)
    many, said = 24, bytes(1024 * 1024)
    assert many * len(said) > WAITING_BYTES_MAX
    ours, theirs = socket.socketpair()
    with ours, theirs:
        for ticket in range(many):
            assert one.give(memos.TakeIn(ticket, PEOPLE, b"", said), os.dup(theirs.fileno()))
        async with kept(one):
            await asyncio.wait_for(one.ready.wait(), 50)  # and reads nothing
            gone = {memo.ticket for memo in heard.memos if isinstance(memo, memos.Left)}
            assert gone
            assert gone | one.awaited == set(range(many))
            assert gone.isdisjoint(one.awaited)
            one.close()


async def test_without_a_descriptor_a_client_is_turned_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _ = staffed(WORKER, tmp_path, monkeypatch)
    async with kept(one):
        await asyncio.wait_for(one.ready.wait(), 50)
        ours, theirs = socket.socketpair()
        with ours:
            with no_descriptors():
                assert not one.give(memos.TakeIn(1, PEOPLE, b"", b""), theirs.detach())
            assert ours.recv(1) == b"", "it was closed"
        assert one.awaited == set()
        one.close()


async def test_what_a_worker_has_no_room_for_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, heard = staffed(FULL_WORKER, tmp_path, monkeypatch)
    async with kept(one):
        await asyncio.wait_for(one.ready.wait(), 50)
        ours, theirs = socket.socketpair()
        with ours:
            assert one.give(memos.TakeIn(1, PEOPLE, b"", b""), theirs.detach())
            ours.settimeout(50)
            assert await asyncio.to_thread(ours.recv, 1) == b"", "nobody has it any more"
        assert one.awaited == set()
        assert heard.memos[-1] == memos.Left(1)
        one.close()
