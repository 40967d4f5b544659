"""`GET /v1/models`, and how errors look on these routes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import httpx
import openai
import pytest
from openai import AsyncOpenAI

from holdfast.auth import GateOptions, PortalGate, hash_key
from holdfast.core.models import MODELS
from holdfast.server.rest import PageOptions, Readiness, create_rest_app
from holdfast.server.v1 import V1Options

KEY = "hf_key"


def application(*, keys: bool = True, web_root: Path | None = None) -> httpx.ASGITransport:
    app = create_rest_app(
        gate=PortalGate(GateOptions(client_keys=[hash_key(KEY)] if keys else [])),
        page=PageOptions("Sherpa", "Hi", {}),
        readiness=lambda: Readiness(ready=True),
        web_root=web_root,
        v1=V1Options("gpt-realtime-2.1", [("holdfast-local", "Embedded assistant")]),
    )
    return httpx.ASGITransport(app, client=("127.0.0.1", 50_000))


@pytest.fixture
async def sdk() -> AsyncIterator[AsyncOpenAI]:
    http = httpx.AsyncClient(transport=application())
    async with AsyncOpenAI(base_url="http://127.0.0.1:8080/v1", api_key=KEY, http_client=http) as client:  # type: ignore[arg-type] # it takes any client of this form
        yield client


async def test_the_registry_is_listed_with_the_days_on_which_models_end(sdk: AsyncOpenAI) -> None:
    listed = {model.id: model async for model in sdk.models.list()}
    today = date.today()  # noqa: DTZ011 - as good as any zone's day here
    alive = {one.id for one in MODELS.values() if one.shutdown is None or one.shutdown > today}
    assert set(listed) == alive | {"holdfast-local"}
    assert listed["gpt-realtime-2.1"].model_dump()["shutdown_date"] is None
    mortal = [one for one in MODELS.values() if one.id in alive and one.shutdown is not None]
    for one in mortal:
        assert one.shutdown is not None
        assert listed[one.id].model_dump()["shutdown_date"] == one.shutdown.isoformat()
    assert listed["holdfast-local"].owned_by == "holdfast"


async def test_one_model_by_its_name_or_alias(sdk: AsyncOpenAI) -> None:
    assert (await sdk.models.retrieve("gpt-realtime-latest")).id == "gpt-realtime-2.1"
    assert (await sdk.models.retrieve("holdfast-local")).object == "model"
    with pytest.raises(openai.NotFoundError, match=r"gpt-realtime-2\.1") as refused:
        await sdk.models.retrieve("gpt-4o")
    assert refused.value.code == "model_not_found"


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "code"),
    [
        ("GET", "/v1/models", {}, 401, "missing_api_key"),
        ("GET", "/v1/models", {"Authorization": "Bearer nonsense"}, 401, "invalid_api_key"),
        ("GET", "/v1/models", {"Host": "evil.example"}, 403, "foreign_host"),
        ("GET", "/v1/models", {"Origin": "https://evil.example"}, 403, "foreign_origin"),
        ("GET", "/v1/nothing", {"Authorization": f"Bearer {KEY}"}, 404, "not_found"),
        ("DELETE", "/v1/models", {"Authorization": f"Bearer {KEY}"}, 405, "method_not_allowed"),
    ],
)
async def test_errors_have_the_official_shape(
    method: str, path: str, headers: dict[str, str], status: int, code: str
) -> None:
    async with httpx.AsyncClient(transport=application(), base_url="http://127.0.0.1:8080") as client:
        answered = await client.request(method, path, headers=headers)
    assert answered.status_code == status
    told = answered.json()["error"]
    assert set(told) == {"message", "type", "param", "code"}
    assert told["code"] == code


async def test_a_route_of_openais_that_is_not_here_is_not_found(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("the page")
    transport = application(keys=False, web_root=tmp_path)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as client:
        chat = await client.post("/v1/chat/completions", json={})
        page = await client.post("/", json={})
    assert (chat.status_code, page.status_code) == (404, 405)
    assert chat.json()["error"]["message"] == "Not Found. See the reference for the routes that exist."


async def test_without_keys_this_machine_needs_none() -> None:
    async with httpx.AsyncClient(
        transport=application(keys=False), base_url="http://127.0.0.1:8080"
    ) as client:
        assert (await client.get("/v1/models")).status_code == 200
