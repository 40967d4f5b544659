"""One visit to a server: who is visited, the connections that were made, all that was heard.

What lives here: the target, opening sessions that are closed again, a ledger of every event of the visit.
What never will: what ought to be heard.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from holdfast.conformance.caller import Caller, Json, Refused
from holdfast.conformance.verdict import Failed, Skipped
from holdfast.core.models import DEFAULT_MODEL
from holdfast.sockets.trust import trusting

EVENTS_MAX: Final = 200_000
_SCHEMES: Final = {"http": "ws", "https": "wss"}
_CLOSE_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Target:
    """Whom to visit. `speech`: PCM16 24 kHz of somebody who says a sentence, for voice activity detection;
    `control`: the control port of an emulator that is the server's upstream; `patience_s`: how long any
    answer may take; `many`: how many sessions at once the server is asked for.
    """

    url: str
    credential: str | None = None
    model: str = DEFAULT_MODEL
    speech: bytes | None = None
    control: str | None = None
    patience_s: float = 10.0
    many: int = 20
    insecure: bool = False
    ca: Path | None = None

    @property
    def trust(self) -> ssl.SSLContext | None:
        """Whose certificates are believed, where there are any."""
        is_encrypted = urlsplit(self.url).scheme in {"wss", "https"}
        return trusting(self.ca, insecure=self.insecure) if is_encrypted else None

    @property
    def headers(self) -> dict[str, str]:
        """Headers of the upgrade."""
        return {} if self.credential is None else {"Authorization": f"Bearer {self.credential}"}

    def address(self, **query: str) -> str:
        """The address to dial; without a query, that of a conversation with the model."""
        parts = urlsplit(self.url)
        path = parts.path if parts.path.strip("/") else "/v1"
        if path.rstrip("/").endswith("/v1"):  # the base URL that clients are given
            path = f"{path.rstrip('/')}/realtime"
        asked = dict(parse_qsl(parts.query))
        asked |= query or {"model": asked.get("model", self.model)}
        scheme = _SCHEMES.get(parts.scheme, parts.scheme)
        return urlunsplit(parts._replace(scheme=scheme, path=path, query=urlencode(asked)))

    def rest(self, path: str) -> str:
        """The address of a REST call beside the socket."""
        parts = urlsplit(self.address())
        scheme = {"ws": "http", "wss": "https"}[parts.scheme]
        base = parts.path.rstrip("/").removesuffix("/realtime")
        return urlunsplit((scheme, parts.netloc, f"{base}{path}", "", ""))


@dataclass(slots=True)
class Heard:
    """All events of one connection, kept for the checks over the whole visit."""

    number: int
    began_s: float
    events: list[Json] = field(default_factory=list)
    times_s: list[float] = field(default_factory=list)
    is_whole: bool = True

    @property
    def longest_silence_s(self) -> float:
        """The longest time in which nothing came, from dialling to the last event."""
        times = [self.began_s, *self.times_s]
        return max((after - before for before, after in itertools.pairwise(times)), default=0.0)


class Visit:
    """The connections of one run."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.heard: list[Heard] = []
        self._kept = 0

    @property
    def speech(self) -> bytes:
        """Somebody's sentence. Raises `Skipped` where there is none."""
        if self.target.speech is None:
            raise Skipped("there is no recording of speech: name one with --speech FILE")
        return self.target.speech

    async def dial(
        self, address: str | None = None, headers: Mapping[str, str] | None = None, *, whole: bool = True
    ) -> Caller:
        """A connection, with whatever comes first not yet looked at; the caller closes it. `whole` is False
        for one that is broken on purpose. Raises `Refused`.
        """
        clock = asyncio.get_running_loop().time
        ledger = Heard(len(self.heard) + 1, clock(), is_whole=whole)
        self.heard.append(ledger)

        def keep(event: Json) -> None:
            self._kept += 1
            if self._kept <= EVENTS_MAX:
                ledger.events.append(event)
                ledger.times_s.append(clock())

        return await Caller.dial(
            address or self.target.address(),
            self.target.headers if headers is None else headers,
            patience_s=self.target.patience_s,
            heard=keep,
            trust=self.target.trust,
        )

    @contextlib.asynccontextmanager
    async def session(
        self, *, whole: bool = True, quiet: bool = False, patience_s: float = 0.0, **settings: Any
    ) -> AsyncIterator[Caller]:
        """A session that is ready: created, and updated with these settings. `quiet`: the client ends its
        turns itself; `patience_s`: wait at least so long for any answer. Raises `Failed`.
        """
        try:
            caller = await self.dial(whole=whole)
        except Refused as refused:
            raise Failed(str(refused)) from refused
        caller.patience_s = max(patience_s, caller.patience_s)
        try:
            await caller.until("session.created")
            if quiet:
                settings = merged({"audio": {"input": {"turn_detection": None}}}, settings)
            if settings:
                caller.update(**settings)
                await caller.until("session.updated")
            yield caller
        finally:
            await hang_up(caller)


async def hang_up(caller: Caller) -> None:
    """Close, and wait a little until it is over; whoever does not answer is left."""
    caller.close()
    with contextlib.suppress(Failed):
        await caller.end(min(_CLOSE_S, caller.patience_s))
    caller.transport.disconnect(graceful=False)


def merged(first: Mapping[str, Any], second: Mapping[str, Any]) -> Json:
    """Two settings as one, nested objects field by field."""
    both: Json = dict(first)
    for key, value in second.items():
        known = both.get(key)
        both[key] = merged(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return both
