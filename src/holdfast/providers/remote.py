"""Settings of an upstream to the dialer that reaches it.

What lives here: which kind is which class. What never will: the embedded engine, which must be started.
"""

from __future__ import annotations

from holdfast.config import UpstreamSettings
from holdfast.core.limits import Limits
from holdfast.providers.addresses import Addresses
from holdfast.providers.azure import TRANSCRIPTION_MODEL as AZURE_TRANSCRIPTION
from holdfast.providers.azure import AzureDialer
from holdfast.providers.compatible import CompatibleDialer
from holdfast.providers.openai import OpenAIDialer
from holdfast.providers.realtime_link import RemoteDialer
from holdfast.wire.dialects import DIALECTS


def remote_dialer(upstream: UpstreamSettings, limits: Limits) -> RemoteDialer:
    """The dialer of an upstream that is not the embedded engine."""
    key, names = upstream.api_key.get_secret_value(), Addresses(limits)
    name, url, model = upstream.name, upstream.base_url, upstream.model
    match upstream.kind:
        case "azure":
            return AzureDialer(
                name,
                url,
                key,
                model,
                upstream.api_version,
                upstream.key_header or "api-key",
                upstream.transcription_model or AZURE_TRANSCRIPTION,
                limits,
                names,
            )
        case "compatible":
            dialect = DIALECTS[upstream.dialect]
            has_model = dialect.needs_model or "model" in upstream.model_fields_set
            return CompatibleDialer(
                name,
                url,
                key,
                model if has_model else "",
                dialect,
                upstream.voice,
                upstream.transcription_model,
                upstream.key_header or "authorization",
                limits,
                names,
            )
    return OpenAIDialer(name, url, key, model, limits, names)
