"""Over TLS audio takes the compiled way too, on either side, and what breaks there is the line's alone."""

from __future__ import annotations

import asyncio
import base64
import gc
import hashlib
import json
import os
import random
import socket
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from holdfast.bench.certificate import throw_away
from holdfast.emulator import Emulator, EmulatorOptions
from holdfast.express import IS_BUILT, Express
from holdfast.express.session import TlsSession
from holdfast.providers.realtime_link import RealtimeLink
from holdfast.runtime.session_runner import SessionRunner
from holdfast.runtime.shell import Shell
from holdfast.server.client_socket import ClientSocket
from holdfast.server.listening import Tls
from holdfast.sockets import MessageListener
from holdfast.sockets.sealing import Opening
from tests.server.gateway import TestGateway, eventually, gateway, tone
from tests.server.test_express import Raw, append, event, frame, sound
from tests.server.tls_front import NO_RECORD, TlsFront, tls_front

pytestmark = pytest.mark.skipif(not IS_BUILT, reason="it was not built")
STORY = "Tell me a long story, please, about anything."


@dataclass(eq=False)
class Stage:
    """What a conversation over TLS needs, and who talks."""

    upstream: Emulator
    front: TlsFront
    gw: TestGateway
    dial: Callable[[], Awaitable[Raw]]
    """Another one."""
    raw: Raw

    @property
    def express(self) -> Express:
        assert self.gw.directory.express is not None
        return self.gw.directory.express


@asynccontextmanager
async def talking(
    face: str, folder: Path, *, speed: float = 0, is_compiled: bool = True, is_plain: bool = False
) -> AsyncIterator[Stage]:
    """`is_plain`: the client's own line is."""
    proof = Tls(*throw_away(folder))
    async with (
        Emulator(EmulatorOptions(speed=speed)) as upstream,
        tls_front(upstream.port, proof) as front,
        gateway(front.dialer(proof), is_compiled=is_compiled, tls=None if is_plain else proof) as gw,
        AsyncExitStack() as clients,
    ):
        path = "/api/openai/realtime" if face == "browser" else "/v1/realtime?model=gpt-realtime"
        trust = None if is_plain else ssl.create_default_context(cafile=proof.certificate)

        async def dial() -> Raw:
            raw = await Raw.dial(gw, path, trust)
            clients.push_async_callback(raw.close)
            if face == "browser":
                raw.writer.write(event("create_session", turnDetection="manual"))
                await raw.until("session_ready")
            else:
                detection = {"audio": {"input": {"turn_detection": None}}}
                raw.writer.write(event("session.update", session={"type": "realtime", **detection}))
                await raw.until("session.updated")
            return raw

        yield Stage(upstream, front, gw, dial, await dial())


def asked(face: str) -> bytes:
    if face == "browser":
        return event("input_text", text=STORY)
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": STORY}]}
    return event("conversation.item.create", item=item) + event("response.create")


def answer(face: str, raw: Raw) -> bytes:
    """What was heard of it: PCM."""
    if face == "browser":
        return b"".join(payload for opcode, payload in raw.told if opcode == 2)
    told = [json.loads(payload) for opcode, payload in raw.told if opcode == 1]
    deltas = [one["delta"] for one in told if one["type"] == "response.output_audio.delta"]
    return b"".join(base64.b64decode(one) for one in deltas)


def is_over(face: str, raw: Raw) -> bool:
    return ("response_done" if face == "browser" else "response.done") in raw.kinds()


@pytest.mark.parametrize("face", ["browser", "realtime"])
@pytest.mark.parametrize("is_plain", [True, False])
@pytest.mark.parametrize("seed", range(3))
async def test_every_sample_goes_up_once_and_in_order(
    face: str, seed: int, tmp_path: Path, *, is_plain: bool
) -> None:
    chance = random.Random(seed)
    spoken = tone(2.0)
    async with talking(face, tmp_path, is_plain=is_plain) as on:
        record = on.upstream.records[0]
        on.front.chance = chance
        at = 0
        while at < len(spoken):
            pcm = spoken[at : at + 2 * chance.choice((480, 480, 480, 240, 1200, 9000))]
            at += len(pcm)
            whole = sound(face, pcm)
            if chance.randrange(4) == 0:  # what answers it comes down in pieces
                whole += event("nonsense") + frame(b"?", 9)
            while whole:  # a record, or more of them
                size = chance.choice((7, 1400, 40_000))
                on.raw.writer.write(whole[:size])
                whole = whole[size:]
            await eventually(lambda at=at: record.audio_bytes >= at)  # type: ignore[misc] # now, not later
        assert record.audio_bytes == len(spoken)
        assert record.audio_sha256 == hashlib.sha256(spoken).hexdigest()
        assert on.express.up > 5


@pytest.mark.parametrize("face", ["browser", "realtime"])
@pytest.mark.parametrize("is_plain", [True, False])
async def test_an_answer_comes_down_as_it_does_by_the_way_through_python(
    face: str, tmp_path: Path, *, is_plain: bool
) -> None:
    heard = []
    for is_compiled in (True, False):
        async with talking(face, tmp_path, speed=8, is_compiled=is_compiled, is_plain=is_plain) as on:
            on.front.chance = random.Random(1)
            on.raw.writer.write(asked(face))
            await eventually(lambda on=on: is_over(face, on.raw))  # type: ignore[misc] # now, not later
            heard.append(answer(face, on.raw))
            assert not is_compiled or on.express.down > 5
    assert heard[0]
    assert heard[0] == heard[1]


@pytest.mark.parametrize("face", ["browser", "realtime"])
@pytest.mark.parametrize("end", ["close", "abort", "spoil"])
async def test_an_upstream_that_ends_in_an_answer_is_dialled_again(
    face: str, end: str, tmp_path: Path
) -> None:
    """By a goodbye of TLS, without one, and by bytes that are no record."""
    async with talking(face, tmp_path, speed=4) as on:
        on.raw.writer.write(asked(face))
        await eventually(lambda: on.express.down > 3)
        line = on.front.lines[-1]
        {"close": line.close, "abort": line.transport.abort, "spoil": on.front.spoil}[end]()
        await eventually(lambda: len(on.upstream.records) == 2)
        await eventually(lambda: is_over(face, on.raw))
        fresh, pcm = on.upstream.records[1], tone(0.5)
        before = fresh.audio_bytes
        for at in range(0, len(pcm), 960):
            on.raw.writer.write(sound(face, pcm[at : at + 960]))
        await eventually(lambda: fresh.audio_bytes == before + len(pcm))


@pytest.mark.parametrize("face", ["browser", "realtime"])
async def test_a_client_that_sends_no_record_loses_its_line_alone(face: str, tmp_path: Path) -> None:
    async with talking(face, tmp_path) as on:
        on.raw.writer.write(sound(face, tone(0.02)))
        await eventually(lambda: on.upstream.records[0].audio_bytes == 960)
        on.raw.writer.write(sound(face, tone(0.02)))
        await eventually(lambda: on.express.up == 1)
        os.write(on.raw.writer.get_extra_info("socket").fileno(), NO_RECORD)
        await eventually(lambda: isinstance(on.raw.reader.exception(), ssl.SSLError))  # told by an alert
        await on.dial()


@pytest.mark.parametrize("face", ["browser", "realtime"])
async def test_an_upstream_that_reads_late_gets_all_of_it_in_order(face: str, tmp_path: Path) -> None:
    spoken = tone(20.0)
    async with talking(face, tmp_path) as on:
        record = on.upstream.records[0]
        on.raw.writer.write(sound(face, spoken[:960]) + asked(face))
        await eventually(lambda: record.audio_bytes == 960 and is_over(face, on.raw))
        (one,) = on.gw.directory.running
        assert isinstance(one, Shell)
        line: object = one.line
        assert isinstance(line, MessageListener)
        assert line.leg is not None
        assert line.leg.is_riding
        transport = line.transport.underlying_transport
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16 * 1024)
        on.front.reads.clear()
        for at in range(960, len(spoken), 4800):
            on.raw.writer.write(sound(face, spoken[at : at + 4800]))
            await asyncio.sleep(0)
        await eventually(transport.get_extra_info("ssl_object").raw.get_write_buffer_size)
        on.front.reads.set()
        await eventually(lambda: record.audio_bytes >= len(spoken), 20.0)
        assert record.audio_sha256 == hashlib.sha256(spoken).hexdigest()


async def test_it_boards_when_the_transport_has_read_all_of_it(tmp_path: Path) -> None:
    """A frame that fills the room of picows ends there; half of the next one is still in the same record."""
    async with talking("browser", tmp_path) as on:
        record = on.upstream.records[0]
        (one,) = on.gw.directory.running
        assert isinstance(one, SessionRunner)
        client: object = one.client
        assert isinstance(client, ClientSocket)
        picows = cast(asyncio.BufferedProtocol, client.transport.underlying_transport.get_protocol())
        room = len(memoryview(picows.get_buffer(-1)))
        first = sound("browser", tone(1.0)[: room - 8])
        second = sound("browser", tone(0.02))
        assert len(first) == room
        on.raw.writer.write(first + second[:500])
        await eventually(lambda: record.audio_bytes == room - 8)
        on.raw.writer.write(second[500:] + second)
        await eventually(lambda: record.audio_bytes == room - 8 + 2 * 960)
        on.raw.writer.write(second)
        await eventually(lambda: on.express.up == 1)


async def test_what_came_with_the_last_word_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A breach and the client's own goodbye, record behind record: nobody waits for the goodbye."""
    monkeypatch.setattr("holdfast.sockets.listener.CLOSE_WAIT_S", 60.0)
    async with talking("browser", tmp_path) as on:
        for up in (0, 1):  # the first brings it to a boundary
            on.raw.writer.write(sound("browser", tone(0.02)))
            await eventually(lambda up=up: on.express.up == up)  # type: ignore[misc] # now, not later
            await eventually(lambda up=up: on.upstream.records[0].audio_bytes == 960 * (up + 1))  # type: ignore[misc] # same
        breach = b"\xd1" + frame(b"x", 1)[1:]
        on.raw.writer.write(breach)
        on.raw.writer.write(frame((1000).to_bytes(2), 8))
        await eventually(on.raw.reader.at_eof)


@pytest.mark.parametrize("face", ["browser", "realtime"])
async def test_of_a_line_that_is_over_nothing_waits_for_the_collector(face: str, tmp_path: Path) -> None:
    watched = (TlsSession, Opening, RealtimeLink, ClientSocket, Shell)

    def alive() -> Counter[str]:
        return Counter(type(one).__name__ for one in gc.get_objects() if issubclass(type(one), watched))

    gc.collect()
    gc.disable()
    try:
        before = alive()
        async with talking(face, tmp_path, speed=8) as on:
            on.raw.writer.write(asked(face))
            await eventually(lambda: is_over(face, on.raw))
            assert on.express.down
            assert alive() - before
        await eventually(lambda: not alive() - before)
    finally:
        gc.enable()


async def test_what_the_session_says_by_itself_overtakes_nothing(tmp_path: Path) -> None:
    """An alert, or a new handshake of TLS 1.2: a record before its turn is the end of the line."""
    spoken = tone(20.0)
    async with talking("realtime", tmp_path) as on:
        record = on.upstream.records[0]
        on.raw.writer.write(append(spoken[:960]) + asked("realtime"))
        await eventually(lambda: record.audio_bytes == 960 and is_over("realtime", on.raw))
        (one,) = on.gw.directory.running
        assert isinstance(one, Shell)
        line: object = one.line
        assert isinstance(line, MessageListener)
        transport = line.transport.underlying_transport
        session, sock = transport.get_extra_info("ssl_object"), transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16 * 1024)
        on.front.reads.clear()
        at = 960
        for _ in range(20):  # until it waits, and goes on to
            while not session.raw.get_write_buffer_size():
                on.raw.writer.write(append(spoken[at : at + 4800]))
                at += 4800
                await asyncio.sleep(0.004)
            await asyncio.sleep(0.004)
        assert line.leg is not None
        assert line.leg.is_riding
        assert at < len(spoken)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1024 * 1024)  # now there is room
        session.write(frame(b"", 10))
        on.front.lines[-1].write(b"\x8a\x00")
        on.express.run()
        on.front.reads.set()
        on.raw.writer.write(b"".join(append(spoken[i : i + 4800]) for i in range(at, len(spoken), 4800)))
        await eventually(lambda: record.audio_bytes >= len(spoken))
        assert record.audio_sha256 == hashlib.sha256(spoken).hexdigest()
        assert len(on.upstream.records) == 1


async def test_a_line_whose_transport_has_too_much_to_read_boards_when_that_reads_again(
    tmp_path: Path,
) -> None:
    """Else two would read one socket."""
    async with talking("realtime", tmp_path) as on:
        (one,) = on.gw.directory.running
        assert isinstance(one, Shell)
        client = one.client
        assert isinstance(client, MessageListener)
        leg = client.leg
        assert leg is not None

        def readers() -> tuple[bool, bool]:
            return leg.is_riding, raw.is_reading()

        session = client.transport.underlying_transport.get_extra_info("ssl_object")
        raw = session.raw
        assert readers() == (False, True)
        client.pause_reading(paused=True)
        payload = json.dumps({"type": "nonsense", "x": "x" * 332_000}).encode()
        whole = b"\x81\xff" + len(payload).to_bytes(8) + bytes(4) + payload
        on.raw.writer.write(whole[:240_000])
        await eventually(lambda: session.incoming.pending >= 240_000)
        on.raw.writer.write(whole[240_000:])
        await eventually(lambda: not raw.is_reading())
        client.pause_reading(paused=False)
        await on.raw.until("error")
        assert readers() != (True, True)
        on.raw.writer.write(append(tone(0.02)))
        await eventually(lambda: on.upstream.records[0].audio_bytes == 960)
        assert readers() == (True, False)
