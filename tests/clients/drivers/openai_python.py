"""The official Python SDK, as its users write it: every scene of a Realtime client.

What lives here: the SDK's own calls, and what a person would expect of each answer.
What never will: an import of this project; only the base URL is ours.
"""

from __future__ import annotations

import asyncio
import base64
from typing import Any, Final

from openai import AsyncOpenAI

from tests.clients.drivers.stagecraft import (
    BASE_URL,
    MODEL,
    TEXT,
    TOOL,
    TOOL_SAYS,
    TOOL_TEXT,
    is_killed,
    pcm,
    play,
)

_FRAME: Final = 960


class Heard:
    """One connection and what has come over it."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.events: list[Any] = []
        self.cut = ""
        """What was said of an answer whose upstream died; its rest follows."""

    async def until(self, kind: str, **wanted: Any) -> Any:
        """Read up to an event of a type (and with these fields)."""
        async for event in self.connection:
            self.events.append(event)
            if event.type == "error":
                raise AssertionError(f"an error came: {event.error}")
            if event.type == kind and all(getattr(event, name) == value for name, value in wanted.items()):
                return event
        raise AssertionError(f"the connection ended before {kind}")

    async def answered(self, *, by_hand: bool = False) -> Any:
        """An answer that is whole; a cut one before it only where the upstream was killed. `by_hand`: the
        rest of a cut one is the client's to ask for.
        """
        while True:
            done = await self.until("response.done")
            if done.response.status == "completed":
                return done.response
            assert is_killed(), done.response
            assert done.response.status == "incomplete", done.response
            self.cut += words_of(done.response)
            if by_hand:
                await self.connection.response.create()

    async def say(self, text: str, **response: Any) -> None:
        content = [{"type": "input_text", "text": text}]
        item = {"type": "message", "role": "user", "content": content}
        await self.connection.conversation.item.create(item=item)
        await self.connection.response.create(response=response)

    async def speak(self, *, paced: bool = True) -> None:
        """A person's words, as a microphone gives them."""
        spoken = pcm()
        for at in range(0, len(spoken), _FRAME):
            audio = base64.b64encode(spoken[at : at + _FRAME]).decode()
            await self.connection.input_audio_buffer.append(audio=audio)
            if paced:
                await asyncio.sleep(0.01)

    async def update(self, **session: Any) -> None:
        await self.connection.session.update(session={"type": "realtime", **session})
        await self.until("session.updated")


def words_of(response: Any) -> str:
    return " ".join(
        part.transcript or part.text or ""
        for item in response.output
        if item.content
        for part in item.content
    )


async def text(heard: Heard) -> str:
    await heard.update(instructions="Be brief.")
    await heard.say(TEXT)
    first = words_of(await heard.answered())
    await heard.say("And what else?", output_modalities=["text"])
    second = words_of(await heard.answered())
    assert first
    assert second
    return second


async def voice(heard: Heard) -> str:
    transcription = {"model": "gpt-4o-mini-transcribe"}
    turns = {"type": "server_vad", "silence_duration_ms": 400}
    await heard.update(audio={"input": {"transcription": transcription, "turn_detection": turns}})
    speaking = asyncio.create_task(heard.speak())
    await heard.until("input_audio_buffer.speech_started")
    await heard.until("input_audio_buffer.committed")
    response = await heard.answered()
    await speaking
    return words_of(response)


async def commit(heard: Heard) -> str:
    await heard.update(audio={"input": {"turn_detection": None}})
    await heard.speak(paced=False)
    await heard.connection.input_audio_buffer.commit()
    await heard.until("conversation.item.done")
    await heard.connection.response.create()
    response = await heard.answered(by_hand=True)
    await heard.connection.input_audio_buffer.clear()
    await heard.until("input_audio_buffer.cleared")
    return words_of(response)


async def tool(heard: Heard) -> str:
    await heard.update(tools=[TOOL], tool_choice="auto")
    await heard.say(TOOL_TEXT)
    response = await heard.answered()
    call = response.output[0]
    assert (call.type, call.name, call.status) == ("function_call", "balance", "completed"), call
    output = {"type": "function_call_output", "call_id": call.call_id, "output": TOOL_SAYS}
    await heard.connection.conversation.item.create(item=output)
    await heard.until("conversation.item.done")
    await heard.connection.response.create()
    rest = words_of(await heard.answered())
    said = heard.cut + rest
    assert "nine euros" in said.lower(), said
    return said


async def cancel(heard: Heard) -> str:
    await heard.say(TEXT)
    await heard.until("response.output_audio.delta")
    await heard.connection.response.cancel()
    done = await heard.until("response.done")
    assert done.response.status == "cancelled", done.response.status
    await heard.connection.response.create()
    await heard.connection.response.cancel()
    created = await heard.until("response.created")
    done = await heard.until("response.done")
    assert done.response.id == created.response.id
    await heard.say("And now?")
    return words_of(await heard.answered())


async def edit(heard: Heard) -> str:
    item_api = heard.connection.conversation.item
    await heard.say(TEXT)
    response = await heard.answered()
    item = response.output[0].id
    await item_api.truncate(item_id=item, content_index=0, audio_end_ms=200)
    cut = await heard.until("conversation.item.truncated")
    assert (cut.item_id, cut.audio_end_ms) == (item, 200)
    await item_api.retrieve(item_id=item)
    found = await heard.until("conversation.item.retrieved")
    assert found.item.id == item
    await item_api.delete(item_id=item)
    gone = await heard.until("conversation.item.deleted")
    assert gone.item_id == item
    await heard.say("And now?")
    return words_of(await heard.answered())


async def beside(heard: Heard) -> str:
    given = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "a topic"}]}
    asked = {
        "conversation": "none",
        "metadata": {"topic": "one"},
        "output_modalities": ["text"],
        "input": [given],
    }
    await heard.connection.response.create(response=asked)
    created = await heard.until("response.created")
    assert created.response.metadata == {"topic": "one"}
    response = await heard.answered()
    assert not any(event.type.startswith("conversation.item.") for event in heard.events)
    return words_of(response)


async def transcription(heard: Heard) -> str:
    audio = {"input": {"transcription": {"model": "gpt-4o-mini-transcribe"}}}
    await heard.connection.session.update(session={"type": "transcription", "audio": audio})
    await heard.until("session.updated")
    speaking = asyncio.create_task(heard.speak())
    completed = await heard.until("conversation.item.input_audio_transcription.completed")
    await speaking
    assert not any(event.type.startswith("response.") for event in heard.events)
    return str(completed.transcript)


SCENES: Final = {
    scene.__name__: scene for scene in (text, voice, commit, tool, cancel, edit, beside, transcription)
}


async def run(scene: str) -> str:
    async with AsyncOpenAI(base_url=BASE_URL, api_key="any") as client:
        is_written = scene == "transcription"
        connecting = (
            client.realtime.connect(extra_query={"intent": "transcription"})
            if is_written
            else client.realtime.connect(model=MODEL)
        )
        async with connecting as connection:
            heard = Heard(connection)
            await heard.until("session.created")
            return await SCENES[scene](heard)


if __name__ == "__main__":
    play(run)
