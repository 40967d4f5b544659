"""The program that callgrind counts: `python -m benchmarks.instructions.driver FACE...`.

What lives here: carrying each row's messages, counted, and looking afterwards whether all came out.
What never will: arithmetic on what was counted.

It prints one line of JSON: how many messages were counted for each row. Start-up, imports and the warm-up are
in no count; what the counting itself costs is the row `nothing`.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import sys
from collections.abc import Callable, Sequence
from typing import Any, Final

import structlog
import uvloop
from websockets.frames import Frame

from benchmarks.instructions import rig
from benchmarks.instructions.counter import Counter
from benchmarks.instructions.faces import FACES, Face
from holdfast.bench import frames
from holdfast.runtime.relay_runner import RelayRunner
from holdfast.runtime.session_runner import SessionRunner

NOTHING: Final = "nothing"
NOTHING_RIDING: Final = "nothing-express"
PLANT: Final = "--plant"
TOGETHER: Final = 20
"""After so many pieces, 400 ms of sound, a conversation is visited."""
ACK_EVERY: Final = 3 * TOGETHER
"""A client says about once a second what it has."""
_READ: Final = b'{"type":"input_audio_buffer.append","audio":"%s"}' % (b"A" * 1_280)


async def count(face: Face, counter: Counter, name: str) -> int:
    """Carry a row's messages; answers how many were counted. Raises AssertionError when one is missing."""
    talk = await rig.conversing(face.path, face.hello, face.ready, rides=face.rides)
    sent = _carry(talk, face, range(face.warm_up), counter.toggle)
    counted = range(face.warm_up, face.warm_up + face.pieces)
    with counter.written_as(name):
        measured = _carry(talk, face, counted, counter.toggle)
    await talk.end()
    _look(face, sent + measured)
    return len(measured.said)


class _Carried:
    """Messages that went in, and what came out."""

    def __init__(self) -> None:
        self.said: list[bytes] = []
        self.came: list[Frame] = []

    def __add__(self, other: _Carried) -> _Carried:
        both = _Carried()
        both.said, both.came = self.said + other.said, self.came + other.came
        return both


def _carry(talk: rig.Conversation, face: Face, pieces: range, toggle: Callable[[], object]) -> _Carried:
    carried = _Carried()
    other = talk.upstream if face.side == "client" else talk.client
    for start in range(pieces.start, pieces.stop, TOGETHER):
        some = range(start, min(start + TOGETHER, pieces.stop))
        messages = [message for number in some for message in face.said(number)]
        talk.carry(face.side, messages, toggle)
        if face.audio is not None:
            talk.visit(toggle)
        carried.said += messages
        carried.came += other.messages()
        if face.side == "upstream" and start % ACK_EVERY == 0:
            _acknowledge(talk, face)
    other.settle()
    carried.came += other.messages()
    talk.client.messages()
    return carried


def _acknowledge(talk: rig.Conversation, face: Face) -> None:
    """As the page does, and who may return; not counted."""
    offset = talk.client.heard - 1
    if face.hello:
        talk.tell("client", b'{"type":"ack","offset":%d}' % offset)
    elif "holdfast_resume" in face.path:
        talk.tell("client", b'{"type":"holdfast.ack","offset":%d}' % offset)


def _look(face: Face, carried: _Carried) -> None:
    if face.audio is None:
        assert len(carried.came) >= len(carried.said) // 2, "words were lost"
        return
    came = [pcm for pcm in map(face.audio, carried.came) if pcm is not None]
    assert came == [frames.frame(1, number) for number in range(len(carried.said))], "audio was lost"


def count_nothing(counter: Counter) -> dict[str, int]:
    """What handing bytes over costs, and counting it."""
    face = FACES["realtime-down"]
    wire = bytes(len(face.said(0)[0]))
    stub = rig.Nothing()
    for name, hand_over in ((NOTHING, lambda: rig.feed(stub, wire)), (NOTHING_RIDING, stub.run)):
        _repeat(hand_over, face.warm_up, counter.toggle)
        with counter.written_as(name):
            _repeat(hand_over, face.pieces, counter.toggle)
    return {NOTHING: face.pieces, NOTHING_RIDING: face.pieces}


def _repeat(step: Callable[[], None], times: int, toggle: Callable[[], object]) -> None:
    for _ in range(times):
        toggle()
        step()
        toggle()


def plant() -> None:
    """Have both runners read each message once more than they need."""
    for kind, names in {
        SessionRunner: ("client_binary", "upstream_message"),
        RelayRunner: ("client_text", "upstream_message"),
    }.items():
        for name in names:
            setattr(kind, name, _reading(getattr(kind, name)))


def _reading(method: Callable[..., None]) -> Callable[..., None]:
    def planted(self: Any, *message: Any) -> None:
        json.loads(_READ)
        method(self, *message)

    return planted


async def run(names: Sequence[str]) -> dict[str, int]:
    """These rows, one after the other. A name may say `@` and anything, to be counted more than once; after
    the name `PLANT` each message is read once more than it need be.

    The collector comes when it comes, and is in no count.
    """
    counter = Counter()
    gc.disable()
    counted = count_nothing(counter)
    for name in names:
        if name == PLANT:
            plant()
            continue
        counted[name] = await count(FACES[name.partition("@")[0]], counter, name)
    return counted


def main(arguments: Sequence[str]) -> None:
    """Carry the rows named."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.stdout.write(json.dumps(runner.run(run(arguments))) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
