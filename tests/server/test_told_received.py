"""That what was received is told in time, at each occasion, and numbered among the rest."""

from __future__ import annotations

import json
import struct
from itertools import pairwise

import pytest

from holdfast.emulator import Emulator, EmulatorOptions
from holdfast.express import IS_BUILT
from holdfast.runtime.session_runner import SessionRunner
from tests.server.gateway import eventually, gateway, tone
from tests.server.test_express import WAYS, Raw, event, frame, passed, talking

STORY = "Tell me a long story, please, about anything."


@pytest.mark.skipif(not IS_BUILT, reason="it was not built")
@pytest.mark.parametrize("milliseconds", [20, 60, 100, 200])
async def test_what_was_received_is_told_in_time_and_no_message_stops_for_it(milliseconds: int) -> None:
    pcm = tone(milliseconds / 1000)
    async with talking("browser", is_compiled=True) as (raw, record, gw):
        raw.writer.write(frame(pcm, 2))  # it boards
        await eventually(lambda: record.audio_bytes == len(pcm))
        count = 800 // milliseconds
        raw.writer.write(b"".join(frame(pcm, 2) for _ in range(count)))
        await eventually(lambda: record.audio_bytes == len(pcm) * (1 + count))
        assert passed(gw) == count
        told = [json.loads(payload) for opcode, payload in raw.told if opcode == 1]
        received = [one["received"] for one in told if one["type"] == "audio_received"]
        ends = [0, *received, record.audio_bytes // 2]
        assert received
        assert max(b - a for a, b in pairwise(ends)) <= 12_000


@pytest.mark.parametrize("is_compiled", WAYS)
async def test_a_bug_in_telling_one_client_ends_its_session_alone(
    monkeypatch: pytest.MonkeyPatch, *, is_compiled: bool
) -> None:
    async with talking("browser", is_compiled=is_compiled) as (raw, _, gw):
        (broken,) = gw.directory.running
        other = await Raw.dial(gw, "/api/openai/realtime")
        other.writer.write(frame(b'{"type":"create_session","turnDetection":"manual"}', 1))
        await other.until("session_ready")
        assert isinstance(broken, SessionRunner)
        monkeypatch.setattr(broken, "_record", None)
        for one in (raw, other):
            one.writer.write(frame(tone(0.02), 2))
        await eventually(lambda: any(opcode == 8 for opcode, _ in raw.told))
        assert "gateway.internal" in str(raw.told)
        await other.until("audio_received")
        await other.close()


@pytest.mark.parametrize("is_compiled", WAYS)
async def test_what_was_received_is_numbered_among_the_sound_that_it_goes_with(*, is_compiled: bool) -> None:
    async with (
        Emulator(EmulatorOptions(speed=1)) as upstream,
        gateway(upstream.http_base, is_compiled=is_compiled) as gw,
    ):
        raw = await Raw.dial(gw, "/api/openai/realtime")
        create = {"framing": "positioned", "turnDetection": "manual"}
        raw.writer.write(event("create_session", **create))
        await raw.until("session_ready")
        raw.writer.write(event("input_text", text=STORY))
        pcm, sent = tone(0.1), 0
        for _ in range(10):
            heard = sum(opcode == 2 for opcode, _ in raw.told)
            for _ in range(4):
                raw.writer.write(frame(struct.pack("<Q", sent) + pcm, 2))
                sent += len(pcm) // 2
            await eventually(lambda heard=heard: sum(opcode == 2 for opcode, _ in raw.told) > heard + 1)  # type: ignore[misc] # now, not later
        numbers = [
            struct.unpack_from("<Q", payload)[0] if opcode == 2 else json.loads(payload).get("offset")
            for opcode, payload in raw.told
            if opcode in {1, 2}
        ]
        numbered = [number for number in numbers if number is not None]
        assert numbered == list(range(numbered[0], numbered[0] + len(numbered)))
        assert raw.kinds().count("audio_received") >= 8
        await raw.close()


@pytest.mark.skipif(not IS_BUILT, reason="it was not built")
async def test_what_was_received_is_told_with_the_sound_of_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SessionRunner, "visit", lambda _: None)  # nobody else tells
    async with (
        Emulator(EmulatorOptions(speed=1)) as upstream,
        gateway(upstream.http_base, is_compiled=True) as gw,
    ):
        raw = await Raw.dial(gw, "/api/openai/realtime")
        raw.writer.write(event("create_session", turnDetection="manual"))
        await raw.until("session_ready")
        raw.writer.write(event("input_text", text=STORY))
        await eventually(lambda: sum(opcode == 2 for opcode, _ in raw.told) > 1)
        for _ in range(21):  # 420 ms: it is time, and there would be room for more
            raw.writer.write(frame(tone(0.02), 2))
        await raw.until("audio_received")
        at = next(
            at for at, (opcode, payload) in enumerate(raw.told) if opcode == 1 and b"audio_rec" in payload
        )
        assert raw.told[at - 1][0] == 2
        assert json.loads(raw.told[at][1])["received"] == 21 * 480
        await raw.close()
