"""Pipecat: its OpenAI realtime service in a pipeline. The one change: the service's `base_url`."""

import asyncio
import os

from pipecat.frames.frames import EndFrame, LLMFullResponseEndFrame, LLMRunFrame, TTSTextFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair
from pipecat.processors.frame_processor import FrameProcessor
from pipecat.services.openai.realtime.llm import OpenAIRealtimeLLMService
from pipecat.workers.runner import WorkerRunner

BASE = os.environ.get("OPENAI_BASE_URL", "http://127.0.0.1:8080/v1").replace("http", "ws", 1)


class Loudspeaker(FrameProcessor):
    """Where a transport's output stands in a bot that somebody talks to."""

    ended = asyncio.Event()

    async def process_frame(self, frame, direction):
        await super().process_frame(frame, direction)
        if isinstance(frame, TTSTextFrame):
            print(frame.text, end="", flush=True)
        elif isinstance(frame, LLMFullResponseEndFrame):
            self.ended.set()
        await self.push_frame(frame, direction)


async def main() -> None:
    service = OpenAIRealtimeLLMService(
        api_key=os.environ.get("OPENAI_API_KEY", "any"),
        base_url=f"{BASE}/realtime",
        settings=OpenAIRealtimeLLMService.Settings(model="gpt-realtime-2.1", system_instruction="Be brief."),
    )
    pair = LLMContextAggregatorPair(LLMContext([{"role": "user", "content": "What can you do for me?"}]))
    speaker = Loudspeaker()
    pipeline = Pipeline([pair.user(), service, speaker, pair.assistant()])
    rates = PipelineParams(audio_in_sample_rate=24_000, audio_out_sample_rate=24_000)
    worker, runner = PipelineWorker(pipeline, params=rates, enable_rtvi=False), WorkerRunner()
    await runner.add_workers(worker)
    running = asyncio.create_task(runner.run())
    await worker.queue_frame(LLMRunFrame())
    await speaker.ended.wait()
    print()
    await worker.queue_frame(EndFrame())
    await running


asyncio.run(main())
