"""The official Python SDK against the emulator: it cannot tell the difference."""

import base64
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from openai import AsyncOpenAI

from holdfast.emulator import Emulator, spoken
from holdfast.wire.realtime import BYTES_PER_MS

Run = Callable[..., AbstractAsyncContextManager[Emulator]]

PHRASE = spoken("hello there", char_ms=40) + bytes(700 * BYTES_PER_MS)


async def until(connection: Any, kind: str) -> Any:
    async for event in connection:
        assert event.type != "error", event
        if event.type == kind:
            return event
    raise AssertionError(f"the connection ended before {kind}")


async def test_voice_text_and_tool(run: Run) -> None:
    async with run() as emulator, AsyncOpenAI(base_url=emulator.http_base, api_key="x") as client:
        assert "gpt-realtime-2.1" in [model.id async for model in client.models.list()]

        async with client.realtime.connect(model="gpt-realtime-2.1") as connection:
            created = await until(connection, "session.created")
            assert created.session.id.startswith("sess_")
            tool = {"type": "function", "name": "balance", "parameters": {"type": "object"}}
            heard = {"input": {"transcription": {"model": "gpt-4o-mini-transcribe"}}}
            await connection.session.update(session={"type": "realtime", "tools": [tool], "audio": heard})  # type: ignore[typeddict-item,list-item] # plain dicts, as users write them
            await until(connection, "session.updated")

            await connection.input_audio_buffer.append(audio=base64.b64encode(PHRASE).decode())
            completed = await until(connection, "conversation.item.input_audio_transcription.completed")
            assert "ms of speech" in completed.transcript
            voice = await until(connection, "response.done")
            assert voice.response.output[0].content[0].transcript == f"You said: {completed.transcript}"

            await _say(connection, "what is new")
            await connection.response.create(response={"output_modalities": ["text"]})
            written = await until(connection, "response.done")
            assert written.response.output[0].content[0].text == "You said: what is new"

            await _say(connection, "call balance {}")
            await connection.response.create()
            called = await until(connection, "response.done")
            item = called.response.output[0]
            assert (item.type, item.name) == ("function_call", "balance")
            output = {"type": "function_call_output", "call_id": item.call_id, "output": '{"say":"Ten."}'}
            await connection.conversation.item.create(item=output)  # type: ignore[arg-type] # as above
            await connection.response.create()
            answered = await until(connection, "response.done")
            assert answered.response.output[0].content[0].transcript == "Ten."


async def _say(connection: Any, text: str) -> None:
    content = [{"type": "input_text", "text": text}]
    await connection.conversation.item.create(item={"type": "message", "role": "user", "content": content})
