"""HTTP beside the socket, and the control port."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from holdfast.emulator import Emulator, EmulatorOptions, PortTaken
from holdfast.emulator.front import RECORDING_PATH, REQUEST_BYTES_MAX, Answer, Front, Request

Run = Callable[..., AbstractAsyncContextManager[Emulator]]
Dial = Callable[..., AbstractAsyncContextManager[Any]]


async def test_models_and_client_secrets(run: Run) -> None:
    async with run() as emulator, httpx.AsyncClient(base_url=emulator.http_base, trust_env=False) as client:
        models = (await client.get("/models")).json()
        assert "gpt-realtime-2.1" in {model["id"] for model in models["data"]}

        asked = {
            "session": {"type": "realtime", "instructions": "x"},
            "expires_after": {"anchor": "created_at", "seconds": 60},
        }
        secret = (await client.post("/realtime/client_secrets", json=asked)).json()
        assert secret["value"].startswith("ek_")
        assert secret["session"]["instructions"] == "x"

        assert (
            await client.post("/realtime/client_secrets", json={"session": {"type": "realtime", "x": 1}})
        ).status_code == 400
        assert (await client.post("/realtime/client_secrets", content=b"{")).status_code == 400
        assert (await client.get("/nothing")).status_code == 404


async def test_a_browser_brings_its_key_as_a_subprotocol(run: Run) -> None:
    async with run() as emulator:
        offered = ["realtime", "openai-insecure-api-key.ek_1"]
        async with connect(emulator.url + "?model=m", subprotocols=offered, proxy=None) as socket:  # type: ignore[arg-type] # plain strings do
            await socket.recv()
            assert socket.subprotocol == "realtime"
        assert emulator.records[0].credential == "subprotocol"


@pytest.mark.parametrize(
    ("query", "headers", "status"),
    [("?model=m", {}, 401), ("?call_id=rtc_1", {"Authorization": "Bearer x"}, 404)],
)
async def test_admission_by_status(run: Run, query: str, headers: dict[str, str], status: int) -> None:
    async with run() as emulator:
        with pytest.raises(InvalidStatus) as refused:
            async with connect(emulator.url + query, additional_headers=headers, proxy=None):
                pass
        assert refused.value.response.status_code == status


async def test_the_control_port_tells_and_takes(run: Run, call: Dial) -> None:
    async with (
        run(control_port=0) as emulator,
        httpx.AsyncClient(base_url=emulator.control_url, trust_env=False) as client,
    ):
        async with call(emulator) as caller:
            await caller.say("hello")
            await caller.until("response.done")
            [summary] = (await client.get("/sessions")).json()["sessions"]
            assert summary["received"] == {"conversation.item.create": 1, "response.create": 1}
            assert summary["open"]

            full = (await client.get(f"/sessions/{summary['id']}")).json()
            assert full["transcripts"] == ["hello"]
            assert full["sent_types"][0] == "session.created"

            assert (await client.post("/sessions/last/end", json={"code": 1012})).status_code == 200
            await caller.socket.wait_closed()
            assert caller.socket.close_code == 1012

        taken = await client.post("/faults", json={"faults": ["http:503@1"]})
        assert taken.json()["faults"] == ["http:503@1"]
        refused = await client.post("/faults", json={"faults": ["earthquake"]})
        assert "earthquake" in refused.json()["error"]["message"]
        assert (await client.get("/faults")).json()["faults"] == ["http:503@1"]
        assert (await client.post("/faults", json={"faults": "http"})).status_code == 400
        assert (await client.get("/sessions/none")).status_code == 404
        assert (await client.post("/sessions/last/end", json={"code": 7})).status_code == 400
        assert (await client.get("/sessions", headers={"Origin": "http://evil"})).status_code == 403


async def test_a_session_can_be_dropped_from_outside(run: Run, call: Dial) -> None:
    async with (
        run(control_port=0) as emulator,
        httpx.AsyncClient(base_url=emulator.control_url, trust_env=False) as client,
        call(emulator) as caller,
    ):
        await caller.next()
        await client.post("/sessions/last/end")
        await caller.socket.wait_closed()

        assert caller.socket.close_code == 1006


@pytest.mark.parametrize("payload", [b"\x00\x01\x02\r\n\r\n", b"GET / HTTP/1.1\r\n" + b"X: " + b"y" * 70_000])
async def test_what_is_not_http_is_told_so(run: Run, payload: bytes) -> None:
    async with run() as emulator:
        reader, writer = await asyncio.open_connection("127.0.0.1", emulator.port)
        writer.write(payload)
        answer = await asyncio.wait_for(reader.read(), 5)
        writer.close()

        assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 413"))


async def test_a_client_that_leaves_while_we_are_slow(run: Run, call: Dial) -> None:
    async with run("slow-handshake:30@1") as emulator:
        _, writer = await asyncio.open_connection("127.0.0.1", emulator.port)
        head = b"GET /v1/realtime?model=m HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x\r\n"
        writer.write(head + b"Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        await emulator.wait_for(lambda: emulator.handshakes == 1)
        writer.close()

        async with call(emulator) as caller:
            assert (await caller.next())["type"] == "session.created"


async def test_a_taken_port_is_named(run: Run) -> None:
    async with run() as emulator:
        with pytest.raises(PortTaken, match=str(emulator.port)):
            await Emulator(EmulatorOptions(port=emulator.port)).start()


class Sent(asyncio.Transport):
    """A connection that keeps what was written."""

    def __init__(self) -> None:
        super().__init__()
        self.data = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.data += bytes(data)

    def close(self) -> None:
        """Nothing more comes."""


async def test_a_recording_may_come_in_one_piece_with_its_head() -> None:
    seen: list[int] = []

    def route(request: Request) -> Answer:
        seen.append(len(request.body))
        return Answer(200, {})

    size = REQUEST_BYTES_MAX + 1
    for path, told in ((RECORDING_PATH, b"HTTP/1.1 200"), ("/v1/chat/completions", b"HTTP/1.1 413")):
        front, line = Front(route, set()), Sent()
        front.connection_made(line)
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n"
        front.data_received(head.encode() + bytes(size))
        assert line.data.startswith(told)
        front.connection_lost(None)
    assert seen == [size]
