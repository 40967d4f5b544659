"""A running gateway as its clients see it: the way to it, its door, its health, and a session by each face.

What lives here: the questions for `--url`, and the words for what only a client can find.
What never will: the dialect of `/v1/realtime` (that is a visit, like one to an upstream).
"""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import msgspec

from holdfast.client import (
    GATEWAY_UNREACHABLE,
    OF_THE_WAY,
    BrowserDialect,
    CallError,
    Conversation,
    Recording,
    SessionWish,
    credential_for,
    dial,
)
from holdfast.core.faults import FAULTS
from holdfast.core.limits import Limits
from holdfast.diagnosis import Answer, Question, network
from holdfast.diagnosis.checks import Ask
from holdfast.diagnosis.door import Knocked, knock, origin_of
from holdfast.diagnosis.speech import Speech
from holdfast.diagnosis.visit import WORDS
from holdfast.sockets.trust import trusting

BROWSER: Final = "/api/openai/realtime"
REALTIME: Final = "/v1/realtime"
FOREIGN: Final = "https://elsewhere.invalid"
_READY_TIMEOUT_S: Final = 40.0
_TURN_TIMEOUT_S: Final = 30.0
_SPEECH_S: Final = 1.5


class GatewayFace:
    """One gateway, or a stranger who speaks the Realtime dialect at an address."""

    def __init__(self, url: str, origin: str, ca: Path | None, limits: Limits) -> None:
        self._url = url
        self._path = _path_of(url)
        self._origin = origin
        self._ca = ca
        self._limits = limits
        self._is_gateway = False
        self._conversation: Conversation | None = None
        self._voice = b""

    def questions(self) -> list[Question]:
        """None for an address of the dialect: there a visit asks."""
        if self._path.endswith(REALTIME):
            return []
        try:
            peer = network.Peer.of(self._url)
        except ValueError as error:
            fix = "Write it as in --url http://127.0.0.1:8080."
            broken = Answer.failed("configuration.invalid", str(error), remedy=fix)
            return [Question("gateway.address", "gateway: address", lambda: broken)]
        asks: Mapping[str, tuple[str, Ask, tuple[str, ...]]] = {
            "name": ("name", partial(_on_the_way, network.name, peer), ()),
            "tcp": ("TCP", partial(_on_the_way, network.tcp, peer), ("name",)),
            "tls": ("TLS", partial(_on_the_way, network.tls, peer, self._ca), ("tcp",)),
            "clock": ("clock", partial(network.clock, peer, self._ca), ("tls",)),
            "alive": ("alive", partial(self._alive, peer), ("tls",)),
            "ready": ("ready", partial(self._ready, peer), ("alive",)),
            "origin": ("a page's way in", partial(self._own_page, peer), ("alive",)),
            "foreign_origin": ("strange pages", partial(self._strange_page, peer), ("alive",)),
            "session": ("browser: session", self._session, ("origin",)),
            "text": ("browser: text turn", self._text, ("session",)),
            "audio": ("browser: spoken turn", self._audio, ("session",)),
        }
        return [
            Question(f"gateway.{key}", f"gateway: {title}", ask, tuple(f"gateway.{need}" for need in needs))
            for key, (title, ask, needs) in asks.items()
        ]

    def realtime_urls(self) -> list[str]:
        """Where a visit is to be made, once the questions were asked."""
        if self._path.endswith(REALTIME):
            return [self._url]
        if not self._is_gateway or self._path:
            return []
        return [urlunsplit(urlsplit(self._url)._replace(path=REALTIME, query="", fragment=""))]

    # the door

    async def _knock(
        self, peer: network.Peer, path: str, *, origin: str = "", upgrade: bool = False
    ) -> Knocked:
        headers = {"Origin": origin} if origin else {}
        return await knock(peer, path, self._trust(peer), headers, upgrade=upgrade)

    def _trust(self, peer: network.Peer) -> ssl.SSLContext | None:
        return trusting(self._ca) if peer.tls else None

    async def _alive(self, peer: network.Peer) -> Answer:
        try:
            told = await self._knock(peer, "/healthz")
        except (OSError, ValueError) as error:
            return Answer.failed(GATEWAY_UNREACHABLE, f"/healthz: {str(error) or 'no answer'}")
        if told.status != 200 or b'"durability"' not in told.body:
            if told.status == 403:
                return told.refusal
            why = f"/healthz answers HTTP {told.status}: no gateway lives there"
            return Answer.failed("configuration.invalid", why, remedy="Correct the address.")
        self._is_gateway = True
        return Answer.ok(told.body[:200].decode("utf-8", "replace"))

    async def _ready(self, peer: network.Peer) -> Answer:
        try:
            told = await self._knock(peer, "/readyz")
            reasons = msgspec.json.decode(told.body, type=dict[str, object]).get("reasons")
        except (OSError, ValueError) as error:
            return Answer.failed(GATEWAY_UNREACHABLE, f"/readyz: {str(error) or 'no answer'}")
        listed = "; ".join(map(str, reasons)) if isinstance(reasons, list) else ""
        if told.status != 200:
            return Answer.warning(f"takes no sessions: {listed}", "See the checks that follow.")
        return Answer.ok(listed or "takes sessions")

    async def _own_page(self, peer: network.Peer) -> Answer:
        """Would a page of this origin be let in? A ticket is not shown: it holds once."""
        origin = self._origin or origin_of(peer)
        try:
            told = await self._knock(peer, self._path or BROWSER, origin=origin, upgrade=True)
        except (OSError, ValueError) as error:
            return Answer.failed(GATEWAY_UNREACHABLE, f"the upgrade: {str(error) or 'no answer'}")
        if told.status == 101:
            return Answer.ok(f"pages of {origin} are let in")
        if told.code == "NOT_AUTHORIZED" and credential_for(self._url):
            return Answer.ok(f"pages of {origin} are let in with a ticket")
        return told.refusal

    async def _strange_page(self, peer: network.Peer) -> Answer:
        try:
            told = await self._knock(peer, BROWSER, origin=FOREIGN, upgrade=True)
        except (OSError, ValueError) as error:
            return Answer.failed(GATEWAY_UNREACHABLE, f"the upgrade: {str(error) or 'no answer'}")
        if told.status == 101:
            return Answer.warning(
                f"a page of {FOREIGN} was let in: any page may talk at your expense",
                "Look at [server] origins, and whether a proxy in between rewrites Origin.",
            )
        return Answer.ok(f"refused, as they must be: HTTP {told.status} {told.code}".rstrip())

    # a session

    async def _session(self) -> Answer:
        conversation: Conversation | None = None
        try:
            line = await dial(
                self._url, BrowserDialect(SessionWish()), credential_for(self._url), ca=self._ca
            )
            conversation = Conversation(line)
            await conversation.start(_READY_TIMEOUT_S)
        except CallError as error:
            if conversation is not None:
                await conversation.end()
            return _told(error)
        self._conversation = conversation
        ready = conversation.ready
        assert ready is not None, "it has started"
        upstream = " ".join(str(ready.upstream.get(key) or "") for key in ("name", "model"))
        return Answer.ok(f"ready: {upstream.strip()}", provider_session=ready.provider_session_id)

    async def _text(self) -> Answer:
        assert self._conversation is not None, "a turn stands on a session"
        try:
            turn = await self._conversation.write(WORDS, _TURN_TIMEOUT_S)
        except CallError as error:
            return _told(error)
        if turn.status != "completed" or not turn.audio:
            trouble = next((one.fault for one in reversed(turn.troubles) if one.fault), None)
            ending = f"the answer ended as {turn.status or 'nothing'}"
            return _told(_failed_turn(ending, trouble))
        self._voice = bytes(turn.audio)
        return Answer.ok(f"first sound after {turn.latency.sound_ms:.0f} ms")

    async def _audio(self) -> Answer:
        conversation = self._conversation
        assert conversation is not None, "a turn stands on a session"
        speech = Speech.of(self._voice, _SPEECH_S)
        try:
            turn = await conversation.say(Recording("probe", speech.pcm), _TURN_TIMEOUT_S)
        except CallError as error:
            return _told(error)
        finally:
            await conversation.end()
        if not turn.audio:
            return Answer.failed(
                "provider.response_failed", f"the answer ended as {turn.status} without sound"
            )
        return Answer.ok(f"first sound {turn.latency.sound_ms or 0:.0f} ms after the end of speech")


def _path_of(url: str) -> str:
    """Where at its host it points to; nowhere where it is no address, which the first question says."""
    try:
        return urlsplit(url).path.rstrip("/")
    except ValueError:
        return ""


async def _on_the_way(
    probe: Callable[..., Awaitable[Answer]], *arguments: network.Peer | Path | None
) -> Answer:
    """A layer below the gateway: whoever asks is its client, so the way is the user's network."""
    answer = await probe(*arguments)
    if answer.fault is None or answer.fault.code not in OF_THE_WAY:
        return answer
    return Answer.failed(GATEWAY_UNREACHABLE, *answer.fault.evidence, remedy=_WAY_REMEDY)


_WAY_REMEDY: Final = (
    "Check the address, whether the gateway runs (`holdfast doctor` on its own machine), and firewalls and "
    "proxies between here and there."
)


def _failed_turn(ending: str, told: dict[str, Any] | None) -> CallError:
    """The gateway's own word for it, where it gave one."""
    if told and told.get("code") in FAULTS:
        return CallError(str(told["code"]), *map(str, told.get("evidence") or ()), ending, told=told)
    return CallError("provider.response_failed", ending)


def _told(error: CallError) -> Answer:
    """What the gateway said of itself counts; what a client found without it is about the way to it."""
    if error.told is None and error.code in OF_THE_WAY:
        return Answer.failed(GATEWAY_UNREACHABLE, *error.evidence, remedy=_WAY_REMEDY)
    remedy = str((error.told or {}).get("remedy") or "")
    return Answer.failed(error.code, *error.evidence, remedy=remedy)
