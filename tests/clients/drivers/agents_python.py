"""openai-agents for Python: a realtime agent with a tool, as its documentation shows one.

What lives here: the runner, one session, its events. Whatever its model layer could not read is a failure.
What never will: an import of this project.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

from agents import function_tool, set_tracing_disabled
from agents.realtime import RealtimeAgent, RealtimeRunner, RealtimeSession

from tests.clients.drivers.stagecraft import MODEL, SOCKET_URL, TEXT, TOOL_SAYS, TOOL_TEXT, pcm, play

_FRAME: Final = 960
runs: list[str] = []


@function_tool
def balance() -> str:
    """call balance: what the customer owes"""
    runs.append("balance")
    return TOOL_SAYS


def _is_whole(event: dict[str, Any]) -> bool:
    """Whether an answer came to its own end; one that was cut with its upstream is gone on with."""
    return bool(event["type"] == "response.done" and event["response"]["status"] == "completed")


class Heard:
    """A session's events, and what has been said."""

    def __init__(self, session: RealtimeSession) -> None:
        self._session = session
        self._events: AsyncIterator[Any] = aiter(session)
        self.audio = bytearray()
        self.words: dict[str, str] = {}
        self.interrupted = 0

    async def turn(self) -> str:
        """Up to the end of an answer's turn."""
        while True:
            event = await anext(self._events)
            if event.type == "error":
                raise AssertionError(f"an error came: {event.error}")
            if event.type == "audio":
                self.audio += event.audio.data
            elif event.type == "audio_interrupted":
                self.interrupted += 1
            elif event.type == "raw_model_event":
                data = event.data
                if data.type == "exception":
                    raise AssertionError(f"an event could not be read: {data.context} {data.exception}")
                if data.type == "transcript_delta":
                    self.words[data.item_id] = self.words.get(data.item_id, "") + data.delta
                elif data.type == "raw_server_event" and _is_whole(data.data):
                    return list(self.words.values())[-1] if self.words else ""

    async def speak(self) -> None:
        """A person's words, as a microphone gives them."""
        spoken = pcm()
        for at in range(0, len(spoken), _FRAME):
            await self._session.send_audio(spoken[at : at + _FRAME])
            await asyncio.sleep(0.01)


async def text(session: RealtimeSession, heard: Heard) -> str:
    await session.send_message(TEXT)
    await heard.turn()
    await session.send_message("And what else?")
    said = await heard.turn()
    assert heard.audio
    return said


async def voice(session: RealtimeSession, heard: Heard) -> str:
    speaking = asyncio.create_task(heard.speak())
    await heard.turn()
    await speaking
    await session.send_message("And what else?")
    return await heard.turn()


async def tool(session: RealtimeSession, heard: Heard) -> str:
    await session.send_message(TOOL_TEXT)
    await heard.turn()  # the call
    await heard.turn()
    said = " ".join(heard.words.values())
    assert runs == ["balance"], runs
    assert "euros" in said.lower(), said
    return said


async def interrupt(session: RealtimeSession, heard: Heard) -> str:
    await session.send_message(TEXT)
    async for event in session:
        if event.type == "audio":
            break
    await session.interrupt()
    await session.send_message("And what else?")
    return await heard.turn()


SCENES: Final = {scene.__name__: scene for scene in (text, voice, tool, interrupt)}


async def run(scene: str) -> str:
    set_tracing_disabled(disabled=True)
    agent = RealtimeAgent(name="Teller", instructions="Be brief.", tools=[balance])
    turns = {"type": "server_vad", "silence_duration_ms": 400, "interrupt_response": True}
    settings = {"model_name": MODEL, "audio": {"input": {"turn_detection": turns}}}
    runner = RealtimeRunner(agent, config={"model_settings": settings})
    async with await runner.run(
        model_config={"url": f"{SOCKET_URL}?model={MODEL}", "api_key": "sk-any"}
    ) as session:
        return await SCENES[scene](session, Heard(session))


if __name__ == "__main__":
    play(run)
