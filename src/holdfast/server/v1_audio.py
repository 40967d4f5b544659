"""`POST /v1/audio/speech` and `/v1/audio/transcriptions`: asked of the first upstream that can.

What lives here: how many at once, whose turn it is, a provider's answer passed on piece by piece.
What never will: files and events of the engine's own answers (`own_audio`).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from holdfast.auth import PortalGate
from holdfast.core.limits import Limits
from holdfast.ports.audio import AudioFailedError, Body, Forwarder, Speaker
from holdfast.server import own_audio
from holdfast.server.own_audio import Own
from holdfast.server.v1 import RefusedV1Error, admitted

log = structlog.get_logger()

SPEECH_PATH: Final = "/v1/audio/speech"
TRANSCRIPTIONS_PATH: Final = "/v1/audio/transcriptions"
FORM_BYTES: Final = 64 * 1024
"""What a form may have beside its file."""
_ANOTHER: Final = frozenset({401, 403, 404, 408, 429})
"""Answers after which the next upstream is asked; so it is after every 5xx."""
_OURS: Final = frozenset({401, 403})
"""Answers about our own credential: not the client's to mend."""

Service = Speaker | Forwarder


class Piped(StreamingResponse):
    """A body that flows, and something to let go when it has ended, however it ends."""

    def __init__(self, pieces: AsyncIterator[bytes], held: AsyncExitStack, **options: Any) -> None:
        super().__init__(pieces, **options)
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._held.aclose()


class AudioRoutes:
    """Both routes. `services` are in the order of preference."""

    def __init__(self, gate: PortalGate, services: Sequence[Service], limits: Limits) -> None:
        self._gate = gate
        self._services = services
        self._limits = limits
        self._running = 0

    @property
    def running(self) -> int:
        """Requests under way."""
        return self._running

    def add_to(self, app: FastAPI) -> None:
        """Put the routes into `app`."""
        app.add_api_route(SPEECH_PATH, self.speech, methods=["POST"])
        app.add_api_route(TRANSCRIPTIONS_PATH, self.transcription, methods=["POST"])

    @property
    def sizes(self) -> dict[str, int]:
        """How large the bodies may be."""
        speech = 4 * self._limits.speech_chars + FORM_BYTES
        return {SPEECH_PATH: speech, TRANSCRIPTIONS_PATH: self._limits.transcription_bytes + FORM_BYTES}

    async def speech(self, request: Request) -> Response:
        """A text, spoken."""
        admitted(self._gate, request)
        body = await request.body()
        wish = own_audio.speech_wish(body, self._limits.speech_chars)

        async def own(speaker: Speaker, held: AsyncExitStack) -> Own:
            return await own_audio.speech(speaker, wish, held)

        return await self._answer(request, _Upload(whole=body), own)

    async def transcription(self, request: Request) -> Response:
        """A recording, written down."""
        admitted(self._gate, request)
        upload = _Upload(request)

        async def own(speaker: Speaker, held: AsyncExitStack) -> Own:
            wish = await own_audio.transcription_wish(request, upload.pieces())
            return await own_audio.transcription(speaker, wish, held)

        return await self._answer(request, upload, own)

    async def _answer(self, request: Request, upload: _Upload, own: own_audio.Make) -> Response:
        """The answer, with a place that is held as long as it flows."""
        held = AsyncExitStack()
        self._take_place(held)
        try:
            answer = await self._asked(request, upload, own, held)
        except BaseException:
            await held.aclose()
            raise
        if not isinstance(answer, Piped):
            await held.aclose()
        return answer

    async def _asked(
        self, request: Request, upload: _Upload, own: own_audio.Make, held: AsyncExitStack
    ) -> Response:
        """Ask one upstream after the other, as long as nothing of the body is spent."""
        answer: Response | None = None
        for service in self._services:
            try:
                if isinstance(service, Forwarder):
                    answer = await self._forwarded(service, request, upload, held)
                else:
                    answer = await self._own(service, own, held)
            except AudioFailedError as error:
                _note(request, service, error.code)
                answer = RefusedV1Error(502, error.code, error.message).answer
            else:
                if not _asks_another(answer.status_code):
                    return answer
                _note(request, service, str(answer.status_code))
            if upload.is_spent:
                break
        assert answer is not None, "there is an upstream"
        return answer

    def _take_place(self, held: AsyncExitStack) -> None:
        if self._running >= self._limits.audio_requests:
            words = f"{self._running} audio requests run already: see [limits] audio_requests."
            raise RefusedV1Error(429, "rate_limit_exceeded", words, retry_after_s=1)
        self._running += 1
        held.callback(self._leave_place)

    def _leave_place(self) -> None:
        self._running -= 1

    async def _forwarded(
        self, service: Forwarder, request: Request, upload: _Upload, held: AsyncExitStack
    ) -> Response:
        path = request.url.path.removeprefix("/v1")
        body = Body(upload.pieces(), upload.length)
        answered = await service.forward("POST", path, request.headers, body)
        headers = {**answered.headers, "holdfast-upstream": service.name}
        if answered.status in _OURS:
            await answered.close()
            words = f"{service.name} refuses this gateway's key. Its operator has to look at it."
            return RefusedV1Error(502, "upstream_refused_key", words).answer
        if answered.status >= 400:
            return Response(await answered.refusal(), answered.status, headers)
        held.push_async_callback(answered.close)
        return Piped(answered.pieces(), held, status_code=answered.status, headers=headers)

    async def _own(self, service: Speaker, own: own_audio.Make, held: AsyncExitStack) -> Response:
        made = await own(service, held)
        headers = {**made.headers, "holdfast-upstream": service.name}
        return Piped(made.pieces, held, media_type=made.media_type, headers=headers)


class _Upload:
    """A body that goes up once, or as often as needed where it is here whole."""

    def __init__(self, request: Request | None = None, whole: bytes | None = None) -> None:
        self._request = request
        self._whole = whole
        self._has_begun = False

    @property
    def is_spent(self) -> bool:
        """Whether it cannot go up again."""
        return self._whole is None and self._has_begun

    @property
    def length(self) -> int | None:
        """Its size, where that is known."""
        if self._whole is not None:
            return len(self._whole)
        assert self._request is not None, "one of the two is there"
        told = self._request.headers.get("content-length")
        return int(told) if told is not None else None

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """The body."""
        if self._whole is not None:
            yield self._whole
            return
        assert self._request is not None, "one of the two is there"
        self._has_begun = True
        async for piece in self._request.stream():
            yield piece


def _asks_another(status: int) -> bool:
    return status in _ANOTHER or status >= 500


def _note(request: Request, service: Service, reason: str) -> None:
    log.warning(
        "audio.upstream_failed",
        category="upstream",
        source="v1_audio",
        path=request.url.path,
        upstream=service.name,
        reason=reason,
    )
