"""The layers between here and an answer, as questions: name, TCP, TLS, then the steps of a visit.

What lives here: their order, their ids, what stands on what. What never will: what each asks (`diagnosis`).
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from holdfast.core.limits import DEFAULT, Limits
from holdfast.core.models import DEFAULT_MODEL, DEFAULT_SCRIBE, DEFAULT_VOICE, VOICES
from holdfast.diagnosis import Answer, Question, Visit, network
from holdfast.diagnosis.checks import Ask
from holdfast.ports import UpstreamTraits
from holdfast.providers.addresses import Addresses
from holdfast.providers.realtime_link import Address, RemoteDialer

WITHOUT_SESSION: Final = 4
"""How many layers there are below a session: who only writes down has no turn to try."""


def layers(name: str, url: str, visit: Visit, ca: Path | None = None) -> list[Question]:
    """Layer on layer: each is asked only when the one below it holds."""
    stem = f"upstream.{name}"
    try:
        peer = network.Peer.of(url)
    except ValueError as error:
        broken = Answer.failed("configuration.invalid", str(error))
        return [Question(f"{stem}.address", f"{name}: address", lambda: broken)]
    visit.trace.address = bare(url)
    asks: Mapping[str, tuple[str, Ask, tuple[str, ...]]] = {
        "name": ("name", partial(network.name, peer), ()),
        "tcp": ("TCP", partial(network.tcp, peer), ("name",)),
        "tls": ("TLS", partial(network.tls, peer, ca), ("tcp",)),
        "clock": ("clock", partial(network.clock, peer, ca), ("tls",)),
        "handshake": ("handshake", visit.handshake, ("tls",)),
        "admission": ("admission", visit.admission, ("handshake",)),
        "created": ("session.created", visit.created, ("admission",)),
        "updated": ("session.update", visit.updated, ("created",)),
        "text": ("text turn", visit.text, ("updated",)),
        "audio_in": ("audio in", visit.audio_in, ("updated",)),
        "audio_out": ("audio out", visit.audio_out, ("audio_in",)),
        "tool": ("tool", visit.tool, ("updated",)),
        "conduct": ("protocol", visit.conduct, ("created",)),
    }
    return [
        Question(f"{stem}.{key}", f"{name}: {title}", ask, tuple(f"{stem}.{need}" for need in needs))
        for key, (title, ask, needs) in asks.items()
    ]


def bare(url: str) -> str:
    """An address without its query, which may name what is nobody's business."""
    return urlunsplit(urlsplit(url)._replace(query="", fragment=""))


@dataclass(frozen=True, slots=True)
class ByAddress(RemoteDialer):
    """Dials whoever lives at an address, in the GA shape: an engine's worker, a gateway, a stranger."""

    base_url: str
    token: str = field(default="", repr=False)
    limits: Limits = DEFAULT
    trust: ssl.SSLContext | None = None
    name: str = "url"

    @property
    def traits(self) -> UpstreamTraits:
        """As little as is known of anybody."""
        return UpstreamTraits(
            self.name,
            "compatible",
            DEFAULT_MODEL,
            VOICES,
            DEFAULT_VOICE,
            DEFAULT_SCRIBE,
            knows_utterances=True,
        )

    def address(self, query: Mapping[str, str]) -> Address:
        parts = urlsplit(self.base_url)
        scheme = {"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)
        asked = {"model": DEFAULT_MODEL, **dict(parse_qsl(parts.query)), **query}
        url = urlunsplit(parts._replace(scheme=scheme, query=urlencode(asked)))
        return Address(url, self.token, self.limits, Addresses(self.limits), trust=self.trust)
