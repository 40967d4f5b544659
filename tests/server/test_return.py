"""A client of the browser protocol comes back over a real socket: in order, once, and only if it may."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from holdfast.core.faults import fault
from holdfast.core.limits import Limits
from holdfast.emulator import Emulator, EmulatorOptions
from holdfast.runtime.session_runner import SessionRunner
from holdfast.store import Database, SqliteJournal
from tests.server.gateway import Client, TestGateway, eventually, frames, gateway, tone


def handle(client: Client) -> dict[str, Any]:
    """What `resume_session` needs, as the client knows it now."""
    source = (client.told("session_resumed") or client.told("session_created"))[-1]
    created = client.told("session_created")
    session_id = created[-1]["sessionId"] if created else ""
    numbered = [m["offset"] for m in client.texts if "offset" in m and m["type"] != "session_resumed"]
    return {
        "sessionId": session_id,
        "resumeToken": source["resumeToken"],
        "epoch": source["epoch"],
        "offset": max(numbered, default=0),
    }


async def talking(gw: TestGateway, **options: Any) -> Client:
    client = await Client.connect(gw.browser_url)
    client.say("create_session", framing="positioned", **options)
    await client.until_told("session_ready")
    return client


def send(client: Client, spoken: bytes, start: int = 0) -> None:
    at = start
    for frame in frames(spoken):
        client.send_binary(at.to_bytes(8, "little") + frame)
        at += len(frame) // 2


async def back(gw: TestGateway, wish: dict[str, Any]) -> Client:
    client = await Client.connect(gw.browser_url)
    client.say("resume_session", **wish)
    return client


async def test_what_was_said_during_an_absence_arrives_once_and_is_answered_once() -> None:
    async with Emulator(EmulatorOptions(speed=0)) as upstream, gateway(upstream.http_base) as gw:
        spoken = tone(1.0) + bytes(48_000)
        client = await talking(gw)
        send(client, spoken[:24_000])
        await upstream.wait_for(lambda: upstream.records[-1].audio_bytes == 24_000)
        wish = handle(client)
        client.transport.disconnect(graceful=False)

        again = await back(gw, wish)
        resumed = await again.until_told("session_resumed")
        assert resumed["recovered"]
        assert resumed["received"] == 12_000
        assert resumed["contextRestored"] == "full"
        send(again, spoken[12_000:], 6_000)  # a part of it twice: the client may not know what arrived
        await again.until_told("response_done")
        assert upstream.records[-1].audio_sha256 == hashlib.sha256(spoken).hexdigest()
        assert len(upstream.records) == 1
        assert len(again.told("response_done")) == 1
        again.close()


async def test_the_missed_tail_comes_in_order_and_once() -> None:
    async with Emulator(EmulatorOptions(speed=0)) as upstream, gateway(upstream.http_base) as gw:
        client = await talking(gw)
        wish = handle(client)
        client.say("input_text", text="tell me something")
        await client.until_told("response_done")
        binaries = [bytes(m) for m in client.binaries]
        texts = [m for m in client.texts if m.get("offset", 0) > wish["offset"]]
        client.transport.disconnect(graceful=False)

        again = await back(gw, wish)
        await again.until_told("response_done")
        replayed = [m for m in again.texts if m["type"] != "session_resumed"]
        assert [m["offset"] for m in replayed] == [m["offset"] for m in texts]
        assert [m["type"] for m in replayed] == [m["type"] for m in texts]
        assert [bytes(m) for m in again.binaries] == binaries
        again.close()


async def test_who_was_away_while_memory_ran_short_is_told_what_fell_out() -> None:
    limits = Limits(window_shed_bytes=48_000)
    async with (
        Emulator(EmulatorOptions(speed=0)) as upstream,
        gateway(upstream.http_base, limits=limits) as gw,
    ):
        gone, here = await talking(gw, onReturn="continue"), await talking(gw)
        wish = handle(gone)
        gone.say("input_text", text="tell me something that takes longer than two seconds to say, or three")
        gone.transport.disconnect()
        (runner,) = (one for one in gw.directory.running if gw.directory.id_of(one) == wish["sessionId"])
        assert isinstance(runner, SessionRunner)
        state = runner.session.state
        await eventually(
            lambda: runner.is_parked and state.window.audio_bytes > 96_000 and not state.turn.active
        )
        gw.directory.shed()

        again = await back(gw, wish)
        assert (await again.until_told("session_resumed"))["recovered"]
        lost = await again.until_told("audio_lost")
        assert (lost["direction"], lost["from"], lost["reason"]) == ("output", 0, "window_full")
        await again.until_told("response_done")
        assert len(again.audio) - 24 * len(again.binaries) == 48_000
        for client in (again, here):
            client.close()


async def test_a_second_window_takes_over_and_the_first_is_told_to_stay_away() -> None:
    async with Emulator(EmulatorOptions(speed=0)) as upstream, gateway(upstream.http_base) as gw:
        first = await talking(gw)
        second = await back(gw, handle(first))
        await second.until_told("session_resumed")
        assert (await first.until_closed())[0] == 4409
        second.say("input_text", text="hello")
        await second.until_told("response_done")
        assert len(gw.directory) == 1
        second.close()


async def test_several_drops_in_a_row_and_the_old_token_until_the_new_one_is_used() -> None:
    async with Emulator(EmulatorOptions(speed=0)) as upstream, gateway(upstream.http_base) as gw:
        client = await talking(gw)
        first = handle(client)
        for _ in range(3):
            client.transport.disconnect(graceful=False)
            client = await back(gw, first)  # the answer of the last return never arrived
            resumed = await client.until_told("session_resumed")
        newest = {**first, "resumeToken": resumed["resumeToken"]}
        client.transport.disconnect(graceful=False)
        client = await back(gw, newest)
        await client.until_told("session_resumed")
        client.transport.disconnect(graceful=False)
        stale = await back(gw, first)
        assert (await stale.until_told("error"))["code"] == "NO_SESSION_EXISTS"
        stale.close()


async def test_who_may_not_come_back_learns_nothing_and_can_begin_anew() -> None:
    async with Emulator(EmulatorOptions(speed=0)) as upstream, gateway(upstream.http_base) as gw:
        client = await talking(gw)
        wish = handle(client)
        wrong = [{**wish, "resumeToken": "guess"}, {**wish, "sessionId": "hf_" + "0" * 32}]
        told = []
        for one in wrong:
            guest = await back(gw, one)
            told.append((await guest.until_told("error"))["message"])
            guest.say("create_session")
            await guest.until_told("session_ready")
            guest.say("end_session")
        assert told[0] == told[1]
        assert not client.told("error")
        for _ in range(12):
            guest = await back(gw, wrong[0])
            error = await guest.until_told("error")
            guest.close()
        assert error["code"] == "RATE_LIMITED"
        client.close()


async def test_odd_positions_are_answered_honestly() -> None:
    async with Emulator(EmulatorOptions(speed=0)) as upstream, gateway(upstream.http_base) as gw:
        client = await talking(gw)
        client.say("input_text", text="hello")
        await client.until_told("response_done")
        for odd in ({"offset": 10**9}, {"offset": -5}, {"epoch": "other"}):
            wish = {**handle(client), "sessionId": client.told("session_created")[0]["sessionId"], **odd}
            returned = await back(gw, wish)
            resumed = await returned.until_told("session_resumed")
            assert not resumed["recovered"]
            snapshot = await returned.until_told("snapshot")
            assert snapshot["offset"] == resumed["offset"] + 1
            assert [item["role"] for item in snapshot["items"]] == ["user", "assistant"]
            client.texts.append(resumed)
            returned.transport.disconnect(graceful=False)


async def test_a_reload_does_not_lock_its_customer_out() -> None:
    limits = Limits(sessions_per_user=2)
    async with (
        Emulator(EmulatorOptions(speed=0)) as upstream,
        gateway(upstream.http_base, limits=limits) as gw,
    ):
        for _ in range(6):
            client = await talking(gw)
            client.transport.disconnect(graceful=False)
            await eventually(lambda: all(one.is_parked for one in gw.directory.running))
        assert len(gw.directory) == 2


@asynccontextmanager
async def kept(folder: Path) -> AsyncIterator[SqliteJournal]:
    database = Database(folder / "journal.sqlite3")
    journal = SqliteJournal(database)
    await journal.start(lambda _: None)
    try:
        yield journal
    finally:
        await journal.close()
        await database.close()


async def test_a_session_survives_a_restart_of_the_gateway(tmp_path: Path) -> None:
    async with Emulator(EmulatorOptions(speed=0)) as upstream:
        async with kept(tmp_path) as journal, gateway(upstream.http_base, journal=journal) as gw:
            client = await talking(gw)
            assert client.told("session_created")[0]["durability"] == "local"
            client.say("input_text", text="my name is Ada")
            await client.until_told("response_done")
            wish = handle(client)
            await asyncio.sleep(0.1)
        assert (await client.until_closed())[0] == 1001
        assert not client.told("session_ended")

        async with kept(tmp_path) as journal, gateway(upstream.http_base, journal=journal) as gw:
            again = await back(gw, wish)
            resumed = await again.until_told("session_resumed")
            assert not resumed["recovered"]
            assert resumed["epoch"] != wish["epoch"]
            assert resumed["contextRestored"] == "text_only"
            snapshot = await again.until_told("snapshot")
            assert snapshot["items"][0]["text"] == "my name is Ada"
            again.say("input_text", text="hello again")
            await again.until_told("response_done")
            told = [item for item in upstream.records[-1].items if item.item.get("role") == "user"]
            assert len(told) == 2
            again.say("end_session")
            await again.until_closed()
            third = await back(gw, {**wish, "resumeToken": resumed["resumeToken"]})
            assert (await third.until_told("error"))["code"] == "NO_SESSION_EXISTS"
            third.close()


async def test_a_session_survives_one_restart_after_another(tmp_path: Path) -> None:
    async with Emulator(EmulatorOptions(speed=0)) as upstream:
        async with kept(tmp_path) as journal, gateway(upstream.http_base, journal=journal) as gw:
            client = await talking(gw)
            wish = handle(client)
        for _ in range(2):
            async with kept(tmp_path) as journal, gateway(upstream.http_base, journal=journal) as gw:
                client = await back(gw, wish)
                resumed = await client.until_told("session_resumed")
                wish = {**wish, **{name: resumed[name] for name in ("resumeToken", "epoch", "offset")}}


async def test_a_session_that_begins_while_nothing_is_written_is_told_so_in_order(tmp_path: Path) -> None:
    async with (
        Emulator(EmulatorOptions(speed=0)) as upstream,
        kept(tmp_path) as journal,
        gateway(upstream.http_base, journal=journal) as gw,
    ):
        gw.directory.journal_changed(fault("store.journal_unavailable"))
        client = await talking(gw)
        assert "degraded" in [status["state"] for status in client.told("status")]
        offsets = [message["offset"] for message in client.texts if "offset" in message]
        assert offsets == sorted(offsets)

        gw.directory.journal_changed(None)
        other = await talking(gw)
        assert "degraded" not in [status["state"] for status in other.told("status")]


@pytest.mark.parametrize("spoil", ["kind = 'of tomorrow'", "content = '{}'"])
async def test_a_session_whose_lines_nobody_can_read_is_told_so_and_holds_no_place(
    tmp_path: Path, spoil: str
) -> None:
    async with Emulator(EmulatorOptions(speed=0)) as upstream:
        async with kept(tmp_path) as journal, gateway(upstream.http_base, journal=journal) as gw:
            client = await talking(gw)
            client.say("input_text", text="my name is Ada")
            await client.until_told("response_done")
            wish = handle(client)
        with closing(sqlite3.connect(tmp_path / "journal.sqlite3")) as other, other:
            other.execute(f"update journal_entry set {spoil} where kind = 'item'")

        with capture_logs() as logs:
            async with kept(tmp_path) as journal, gateway(upstream.http_base, journal=journal) as gw:
                again = await back(gw, wish)
                assert (await again.until_told("error"))["code"] == "NO_SESSION_EXISTS"
                again.say("create_session")
                await again.until_told("session_ready")
                assert len(gw.directory) == 1
                again.close()
    assert [one["session"] for one in logs if one["event"] == "session.unreadable"] == [wish["sessionId"]]
    assert not [one for one in logs if one["event"] == "step.failed"]
