"""The embedded engine behind the audio routes: the official clients' calls, with no provider anywhere."""

from __future__ import annotations

import asyncio
import io
import json
import wave
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openai
import pybase64
import pytest
import pytest_asyncio
from openai import AsyncOpenAI, OpenAI

from holdfast.app import Gateway
from holdfast.config import load
from holdfast.engine.options import RemoteStage
from holdfast.engine.remote import Speech, StageServer, Transcriber
from holdfast.engine.switch import Stage
from holdfast.wire.plain_audio import SAY_CHARS, portions

pytestmark = [pytest.mark.speech, pytest.mark.asyncio(loop_scope="module")]
WORDS = "What is my next payment?"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def url(speech_files: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    folder = tmp_path_factory.mktemp("own")
    settings = load(
        environ={},
        folder=folder,
        overrides={
            "port": 0,
            "upstream": [{"name": "local", "kind": "local"}],
            "portal": {"database": str(folder / "portal.sqlite3")},
            "journal": {"kind": "memory"},
        },
    )
    gateway = Gateway(settings)
    async with gateway.running() as address:
        yield address
        gateway.stop()
        gateway.stop()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def sdk(url: str) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=f"{url}/v1", api_key="x", max_retries=0) as client:
        yield client


async def spoken(sdk: AsyncOpenAI, text: str = WORDS, **options: Any) -> bytes:
    answer = await sdk.audio.speech.create(model="tts-1", voice="marin", input=text, **options)
    return answer.read()


def length_s(wav_file: bytes) -> float:
    with wave.open(io.BytesIO(wav_file)) as wav:
        assert (wav.getnchannels(), wav.getsampwidth(), wav.getframerate()) == (1, 2, 24_000)
        return len(wav.readframes(10_000_000)) / 48_000


async def test_a_text_is_spoken_as_wav(sdk: AsyncOpenAI) -> None:
    answer = await sdk.audio.speech.create(model="tts-1", voice="onyx", input=WORDS)
    assert answer.response.headers["content-type"] == "audio/wav"
    assert answer.response.headers["holdfast-upstream"] == "local"
    assert answer.response.headers["holdfast-voice"] == "cedar", "who speaks instead is named"
    assert 0.8 < length_s(answer.read()) < 4


async def test_speed_and_pcm_are_honoured(sdk: AsyncOpenAI) -> None:
    plain = await spoken(sdk, response_format="pcm")
    quick = await spoken(sdk, response_format="pcm", speed=1.5)
    assert len(plain) / 48_000 == pytest.approx(length_s(await spoken(sdk, response_format="wav")), abs=0.05)
    assert 0.5 < len(quick) / len(plain) < 0.85


async def test_a_long_text_is_spoken_to_its_end(sdk: AsyncOpenAI) -> None:
    text = "It is nine euros. " * 30
    assert len(text) > SAY_CHARS
    one = length_s(await spoken(sdk, "It is nine euros."))
    assert length_s(await spoken(sdk, text)) > 20 * one


async def test_sound_as_events(sdk: AsyncOpenAI) -> None:
    sound, kinds = b"", []
    async with sdk.audio.speech.with_streaming_response.create(
        model="tts-1", voice="marin", input=WORDS, response_format="pcm", stream_format="sse"
    ) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        async for line in answer.iter_lines():
            if line.startswith("data: "):
                event = json.loads(line[6:])
                kinds.append(event["type"])
                sound += pybase64.b64decode(event.get("audio", ""))
    assert set(kinds[:-1]) == {"speech.audio.delta"}
    assert kinds[-1] == "speech.audio.done"
    assert len(sound) > 30_000


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ({"response_format": "mp3"}, "unsupported_format", "wav, pcm"),
        ({"response_format": "ogg"}, "unsupported_format", "is no format"),
        ({"speed": 3.0}, "invalid_value", "1.5"),
    ],
)
async def test_what_the_engine_does_not_make_is_refused_by_name(
    sdk: AsyncOpenAI, options: dict[str, Any], code: str, words: str
) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        await spoken(sdk, **options)
    assert refused.value.code == code
    assert words in refused.value.message


async def test_what_was_spoken_is_written_down(sdk: AsyncOpenAI) -> None:
    sound = await spoken(sdk)
    heard = await sdk.audio.transcriptions.create(model="whisper-1", file=("a.wav", sound))
    assert "next" in heard.text
    assert heard.usage is not None
    assert heard.usage.type == "duration"
    plain = await sdk.audio.transcriptions.create(
        model="whisper-1", file=("a.wav", sound), response_format="text"
    )
    assert plain.strip() == heard.text


async def test_utterances_come_as_they_are_heard(sdk: AsyncOpenAI) -> None:
    one = await spoken(sdk, response_format="pcm")
    file = io.BytesIO()
    with wave.open(file, "wb") as wav:
        wav.setparams((1, 2, 24_000, 0, "NONE", ""))
        wav.writeframes(one + bytes(72_000) + one)
    stream = await sdk.audio.transcriptions.create(
        model="gpt-4o-transcribe", file=("a.wav", file.getvalue()), stream=True
    )
    events = [event async for event in stream]
    deltas = [event.delta for event in events if event.type == "transcript.text.delta"]
    assert len(deltas) == 2
    assert events[-1].type == "transcript.text.done"
    assert events[-1].text == "".join(deltas)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"file": ("a.mp3", b"ID3 no wav")}, "invalid_file"),
        ({"response_format": "verbose_json"}, "unsupported_format"),
        ({"response_format": "srt"}, "unsupported_format"),
        ({"language": "de"}, "unsupported_language"),
    ],
)
async def test_recordings_that_are_not_heard(sdk: AsyncOpenAI, options: dict[str, Any], code: str) -> None:
    asked: dict[str, Any] = {"model": "whisper-1", "file": ("a.wav", b"RIFF"), **options}
    with pytest.raises(openai.BadRequestError) as refused:
        await sdk.audio.transcriptions.create(**asked)
    assert refused.value.code == code


async def test_the_synchronous_client(url: str) -> None:
    def ask() -> str:
        with OpenAI(base_url=f"{url}/v1", api_key="x", max_retries=0) as client:
            sound = client.audio.speech.create(model="tts-1", voice="marin", input=WORDS).read()
            return client.audio.transcriptions.create(model="whisper-1", file=("a.wav", sound)).text

    assert "next" in await asyncio.to_thread(ask)


async def test_an_engine_elsewhere_has_its_stages_served_by_it(url: str) -> None:
    def server(stage: Stage) -> StageServer:
        return StageServer(stage, RemoteStage(f"{url}/v1", "tts-1", audio_format="wav"))

    mouth, ear = server("speech"), server("transcription")
    sound = b"".join([piece async for piece in Speech(mouth).speak(WORDS, "marin", 1.0)])
    assert 40_000 < len(sound) < 200_000
    assert "next" in await Transcriber(ear).write(sound, language="en")
    for one in (mouth, ear):
        await one.close()


async def test_a_text_is_cut_where_it_may_be() -> None:
    text = "One sentence here. " * 60 + "x" * 1_200
    cut = portions(text)
    assert max(map(len, cut)) <= SAY_CHARS
    assert "".join("".join(cut).split()) == "".join(text.split())
    assert all(part.endswith(".") for part in cut[:2])
    assert portions("  ") == []
