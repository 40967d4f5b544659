"""The console over HTTP: what happens is seen within a second; who may look; what may be taken along."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from holdfast.auth import hash_key
from holdfast.core.limits import Limits
from holdfast.ledger import Batch, Climate
from holdfast.server.console import Feed
from holdfast.server.console.overview import Extras, flows
from holdfast.telemetry import configure
from tests.ledger.seeing import Seen
from tests.server.desk import ROOT, SECRET, Operator, desk, watching
from tests.server.gateway import Client, frames, tone

KEY = "hf_an-operator's-key"
KEYED: dict[str, dict[str, Any]] = {"console": {"keys": [hash_key(KEY)]}}
ROUTES = (
    *("stream", "faults", "checks", "sessions/hf_1", "sessions/hf_1/explain"),
    *("sessions/hf_1/bundle", "sessions/hf_1/recording"),
)


async def conversation(url: str, **options: Any) -> tuple[Client, str]:
    """A client whose upstream serves; the session's id."""
    client = await Client.connect(
        f"{url.replace('http', 'ws')}/api/openai/realtime", extra_headers={"Origin": url}
    )
    client.say("create_session", **options)
    created = await client.until_told("session_created")
    await client.until_told("session_ready")
    return client, str(created["sessionId"])


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
    assert operator.rows[session]["why"] == "Ended: ended_by_client."


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
        found = list(flows(gateway.directory))
        client.say("end_session")
        await client.until_closed()

    (flow,) = found
    assert (flow.session, flow.came, flow.is_silent) == (session, 24_000, True)
    assert flow.rtt_ms is not None
    assert 0 < flow.rtt_ms < 200


# the stream


class Idle:
    """An overview without processes."""

    workers = 1

    def __init__(self) -> None:
        self.book = Seen()
        self.cursor = 0
        self.watched: list[bool] = []

    def climate(self) -> Climate:
        return Climate()

    def watch(self, told: Callable[[], None] | None) -> None:
        self.watched.append(told is not None)
        self.cursor = 0

    def news(self) -> list[tuple[int, Batch | None]]:
        batch = self.book.collect(self.cursor)
        self.cursor = batch.cursor
        return [(0, batch)]

    async def all_told(self) -> None:
        """It tells when it is asked."""

    async def document(self, session_id: str) -> dict[str, Any] | None:
        return None

    async def extras(self, session_id: str) -> Extras:
        return Extras()


def kinds(events: list[bytes]) -> list[str]:
    return [event.split(b"\n", 1)[0].decode().removeprefix("event: ") for event in events]


async def test_a_watcher_that_does_not_read_starts_over(tmp_path: Path) -> None:
    overview = Idle()
    feed = Feed(overview, Limits(console_stream_messages=3), dict)
    slow, quick = feed.join(), feed.join()
    assert slow is not None
    assert quick is not None
    heard: list[bytes] = []
    for number in range(6):
        overview.book.session(f"hf_{number}")
        feed.look()
        heard += list(quick._waiting)
        quick._waiting.clear()
    waiting = list(slow._waiting)
    feed.close()

    assert kinds(heard) == ["snapshot", *["changes"] * 6]
    assert len(waiting) <= 3
    assert kinds(waiting)[0] == "snapshot"
    rows = [row["id"] for row in json.loads(waiting[0].split(b"data: ", 1)[1])["rows"]]
    assert len(rows) + len(waiting) - 1 == 6


async def test_nothing_is_done_while_nobody_watches() -> None:
    overview = Idle()
    feed = Feed(overview, Limits(), dict)
    watcher = feed.join()
    assert watcher is not None
    feed.leave(watcher)

    assert overview.watched == [True, False]
    assert feed._handle is None


async def test_who_goes_before_the_first_event_takes_no_place(tmp_path: Path) -> None:
    async with desk(tmp_path) as (url, _, gateway):
        host, _, port = url.removeprefix("http://").partition(":")
        for _ in range(20):
            _, writer = await asyncio.open_connection(host, int(port))
            writer.write(f"GET {ROOT}/stream HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
            writer.transport.abort()
        async with watching(url) as operator:
            await operator.until(lambda: gateway.desk.feed.watchers == 1)


async def test_watchers_are_bounded(tmp_path: Path) -> None:
    async with desk(tmp_path, limits={"console_watchers": 1}) as (url, _, _):
        async with watching(url), httpx.AsyncClient() as http:
            refused = await http.get(f"{url}{ROOT}/stream")
        async with watching(url) as operator:  # the place is free again
            kind = operator.heard[0][0]

    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "TOO_MANY_WATCHERS")
    assert kind == "snapshot"


async def test_a_quiet_stream_has_a_heartbeat_and_says_goodbye(tmp_path: Path) -> None:
    async with contextlib.AsyncExitStack() as longer:
        async with desk(tmp_path) as (url, _, _):
            operator = await longer.enter_async_context(watching(url))
            await operator.until(lambda: len(operator.heard) >= 3, seconds=4.0)
        beats = [told for _, told in operator.heard[1:]]

    assert kinds_of(operator)[1:3] == ["changes", "changes"]
    assert beats[1]["at"] - beats[0]["at"] < 1_300
    assert beats[0]["gateway"]["state"] == "serving"
    assert operator.heard[-1] == ("bye", {"reason": "draining"})


def kinds_of(operator: Operator) -> list[str]:
    return [kind for kind, _ in operator.heard]


# who may look


@pytest.mark.parametrize("route", ROUTES)
async def test_where_something_asks_for_credentials_the_console_is_closed_without_keys(
    tmp_path: Path, route: str
) -> None:
    key = "hf_of-a-backend"
    async with (
        desk(tmp_path, auth={"client_keys": [hash_key(key)]}) as (url, _, _),
        httpx.AsyncClient(base_url=url) as http,
    ):
        answer = await http.get(f"{ROOT}/{route}")
        with_client_key = await http.get(f"{ROOT}/{route}", headers={"Authorization": f"Bearer {key}"})

    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "CONSOLE_CLOSED")
    assert with_client_key.status_code == 403


@pytest.mark.parametrize("route", ROUTES)
async def test_with_keys_one_is_asked_for_on_this_machine_too(tmp_path: Path, route: str) -> None:
    headers = [
        {},
        {"Authorization": "Bearer hf_wrong"},
        {"Cookie": "holdfast-operator=forged"},
        {"Cookie": "holdfast-operator=a; holdfast-operator=b"},
    ]
    async with desk(tmp_path, **KEYED) as (url, _, _), httpx.AsyncClient(base_url=url) as http:
        answers = [await http.get(f"{ROOT}/{route}", headers=one) for one in headers]

    assert [one.status_code for one in answers] == [401] * 4


async def test_an_operator_signs_in_and_out(tmp_path: Path) -> None:
    async with desk(tmp_path, **KEYED) as (url, _, _):
        async with httpx.AsyncClient(base_url=url, headers={"Origin": url}) as http:
            before = (await http.get(f"{ROOT}/me")).json()
            wrong = await http.post(f"{ROOT}/sign-in", json={"key": "hf_wrong"})
            right = await http.post(f"{ROOT}/sign-in", json={"key": KEY})
            me = (await http.get(f"{ROOT}/me")).json()
            seen = await http.get(f"{ROOT}/faults")
            await http.post(f"{ROOT}/sign-out")
            after = await http.get(f"{ROOT}/faults")
        async with httpx.AsyncClient(base_url=url) as tool:
            by_header = await tool.get(f"{ROOT}/faults", headers={"Authorization": f"Bearer {KEY}"})

    assert (before["signedIn"], before["needsKey"], before["csrf"]) == (False, True, "")
    assert (wrong.status_code, right.status_code, seen.status_code) == (401, 204, 200)
    cookie = right.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert KEY not in cookie
    assert (me["signedIn"], me["mayAct"], bool(me["csrf"])) == (True, False, True)
    assert (after.status_code, by_header.status_code) == (401, 200)


async def test_guessing_keys_is_slowed_down(tmp_path: Path) -> None:
    async with desk(tmp_path, **KEYED) as (url, _, _), httpx.AsyncClient(base_url=url) as http:
        tries = [await http.post(f"{ROOT}/sign-in", json={"key": f"hf_{n}"}) for n in range(12)]
        codes = [one.status_code for one in tries]

    assert codes[:10] == [401] * 10
    assert codes[-1] == 429


@pytest.mark.parametrize(
    "attack",
    [
        {"Origin": "https://evil.example"},
        {"Host": "attacker.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=str,
)
async def test_other_pages_are_not_answered(tmp_path: Path, attack: dict[str, str]) -> None:
    async with desk(tmp_path) as (url, _, _), httpx.AsyncClient(base_url=url) as http:
        answers = [await http.get(f"{ROOT}/{route}", headers=attack) for route in ROUTES]

    assert {one.status_code for one in answers} == {403}


async def test_a_session_that_is_not_known_is_not_found(tmp_path: Path) -> None:
    async with desk(tmp_path) as (url, _, _), httpx.AsyncClient(base_url=url) as http:
        answers = [await http.get(f"{ROOT}/{route}") for route in ROUTES if "sessions/" in route]

    assert {(one.status_code, one.json()["error"]["code"]) for one in answers} == {(404, "NOT_FOUND")}


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
    logs.close()
    packed = zipfile.ZipFile(io.BytesIO(answer.content))
    files = {name: packed.read(name).decode() for name in packed.namelist()}
    token = client.told("session_created")[0]["resumeToken"]
    told = [*files.values(), document.text]

    assert answer.headers["content-disposition"] == f'attachment; filename="holdfast-{session}.zip"'
    assert {"session.json", "explanation.txt", "settings.json", "versions.json", "log.jsonl"} <= set(files)
    assert [name for name in (*CANARIES, token) if any(name in text for text in told)] == []
    assert json.loads(files["session.json"])["row"]["id"] == session
    assert "provider.connection_lost" in files["explanation.txt"]
    assert "session.rebuilt" in files["log.jsonl"]
    assert all(json.loads(line)["metadata"]["session"] == session for line in files["log.jsonl"].splitlines())
    assert json.loads(files["settings.json"])["limits"]["console_watchers"] == 16
    assert "sha256:" not in files["settings.json"]


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
