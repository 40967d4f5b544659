"""No SDK: the `websockets` library alone. Says a recording (PCM16 WAV, 24 kHz, mono) or a sentence."""

import asyncio
import base64
import json
import os
import sys
import wave
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

BASE = os.environ.get("OPENAI_BASE_URL", "http://127.0.0.1:8080/v1").replace("http", "ws", 1)
KEY = os.environ.get("OPENAI_API_KEY", "any")


async def main(said: str) -> None:
    url, headers = f"{BASE}/realtime?model=gpt-realtime-2.1", {"Authorization": f"Bearer {KEY}"}
    async with connect(url, additional_headers=headers, max_size=None, compression=None) as socket:
        if said.endswith(".wav"):
            await speak(socket, said)
        else:
            content = [{"type": "input_text", "text": said}]
            item = {"type": "message", "role": "user", "content": content}
            await send(socket, "conversation.item.create", item=item)
            await send(socket, "response.create")
        async for message in socket:
            event = json.loads(message)
            if event["type"] == "response.output_audio_transcript.delta":
                print(event["delta"], end="", flush=True)
            elif event["type"] == "error":
                raise SystemExit(event["error"]["message"])
            elif event["type"] == "response.done" and event["response"]["status"] == "completed":
                print()
                return


async def send(socket: ClientConnection, kind: str, **fields: Any) -> None:
    await socket.send(json.dumps({"type": kind, **fields}))


async def speak(socket: ClientConnection, path: str) -> None:
    with wave.open(path) as file:
        pcm = file.readframes(file.getnframes()) + bytes(48_000)  # a second of quiet ends the turn
    for at in range(0, len(pcm), 960):  # 20 ms
        audio = base64.b64encode(pcm[at : at + 960]).decode()
        await send(socket, "input_audio_buffer.append", audio=audio)
        await asyncio.sleep(0.02)


asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "What can you do for me?"))
