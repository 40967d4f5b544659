"""The composition root: the only module that knows every class. Top to bottom, no cleverness.

What lives here: building the gateway from settings, starting it, stopping it in the right order.
What never will: behaviour.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import structlog

from holdfast.auth import GateOptions, PortalGate
from holdfast.config import Settings, UpstreamSettings
from holdfast.core.models import MODELS
from holdfast.engine.options import EngineOptions
from holdfast.engine.pool import EnginePool
from holdfast.portal import ASSISTANT_NAME, GREETING, Portal, PortalError, instructions
from holdfast.ports import Principal, UpstreamDialer
from holdfast.providers.local import LocalDialer
from holdfast.providers.openai import OpenAIDialer
from holdfast.runtime.directory import Directory
from holdfast.runtime.session_runner import Assistant
from holdfast.server.listening import Tls, bound_socket, listening, uvicorn_server
from holdfast.server.rest import PageOptions, Readiness, create_rest_app
from holdfast.server.router import SocketRouter

WEB_ROOT = Path(__file__).parent / "_web"

log = structlog.get_logger()


class GatewayError(Exception):
    """The gateway cannot start: what, why, fix."""

    def __init__(self, what: str, why: str, fix: str) -> None:
        super().__init__(what)
        self.what, self.why, self.fix = what, why, fix


class Gateway:
    """One gateway process. `running` serves; `stop` ends it politely."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.directory = Directory(settings.limits)
        self.pool: EnginePool | None = None
        self.dialer: UpstreamDialer
        self._stop = asyncio.Event()

    def stop(self) -> None:
        """Begin to stop: no new sessions, 1001 for those that run."""
        self._stop.set()

    async def stopped(self) -> None:
        """Wait until somebody calls `stop`."""
        await self._stop.wait()

    @property
    def missing(self) -> list[str]:
        """What keeps the gateway from being whole, as sentences."""
        reasons = list(self.pool.reasons) if self.pool is not None else []
        if not (WEB_ROOT / "index.html").is_file():
            reasons.append("The web client is not built: run `make web`.")
        return reasons

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """Serve until the block ends; answers the address. Raises PortTakenError, GatewayError."""
        settings = self.settings
        sock = bound_socket(settings.host, settings.port)
        async with contextlib.AsyncExitStack() as stack:
            stack.callback(sock.close)
            portal = await self._portal()
            stack.callback(portal.close)
            self.dialer = await self._dialer(settings.upstream[0], portal, stack)
            gate = self._gate(portal)
            router = SocketRouter(gate, self.directory, self.dialer, self._assistant(portal), settings.limits)
            app = create_rest_app(
                gate=gate,
                page=self._page(),
                readiness=self.readiness,
                web_root=WEB_ROOT,
            )
            server = uvicorn_server(app, router, drain_s=settings.limits.drain_s, tls=self._tls())
            async with listening(server, sock) as authority:
                log.info("server.listening", category="server", source="app", address=authority)
                yield f"{'https' if self._tls() else 'http'}://{authority}"
                self.directory.is_draining = True
                log.info("server.draining", category="server", source="app", sessions=len(self.directory))

    def readiness(self) -> Readiness:
        """Whether a session could start now, and if not why."""
        reasons = []
        if self.directory.is_draining:
            reasons.append("The process is stopping.")
        if self.pool is not None and not self.pool.ready:
            reasons += self.pool.reasons or ["The embedded engine is starting."]
        return Readiness(not reasons, tuple(reasons))

    def _tls(self) -> Tls | None:
        server = self.settings.server
        if server.tls_cert is None or server.tls_key is None:
            return None
        return Tls(server.tls_cert, server.tls_key)

    async def _portal(self) -> Portal:
        path = self.settings.portal.database
        try:
            return await Portal.open(path, limits=self.settings.limits)
        except PortalError as error:
            raise GatewayError("the portal's database can't be used.", error.message, error.remedy) from error

    async def _dialer(
        self, upstream: UpstreamSettings, portal: Portal, stack: contextlib.AsyncExitStack
    ) -> UpstreamDialer:
        limits = self.settings.limits
        if upstream.kind == "openai":
            return OpenAIDialer(
                upstream.name,
                upstream.base_url,
                upstream.api_key.get_secret_value(),
                upstream.model,
                limits.dial_s,
                limits.upstream_outbox_bytes,
            )
        engine = self.settings.engine
        options = EngineOptions(
            workers=engine.workers, model_folder=engine.asr_model, vad_model=engine.vad_model
        )
        tools = portal.toolbox.definitions()
        self.pool = EnginePool(options, tools=tools, instructions=instructions("a customer"))
        await self.pool.start()
        stack.push_async_callback(self.pool.close)
        return LocalDialer(upstream.name, self.pool, engine.voice, limits.upstream_outbox_bytes)

    def _gate(self, portal: Portal) -> PortalGate:
        settings = self.settings
        secret = settings.auth.secret
        return PortalGate(
            GateOptions(
                secret=secret.get_secret_value() if secret is not None else "",
                client_keys=settings.auth.client_keys,
                origins=settings.server.origins,
                trusted_proxies=settings.server.trusted_proxies,
                customers={one.id: one.name for one in portal.customers} if settings.demo else {},
            )
        )

    def _assistant(self, portal: Portal) -> Assistant:
        may_wish = self.settings.client_instructions

        def for_customer(who: Principal, wishes: str | None) -> str:
            return instructions(who.customer_name, wishes=(wishes or "") if may_wish else "")

        return Assistant(GREETING, for_customer, portal.toolbox)

    def _page(self) -> PageOptions:
        traits = self.dialer.traits
        is_local = traits.kind == "local"
        current = [(model.id, model.label) for model in MODELS.values() if model.shutdown is None]
        return PageOptions(
            assistant_name=ASSISTANT_NAME,
            greeting=GREETING,
            upstream={"name": traits.name, "kind": traits.kind, "model": traits.model},
            models=[(traits.model, "Embedded assistant")] if is_local else current,
            voices=traits.voices,
            binary_bytes=self.settings.limits.client_binary_bytes,
        )
