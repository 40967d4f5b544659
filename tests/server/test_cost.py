"""A scripted conversation over real sockets costs what the protocol reference says, to the nano-dollar."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from holdfast.emulator import Emulator, EmulatorOptions, Turn
from holdfast.ports.charges import Charge
from holdfast.ports.sightings import UpstreamLive
from holdfast.store import charges_of, look_into, sums
from tests.cli.commands import run_beside
from tests.server.counting import counted
from tests.server.gateway import Client, eventually, frames, gateway, tone
from tests.server.realtime_client import answers, dial, send_audio, send_text, update
from tests.server.test_sightings import watched

SPEECH = tone(0.6) + bytes(48 * 700)
WRITTEN = {"type": "duration", "seconds": 2.0}


def usage(
    text: tuple[int, int], audio: tuple[int, int], words: int, speech: int, image: int = 0
) -> dict[str, Any]:
    """As the service tells it. `text` and `audio`: how much was read, and how much of that was cached."""
    read, said = text[0] + audio[0] + image, words + speech
    cached = {"text_tokens": text[1], "audio_tokens": audio[1], "image_tokens": 0}
    return {
        "total_tokens": read + said,
        "input_tokens": read,
        "output_tokens": said,
        "input_token_details": {
            "text_tokens": text[0],
            "audio_tokens": audio[0],
            "image_tokens": image,
            "cached_tokens": text[1] + audio[1],
            "cached_tokens_details": cached,
        },
        "output_token_details": {"text_tokens": words, "audio_tokens": speech},
    }


SCRIPT = (
    Turn(hear="hello", say="Good day to you.", usage=usage((120, 64), (20, 0), 10, 40), hear_usage=WRITTEN),
    Turn(say="This is a long answer to be cut.", usage=usage((200, 150), (60, 50), 30, 100)),
    Turn(say="As you like.", usage=usage((260, 200), (160, 150), 6, 24, image=10)),
    Turn(say="Four per cent.", usage=usage((300, 20), (0, 0), 12, 48)),
)

# By hand, from the protocol reference, 3.1 and 3.3. Dollars for a million tokens of gpt-realtime-2.1: text
# 4.00, cached 0.40, out 24.00; audio 32.00, cached 0.40, out 64.00; image 5.00. gpt-transcribe: 0.0045 for a
# minute.
M = Decimal(1_000_000)
FIRST = ((120 - 64) * Decimal("4.00") + 64 * Decimal("0.40") + 20 * Decimal("32.00")) / M + (
    10 * Decimal("24.00") + 40 * Decimal("64.00")
) / M  # 0.0036896
WRITING = 2 * Decimal("0.0045") / 60  # 0.00015
CUT = (50 * Decimal("4.00") + 150 * Decimal("0.40") + 10 * Decimal("32.00") + 50 * Decimal("0.40")) / M + (
    30 * Decimal("24.00") + 100 * Decimal("64.00")
) / M  # 0.00772
THIRD = (
    60 * Decimal("4.00")
    + 200 * Decimal("0.40")
    + 10 * Decimal("32.00")
    + 150 * Decimal("0.40")
    + 10 * Decimal("5.00")
) / M + (6 * Decimal("24.00") + 24 * Decimal("64.00")) / M  # 0.00243
REBUILT = (280 * Decimal("4.00") + 20 * Decimal("0.40")) / M + (
    12 * Decimal("24.00") + 48 * Decimal("64.00")
) / M  # 0.004488
# 400 ms of 5,000 were heard: 8 of 100 tokens of speech (3.4: one for 50 ms), and 3 of 30 words with them.
WASTED = ((30 - 3) * Decimal("24.00") + (100 - 8) * Decimal("64.00")) / M  # 0.006536
# The fresh upstream read 300 tokens of text, 20 of them cached; "What is my rate?" is new: 16 characters, so
# 4 tokens.
AGAIN = ((300 - 4 - 20) * Decimal("4.00") + 20 * Decimal("0.40")) / M  # 0.001112


def nanos(dollars: Decimal) -> int:
    whole = dollars * 1_000_000_000
    assert whole == int(whole), "the sums by hand are exact"
    return int(whole)


def kept(path: Path, session_id: str) -> list[Charge]:
    with look_into(path) as connection:
        return charges_of(connection, session_id)


async def test_a_scripted_conversation_costs_what_was_counted_by_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "holdfast.sqlite3"
    options = EmulatorOptions(script=SCRIPT, speed=0)
    async with Emulator(options) as upstream, gateway(upstream.http_base) as gw, counted(gw, path):
        memory = watched(gw)
        client = await Client.connect(gw.browser_url)
        client.say("create_session")
        for frame in frames(SPEECH):
            client.send_binary(frame)
        await client.until_told("response_done")
        client.say("played", itemId=client.told("assistant_transcript")[-1]["itemId"], ms=60_000)
        client.say("input_text", text="Tell me more.")
        await client.until_told("response_done", 2)
        client.say("played", itemId=client.told("assistant_transcript")[-1]["itemId"], ms=400)
        client.say("input_text", text="Stop, that is enough.")  # typed into the answer that is sounding
        await client.until_told("response_done", 3)
        client.say("played", itemId=client.told("assistant_transcript")[-1]["itemId"], ms=60_000)
        upstream.kill(1011)
        await eventually(lambda: [one.how for one in memory.all(UpstreamLive)] == ["first", "rebuilt"])
        client.say("input_text", text="What is my rate?")
        await client.until_told("response_done", 4)
        client.say("played", itemId=client.told("assistant_transcript")[-1]["itemId"], ms=60_000)
        client.say("end_session")
        await client.until_closed()
        session_id = client.told("session_created")[0]["sessionId"]

    assert [one["playedMs"] for one in client.told("interrupted")] == [400]
    charges = kept(path, session_id)
    assert sorted(one.cost or 0 for one in charges) == sorted(
        map(nanos, (FIRST, WRITING, CUT, THIRD, REBUILT))
    )
    assert {one.wasted for one in charges} == {0, nanos(WASTED)}
    assert {one.rebuild for one in charges} == {0, nanos(AGAIN)}
    assert {(one.customer_id, one.is_estimated) for one in charges} == {("C-1", False)}
    with look_into(path) as connection:
        (customer,) = sums(connection, 0, "customer")
        assert [one.name for one in sums(connection, 0, "model")] == ["gpt-realtime-2.1", "gpt-transcribe"]
    whole = FIRST + WRITING + CUT + THIRD + REBUILT
    assert (customer.name, customer.cost) == ("C-1", nanos(whole))
    assert whole == Decimal("0.0184776"), "1.85 cents"

    monkeypatch.setenv("HOLDFAST_JOURNAL__DATABASE", str(path))
    told = json.loads((await run_beside("cost", "--json", "--by", "session")).stdout)
    assert told["all"]["usd"] == f"{whole:.9f}"
    assert (told["all"]["wastedUsd"], told["all"]["rebuildUsd"]) == (f"{WASTED:.9f}", f"{AGAIN:.9f}")
    assert [one["session"] for one in told["groups"]] == [session_id]


async def test_behind_v1_realtime_the_same_rates_hold(tmp_path: Path) -> None:
    path = tmp_path / "holdfast.sqlite3"
    script = (SCRIPT[0], SCRIPT[2])
    options = EmulatorOptions(script=script, speed=0)
    async with Emulator(options) as upstream, gateway(upstream.http_base) as gw, counted(gw, path) as books:
        client = await dial(gw)
        update(client, audio={"input": {"transcription": {"model": "gpt-realtime-whisper"}}})
        await client.until_told("session.updated")
        send_audio(client, SPEECH)
        await client.until(lambda: answers(client) == 1)
        send_text(client, "Stop, that is enough.")
        await client.until(lambda: answers(client) == 2)
        (session_id,) = books.accounts
        assert books.accounts[session_id].spent == nanos(FIRST + THIRD) + 566_667
        client.close()
        await eventually(lambda: not books.accounts)

    charges = kept(path, session_id)
    # 2 s at 0.017 a minute: 0.000566666..., to the nearest nano-dollar
    assert sorted(one.cost or 0 for one in charges) == sorted([nanos(FIRST), nanos(THIRD), 566_667])
    assert {one.customer_id for one in charges} == {"client"}


async def test_an_upstream_that_says_nothing_is_estimated_by_name(tmp_path: Path) -> None:
    path = tmp_path / "holdfast.sqlite3"
    script = (Turn(hear="hello", say="Good day to you.", usage={}, hear_usage={}),)
    options = EmulatorOptions(script=script, speed=0)
    async with Emulator(options) as upstream, gateway(upstream.http_base) as gw, counted(gw, path):
        client = await Client.connect(gw.browser_url)
        client.say("create_session")
        for frame in frames(SPEECH):
            client.send_binary(frame)
        await client.until_told("response_done")
        assert client.told("response_done")[0].get("usage") is None
        client.say("played", itemId=client.told("assistant_transcript")[-1]["itemId"], ms=60_000)
        client.say("end_session")
        await client.until_closed()
        session_id = client.told("session_created")[0]["sessionId"]
        spoken_ms = len(client.audio) // 48
        began, stopped = (client.told(f"speech_{one}")[0]["sample"] for one in ("started", "stopped"))

    writing, response = sorted(kept(path, session_id), key=lambda one: one.kind, reverse=True)
    assert {response.is_estimated, writing.is_estimated} == {True}
    assert response.tokens.audio_out == -(-spoken_ms // 50)
    assert response.tokens.audio_in == -(-(stopped - began) // 2_400)
    assert writing.billed_ms == (stopped - began) // 24


LONG = (
    Turn(hear="hello", say="This answer is much longer than anybody will listen to."),
    Turn(hear="stop", say="Yes."),
)


async def test_who_speaks_over_an_answer_pays_for_what_nobody_heard(tmp_path: Path) -> None:
    path = tmp_path / "holdfast.sqlite3"
    options = EmulatorOptions(script=LONG, speed=4)
    async with Emulator(options) as upstream, gateway(upstream.http_base) as gw, counted(gw, path):
        client = await Client.connect(gw.browser_url)
        client.say("create_session")
        for frame in frames(SPEECH):
            client.send_binary(frame)
        await client.until(lambda: len(client.audio) >= 48 * 400)
        for frame in frames(SPEECH):
            client.send_binary(frame)
        await client.until_told("response_done", 2)
        (cut,) = client.told("interrupted")
        session_id = client.told("session_created")[0]["sessionId"]
        client.say("end_session")
        await client.until_closed()

    first = next(one for one in kept(path, session_id) if one.status == "cancelled")
    assert first.heard_ms == cut["playedMs"]
    heard, generated = -(-first.heard_ms // 50), first.tokens.audio_out
    assert 0 < heard < generated, "it comes faster than it is heard"
    words = first.tokens.text_out - -(-first.tokens.text_out * heard // generated)
    assert first.wasted == (generated - heard) * 64_000 + words * 24_000
    assert first.wasted < (first.cost or 0)


async def test_behind_v1_realtime_the_clients_truncation_says_what_was_heard(tmp_path: Path) -> None:
    path = tmp_path / "holdfast.sqlite3"
    script = (Turn(say="This answer is much longer than that.", usage=usage((100, 0), (0, 0), 30, 100)),)
    options = EmulatorOptions(script=script, speed=0)
    async with Emulator(options) as upstream, gateway(upstream.http_base) as gw, counted(gw, path) as books:
        client = await dial(gw)
        send_text(client, "hello")
        await client.until(lambda: answers(client) == 1)
        (done,) = client.told("response.done")
        item_id = done["response"]["output"][0]["id"]
        client.say("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=400)
        await client.until_told("conversation.item.truncated")
        (session_id,) = books.accounts
        client.close()
        await eventually(lambda: not books.accounts)

    (answer,) = kept(path, session_id)
    assert (answer.heard_ms, answer.wasted) == (400, nanos(WASTED))
