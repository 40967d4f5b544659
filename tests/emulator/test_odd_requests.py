"""Odd requests and odd words: each gets an answer that says what is wrong, and nothing is torn down."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
import pytest

from holdfast.emulator import Emulator
from tests.emulator.conftest import code_of, ending

Run = Callable[..., AbstractAsyncContextManager[Emulator]]
Dial = Callable[..., AbstractAsyncContextManager[Any]]

DEEP = b'{"a":' + b"[" * 30_000
FORM = b'--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'


@pytest.mark.parametrize(
    "path", ["/v1/realtime/client_secrets", "/v1/chat/completions", "/v1/audio/speech", "/v1/realtime/calls"]
)
async def test_json_that_is_nested_too_deep_is_refused(run: Run, path: str) -> None:
    headers, body = {"Authorization": "Bearer x"}, DEEP
    if path.endswith("calls"):
        headers["Content-Type"] = "multipart/form-data; boundary=x"
        body = FORM % (b"sdp", b"v=0") + FORM % (b"session", DEEP) + b"--x--\r\n"
    async with run() as emulator, httpx.AsyncClient(trust_env=False) as client:
        refused = await client.post(f"http://127.0.0.1:{emulator.port}{path}", headers=headers, content=body)

    assert refused.status_code == 400
    assert refused.json()["error"]["message"]


async def test_an_address_that_is_none_is_refused(run: Run) -> None:
    async with run() as emulator:
        reader, writer = await asyncio.open_connection("127.0.0.1", emulator.port)
        writer.write(b"GET //[ HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = await asyncio.wait_for(reader.read(), 5)
        writer.close()

    assert answer.startswith(b"HTTP/1.1 400")


async def test_a_deployment_is_no_model_here(run: Run, call: Dial) -> None:
    async with run() as emulator, call(emulator, "?deployment=voice") as caller:
        refused = await caller.until("error")

    assert refused["error"]["code"] == "missing_model"


async def test_a_tool_may_give_what_is_nested_too_deep(run: Run, call: Dial) -> None:
    async with run() as emulator, call(emulator) as caller:
        await caller.update(tools=[{"type": "function", "name": "balance"}], output_modalities=["text"])
        await caller.say(f"call balance {DEEP.decode()}{'}'}")
        [asked] = (await caller.until("response.done"))["response"]["output"]
        output = {"type": "function_call_output", "call_id": asked["call_id"], "output": DEEP.decode()}
        await caller.send("conversation.item.create", item=output)
        await caller.send("response.create")
        answer = await caller.until("response.done")

    assert asked["arguments"] == "{}"
    assert answer["response"]["output"][0]["content"][0]["text"] == DEEP.decode()


@pytest.mark.parametrize(
    ("path", "body", "named"),
    [
        ("/sessions/all/end", b"{code: 1011}", "malformed"),
        ("/sessions/all/end", b'{"cod": 1011}', "cod"),
        ("/sessions/all/end", b'{"code": 1011.5}', "$.code"),
        ("/sessions/all/end", b'{"code": 7}', "$.code"),
        ("/sessions/all/break", b"{}", "fault"),
        ("/faults", b'{"faults": ["drop:idle"], "live": 1}', "$.live"),
        ("/dark", b'{"how": "gently"}', "$.how"),
        ("/dark", b'{"kill": "no"}', "$.kill"),
        ("/back", b"[]", "array"),
        ("/faults", DEEP, "nested too deep"),
    ],
)
async def test_the_control_port_names_what_it_does_not_take_and_does_nothing(
    run: Run, call: Dial, path: str, body: bytes, named: str
) -> None:
    async with (
        run(control_port=0) as emulator,
        httpx.AsyncClient(base_url=emulator.control_url, trust_env=False) as client,
        call(emulator) as caller,
    ):
        await caller.next()
        refused = await client.post(path, content=body)
        await caller.send("input_audio_buffer.clear")
        await caller.until("input_audio_buffer.cleared")
        faults = (await client.get("/faults")).json()["faults"]

    assert refused.status_code == 400
    message = refused.json()["error"]["message"]
    assert named in message
    assert f"POST {path.replace('all', 'WHICH')}" in message
    assert faults == []


async def test_a_binary_message_is_a_message_too(run: Run, call: Dial) -> None:
    async with run("drop:2") as emulator, call(emulator) as caller:
        await caller.next()
        await caller.send("input_audio_buffer.clear")
        await caller.until("input_audio_buffer.cleared")
        await caller.socket.send(b"\0")
        closed = await asyncio.wait_for(ending(caller), 5)

    assert code_of(closed) == 1006
    assert emulator.records[0].broken == ["drop:2"]
