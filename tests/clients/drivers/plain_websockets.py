"""The `websockets` library and nothing else: a client that somebody wrote by hand.

What lives here: messages as dictionaries. What never will: an SDK.
"""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any, Final

from websockets.asyncio.client import ClientConnection, connect

from tests.clients.drivers.stagecraft import MODEL, SOCKET_URL, TEXT, is_killed, pcm, play

_FRAME: Final = 960


async def send(socket: ClientConnection, kind: str, **fields: Any) -> None:
    await socket.send(json.dumps({"type": kind, **fields}))


async def until(socket: ClientConnection, kind: str) -> dict[str, Any]:
    async for text in socket:
        event: dict[str, Any] = json.loads(text)
        assert event["type"] != "error", event
        if event["type"] == kind:
            return event
    raise AssertionError(f"the connection ended before {kind}")


async def answered(socket: ClientConnection) -> str:
    while True:
        response = (await until(socket, "response.done"))["response"]
        if response["status"] == "completed":
            return str(response["output"][0]["content"][0]["transcript"])
        assert is_killed(), response


async def say(socket: ClientConnection, text: str) -> str:
    content = [{"type": "input_text", "text": text}]
    item = {"type": "message", "role": "user", "content": content}
    await send(socket, "conversation.item.create", item=item)
    await send(socket, "response.create")
    return await answered(socket)


async def speak(socket: ClientConnection) -> str:
    spoken = pcm()

    async def microphone() -> None:
        for at in range(0, len(spoken), _FRAME):
            audio = base64.b64encode(spoken[at : at + _FRAME]).decode()
            await send(socket, "input_audio_buffer.append", audio=audio)
            await asyncio.sleep(0.01)

    speaking = asyncio.create_task(microphone())
    said = await answered(socket)
    await speaking
    return said


async def run(scene: str) -> str:
    address = f"{SOCKET_URL}?model={MODEL}"
    headers = {"Authorization": "Bearer any"}
    async with connect(address, additional_headers=headers, max_size=None) as socket:
        # Before a word was read: settings and speech may come as early as that.
        await send(socket, "session.update", session={"type": "realtime", "instructions": "Be brief."})
        if scene == "voice":
            await speak(socket)
        else:
            await say(socket, TEXT)
        return await say(socket, "And what else?")


if __name__ == "__main__":
    play(run)
