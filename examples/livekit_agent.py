"""LiveKit Agents: the OpenAI plugin's realtime model, without a room. The one change: its `base_url`.

In an agent it is the same: AgentSession(llm=RealtimeModel(base_url=...)).
"""

import asyncio
import os

from livekit.agents import llm, utils
from livekit.plugins.openai.realtime import RealtimeModel


async def main() -> None:
    async with utils.http_context.open():
        model = RealtimeModel(
            model="gpt-realtime-2.1",
            base_url=os.environ.get("OPENAI_BASE_URL", "http://127.0.0.1:8080/v1"),
            api_key=os.environ.get("OPENAI_API_KEY", "any"),
        )
        session = model.session()
        conversation = llm.ChatContext.empty()
        conversation.add_message(role="user", content="What can you do for me?")
        await session.update_chat_ctx(conversation)
        generation = await session.generate_reply()
        async for message in generation.message_stream:
            sound = sum([frame.duration async for frame in message.audio_stream])
            print("".join([piece async for piece in message.text_stream]))
            print(f"{sound:.1f} s of speech")
        await session.aclose()


asyncio.run(main())
