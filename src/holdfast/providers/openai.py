"""OpenAI's Realtime service, GA shape: address, credential, traits (protocol reference, 1).

What lives here: what is OpenAI's own. The beta header is never sent.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit, urlunsplit

from holdfast.core.limits import DEFAULT, Limits
from holdfast.core.models import DEFAULT_SCRIBE, DEFAULT_VOICE, VOICES
from holdfast.ports import UpstreamTraits
from holdfast.providers.addresses import Addresses
from holdfast.providers.realtime_link import Address, RemoteDialer


def realtime_url(base_url: str, query: Mapping[str, str]) -> str:
    """`https://host/v1` -> `wss://host/v1/realtime?...`; plain http gives plain ws."""
    return _realtime_url(base_url, tuple(query.items()))


@functools.lru_cache(maxsize=64)
def _realtime_url(base_url: str, query: tuple[tuple[str, str], ...]) -> str:
    """Most dials ask for the same: it is put together once."""
    parts = urlsplit(base_url)
    scheme = {"http": "ws", "https": "wss"}[parts.scheme]
    path = parts.path.rstrip("/") + "/realtime"
    return urlunsplit((scheme, parts.netloc, path, urlencode(query), ""))


@dataclass(frozen=True, slots=True)
class OpenAIDialer(RemoteDialer):
    """Dials OpenAI, or a server that behaves the same at `base_url`."""

    name: str
    base_url: str
    api_key: str = field(repr=False)
    model: str
    limits: Limits = DEFAULT
    names: Addresses = field(default_factory=Addresses, repr=False, compare=False)

    @property
    def traits(self) -> UpstreamTraits:
        return UpstreamTraits(
            name=self.name,
            kind="openai",
            model=self.model,
            voices=VOICES,
            default_voice=DEFAULT_VOICE,
            transcription_model=DEFAULT_SCRIBE,
        )

    def address(self, query: Mapping[str, str]) -> Address:
        asked = {"model": self.model, **query}
        if query.get("intent") == "transcription":
            del asked["model"]  # with one the service makes a conversation of it (protocol reference, 1.2)
        url = realtime_url(self.base_url, asked)
        return Address(url, self.api_key, self.limits, self.names)
