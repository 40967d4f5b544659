"""Transcription sessions over real sockets, on both faces: written once, whatever becomes of the upstream."""

from __future__ import annotations

import base64
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from openai import AsyncOpenAI
from openai.types.realtime import RealtimeErrorEvent

from holdfast.client import read_wav
from holdfast.emulator import DialectName, Emulator, EmulatorOptions
from holdfast.engine.options import EngineOptions
from holdfast.engine.pool import EnginePool
from holdfast.providers.local import LocalDialer
from tests.server.gateway import Client, frames, gateway, tone
from tests.server.test_dialects import DIALERS, options
from tests.wire.strict import judge_server_event

SPEECH = tone(0.6) + bytes(48 * 700)
COMPLETED = "conversation.item.input_audio_transcription.completed"
DELTA = "conversation.item.input_audio_transcription.delta"


async def started(url: str, **wish: Any) -> Client:
    client = await Client.connect(url)
    client.say("create_session", mode="transcription", **wish)
    await client.until_told("session_ready")
    return client


def speak(client: Client, pcm: bytes) -> None:
    for frame in frames(pcm):
        client.send_binary(frame)


def finals(client: Client) -> list[dict[str, Any]]:
    return [one for one in client.told("user_transcript") if one["final"]]


def asked_of(upstream: Emulator) -> dict[str, Any]:
    """The input settings that the last upstream was told."""
    updates = [one for one in upstream.records[-1].events if one["type"] == "session.update"]
    found: dict[str, Any] = updates[-1]["session"]["audio"]["input"]
    return found


async def test_a_page_gets_words_and_nobody_answers() -> None:
    async with Emulator(EmulatorOptions(speed=40)) as upstream, gateway(upstream.http_base) as gw:
        client = await started(gw.browser_url, language="en", prompt="loan, instalment", greet=True)
        created = client.told("session_created")[0]
        assert (created["mode"], created["upstream"]["model"]) == ("transcription", "gpt-transcribe")
        assert "voice" not in created
        speak(client, SPEECH + SPEECH)
        await client.until(lambda: len(finals(client)) == 2)
        assert all(one["usage"]["type"] in {"tokens", "duration"} for one in finals(client))
        client.say("input_text", text="hello", eventId="e1")
        assert (await client.until_told("error"))["code"] == "INVALID_MESSAGE"
        client.say("end_session")
        await client.until_closed()

        [record] = upstream.records
        assert (record.intent, record.model) == ("transcription", "")
        assert asked_of(upstream)["transcription"] == {
            "model": "gpt-transcribe",
            "language": "en",
            "prompt": "loan, instalment",
        }
        assert not client.audio
        assert not client.told("response_started")


async def test_turns_ended_by_hand_and_a_model_of_the_clients_choice() -> None:
    async with Emulator(EmulatorOptions(speed=40)) as upstream, gateway(upstream.http_base) as gw:
        refused = await Client.connect(gw.browser_url)
        refused.say("create_session", mode="transcription", model="gpt-live-transcribe")
        assert (await refused.until_told("error"))["code"] == "UNSUPPORTED_MODEL"

        client = await started(gw.browser_url, model="gpt-live-transcribe", turnDetection="manual")
        speak(client, tone(0.5))
        client.say("commit_audio")
        await client.until(lambda: len(finals(client)) == 1)
        assert not client.told("speech_started")
        assert client.told("session_created")[0]["upstream"]["model"] == "gpt-live-transcribe"
        assert asked_of(upstream)["turn_detection"] is None
        client.close()


@pytest.mark.parametrize("moment", ["speaking", "words", "speech"])
@pytest.mark.parametrize("how", ["auto", "manual"])
async def test_a_page_gets_every_turn_once_though_the_upstream_dies(moment: str, how: str) -> None:
    if (moment, how) == ("speech", "manual"):
        pytest.skip("nobody tells of speech there")
    options = EmulatorOptions(faults=[f"reset:{moment}@1,times=1"], speed=40, keep_audio=True)
    async with Emulator(options) as upstream, gateway(upstream.http_base) as gw:
        client = await started(gw.browser_url, turnDetection=how)
        for _ in range(2):
            speak(client, SPEECH if how == "auto" else tone(0.6))
            if how == "manual":
                client.say("commit_audio")
        await client.until(lambda: len(finals(client)) == 2)
        assert upstream.records[0].broken
        assert not client.told("error"), client.told("error")
        assert not client.told("audio_lost")
        for kind in ("user_transcript", "speech_started", "speech_stopped"):
            ids = Counter(one["itemId"] for one in client.told(kind) if one.get("final", True))
            assert set(ids.values()) <= {1}, (kind, ids)
        client.close()


@pytest.mark.parametrize("moment", ["speaking", "words", "speech"])
@pytest.mark.parametrize("by_hand", [False, True])
async def test_a_client_of_the_dialect_gets_every_turn_once(moment: str, by_hand: bool) -> None:  # noqa: FBT001 - a parameter of the test
    if by_hand and moment == "speech":
        pytest.skip("nobody tells of speech there")
    options = EmulatorOptions(faults=[f"reset:{moment}@1,times=1"], speed=40)
    async with Emulator(options) as upstream, gateway(upstream.http_base) as gw:
        client = await Client.connect(f"ws://{gw.authority}/v1/realtime?intent=transcription")
        heard: dict[str, Any] = {"transcription": {"model": "gpt-transcribe"}}
        if by_hand:
            heard["turn_detection"] = None
        client.say("session.update", session={"type": "transcription", "audio": {"input": heard}})
        await client.until_told("session.updated")
        for _ in range(2):
            for frame in frames(tone(0.6) if by_hand else SPEECH):
                client.say("input_audio_buffer.append", audio=base64.b64encode(frame).decode())
            if by_hand:
                client.say("input_audio_buffer.commit")
        await client.until(lambda: len(client.told(COMPLETED)) == 2)
        assert upstream.records[0].broken
        assert not client.told("error"), client.told("error")
        for kind in ("input_audio_buffer.committed", "input_audio_buffer.speech_started", COMPLETED):
            ids = Counter(one["item_id"] for one in client.told(kind))
            assert set(ids.values()) <= {1}, (kind, ids)
        assert {one["item_id"] for one in client.told(COMPLETED)} == {
            one["item_id"] for one in client.told("input_audio_buffer.committed")
        }
        client.close()


async def test_the_official_client_and_its_types() -> None:
    async with (
        Emulator(EmulatorOptions(speed=40)) as upstream,
        gateway(upstream.http_base) as gw,
        AsyncOpenAI(base_url=gw.realtime_base, api_key="x") as client,
        client.realtime.connect(extra_query={"intent": "transcription"}) as connection,
    ):
        heard = {"transcription": {"model": "gpt-transcribe", "language": "en"}}
        await connection.session.update(
            session={"type": "transcription", "audio": {"input": heard}}  # type: ignore[misc,arg-type] # plain dicts, as users write them
        )
        await connection.input_audio_buffer.append(audio=base64.b64encode(SPEECH).decode())
        kinds = []
        async for event in connection:
            kinds.append(event.type)
            if event.type == "conversation.item.input_audio_transcription.completed":
                assert "ms of speech" in event.transcript
                break
        await connection.response.create()
        async for event in connection:
            assert isinstance(event, RealtimeErrorEvent)
            assert "gives no responses" in event.error.message
            break
        assert DELTA in kinds
        assert not any(kind.startswith("response.") for kind in kinds)


async def test_every_event_is_of_the_official_types() -> None:
    async with Emulator(EmulatorOptions(speed=40)) as upstream, gateway(upstream.http_base) as gw:
        client = await Client.connect(f"ws://{gw.authority}/v1/realtime?intent=transcription")
        heard = {"transcription": {"model": "whisper-1"}}
        client.say("session.update", session={"type": "transcription", "audio": {"input": heard}})
        for frame in frames(SPEECH):
            client.say("input_audio_buffer.append", audio=base64.b64encode(frame).decode())
        await client.until_told(COMPLETED)
        for event in client.texts:
            judge_server_event(event)
        client.close()


@pytest.mark.parametrize("dialect", DIALERS)
async def test_a_page_gets_every_turn_once_behind_every_dialect(dialect: DialectName) -> None:
    dying = options(dialect, "reset:words@1,times=1", speed=40)
    async with Emulator(dying) as upstream, gateway(DIALERS[dialect](upstream)) as gw:
        client = await started(gw.browser_url, model="gpt-transcribe")
        speak(client, SPEECH)
        speak(client, SPEECH)
        await client.until(lambda: len(finals(client)) == 2)
        assert upstream.records[0].broken
        assert len({one["itemId"] for one in finals(client)}) == 2
        assert not client.told("error"), client.told("error")
        assert not client.told("audio_lost")
        client.close()


@pytest.mark.speech
async def test_the_embedded_engine_takes_over_and_writes_on(speech_files: Path, recordings: Path) -> None:
    pool = EnginePool(EngineOptions(workers=1, speech_folder=speech_files))
    await pool.start()
    spoken = read_wav(recordings / "ps_cards_001.wav")
    try:
        options = EmulatorOptions(faults=["reset:words@1,times=1", "http:503@2-"], speed=40)
        async with (
            Emulator(options) as upstream,
            gateway(upstream.http_base, LocalDialer("local", pool)) as gw,
        ):
            client = await started(gw.browser_url)
            speak(client, spoken.pcm + bytes(48_000))
            await client.until(lambda: bool(finals(client)), 20)
            assert finals(client)[0]["text"]
            assert not client.told("audio_lost")
            client.close()
    finally:
        await pool.close()
