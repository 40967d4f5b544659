"""Who takes part in a measurement: the gateway, and what it is measured by.

What lives here: the table of them, which face each shows, how each starts, what is missing where it cannot.
What never will: what is measured on them; how a relay of others is configured (`outside`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from holdfast.bench import outside
from holdfast.bench.candidates import Candidate, Upstream, bare_relay, gateway, plain_environment, process
from holdfast.bench.machine import pin
from holdfast.bench.plans import Face

FACES: Final[dict[Face, str]] = {
    "json": "/v1/realtime",
    "json-resume": "/v1/realtime, may come back",
    "page": "browser protocol, as the page talks",
    "binary": "browser protocol, bare PCM",
}


Started = contextlib.AbstractContextManager[list[Candidate]]
Begin = Callable[[Upstream, Path, set[int]], Started]


@dataclass(frozen=True, slots=True)
class Contender:
    """One of those who take part."""

    name: str
    is_what: str
    faces: tuple[Face, ...]
    start: Begin
    absence: Callable[[], str | None] = field(default=lambda: None)
    """What to do to have it here; None where it is."""


@contextlib.contextmanager
def _direct(upstream: Upstream, _folder: Path, _cores: set[int]) -> Iterator[list[Candidate]]:
    """Nobody: what load and upstream take among themselves. The load itself speaks no TLS."""
    straight = Candidate("direct", "json", upstream.pid, upstream.websocket)
    yield [] if upstream.certificate else [straight]


@contextlib.contextmanager
def _bare(upstream: Upstream, folder: Path, cores: set[int]) -> Iterator[list[Candidate]]:
    with contextlib.ExitStack() as stack:
        yield [
            candidate
            for face in ("json", "binary")
            for candidate in stack.enter_context(bare_relay(face, upstream, folder, cores))
        ]


def _gateway(upstream: Upstream, folder: Path, cores: set[int]) -> Started:
    return gateway(upstream, folder, cores)


def _unjoined(upstream: Upstream, folder: Path, cores: set[int]) -> Started:
    return gateway(
        upstream, folder, cores, name="unjoined", settings={"HOLDFAST_LIMITS__APPEND_JOIN_MS": "0"}
    )


def _outside(name: str) -> Begin:
    @contextlib.contextmanager
    def start(upstream: Upstream, folder: Path, cores: set[int]) -> Iterator[list[Candidate]]:
        command = ["holdfast.bench.outside", name, upstream.address.partition("/")[0]]
        if upstream.certificate is not None:
            command.append(str(upstream.certificate))
        with process(command, plain_environment(), folder, cores) as (_, told):
            pin(told["pid"], cores)
            url = f"ws://127.0.0.1:{told['port']}{outside.PROGRAMS[name].path}"
            yield [Candidate(name, "json", told["pid"], url)]

    return start


def _peer(name: str, is_what: str) -> Contender:
    return Contender(name, is_what, ("json",), _outside(name), lambda: outside.absence(name))


CONTENDERS: Final = (
    Contender("direct", "no relay at all", ("json",), _direct),
    _peer("nginx", "passes bytes on, looks at no message"),
    _peer("haproxy", "passes bytes on, looks at no message"),
    Contender("bare", "a picows relay that does nothing else", ("json", "binary"), _bare),
    Contender("gateway", "holdfast serve", ("json", "json-resume", "page", "binary"), _gateway),
    Contender(
        "unjoined", "the same, each frame on its own", ("json", "json-resume", "page", "binary"), _unjoined
    ),
    _peer("aiohttp", "examples/aiohttp_relay.py: parses and writes each message"),
    _peer("litellm", "LiteLLM's proxy, its Realtime pass-through"),
)
"""Everybody; who is measured side by side stands side by side."""


def named(names: Sequence[str]) -> tuple[list[Contender], dict[str, str]]:
    """Those of these names that are here; and of the others what is missing."""
    wanted = [one for one in CONTENDERS if one.name in names]
    absent = {one.name: why for one in wanted if (why := one.absence()) is not None}
    return [one for one in wanted if one.name not in absent], absent
