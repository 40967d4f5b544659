"""Servers that speak the Realtime dialect in their own way, by the tables of `wire.dialects`.

What lives here: their address, their credential, what a session is told of their models and voices.
What never will: a server's peculiarities; those are its table's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from holdfast.core.limits import DEFAULT, Limits
from holdfast.core.models import VOICES
from holdfast.ports import UpstreamTraits
from holdfast.providers.addresses import Addresses
from holdfast.providers.openai import realtime_url
from holdfast.providers.realtime_link import Address, KeyHeader, RemoteDialer
from holdfast.providers.translating import translation_for
from holdfast.wire.dialects import GA, SERVERS_VOICE, Dialect, Own


@dataclass(frozen=True, slots=True)
class CompatibleDialer(RemoteDialer):
    """Dials one server, which has one model for a conversation: a client's own is not asked for."""

    name: str
    base_url: str
    api_key: str = field(repr=False)
    model: str
    dialect: Dialect = GA
    voice: str = ""
    transcription_model: str = ""
    key_header: KeyHeader = "authorization"
    limits: Limits = DEFAULT
    names: Addresses = field(default_factory=Addresses, repr=False, compare=False)

    @property
    def traits(self) -> UpstreamTraits:
        voices = self.dialect.voices or VOICES
        default = self.voice or voices[0]
        if self.dialect.own_voices:
            voices = (default := self.voice or SERVERS_VOICE,)
        return UpstreamTraits(
            name=self.name,
            kind="compatible",
            model=self.model,
            voices=voices,
            default_voice=default,
            transcription_model=self.transcription_model or self.dialect.transcription_model,
        )

    def address(self, query: Mapping[str, str]) -> Address:
        intent = {"intent": query["intent"]} if "intent" in query else {}
        transcribes = query.get("intent") == "transcription"
        model = self.transcription_model or self.model if transcribes else self.model
        asked = {"model": model, **intent} if model else intent
        own = Own(model, self.transcription_model or None, self.voice or None, transcribes)
        translation = translation_for(self.dialect, self.name, own)
        url = realtime_url(self.base_url, asked)
        return Address(
            url,
            self.api_key,
            self.limits,
            self.names,
            self.key_header,
            self.dialect.headers,
            translation,
        )
