"""`/v1/audio/speech` and `/v1/audio/transcriptions`, passed on to providers that are real servers."""

from __future__ import annotations

import asyncio
import io
import json
import wave
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from fastapi import FastAPI, Request
from openai import AsyncOpenAI, OpenAI
from starlette.responses import JSONResponse, Response, StreamingResponse

from holdfast.app import Gateway
from holdfast.config import load
from holdfast.server.listening import bound_socket, listening
from tests.server.gateway import eventually

UPSTREAM_KEY = "sk-upstream-canary"
CLIENT_KEY = "sk-client-canary"
SPEECH = {"model": "gpt-4o-mini-tts", "voice": "marin", "input": "Hello there."}


@dataclass
class Provider:
    """A server of the REST dialect that does as it is told and keeps what it was asked."""

    status: int = 200
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    hung_up: int = 0
    base_url: str = ""

    def app(self) -> FastAPI:
        app = FastAPI()
        app.add_api_route("/v1/audio/speech", self.speech, methods=["POST"])
        app.add_api_route("/v1/audio/transcriptions", self.transcription, methods=["POST"])
        return app

    async def speech(self, request: Request) -> Response:
        self.asked.append((dict(request.headers), await request.body()))
        if self.status != 200:
            told = f"Incorrect API key provided: {UPSTREAM_KEY}"
            error = {"message": told, "type": "invalid_request_error", "code": "told_so", "param": None}
            return JSONResponse({"error": error}, self.status)
        return StreamingResponse(self._sound(), media_type="audio/mpeg", headers={"x-request-id": "req_1"})

    async def _sound(self) -> AsyncIterator[bytes]:
        try:
            yield b"first"
            await self.go_on.wait()
            yield b"second"
        finally:
            self.hung_up += 1

    async def transcription(self, request: Request) -> Response:
        async with request.form() as form:
            fields = {name: value for name, value in form.items() if isinstance(value, str)}
            file = form["file"]
            assert not isinstance(file, str)
            self.asked.append(({**dict(request.headers), **fields}, await file.read()))
        if fields.get("stream") == "true":
            events = [
                {"type": "transcript.text.delta", "delta": "hello"},
                {"type": "transcript.text.done", "text": "hello"},
            ]
            body = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
            return Response(body, media_type="text/event-stream")
        return JSONResponse({"text": "hello"})


@asynccontextmanager
async def gateway(folder: Path, *providers: Provider | str, **limits: float) -> AsyncIterator[str]:
    """A gateway before these providers; a text is a base url where nobody may listen."""
    from uvicorn import Config  # noqa: PLC0415 - the provider's server only

    from holdfast.server.listening import QuietServer  # noqa: PLC0415 - as above

    async with AsyncExitStack() as stack:
        upstreams = []
        for number, provider in enumerate(providers):
            if isinstance(provider, Provider):
                server = QuietServer(Config(provider.app(), log_config=None, lifespan="off"))
                authority = await stack.enter_async_context(listening(server, bound_socket("127.0.0.1", 0)))
                provider.base_url = f"http://{authority}/v1"
                stack.callback(provider.go_on.set)
            url = provider.base_url if isinstance(provider, Provider) else provider
            upstreams.append(
                {"name": f"one{number}", "kind": "openai", "base_url": url, "api_key_env": "THE_KEY"}
            )
        settings = load(
            environ={"THE_KEY": UPSTREAM_KEY},
            folder=folder,
            overrides={
                "port": 0,
                "upstream": upstreams,
                "portal": {"database": str(folder / "portal.sqlite3")},
                "journal": {"kind": "memory"},
                "limits": {"drain_s": 2, **limits},
            },
        )
        one = Gateway(settings)
        async with one.running() as url:
            yield url
            one.stop()
            one.stop()


def sdk(url: str) -> AsyncOpenAI:
    return AsyncOpenAI(base_url=f"{url}/v1", api_key=CLIENT_KEY, max_retries=0)


def recording(seconds: float = 0.1) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as wav:
        wav.setparams((1, 2, 24_000, 0, "NONE", ""))
        wav.writeframes(bytes(round(48_000 * seconds) // 2 * 2))
    return file.getvalue()


async def test_speech_flows_through_as_it_is_made(tmp_path: Path) -> None:
    provider = Provider()
    async with (
        gateway(tmp_path, provider) as url,
        sdk(url) as client,
        client.audio.speech.with_streaming_response.create(**SPEECH) as answer,  # type: ignore[arg-type] # plain fields, as users write them
    ):
        pieces = answer.iter_bytes()
        assert await anext(pieces) == b"first", "before the provider has gone on"
        assert answer.headers["content-type"] == "audio/mpeg"
        assert answer.headers["holdfast-upstream"] == "one0"
        assert answer.headers["x-request-id"] == "req_1"
        provider.go_on.set()
        assert [piece async for piece in pieces] == [b"second"]
    headers, body = provider.asked[0]
    assert headers["authorization"] == f"Bearer {UPSTREAM_KEY}"
    assert CLIENT_KEY not in str(headers)
    assert json.loads(body)["input"] == "Hello there."


async def test_the_synchronous_client_too(tmp_path: Path) -> None:
    provider = Provider()
    provider.go_on.set()

    def ask(url: str) -> tuple[bytes, str]:
        with OpenAI(base_url=f"{url}/v1", api_key="x", max_retries=0) as client:
            sound = client.audio.speech.create(**SPEECH).read()  # type: ignore[arg-type] # as above
            heard = client.audio.transcriptions.create(model="whisper-1", file=("a.wav", recording()))
        return sound, heard.text

    async with gateway(tmp_path, provider) as url:
        assert await asyncio.to_thread(ask, url) == (b"firstsecond", "hello")


async def test_a_recording_goes_up_whole_and_events_come_down(tmp_path: Path) -> None:
    provider = Provider()
    async with gateway(tmp_path, provider) as url, sdk(url) as client:
        stream = await client.audio.transcriptions.create(
            model="gpt-4o-transcribe", file=("a.wav", recording(20)), stream=True, language="en"
        )
        kinds = [event.type async for event in stream]
    assert kinds == ["transcript.text.delta", "transcript.text.done"]
    fields, file = provider.asked[0]
    assert file == recording(20)
    assert (fields["model"], fields["language"]) == ("gpt-4o-transcribe", "en")
    assert fields["authorization"] == f"Bearer {UPSTREAM_KEY}"


async def test_the_next_upstream_is_asked_where_one_cannot(tmp_path: Path) -> None:
    ill, well = Provider(status=500), Provider()
    well.go_on.set()
    async with gateway(tmp_path, "http://127.0.0.1:9/v1", ill, well) as url, sdk(url) as client:
        answer = await client.audio.speech.create(**SPEECH)  # type: ignore[arg-type] # as above
        assert answer.read() == b"firstsecond"
        assert answer.response.headers["holdfast-upstream"] == "one2"
        assert len(ill.asked) == 1
        heard = await client.audio.transcriptions.create(model="whisper-1", file=("a.wav", recording()))
    assert heard.text == "hello", "nothing of the recording was spent on who did not answer"


async def test_a_refusal_of_the_wish_is_told_and_one_of_our_key_is_not(tmp_path: Path) -> None:
    provider = Provider(status=400)
    async with gateway(tmp_path, provider) as url, sdk(url) as client:
        with pytest.raises(openai.BadRequestError) as refused:
            await client.audio.speech.create(**SPEECH)  # type: ignore[arg-type] # as above
        assert refused.value.code == "told_so"
        assert UPSTREAM_KEY not in str(refused.value)
        provider.status = 401
        with pytest.raises(openai.InternalServerError) as ours:
            await client.audio.speech.create(**SPEECH)  # type: ignore[arg-type] # as above
    assert ours.value.code == "upstream_refused_key"
    assert UPSTREAM_KEY not in str(ours.value.body)


async def test_who_is_refused_holds_no_place(tmp_path: Path) -> None:
    provider = Provider(status=400)
    async with gateway(tmp_path, provider, audio_requests=1) as url, sdk(url) as client:
        for status in (400, 500, 400):
            provider.status = status
            with pytest.raises(openai.APIStatusError) as refused:
                await client.audio.speech.create(**SPEECH)  # type: ignore[arg-type] # as above
            assert refused.value.status_code == status
        await _not_wav(url)
        provider.status = 200
        provider.go_on.set()
        assert (await client.audio.speech.create(**SPEECH)).read() == b"firstsecond"  # type: ignore[arg-type] # as above


async def _not_wav(url: str) -> None:
    async with httpx.AsyncClient() as client:
        answered = await client.post(f"{url}/v1/audio/speech", content=b"no json")
    assert answered.status_code == 400


async def test_nobody_answers(tmp_path: Path) -> None:
    async with gateway(tmp_path, "http://127.0.0.1:9/v1") as url, sdk(url) as client:
        with pytest.raises(openai.InternalServerError) as refused:
            await client.audio.speech.create(**SPEECH)  # type: ignore[arg-type] # as above
    assert refused.value.status_code == 502
    assert refused.value.code == "upstream_unreachable"


async def test_only_so_many_at_once_and_a_place_is_free_when_somebody_leaves(tmp_path: Path) -> None:
    provider = Provider()
    async with gateway(tmp_path, provider, audio_requests=1) as url, sdk(url) as client:
        async with client.audio.speech.with_streaming_response.create(**SPEECH) as first:  # type: ignore[arg-type] # as above
            assert await anext(first.iter_bytes()) == b"first"
            with pytest.raises(openai.RateLimitError) as refused:
                await client.audio.speech.create(**SPEECH)  # type: ignore[arg-type] # as above
            assert refused.value.response.headers["retry-after"] == "1"
        await eventually(lambda: provider.hung_up == 1)
        provider.go_on.set()

        async def again() -> bytes:
            return (await client.audio.speech.create(**SPEECH)).read()  # type: ignore[arg-type] # as above

        assert await again() == b"firstsecond"


BEYOND: list[tuple[str, dict[str, Any], int, str]] = [
    ("speech", {"json": {**SPEECH, "input": "x" * 4_097}}, 400, "string_above_max_length"),
    ("speech", {"json": {**SPEECH, "speed": 9}}, 400, "invalid_value"),
    ("speech", {"json": {"voice": "marin"}}, 400, "invalid_value"),
    ("speech", {"content": b"no json"}, 400, "invalid_value"),
    ("speech", {"json": {**SPEECH, "input": "x" * 100_000}}, 413, "body_too_large"),
    ("transcriptions", {"files": {"file": b"x" * 200_000}}, 413, "body_too_large"),
]


async def test_bounds(tmp_path: Path) -> None:
    provider = Provider()
    async with (
        gateway(tmp_path, provider, transcription_bytes=100_000) as url,
        httpx.AsyncClient() as client,
    ):
        for path, options, status, code in BEYOND:
            answered = await client.post(f"{url}/v1/audio/{path}", **options)
            assert (answered.status_code, answered.json()["error"]["code"]) == (status, code), path
        foreign = {"Origin": "https://evil.example"}
        assert (await client.post(f"{url}/v1/audio/speech", json=SPEECH, headers=foreign)).status_code == 403
    assert provider.asked == []


async def test_a_body_that_grows_beyond_what_may_come_is_cut(tmp_path: Path) -> None:
    """Without a length it is found out on the way; the provider never gets the whole."""
    provider = Provider()

    async def endless() -> AsyncIterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        for _ in range(10):
            yield b"x" * 50_000

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    async with (
        gateway(tmp_path, provider, transcription_bytes=100_000) as url,
        httpx.AsyncClient() as client,
    ):
        answered = await client.post(f"{url}/v1/audio/transcriptions", content=endless(), headers=headers)
        assert answered.status_code == 413
    assert provider.asked == []
