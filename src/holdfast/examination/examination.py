"""One visit of the doctor, from the settings up to a turn, and the report.

What lives here: what is asked for which wish, in which order. What never will: single questions.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from holdfast import config
from holdfast.client import credential_for
from holdfast.config import ConfigError, Settings, UpstreamSettings
from holdfast.core.limits import DEFAULT, Limits
from holdfast.diagnosis import Answer, Approach, Check, Question, Report, Trace, Visit, Workaround, judge, run
from holdfast.diagnosis.checks import Told
from holdfast.diagnosis.status_page import link_of, status_page
from holdfast.diagnosis.visit import PLAIN
from holdfast.engine.pool import EnginePool
from holdfast.examination import deep, home, stages
from holdfast.examination.deep import Subject
from holdfast.examination.gateway_face import GatewayFace
from holdfast.examination.layers import WITHOUT_SESSION, ByAddress, layers
from holdfast.examination.past import past_session
from holdfast.ports import UpstreamDialer
from holdfast.providers.local import engine_options
from holdfast.providers.remote import remote_dialer
from holdfast.sockets import bracketed
from holdfast.sockets.trust import trusting
from holdfast.wire.dialects import DIALECTS


class UnknownUpstreamError(Exception):
    """`--upstream` names nobody. `known` are the names that exist."""

    def __init__(self, known: list[str]) -> None:
        super().__init__("unknown upstream")
        self.known = known


@dataclass(frozen=True, slots=True)
class Wish:
    """What the doctor shall look at. `approach`: how it behaves as a visitor."""

    upstream: str | None = None
    url: str | None = None
    origin: str = ""
    deep: bool = False
    offline: bool = False
    asks_status_page: bool = False
    session: str | None = None
    """A session of the gateway at `url`, or of the one these settings are for; nothing else is asked then."""
    ca: Path | None = None
    approach: Approach = PLAIN


class Examination:
    """One visit. Questions about upstreams stand on readable settings."""

    def __init__(self, wish: Wish, settings: Settings | None = None) -> None:
        """`settings`: those of this process where they are not given."""
        self._wish = wish
        self._settings = settings
        self._problem: ConfigError | None = None
        self._checks: list[Check] = []
        self._workarounds: list[Workaround] = []
        self._traces: list[Trace] = []
        self._status_page = ""
        if settings is None:
            try:
                self._settings = config.load()
            except ConfigError as error:
                self._problem = error

    async def run(self, told: Told = lambda _: None) -> Report:
        """Ask everything. Raises UnknownUpstreamError, NoSessionError."""
        wish = self._wish
        if wish.session is not None:
            report = await self._past(wish.session)
            for check in report.checks:
                told(check)
            return report
        chosen = [] if self._settings is None else self._chosen(self._settings)
        await self._ask(home.questions(self._settings, self._problem), told)
        if wish.url is not None and not wish.offline:
            await self._address(wish.url, told)
        elif self._settings is not None and not wish.offline:
            for upstream in chosen:
                await self._upstream(upstream, self._settings, told)
        return Report(self._checks, self._workarounds, self._traces, self._status_page)

    async def _past(self, session_id: str) -> Report:
        folder = None if self._settings is None else self._settings.recorder.folder
        return await past_session(session_id, self._wish.url or self._own_url(), self._wish.ca, folder)

    def _own_url(self) -> str:
        """Where the gateway of these settings listens."""
        if self._settings is None:
            return "http://127.0.0.1:8080"
        scheme = "http" if self._settings.server.tls_cert is None else "https"
        host = bracketed(self._settings.host.strip("[]"))
        return f"{scheme}://{host}:{self._settings.port}"

    def _chosen(self, settings: Settings) -> list[UpstreamSettings]:
        known = [upstream.name for upstream in settings.upstream]
        if self._wish.upstream is not None and self._wish.upstream not in known:
            raise UnknownUpstreamError(known)
        if self._wish.upstream is not None:
            return [settings.upstream[known.index(self._wish.upstream)]]
        return list(settings.upstream if self._wish.deep else settings.upstream[:1])

    async def _ask(self, questions: list[Question], told: Told) -> list[Check]:
        checks = await run(questions, told)
        self._checks += checks
        return checks

    async def _upstream(self, upstream: UpstreamSettings, settings: Settings, told: Told) -> None:
        if upstream.kind == "local":
            await self._engine(upstream, settings, told)
            return
        writes_only = upstream.kind == "compatible" and DIALECTS[upstream.dialect].transcribes_only
        dialer = remote_dialer(upstream, settings.limits)
        query = {"intent": "transcription"} if writes_only else {}
        url = dialer.address(query).url
        await self._visit(upstream.name, url, dialer, settings.limits, told, is_whole=not writes_only)
        link = upstream.status_page or link_of(upstream.base_url)
        self._status_page = self._status_page or link
        if self._wish.asks_status_page and link:
            name = f"upstream.{upstream.name}.status_page"
            await self._ask([Question(name, f"{upstream.name}: status page", status_page(link))], told)

    async def _visit(
        self,
        name: str,
        url: str,
        dialer: UpstreamDialer,
        limits: Limits,
        told: Told,
        *,
        is_whole: bool = True,
    ) -> None:
        """Layer by layer; and, where it is wished, what helps against what was found."""
        approach = self._wish.approach
        visit = Visit(dialer, limits, approach)
        asked = layers(name, url, visit, self._wish.ca)
        try:
            checks = await self._ask(asked if is_whole else asked[:WITHOUT_SESSION], told)
        finally:
            await visit.leave()
        self._traces.append(visit.trace)
        worst = judge(checks)
        if self._wish.deep and worst is not None and worst.fault is not None:
            stem = f"upstream.{name}"
            ways, traces = await deep.try_ways(stem, Subject(dialer, limits, approach), worst.fault, told)
            self._workarounds += ways
            self._traces += traces

    async def _engine(self, upstream: UpstreamSettings, settings: Settings, told: Told) -> None:
        """A worker of our own, visited like anybody else."""
        await self._ask(stages.questions(settings), told)
        pool = EnginePool(engine_options(settings.engine, workers=1))
        stem = f"upstream.{upstream.name}"

        async def start() -> Answer:
            await pool.start()
            if not pool.ready:
                return Answer.failed("gateway.engine_unavailable", *pool.reasons)
            return Answer.ok("a worker of the engine is ready")

        try:
            begun = Question(f"{stem}.engine", f"{upstream.name}: engine", start)
            checks = await self._ask([begun], told)
            if judge(checks) is None:
                address = pool.address()
                dialer = ByAddress(address.url, address.token, settings.limits, name=upstream.name)
                await self._visit(upstream.name, address.url, dialer, settings.limits, told)
        finally:
            await pool.close()

    async def _address(self, url: str, told: Told) -> None:
        """A gateway, as its clients see it; or whoever speaks the dialect at that address."""
        limits = self._settings.limits if self._settings is not None else DEFAULT
        face = GatewayFace(url, self._wish.origin, self._wish.ca, limits)
        await self._ask(face.questions(), told)
        for path in face.realtime_urls():
            trust = trusting(self._wish.ca) if path.startswith(("wss:", "https:")) else None
            dialer = ByAddress(path, credential_for(path) or "", limits, trust)
            await self._visit("url", path, dialer, limits, told)
