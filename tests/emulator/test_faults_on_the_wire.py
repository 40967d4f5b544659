"""Each fault of the table, seen by a client over a real socket."""

import asyncio
import base64
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from holdfast.emulator import Emulator, spoken
from tests.emulator.conftest import code_of, ending

Run = Callable[..., AbstractAsyncContextManager[Emulator]]
Dial = Callable[..., AbstractAsyncContextManager[Any]]


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, "invalid_api_key"),
        (404, "not_found"),
        (429, "rate_limit_exceeded"),
        (503, "service_unavailable"),
    ],
)
async def test_http_refusals(run: Run, call: Dial, status: int, code: str) -> None:
    async with run(f"http:{status}@1") as emulator:
        with pytest.raises(InvalidStatus) as refused:
            async with call(emulator):
                pass
        response = refused.value.response
        assert response.status_code == status
        assert json.loads(response.body or b"")["error"]["code"] == code
        assert ("Retry-After" in response.headers) is (status in (429, 503))

        async with call(emulator) as caller:
            assert (await caller.next())["type"] == "session.created"


@pytest.mark.parametrize(
    ("code", "close_code", "kind"),
    [
        ("invalid_api_key", 3000, "invalid_request_error"),
        ("model_not_found", 4004, "invalid_request_error"),
        ("missing_model", 4000, "invalid_request_error"),
        ("beta_api_shape_disabled", 4000, "invalid_request_error"),
        ("insufficient_quota", 1013, "insufficient_quota"),
    ],
)
async def test_refusals_in_band(run: Run, call: Dial, code: str, close_code: int, kind: str) -> None:
    async with run(f"refuse:{code}") as emulator, call(emulator) as caller:
        error = (await caller.next())["error"]
        closed = await ending(caller)

        assert (error["type"], error["code"]) == (kind, code)
        assert closed.rcvd is not None
        assert (closed.rcvd.code, closed.rcvd.reason) == (close_code, f"{kind}.{code}")
        assert len(caller.events) == 1


@pytest.mark.parametrize(
    ("query", "headers", "code"),
    [
        ("?model=m", {"Authorization": "Bearer wrong"}, "invalid_api_key"),
        ("", {}, "missing_model"),
        ("?model=m", {"OpenAI-Beta": "realtime=v1"}, "beta_api_shape_disabled"),
    ],
)
async def test_real_mistakes_get_the_same_refusals(
    run: Run, call: Dial, query: str, headers: dict[str, str], code: str
) -> None:
    async with run(api_key="right") as emulator:
        given = {"Authorization": "Bearer right", **headers}
        async with call(emulator, query, **given) as caller:
            assert (await caller.next())["error"]["code"] == code


async def test_late_but_in_order(run: Run, call: Dial) -> None:
    delays = ("slow-handshake:0.05", "slow-created:0.05", "slow-updated:0.05")
    async with run(*delays) as emulator:
        begun = asyncio.get_running_loop().time()
        async with call(emulator) as caller:
            await caller.update(instructions="x")
            await caller.say("hello", output_modalities=["text"])
            await caller.until("response.done")

        assert asyncio.get_running_loop().time() - begun >= 0.14  # a timer may fire a tick of the clock early
        assert caller.kinds[:3] == ["session.created", "session.updated", "conversation.item.added"]


async def test_silent_from_the_start(run: Run, call: Dial) -> None:
    async with run("silent-created") as emulator, call(emulator) as caller:
        await caller.update(instructions="x")
        await emulator.wait_for(lambda: emulator.records[0].message_count == 1)

        assert emulator.records[0].sent_counts == {}


async def test_silent_about_updates(run: Run, call: Dial) -> None:
    async with run("silent-updated") as emulator, call(emulator) as caller:
        await caller.update(instructions="x")
        await caller.send("input_audio_buffer.clear")
        await caller.until("input_audio_buffer.cleared")

        assert caller.kinds == ["session.created", "input_audio_buffer.cleared"]


async def test_refused_updates(run: Run, call: Dial) -> None:
    async with run("reject-update") as emulator, call(emulator) as caller:
        await caller.send("session.update", session={"type": "realtime", "instructions": "x"}, event_id="e1")
        error = (await caller.until("error"))["error"]

        assert (error["code"], error["event_id"]) == ("invalid_value", "e1")
        assert emulator.sessions[0].host.session["instructions"] != "x"


async def test_server_error_at_the_start(run: Run, call: Dial) -> None:
    async with run("server-error") as emulator, call(emulator) as caller:
        assert (await caller.until("error"))["error"]["type"] == "server_error"
        await caller.update(instructions="x")
        await caller.until("session.updated")


async def test_the_first_response_fails(run: Run, call: Dial) -> None:
    async with run("server-error:response:1") as emulator, call(emulator) as caller:
        await caller.say("hello")
        failed = (await caller.until("response.done"))["response"]
        await caller.send("response.create")
        answered = (await caller.until("response.done"))["response"]

        assert failed["status"] == "failed"
        assert failed["status_details"]["error"]["type"] == "server_error"
        assert answered["status"] == "completed"
        assert answered["output"][0]["content"][0]["transcript"] == "You said: hello"


@pytest.mark.parametrize(
    ("moment", "last"),
    [
        ("created", None),
        ("updated", "session.created"),
        ("response", "response.output_text.delta"),
        ("2", "conversation.item.done"),
    ],
)
@pytest.mark.parametrize("fault", ["drop", "close:1011"])
async def test_the_connection_ends_at_a_moment(
    run: Run, call: Dial, fault: str, moment: str, last: str | None
) -> None:
    async with run(f"{fault}:{moment}@1") as emulator, call(emulator) as caller:
        try:
            await caller.update(instructions="x")
            await caller.say("hello", output_modalities=["text"])
        except ConnectionClosedError:
            pass  # it may end before we have said everything
        closed = await ending(caller)
        await emulator.wait_for(lambda: not emulator.records[0].is_open)

        assert code_of(closed) == (1006 if fault == "drop" else 1011)
        assert (caller.kinds[-1] if caller.kinds else None) == last
        assert emulator.records[0].closed_by == "emulator"


async def test_a_drop_when_speech_begins(run: Run, call: Dial) -> None:
    loud = base64.b64encode(spoken("wait", char_ms=40)).decode()
    async with run("drop:speech") as emulator, call(emulator) as caller:
        await caller.send("input_audio_buffer.append", audio=loud)

        assert code_of(await ending(caller)) == 1006
        assert caller.kinds == ["session.created"]


async def test_doubled_ends(run: Run, call: Dial) -> None:
    async with run("duplicate-done") as emulator, call(emulator) as caller:
        await caller.say("hello")
        first = await caller.until("response.done")

        assert await caller.next() == first


async def test_broken_and_strange_events(run: Run, call: Dial) -> None:
    async with run("malformed", "unknown-event:created") as emulator, call(emulator) as caller:
        assert (await caller.next())["type"] == "emulator.strange"
        await caller.until("session.created")
        await caller.update(instructions="x")
        with pytest.raises(json.JSONDecodeError):
            await caller.next()
        await caller.until("session.updated")


async def test_a_response_that_never_ends(run: Run, call: Dial) -> None:
    async with run("stall") as emulator, call(emulator) as caller:
        await caller.say("one two three", output_modalities=["text"])
        await caller.until("response.output_text.delta")
        await caller.send("response.cancel")
        done = await caller.until("response.done")

        assert caller.kinds.count("response.output_text.delta") == 1
        assert done["response"]["status"] == "cancelled"


async def test_the_session_expires(run: Run, call: Dial) -> None:
    async with run("expire:0.05") as emulator, call(emulator) as caller:
        assert (await caller.until("error"))["error"]["code"] == "session_expired"
        assert code_of(await ending(caller)) == 1001


async def test_faults_can_change_while_it_runs(run: Run, call: Dial) -> None:
    async with run() as emulator:
        async with call(emulator) as caller:
            await caller.next()
        emulator.set_faults(["http:500"])
        with pytest.raises(InvalidStatus):
            async with call(emulator):
                pass
