"""The console over HTTP: what happens is seen within a second; who may look; what may be taken along."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from holdfast.auth import hash_key
from holdfast.flight import SUFFIX, read
from holdfast.server.console.overview import flow_of
from holdfast.telemetry import configure
from tests.server.desk import ROOT, SECRET, conversation, desk, watching
from tests.server.gateway import Client, frames, tone

KEY = "hf_an-operator's-key"
KEYED: dict[str, dict[str, Any]] = {"console": {"keys": [hash_key(KEY)]}}


async def test_a_session_is_seen_from_its_beginning_to_its_end(tmp_path: Path) -> None:
    async with desk(tmp_path) as (url, _, _), watching(url) as operator:
        assert operator.heard[0][1]["rows"] == []
        client, session = await conversation(url)
        await operator.until(lambda: operator.rows.get(session, {}).get("state") == "live")
        row = operator.rows[session]
        for frame in frames(tone(2.0)):
            client.send_binary(frame)
        await operator.until(lambda: operator.rows[session]["lastIn_ms"] == 0)
        client.say("end_session")
        await client.until_closed()
        await operator.until(lambda: operator.rows[session]["state"] == "ended")

    assert (row["source"], row["customer"][1], row["upstream"]["name"]) == ("browser", "…", "openai")
    assert row["health"]["upstream"] == "good"
    assert operator.rows[session]["why"] == "Ended by its user."


async def test_three_faults_are_seen_within_a_second_with_party_and_code(tmp_path: Path) -> None:
    async with desk(tmp_path) as (url, emulator, _), watching(url) as operator:
        client, session = await conversation(url)
        injected: list[tuple[str, float]] = []

        async def meet(code: str, inject: Callable[[], Any], state: str) -> None:
            injected.append((code, time.monotonic()))
            inject()
            await operator.until(lambda: any(one["code"] == code for _, one in operator.faults))
            await operator.until(lambda: operator.rows[session]["state"] == state)

        await meet("provider.connection_lost", emulator.kill, "live")
        await meet("provider.server_error", lambda: emulator.break_now("close:1011:idle"), "live")
        await meet("user_network.connection_lost", client.transport.disconnect, "away")
        seen_at = {one["code"]: (at, one) for at, one in operator.faults}
        async with httpx.AsyncClient() as http:
            document = (await http.get(f"{url}{ROOT}/sessions/{session}")).json()
            why = (await http.get(f"{url}{ROOT}/sessions/{session}/explain")).json()

    late = {code: seen_at[code][0] - at for code, at in injected}
    assert max(late.values()) < 1.0, late
    assert {code: one["party"] for code, (_, one) in seen_at.items()} == {
        "provider.connection_lost": "provider",
        "provider.server_error": "provider",
        "user_network.connection_lost": "user_network",
    }
    assert {one["session"] for _, one in operator.faults} == {session}
    kinds = [one["kind"] for one in document["timeline"]]
    assert kinds.count("fault") == 3
    assert kinds.count("rebuilt") == 2
    assert len(document["providerSessions"]) == 3
    assert {one["code"] for one in why["ranked"]} == set(late)


async def test_a_relayed_conversation_is_seen_as_well(tmp_path: Path) -> None:
    async with desk(tmp_path) as (url, emulator, _), watching(url) as operator:
        client = await Client.connect(f"{url.replace('http', 'ws')}/v1/realtime?model=gpt-realtime-2.1")
        await client.until_told("session.created")
        await operator.until(lambda: any(row["state"] == "live" for row in operator.rows.values()))
        emulator.kill()
        await operator.until(lambda: operator.faults)

    (row,) = operator.rows.values()
    assert row["source"] == "realtime"
    assert operator.faults[0][1]["code"] == "provider.connection_lost"


async def test_what_a_conversation_costs_is_seen_while_it_goes_on(tmp_path: Path) -> None:
    async with desk(tmp_path) as (url, _, _), watching(url) as operator:
        client, session = await conversation(url)
        client.say("input_text", text="What do I owe?")
        await client.until_told("response_done")
        await operator.until(lambda: operator.rows.get(session, {}).get("cost_usd"))
        cost = [told["cost"] for _, told in operator.heard if told.get("cost")][-1]
        async with httpx.AsyncClient() as http:
            document = (await http.get(f"{url}{ROOT}/sessions/{session}")).json()
        client.say("end_session")
        await client.until_closed()

    assert cost["today"] == document["cost"]["total_usd"] == operator.rows[session]["cost_usd"]
    assert cost["currency"] == "USD"
    assert document["turns"][0]["cost_usd"] == document["cost"]["total_usd"]


async def test_what_only_the_page_can_find_is_seen_and_ends_nothing(tmp_path: Path) -> None:
    async with desk(tmp_path) as (url, _, _), watching(url) as operator:
        client, session = await conversation(url)
        client.say("report", fault="user_device.speaker_locked", underruns=7, blocked=True)
        await operator.until(lambda: operator.faults)
        row = operator.rows[session]
        client.say("input_text", text="Are you there?")
        await client.until_told("response_done")
        client.say("end_session")
        await client.until_closed()

    (_, met), *_ = operator.faults
    assert (met["code"], met["party"]) == ("user_device.speaker_locked", "user_device")
    assert (row["health"]["speaker"], row["attention"]) == ("bad", 75)
    assert not client.told("error")


async def test_the_kernel_is_asked_how_far_away_a_client_is(tmp_path: Path) -> None:
    async with desk(tmp_path) as (url, _, gateway):
        client, session = await conversation(url)
        for frame in frames(bytes(48_000)):
            client.send_binary(frame)
        await client.until_told("audio_received")
        found = [flow_of(one, asks_trip=True) for one in gateway.directory.running]
        client.say("end_session")
        await client.until_closed()

    (flow,) = found
    assert flow is not None
    assert (flow.session, flow.came, flow.is_silent) == (session, 24_000, True)
    assert flow.rtt_ms is not None
    assert 0 < flow.rtt_ms < 200


# what may be taken along


CANARIES = (SECRET, KEY, "4111 1111 1111 1111", "a-canary-sentence", "C-4711-canary", "Canary Customer")


async def test_a_bundle_has_no_secret_and_no_word_of_anybody(tmp_path: Path) -> None:
    logs = configure(stream=io.StringIO(), secrets=[SECRET])
    async with desk(tmp_path, **KEYED) as (url, emulator, _):
        client, session = await conversation(url, instructions="a-canary-sentence")
        client.say("input_text", text="a-canary-sentence: my card is 4111 1111 1111 1111")
        await client.until_told("response_done")
        emulator.kill()
        bearer = {"Authorization": f"Bearer {KEY}"}
        async with watching(url, **bearer) as operator:
            await operator.until(lambda: operator.faults and operator.rows[session]["state"] == "live")
        async with httpx.AsyncClient(base_url=url, headers=bearer) as http:
            answer = await http.get(f"{ROOT}/sessions/{session}/bundle")
            document = await http.get(f"{ROOT}/sessions/{session}")
            alone = await http.get(f"{ROOT}/sessions/{session}/recording")
    logs.close()
    packed = zipfile.ZipFile(io.BytesIO(answer.content))
    flight = packed.read(f"recording{SUFFIX}")
    files = {name: packed.read(name).decode() for name in packed.namelist() if not name.endswith(SUFFIX)}
    files["recording"] = gzip.decompress(flight).decode()
    token = client.told("session_created")[0]["resumeToken"]
    told = [*files.values(), document.text]

    assert answer.headers["content-disposition"] == f'attachment; filename="holdfast-{session}.zip"'
    assert {"session.json", "explanation.txt", "settings.json", "versions.json", "log.jsonl"} <= set(files)
    assert [name for name in (*CANARIES, token) if any(name in text for text in told)] == []
    assert json.loads(files["session.json"])["row"]["id"] == session
    assert json.loads(files["session.json"])["hasRecording"]
    assert read(flight).header.session == session
    assert read(alone.content).header.session == session
    assert alone.headers["content-disposition"].endswith(f'"{session}-recording{SUFFIX}"')
    assert "provider.connection_lost" in files["explanation.txt"]
    assert "session.rebuilt" in files["log.jsonl"]
    assert all(json.loads(line)["metadata"]["session"] == session for line in files["log.jsonl"].splitlines())
    assert json.loads(files["settings.json"])["limits"]["console_watchers"] == 16
    assert "sha256:" not in files["settings.json"]


async def test_a_providers_id_stands_for_the_session_wherever_it_is_asked_for(tmp_path: Path) -> None:
    async with (
        desk(tmp_path, console={"may_act": True}) as (url, _, _),
        httpx.AsyncClient(base_url=url) as http,
    ):
        client, session = await conversation(url)
        (provider,) = (await http.get(f"{ROOT}/sessions/{session}")).json()["providerSessions"]
        answers = [await http.get(f"{ROOT}/sessions/{one}/bundle") for one in (session, provider)]
        names = [zipfile.ZipFile(io.BytesIO(one.content)).namelist() for one in answers]
        alone = await http.get(f"{ROOT}/sessions/{provider}/recording")
        csrf = (await http.get(f"{ROOT}/me")).json()["csrf"]
        ended = await http.post(f"{ROOT}/sessions/{provider}/end", headers={"X-CSRF-Token": csrf})
        await client.until_closed()

    assert names[0] == names[1]
    assert any(SUFFIX in name for name in names[1])
    assert (alone.status_code, ended.status_code) == (200, 202)
    assert alone.headers["content-disposition"].endswith(f'"{session}-recording{SUFFIX}"')
    assert ended.json() == {"session": session}


async def test_words_are_shown_where_that_is_wanted_and_never_taken_along(tmp_path: Path) -> None:
    tables: dict[str, dict[str, Any]] = {
        "console": {"show_words": True},
        "journal": {"kind": "sqlite", "database": str(tmp_path / "kept.sqlite3")},
    }
    async with desk(tmp_path, **tables) as (url, _, _), httpx.AsyncClient(base_url=url) as http:
        client, session = await conversation(url)
        client.say("input_text", text="a-canary-sentence, and my card is 4111 1111 1111 1111")
        await client.until_told("response_done")
        client.say("end_session")
        await client.until_closed()
        said: list[dict[str, Any]] = []
        async with asyncio.timeout(5):
            while len(said) < 2:
                said = (await http.get(f"{ROOT}/sessions/{session}")).json()["transcript"]
        bundle = (await http.get(f"{ROOT}/sessions/{session}/bundle")).content
    packed = zipfile.ZipFile(io.BytesIO(bundle))

    assert [one["who"] for one in said] == ["user", "assistant"]
    assert "a-canary-sentence" in said[0]["text"]
    assert "4111" not in said[0]["text"]
    assert all(b"canary" not in packed.read(name) for name in packed.namelist())


async def test_the_setup_is_checked_live(tmp_path: Path) -> None:
    async with desk(tmp_path) as (url, _, _), httpx.AsyncClient(base_url=url) as http:
        began = time.monotonic()
        first = (await http.get(f"{ROOT}/checks")).json()
        took = time.monotonic() - began
        again = (await http.get(f"{ROOT}/checks")).json()

    assert took < 2.0
    assert first == again
    assert {"id", "name", "status", "ms", "detail"} <= set(first["checks"][0])


async def test_many_consoles_cost_one_encoding(tmp_path: Path) -> None:
    async with desk(tmp_path) as (url, _, _), watching(url) as one, watching(url) as two:
        _, session = await conversation(url)
        for operator in (one, two):
            await operator.until(lambda seen=operator: session in seen.rows)  # type: ignore[misc]

    assert [told for _, told in one.heard[-1:]] == [told for _, told in two.heard[-1:]]
