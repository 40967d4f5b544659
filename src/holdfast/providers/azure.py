"""Azure OpenAI: the GA path, and the preview path with its older shape (protocol reference, 13).

What lives here: Azure's addresses, its header, its voices. A deployment is what others call a model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlencode, urlsplit, urlunsplit

from holdfast.core.limits import DEFAULT, Limits
from holdfast.core.models import DEFAULT_VOICE, VOICES
from holdfast.ports import UpstreamTraits
from holdfast.providers.addresses import Addresses
from holdfast.providers.realtime_link import Address, KeyHeader, RemoteDialer
from holdfast.providers.translating import translation_for
from holdfast.wire.dialects import AZURE_PREVIEW, GA, Own

TRANSCRIPTION_MODEL = "whisper-1"
"""The one that needs no deployment of its own."""
_KNOWN_PATHS = ("/openai/v1/realtime", "/openai/realtime", "/openai/v1", "/openai")


def _rooted(base_url: str) -> tuple[SplitResult, str]:
    """An address, and its path without what we add."""
    parts = urlsplit(base_url)
    root = parts.path.rstrip("/")
    for known in _KNOWN_PATHS:
        root = root.removesuffix(known)
    return parts, root


def azure_url(base_url: str, deployment: str, api_version: str, query: Mapping[str, str]) -> str:
    """`https://NAME.openai.azure.com`, with or without `/openai/v1`, to the address of the socket."""
    parts, root = _rooted(base_url)
    scheme = {"http": "ws", "https": "wss"}[parts.scheme]
    intent = {"intent": query["intent"]} if "intent" in query else {}
    if api_version:
        asked = {"api-version": api_version, "deployment": deployment, **intent}
        return urlunsplit((scheme, parts.netloc, f"{root}/openai/realtime", urlencode(asked), ""))
    # The models of a transcription session are named in its settings.
    asked = intent if intent.get("intent") == "transcription" else {"model": deployment, **intent}
    return urlunsplit((scheme, parts.netloc, f"{root}/openai/v1/realtime", urlencode(asked), ""))


def azure_rest_url(base_url: str) -> str:
    """Where the REST side of the GA path lives: what others call `base_url`."""
    parts, root = _rooted(base_url)
    return urlunsplit((parts.scheme, parts.netloc, f"{root}/openai/v1", "", ""))


@dataclass(frozen=True, slots=True)
class AzureDialer(RemoteDialer):
    """Dials one deployment. A client's model is the deployment's, whatever it is called."""

    name: str
    base_url: str
    api_key: str = field(repr=False)
    deployment: str
    api_version: str = ""
    """Names the preview path; empty is GA."""
    key_header: KeyHeader = "api-key"
    transcription_model: str = TRANSCRIPTION_MODEL
    limits: Limits = DEFAULT
    names: Addresses = field(default_factory=Addresses, repr=False, compare=False)

    @property
    def traits(self) -> UpstreamTraits:
        return UpstreamTraits(
            name=self.name,
            kind="azure",
            model=self.deployment,
            voices=VOICES,
            default_voice="alloy" if self.api_version else DEFAULT_VOICE,
            transcription_model=self.transcription_model,
        )

    def address(self, query: Mapping[str, str]) -> Address:
        url = azure_url(self.base_url, self.deployment, self.api_version, query)
        own = Own(self.deployment, transcribes=query.get("intent") == "transcription")
        translation = translation_for(AZURE_PREVIEW if self.api_version else GA, self.name, own)
        return Address(url, self.api_key, self.limits, self.names, self.key_header, translation=translation)
