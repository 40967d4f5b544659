"""The embedded engine, seen as one more upstream: its workers speak the Realtime dialect on loopback.

What lives here: the one door to `engine`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol
from urllib.parse import urlencode

from holdfast.config import EngineSettings, StageSettings
from holdfast.core.faults import Fault, fault
from holdfast.core.limits import DEFAULT, Limits
from holdfast.core.models import VOICES
from holdfast.engine.options import EngineOptions, RemoteStage, one_for_each_processor
from holdfast.engine.pool import EngineAddress, EnginePool, EngineUnavailableError
from holdfast.ports import UpstreamSink, UpstreamTraits
from holdfast.providers.realtime_link import Address, dial

LOCAL_MODEL = "holdfast-local"


def engine_options(settings: EngineSettings, *, workers: int | None = None) -> EngineOptions:
    """The engine that the settings ask for; `workers` other than theirs."""
    speech = settings.speech
    return EngineOptions(
        workers=workers or settings.workers or one_for_each_processor(),
        model_folder=settings.asr_model,
        vad_model=settings.vad_model,
        turn=settings.turn,
        turn_model=settings.turn_model,
        answers_ahead=settings.answers_ahead,
        transcription=_remote(settings.transcription),
        chat=_remote(settings.chat),
        speech=_remote(speech, voice=speech.voice, audio_format=speech.format, rate=speech.rate),
    )


def _remote(stage: StageSettings, **more: Any) -> RemoteStage | None:
    if stage.kind == "builtin":
        return None
    key = stage.api_key.get_secret_value()
    return RemoteStage(
        stage.base_url, stage.model, key, first_s=stage.silent_s, total_s=stage.total_s, **more
    )


def stage_notes(pool: EnginePool) -> list[str]:
    """Which stages work with less than they were given, and why: what, why, fix."""
    told = [
        f"The {news.stage} stage of the embedded engine is {news.served_by}: {news.why}. "
        f"{fault(news.code).row.remedy}"
        for news in pool.stage_troubles
    ]
    return list(dict.fromkeys(told))


class EngineDoor(Protocol):
    """Who knows where the engine can be reached: the pool, or a process that has it."""

    @property
    def ready(self) -> bool:
        """Whether a session can start now."""
        ...

    @property
    def reasons(self) -> Sequence[str]:
        """Why not: what, why, fix."""
        ...

    @property
    def is_incomplete(self) -> bool:
        """Whether something has to be installed or corrected first: waiting does not help."""
        ...

    async def hand_out(self) -> EngineAddress:
        """The least loaded worker. Raises EngineUnavailableError."""
        ...


class _OwnWorker:
    """A session's sink, for a link to our own worker: that it is gone, or full, is no provider's fault."""

    __slots__ = ("_lost", "_pool", "upstream_message", "upstream_opened", "upstream_paused")

    def __init__(self, sink: UpstreamSink, pool: EngineDoor) -> None:
        self.upstream_opened = sink.upstream_opened
        self.upstream_message = sink.upstream_message  # nothing stands between the link and the session
        self.upstream_paused = sink.upstream_paused
        self._lost = sink.upstream_lost
        self._pool = pool

    def upstream_lost(self, generation: int, cause: Fault) -> None:
        if cause.code in _GONE:
            cause = fault("gateway.engine_unavailable", [*cause.evidence, *self._pool.reasons])
        self._lost(generation, cause)


_GONE: Final = frozenset(
    {
        "provider.closed",
        "provider.connection_lost",
        "provider.handshake_timeout",
        "provider.unavailable",
        "provider.unreachable",
    }
)
"""What ends a link to a worker that died, stands still, goes or is full."""


@dataclass(frozen=True, slots=True)
class LocalDialer:
    """Dials the least loaded engine worker."""

    name: str
    pool: EngineDoor
    default_voice: str = "cedar"
    limits: Limits = DEFAULT

    @property
    def traits(self) -> UpstreamTraits:
        return UpstreamTraits(
            name=self.name,
            kind="local",
            model=LOCAL_MODEL,
            voices=VOICES,
            default_voice=self.default_voice,
            transcription_model=LOCAL_MODEL,
            knows_utterances=True,
        )

    async def dial(self, generation: int, sink: UpstreamSink, query: Mapping[str, str]) -> None:
        if not self.pool.ready:
            self._lost(generation, sink, self.pool.reasons)
            return
        try:
            address = await self.pool.hand_out()
        except EngineUnavailableError as error:
            self._lost(generation, sink, self.pool.reasons or [str(error)])
            return
        asked = {name: query[name] for name in ("intent",) if name in query}  # it has one model
        url = f"{address.url}?{urlencode({'model': LOCAL_MODEL, **asked})}"
        link_sink = _OwnWorker(sink, self.pool)
        await dial(Address(url, address.token, self.limits), generation, link_sink, {})

    def _lost(self, generation: int, sink: UpstreamSink, reasons: Sequence[str]) -> None:
        is_ours = self.pool.is_incomplete
        code = "configuration.speech_files_missing" if is_ours else "gateway.engine_unavailable"
        sink.upstream_lost(generation, fault(code, reasons))
