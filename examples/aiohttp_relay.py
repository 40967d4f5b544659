"""A relay as it is often written first: aiohttp on both sides, each message parsed and written again.

    python examples/aiohttp_relay.py 8090 wss://api.openai.com/v1/realtime

It is here to be measured (`holdfast bench`) and read beside what this project does; it holds no line: when
either side breaks, the conversation is over.
"""

import asyncio
import json
import logging
import os
import sys
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse, TCPConnector, WSMsgType, web

KEY = os.environ.get("OPENAI_API_KEY", "any")
log = logging.getLogger("relay")

Socket = web.WebSocketResponse | ClientWebSocketResponse


async def realtime(request: web.Request) -> web.WebSocketResponse:
    """One session: a client's socket, and one of its own upstream."""
    client = web.WebSocketResponse(max_msg_size=0, compress=False)
    await client.prepare(request)
    model = request.query.get("model", "gpt-realtime")
    headers = {"Authorization": f"Bearer {KEY}"}
    session: ClientSession = request.app[SESSION]
    url = f"{request.app[UPSTREAM]}?model={model}"
    async with session.ws_connect(url, headers=headers, max_msg_size=0) as upstream:
        await asyncio.wait(
            [
                asyncio.create_task(forward(client, upstream, from_client)),
                asyncio.create_task(forward(upstream, client, from_upstream)),
            ],
            return_when=asyncio.FIRST_COMPLETED,
        )
        await client.close()
    return client


async def forward(source: Socket, target: Socket, look: Any) -> None:
    """Until `source` closes."""
    async for message in source:
        if message.type is WSMsgType.TEXT:
            event = look(json.loads(message.data))
            if event is not None:
                await target.send_str(json.dumps(event))


def from_client(event: dict[str, Any]) -> dict[str, Any] | None:
    """The place where people put their instructions and tools."""
    if event["type"] == "session.update":
        event["session"].setdefault("instructions", "Be brief.")
    return event


def from_upstream(event: dict[str, Any]) -> dict[str, Any] | None:
    """And here what they want to know of answers."""
    if event["type"] == "error":
        log.warning("upstream: %s", event["error"])
    return event


SESSION = web.AppKey("session", ClientSession)
UPSTREAM = web.AppKey("upstream", str)


async def one_session(app: web.Application) -> Any:
    """All conversations share one; 100 connections, which it has by default, would be 100 conversations."""
    async with ClientSession(connector=TCPConnector(limit=0)) as session:
        app[SESSION] = session
        yield


def main(port: int, upstream: str) -> None:
    """Serve on the loopback address."""
    app = web.Application()
    app[UPSTREAM] = upstream
    app.cleanup_ctx.append(one_session)
    app.router.add_get("/v1/realtime", realtime)
    web.run_app(app, host="127.0.0.1", port=port, access_log=None, print=None)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
