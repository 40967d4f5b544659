"""LiveKit's OpenAI plugin: its realtime session driven as an agent's session drives it, without a room.

What lives here: frames in, generations out, history edits and their echoes.
What never will: an import of this project.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from livekit import rtc
from livekit.agents import function_tool, llm, utils
from livekit.plugins.openai.realtime import RealtimeModel
from openai.types import realtime
from openai.types.realtime.realtime_audio_input_turn_detection import ServerVad

from tests.clients.drivers.stagecraft import BASE_URL, MODEL, RATE_HZ, TEXT, TOOL_SAYS, pcm, play

_FRAME: Final = 480


@function_tool
async def balance() -> str:
    """call balance: what the customer owes"""
    return TOOL_SAYS


class Heard:
    """Generations as they come, and errors."""

    def __init__(self, session: Any) -> None:
        self.session = session
        self.generations: asyncio.Queue[llm.GenerationCreatedEvent] = asyncio.Queue()
        self.errors: list[Any] = []
        self.transcripts: asyncio.Queue[str] = asyncio.Queue()
        self.speech: list[str] = []
        session.on("generation_created", self.generations.put_nowait)
        session.on("error", self.errors.append)
        session.on("input_speech_started", lambda _: self.speech.append("started"))
        session.on("input_speech_stopped", lambda _: self.speech.append("stopped"))
        session.on("input_audio_transcription_completed", self._transcribed)

    def _transcribed(self, event: Any) -> None:
        if event.is_final:
            self.transcripts.put_nowait(event.transcript)

    async def said(self, generation: llm.GenerationCreatedEvent) -> str:
        """The words of one generation, after its sound."""
        words = []
        async for message in generation.message_stream:
            sound = sum([len(frame.data) async for frame in message.audio_stream])
            words += [piece async for piece in message.text_stream]
            assert sound or not words, "words without sound"
        return "".join(words)

    async def speak(self) -> None:
        """A person's words, as a room gives them."""
        spoken = pcm()
        for at in range(0, len(spoken) - 2 * _FRAME, 2 * _FRAME):
            piece = spoken[at : at + 2 * _FRAME]
            self.session.push_audio(rtc.AudioFrame(piece, RATE_HZ, 1, _FRAME))
            await asyncio.sleep(0.01)


async def text(heard: Heard) -> str:
    context = llm.ChatContext.empty()
    context.add_message(role="user", content=TEXT)
    await heard.session.update_chat_ctx(context)
    await heard.said(await heard.session.generate_reply())
    later = heard.session.chat_ctx
    later.add_message(role="user", content="And what else?")
    await heard.session.update_chat_ctx(later)
    return await heard.said(await heard.session.generate_reply())


async def voice(heard: Heard) -> str:
    speaking = asyncio.create_task(heard.speak())
    generation = await heard.generations.get()
    assert not generation.user_initiated
    await heard.said(generation)
    await speaking
    assert heard.speech[:2] == ["started", "stopped"], heard.speech
    assert await heard.transcripts.get()
    return await heard.said(await heard.session.generate_reply())


async def tool(heard: Heard) -> str:
    await heard.session.update_tools([balance])
    context = llm.ChatContext.empty()
    context.add_message(role="user", content="call balance")
    await heard.session.update_chat_ctx(context)
    generation = await heard.session.generate_reply()
    await heard.said(generation)
    call = await anext(aiter(generation.function_stream))
    assert call.name == "balance", call
    later = heard.session.chat_ctx.copy()
    later.items.append(
        llm.FunctionCallOutput(call_id=call.call_id, name=call.name, output=TOOL_SAYS, is_error=False)
    )
    await heard.session.update_chat_ctx(later)
    said = await heard.said(await heard.session.generate_reply())
    assert "euros" in said.lower(), said
    return said


async def edit(heard: Heard) -> str:
    context = llm.ChatContext.empty()
    for number in range(3):
        context.add_message(role="user", content=f"Remember {number}.")
    await heard.session.update_chat_ctx(context)
    shorter = context.copy()
    del shorter.items[1]
    await heard.session.update_chat_ctx(shorter)
    left = [item.text_content for item in heard.session.chat_ctx.items]
    assert left == ["Remember 0.", "Remember 2."], left
    said = await heard.said(await heard.session.generate_reply())
    await heard.session.update_chat_ctx(llm.ChatContext.empty())
    assert not heard.session.chat_ctx.items
    return said


async def interrupt(heard: Heard) -> str:
    reply = heard.session.generate_reply(instructions=TEXT)
    reply.cancel()  # at once: one created and one done are owed all the same
    await asyncio.sleep(0)  # its own cancel goes out before the next request
    second = await heard.session.generate_reply()
    message = await anext(aiter(second.message_stream))
    await anext(aiter(message.audio_stream))
    heard.session.interrupt()
    heard.session.truncate(message_id=message.message_id, modalities=["audio"], audio_end_ms=50)
    return await heard.said(await heard.session.generate_reply())


SCENES: Final = {scene.__name__: scene for scene in (text, voice, tool, edit, interrupt)}


async def run(scene: str) -> str:
    async with utils.http_context.open():
        model = RealtimeModel(
            model=MODEL,
            base_url=BASE_URL,
            api_key="sk-any",
            turn_detection=ServerVad(type="server_vad", silence_duration_ms=400),
            input_audio_transcription=realtime.AudioTranscription(model="gpt-4o-mini-transcribe"),
        )
        heard = Heard(model.session())
        said = await SCENES[scene](heard)
        assert not heard.errors, heard.errors
        await heard.session.aclose()
        return said


if __name__ == "__main__":
    play(run)
