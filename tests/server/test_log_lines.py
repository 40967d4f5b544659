"""The log of a whole gateway: lines that belong together are found together, and none says what was said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from holdfast.emulator import Emulator, EmulatorOptions
from holdfast.telemetry import MOMENTS
from tests.server.gateway import Client, eventually, frames
from tests.server.realtime_client import converse
from tests.server.test_canary import CANARY, program
from tests.server.test_metrics import SPEECH, Scraped, scrape

WORDS = "Zwieback 4111 1111 1111 1111"


def lines_of(printed: bytearray) -> list[dict[str, Any]]:
    return [json.loads(line) for line in printed.decode().splitlines() if line.startswith('{"timestamp"')]


async def talk(url: str, upstream: Emulator) -> tuple[Client, Client, Scraped]:
    """A conversation at each door, each with an upstream that dies; what there is to be found of them."""
    browser = await Client.connect(f"{url.replace('http', 'ws', 1)}/api/openai/realtime")
    browser.say("create_session")
    for frame in frames(SPEECH):
        browser.send_binary(frame)
    await browser.until_told("response_done")
    browser.say("input_text", text=WORDS)
    await browser.until_told("response_done", 2)
    relayed = await Client.connect(f"{url.replace('http', 'ws', 1)}/v1/realtime?model=gpt-realtime-2.1")
    await converse(relayed)
    before = len(upstream.sessions)
    upstream.kill(1011, "server error")
    await eventually(lambda: len(upstream.sessions) == before + 2)
    told = await scrape(url)
    browser.say("end_session")
    await browser.until_closed()
    relayed.close()
    return browser, relayed, told


async def test_lines_that_belong_together_bear_the_same_words(tmp_path: Path) -> None:
    options = EmulatorOptions(api_key=CANARY, speed=0)
    async with Emulator(options) as upstream, program(upstream.http_base, tmp_path) as (url, printed):
        browser, _, told = await talk(url, upstream)
        await eventually(lambda: printed.count(b'"session.ended"') == 2)

    lines = lines_of(printed)
    for line in lines:
        assert {"timestamp", "level", "event", "category", "source", "metadata"} == set(line)
        assert line["category"] != "other", line
        assert line["event"] in MOMENTS or line["category"] in {"library", "http"}, line
    ours = [line for line in lines if line["source"] in {"browser", "realtime"}]
    assert len(ours) > 15
    began = [line for line in ours if "session" not in line["metadata"]]
    assert began == [], "every line of a conversation names its session"
    assert all(line["metadata"]["customer"] for line in ours)
    sessions = {line["metadata"]["session"] for line in ours}
    created = browser.told("session_created")[0]["sessionId"]
    assert len(sessions) == 2
    assert created in sessions
    for session in sessions:
        life = [line["event"] for line in ours if line["metadata"]["session"] == session]
        assert (life[0], life[-1]) == ("session.created", "session.ended")
        assert life.count("session.created") == life.count("session.ended") == 1
    provider = browser.told("session_ready")[0]["upstream"]["sessionId"]
    lost = [line["metadata"] for line in ours if line["event"] == "upstream.reconnecting"]
    assert {line["party"] for line in lost} == {"provider"}
    assert provider in {line["upstream_session"] for line in lost}, "what its support asks for"
    dials = [line["metadata"] for line in ours if line["event"] == "upstream.connecting"]
    assert len(dials) == 4
    assert not any("upstream_session" in dial for dial in dials), "nobody has answered yet"
    assert told.value("holdfast_moments_total", moment="upstream.reconnecting") == len(lost) == 2


async def test_no_line_says_what_was_said_or_who_said_it(tmp_path: Path) -> None:
    options = EmulatorOptions(api_key=CANARY, speed=0)
    async with Emulator(options) as upstream, program(upstream.http_base, tmp_path) as (url, printed):
        browser, relayed, told = await talk(url, upstream)

    heard = [one["text"] for one in browser.told("assistant_transcript") if one["final"]]
    heard += [one["text"] for one in browser.told("user_transcript") if one["final"]]
    heard += [one["transcript"] for one in relayed.told("response.output_audio_transcript.done")]
    assert len(heard) >= 4
    token = browser.told("session_created")[0]["resumeToken"]
    figures = " ".join(f"{one.name}{one.labels}" for one in told.samples)
    for secret in (CANARY, token, "Zwieback", "4111", "cust-1001", *heard):
        assert secret not in printed.decode(), secret
        assert secret not in figures, secret
