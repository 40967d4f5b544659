"""A gateway for the console alone: its API and its files, telling what the test wants when it wants it.

What lives here: the routes, the stream's watchers. What never will: what is told (`console_scenes.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse, JSONResponse, StreamingResponse
from playwright.sync_api import Page, ViewportSize

from holdfast.server.doorway import SECURITY_HEADERS
from holdfast.server.pages import WebClient
from tests.e2e import console_scenes, console_session
from tests.e2e.serving import Serving
from tests.e2e.stage import WEB
from tests.e2e.talk import Json

ROOT: Final = "/api/console"
KEY: Final = "operator-key"


WIDE: Final[ViewportSize] = {"width": 1360, "height": 860}


def go(page: Page, place: str) -> None:
    """To another address of the console."""
    page.evaluate("(place) => { location.hash = `#/${place}` }", place)


def now() -> int:
    return round(time.time() * 1_000)


class ConsoleStage:
    """What it tells stands in its attributes; methods may be called from the test's thread."""

    def __init__(self) -> None:
        self.snapshot: Json = console_scenes.snapshot(now(), [])
        self.sessions: dict[str, Json] = {}
        self.explanation = console_session.EXPLANATION
        self.checks = console_session.CHECKS
        self.may_act = False
        self.needs_key = False
        self.signed_in = True
        self.reason = ""
        self.reachable = True
        self.ended: list[str] = []
        self.number = 0
        self._watchers: set[asyncio.Queue[bytes | None]] = set()
        self._serving = Serving("console's stage")
        self.url, self._do = self._serving.url, self._serving.do

    @contextlib.contextmanager
    def running(self) -> Iterator[ConsoleStage]:
        with self._serving.running(self._app(), before_end=self.cut):
            yield self

    # ---- what a test says

    def show(self, rows: list[Json], **changed: Any) -> None:
        """From now on the gateway is so; whoever listens is told."""
        self.snapshot = console_scenes.snapshot(now(), rows, **changed)
        self.sessions = {row["id"]: console_session.session(row) for row in rows[:5]}
        self.tell("snapshot", self.snapshot)

    def change(self, **changed: Any) -> None:
        """One `changes`."""
        self.tell("changes", {"at": now(), **changed})

    def tell(self, event: str, told: Json) -> None:
        message = self._message(event, told)

        async def spread() -> None:
            for watcher in self._watchers:
                watcher.put_nowait(message)

        self._do(spread)

    def cut(self) -> None:
        """End every stream, as a gateway that goes away."""

        async def end() -> None:
            for watcher in self._watchers:
                watcher.put_nowait(None)

        self._do(end)

    def _message(self, event: str, told: Json) -> bytes:
        self.number += 1
        return b"event: %s\nid: b.%d\ndata: %s\n\n" % (event.encode(), self.number, msgspec.json.encode(told))

    # ---- the server

    def _app(self) -> FastAPI:
        app = FastAPI()

        @app.middleware("http")
        async def door(request: Request, forward: Any) -> Response:
            if not self.reachable:
                return Response(status_code=503)
            public = not request.url.path.startswith(ROOT) or request.url.path in {
                f"{ROOT}/me",
                f"{ROOT}/sign-in",
            }
            if not public and not self.signed_in:
                return _refusal(401, "NOT_AUTHORIZED", "Sign in first.")
            response: Response = await forward(request)
            response.headers.update(SECURITY_HEADERS)
            return response

        @app.get(f"{ROOT}/me")
        def me() -> Json:
            flags = {"signedIn": self.signed_in, "needsKey": self.needs_key, "mayAct": self.may_act}
            return {**flags, "csrf": "csrf-1", "version": "0.6.0", "reason": self.reason}

        @app.post(f"{ROOT}/sign-in")
        async def sign_in(request: Request) -> Response:
            if (await request.json())["key"] != KEY:
                return _refusal(
                    401, "NOT_AUTHORIZED", "This key is not known here.", "See `holdfast token --help`."
                )
            self.signed_in = True
            return Response(status_code=204)

        @app.get(f"{ROOT}/stream")
        def stream() -> Response:
            return StreamingResponse(self._stream(), media_type="text/event-stream")

        @app.get(f"{ROOT}/checks")
        def checks() -> Json:
            return self.checks

        @app.get(f"{ROOT}/faults")
        def faults() -> Json:
            return {"faults": [], "next": 0}

        app.get(ROOT + "/sessions/{session}")(self._session)
        app.get(ROOT + "/sessions/{session}/explain")(lambda: self.explanation)
        app.post(ROOT + "/sessions/{session}/end")(self._end)

        @app.get(ROOT + "/sessions/{session}/bundle")
        def bundle(session: str) -> Response:
            headers = {"Content-Disposition": f'attachment; filename="{session}.zip"'}
            return Response(b"PK\x05\x06" + bytes(18), media_type="application/zip", headers=headers)

        @app.get("/favicon.ico")
        def icon() -> Response:
            return FileResponse(next((WEB / "console" / "assets").glob("icon-*.svg")))

        app.mount("/", WebClient(WEB))
        return app

    def _session(self, session: str) -> Response:
        found = self.sessions.get(session)
        if found is None:
            return _refusal(
                404, "SESSION_UNKNOWN", "This session is not known any more.", "The newest 200 are kept."
            )
        return JSONResponse(found)

    def _end(self, session: str, request: Request) -> Response:
        if not self.may_act or request.headers.get("x-csrf-token") != "csrf-1":
            return _refusal(403, "READ_ONLY", "This console is read-only.", "Set [console] may_act.")
        self.ended.append(session)
        return Response(status_code=202)

    async def _stream(self) -> AsyncIterator[bytes]:
        watcher: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._watchers.add(watcher)
        try:
            yield b"retry: 300\n\n" + self._message("snapshot", {**self.snapshot, "at": now()})
            while (message := await watcher.get()) is not None:
                yield message
        finally:
            self._watchers.discard(watcher)


def _refusal(status: int, code: str, message: str, remedy: str = "") -> JSONResponse:
    return JSONResponse({"error": {"code": code, "message": message, "remedy": remedy}}, status)
