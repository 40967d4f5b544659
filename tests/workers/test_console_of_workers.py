"""One console over two workers, as processes: rows, faults and documents from wherever the sessions are."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import time
import zipfile
from collections.abc import Iterator

import httpx
import pytest

from tests.server.desk import ROOT, watching
from tests.server.gateway import Client, eventually
from tests.workers.serving import Serving, serving

pytestmark = [pytest.mark.timeout(180), pytest.mark.alone]

SESSIONS = 4


@pytest.fixture(scope="module")
def gw(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("console"), HOLDFAST_CONSOLE__MAY_ACT="true") as one:
        yield one


async def talking(gw: Serving) -> tuple[Client, str]:
    client = await Client.connect(gw.browser_url)
    client.say("create_session")
    created = await client.until_told("session_created")
    await client.until_told("session_ready")
    return client, str(created["sessionId"])


async def test_sessions_of_all_workers_stand_in_one_console(gw: Serving) -> None:
    url = f"http://{gw.authority}"
    async with watching(url) as operator:
        talks = [await talking(gw) for _ in range(SESSIONS)]
        ids = {session for _, session in talks}
        await operator.until(lambda: ids <= set(operator.rows))
        began = time.monotonic()
        gw.upstream.kill()
        await operator.until(lambda: {one["session"] for _, one in operator.faults} >= ids)
        late = time.monotonic() - began
        numbers = [one["id"] for _, one in operator.faults]
        workers = {await gw.worker_of(session) for session in ids}
        async with httpx.AsyncClient(base_url=url) as http:
            documents = [(await http.get(f"{ROOT}/sessions/{session}")).json() for session in ids]
            bundle = await http.get(f"{ROOT}/sessions/{talks[0][1]}/bundle")
            missing = await http.get(f"{ROOT}/sessions/hf_nobody")
        gateway = operator.heard[-1][1]["gateway"]
        async with httpx.AsyncClient(base_url=url, headers={"Origin": url}) as http:
            token = {"X-CSRF-Token": (await http.get(f"{ROOT}/me")).json()["csrf"]}
            answers = [await http.post(f"{ROOT}/sessions/{one}/end", headers=token) for one in sorted(ids)]
        reasons = [(await client.until_told("session_ended"))["reason"] for client, _ in talks]
        for client, _ in talks:
            await client.until_closed()
        await operator.until(lambda: all(operator.rows[one]["state"] == "ended" for one in ids))

    assert [one.status_code for one in answers] == [202] * SESSIONS
    assert reasons == ["ended_by_operator"] * SESSIONS
    assert len(workers) == 2
    assert gateway["workers"] == 2
    assert {document["row"]["id"] for document in documents} == ids
    assert all(document["verdict"]["code"] == "provider.connection_lost" for document in documents)
    assert "log.jsonl" in zipfile.ZipFile(io.BytesIO(bundle.content)).namelist()
    assert missing.status_code == 404
    assert numbers == sorted(set(numbers))
    assert late < 1.5  # a worker tells once a second


async def test_a_worker_that_dies_takes_its_rows_along(gw: Serving) -> None:
    async with watching(f"http://{gw.authority}") as operator:
        lost, session = await talking(gw)
        await operator.until(lambda: session in operator.rows)
        os.kill(gw.pid_of(await gw.worker_of(session)), signal.SIGKILL)
        await operator.until(lambda: session not in operator.rows)
        await lost.until_closed()
        await eventually(lambda: len(gw.log("worker.ready")) >= 3, seconds=30)
        client, fresh = await talking(gw)
        await operator.until(lambda: fresh in operator.rows)
        client.transport.disconnect()
        await client.until_closed()


async def test_nobody_tells_while_nobody_watches(gw: Serving) -> None:
    url = f"http://{gw.authority}"
    async with watching(url):
        pass
    client, session = await talking(gw)
    async with httpx.AsyncClient(base_url=url) as http, asyncio.timeout(5):
        document = (await http.get(f"{ROOT}/sessions/{session}")).json()
        faults = (await http.get(f"{ROOT}/faults")).json()["faults"]
    async with watching(url) as operator:
        await operator.until(lambda: session in operator.rows)
    client.transport.disconnect()
    await client.until_closed()

    assert document["row"]["state"] == "live"
    assert {one["code"] for one in faults} >= {"provider.connection_lost"}
