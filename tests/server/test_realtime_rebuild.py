"""`/v1/realtime` where upstreams die, over real sockets: a client that knows nothing of us survives."""

from __future__ import annotations

import asyncio
import base64

import pytest
from openai import AsyncOpenAI

from holdfast.core.limits import Limits
from holdfast.emulator import Emulator, EmulatorOptions
from tests.server.gateway import Client, gateway, tone
from tests.server.realtime_client import (
    SPEECH,
    TOOL,
    answers,
    completed,
    converse,
    dial,
    heard_whole,
    obeys_the_dialect,
    running,
    send_audio,
    send_text,
    update,
)

MOMENTS = (
    "connecting",
    "created",
    "updated",
    "idle",
    "speech",
    "speaking",
    "committed",
    "begun",
    "response",
    "delta=3",
    "call",
    "tool",
)


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("fault", ["reset", "close:1001", "close:1011"])
async def test_an_upstream_dies_at_each_moment(fault: str, moment: str) -> None:
    spelling = f"{fault}:{moment}@1,times=1"
    if moment == "connecting" and fault != "reset":
        pytest.skip("there is no socket to close")
    options = EmulatorOptions(faults=[spelling], speed=40, keep_audio=True)
    limits = Limits(dial_s=0.5)
    async with Emulator(options) as upstream, gateway(upstream.http_base, limits=limits) as gw:
        client = await dial(gw)
        await converse(client)
        if moment == "idle":
            await upstream.wait_for(lambda: len(upstream.records) > 1)
            send_text(client, "still there?")
            await client.until(lambda: answers(client) >= 3)
        await client.until(lambda: not running(client))

        assert upstream.attempts[0].outcome.startswith("reset") or upstream.records[0].broken
        assert not client.told("error"), client.told("error")
        assert heard_whole(upstream, tone(0.6))
        obeys_the_dialect(client)
        client.close()


@pytest.mark.parametrize("moment", ["committed", "begun"])
async def test_an_upstream_that_falls_silent_is_left(moment: str) -> None:
    limits = Limits(response_first_s=0.4, response_stall_s=0.4, response_notice_s=0.2)
    options = EmulatorOptions(faults=[f"mute:{moment}@1"], speed=40, keep_audio=True)
    async with Emulator(options) as upstream, gateway(upstream.http_base, limits=limits) as gw:
        client = await dial(gw)
        await converse(client)

        assert not client.told("error")
        obeys_the_dialect(client)
        client.close()


async def test_the_second_of_the_list_takes_over_and_settings_go_with_it() -> None:
    options = EmulatorOptions(speed=40)
    async with (
        Emulator(options) as first,
        Emulator(options) as second,
        gateway(first.http_base, second.http_base, limits=Limits(dial_s=0.3)) as gw,
    ):
        client = await dial(gw)
        update(client, instructions="Be brief.", tools=[TOOL], output_modalities=["text"])
        await client.until_told("session.updated")
        send_text(client, "one")
        await client.until_told("response.done")
        first.go_dark("reset")
        await second.wait_for(lambda: bool(second.records))
        send_text(client, "two")
        await client.until_told("response.done", 2)

        (told, *_) = [e for e in second.records[0].events if e["type"] == "session.update"]
        assert told["session"] == {
            "type": "realtime",
            "instructions": "Be brief.",
            "tools": [TOOL],
            "output_modalities": ["text"],
        }
        texts = [item.item["content"][0].get("text") for item in second.records[0].items]
        assert texts == ["one", "You said: one", "two"]
        first_ids = [m["item"]["id"] for m in client.told("conversation.item.added")]
        assert [item.item["id"] for item in second.records[0].items][:2] == first_ids[:2]
        obeys_the_dialect(client)
        client.close()


async def test_an_answer_cut_in_the_middle_is_carried_on_and_what_was_told_stays() -> None:
    options = EmulatorOptions(faults=["reset:delta=5@1"], speed=20)
    async with Emulator(options) as upstream, gateway(upstream.http_base) as gw:
        client = await dial(gw)
        update(client)
        send_text(client, "one two three four five six seven eight")
        await client.until_told("response.done", 2)

        cut, rest = (m["response"] for m in client.told("response.done"))
        assert (cut["status"], cut["status_details"]["error"]["type"]) == ("incomplete", "upstream_lost")
        assert rest["status"] == "completed"
        told = "".join(m["delta"] for m in client.told("response.output_audio_transcript.delta"))
        (item,) = cut["output"]
        heard = item["content"][0]["transcript"]
        assert item["status"] == "incomplete"
        assert told.startswith(heard)
        asked = [e for e in upstream.records[1].events if e["type"] == "response.create"]
        assert asked[-1]["response"]["metadata"]["holdfast_carry_on"].strip() == heard.strip()
        obeys_the_dialect(client)
        client.close()


async def test_who_commits_by_hand_decides_for_itself_after_a_cut_answer() -> None:
    options = EmulatorOptions(faults=["reset:delta=3@1"], speed=20, keep_audio=True)
    async with Emulator(options) as upstream, gateway(upstream.http_base) as gw:
        client = await dial(gw)
        update(client, audio={"input": {"turn_detection": None}})
        await client.until_told("session.updated")
        send_audio(client, tone(0.5))
        client.say("input_audio_buffer.commit")
        client.say("response.create")
        await client.until_told("response.done")
        await upstream.wait_for(lambda: len(upstream.records) > 1 and bool(upstream.records[1].items))
        await asyncio.sleep(0.1)
        assert len(client.told("response.created")) == 1

        send_audio(client, tone(0.4))
        client.say("input_audio_buffer.commit")
        client.say("response.create")
        await client.until_told("response.done", 2)

        assert [m["response"]["status"] for m in client.told("response.done")] == ["incomplete", "completed"]
        assert upstream.records[1].pcm == tone(0.4), "nothing that was committed is appended again"
        obeys_the_dialect(client)
        client.close()


async def test_what_is_said_while_there_is_no_upstream_is_not_lost() -> None:
    options, limits = EmulatorOptions(speed=40, keep_audio=True), Limits(dial_s=0.3)
    async with Emulator(options) as upstream, gateway(upstream.http_base, limits=limits) as gw:
        client = await dial(gw)
        update(client)
        await client.until_told("session.updated")
        upstream.go_dark("reset")
        await upstream.wait_for(lambda: bool(upstream.attempts) and not upstream.open_sessions)
        send_audio(client, SPEECH)
        await asyncio.sleep(0.2)
        upstream.come_back()
        await client.until(lambda: answers(client) >= 1)

        assert heard_whole(upstream, SPEECH)
        assert not client.told("error")
        obeys_the_dialect(client)
        client.close()


async def test_settings_and_results_that_come_while_there_is_no_upstream_are_answered_once() -> None:
    async with Emulator(EmulatorOptions(speed=0)) as upstream, gateway(upstream.http_base) as gw:
        client = await dial(gw)
        update(client, tools=[TOOL])
        await client.until_told("session.updated")
        calls = ("call_one", "call_two")
        for call_id in calls:
            call = {"type": "function_call", "call_id": call_id, "name": "balance", "arguments": "{}"}
            client.say("conversation.item.create", item=call)
        await client.until_told("conversation.item.done", 2)
        upstream.go_dark()
        update(client, "settings", instructions="Be brief.")
        update(client, "wrong", output_modalities=["smell"])
        for call_id in calls:
            output = {"type": "function_call_output", "call_id": call_id, "output": "nine euros"}
            client.say("conversation.item.create", event_id=f"output-{call_id}", item=output)
            client.say(
                "response.create", event_id=f"answer-{call_id}", response={"metadata": {"of": call_id}}
            )
        upstream.come_back()
        await client.until(lambda: len(client.told("response.created")) + len(client.told("error")) == 3)
        await client.until(lambda: not running(client))

        assert [m["session"]["instructions"] for m in client.told("session.updated")][1:] == ["Be brief."]
        added = [m["item"].get("call_id") for m in client.told("conversation.item.added")]
        assert [one for one in added if one in calls] == [*calls, *calls]
        errors = {m["error"]["event_id"]: m["error"]["param"] for m in client.told("error")}
        assert errors.pop("wrong") == "session.output_modalities[0]"
        answered = [m["response"]["metadata"]["of"] for m in client.told("response.created")]
        assert len(answered) + len(errors) == len(calls)
        assert answered[0] == "call_one"
        obeys_the_dialect(client)
        client.close()


async def test_audio_cut_inside_a_sample_is_heard_as_it_was_spoken_by_a_fresh_upstream() -> None:
    options = EmulatorOptions(speed=0, keep_audio=True)
    async with Emulator(options) as upstream, gateway(upstream.http_base) as gw:
        client = await dial(gw)
        update(client, audio={"input": {"turn_detection": None}})
        await client.until_told("session.updated")
        spoken = tone(0.5)
        pieces = [spoken[at : at + 961] for at in range(0, len(spoken), 961)]
        for number, piece in enumerate(pieces):
            client.say("input_audio_buffer.append", audio=base64.b64encode(piece).decode())
            if number == 6:
                client.say("input_audio_buffer.commit")
                client.say("response.create", response={"output_modalities": ["text"]})
                await client.until_told("response.done")
        await upstream.wait_for(lambda: upstream.records[0].audio_bytes >= len(spoken) - 1)
        upstream.kill()
        await upstream.wait_for(lambda: len(upstream.records) == 2)
        client.say("input_audio_buffer.commit")
        await client.until_told("input_audio_buffer.committed", 2)

        heard = bytes(upstream.records[1].pcm)
        assert heard[2:] == spoken[7 * 961 + 1 :], "it begins with half a sample, and goes on with whole ones"
        client.close()


async def test_without_any_upstream_it_ends_by_name_with_a_hint() -> None:
    limits = Limits(recovery_budget_s=1.2)
    async with (
        Emulator(EmulatorOptions(speed=2)) as upstream,
        gateway(upstream.http_base, limits=limits) as gw,
    ):
        client = await dial(gw)
        update(client)
        send_text(client, "one two three four five six")
        await client.until_told("response.output_audio.delta")
        upstream.go_dark()
        code, reason = await client.until_closed()

        error = client.texts[-1]
        assert code == 4503
        assert error["type"] == "error"
        assert reason == f"server_error.{error['error']['code']}"
        assert error["error"]["retry_after_ms"] > 0
        (done,) = client.told("response.done")
        assert done["response"]["status"] == "incomplete"


async def test_a_key_that_is_refused_is_not_tried_again() -> None:
    async with Emulator(EmulatorOptions(faults=["http:401"])) as upstream, gateway(upstream.http_base) as gw:
        client = await dial(gw)
        code, reason = await client.until_closed()

        assert reason == "server_error.configuration.invalid_api_key"
        assert code != 4503
        assert len(upstream.attempts) == 1


async def test_refused_settings_of_another_upstream_are_reduced() -> None:
    async with (
        Emulator() as first,
        Emulator(EmulatorOptions(faults=["reject:session.update,times=1"])) as second,
        gateway(first.http_base, second.http_base, limits=Limits(dial_s=0.3)) as gw,
    ):
        client = await dial(gw)
        update(client, instructions="Be brief.", tracing="auto")
        await client.until_told("session.updated")
        first.go_dark("reset")
        await second.wait_for(
            lambda: bool(second.records) and second.records[0].sent_counts["session.updated"] > 0
        )

        full, reduced = [e["session"] for e in second.records[0].events if e["type"] == "session.update"]
        assert full == {"type": "realtime", "instructions": "Be brief.", "tracing": "auto"}
        assert reduced == {"type": "realtime", "instructions": "Be brief."}
        assert not client.told("error")
        client.close()


async def test_an_errors_own_event_id_stays_the_clients() -> None:
    async with (
        Emulator(EmulatorOptions(faults=["reset:idle@1"])) as upstream,
        gateway(upstream.http_base) as gw,
    ):
        client = await dial(gw)
        update(client)
        await upstream.wait_for(lambda: len(upstream.records) > 1)
        client.say("no.such.event", event_id="mine")
        error = await client.until_told("error")

        assert error["error"]["event_id"] == "mine"
        assert len(client.told("error")) == 1
        client.close()


async def test_a_session_moves_before_its_end_without_a_gap() -> None:
    limits = Limits(rotate_look=0.3, rotate_force=0.9)
    options = EmulatorOptions(session_s=2, speed=40)
    async with Emulator(options) as upstream, gateway(upstream.http_base, limits=limits) as gw:
        client = await dial(gw)
        update(client)
        for number in range(12):
            send_text(client, "hello")
            await client.until_told("response.done", number + 1)
            await asyncio.sleep(0.25)

        assert len(upstream.records) >= 3
        assert {m["response"]["status"] for m in client.told("response.done")} == {"completed"}
        assert not client.told("error")
        assert all(record.closed_by != "emulator" for record in upstream.records)
        obeys_the_dialect(client)
        client.close()


async def test_a_cut_after_a_rebuild_reaches_the_fresh_upstream_as_fewer_words() -> None:
    async with Emulator(EmulatorOptions(speed=0)) as upstream, gateway(upstream.http_base) as gw:
        client = await dial(gw)
        update(client)
        send_text(client, "one two three four five six seven eight")
        await client.until_told("response.done")
        item_id = client.told("response.output_item.added")[0]["item"]["id"]
        upstream.break_now("reset")
        await upstream.wait_for(lambda: len(upstream.records) > 1 and len(upstream.records[1].items) == 2)

        client.say("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=1000)
        cut = await client.until_told("conversation.item.truncated")
        await upstream.wait_for(lambda: len(upstream.records[1].items) == 3)

        assert (cut["item_id"], cut["audio_end_ms"]) == (item_id, 1000)
        whole, shorter = (item.item["content"][0]["text"] for item in list(upstream.records[1].items)[1:])
        assert whole.startswith(shorter)
        assert len(shorter) < len(whole) / 2
        assert not client.told("conversation.item.deleted")
        client.close()


async def test_the_official_client_survives_an_upstream_that_dies_in_mid_answer() -> None:
    options = EmulatorOptions(faults=["reset:delta=4@1"], speed=20)
    async with Emulator(options) as upstream, gateway(upstream.http_base) as gw:
        sdk = AsyncOpenAI(base_url=gw.realtime_base, api_key="anything")
        spoken: dict[str, int] = {}
        statuses: list[str] = []
        async with sdk.realtime.connect(model="gpt-realtime-2.1") as connection, asyncio.timeout(10):
            await connection.session.update(session={"type": "realtime"})
            for number in range(0, len(SPEECH), 960):
                frame = SPEECH[number : number + 960]
                await connection.input_audio_buffer.append(audio=base64.b64encode(frame).decode())
            async for event in connection:
                assert event.type != "error"
                if event.type == "response.output_audio.delta":
                    spoken[event.response_id] = spoken.get(event.response_id, 0) + 1
                if event.type == "response.done":
                    statuses.append(str(event.response.status))
                if statuses[-1:] == ["completed"]:
                    break
        await sdk.close()

        assert statuses == ["incomplete", "completed"]
        assert len(spoken) == 2
        assert len(upstream.records) == 2


async def test_a_client_that_is_not_read_goes_on_being_read_when_its_slow_upstream_dies() -> None:
    options = EmulatorOptions(faults=["slow-reader:1000:created@1"], keep_audio=True)
    limits = Limits(upstream_outbox_bytes=16_000, input_replayed_s=60.0, input_held_s=60.0)
    async with Emulator(options) as upstream, gateway(upstream.http_base, limits=limits) as gw:
        client = await dial(gw)
        await client.until_told("session.created")
        spoken = tone(30.0)
        send_audio(client, spoken)
        await asyncio.sleep(0.5)
        upstream.break_now("reset")
        send_text(client, "hello")
        await client.until_told("response.created")

        assert upstream.records[-1].received_counts["response.create"] == 1
        client.close()


async def test_completed_responses_are_those_of_a_session_without_a_fault() -> None:
    async def run(faults: list[str]) -> list[str]:
        options = EmulatorOptions(faults=faults, speed=0)
        async with Emulator(options) as upstream, gateway(upstream.http_base) as gw:
            client: Client = await dial(gw)
            await converse(client)
            items = [item for one in completed(client) for item in one["output"]]
            client.close()
            return ["".join(part["transcript"] for part in item.get("content", ())) for item in items]

    assert await run(["reset:idle@1"]) == await run([])
