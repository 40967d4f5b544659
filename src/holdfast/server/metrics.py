"""`GET /metrics`: the figures of all processes, for Prometheus.

What lives here: one route. Scrapes that come while one is under way share its answer.
What never will: counting, who may have them (`auth`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from fastapi import FastAPI, Request
from starlette.responses import Response

from holdfast.auth import PortalGate
from holdfast.auth.gate import METRICS_PATH
from holdfast.server.doorway import as_upgrade_request
from holdfast.server.errors import error
from holdfast.telemetry.exposition import encoded
from holdfast.telemetry.metrics import Family

Told = Mapping[str, Sequence[Family]]


class MetricsRoute:
    """`figures` asks all processes; by process."""

    def __init__(self, gate: PortalGate, figures: Callable[[], Awaitable[Told]]) -> None:
        self._gate = gate
        self._figures = figures
        self._under_way: asyncio.Task[Told] | None = None

    def add_to(self, app: FastAPI) -> None:
        """Put the route into `app`."""
        app.add_api_route(METRICS_PATH, self.metrics, methods=["GET"])

    async def metrics(self, request: Request) -> Response:
        """The text. It is written beside the loop: with many workers it takes milliseconds."""
        refusal = self._gate.judge_monitor(as_upgrade_request(request.scope))
        if refusal is not None:
            headers = {"WWW-Authenticate": "Bearer"} if refusal.status == 401 else {}
            return error(refusal.status, refusal.code, refusal.message, **headers)
        told = await asyncio.shield(self._shared())
        body, content_type = await asyncio.to_thread(encoded, told, request.headers.get("accept", ""))
        return Response(body, headers={"Content-Type": content_type, "Cache-Control": "no-store"})

    def _shared(self) -> asyncio.Task[Told]:
        if self._under_way is None or self._under_way.done():
            self._under_way = asyncio.ensure_future(self._figures())
        return self._under_way
