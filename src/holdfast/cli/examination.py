"""What the doctor looks at, from the settings up to a real turn with an upstream.

What lives here: the list of questions, and the session that answers the last ones.
What never will: printing, single offline checks and network layers (`diagnosis`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import holdfast
from holdfast import config
from holdfast.cli import stage_examination
from holdfast.cli.talk import credential_for
from holdfast.client import (
    BehindDialect,
    CallError,
    Conversation,
    Dialect,
    RealtimeDialect,
    SessionWish,
    dial,
    dialect_for,
)
from holdfast.config import ConfigError, Settings, UpstreamSettings
from holdfast.diagnosis import Answer, Check, Question, Report, Status, network, offline, run
from holdfast.engine.options import missing
from holdfast.engine.pool import EnginePool
from holdfast.express import IS_BUILT
from holdfast.providers.local import engine_options
from holdfast.providers.remote import remote_dialer
from holdfast.wire.dialects import DIALECTS

PACKAGE: Final = Path(holdfast.__file__).resolve().parent
TURN: Final = "Please say in one short sentence that you can hear me."
_READY_TIMEOUT_S: Final = 25.0
_TURN_TIMEOUT_S: Final = 30.0


class UnknownUpstreamError(Exception):
    """`--upstream` names nobody. `known` are the names that exist."""

    def __init__(self, known: list[str]) -> None:
        super().__init__("unknown upstream")
        self.known = known


class Examination:
    """One visit. Questions about upstreams stand on readable settings."""

    def __init__(
        self, *, upstream: str | None, url: str | None, deep: bool, offline: bool, ca: Path | None = None
    ) -> None:
        self._upstream = upstream
        self._url = url
        self._ca = ca
        self._deep = deep
        self._offline = offline
        self._settings: Settings | None = None
        self._problem: ConfigError | None = None
        try:
            self._settings = config.load()
        except ConfigError as error:
            self._problem = error

    async def run(self, told: Callable[[Check], None]) -> Report:
        """Ask everything. Raises UnknownUpstreamError."""
        questions = self._at_home()
        if self._url is not None and not self._offline:
            questions += _of_address(self._url, self._ca)
        elif self._settings is not None and not self._offline:
            for upstream in self._chosen(self._settings):
                questions += _of_upstream(upstream, self._settings)
        return await run(questions, told)

    def _chosen(self, settings: Settings) -> list[UpstreamSettings]:
        known = [upstream.name for upstream in settings.upstream]
        if self._upstream is not None and self._upstream not in known:
            raise UnknownUpstreamError(known)
        if self._upstream is not None:
            return [settings.upstream[known.index(self._upstream)]]
        return list(settings.upstream if self._deep else settings.upstream[:1])

    def _at_home(self) -> list[Question]:
        questions = [
            Question("home.python", "Python", offline.python),
            Question("home.libraries", "libraries", offline.libraries),
            Question("home.settings", "settings", self._settings_answer),
            Question("home.express", "compiled audio", partial(offline.compiled, is_built=IS_BUILT)),
            Question("home.web_client", "web client", partial(offline.web_client, PACKAGE / "_web")),
            Question("home.open_files", "open files", offline.open_files),
        ]
        settings = self._settings
        if settings is None:
            return questions
        database = settings.portal.database
        questions += [
            Question("home.port", "port", partial(offline.port, settings.host.strip("[]"), settings.port)),
            Question("home.database", "demo database", partial(offline.writable, database.parent)),
            Question("home.speech_files", "speech files", partial(_speech_files, settings)),
        ]
        remote = [one for one in settings.upstream if one.kind != "local"]
        questions += [
            Question(f"home.key.{one.name}", f"key of {one.name}", partial(_key, one)) for one in remote
        ]
        return questions

    def _settings_answer(self) -> Answer:
        if self._problem is None:
            assert self._settings is not None
            return Answer.ok("upstreams: " + ", ".join(one.name for one in self._settings.upstream))
        problems = self._problem.problems
        evidence = [f"{one.key}: {one.problem}" for one in problems]
        return Answer.failed(
            "configuration.invalid", *evidence, remedy=" ".join(one.remedy for one in problems)
        )


def _speech_files(settings: Settings) -> Answer:
    reasons = missing(engine_options(settings.engine, workers=1))
    if not reasons:
        return Answer.ok("all there")
    if any(one.kind == "local" for one in settings.upstream):
        return Answer.failed("configuration.speech_files_missing", *reasons)
    return Answer.warning(" ".join(reasons))


def _key(upstream: UpstreamSettings) -> Answer:
    needed = not offline.is_loopback(upstream.base_url)
    return offline.api_key(upstream.api_key_env, needed=needed)


def _of_upstream(upstream: UpstreamSettings, settings: Settings) -> list[Question]:
    if upstream.kind == "local":
        stem = f"upstream.{upstream.name}"
        ask = partial(_engine_turn, settings)
        turn = Question(f"{stem}.turn", f"{upstream.name}: engine, turn", ask, ("home.speech_files",))
        return [*stage_examination.questions(settings), turn]
    writes_only = upstream.kind == "compatible" and DIALECTS[upstream.dialect].transcribes_only
    query = {"intent": "transcription"} if writes_only else {}
    address = remote_dialer(upstream, settings.limits).address(query)
    dialect = BehindDialect(SessionWish(), address.upgrade_headers, address.translation)
    layers = _layers(upstream.name, _Call(address.url, dialect, address.token or None))
    return layers[:_WITHOUT_SESSION] if writes_only else layers


_WITHOUT_SESSION: Final = 3
"""How many layers there are below a session: who only writes down has no turn to try."""


def _of_address(url: str, ca: Path | None) -> list[Question]:
    return _layers("url", _Call(url, dialect_for(url, SessionWish()), credential_for(url), ca))


def _layers(name: str, call: _Call) -> list[Question]:
    """Layer on layer: each is asked only when the one below it holds."""
    stem = f"upstream.{name}"
    try:
        peer = network.Peer.of(call.url)
    except ValueError as error:
        broken = Answer.failed("configuration.invalid", str(error))
        return [Question(f"{stem}.address", f"{name}: address", lambda: broken)]
    return [
        Question(f"{stem}.name", f"{name}: name", partial(network.name, peer)),
        Question(f"{stem}.tcp", f"{name}: TCP", partial(network.tcp, peer), (f"{stem}.name",)),
        Question(f"{stem}.tls", f"{name}: TLS", partial(network.tls, peer, call.ca), (f"{stem}.tcp",)),
        Question(f"{stem}.session", f"{name}: session", call.session, (f"{stem}.tls",)),
        Question(f"{stem}.turn", f"{name}: turn", call.turn, (f"{stem}.session",)),
    ]


async def _engine_turn(settings: Settings) -> Answer:
    """Start a worker of our own, and have one turn with it."""
    pool = EnginePool(engine_options(settings.engine, workers=1))
    try:
        await pool.start()
        if not pool.ready:
            return Answer.failed("gateway.engine_unavailable", *pool.reasons)
        address = pool.address()
        call = _Call(address.url, RealtimeDialect(SessionWish()), address.token)
        session = await call.session()
        return session if session.status is Status.FAILED else await call.turn()
    finally:
        await pool.close()


class _Call:
    """One session for two questions: does it get ready, does it answer?"""

    def __init__(self, url: str, dialect: Dialect, credential: str | None, ca: Path | None = None) -> None:
        self.url = url
        self.ca = ca
        self._dialect = dialect
        self._credential = credential
        self._conversation: Conversation | None = None

    async def session(self) -> Answer:
        """Handshake, session.created, session.updated; or the gateway's own words for them."""
        conversation: Conversation | None = None
        try:
            line = await dial(self.url, self._dialect, self._credential, ca=self.ca)
            conversation = Conversation(line)
            await conversation.start(_READY_TIMEOUT_S)
        except CallError as error:
            if conversation is not None:
                await conversation.end()
            return Answer.failed(error.code, *error.evidence, provider_session=_session_of(conversation))
        self._conversation = conversation
        session = _session_of(conversation)
        return Answer.ok(f"ready, {session}", provider_session=session)

    async def turn(self) -> Answer:
        """One typed turn, answered with sound."""
        conversation = self._conversation
        assert conversation is not None, "a turn stands on a session"
        session = _session_of(conversation)
        try:
            turn = await conversation.write(TURN, _TURN_TIMEOUT_S)
        except CallError as error:
            return Answer.failed(error.code, *error.evidence, provider_session=session)
        finally:
            await conversation.end()
        if turn.status != "completed" or not turn.audio:
            evidence = [
                f"the answer ended as {turn.status or 'nothing'} with {len(turn.audio)} bytes of sound"
            ]
            evidence += [f"{trouble.code}: {trouble.message}" for trouble in turn.troubles]
            return Answer.failed("provider.response_failed", *evidence, provider_session=session)
        return Answer.ok(f"first sound after {turn.latency.sound_ms:.0f} ms", provider_session=session)


def _session_of(conversation: Conversation | None) -> str:
    """The provider's id of a session, for its support; the gateway's own where that is not told."""
    if conversation is None:
        return ""
    ready, created = conversation.ready, conversation.created
    return (ready.provider_session_id if ready else "") or (created.session_id if created else "")
