"""A cap over real sockets, on both faces: the running session ends politely, a new one is refused by name."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from holdfast.accounts import Caps
from holdfast.core.faults import FAULTS
from holdfast.emulator import Emulator, EmulatorOptions
from holdfast.runtime.watching import Watches
from tests.server.counting import counted
from tests.server.gateway import Client, gateway
from tests.server.realtime_client import dial, send_text
from tests.server.test_return import back, handle, kept, talking

QUICK = EmulatorOptions(speed=0, char_ms=2)


async def test_a_session_that_has_cost_its_cap_says_goodbye_aloud_and_ends(tmp_path: Path) -> None:
    async with (
        Emulator(QUICK) as upstream,
        gateway(upstream.http_base) as gw,
        counted(gw, tmp_path / "db", Caps(session=1)),
    ):
        client = await Client.connect(gw.browser_url)
        client.say("create_session")
        client.say("input_text", text="hello")
        assert await client.until_closed() == (4429, "budget_spent")

    first, goodbye = client.told("response_done")
    assert (first["status"], goodbye["status"]) == ("completed", "completed")
    spoken = [one["text"] for one in client.told("assistant_transcript") if one["final"]]
    row = FAULTS["configuration.session_budget"]
    assert spoken == ["You said: hello", row.message]
    ended = client.texts[-1]
    assert (ended["type"], ended["reason"]) == ("session_ended", "budget_spent")
    assert (ended["fault"]["code"], ended["fault"]["message"]) == (row.code, row.message)
    assert ended["fault"]["evidence"][0].startswith("session_usd: ")


async def test_a_customer_whose_day_is_spent_is_told_when_it_opens_again(tmp_path: Path) -> None:
    path, caps = tmp_path / "db", Caps(customer_per_day=1)
    async with Emulator(QUICK) as upstream, gateway(upstream.http_base) as gw:
        async with counted(gw, path, caps):
            client, other = await Client.connect(gw.browser_url), await Client.connect(gw.browser_url)
            other.say("create_session")
            await other.until_told("session_ready")
            client.say("create_session")
            client.say("input_text", text="hello")
            await client.until_closed()
            assert await other.until_closed() == (4429, "budget_spent"), "it is the same customer's"
            before = len(upstream.records)
        gw.directory.watches = Watches()

        async with counted(gw, path, caps):  # the next process: what was spent stands in the database
            late = await Client.connect(gw.browser_url)
            late.say("create_session")
            assert (await late.until_closed())[0] == 4429
            (error,) = late.told("error")
            assert (error["code"], error["fault"]["code"]) == (
                "SESSION_INITIALIZATION_FAILED",
                "configuration.customer_budget",
            )
            assert 0 < error["retryAfterMs"] <= 86_400_000
            assert any(fact.startswith("opens again at ") for fact in error["fault"]["evidence"])
            assert late.texts[-1]["type"] == "session_ended"
            assert not late.told("session_created")
            assert len(upstream.records) == before, "nobody was dialled for it"


async def test_behind_v1_realtime_the_end_is_an_error_that_clients_know(tmp_path: Path) -> None:
    async with (
        Emulator(QUICK) as upstream,
        gateway(upstream.http_base) as gw,
        counted(gw, tmp_path / "db", Caps(total_per_day=1)),
    ):
        client = await dial(gw)
        send_text(client, "hello")
        assert await client.until_closed() == (4429, "insufficient_quota.configuration.total_budget")
        (done,) = client.told("response.done")
        assert done["response"]["status"] == "completed", "the answer was finished"
        assert client.texts[-1]["type"] == "error"
        assert client.texts[-1]["error"]["code"] == client.texts[-1]["error"]["type"] == "insufficient_quota"

        late = await dial(gw)
        assert (await late.until_closed())[0] == 4429
        assert [one["type"] for one in late.texts] == ["error"]
        assert late.texts[0]["error"]["retry_after_ms"] > 0


async def test_minutes_are_a_cap_as_well(tmp_path: Path) -> None:
    async with (
        Emulator(QUICK) as upstream,
        gateway(upstream.http_base) as gw,
        counted(gw, tmp_path / "db", Caps(session_s=0.5)),
    ):
        client = await Client.connect(gw.browser_url)
        client.say("create_session")
        assert await client.until_closed() == (4429, "budget_spent")

    assert client.texts[-1]["fault"]["evidence"][0].startswith("session_minutes: ")
    spoken = [one["text"] for one in client.told("assistant_transcript") if one["final"]]
    assert spoken == [FAULTS["configuration.session_budget"].message]


async def test_a_restart_gives_nobody_new_minutes(tmp_path: Path) -> None:
    async with Emulator(QUICK) as upstream:
        async with kept(tmp_path) as journal, gateway(upstream.http_base, journal=journal) as gw:
            wish = handle(await talking(gw))
        with closing(sqlite3.connect(tmp_path / "journal.sqlite3")) as file, file:
            before = "json_set(content, '$.began', json_extract(content, '$.began') - 3600)"
            file.execute(f"update journal_entry set content = {before} where kind = 'opened'")

        async with (
            kept(tmp_path) as journal,
            gateway(upstream.http_base, journal=journal) as gw,
            counted(gw, tmp_path / "db", Caps(session_s=3_600)),
        ):
            again = await back(gw, wish)
            assert await again.until_closed() == (4429, "budget_spent")
    assert again.texts[-1]["fault"]["evidence"][0].startswith("session_minutes: ")
