"""A call over real sockets: turns, tools, latencies, and every way it may fail by its name."""

from __future__ import annotations

import asyncio
import base64
import socket
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest

from holdfast.client import (
    CallError,
    Conversation,
    DialError,
    Recording,
    SessionError,
    SessionWish,
    dial,
    dialect_for,
)
from tests.client.scripted_server import Json, Reply, ScriptedServer, browser_session, serving, spoken_answer

SPEECH = Recording("question.wav", (np.sin(np.arange(4800) / 5) * 9000).astype("<i2").tobytes() + bytes(2400))


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with serving() as scripted:
        yield scripted


async def connect(url: str, wish: SessionWish | None = None, credential: str | None = None) -> Conversation:
    line = await dial(url, dialect_for(url, wish or SessionWish()), credential)
    conversation = Conversation(line, speed=10)
    try:
        await conversation.start(5)
    except SessionError:
        await conversation.end()
        raise
    return conversation


async def test_a_typed_turn(server: ScriptedServer) -> None:
    server.script = browser_session({"input_text": spoken_answer("r1", "You owe 120 euros.")})
    conversation = await connect(server.url(""), SessionWish(voice="cedar"))

    turn = await conversation.write("What do I owe?", 5)
    await conversation.end()

    assert turn.reply == "You owe 120 euros."
    assert len(turn.audio) == 4800
    assert turn.latency.sound_ms is not None
    assert conversation.ready is not None
    assert conversation.ready.provider_session_id == "sess_9"
    created, typed, ended = server.texts
    assert (created["voice"], created["framing"]) == ("cedar", "raw")
    assert "model" not in created
    assert typed == {"type": "input_text", "text": "What do I owe?"}
    assert ended == {"type": "end_session"}


async def test_a_spoken_turn_is_followed_by_silence_and_counted_from_the_end_of_speech(
    server: ScriptedServer,
) -> None:
    heard: list[Reply] = [
        {"type": "speech_started", "itemId": "i1", "sample": 0},
        {"type": "speech_stopped", "itemId": "i1", "sample": 4800},
        {"type": "user_transcript", "itemId": "i1", "text": "what is my balance", "final": True},
        *spoken_answer("r1", "It is 10 euros."),
    ]
    server.script = browser_session({"speech": heard}, speech_bytes=len(SPEECH.pcm) + 9600)
    conversation = await connect(server.url())

    turn = await conversation.say(SPEECH, 5)
    await conversation.end()

    assert turn.user == "what is my balance"
    assert turn.latency.turn_end_ms is not None
    assert turn.latency.sound_ms is not None
    assert 0 < turn.latency.turn_end_ms <= turn.latency.sound_ms
    assert bytes(server.audio).startswith(SPEECH.pcm)
    assert not any(bytes(server.audio)[len(SPEECH.pcm) :])


async def test_a_tool_call_and_its_second_answer_are_one_turn(server: ScriptedServer) -> None:
    answers: list[Reply] = [
        {"type": "response_started", "responseId": "r1"},
        {"type": "response_done", "responseId": "r1", "status": "completed"},
        {"type": "tool_started", "callId": "c1", "name": "balance"},
        {"type": "client_action", "action": "open_form", "target": "address", "arguments": {}},
        {"type": "tool_done", "callId": "c1", "name": "balance", "status": "ok"},
        *spoken_answer("r2", "It is 10 euros."),
    ]
    server.script = browser_session({"input_text": answers})
    conversation = await connect(server.url())

    turn = await conversation.write("balance", 5)
    await conversation.end()

    assert (turn.reply, turn.tools, turn.actions) == ("It is 10 euros.", ["balance"], ["open_form address"])


async def test_a_ticket_travels_as_a_subprotocol(server: ScriptedServer) -> None:
    server.script = browser_session({})
    conversation = await connect(server.url(), credential="abc")
    await conversation.end()

    assert server.headers["sec-websocket-protocol"] == "holdfast.v1, holdfast.ticket.abc"


def realtime_session(message: Json | bytes) -> list[Reply]:
    """A Realtime server, as small as can be."""
    assert isinstance(message, dict)
    ids = {"response_id": "resp_1", "item_id": "item_1"}
    sound = base64.b64encode(b"\x01\x00" * 480).decode()
    replies: dict[str, list[Reply]] = {
        "(opened)": [{"type": "session.created", "session": {"id": "sess_1", "model": "gpt-realtime-2.1"}}],
        "session.update": [{"type": "session.updated", "session": {"id": "sess_1"}}],
        "response.create": [
            {"type": "response.created", "response": {"id": "resp_1"}},
            {"type": "response.output_audio_transcript.delta", **ids, "delta": "Hi"},
            {"type": "response.output_audio.delta", **ids, "delta": sound},
            {"type": "an.event.of.tomorrow", "x": 1},
            {"type": "response.output_audio_transcript.done", **ids, "transcript": "Hi there."},
            {"type": "response.done", "response": {"id": "resp_1", "status": "completed"}},
        ],
    }
    return replies.get(message["type"], [])


async def test_openais_dialect(server: ScriptedServer) -> None:
    server.script = realtime_session
    conversation = await connect(server.url("/v1/realtime"), credential="sk-test-0123")

    turn = await conversation.write("Hello", 5)
    await conversation.end()

    assert (turn.reply, len(turn.audio)) == ("Hi there.", 960)
    assert server.headers["authorization"] == "Bearer sk-test-0123"
    update = server.texts[0]
    assert update["session"]["type"] == "realtime"
    assert [text["type"] for text in server.texts[1:]] == ["conversation.item.create", "response.create"]


REFUSAL: Json = {
    "type": "error",
    "error": {"type": "invalid_request_error", "code": "invalid_api_key", "message": "no"},
}
FAULT: Json = {
    "code": "configuration.quota_exhausted",
    "party": "configuration",
    "message": "m",
    "remedy": "r",
}


@pytest.mark.parametrize(
    ("path", "replies", "code"),
    [
        ("/v1/realtime", [REFUSAL, 3000], "configuration.invalid_api_key"),
        ("/v1/realtime", [1011], "provider.closed"),
        (
            "/api",
            [{"type": "session_ended", "reason": "failed", "fault": FAULT}],
            "configuration.quota_exhausted",
        ),
        (
            "/api",
            [{"type": "error", "code": "NOT_AUTHORIZED", "message": "m"}, 4403],
            "application.not_authorized",
        ),
    ],
)
async def test_a_refusal_in_band_has_its_name(
    server: ScriptedServer, path: str, replies: list[Reply], code: str
) -> None:
    server.script = lambda message: replies if message == {"type": "(opened)"} else []

    with pytest.raises(SessionError) as failed:
        await connect(server.url(path))

    assert failed.value.code == code
    assert failed.value.evidence


async def test_a_session_that_does_not_get_ready_is_named_as_the_gateway_names_it(
    server: ScriptedServer,
) -> None:
    silent = {
        "code": "provider.silent",
        "party": "provider",
        "message": "m",
        "remedy": "r",
        "evidence": ["1 s"],
    }
    opening: list[Reply] = [
        {"type": "session_created", "sessionId": "s1"},
        {"type": "status", "state": "recovering", "fault": silent},
        {"type": "status", "state": "connecting"},
    ]
    server.script = lambda message: (
        opening if isinstance(message, dict) and message["type"] == "create_session" else []
    )
    line = await dial(server.url(), dialect_for(server.url(), SessionWish()))
    conversation = Conversation(line)
    with pytest.raises(SessionError) as failed:
        await conversation.start(0.3)
    await conversation.end()

    assert (failed.value.code, failed.value.told) == ("provider.silent", silent)


async def test_an_open_but_silent_server_is_named_after_the_time_out(server: ScriptedServer) -> None:
    conversation = Conversation(await dial(server.url(), dialect_for(server.url(), SessionWish())))

    with pytest.raises(SessionError) as failed:
        await conversation.start(0.05)
    await conversation.end()

    assert failed.value.code == "provider.silent"


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/realtime", 401, "configuration.invalid_api_key"),
        ("/v1/realtime", 429, "provider.rate_limited"),
        ("/v1/realtime", 503, "provider.unavailable"),
        ("/api/openai/realtime", 401, "application.not_authorized"),
    ],
)
async def test_a_refused_upgrade_has_its_name(
    server: ScriptedServer, path: str, status: int, code: str
) -> None:
    server.refuse_with = status

    with pytest.raises(DialError) as failed:
        await connect(server.url(path))

    assert failed.value.code == code


async def test_a_redirect_is_not_followed() -> None:
    async def redirect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(redirect, "127.0.0.1", 0) as redirecting:
        port = redirecting.sockets[0].getsockname()[1]

        assert await code_of(f"ws://127.0.0.1:{port}/v1/realtime") == "configuration.redirected"


async def test_nobody_there_and_no_such_host() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]

    assert await code_of(f"ws://127.0.0.1:{port}") == "provider.unreachable"
    assert await code_of("ws://no-such-host.invalid") == "provider.name_unknown"
    assert await code_of("ftp://127.0.0.1") == "configuration.invalid"


async def test_a_key_is_not_sent_unencrypted_to_another_machine() -> None:
    assert await code_of("ws://203.0.113.7/v1/realtime", credential="sk-test-0123") == "configuration.invalid"


async def code_of(url: str, **given: Any) -> str:
    with pytest.raises(CallError) as failed:
        await connect(url, **given)
    assert "sk-test" not in str(failed.value)
    return failed.value.code
