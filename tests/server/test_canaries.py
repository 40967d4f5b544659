"""Keys, tickets, words, names and card numbers: whatever watches a conversation, nothing of them is anywhere
but where it belongs. The whole program, with everything on that writes or sends, from outside and on disk.
"""

from __future__ import annotations

import gzip
import io
import json
import sqlite3
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx

from holdfast.emulator import Emulator, EmulatorOptions
from tests.server.gateway import Client, eventually
from tests.server.test_canary import CANARY, program
from tests.server.test_traces import receiver

WORD = "xylophonecanary"
CARD = "4111 1111 1111 1111"
SAID = f"my card is {CARD} and the word is {WORD}"
PORTAL = "/api/financial-sherpa"
CONSOLE = "/api/console"


def plain(data: bytes) -> bytes:
    """As somebody reads it who looks: unpacked."""
    if data[:2] == b"\x1f\x8b":
        return gzip.decompress(data)
    if data[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            return b"\n".join(packed.read(name) for name in packed.namelist())
    return data


def files(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield str(path.relative_to(folder)), plain(path.read_bytes())


async def tell_by_console(page: httpx.AsyncClient, places: dict[str, bytes]) -> None:
    """Everything that the console gives out of the one session."""
    async with page.stream("GET", f"{CONSOLE}/stream") as stream:
        line = await anext(one async for one in stream.aiter_lines() if one.startswith("data:"))
    places["stream"] = line.encode()
    (row,) = json.loads(line[5:])["rows"]
    for what in ("", "/explain", "/bundle", "/recording"):
        answer = await page.get(f"{CONSOLE}/sessions/{row['id']}{what}")
        assert answer.status_code == 200, what
        places[f"console{what}"] = plain(answer.content)


def found(secrets: Mapping[str, str], places: Mapping[str, bytes]) -> list[tuple[str, str]]:
    return [
        (name, place)
        for name, secret in secrets.items()
        for place, data in places.items()
        if secret.encode() in data
    ]


def entries(database: Path) -> list[dict[str, Any]]:
    with sqlite3.connect(database) as connection:
        connection.row_factory = sqlite3.Row
        rows = [dict(row) for row in connection.execute("SELECT * FROM transcript_entry")]
    for row in rows:
        del row["at"]  # microseconds: any digits may stand in it, those of the card too
    return rows


async def test_nothing_that_watches_keeps_a_secret_or_a_word(tmp_path: Path) -> None:
    places: dict[str, bytes] = {}
    secrets = {"key": CANARY, "word": WORD, "card": CARD, "card's digits": CARD.replace(" ", "")}
    with receiver() as spans:
        settings = {"HOLDFAST_TRACES__ENDPOINT": spans.endpoint, "HOLDFAST_LIMITS__FLIGHT_SETTLE_S": "0.2"}
        options = EmulatorOptions(api_key=CANARY, speed=0)
        async with (
            Emulator(options) as upstream,
            program(upstream.http_base, tmp_path, settings) as (url, printed),
        ):
            async with httpx.AsyncClient(base_url=url, timeout=20) as page:
                asked = (await page.get(f"{PORTAL}/realtime")).json()
                csrf = {"X-CSRF-Token": asked["csrfToken"], "Origin": url}
                ticket = (await page.post(f"{PORTAL}/ticket", headers=csrf)).json()["ticket"]
                client = await Client.connect(
                    url.replace("http", "ws", 1) + "/api/openai/realtime",
                    extra_headers={"Sec-WebSocket-Protocol": f"holdfast.v1, holdfast.ticket.{ticket}"},
                )
                client.say("create_session")
                created = await client.until_told("session_created")
                client.say("input_text", text=SAID)
                await client.until_told("response_done")
                upstream.kill(1011, f"server error about {CARD}")
                await eventually(lambda: len(upstream.records) == 2)
                client.say("input_text", text=f"once more: {SAID}")
                await client.until_told("response_done", 2)
                recordings = tmp_path / ".holdfast" / "recordings"
                await eventually(lambda: recordings.is_dir() and any(recordings.iterdir()))
                places["metrics"] = (await page.get("/metrics")).content
                await tell_by_console(page, places)
                client.say("end_session")
                await client.until_closed()
            secrets |= {
                "ticket": ticket,
                "csrf token": asked["csrfToken"],
                "resume token": created["resumeToken"],
                "customer's name": asked["customer"]["name"],
            }
        places["log"] = bytes(printed)
        places["traces"] = b"\n".join(spans.raw)

    on_disk = dict(files(tmp_path))
    kept = {name for name in on_disk if "sqlite" in name}
    places |= {name: data for name, data in on_disk.items() if name not in kept}

    assert any("recordings" in name for name in places)
    assert b"provider.server_error" in places["log"]
    assert spans.spans
    assert found(secrets, places) == []
    # what was said stands in the transcripts, and there alone, without the card
    database = tmp_path / ".holdfast" / "holdfast.sqlite3"
    words = [str(one) for one in entries(database)]
    assert any(WORD in one for one in words)
    written = {name: on_disk[name] for name in kept}
    assert found({"key": CANARY, "ticket": ticket}, written) == []
    assert not [one for one in words if "4111" in one]
