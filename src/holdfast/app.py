"""The composition root: the only module that knows every class. Top to bottom, no cleverness.

What lives here: building the gateway from settings, starting it, stopping it in the right order.
What never will: behaviour.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import structlog
from fastapi import FastAPI

from holdfast.auth import GateOptions, PortalGate
from holdfast.config import Settings, UpstreamSettings
from holdfast.core.breaker import BreakerState
from holdfast.core.limits import Limits
from holdfast.core.models import DEFAULT_MODEL, MODELS
from holdfast.core.overload import Overload
from holdfast.desk import Desk
from holdfast.engine.pool import EnginePool
from holdfast.node import (
    GatewayError,
    Node,
    Place,
    assistant_of,
    dialer_of,
    figures_of,
    open_portal,
    upstreams_of,
)
from holdfast.portal import ASSISTANT_NAME, GREETING, Portal, instructions
from holdfast.providers.addresses import Addresses
from holdfast.providers.azure import azure_rest_url
from holdfast.providers.calls import ProviderCalls
from holdfast.providers.forward import RestForwarder
from holdfast.providers.local import engine_options, stage_notes
from holdfast.providers.local_audio import LocalAudio
from holdfast.readings import Figures, of_door, of_engine
from holdfast.runtime.assistant import Assistant
from holdfast.runtime.descriptors import Descriptors
from holdfast.runtime.directory import Directory
from holdfast.runtime.load import LoadWatch
from holdfast.runtime.rehearsal import Rehearsal, Rehearsing
from holdfast.runtime.upstreams import Upstreams
from holdfast.server.console import Feed, LocalOverview, Overview
from holdfast.server.host import Hosting
from holdfast.server.listening import Tls, bound_socket, listening, uvicorn_server
from holdfast.server.metrics import Told
from holdfast.server.rest import PageOptions, Readiness, create_rest_app
from holdfast.server.router import SocketRouter
from holdfast.server.v1 import V1Options
from holdfast.server.v1_audio import Service
from holdfast.server.v1_calls import CallOptions
from holdfast.telemetry.exposition import FRONT
from holdfast.workers.counting import StaffedDirectory
from holdfast.workers.orders import Orders
from holdfast.workers.staff import Staff

WEB_ROOT = Path(__file__).parent / "_web"

log = structlog.get_logger()


def rest_forwarder(upstream: UpstreamSettings, limits: Limits) -> RestForwarder:
    """Who asks the REST side of an upstream that is not the embedded engine."""
    key, is_azure = upstream.api_key.get_secret_value(), upstream.kind == "azure"
    url = azure_rest_url(upstream.base_url) if is_azure else upstream.base_url
    header = upstream.key_header or ("api-key" if is_azure else "authorization")
    return RestForwarder(upstream.name, url, key, limits, key_header=header)


@dataclass(frozen=True, slots=True)
class House:
    """Where conversations run: who takes them in, how faults are rehearsed there, who knows of them; this
    process' figures, and everybody's.
    """

    host: Hosting
    rehearsal: Rehearsing
    overview: Overview
    own: Figures
    figures: Callable[[], Awaitable[Told]]


class Gateway:
    """One gateway. `running` serves; `stop` ends it politely. `log_as_json`: what its workers write."""

    def __init__(self, settings: Settings, *, log_as_json: bool | None = None) -> None:
        self.settings = settings
        kind = StaffedDirectory if settings.server.workers > 1 else Directory
        self.directory = kind(settings.limits)
        self.staff: Staff | None = None
        self._log_as_json = log_as_json
        self.pool: EnginePool | None = None
        self.upstreams: Upstreams
        self.gate: PortalGate
        self.desk: Desk
        self.rest: dict[str, RestForwarder] = {}
        self._stop = asyncio.Event()

    def stop(self) -> None:
        """Begin to stop: no new sessions; running ones finish their sentence. A second call ends them now."""
        if self._stop.is_set():
            self._drain_all(at_once=True)
        self._stop.set()

    def _drain_all(self, *, at_once: bool) -> None:
        self.directory.drain(at_once=at_once)
        if self.staff is not None:
            self.staff.drain(at_once=at_once)

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
        """Serve until the block ends; answers the address. Raises CannotListenError, GatewayError."""
        settings = self.settings
        sock = bound_socket(settings.host.strip("[]"), settings.port)
        async with contextlib.AsyncExitStack() as stack:
            stack.callback(sock.close)
            portal = await open_portal(settings)
            stack.callback(portal.close)
            await self._engine(portal, stack)
            for one in settings.upstream:
                if one.kind != "local":
                    self.rest[one.name] = rest_forwarder(one, settings.limits)
                    stack.push_async_callback(self.rest[one.name].close)
            gate = self.gate = self._gate(portal)
            house = await self._house(portal, stack)
            router = SocketRouter(
                gate,
                self.directory,
                house.host,
                self.upstreams.facts,
                settings.limits,
                settings.auth.client_secret_rights,
                translates_beta=settings.server.beta_clients == "translate",
            )
            desk = self.desk = Desk(settings, house.overview)
            app = create_rest_app(
                gate=gate,
                page=self._page(),
                readiness=self.readiness,
                web_root=WEB_ROOT,
                durability="none" if settings.journal.kind == "memory" else "local",
                rehearsal=house.rehearsal if settings.server.chaos else None,
                v1=self._v1(),
                audio=[self._audio(one) for one in settings.upstream],
                calls=self._calls(assistant_of(settings, portal)),
                figures=None if settings.metrics.access == "off" else house.figures,
                console=desk.options,
            )
            self._read_door(house.own, app, desk.feed)
            server = uvicorn_server(app, router, drain_s=settings.limits.drain_s, tls=self._tls())
            async with listening(server, sock) as authority:
                log.info("server.listening", category="server", source="app", address=authority)
                yield f"{'https' if self._tls() else 'http'}://{authority}"
                log.info("server.draining", category="server", source="app", sessions=len(self.directory))
                await self._drain()
                desk.feed.close()

    async def _drain(self) -> None:
        """Let sentences be finished and the journal be told; what is left is cut by the server's own end."""
        self._drain_all(at_once=False)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.settings.limits.drain_s):
                await self.directory.emptied()

    def readiness(self) -> Readiness:
        """Whether a session could start now, and if not why."""
        reasons = []
        if self.directory.is_draining:
            reasons.append("The process is stopping.")
        descriptors = self.directory.descriptors
        if descriptors is not None and descriptors.is_low:
            reasons.append(f"Only {descriptors.left} file descriptors are left: raise `ulimit -n`.")
        reasons += self._unreachable() if self.staff is None else self.staff.reasons
        if self.pool is not None and not self.pool.ready:
            reasons += self.pool.reasons or ["The embedded engine is starting."]
        notes = [] if self.pool is None else stage_notes(self.pool)
        return Readiness(not reasons, (*reasons, *notes))

    def _unreachable(self) -> list[str]:
        states = self.upstreams.endpoints.status(asyncio.get_running_loop().time())
        is_cut_off = all(one.state is BreakerState.OPEN for one in states)
        return ["No upstream can be reached at the moment."] if is_cut_off else []

    def _tls(self) -> Tls | None:
        server = self.settings.server
        if server.tls_cert is None or server.tls_key is None:
            return None
        return Tls(server.tls_cert, server.tls_key)

    async def _engine(self, portal: Portal, stack: contextlib.AsyncExitStack) -> None:
        """The embedded engine, where an upstream is it."""
        if all(one.kind != "local" for one in self.settings.upstream):
            return
        options, tools = engine_options(self.settings.engine), portal.toolbox.definitions()
        told = self._engine_changed
        self.pool = EnginePool(options, tools=tools, instructions=instructions("a customer"), on_change=told)
        await self.pool.start()
        stack.push_async_callback(self.pool.close)

    async def _house(self, portal: Portal, stack: contextlib.AsyncExitStack) -> House:
        """Conversations run here, or in so many workers."""
        if self.settings.server.workers > 1:
            return await self._staffed(portal, stack)
        node = Node(self.settings, self.directory)
        await node.open(portal, self.pool, stack)
        self.upstreams = node.upstreams
        overview = LocalOverview(node.keeper)

        async def figures() -> Told:
            return {FRONT: await node.figures.families()}

        return House(node.host, Rehearsal(self.directory, node.refusing), overview, node.figures, figures)

    async def _staffed(self, portal: Portal, stack: contextlib.AsyncExitStack) -> House:
        settings, directory, limits = self.settings, self.directory, self.settings.limits
        assert isinstance(directory, StaffedDirectory)
        self.upstreams = upstreams_of(
            [dialer_of(one, settings, self.pool) for one in settings.upstream], settings
        )
        number = settings.server.workers
        staff = self.staff = Staff(
            number,
            directory,
            limits,
            lambda at: Orders(settings, Place(at, number), self._log_as_json).written(),
            self.pool,
        )
        directory.is_outage = staff.is_outage
        guard = Overload(few=limits.overload_from_sessions)
        directory.overload, directory.descriptors = guard, Descriptors.of(limits)
        await stack.enter_async_context(staff.working())
        if (failed := staff.failure) is not None:
            raise GatewayError(failed.what, failed.why, failed.fix)
        own = figures_of(directory, settings, assistant_of(settings, portal))
        load = LoadWatch(
            directory.overload,
            lambda: len(directory),
            lambda: None,
            directory.close_parked,
            sampled=own.heard,
            processes=number,
        )
        load.start()
        stack.callback(load.stop)

        async def figures() -> Told:
            return await staff.figures(await own.families())

        return House(staff, staff, staff.overview, own, figures)

    def _read_door(self, figures: Figures, app: FastAPI, feed: Feed) -> None:
        """What only this process has, into its figures."""
        requests = app.state.audio
        figures.rooms.append(
            of_door(self.directory, self.gate.client_secrets, feed, lambda: requests.running)
        )
        if (pool := self.pool) is not None:
            figures.rooms.append(lambda _: of_engine(pool))

    def _engine_changed(self) -> None:
        if self.staff is not None:
            self.staff.engine_changed()

    def _gate(self, portal: Portal) -> PortalGate:
        settings = self.settings
        secret = settings.auth.secret
        return PortalGate(
            GateOptions(
                secret=secret.get_secret_value() if secret is not None else "",
                client_keys=settings.auth.client_keys,
                operator_keys=settings.console.keys,
                origins=settings.server.origins,
                trusted_proxies=settings.server.trusted_proxies,
                customers={one.id: one.name for one in portal.customers} if settings.demo else {},
                client_secrets=settings.limits.client_secrets,
                client_secrets_bytes=settings.limits.client_secrets_bytes,
                monitor_keys=settings.metrics.keys,
                monitors_need_keys=settings.metrics.access == "key",
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
            recording_words=self.settings.recording.words if self.settings.recording.enabled else "",
        )
