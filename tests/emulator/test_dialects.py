"""An emulator of each dialect is as strict as the one that it plays: address, key, deployment, shape."""

from __future__ import annotations

from typing import Any

import pytest
from picows import WSHandshakeError

from holdfast.emulator import DialectName, Emulator, EmulatorOptions
from tests.server.gateway import Client

KEY = {"api-key": "k"}
BEARER = {"Authorization": "Bearer k"}
BETA = {**BEARER, "OpenAI-Beta": "realtime=v1"}
PREVIEW = "/openai/realtime?api-version=2025-04-01-preview&deployment=voice"

REFUSED: list[tuple[DialectName, str, dict[str, str], int]] = [
    ("azure", "/v1/realtime?model=voice", KEY, 404),
    ("azure", "/openai/v1/realtime?model=voice", {}, 401),
    ("azure", "/openai/v1/realtime?model=nobody", KEY, 404),
    ("azure", "/openai/v1/realtime", KEY, 404),
    ("azure", "/openai/v1/realtime?model=voice&api-version=2025-04-01-preview", KEY, 400),
    ("azure-preview", "/openai/v1/realtime?model=voice", KEY, 404),
    ("azure-preview", "/openai/realtime?deployment=voice", KEY, 404),
    ("azure-preview", PREVIEW.replace("voice", "nobody"), KEY, 404),
    ("beta", "/v1/realtime?model=any", BEARER, 400),
    ("openai", "/openai/v1/realtime?model=gpt-realtime-2.1", BEARER, 404),
]
ADMITTED: list[tuple[DialectName, str, dict[str, str]]] = [
    ("azure", "/openai/v1/realtime?model=voice", KEY),
    ("azure", "/openai/v1/realtime?model=voice", BEARER),
    ("azure", "/openai/v1/realtime?intent=transcription", KEY),
    ("azure-preview", PREVIEW, KEY),
    ("beta", "/v1/realtime?model=any", BETA),
    ("openai", "/v1/realtime?model=gpt-realtime-2.1", BEARER),
]


def playing(dialect: DialectName) -> Emulator:
    return Emulator(EmulatorOptions(dialect=dialect, deployments=("voice",), api_key="k", speed=0))


async def dial(emulator: Emulator, path: str, headers: dict[str, str]) -> Client:
    return await Client.connect(f"ws://127.0.0.1:{emulator.port}{path}", extra_headers=headers)


@pytest.mark.parametrize(("dialect", "path", "headers", "status"), REFUSED)
async def test_an_address_that_the_provider_would_not_take_is_refused(
    dialect: DialectName, path: str, headers: dict[str, str], status: int
) -> None:
    async with playing(dialect) as emulator:
        with pytest.raises(WSHandshakeError) as refused:
            await dial(emulator, path, headers)

    assert refused.value.response is not None
    assert refused.value.response.status == status


@pytest.mark.parametrize(("dialect", "path", "headers"), ADMITTED)
async def test_an_address_that_the_provider_takes_gets_a_session(
    dialect: DialectName, path: str, headers: dict[str, str]
) -> None:
    async with playing(dialect) as emulator:
        client = await dial(emulator, path, headers)
        await client.until_told("session.created")
        client.close()


SHAPES: list[tuple[DialectName, str, dict[str, str], dict[str, Any], str]] = [
    ("openai", ADMITTED[5][1], BEARER, {"type": "realtime", "modalities": ["text"]}, "session.modalities"),
    ("azure", ADMITTED[0][1], KEY, {"type": "realtime", "voice": "alloy"}, "session.voice"),
    ("azure-preview", PREVIEW, KEY, {"type": "realtime", "instructions": "x"}, "session.type"),
    ("beta", ADMITTED[4][1], BETA, {"audio": {"output": {"voice": "alloy"}}}, "session.audio"),
    ("beta", ADMITTED[4][1], BETA, {"modalities": ["audio"]}, "session.modalities"),
    ("beta", ADMITTED[4][1], BETA, {"input_audio_format": "audio/pcm"}, "session.input_audio_format"),
    (
        "beta",
        ADMITTED[4][1],
        BETA,
        {"tools": [{"type": "mcp", "server_label": "x"}]},
        "session.tools[0].type",
    ),
]


@pytest.mark.parametrize(("dialect", "path", "headers", "session", "param"), SHAPES)
async def test_the_other_shapes_settings_are_refused_and_nothing_is_applied(
    dialect: DialectName, path: str, headers: dict[str, str], session: dict[str, Any], param: str
) -> None:
    async with playing(dialect) as emulator:
        client = await dial(emulator, path, headers)
        client.say("session.update", event_id="mine", session=session)
        error = (await client.until_told("error"))["error"]

        assert (error["event_id"], error["param"]) == ("mine", param)
        assert not client.told("session.updated")
        client.close()
