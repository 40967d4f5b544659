"""A phone call as Twilio's Media Streams bring it: mu-law, 8 kHz, passed on as it is, both ways. Twilio dials
this program (<Connect><Stream url="wss://..."/></Connect>). Tried with a stand-in for Twilio, not with it.
"""

import asyncio
import json
import os

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

BASE = os.environ.get("OPENAI_BASE_URL", "http://127.0.0.1:8080/v1").replace("http", "ws", 1)
HEADERS = {"Authorization": f"Bearer {os.environ.get('OPENAI_API_KEY', 'any')}"}
PCMU = {"format": {"type": "audio/pcmu"}}
SESSION = {"type": "realtime", "audio": {"input": PCMU, "output": PCMU}}


async def answer(phone: ServerConnection) -> None:
    stream, item, began_ms, now_ms = "", "", 0, 0  # the answer that is heard, by the phone's clock

    async def up() -> None:
        nonlocal stream, now_ms
        async for text in phone:
            event = json.loads(text)
            if event["event"] == "start":
                stream = event["streamSid"]
            elif event["event"] == "media":
                now_ms = int(event["media"]["timestamp"])
                append = {"type": "input_audio_buffer.append", "audio": event["media"]["payload"]}
                await model.send(json.dumps(append))

    async def down() -> None:
        nonlocal item, began_ms
        async for text in model:
            event = json.loads(text)
            if event["type"] == "response.output_audio.delta":
                if event["item_id"] != item:
                    item, began_ms = event["item_id"], now_ms
                media = {"event": "media", "streamSid": stream, "media": {"payload": event["delta"]}}
                await phone.send(json.dumps(media))
            elif event["type"] == "input_audio_buffer.speech_started" and item:
                await phone.send(json.dumps({"event": "clear", "streamSid": stream}))
                where = {"item_id": item, "content_index": 0, "audio_end_ms": now_ms - began_ms}
                await model.send(json.dumps({"type": "conversation.item.truncate", **where}))
                item = ""

    async with connect(
        f"{BASE}/realtime?model=gpt-realtime-2.1", additional_headers=HEADERS, max_size=None
    ) as model:
        await model.send(json.dumps({"type": "session.update", "session": SESSION}))
        await asyncio.wait(map(asyncio.create_task, (up(), down())), return_when=asyncio.FIRST_COMPLETED)


async def main() -> None:
    async with serve(answer, "127.0.0.1", int(os.environ.get("PORT", "8090"))) as server:
        print(f"waiting for calls on port {server.sockets[0].getsockname()[1]}", flush=True)
        await server.serve_forever()


asyncio.run(main())
