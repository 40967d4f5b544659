"""The official Python SDK. The one change: OPENAI_BASE_URL=http://127.0.0.1:8080/v1"""

import asyncio
import base64
import sys
import wave
from pathlib import Path

from openai import AsyncOpenAI

QUESTION = sys.argv[1] if len(sys.argv) > 1 else "What can you do for me?"


async def main() -> None:
    async with AsyncOpenAI() as client, client.realtime.connect(model="gpt-realtime-2.1") as connection:
        await connection.session.update(session={"type": "realtime", "instructions": "Be brief."})
        await connection.conversation.item.create(
            item={"type": "message", "role": "user", "content": [{"type": "input_text", "text": QUESTION}]}
        )
        await connection.response.create()
        sound = bytearray()
        async for event in connection:
            if event.type == "response.output_audio.delta":
                sound += base64.b64decode(event.delta)
            elif event.type == "response.output_audio_transcript.delta":
                print(event.delta, end="", flush=True)
            elif event.type == "error":
                raise SystemExit(event.error.message)
            elif event.type == "response.done" and event.response.status == "completed":
                break
    save(Path("answer.wav"), bytes(sound))


def save(path: Path, pcm: bytes) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(24_000)
        file.writeframes(pcm)
    print(f"\n{len(pcm) / 48_000:.1f} s of speech in {path}")


asyncio.run(main())
