"""The books by which others prove that nothing was lost; going dark and coming back."""

import asyncio
import base64
import contextlib
import hashlib
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosedError, InvalidHandshake

from holdfast.emulator import Emulator, PortTaken, spoken
from holdfast.emulator.shelf import Shelf
from tests.emulator.conftest import append, code_of, ending

Run = Callable[..., AbstractAsyncContextManager[Emulator]]
Dial = Callable[..., AbstractAsyncContextManager[Any]]

SPEECH = spoken("one two three four five six seven eight", char_ms=40)


async def test_samples_are_accounted_for_over_several_connections(run: Run, call: Dial) -> None:
    """A client that loses its connection twice, and sends the rest as audio and as an item."""
    async with run("drop:speaking=100,times=2", keep_audio=True) as emulator:
        heard = b""
        for _ in range(2):
            async with call(emulator) as caller:
                with contextlib.suppress(ConnectionClosedError):  # it may end before all was said
                    await append(caller, SPEECH[len(heard) :])
                await ending(caller)
            heard = b"".join(bytes(record.pcm) for record in emulator.records)
        rest = SPEECH[len(heard) :]
        async with call(emulator) as caller:
            audio = {"type": "input_audio", "audio": base64.b64encode(rest).decode()}
            item = {"id": "rest", "type": "message", "role": "user", "content": [audio]}
            await caller.send("conversation.item.create", item=item)
            await caller.send("response.create")
            done = await caller.until("response.done")
        [created] = emulator.records[2].items

        assert heard + created.pcm == SPEECH
        assert created.audio_sha256 == hashlib.sha256(rest).hexdigest()
        assert "audio" not in created.item["content"][0]
        assert [record.audio_bytes for record in emulator.records] == [
            len(bytes(record.pcm)) for record in emulator.records
        ]
        said = done["response"]["output"][0]["content"][0]["transcript"]
        assert said == f"You said: ({len(rest) // 48} ms of speech)"


async def test_audio_that_is_not_kept_is_counted_all_the_same(run: Run, call: Dial) -> None:
    async with run() as emulator, call(emulator) as caller:
        audio = {"type": "input_audio", "audio": base64.b64encode(SPEECH).decode()}
        await caller.send(
            "conversation.item.create", item={"type": "message", "role": "user", "content": [audio]}
        )
        await caller.until("conversation.item.done")
        [created] = emulator.records[0].items

        assert (created.audio_bytes, created.pcm) == (len(SPEECH), b"")
        assert created.audio_sha256 == hashlib.sha256(SPEECH).hexdigest()


async def test_the_log_has_times_and_who(run: Run, call: Dial) -> None:
    async with run("error:server_error:begun") as emulator, call(emulator) as caller:
        await caller.send("response.create", event_id="mine")
        await caller.until("response.done")
        record = emulator.records[0]
        lines = [(entry.who, entry.what, entry.event_id) for entry in record.log]
        times = [entry.at_s for entry in record.log]

        assert lines[:5] == [
            ("emulator", "session.created", None),
            ("client", "response.create", "mine"),
            ("emulator", "response.created", None),
            ("fault", "error:server_error:begun", None),
            ("emulator", "error", None),
        ]
        assert times == sorted(times)
        assert record.response_creates == 1
        assert record.responses == {"completed": 1}
        assert record.state == "idle"


@pytest.mark.parametrize("how", ["refuse", "reset", "silence"])
async def test_dark_and_back_on_the_same_port(run: Run, call: Dial, how: Any) -> None:
    async with run() as emulator:
        async with call(emulator) as caller:
            await caller.next()
            emulator.go_dark(how)
            assert code_of(await ending(caller)) == 1006
        with pytest.raises((OSError, InvalidHandshake, TimeoutError)):
            async with asyncio.timeout(0.3), call(emulator):
                pass
        emulator.come_back()
        async with call(emulator) as caller:
            await caller.until("session.created")
        outcomes = [attempt.outcome for attempt in emulator.attempts]

        assert outcomes == ["101", *(["dark"] if how != "refuse" else []), "101"]


async def test_dark_without_killing(run: Run, call: Dial) -> None:
    async with run() as emulator, call(emulator) as caller:
        emulator.go_dark(kill=False)
        await caller.say("hello")
        await caller.until("response.done")
        emulator.go_dark()
        emulator.come_back()
        emulator.come_back()


async def test_coming_back_to_a_taken_port_says_so(run: Run) -> None:
    async with run() as emulator:
        emulator.go_dark()
        async with run(port=emulator.port):
            with pytest.raises(PortTaken):
                emulator.come_back()


@pytest.mark.parametrize(("code", "seen"), [(None, 1006), (1012, 1012)])
async def test_all_connections_end_at_once(run: Run, call: Dial, code: int | None, seen: int) -> None:
    async with run() as emulator, call(emulator) as first, call(emulator) as second:
        await first.next()
        await second.next()
        assert emulator.kill(code) == 2
        assert [code_of(await ending(caller)) for caller in (first, second)] == [seen, seen]
        assert emulator.kill(code) == 0


@pytest.mark.plain_loop  # the other's error does not name the port
async def test_the_control_port_does_all_that(run: Run, call: Dial) -> None:
    async with (
        run(control_port=0, keep_audio=True) as emulator,
        httpx.AsyncClient(base_url=emulator.control_url, trust_env=False) as client,
    ):
        routes = (await client.get("/")).json()["routes"]
        assert "POST /dark" in routes
        async with call(emulator) as caller:
            await append(caller, bytes(4_800))
            await caller.say("hello")
            await caller.until("response.done")
            assert (await client.get("/sessions/last/audio")).content == bytes(4_800)
            items = (await client.get("/sessions/last/conversation")).json()["items"]
            assert [item["role"] for item in items] == ["user", "assistant"]
            full = (await client.get("/sessions/last")).json()
            assert full["items"][0]["audio_bytes"] == 0
            assert {line["who"] for line in full["log"]} == {"client", "emulator"}
            assert len(full["event_ms"]) == len(full["events"]) == 7
            assert full["event_ms"] == sorted(full["event_ms"])

            set_live = {"faults": ["error:rate_limit:committed"], "live": True}
            assert (await client.post("/faults", json=set_live)).status_code == 200
            await caller.say("again")
            assert (await caller.until("error"))["error"]["code"] == "rate_limit_exceeded"
            assert (await client.delete("/faults")).json()["faults"] == []

            assert (await client.post("/sessions/all/break", json={"fault": "nonsense"})).status_code == 400
            assert (await client.post("/sessions/all/break", json={"fault": "http:503"})).status_code == 400
            assert (await client.post("/sessions/all/break", json={"fault": "reset"})).json() == {"broken": 1}
            assert code_of(await ending(caller)) == 1006
        assert (await client.post("/sessions/all/end", json={})).status_code == 404

        assert (await client.post("/dark", json={"how": "gently"})).status_code == 400
        assert (await client.post("/dark")).json() == {"dark": "refuse"}
        with pytest.raises(OSError, match=str(emulator.port)):
            async with call(emulator):
                pass
        assert (await client.post("/back")).json() == {"dark": None}
        async with call(emulator) as caller:
            await caller.next()
            assert (await client.post("/sessions/all/end", json={"reset": True})).status_code == 200
            assert code_of(await ending(caller)) == 1006
        attempts = (await client.get("/attempts")).json()["attempts"]
        assert [attempt["outcome"] for attempt in attempts] == ["101", "101"]


async def _clear(caller: Any, times: int) -> None:
    for _ in range(times):
        await caller.send("input_audio_buffer.clear")
        await caller.until("input_audio_buffer.cleared")


async def test_books_that_are_full_forget_the_lines_of_ended_sessions_first(run: Run, call: Dial) -> None:
    async with run(control_port=0) as emulator:
        emulator.shelf = Shelf(lines_max=60)
        async with call(emulator) as caller:
            await _clear(caller, times=20)
        await emulator.wait_for(lambda: not emulator.open_sessions)
        async with call(emulator) as caller:
            await _clear(caller, times=20)
            early, late = emulator.records
            assert (len(early.log), early.forgotten) == (0, 42)
            assert early.received_counts["input_audio_buffer.clear"] == 20
            assert late.forgotten == 0
            await _clear(caller, times=20)
            assert late.forgotten > 0
            assert late.log[-1].what == "input_audio_buffer.cleared"
        assert emulator.shelf.lines == sum(len(record.log) for record in emulator.records) <= 60
        async with httpx.AsyncClient() as http:
            told = (await http.get(f"{emulator.control_url}/sessions")).json()
        assert told["books"]["lines_max"] == 60
        assert told["books"]["lines_forgotten"] == sum(one["forgotten"] for one in told["sessions"])


async def test_the_oldest_book_goes_when_there_are_too_many(run: Run, call: Dial) -> None:
    async with run() as emulator:
        emulator.shelf = Shelf(sessions_max=2)
        for _ in range(3):
            async with call(emulator) as caller:
                await caller.until("session.created")
        assert [record.number for record in emulator.records] == [2, 3]
        assert emulator.shelf.lines == sum(len(record.log) for record in emulator.records)


async def test_a_session_that_is_over_holds_no_audio(run: Run, call: Dial) -> None:
    async with run() as emulator:
        async with call(emulator) as caller:
            audio = {"type": "input_audio", "audio": base64.b64encode(SPEECH).decode()}
            item = {"id": "said", "type": "message", "role": "user", "content": [audio]}
            await caller.send("conversation.item.create", item=item)
            await caller.until("conversation.item.done")
            assert emulator.sessions[0].host.item_audio("said") == SPEECH
        await emulator.wait_for(lambda: not emulator.open_sessions)
        assert emulator.sessions[0].host.item_audio("said") == b""


async def test_books_keep_no_large_things(run: Run, call: Dial) -> None:
    """A client that tells its conversation again sends megabytes of sound as items, and may do so often."""
    long = "word " * 40_000
    async with run(keep_audio=False) as emulator, call(emulator) as caller:
        sound = {"type": "input_audio", "audio": base64.b64encode(SPEECH).decode()}
        wordy = {"type": "input_text", "text": long}
        for part in (sound, wordy):
            item = {"id": f"a_{part['type']}", "type": "message", "role": "user", "content": [part]}
            await caller.send("conversation.item.create", item=item, event_id="e1")
            await caller.until("conversation.item.done")
        await caller.send("x" * 100_000)
        await caller.until("error")
        record = emulator.records[0]

    spoken_, written, strange = record.events
    assert spoken_["item"]["content"] == [{"type": "input_audio", "audio": len(sound["audio"])}]
    assert {key: written[key] for key in ("type", "event_id")} == {
        "type": "conversation.item.create",
        "event_id": "e1",
    }
    assert written["bytes"] > len(long)
    assert strange == {"bytes": strange["bytes"]}
    assert record.items[1].item["id"] == "a_input_text"
    assert len(str(record.full())) < 100_000
