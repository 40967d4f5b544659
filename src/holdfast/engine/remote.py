"""Servers of OpenAI-compatible HTTP APIs that do a stage's work: transcriptions, chat completions, speech.

What lives here: the requests, their bounds in time and size, and what a failure is called.
What never will: what to say or when; who does the work when the server does not (`switch`).

A request ends with the task that waits for it: who speaks over an answer ends its request, too.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import ipaddress
import json
import wave
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import msgspec

from holdfast.engine.chatting import Delta, whole_text
from holdfast.engine.options import RemoteStage
from holdfast.engine.resample import WIRE_RATE
from holdfast.engine.served_sound import NoSoundError, ServedSound
from holdfast.engine.switch import Stage, StageError, StageSwitch

UNAVAILABLE: Final = "provider.stage_failed"
REFUSED: Final = "configuration.stage_refused"
_ANSWER_BYTES: Final = 1024 * 1024
_SPEECH_BYTES: Final = 64 * 1024 * 1024
_TOLD_CHARS: Final = 200


class StageServer:
    """One stage's server: its client, its address, its switch."""

    def __init__(self, stage: Stage, options: RemoteStage) -> None:
        self.options = options
        self.switch = StageSwitch(stage, options.title)
        self.asked = 0
        """Pieces of work that it has not done yet."""
        host = urlsplit(options.base_url).hostname or ""
        headers = {"Authorization": f"Bearer {options.api_key}"} if options.api_key else {}
        self._client = httpx.AsyncClient(
            base_url=options.base_url.rstrip("/"),
            headers=headers,
            timeout=httpx.Timeout(options.first_s),
            trust_env=not _is_loopback(host),
            follow_redirects=False,  # a key is never sent to another address
        )

    async def close(self) -> None:
        """No more requests."""
        await self._client.aclose()

    def may_try(self) -> bool:
        """Whether the next piece of work is the server's."""
        return self.switch.may_try(asyncio.get_running_loop().time())

    @asynccontextmanager
    async def answer(self, path: str, **request: Any) -> AsyncIterator[_Answer]:
        """An answer that begins well. Raises StageError, also for what goes wrong while it is read."""
        now = asyncio.get_running_loop().time
        self.asked += 1
        try:
            try:
                async with self._client.stream("POST", path, **request) as response:
                    answer = _Answer(response, self.options.total_s)
                    if response.status_code != HTTPStatus.OK:
                        raise await _refusal(answer)
                    yield answer
            except httpx.TimeoutException as error:
                raise StageError(UNAVAILABLE, f"silent for {self.options.first_s:g} s") from error
            except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL) as error:
                raise StageError(UNAVAILABLE, f"{type(error).__name__}: {error}".rstrip(": ")) from error
        except StageError as error:
            self.switch.failed(error, now())
            raise
        finally:
            self.asked -= 1
        self.switch.worked()


class _Answer:
    """The body of an answer, bounded in size and in the time that is spent waiting for it."""

    def __init__(self, response: httpx.Response, total_s: float) -> None:
        self.response = response
        self._total_s = total_s
        self._waited_s = 0.0

    @property
    def kind(self) -> str:
        """What its sender says that it is."""
        return str(self.response.headers.get("content-type", ""))

    async def parts(self, most: int) -> AsyncIterator[bytes]:
        """The body as it comes, at most so many bytes. No deadline of a task: who reads may take its time."""
        now = asyncio.get_running_loop().time
        began, size = now(), 0
        async for part in self.response.aiter_bytes():
            self._waited_s += now() - began
            size += len(part)
            if size > most or self._waited_s > self._total_s:
                raise StageError(UNAVAILABLE, f"no end after {size} bytes and {self._waited_s:.0f} s")
            yield part
            began = now()

    async def whole(self) -> bytes:
        """All of it."""
        return b"".join([part async for part in self.parts(_ANSWER_BYTES)])

    async def lines(self) -> AsyncIterator[bytes]:
        """Line by line."""
        rest = b""
        async for part in self.parts(_ANSWER_BYTES):
            *lines, rest = (rest + part).split(b"\n")
            for line in lines:
                yield line.strip()
        yield rest.strip()


@dataclass(frozen=True, slots=True)
class Transcriber:
    """`POST /audio/transcriptions`."""

    server: StageServer

    async def write(self, pcm: bytes, *, language: str | None = None, prompt: str | None = None) -> str:
        """What was said in PCM16 24 kHz. Raises StageError."""
        asked = {"model": self.server.options.model, "response_format": "json"}
        asked |= {"language": language} if language else {}
        asked |= {"prompt": prompt} if prompt else {}
        files = {"file": ("turn.wav", _wav(pcm), "audio/wav")}
        async with self.server.answer("/audio/transcriptions", data=asked, files=files) as answer:
            text = _json(await answer.whole()).get("text")
            if not isinstance(text, str):
                raise StageError(UNAVAILABLE, "the answer has no text")
        return whole_text(text).strip()


class _Choice(msgspec.Struct):
    delta: Delta | None = None
    finish_reason: Any = None


class _Chunk(msgspec.Struct):
    choices: list[_Choice | None] | None = None


@dataclass(frozen=True, slots=True)
class Chat:
    """`POST /chat/completions`, streaming."""

    server: StageServer

    async def deltas(self, request: Mapping[str, Any]) -> AsyncGenerator[Delta, None]:
        """The deltas of one answer. Raises StageError."""
        asked = {"model": self.server.options.model, "stream": True, **request}
        async with self.server.answer("/chat/completions", json=asked) as answer:
            is_whole = False
            try:
                async for line in answer.lines():
                    if not line.startswith(b"data:"):
                        continue
                    told = line.removeprefix(b"data:").strip()
                    if told == b"[DONE]":
                        is_whole = True
                        break
                    choice = next(iter(_chunk(told).choices or ()), None) or _Choice()
                    is_whole = is_whole or bool(choice.finish_reason)
                    yield choice.delta or Delta()
            except (httpx.HTTPError, StageError):
                if not is_whole:  # else all was told, and only the goodbye is missing
                    raise
            if not is_whole:
                raise StageError(UNAVAILABLE, "the answer broke off")


@dataclass(frozen=True, slots=True)
class Speech:
    """`POST /audio/speech`, as it comes."""

    server: StageServer

    async def speak(self, text: str, voice: str, speed: float) -> AsyncGenerator[bytes, None]:
        """PCM16 24 kHz in pieces of 100 ms. Raises StageError."""
        options = self.server.options
        asked: dict[str, Any] = {"model": options.model, "input": text, "voice": options.voice or voice}
        asked["response_format"] = options.audio_format
        asked |= {"speed": speed} if speed != 1.0 else {}
        async with self.server.answer("/audio/speech", json=asked) as answer:
            try:
                sound = ServedSound(options.rate, answer.kind, is_wav=options.audio_format == "wav")
                async for part in answer.parts(_SPEECH_BYTES):
                    for piece in sound.feed(part):
                        yield piece
            except NoSoundError as error:
                raise StageError(UNAVAILABLE, str(error)) from error
            for piece in sound.finish():
                yield piece
            if not sound.has_sounded:
                raise StageError(UNAVAILABLE, "the answer has no sound")


_OURS: Final = range(400, 500)
_NOT_OURS: Final = frozenset({408, 409, 425, 429})
"""Of these, statuses that say: not now."""


async def _refusal(answer: _Answer) -> StageError:
    status, body = answer.response.status_code, b""
    with contextlib.suppress(httpx.HTTPError, StageError):
        body = await answer.whole()
    told = " ".join(_why(body).split())[:_TOLD_CHARS]
    is_ours = status in _OURS and status not in _NOT_OURS
    return StageError(REFUSED if is_ours else UNAVAILABLE, f"HTTP {status}: {told}".rstrip(": "))


def _why(body: bytes) -> str:
    """What a refusal says of its cause, in the fields that are for it. The rest is left out: some servers
    repeat there what they were asked, and that is what somebody said.
    """
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return body.decode("utf-8", "replace")
    if not isinstance(told, Mapping):
        return ""
    found = next((told[name] for name in ("error", "detail", "message") if name in told), "")
    if isinstance(found, list):
        return whole_text("; ".join(_row(one) for one in found if isinstance(one, Mapping)))
    if isinstance(found, Mapping):
        found = found.get("message") or found.get("code")
    return whole_text(found) if isinstance(found, str) else ""


def _row(told: Mapping[str, Any]) -> str:
    """What is wrong with which field, as servers made with FastAPI say it."""
    place = told.get("loc")
    where = ".".join(map(str, place)) if isinstance(place, list) else ""
    return f"{where}: {told.get('msg', '')}".removeprefix(": ")


def _json(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise StageError(UNAVAILABLE, f"the answer is no JSON: {error}") from error
    if not isinstance(found, Mapping):
        raise StageError(UNAVAILABLE, "the answer is no JSON object")
    if isinstance(found.get("error"), Mapping):
        raise StageError(UNAVAILABLE, whole_text(str(found["error"].get("message")))[:_TOLD_CHARS])
    return found


def _chunk(body: bytes) -> _Chunk:
    try:
        return msgspec.convert(_json(body), _Chunk, strict=False)
    except msgspec.ValidationError as error:
        raise StageError(UNAVAILABLE, f"the answer is no chat's: {error}") from error


def _wav(pcm: bytes) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as wav:
        wav.setparams((1, 2, WIRE_RATE, 0, "NONE", ""))
        wav.writeframes(pcm)
    return file.getvalue()


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
