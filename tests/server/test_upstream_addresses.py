"""Where upstreams of each kind are dialled, with which credential, and what their refusals mean."""

from __future__ import annotations

import json
from typing import Any

import pytest

from holdfast.providers.azure import AzureDialer, azure_url
from holdfast.providers.classify import of_close
from holdfast.providers.compatible import CompatibleDialer
from holdfast.providers.openai import OpenAIDialer
from holdfast.wire.dialects import BETA, DIALECTS
from holdfast.wire.refused_upgrade import RETRY_AFTER_MAX_S, of_status

GA_URL = "wss://name.openai.azure.com/openai/v1/realtime?model=voice"
PREVIEW = "2025-04-01-preview"


@pytest.mark.parametrize(
    "base_url",
    [
        "https://name.openai.azure.com",
        "https://name.openai.azure.com/",
        "https://name.openai.azure.com/openai/v1",
        "https://name.openai.azure.com/openai/v1/realtime",
    ],
)
def test_azures_resource_may_be_written_with_or_without_its_path(base_url: str) -> None:
    assert azure_url(base_url, "voice", "", {}) == GA_URL


def test_azures_preview_path_names_version_and_deployment() -> None:
    url = azure_url("https://name.openai.azure.com/openai", "voice", PREVIEW, {"model": "gpt-realtime-2.1"})
    assert url == f"wss://name.openai.azure.com/openai/realtime?api-version={PREVIEW}&deployment=voice"


def test_a_transcription_session_names_no_model_where_that_would_make_a_conversation() -> None:
    asked = {"intent": "transcription", "model": "gpt-realtime-2.1"}
    azure = AzureDialer("azure", "https://a.example", "k", "voice").address(asked)
    openai = OpenAIDialer("openai", "https://o.example/v1", "k", "gpt-realtime-2.1").address(asked)
    speaches = CompatibleDialer(
        "s", "http://127.0.0.1:8000/v1", "", "llama", DIALECTS["speaches"], transcription_model="whisper"
    )

    assert azure.url == "wss://a.example/openai/v1/realtime?intent=transcription"
    assert openai.url == "wss://o.example/v1/realtime?intent=transcription"
    # There the model of such a session stands in the address.
    where = speaches.address(asked)
    assert where.url == "ws://127.0.0.1:8000/v1/realtime?model=whisper&intent=transcription"


def test_each_kind_bears_its_key_where_it_is_looked_for() -> None:
    azure = AzureDialer("azure", "https://a.example", "k3y-canary", "voice")
    entra = AzureDialer("azure", "https://a.example", "k3y-canary", "voice", key_header="authorization")
    older = CompatibleDialer("older", "http://127.0.0.1:1/v1", "k3y-canary", "any", BETA)
    open_one = CompatibleDialer("open", "http://127.0.0.1:1/v1", "", "any")

    assert azure.address({}).upgrade_headers == {"api-key": "k3y-canary"}
    assert entra.address({}).upgrade_headers == {"Authorization": "Bearer k3y-canary"}
    assert older.address({}).upgrade_headers == {
        "Authorization": "Bearer k3y-canary",
        "OpenAI-Beta": "realtime=v1",
    }
    assert open_one.address({}).upgrade_headers == {}
    assert "k3y-canary" not in repr(azure)
    assert "k3y-canary" not in repr(older)


def test_a_ga_server_has_no_translation_on_its_link() -> None:
    assert AzureDialer("azure", "https://a.example", "k", "voice").address({}).translation is None
    assert CompatibleDialer("c", "http://127.0.0.1:1/v1", "", "any").address({}).translation is None
    assert CompatibleDialer("c", "http://127.0.0.1:1/v1", "", "any", BETA).address({}).translation


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        (401, {"code": "401", "message": "Access denied"}, "configuration.invalid_api_key"),
        (404, {"code": "DeploymentNotFound", "message": "no"}, "configuration.model_not_found"),
        (400, {"code": "OpperationNotSupported", "message": "no"}, "configuration.model_not_found"),
        (400, {"code": "BadRequest", "message": "no"}, "configuration.session_refused"),
        (403, {"code": "PermissionDenied", "message": "no"}, "configuration.no_access"),
        (429, {"code": "429", "message": "slow down"}, "provider.rate_limited"),
        (500, {"code": "InternalServerError", "message": "no"}, "provider.unavailable"),
        (401, {"code": "account_deactivated", "message": "no"}, "configuration.quota_exhausted"),
        (403, {"code": "model_not_found", "message": "no"}, "configuration.model_not_found"),
        (503, {"code": "gateway.overloaded", "message": "no"}, "gateway.overloaded"),
    ],
)
def test_refusals_at_the_door(status: int, error: dict[str, Any], code: str) -> None:
    found = of_status(status, {}, json.dumps({"error": error}))
    assert found.code == code
    assert f"error.code {error['code']}" in found.evidence


def test_a_close_that_names_azures_code_is_that_fault() -> None:
    assert of_close(4004, "invalid_request_error.DeploymentNotFound").code == "configuration.model_not_found"


def test_another_gateways_close_bears_a_code_of_the_table() -> None:
    found = of_close(4502, "server_error.configuration.quota_exhausted")

    assert found.code == "configuration.quota_exhausted"
    assert found.evidence == ("close code 4502", "close reason server_error.configuration.quota_exhausted")


def test_a_refusal_that_cannot_be_read_is_still_one() -> None:
    assert of_status(401, {}, '{"error":' + "[" * 1_990).code == "configuration.invalid_api_key"
    assert of_status(429, {"retry-after": "nan"}, "").retry_after_s is None
    assert of_status(429, {"retry-after": "inf"}, "").retry_after_s == RETRY_AFTER_MAX_S
