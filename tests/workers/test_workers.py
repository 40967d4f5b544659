"""Two workers behind one port, as processes: clients find their sessions wherever those are."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from picows import WSInvalidStatusError
from prometheus_client.parser import text_string_to_metric_families

from tests.server.gateway import Client, eventually
from tests.server.realtime_client import send_text, update
from tests.server.test_return import handle
from tests.workers.serving import Serving, is_alive, serving
from tests.workers.test_first_words import frame

# three processes start, wherever there is a core
pytestmark = [pytest.mark.timeout(180), pytest.mark.alone]

PER_USER = 6
HANDSHAKE = (
    "GET /api/openai/realtime HTTP/1.1\r\nHost: {host}\r\nConnection: keep-alive, Upgrade\r\n"
    "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
)


@pytest.fixture(scope="module")
def gw(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    folder = tmp_path_factory.mktemp("workers")
    with serving(folder, HOLDFAST_LIMITS__SESSIONS_PER_USER=str(PER_USER)) as one:
        yield one


async def connected(gw: Serving) -> Client:
    async with asyncio.timeout(10):
        while True:
            try:
                return await Client.connect(gw.browser_url)
            except WSInvalidStatusError:  # who has just left is counted until his worker has told
                await asyncio.sleep(0.02)


async def talking(gw: Serving) -> Client:
    client = await connected(gw)
    client.say("create_session", framing="positioned")
    await client.until_told("session_ready", 1)
    return client


async def back(gw: Serving, wish: dict[str, Any]) -> Client:
    client = await connected(gw)
    client.say("resume_session", **wish)
    return client


async def gone(*clients: Client) -> None:
    for client in clients:
        client.say("end_session")
    for client in clients:
        await client.until_closed()


def id_of(client: Client) -> str:
    return str(client.told("session_created")[0]["sessionId"])


async def test_both_work_and_a_client_that_comes_back_finds_its_own(gw: Serving) -> None:
    clients = [await talking(gw) for _ in range(4)]
    for number, client in enumerate(clients):
        client.say("input_text", text=f"number {number}")
        await client.until_told("response_done")
    wishes = [handle(client) for client in clients]
    assert {await gw.worker_of(wish["sessionId"]) for wish in wishes} == {1, 2}

    for client in clients:
        client.transport.disconnect(graceful=False)
    # in the other order: whom the load alone would send where is another one
    returned = [await back(gw, wish) for wish in reversed(wishes)]
    for client in returned:
        resumed = await client.until_told("session_resumed")
        assert resumed["recovered"]
        assert resumed["contextRestored"] == "full"
    await gone(*returned)


async def test_one_scrape_shows_all_of_them(gw: Serving) -> None:
    clients = [await talking(gw) for _ in range(3)]
    workers = {await gw.worker_of(one.told("session_created")[0]["sessionId"]) for one in clients}
    assert workers == {1, 2}
    async with httpx.AsyncClient() as http:
        told = (await http.get(f"http://{gw.authority}/metrics")).text
    for client in clients:
        client.say("end_session")
        await client.until_closed()

    samples = [one for family in text_string_to_metric_families(told) for one in family.samples]

    def by_worker(name: str, **labels: str) -> dict[str, float]:
        found = [one for one in samples if one.name == name and labels.items() <= one.labels.items()]
        return {one.labels["worker"]: one.value for one in found}

    live = by_worker("holdfast_sessions", source="browser", state="live")
    assert set(live) == {"1", "2"}
    assert sum(live.values()) >= 3
    assert by_worker("holdfast_worker_up") == {"1": 1.0, "2": 1.0}
    assert set(by_worker("holdfast_build_info")) == {"front", "1", "2"}
    assert set(by_worker("holdfast_event_loop_lag_seconds_count")) == {"front", "1", "2"}
    assert set(by_worker("holdfast_buffer_used", buffer="sessions")) == {"front"}, "counted once"
    assert set(by_worker("holdfast_dials_total", upstream="openai", code="none")) == {"1", "2"}
    assert set(by_worker("process_resident_memory_bytes")) == {"front", "1", "2"}


async def test_a_worker_that_does_not_answer_is_said_to_be_missing(gw: Serving) -> None:
    pid = gw.pid_of(1)
    os.kill(pid, signal.SIGSTOP)
    try:
        async with httpx.AsyncClient(timeout=10) as http:
            told = (await http.get(f"http://{gw.authority}/metrics")).text
    finally:
        os.kill(pid, signal.SIGCONT)

    assert 'holdfast_worker_up{worker="1"} 0.0' in told
    assert 'holdfast_worker_up{worker="2"} 1.0' in told
    assert 'holdfast_build_info{version="' in told


async def test_a_relayed_conversation_is_found_by_its_address(gw: Serving) -> None:
    url = f"ws://{gw.authority}/v1/realtime?model=gpt-realtime-2.1"
    clients = [await Client.connect(f"{url}&holdfast_resume=1") for _ in range(2)]
    for client in clients:
        update(client)
        session = await client.until_told("holdfast.session")
        send_text(client, "hello")
        await client.until_told("response.done")
        received = len(client.texts)
        client.transport.disconnect(graceful=False)

        query = f"&holdfast_resume={session['session_id']}&holdfast_received={received}"
        query += f"&holdfast_epoch={session['epoch']}"
        headers = {"Holdfast-Resume-Token": session["resume_token"]}
        again = await Client.connect(url + query, extra_headers=headers)
        assert (await again.until_told("holdfast.resumed"))["recovered"]
        again.close()
        await again.until_closed()


async def test_limits_hold_over_all_and_who_is_away_makes_room(gw: Serving) -> None:
    clients = [await talking(gw) for _ in range(PER_USER)]
    with pytest.raises(WSInvalidStatusError, match="429"):
        await Client.connect(gw.browser_url)

    clients[0].transport.disconnect(graceful=False)
    await eventually(lambda: bool([x for x in gw.log("session.parked") if x["session"] == id_of(clients[0])]))
    await gone(await talking(gw))
    lost = await back(gw, handle(clients[0]))
    assert (await lost.until_told("error"))["code"] == "NO_SESSION_EXISTS"
    lost.close()
    await lost.until_closed()
    await gone(*clients[1:])


async def test_first_words_in_the_smallest_pieces(gw: Serving) -> None:
    clients = [await talking(gw) for _ in range(2)]  # one of each worker
    for client in clients:
        wish = handle(client)
        client.transport.disconnect(graceful=False)
        key = base64.b64encode(os.urandom(16)).decode()
        head = HANDSHAKE.format(host=gw.authority, key=key).encode()
        words = frame(json.dumps({"type": "resume_session", **wish}).encode())
        host, port = gw.authority.split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(head + frame(b"", 9) + words[:3])  # with the head, before there is an answer
        assert b"101 Switching" in await reader.readuntil(b"\r\n\r\n")
        for at in range(3, len(words)):
            writer.write(words[at : at + 1])
            if at % 40 == 0:
                await asyncio.sleep(0.001)
        answer = await asyncio.wait_for(reader.readuntil(b"session_resumed"), 5)
        assert answer.startswith(b"\x8a\x00"), "the ping is answered once, by whom it went to"
        assert answer.count(b"HTTP/1.1") == 0, "and the handshake only once"
        again = await back(gw, {**wish, "resumeToken": (await _rest(reader))["resumeToken"]})
        await again.until_told("session_resumed")
        writer.close()
        await writer.wait_closed()
        await gone(again)


async def _rest(reader: asyncio.StreamReader) -> dict[str, Any]:
    """What follows the type in the JSON of that message."""
    text = await reader.readuntil(b"}")
    told: dict[str, Any] = json.loads(b'{"type":"session_resumed' + text)
    return told


async def test_one_is_killed_and_the_other_does_not_notice(gw: Serving) -> None:
    clients = [await talking(gw) for _ in range(2)]
    clients[0].say("input_text", text="my name is Ada")
    await clients[0].until_told("response_done")
    hit = await gw.worker_of(id_of(clients[0]))
    assert hit != await gw.worker_of(id_of(clients[1]))
    wish = handle(clients[0])
    await asyncio.sleep(0.1)  # the journal's promise
    victim = gw.pid_of(hit)
    os.kill(victim, signal.SIGKILL)

    assert (await clients[0].until_closed())[0] == 1006
    again = await back(gw, wish)  # and waits for whoever has the dead one's journal
    await again.until(lambda: bool(again.told("session_resumed")), 30)
    assert again.told("session_resumed")[0]["contextRestored"] == "text_only"
    assert (await again.until_told("snapshot"))["items"][0]["text"] == "my name is Ada"
    await eventually(lambda: gw.pid_of(hit) != victim)
    assert [line["exit_code"] for line in gw.log("worker.lost")] == [-signal.SIGKILL]
    clients[1].say("input_text", text="are you there")
    await clients[1].until_told("response_done")
    async with httpx.AsyncClient(base_url=f"http://{gw.authority}") as http:
        ready = await http.get("/readyz")
    assert ready.status_code == 200, ready.text
    await gone(again, clients[1])


async def test_the_front_is_killed_and_nobody_is_left_over(gw: Serving) -> None:
    client = await talking(gw)
    workers = [gw.pid_of(1), gw.pid_of(2)]
    assert all(is_alive(pid) for pid in workers)
    gw.process.kill()

    assert (await client.until_closed())[0] == 1001
    await eventually(lambda: not any(is_alive(pid) for pid in workers), 10)


async def test_it_is_stopped_and_says_goodbye(tmp_path: Any) -> None:
    with serving(tmp_path) as gw:
        clients = [await talking(gw) for _ in range(2)]
        silent = await Client.connect(gw.browser_url)
        wish = handle(clients[0])
        gw.process.send_signal(signal.SIGTERM)
        for client in (*clients, silent):
            assert (await client.until_closed())[0] == 1001
        assert await asyncio.to_thread(gw.process.wait, 20) == 0
        assert gw.children() == []
        assert not clients[0].told("session_ended")
        assert len(gw.log("session.suspended")) == 2
        assert wish["sessionId"]
