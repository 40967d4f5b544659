"""A server on loopback that plays a script: what it gets decides what it sends, nothing else does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import picows

from holdfast.sockets.listener import MessageListener

Json = dict[str, Any]
Reply = Json | bytes | int | str
"""A text message, a binary one, a close code, or the reason of a close."""
Script = Callable[[Json | bytes], list[Reply]]


class Scripted(MessageListener):
    def __init__(self, server: ScriptedServer) -> None:
        super().__init__()
        self._server = server

    def on_open(self) -> None:
        self._answer(self._server.script({"type": "(opened)"}))

    def on_text(self, payload: bytes) -> None:
        message = json.loads(payload)
        self._server.texts.append(message)
        self._answer(self._server.script(message))

    def on_binary(self, payload: bytes) -> None:
        self._server.audio += payload
        self._answer(self._server.script(payload))

    def _answer(self, replies: list[Reply]) -> None:
        for reply in replies:
            match reply:
                case dict():
                    self.send_text(json.dumps(reply).encode())
                case bytes():
                    self.send_binary(reply)
                case int():
                    self.close(reply, "as the script says")
                case str():
                    self.close(4502, reply)


class ScriptedServer:
    """`texts` and `audio` are what came; `headers` are those of the last upgrade."""

    def __init__(self) -> None:
        self.script: Script = lambda _: []
        self.texts: list[Json] = []
        self.audio = bytearray()
        self.headers: Mapping[str, str] = {}
        self.refuse_with: int | None = None
        self.port = 0

    def url(self, path: str = "/api/openai/realtime") -> str:
        return f"ws://127.0.0.1:{self.port}{path}"

    def listener(self, request: picows.WSUpgradeRequest) -> Any:
        self.headers = {key.lower(): value for key, value in (request.headers or {}).items()}
        if self.refuse_with is not None:
            response = picows.WSUpgradeResponse.create_error_response(self.refuse_with, b"no")
            return picows.WSUpgradeResponseWithListener(response, None)
        return Scripted(self)


@asynccontextmanager
async def serving() -> AsyncIterator[ScriptedServer]:
    """A scripted server on a free port; afterwards every client must have gone."""
    scripted = ScriptedServer()
    listening = await picows.ws_create_server(scripted.listener, "127.0.0.1", 0)
    scripted.port = listening.sockets[0].getsockname()[1]
    yield scripted
    listening.close()
    async with asyncio.timeout(5):
        await listening.wait_closed()


def browser_session(on: Mapping[str, list[Reply]], *, speech_bytes: int = 0) -> Script:
    """A gateway: answers create_session, then `on[type]`; `on["speech"]` after `speech_bytes` of audio."""
    got = 0

    def script(message: Json | bytes) -> list[Reply]:
        nonlocal got
        if isinstance(message, bytes):
            before, got = got, got + len(message)
            return on["speech"] if before < speech_bytes <= got else []
        if message["type"] == "create_session":
            upstream = {"name": "local", "kind": "local", "model": "holdfast-local"}
            opening: list[Reply] = [
                {"type": "session_created", "sessionId": "s1", "upstream": upstream},
                {"type": "session_ready", "upstream": {**upstream, "sessionId": "sess_9"}},
            ]
            return [*opening, *on.get("create_session", [])]
        return on.get(message["type"], [])

    return script


def spoken_answer(response: str, words: str, pcm: bytes = b"\x01\x00" * 2400) -> list[Reply]:
    """An answer as the browser protocol tells it."""
    item = {"responseId": response, "itemId": f"item_{response}"}
    return [
        {"type": "response_started", "responseId": response},
        {"type": "assistant_transcript", **item, "text": words[:5], "final": False},
        pcm,
        {"type": "assistant_transcript", **item, "text": words, "final": True},
        {"type": "response_done", "responseId": response, "status": "completed"},
    ]
