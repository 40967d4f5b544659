"""The faults of the matrix at its moments, seen by a client over a real socket."""

import asyncio
import base64
import json
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, InvalidStatus

from holdfast.emulator import Emulator, spoken
from holdfast.emulator.faults import CLOSE_REASONS, ENDINGS, ERRORS, HTTP_STATUSES
from holdfast.wire.realtime import BYTES_PER_MS
from tests.emulator.conftest import TOOL, append, code_of, ending

Run = Callable[..., AbstractAsyncContextManager[Emulator]]
Dial = Callable[..., AbstractAsyncContextManager[Any]]

LOUD = spoken("hello there my friend", char_ms=40)
PAUSE = bytes(700 * BYTES_PER_MS)


async def converse(caller: Any) -> None:
    """A spoken turn that is answered, then one that calls a tool, then idling: every moment comes by."""
    await caller.update(tools=[TOOL])
    await caller.until("session.updated")
    await append(caller, LOUD + PAUSE)
    await caller.until("response.done")
    await caller.say("call balance {}")
    await caller.until("response.done")


LAST_BEFORE = {
    "created": None,
    "updated": "session.created",
    "idle": "session.updated",
    "speech": "session.updated",
    "speaking": "input_audio_buffer.speech_started",
    "committed": "conversation.item.done",
    "begun": "response.created",
    "response": "response.output_audio.delta",
    "delta=2": "response.output_audio.delta",
    "call": "response.function_call_arguments.delta",
    "tool": "response.done",
}


@pytest.mark.parametrize(("moment", "last"), LAST_BEFORE.items())
@pytest.mark.parametrize("fault", ["drop", "reset", "close:1012"])
async def test_a_connection_ends_at_every_moment(
    run: Run, call: Dial, fault: str, moment: str, last: str | None
) -> None:
    async def until_it_ends(caller: Any) -> None:
        if moment == "idle":
            await caller.update()
        else:
            await converse(caller)
        await caller.until("never")

    async with run(f"{fault}:{moment}@1") as emulator, call(emulator) as caller:
        with pytest.raises(ConnectionClosed) as closed:
            await until_it_ends(caller)
        await emulator.wait_for(lambda: not emulator.records[0].is_open)

        assert code_of(closed.value) == (1012 if fault == "close:1012" else 1006)
        assert (caller.kinds[-1] if caller.kinds else None) == last
        assert emulator.records[0].closed_by == "emulator"
        [broken] = emulator.records[0].broken
        assert broken.startswith(f"{fault}:{moment}")


@pytest.mark.parametrize("fault", ["drop", "reset"])
async def test_the_connection_ends_before_the_upgrade_is_answered(run: Run, fault: str) -> None:
    async with run(f"{fault}:connecting") as emulator:
        reader, writer = await asyncio.open_connection("127.0.0.1", emulator.port)
        head = b"GET /v1/realtime?model=m HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x\r\n"
        writer.write(head + b"Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        if fault == "reset":
            with pytest.raises(ConnectionResetError):
                await reader.read()
        else:
            assert await reader.read() == b""
        writer.close()
        assert [attempt.outcome for attempt in emulator.attempts] == [f"{fault}:connecting"]


async def test_an_upgrade_that_is_never_answered(run: Run, call: Dial) -> None:
    async with run("half-open:connecting@1") as emulator:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1), call(emulator):
                pass
        async with call(emulator) as caller:
            await caller.until("session.created")


async def test_half_open_neither_speaks_nor_answers_a_ping(run: Run, call: Dial) -> None:
    async with run("half-open:idle") as emulator, call(emulator) as caller:
        await caller.update()
        await caller.until("session.updated")
        await emulator.wait_for(lambda: bool(emulator.records[0].broken))
        pong = await caller.socket.ping()
        await caller.say("hello")
        done, _ = await asyncio.wait([pong, asyncio.ensure_future(caller.socket.recv())], timeout=0.2)

        assert not done
        assert emulator.records[0].is_open
        assert emulator.records[0].message_count == 1


async def test_half_open_for_a_while_goes_on(run: Run, call: Dial) -> None:
    async with run("half-open:response:0.2,times=1") as emulator, call(emulator) as caller:
        await caller.say("one two three", output_modalities=["text"])
        await caller.until("response.output_text.delta")
        begun = time.monotonic()
        await caller.send("input_audio_buffer.clear")
        await caller.until("response.done")
        await caller.until("input_audio_buffer.cleared")

        assert time.monotonic() - begun >= 0.15
        assert caller.kinds.count("response.output_text.delta") == 5


async def test_mute_answers_pings_and_closes_and_nothing_else(run: Run, call: Dial) -> None:
    async with run("mute:begun") as emulator, call(emulator) as caller:
        await caller.say("hello")
        await caller.until("response.created")
        await (await caller.socket.ping())
        await caller.socket.close()

        assert caller.socket.close_code == 1000
        assert emulator.records[0].closed_by == "client"


@pytest.mark.parametrize("fault", ["mute", "half-open", "drop", "reset"])
async def test_a_close_that_is_not_answered(run: Run, fault: str) -> None:
    async with run(f"{fault}:closing") as emulator:
        headers = {"Authorization": "Bearer x"}
        async with connect(
            emulator.url + "?model=m", additional_headers=headers, proxy=None, close_timeout=0.1
        ) as socket:
            await socket.close()
        assert socket.protocol.close_rcvd is None


async def test_a_close_that_is_answered_late(run: Run, call: Dial) -> None:
    async with run("late:0.2:closing") as emulator, call(emulator) as caller:
        begun = time.monotonic()
        await caller.socket.close()

        assert caller.socket.close_code == 1000
        assert time.monotonic() - begun >= 0.15


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011, 1012, 1013])
@pytest.mark.parametrize("reason", ["told", "expired", "quota"])
async def test_close_codes_and_reasons(run: Run, call: Dial, code: int, reason: str) -> None:
    async with run(f"close:{code}:response:{reason}") as emulator, call(emulator) as caller:
        await caller.say("hello")
        closed = await ending(caller)

        assert closed.rcvd is not None
        assert (closed.rcvd.code, closed.rcvd.reason) == (code, CLOSE_REASONS[reason])


async def test_faults_of_one_moment_happen_in_the_order_given(run: Run, call: Dial) -> None:
    faults = ("error:session_expired:response", "close:1001:response")
    async with run(*faults) as emulator, call(emulator) as caller:
        await caller.say("hello")
        closed = await ending(caller)

        assert caller.events[-1]["error"]["code"] == "session_expired"
        assert code_of(closed) == 1001


@pytest.mark.parametrize("status", HTTP_STATUSES)
async def test_every_status_of_the_handshake(run: Run, call: Dial, status: int) -> None:
    async with run(f"http:{status}") as emulator:
        async with httpx.AsyncClient(trust_env=False) as client:
            headers = {"Authorization": "Bearer x", "Upgrade": "websocket", "Connection": "Upgrade"}
            answer = await client.get(f"{emulator.http_base}/realtime?model=m", headers=headers)

        assert answer.status_code == status
        assert answer.json()["error"]["code"] == HTTP_STATUSES[status][1]
        assert [attempt.outcome for attempt in emulator.attempts] == [f"HTTP {status}"]


async def test_a_redirect_that_is_followed_is_found_in_the_books(run: Run, call: Dial) -> None:
    async with run("http:307@1") as emulator:
        headers = {"Authorization": "Bearer x", "Upgrade": "websocket", "Connection": "Upgrade"}
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(f"{emulator.http_base}/realtime?model=m", headers=headers)
            assert not emulator.attempts[-1].is_redirected
            assert "localhost" in answer.headers["Location"]
        query = answer.headers["Location"].partition("?")[2]
        async with call(emulator, f"?{query}"):  # what a client does that gives its key to another host
            pass

        assert [one.is_redirected for one in emulator.attempts] == [False, True]
        assert emulator.attempts[1].credential == "authorization"


async def test_quota_and_retry_after_at_the_handshake(run: Run, call: Dial) -> None:
    async with run("http:429:quota@1", "http:429:7@2-2") as emulator:
        answers = []
        for _ in range(2):
            with pytest.raises(InvalidStatus) as refused:
                async with call(emulator):
                    pass
            answers.append(refused.value.response)

        assert json.loads(answers[0].body or b"")["error"]["code"] == "insufficient_quota"
        assert "Retry-After" not in answers[0].headers
        assert answers[1].headers["Retry-After"] == "7"


@pytest.mark.parametrize("name", ERRORS)
async def test_error_events(run: Run, call: Dial, name: str) -> None:
    async with run(f"error:{name}:begun") as emulator, call(emulator) as caller:
        await caller.send("response.create", event_id="mine")
        error = (await caller.until("error"))["error"]
        await caller.until("response.done")

        assert (error["type"], error["code"], error["message"]) == ERRORS[name]
        assert error["event_id"] == ("mine" if name == "invalid_request" else None)


@pytest.mark.parametrize("moment", ["begun", "response", "delta=2"])
@pytest.mark.parametrize("name", ENDINGS)
async def test_responses_end_as_told_and_the_session_goes_on(
    run: Run, call: Dial, name: str, moment: str
) -> None:
    async with run(f"end-response:{name}:{moment},times=1") as emulator, call(emulator) as caller:
        await caller.say("one two three", output_modalities=["text"])
        response = (await caller.until("response.done"))["response"]
        deltas = caller.kinds.count("response.output_text.delta")
        await caller.say("and", output_modalities=["text"])
        after = (await caller.until("response.done"))["response"]

        ending = ENDINGS[name]
        details = response["status_details"]
        assert (response["status"], details.get("reason")) == (ending.status, ending.reason)
        assert (details.get("error") or {}).get("code") == (ending.error or {}).get("code")
        assert deltas == {"begun": 0, "response": 1, "delta=2": 2}[moment]
        assert after["status"] == "completed"
        assert emulator.records[0].responses == {ending.status: 1, "completed": 1}


@pytest.mark.parametrize("fault", ["reject", "ignore"])
async def test_client_events_are_refused_or_ignored(run: Run, call: Dial, fault: str) -> None:
    async with run(f"{fault}:response.create,times=1") as emulator, call(emulator) as caller:
        await caller.send("response.create", event_id="mine")
        await caller.send("input_audio_buffer.clear")
        await caller.until("input_audio_buffer.cleared")
        errors = [event["error"]["event_id"] for event in caller.events if event["type"] == "error"]
        await caller.send("response.create")
        await caller.until("response.done")

        assert errors == (["mine"] if fault == "reject" else [])


async def test_events_are_left_out(run: Run, call: Dial) -> None:
    async with run("omit:response.done,times=1") as emulator, call(emulator) as caller:
        await caller.send("response.create")
        await caller.until("rate_limits.updated")
        await caller.send("response.create")
        await caller.until("rate_limits.updated")

        assert caller.kinds.count("response.done") == 1
        assert emulator.records[0].broken == ["omit:response.done,times=1"]


async def test_events_come_twice(run: Run, call: Dial) -> None:
    async with run("duplicate:all") as emulator, call(emulator) as caller:
        await caller.say("hello", output_modalities=["text"])
        await caller.until("rate_limits.updated")
        await caller.next()

        assert caller.events[::2] == caller.events[1::2]


async def test_a_delta_before_its_item(run: Run, call: Dial) -> None:
    async with run("reorder:delta") as emulator, call(emulator) as caller:
        await caller.say("one two", output_modalities=["text"])
        done = await caller.until("response.done")
        kinds = caller.kinds[caller.kinds.index("response.created") :]

        assert kinds[:5] == [
            "response.created",
            "response.output_text.delta",
            "response.output_item.added",
            "conversation.item.added",
            "response.content_part.added",
        ]
        assert done["response"]["output"][0]["content"][0]["text"] == "You said: one two"


async def test_an_end_before_the_last_delta(run: Run, call: Dial) -> None:
    async with run("reorder:done") as emulator, call(emulator) as caller:
        await caller.say("one two", output_modalities=["text"])
        await caller.until("response.done")
        late = await caller.next()
        words = [event["delta"] for event in caller.events if event["type"] == "response.output_text.delta"]

        assert late["type"] == "response.output_text.delta"
        assert "".join(words) == "You said: one two"


@pytest.mark.parametrize("moment", ["created", "updated", "idle", "speech", "committed", "response", "tool"])
@pytest.mark.parametrize("fault", ["stray", "wrong-types", "unknown-event", "malformed"])
async def test_breaches_at_every_moment(run: Run, call: Dial, fault: str, moment: str) -> None:
    async with run(f"{fault}:{moment},times=1") as emulator, call(emulator) as caller:
        caller.bears_anything = True
        await (caller.update() if moment == "idle" else converse(caller))
        await emulator.wait_for(lambda: len(emulator.records[0].broken) == 1)
        await caller.send("input_audio_buffer.clear")
        await caller.until("input_audio_buffer.cleared")

        strange = [
            event
            for event in caller.events
            if event["type"] in ("(broken)", "emulator.strange")
            or event.get("response_id") == "resp_that_never_began"
            or isinstance(event.get("event_id"), int)
        ]
        assert len(strange) == 1


async def test_a_message_larger_than_anybody_takes(run: Run, call: Dial) -> None:
    async with run("oversized:updated:3000000,times=1") as emulator, call(emulator) as caller:
        await caller.update()
        large = await caller.until("emulator.large")

        assert len(json.dumps(large, separators=(",", ":"))) == 3_000_000


async def test_a_slow_reader(run: Run, call: Dial) -> None:
    async with run("slow-reader:40000") as emulator, call(emulator) as caller:
        begun = time.monotonic()
        for _ in range(10):
            await caller.send("input_audio_buffer.append", audio=base64.b64encode(bytes(1500)).decode())
        await caller.send("input_audio_buffer.clear")
        await caller.until("input_audio_buffer.cleared")

        # What is in the first buffer is read at once; the rest must wait for it.
        assert emulator.records[0].audio_bytes == 15_000
        await caller.send("input_audio_buffer.clear")
        await caller.until("input_audio_buffer.cleared")
        assert time.monotonic() - begun >= 0.4


@pytest.mark.parametrize(
    ("moment", "kind"), [("committed", "response.created"), ("begun", "response.output_item.added")]
)
async def test_late_at_a_moment(run: Run, call: Dial, moment: str, kind: str) -> None:
    async with run(f"late:0.2:{moment},times=1") as emulator, call(emulator) as caller:
        begun = time.monotonic()
        await caller.say("hello")
        await caller.until(kind)
        assert time.monotonic() - begun >= 0.18
        await caller.until("response.done")

        assert caller.kinds[-2:] != ["response.done", "response.done"]


@pytest.mark.parametrize(
    ("how", "announced", "errors"), [("announced", True, 1), ("unannounced", False, 1), ("bare", True, 0)]
)
async def test_how_a_session_expires(run: Run, call: Dial, how: str, *, announced: bool, errors: int) -> None:
    async with run(f"expire:0.05:{how}") as emulator, call(emulator) as caller:
        created = await caller.next()
        closed = await ending(caller)

        assert (created["session"]["expires_at"] < time.time() + 60) is announced
        assert caller.kinds.count("error") == errors
        assert code_of(closed) == 1001


async def test_faults_can_be_set_in_a_running_session(run: Run, call: Dial) -> None:
    async with run() as emulator, call(emulator) as caller:
        await caller.say("hello")
        await caller.until("response.done")
        emulator.set_faults(["drop:response"], live=True)
        await caller.say("hello again")
        with pytest.raises(ConnectionClosedError):
            await caller.until("response.done")

        assert caller.kinds[-1] == "response.output_audio.delta"


async def test_a_fault_can_happen_now(run: Run, call: Dial) -> None:
    async with run() as emulator, call(emulator) as first, call(emulator) as second:
        await first.until("session.created")
        await second.until("session.created")
        assert emulator.break_now("close:1013", list(emulator.sessions)[:1]) == 1
        assert code_of(await ending(first)) == 1013
        assert emulator.break_now("reset") == 1
        assert code_of(await ending(second)) == 1006


async def test_what_goes_out_can_be_rewritten(run: Run, call: Dial) -> None:
    def quiet(event: dict[str, Any]) -> list[dict[str, Any]]:
        return [] if event["type"] == "rate_limits.updated" else [{**event, "vendor": 1}]

    async with run(tamper=quiet) as emulator, call(emulator) as caller:
        await caller.say("hello")
        await caller.until("response.done")
        await caller.send("input_audio_buffer.clear")
        await caller.until("input_audio_buffer.cleared")

        assert {event["vendor"] for event in caller.events} == {1}
        assert "rate_limits.updated" not in caller.kinds
