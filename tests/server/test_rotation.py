"""Upstreams whose sessions are short, over real sockets: the listener hears no gap and nothing twice."""

from __future__ import annotations

import asyncio

import pytest
from benchmarks.rig.answers import CHAR_MS, answer_to
from benchmarks.rig.caller import Caller
from benchmarks.rig.voice import CuedVoice, Heard, find

from holdfast.core.limits import Limits
from holdfast.emulator import Emulator, EmulatorOptions, Turn
from tests.server.gateway import eventually, gateway

GAP_MS = 40
ANSWER = (
    "one sentence is long enough to last until the first upstream must be left and well beyond that moment"
)


@pytest.mark.parametrize("path", ["/api/openai/realtime", "/v1/realtime"])
async def test_two_rotations_while_an_answer_sounds(path: str) -> None:
    """The first is forced in the middle of the answer, the second waits for its end."""
    options = EmulatorOptions(
        faults=["expire:6"], script=[Turn(say=ANSWER)], speed=1.25, char_ms=CHAR_MS, keep_audio=True
    )
    limits = Limits(rotate_look=0.5, rotate_force=0.8)
    async with Emulator(options) as upstream, gateway(upstream.http_base, limits=limits) as gw:
        caller = Caller(CuedVoice(1), f"ws://{gw.authority}{path}")
        async with caller.connected():
            await eventually(lambda: caller.is_ready)
            caller.say(0.6)
            await eventually(lambda: caller.is_answered(1) and len(upstream.records) >= 3, 20)
            await eventually(lambda: sum(record.audio_bytes > 0 for record in upstream.records) >= 3)
            await asyncio.sleep(0.3)
            records = list(upstream.records)

        answer = answer_to(ANSWER, caller.replies)
        assert [reply.status for reply in answer.replies] == ["incomplete", "completed"]
        assert answer.replies == caller.replies
        assert (answer.answers, answer.lost, answer.doubled) == (1, 0, 0)
        assert max(piece.gap_ms for piece in caller.pieces) <= GAP_MS
        produced = caller.voice.whole(caller.frames)
        heard = [find(bytes(record.pcm), produced) for record in records]
        assert [(one.foreign, one.doubled) for one in heard] == [(0, 0)] * len(records)
        together = Heard([place for one in heard for place in one.ranges], 0)
        assert together.missing([(0, max(end for _, end in together.ranges))]) == 0
        assert all(record.closed_by != "emulator" for record in records)
        assert not caller.wrongs
