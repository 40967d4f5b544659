"""The engine's stages put together, as this machine allows.

What lives here: which implementation serves which stage, and the warm-up before the first session.
What never will: a session.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from holdfast.engine import flite_native, flite_wasm
from holdfast.engine.ahead import PACED_SHARE, Ahead, Spare
from holdfast.engine.kit import Stages
from holdfast.engine.knowledge import Library
from holdfast.engine.options import FLITE, SILERO, EngineOptions, RemoteStage, turn_file
from holdfast.engine.remote import Chat, Speech, StageServer, Transcriber
from holdfast.engine.resample import to_pcm
from holdfast.engine.smart_turn import SmartTurn
from holdfast.engine.speaking import DEFAULT_VOICE, Mouth
from holdfast.engine.speech_server import ServedMouth
from holdfast.engine.sphinx import AcousticModel, SphinxRecogniser, check, installed_model
from holdfast.engine.stages import FRAME, SpeechError, Voice
from holdfast.engine.switch import Stage
from holdfast.engine.vad import Network, SileroVad, VadBatch, load

_WARM_WORDS: Final = "Hello."


@dataclass(frozen=True, slots=True)
class Assembly:
    """The stages, and what serves each: names for the log and for `doctor`."""

    stages: Stages
    voice: Voice
    names: Mapping[str, str]
    servers: Sequence[StageServer] = ()
    """Those of the stages that are served by others."""

    @property
    def served(self) -> Mapping[str, str]:
        """Who does the work of these stages now."""
        return {server.switch.stage: server.switch.served_by for server in self.servers}

    @property
    def awaits_servers(self) -> bool:
        """Whether one of them has been given work that is not done."""
        return any(server.asked for server in self.servers)

    async def close(self) -> None:
        """No more speech, no more requests."""
        if self.stages.ahead is not None:
            self.stages.ahead.close()
        if self.stages.turn_judge is not None:
            self.stages.turn_judge.close()
        self.stages.mouth.close()
        for server in self.servers:
            await server.close()

    def warm_up(self, tools: Sequence[Mapping[str, Any]], instructions: str) -> None:
        """Learn the tools that most sessions will bring, and run each stage once. Takes half a second."""
        self.stages.library.build([], "")
        knowledge = self.stages.library.build(tools, instructions)
        silence = np.zeros(FRAME, dtype=np.float32)
        self.stages.reading_vad().judge(silence[np.newaxis], lambda _found: None)
        recogniser = self.stages.recogniser(knowledge)
        recogniser.start()
        recogniser.feed(to_pcm(silence))
        recogniser.finish()
        for _ in self.voice.speak(_WARM_WORDS, DEFAULT_VOICE, 1.0, threading.Event().is_set):
            pass


def assemble(options: EngineOptions) -> Assembly:
    """Load everything. Takes half a second; raises SpeechError with what, why and fix."""
    model = _acoustic_model(options)
    network, vad_name = _network(options)
    voice, voice_name = _voice(options)
    asked: dict[Stage, RemoteStage | None] = {
        "transcription": options.transcription,
        "chat": options.chat,
        "speech": options.speech,
    }
    servers = {stage: StageServer(stage, one) for stage, one in asked.items() if one is not None}
    mouth = Mouth(voice, Spare(PACED_SHARE))
    stages = Stages(
        vad=VadBatch(network).stream,
        reading_vad=lambda: SileroVad(network),
        recogniser=lambda knowledge: SphinxRecogniser(model, knowledge),
        library=Library(model),
        mouth=ServedMouth(Speech(servers["speech"]), mouth) if "speech" in servers else mouth,
        transcriber=Transcriber(servers["transcription"]) if "transcription" in servers else None,
        chat=Chat(servers["chat"]) if "chat" in servers else None,
        # Servers of others are asked for what is needed, not for what may be.
        ahead=Ahead(mouth, Spare()) if options.answers_ahead and not servers else None,
        turn_judge=_turn_judge(options),
    )
    names = {"vad": vad_name, "asr": "pocketsphinx", "tts": voice_name}
    names |= {} if stages.turn_judge is None else {"turn": "smart-turn"}
    names |= {stage: server.options.title for stage, server in servers.items()}
    return Assembly(stages, voice, names, tuple(servers.values()))


def _acoustic_model(options: EngineOptions) -> AcousticModel:
    model = installed_model() if options.model_folder is None else AcousticModel(options.model_folder)
    reasons = check(model)
    if reasons:
        raise SpeechError(reasons[0])
    return model


def _network(options: EngineOptions) -> tuple[Network, str]:
    return load(options.vad_model or options.speech_folder / SILERO)


def _turn_judge(options: EngineOptions) -> SmartTurn | None:
    path = turn_file(options) if options.turn == "smart" else None
    return None if path is None else SmartTurn(path)


def _voice(options: EngineOptions) -> tuple[Voice, str]:
    native = flite_native.load() if options.may_use_libflite else None
    if native is not None:
        return native, "libflite"
    compiled = flite_wasm.load(options.speech_folder / FLITE, flite_wasm.cache_folder())
    return flite_wasm.FliteWasm(compiled), "flite-wasm"
