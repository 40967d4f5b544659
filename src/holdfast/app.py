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
from holdfast.core.breaker import BreakerState
from holdfast.core.faults import fault
from holdfast.core.joining import Joining
from holdfast.core.limits import Limits
from holdfast.core.models import DEFAULT_MODEL, MODELS
from holdfast.core.overload import Overload
from holdfast.engine.pool import EnginePool
from holdfast.express import express
from holdfast.portal import ASSISTANT_NAME, GREETING, Portal, PortalError, instructions
from holdfast.ports import Principal, UpstreamDialer
from holdfast.ports.journal import Healthy, Journal, JournalState
from holdfast.providers.addresses import Addresses
from holdfast.providers.azure import azure_rest_url
from holdfast.providers.calls import ProviderCalls
from holdfast.providers.forward import RestForwarder
from holdfast.providers.local import LocalDialer, engine_options, stage_notes
from holdfast.providers.local_audio import LocalAudio
from holdfast.providers.remote import remote_dialer
from holdfast.providers.warm import WarmDialer
from holdfast.runtime.assistant import Assistant
from holdfast.runtime.descriptors import Descriptors
from holdfast.runtime.directory import Directory
from holdfast.runtime.load import LoadWatch
from holdfast.runtime.rehearsal import Refusing, Rehearsal, RehearsedDialer
from holdfast.runtime.revival import Revival
from holdfast.runtime.rounds import Rounds
from holdfast.runtime.upstreams import Upstreams
from holdfast.server.host import Host
from holdfast.server.listening import Tls, bound_socket, listening, uvicorn_server
from holdfast.server.rest import PageOptions, Readiness, create_rest_app
from holdfast.server.router import SocketRouter
from holdfast.server.v1 import V1Options
from holdfast.server.v1_audio import Service
from holdfast.server.v1_calls import CallOptions
from holdfast.store import Database, JournalOptions, MemoryJournal, SqliteJournal, StoreRefusedError

WEB_ROOT = Path(__file__).parent / "_web"

log = structlog.get_logger()


class GatewayError(Exception):
    """The gateway cannot start: what, why, fix."""

    def __init__(self, what: str, why: str, fix: str) -> None:
        super().__init__(what)
        self.what, self.why, self.fix = what, why, fix


def rest_forwarder(upstream: UpstreamSettings, limits: Limits) -> RestForwarder:
    """Who asks the REST side of an upstream that is not the embedded engine."""
    key, is_azure = upstream.api_key.get_secret_value(), upstream.kind == "azure"
    url = azure_rest_url(upstream.base_url) if is_azure else upstream.base_url
    header = upstream.key_header or ("api-key" if is_azure else "authorization")
    return RestForwarder(upstream.name, url, key, limits, key_header=header)


class Gateway:
    """One gateway process. `running` serves; `stop` ends it politely."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.directory = Directory(settings.limits)
        self.pool: EnginePool | None = None
        self.upstreams: Upstreams
        self.gate: PortalGate
        self.warm: list[WarmDialer] = []
        self.rest: dict[str, RestForwarder] = {}
        self._stop = asyncio.Event()

    def stop(self) -> None:
        """Begin to stop: no new sessions; running ones finish their sentence. A second call ends them now."""
        if self._stop.is_set():
            self.directory.drain(at_once=True)
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
            dialers = [await self._dialer(one, portal, stack) for one in settings.upstream]
            for number, (dialer, one) in enumerate(zip(dialers, settings.upstream, strict=True)):
                if one.warm:
                    dialers[number] = warm = WarmDialer(dialer, one.warm)
                    self.warm.append(warm)
                    await stack.enter_async_context(warm.running())
            for one in settings.upstream:
                if one.kind != "local":
                    self.rest[one.name] = rest_forwarder(one, settings.limits)
                    stack.push_async_callback(self.rest[one.name].close)
            refusing = Refusing()
            if settings.server.chaos:
                dialers = [RehearsedDialer(one, refusing) for one in dialers]
            self.upstreams = Upstreams.of(
                dialers,
                settings.limits,
                [one.workarounds for one in settings.upstream],
            )
            self.directory.is_outage = self.upstreams.is_outage
            gate = self.gate = self._gate(portal)
            overload = self.directory.overload = Overload()
            self.directory.descriptors = Descriptors.of(settings.limits)
            if settings.server.express and (fast := express()) is not None:
                stack.callback(fast.close)
                self.directory.express = fast
            journal = await self._journal(stack)
            assistant = self._assistant(portal)
            rights, limits = settings.auth.client_secret_rights, settings.limits
            router = SocketRouter(
                gate,
                self.directory,
                Host(self.upstreams, self.directory, assistant, limits, journal),
                self.upstreams.facts,
                limits,
                rights,
                translates_beta=settings.server.beta_clients == "translate",
            )
            revival = Revival(self.directory, self.upstreams, assistant, settings.limits, journal)
            await revival.load()
            app = create_rest_app(
                gate=gate,
                page=self._page(),
                readiness=self.readiness,
                web_root=WEB_ROOT,
                durability=journal.durability,
                rehearsal=Rehearsal(self.directory, refusing) if settings.server.chaos else None,
                v1=self._v1(),
                audio=[self._audio(one) for one in settings.upstream],
                calls=self._calls(assistant),
            )
            server = uvicorn_server(app, router, drain_s=settings.limits.drain_s, tls=self._tls())
            load = LoadWatch(
                overload,
                lambda: len(self.directory),
                self._shed,
                self.directory.close_parked,
                join=None if self.directory.express is None else self.directory.express.join,
                joining=Joining(settings.limits.append_join_ms),
            )
            load.start()
            stack.callback(load.stop)
            rounds = Rounds(lambda: self.directory.running)
            rounds.start()
            stack.callback(rounds.stop)
            async with listening(server, sock) as authority:
                log.info("server.listening", category="server", source="app", address=authority)
                yield f"{'https' if self._tls() else 'http'}://{authority}"
                log.info("server.draining", category="server", source="app", sessions=len(self.directory))
                await self._drain()

    def _shed(self) -> None:
        """Memory runs short: let go what can be had again."""
        for warm in self.warm:
            warm.shed()
        self.directory.shed()

    async def _drain(self) -> None:
        """Let sentences be finished and the journal be told; what is left is cut by the server's own end."""
        self.directory.drain()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.settings.limits.drain_s):
                await self.directory.emptied()

    async def _journal(self, stack: contextlib.AsyncExitStack) -> Journal:
        settings, limits = self.settings.journal, self.settings.limits
        options = JournalOptions(
            window_s=limits.resume_window_s,
            spool_lines_max=limits.journal_spool_lines,
            spool_bytes_max=limits.journal_spool_bytes,
            close_s=limits.journal_close_s,
        )
        if settings.kind == "memory":
            journal: Journal = MemoryJournal(options)
        else:
            database = Database(settings.database)
            stack.push_async_callback(database.close)
            journal = SqliteJournal(database, options)
        try:
            await journal.start(self._journal_changed)
        except StoreRefusedError as error:
            what = "the journal's database can't be used."
            raise GatewayError(what, error.message, error.remedy) from error
        stack.push_async_callback(journal.close)
        return journal

    def _journal_changed(self, state: JournalState) -> None:
        cause = (
            None if isinstance(state, Healthy) else fault("store.unavailable", [f"journal: {state.cause}"])
        )
        self.directory.journal_changed(cause)

    def readiness(self) -> Readiness:
        """Whether a session could start now, and if not why."""
        reasons = []
        if self.directory.is_draining:
            reasons.append("The process is stopping.")
        descriptors = self.directory.descriptors
        if descriptors is not None and descriptors.is_low:
            reasons.append(f"Only {descriptors.left} file descriptors are left: raise `ulimit -n`.")
        states = self.upstreams.endpoints.status(asyncio.get_running_loop().time())
        if all(one.state is BreakerState.OPEN for one in states):
            reasons.append("No upstream can be reached at the moment.")
        if self.pool is not None and not self.pool.ready:
            reasons += self.pool.reasons or ["The embedded engine is starting."]
        notes = [] if self.pool is None else stage_notes(self.pool)
        return Readiness(not reasons, (*reasons, *notes))

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
        if upstream.kind != "local":
            return remote_dialer(upstream, limits)
        engine = self.settings.engine
        tools = portal.toolbox.definitions()
        self.pool = EnginePool(engine_options(engine), tools=tools, instructions=instructions("a customer"))
        await self.pool.start()
        stack.push_async_callback(self.pool.close)
        return LocalDialer(upstream.name, self.pool, engine.voice, limits)

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
                client_secrets=settings.limits.client_secrets,
                client_secrets_bytes=settings.limits.client_secrets_bytes,
            )
        )

    def _v1(self) -> V1Options:
        facts = [one.traits for one in self.upstreams.dialers]
        labels = {one.model: "Embedded assistant" if one.kind == "local" else one.name for one in facts}
        first = facts[0]
        return V1Options(
            default_model=DEFAULT_MODEL if first.kind == "local" else first.model or DEFAULT_MODEL,
            own_models=[(model, label) for model, label in labels.items() if model and model not in MODELS],
            limits=self.settings.limits,
            minter=next(iter(self.rest.values()))
            if self.settings.server.client_secrets == "provider"
            else None,
        )

    def _audio(self, upstream: UpstreamSettings) -> Service:
        if upstream.kind != "local":
            return self.rest[upstream.name]
        assert self.pool is not None, "its dialer started it"
        return LocalAudio(upstream.name, self.pool, self.settings.engine.voice, self.settings.limits)

    def _calls(self, assistant: Assistant) -> CallOptions:
        """Calls go to the first upstream that takes any."""
        limits, rights = self.settings.limits, self.settings.auth.client_secret_rights
        able = next((one for one in self.settings.upstream if one.kind in {"openai", "azure"}), None)
        provider = None
        if able is not None:
            provider = ProviderCalls(self.rest[able.name], limits, Addresses(limits))
        model = DEFAULT_MODEL if able is None else able.model
        return CallOptions(provider, model, self.directory, assistant.toolbox, limits, rights)

    def _assistant(self, portal: Portal) -> Assistant:
        may_wish = self.settings.client_instructions

        def for_customer(who: Principal, wishes: str | None) -> str:
            return instructions(who.customer_name, wishes=(wishes or "") if may_wish else "")

        return Assistant(GREETING, for_customer, portal.toolbox)

    def _page(self) -> PageOptions:
        traits = self.upstreams.dialers[0].traits
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
