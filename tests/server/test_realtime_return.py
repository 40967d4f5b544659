"""A client of `/v1/realtime` that asked to be able to come back: what it missed, in order and once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from holdfast.core.limits import Limits
from holdfast.emulator import Emulator, EmulatorOptions
from tests.server.gateway import Client, TestGateway, eventually, gateway
from tests.server.realtime_client import dial, obeys_the_dialect, send_text, update

RESUMED = "holdfast.resumed"


async def begin(gw: TestGateway, **kwargs: Any) -> Client:
    client = await dial(gw, "" if kwargs else "&holdfast_resume=1", **kwargs)
    await client.until_told("holdfast.session")
    return client


def wish(client: Client, received: int | None = None) -> dict[str, Any]:
    """What a client needs to come back: its session, its token, and how much it has."""
    session = client.told("holdfast.session")[0]
    count = len(client.texts) if received is None else received
    return {**session, "received": count}


async def back(gw: TestGateway, wanted: dict[str, Any], *, by_subprotocol: bool = False) -> Client:
    query = f"&holdfast_resume={wanted['session_id']}&holdfast_received={wanted['received']}"
    query += f"&holdfast_epoch={wanted['epoch']}"
    token = wanted["resume_token"]
    headers = {"Holdfast-Resume-Token": token}
    if by_subprotocol:
        headers = {"Sec-WebSocket-Protocol": f"realtime, holdfast-resume-token.{token}"}
    return await dial(gw, query, extra_headers=headers)


async def test_who_does_not_ask_is_told_nothing_of_ours() -> None:
    async with (
        Emulator(EmulatorOptions(faults=["reset:idle@1"])) as upstream,
        gateway(upstream.http_base) as gw,
    ):
        client = await dial(gw)
        update(client)
        await upstream.wait_for(lambda: len(upstream.records) > 1)
        client.say("holdfast.ack", received=1)
        await client.until_told("error")

        assert not [m for m in client.texts if m["type"].startswith("holdfast.")]
        client.close()
        await eventually(lambda: len(gw.directory) == 0)


@pytest.mark.parametrize("asks", [{}, {"extra_headers": {"Holdfast-Resume": "1"}}])
async def test_it_is_told_its_session_after_the_upstreams(asks: dict[str, Any]) -> None:
    async with Emulator() as upstream, gateway(upstream.http_base) as gw:
        client = await begin(gw, **asks)

        assert [m["type"] for m in client.texts] == ["session.created", "holdfast.session"]
        assert set(client.texts[1]) == {"type", "event_id", "session_id", "resume_token", "epoch"}
        client.close()


@pytest.mark.parametrize("by_subprotocol", [False, True])
async def test_what_was_missed_comes_in_order_and_once(by_subprotocol: bool) -> None:  # noqa: FBT001 - a parameter of the test
    async with Emulator(EmulatorOptions(speed=5)) as upstream, gateway(upstream.http_base) as gw:
        first = await begin(gw)
        update(first)
        send_text(first, "one two three four five six seven eight")
        await first.until(lambda: len(first.told("response.output_audio.delta")) >= 3)
        first.transport.disconnect(graceful=False)
        await asyncio.sleep(0.3)
        second = await back(gw, wish(first), by_subprotocol=by_subprotocol)
        await second.until_told("response.done")

        resumed = second.texts.pop(0)
        assert resumed["type"] == RESUMED
        assert resumed["recovered"]
        assert resumed["received"] == len(first.texts)
        first.texts += second.texts
        obeys_the_dialect(first)
        assert first.told("response.done")[0]["response"]["status"] == "completed"
        assert len(upstream.records) == 1
        second.close()


async def test_it_may_drop_several_times_and_its_token_is_renewed() -> None:
    async with Emulator(EmulatorOptions(speed=2)) as upstream, gateway(upstream.http_base) as gw:
        client = await begin(gw)
        update(client)
        send_text(client, "one two three four five six seven eight nine ten")
        wanted, told = wish(client), list(client.texts)
        for _ in range(4):
            client.transport.disconnect(graceful=False)
            client = await back(gw, wanted)
            resumed = await client.until_told(RESUMED)
            assert resumed["recovered"]
            await asyncio.sleep(0.1)
            told += client.texts[1:]
            wanted |= {"resume_token": resumed["resume_token"], "received": len(told)}
        before = len(client.texts)
        await client.until_told("response.done")
        told += client.texts[before:]

        client.texts = told
        obeys_the_dialect(client)
        client.close()


async def test_a_second_socket_replaces_the_first() -> None:
    async with Emulator() as upstream, gateway(upstream.http_base) as gw:
        first = await begin(gw)
        second = await back(gw, wish(first))
        await second.until_told(RESUMED)

        assert (await first.until_closed())[0] == 4409
        send_text(second, "hello")
        await second.until_told("response.done")
        assert len(gw.directory) == 1
        second.close()


async def test_a_wrong_token_and_no_session_are_refused_alike_and_a_strangers_too() -> None:
    async with Emulator() as upstream, gateway(upstream.http_base) as gw:
        first = await begin(gw)
        browser = await Client.connect(gw.browser_url)
        browser.say("create_session")
        created = await browser.until_told("session_created")
        other = {"session_id": created["sessionId"], "resume_token": created["resumeToken"]}
        closes = []
        for change in ({"resume_token": "wrong"}, {"session_id": "rt_nobody"}, other):
            second = await back(gw, wish(first) | change)
            closes.append(await second.until_closed())
            assert second.texts[-1]["type"] == "error"
        assert closes[0] == closes[1] == (4404, "invalid_request_error.application.unknown_session")
        assert closes[2] == (4403, "invalid_request_error.application.not_authorized"), (
            "another customer's, with a valid token"
        )
        send_text(first, "hello")
        await first.until_told("response.done")
        first.close()
        browser.close()


async def test_a_session_of_this_face_is_none_of_the_browser_protocol() -> None:
    async with Emulator() as upstream, gateway(upstream.http_base) as gw:
        first = await begin(gw)
        session = wish(first)
        browser = await Client.connect(gw.browser_url)
        browser.say("resume_session", sessionId=session["session_id"], resumeToken=session["resume_token"])
        await browser.until(lambda: browser.closed is not None or bool(browser.told("error")))

        assert not [m for m in browser.texts if m["type"].startswith(("holdfast.", "response."))]
        first.close()
        browser.close()


async def test_more_than_the_window_holds_is_not_recovered_and_a_snapshot_is_given() -> None:
    limits = Limits(window_messages=10)
    async with (
        Emulator(EmulatorOptions(speed=0)) as upstream,
        gateway(upstream.http_base, limits=limits) as gw,
    ):
        first = await begin(gw)
        update(first)
        send_text(first, "one two three")
        await first.until_told("response.done")
        first.transport.disconnect(graceful=False)
        second = await back(gw, wish(first, received=3))
        resumed = await second.until_told(RESUMED)

        assert not resumed["recovered"]
        assert resumed["received"] >= len(first.texts)
        assert [item["text"] for item in resumed["snapshot"]["items"]] == [
            "one two three",
            "You said: one two three",
        ]
        send_text(second, "four")
        await second.until_told("response.done")
        second.close()


async def test_acknowledged_messages_make_room() -> None:
    limits = Limits(window_messages=40)
    async with (
        Emulator(EmulatorOptions(speed=0)) as upstream,
        gateway(upstream.http_base, limits=limits) as gw,
    ):
        first = await begin(gw)
        update(first)
        for number in range(5):
            send_text(first, "one")
            await first.until_told("response.done", number + 1)
            await first.until_told("rate_limits.updated", number + 1)
            first.say("holdfast.ack", received=len(first.texts))
        first.say("input_audio_buffer.clear")
        await first.until_told("input_audio_buffer.cleared")
        first.transport.disconnect(graceful=False)
        second = await back(gw, wish(first))

        assert (await second.until_told(RESUMED))["recovered"]
        second.close()


async def test_a_client_away_for_long_costs_no_upstream_and_finds_its_conversation_again() -> None:
    limits = Limits(upstream_alone_s=0.1)
    async with (
        Emulator(EmulatorOptions(speed=0)) as upstream,
        gateway(upstream.http_base, limits=limits) as gw,
    ):
        first = await begin(gw)
        update(first, instructions="Be brief.")
        send_text(first, "one")
        await first.until_told("rate_limits.updated")
        first.transport.disconnect(graceful=False)
        await upstream.wait_for(lambda: not upstream.open_sessions)
        second = await back(gw, wish(first))
        resumed = await second.until_told(RESUMED)
        send_text(second, "two")
        await second.until_told("response.done")

        assert resumed["recovered"]
        assert resumed["context_restored"] == "text_only"
        assert [item.item["content"][0]["text"] for item in upstream.records[1].items] == [
            "one",
            "You said: one",
            "two",
        ]
        second.close()


async def test_nobody_who_comes_back_in_time_ends_it_and_one_who_says_goodbye_at_once() -> None:
    limits = Limits(resume_window_s=0.2)
    async with Emulator() as upstream, gateway(upstream.http_base, limits=limits) as gw:
        first = await begin(gw)
        first.transport.disconnect(graceful=False)
        await eventually(lambda: len(gw.directory) == 0)
        second = await begin(gw)
        second.close()
        await eventually(lambda: len(gw.directory) == 0)
        await upstream.wait_for(lambda: not upstream.open_sessions)

        third = await back(gw, wish(first))
        assert (await third.until_closed())[1] == "invalid_request_error.application.unknown_session"


async def test_trouble_that_lasts_is_told_to_those_who_asked() -> None:
    limits = Limits(recovering_told_s=0.05)
    async with Emulator() as upstream, gateway(upstream.http_base, limits=limits) as gw:
        client = await begin(gw)
        update(client)
        await client.until_told("session.updated")
        upstream.go_dark()
        told = await client.until_told("holdfast.status")
        assert told["state"] == "recovering"
        upstream.come_back()
        assert (await client.until_told("holdfast.status", 2))["state"] == "live"
        client.close()
