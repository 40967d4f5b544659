"""Pipecat's OpenAI realtime service in a pipeline, with a recording as its microphone.

What lives here: the pipeline of its own examples, with a listener on each side of the service.
What never will: an import of this project.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any, Final

from loguru import logger
from pipecat.adapters.schemas.function_schema import FunctionSchema
from pipecat.adapters.schemas.tools_schema import ToolsSchema
from pipecat.frames.frames import (
    EndFrame,
    ErrorFrame,
    Frame,
    InputAudioRawFrame,
    LLMFullResponseEndFrame,
    LLMMessagesAppendFrame,
    LLMRunFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
    TTSTextFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.openai.realtime.events import (
    AudioConfiguration,
    AudioInput,
    InputAudioTranscription,
    SessionProperties,
    TurnDetection,
)
from pipecat.services.openai.realtime.llm import OpenAIRealtimeLLMService
from pipecat.workers.runner import WorkerRunner

from tests.clients.drivers.stagecraft import (
    MODEL,
    RATE_HZ,
    SOCKET_URL,
    TEXT,
    TOOL,
    TOOL_SAYS,
    TOOL_TEXT,
    is_killed,
    pcm,
    play,
)

_FRAME: Final = 960


class Ear(FrameProcessor):
    """Hears every frame that passes, in both directions."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.sound = 0
        self.transcripts: asyncio.Queue[str] = asyncio.Queue()
        self.errors: list[str] = []
        self.ends: asyncio.Queue[str] = asyncio.Queue()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, TTSTextFrame):
            self.words.append(frame.text)
        elif isinstance(frame, TTSAudioRawFrame):
            self.sound += len(frame.audio)
        elif isinstance(frame, TranscriptionFrame):
            self.transcripts.put_nowait(frame.text)
        elif isinstance(frame, ErrorFrame):
            self.errors.append(frame.error)
        elif isinstance(frame, LLMFullResponseEndFrame):
            self.ends.put_nowait("".join(self.words))
            self.words.clear()
        await self.push_frame(frame, direction)


async def text(worker: PipelineWorker, ear: Ear, before: Ear) -> str:
    await worker.queue_frame(LLMRunFrame())
    await ear.ends.get()
    if is_killed():
        await ear.ends.get()  # the rest of the answer that was cut
    more = [{"role": "user", "content": "And what else?"}]
    # The service and the assistant's aggregator behind it must see it; the user's would keep it to itself.
    await before.push_frame(LLMMessagesAppendFrame(messages=more, run_llm=True))
    said = await ear.ends.get()
    assert ear.sound
    return said


async def voice(worker: PipelineWorker, ear: Ear, before: Ear) -> str:
    await worker.queue_frame(LLMRunFrame())
    await ear.ends.get()
    if is_killed():
        await ear.ends.get()
    spoken = pcm()
    for at in range(0, len(spoken), _FRAME):
        await worker.queue_frame(InputAudioRawFrame(spoken[at : at + _FRAME], RATE_HZ, 1))
        await asyncio.sleep(0.01)
    said = await ear.ends.get()
    assert await before.transcripts.get()  # a person's words go up the pipeline
    return said


async def tool(worker: PipelineWorker, ear: Ear, _before: Ear) -> str:
    await worker.queue_frame(LLMRunFrame())
    said = [await ear.ends.get()]
    while "euros" not in " ".join(said).lower():
        said.append(await ear.ends.get())
    return said[-1]


SCENES: Final = {scene.__name__: scene for scene in (text, voice, tool)}


async def run(scene: str) -> str:
    logger.remove()
    logger.add(sys.stderr, level="WARNING")
    heard = AudioInput(
        transcription=InputAudioTranscription(model="gpt-4o-mini-transcribe"),
        turn_detection=TurnDetection(silence_duration_ms=400),
    )
    service = OpenAIRealtimeLLMService(
        api_key="sk-any",
        base_url=SOCKET_URL,
        settings=OpenAIRealtimeLLMService.Settings(
            model=MODEL,
            system_instruction="Be brief.",
            session_properties=SessionProperties(audio=AudioConfiguration(input=heard)),
        ),
    )

    async def balance(call: Any) -> None:
        await call.result_callback({"say": "Nine euros."})

    service.register_function("balance", balance)
    assert TOOL_SAYS == '{"say": "Nine euros."}'
    offered = FunctionSchema(name="balance", description=str(TOOL["description"]), properties={}, required=[])
    asked = TOOL_TEXT if scene == "tool" else TEXT
    tools = ToolsSchema(standard_tools=[offered]) if scene == "tool" else None
    context = LLMContext([{"role": "user", "content": asked}], *filter(None, [tools]))
    pair = LLMContextAggregatorPair(context)
    before, after = Ear(), Ear()
    worker = PipelineWorker(
        Pipeline([pair.user(), before, service, after, pair.assistant()]),
        params=PipelineParams(audio_in_sample_rate=RATE_HZ, audio_out_sample_rate=RATE_HZ),
        enable_rtvi=False,
    )
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    running = asyncio.create_task(runner.run())
    said = await SCENES[scene](worker, after, before)
    assert not before.errors + after.errors, before.errors + after.errors
    await worker.queue_frame(EndFrame())
    await asyncio.wait([running], timeout=5)
    return said


if __name__ == "__main__":
    play(run)
