"""A store that was full for longer than a session remembers: nobody waits for what can never be written."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from holdfast.core.faults import fault
from holdfast.emulator import Emulator, EmulatorOptions
from holdfast.runtime import record
from holdfast.store import Database, Healthy, JournalOptions, JournalState, SqliteJournal
from tests.server.gateway import Client, TestGateway, eventually, gateway

SMALL = JournalOptions(gather_s=0.001, retry_base_s=0.01, retry_cap_s=0.02, spool_lines_max=4)


@asynccontextmanager
async def kept(path: Path, upstream: Emulator) -> AsyncIterator[tuple[SqliteJournal, TestGateway]]:
    """A gateway whose sessions hear of their journal, as those of a process do."""
    gateways: list[TestGateway] = []

    def changed(state: JournalState) -> None:
        cause = None if isinstance(state, Healthy) else fault("store.journal_unavailable")
        for gw in gateways:
            gw.directory.journal_changed(cause)

    database = Database(path, busy_s=0.01)
    journal = SqliteJournal(database, SMALL)
    await journal.start(changed)
    try:
        async with gateway(upstream.http_base, journal=journal) as gw:
            gateways.append(gw)
            yield journal, gw
    finally:
        await journal.close()
        await database.close()


async def called(client: Client) -> str:
    """What became of a call that may not run twice."""
    client.say("input_text", text="call balance {}")
    return str((await client.until_told("tool_done"))["status"])


async def talking(gw: TestGateway) -> Client:
    client = await Client.connect(gw.browser_url)
    client.say("create_session")
    await client.until_told("session_ready")
    return client


def sessions(path: Path) -> int:
    with closing(sqlite3.connect(path)) as looking:
        return int(looking.execute("select count(*) from journal_session").fetchone()[0])


async def test_a_call_waits_for_no_line_above_a_hole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "UNWRITTEN_MAX", 3)
    path = tmp_path / "journal.sqlite3"
    async with Emulator(EmulatorOptions(speed=0)) as upstream, kept(path, upstream) as (journal, gw):
        client = await talking(gw)
        await eventually(lambda: sessions(path) == 1)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("begin immediate")
            for number in range(6):
                client.say("input_text", text=f"number {number}")
                await client.until_told("response_done", number + 1)
            assert journal.counts.refused > record.UNWRITTEN_MAX
        await eventually(lambda: isinstance(journal.state, Healthy))

        assert await called(client) == "refused"
        assert not gw.tools.runs
        await client.until_told("response_done", 8)
        assert [one["state"] for one in client.told("status")][-1] == "degraded", "it is still not kept"
        await eventually(lambda: sessions(path) == 0)

        late = await talking(gw)
        assert await called(late) == "ok"
        client.close()
        late.close()
