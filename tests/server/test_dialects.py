"""Upstreams of every dialect the emulator speaks, over real sockets: both faces see GA, and nothing else."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from openai import AsyncOpenAI

from holdfast.core.limits import Limits
from holdfast.emulator import DialectName, Emulator, EmulatorOptions
from holdfast.ports import UpstreamDialer
from holdfast.providers.azure import AzureDialer
from holdfast.providers.compatible import CompatibleDialer
from holdfast.wire.dialects import BETA
from tests.server.gateway import Client, frames, gateway, tone
from tests.server.realtime_client import (
    answers,
    converse,
    dial,
    heard_whole,
    obeys_the_dialect,
    running,
    send_text,
    update,
)
from tests.wire.strict import judge_server_event

KEY = "sk-test-canary"
LIMITS = Limits(retry_base_s=0.01, retry_cap_s=0.02, dial_s=0.5)
PREVIEW = "2025-04-01-preview"
Make = Callable[[Emulator], UpstreamDialer]


def azure(upstream: Emulator) -> UpstreamDialer:
    return AzureDialer("azure", upstream.http_base, KEY, "voice", limits=LIMITS)


def preview(upstream: Emulator) -> UpstreamDialer:
    return AzureDialer("azure", upstream.http_base, KEY, "voice", PREVIEW, limits=LIMITS)


def older(upstream: Emulator) -> UpstreamDialer:
    return CompatibleDialer("older", upstream.http_base, KEY, "any", BETA, limits=LIMITS)


DIALERS: dict[DialectName, Make] = {"azure": azure, "azure-preview": preview, "beta": older}


def options(dialect: DialectName, *faults: str, speed: float = 0, **more: Any) -> EmulatorOptions:
    deployments = ("voice",) if dialect.startswith("azure") else ()
    return EmulatorOptions(dialect=dialect, deployments=deployments, faults=faults, speed=speed, **more)


def is_ga(client: Client) -> None:
    """Every event is one of GA's, with GA's fields; our own word in the session is the one that is not."""
    for event in client.texts:
        undeclared = judge_server_event(event)
        assert undeclared <= {f"{event['type']}.session.{name}" for name in OWN}, (event["type"], undeclared)


OWN = frozenset({"id", "object", "expires_at", "holdfast"})
"""Of a session: what the official types of a request do not declare."""


@pytest.mark.parametrize("dialect", DIALERS)
async def test_a_client_of_v1_realtime_sees_ga_behind_every_dialect(dialect: DialectName) -> None:
    async with Emulator(options(dialect)) as upstream, gateway(DIALERS[dialect](upstream)) as gw:
        client = await dial(gw)
        await converse(client)
        await client.until(lambda: not running(client))

        assert not client.told("error"), client.told("error")
        obeys_the_dialect(client)
        is_ga(client)
        client.close()


@pytest.mark.parametrize("dialect", DIALERS)
async def test_the_official_sdk_speaks_and_is_answered(dialect: DialectName) -> None:
    async with Emulator(options(dialect)) as upstream, gateway(DIALERS[dialect](upstream)) as gw:
        client = AsyncOpenAI(base_url=gw.realtime_base, api_key="anything")
        heard: list[str] = []
        async with client.realtime.connect(model="gpt-realtime-2.1") as connection:
            await connection.session.update(session={"type": "realtime", "output_modalities": ["audio"]})
            for frame in frames(tone(0.5) + bytes(48_000)):
                await connection.input_audio_buffer.append(audio=base64.b64encode(frame).decode())
            async with asyncio.timeout(10):
                async for event in connection:
                    heard.append(event.type)
                    if event.type == "response.done":
                        break
        assert "response.output_audio.delta" in heard
        assert "conversation.item.added" in heard
        assert "error" not in heard
        await client.close()


@pytest.mark.parametrize("dialect", DIALERS)
async def test_the_browser_protocol_speaks_and_runs_a_tool_behind_every_dialect(dialect: DialectName) -> None:
    async with Emulator(options(dialect)) as upstream, gateway(DIALERS[dialect](upstream)) as gw:
        client = await Client.connect(gw.browser_url)
        client.say("create_session")
        for frame in frames(tone(0.5) + bytes(48_000)):
            client.send_binary(frame)
        await client.until_told("response_done")
        client.say("input_text", text="call balance {}")
        await client.until_told("response_done", 3)

        assert not client.told("error"), client.told("error")
        assert len(client.audio) > 4800
        assert client.told("user_transcript")[-1]["final"]
        assert len(gw.tools.runs) == 1
        client.close()


@pytest.mark.parametrize("dialect", DIALERS)
async def test_an_upstream_that_dies_in_mid_answer_is_followed_by_another(dialect: DialectName) -> None:
    told = options(dialect, "reset:delta=3@1,times=1", speed=40, keep_audio=True)
    async with Emulator(told) as upstream, gateway(DIALERS[dialect](upstream), limits=LIMITS) as gw:
        client = await dial(gw)
        await converse(client)
        await client.until(lambda: not running(client))

        assert len(upstream.records) == 2
        assert not client.told("error"), client.told("error")
        assert heard_whole(upstream, tone(0.6))
        obeys_the_dialect(client)
        client.close()


async def test_a_setting_that_the_upstream_has_no_word_for_is_left_out_and_named() -> None:
    async with Emulator(options("beta")) as upstream, gateway(older(upstream)) as gw:
        client = await dial(gw)
        wishes = {"truncation": "disabled", "reasoning": {"effort": "low"}}
        settings: dict[str, Any] = {"instructions": "Be brief.", "audio": {"input": {"transcription": None}}}
        update(client, None, **settings, **wishes)
        updated = await client.until_told("session.updated")

        assert not client.told("error")
        session = updated["session"]
        assert session["instructions"] == "Be brief."
        assert session["type"] == "realtime"
        assert set(session["holdfast"]["left_out"]) == {"session.truncation", "session.reasoning"}
        assert "modalities" not in session
        client.close()


async def test_a_refusal_of_the_upstream_names_the_field_as_the_client_wrote_it() -> None:
    async with Emulator(options("beta")) as upstream, gateway(older(upstream)) as gw:
        client = await dial(gw)
        await client.until_told("session.created")
        update(client, "mine", audio={"input": {"turn_detection": {"type": "server_vad", "threshold": 7}}})
        error = (await client.until_told("error"))["error"]

        assert error["event_id"] == "mine"
        assert error["param"] == "session.audio.input.turn_detection.threshold"
        assert not client.told("session.updated")
        client.close()


async def test_text_answers_and_audio_answers_come_under_their_ga_names() -> None:
    async with Emulator(options("beta")) as upstream, gateway(older(upstream)) as gw:
        client = await dial(gw)
        send_text(client, "hello", output_modalities=["text"])
        await client.until(lambda: answers(client) == 1)
        send_text(client, "hello again")
        await client.until(lambda: answers(client) == 2)

        assert client.told("response.output_text.delta")
        assert client.told("response.output_audio.delta")
        assert {one["response"]["output_modalities"][0] for one in client.told("response.done")} == {
            "text",
            "audio",
        }
        is_ga(client)
        client.close()


async def test_transcription_sessions_work_behind_the_older_shape_and_behind_azure() -> None:
    for dialect, make in DIALERS.items():
        async with Emulator(options(dialect)) as upstream, gateway(make(upstream)) as gw:
            client = await Client.connect(f"ws://{gw.authority}/v1/realtime?intent=transcription")
            await client.until_told("session.created")
            heard = {"transcription": {"model": "whisper-1"}}
            client.say("session.update", session={"type": "transcription", "audio": {"input": heard}})
            updated = await client.until_told("session.updated")
            for frame in frames(tone(0.5) + bytes(48_000)):
                client.say("input_audio_buffer.append", audio=base64.b64encode(frame).decode())
            await client.until_told("conversation.item.input_audio_transcription.completed")

            assert updated["session"]["type"] == "transcription", dialect
            assert not client.told("error"), client.told("error")
            is_ga(client)
            client.close()


REFUSED: list[tuple[DialectName, Make, str]] = [
    (
        "azure",
        lambda up: AzureDialer("azure", up.http_base, KEY, "nobody", limits=LIMITS),
        "configuration.model_not_found",
    ),
    (
        "azure",
        lambda up: AzureDialer("azure", up.http_base, "wrong", "voice", limits=LIMITS),
        "configuration.invalid_api_key",
    ),
    (
        "azure-preview",
        lambda up: AzureDialer("azure", up.http_base, KEY, "voice", "2099-01-01", limits=LIMITS),
        "configuration.model_not_found",
    ),
    (
        "openai",
        lambda up: CompatibleDialer("older", up.http_base, KEY, "any", BETA, limits=LIMITS),
        "configuration.beta_shape",
    ),
]


@pytest.mark.parametrize(("dialect", "make", "code"), REFUSED)
async def test_what_a_provider_refuses_is_the_operators_to_mend(
    dialect: DialectName, make: Make, code: str
) -> None:
    told = options(dialect, api_key=KEY)
    limits = Limits(retry_base_s=0.01, retry_cap_s=0.02, recovery_budget_s=0.5)
    async with Emulator(told) as upstream, gateway(make(upstream), limits=limits) as gw:
        client = await Client.connect(gw.browser_url)
        client.say("create_session")
        ended = await client.until_told("session_ended")

        assert ended["fault"]["code"] == code
        await client.until_closed()


async def test_the_browser_protocol_says_what_an_upstream_has_no_word_for() -> None:
    fields = tuple(one for one in BETA.session or () if one.theirs != "turn_detection")
    lacking = replace(BETA, session=fields)
    async with Emulator(options("beta")) as upstream:
        dialer = CompatibleDialer("older", upstream.http_base, KEY, "any", lacking, limits=LIMITS)
        async with gateway(dialer) as gw:
            client = await Client.connect(gw.browser_url)
            client.say("create_session")
            ready = await client.until_told("session_ready")

            assert "session.audio.input.turn_detection.silence_duration_ms" in ready["notes"][0]
            client.close()
