"""openai-agents for Python: an agent with a tool. The one change: `url` in its model's configuration."""

import asyncio
import os

from agents import function_tool, set_tracing_disabled
from agents.realtime import RealtimeAgent, RealtimeRunner

BASE = os.environ.get("OPENAI_BASE_URL", "http://127.0.0.1:8080/v1").replace("http", "ws", 1)
MODEL = "gpt-realtime-2.1"


@function_tool
def balance() -> str:
    """Call balance: what the customer owes."""
    return "Nine euros."


async def main() -> None:
    set_tracing_disabled(True)
    agent = RealtimeAgent(name="Teller", instructions="Be brief.", tools=[balance])
    runner = RealtimeRunner(agent, config={"model_settings": {"model_name": MODEL}})
    key = os.environ.get("OPENAI_API_KEY", "any")
    address = {"url": f"{BASE}/realtime?model={MODEL}", "api_key": key}
    async with await runner.run(model_config=address) as session:
        await session.send_message("call balance")
        has_run = False
        async for event in session:
            if event.type == "tool_end":
                print(f"tool {event.tool.name}: {event.output}")
                has_run = True
            elif event.type == "raw_model_event" and event.data.type == "transcript_delta":
                print(event.data.delta, end="", flush=True)
            elif event.type == "error":
                raise SystemExit(str(event.error))
            elif event.type == "audio_end" and has_run:
                print()
                return


asyncio.run(main())
