"""The page, its configuration, and health."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from holdfast.auth import GateOptions, PortalGate
from holdfast.server.rest import PageOptions, Readiness, create_rest_app

ROOT = "/api/financial-sherpa"
GREETING = "Hi, I'm your Financial Sherpa. How can I help you today?"


class World:
    """An application whose readiness can be changed."""

    def __init__(self, web_root: Path | None) -> None:
        self.readiness = Readiness(ready=True)
        self.gate = PortalGate(GateOptions(customers={"cust-1": "Anna", "cust-2": "Ben"}))
        self.app = create_rest_app(
            gate=self.gate,
            page=PageOptions(
                "Financial Sherpa",
                GREETING,
                {"name": "local", "kind": "local", "model": "holdfast-local"},
                models=[("gpt-realtime-2.1", "GPT Realtime 2.1")],
                voices=["marin"],
            ),
            readiness=lambda: self.readiness,
            web_root=web_root,
        )

    def client(self) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.app, client=("127.0.0.1", 50_000))
        return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080")


@pytest.fixture
async def bare() -> AsyncIterator[tuple[World, httpx.AsyncClient]]:
    world = World(None)
    async with world.client() as client:
        yield world, client


@pytest.fixture
async def built(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<title>Financial Sherpa</title>")
    (tmp_path / "assets" / "index-Ab12.js").write_text("export {};")
    (tmp_path / "console" / "assets").mkdir(parents=True)
    (tmp_path / "console" / "index.html").write_text("<title>Holdfast console</title>")
    (tmp_path / "console" / "assets" / "index-Cd34.js").write_text("export {};")
    async with World(tmp_path).client() as client:
        yield client


async def test_the_configuration_has_everything_the_page_needs(bare: tuple[World, httpx.AsyncClient]) -> None:
    told = (await bare[1].get(f"{ROOT}/realtime")).json()

    assert told.pop("csrfToken").count(".") == 1
    assert told == {
        "customer": {"id": "cust-1", "name": "Anna"},
        "assistant": {"name": "Financial Sherpa"},
        "greeting": GREETING,
        "models": [{"id": "gpt-realtime-2.1", "label": "GPT Realtime 2.1"}],
        "voices": ["marin"],
        "audio": {"format": "pcm16", "sampleRate": 24_000, "channels": 1, "frameMs": 20},
        "socketPath": "/api/openai/realtime",
        "protocol": "holdfast.v1",
        "ticketRequired": False,
        "demo": {"customers": [{"id": "cust-1", "name": "Anna"}, {"id": "cust-2", "name": "Ben"}]},
        "upstream": {"name": "local", "kind": "local", "model": "holdfast-local"},
        "limits": {"binaryBytes": 65_536},
        "recording": None,
    }


async def test_a_browser_keeps_its_session(bare: tuple[World, httpx.AsyncClient]) -> None:
    first = await bare[1].get(f"{ROOT}/realtime")
    second = await bare[1].get(f"{ROOT}/realtime")

    assert "set-cookie" in first.headers
    assert "set-cookie" not in second.headers


async def test_without_a_build_the_page_says_what_to_do(bare: tuple[World, httpx.AsyncClient]) -> None:
    answer = await bare[1].get("/")

    assert answer.status_code == 503
    assert "make web" in answer.text
    assert answer.headers["content-type"].startswith("text/html")


async def test_without_a_build_the_console_says_what_to_do(bare: tuple[World, httpx.AsyncClient]) -> None:
    answer = await bare[1].get("/console")

    assert answer.status_code == 503
    assert "make web" in answer.text
    assert "<script" not in answer.text


@pytest.mark.parametrize("path", ["/console", "/console/"])
async def test_the_console_is_at_its_address(built: httpx.AsyncClient, path: str) -> None:
    answer = await built.get(path)
    file = await built.get("/console/assets/index-Cd34.js")

    assert answer.status_code == 200
    assert "Holdfast console" in answer.text
    assert answer.headers["cache-control"] == "no-cache"
    assert "immutable" in file.headers["cache-control"]


async def test_health(bare: tuple[World, httpx.AsyncClient]) -> None:
    world, client = bare

    assert (await client.get("/healthz")).json() == {"status": "ok", "durability": "none"}
    assert (await client.head("/healthz")).status_code == 200
    ready = await client.get("/readyz")
    world.readiness = Readiness(ready=False, reasons=["the speech worker is starting"])
    not_ready = await client.get("/readyz")

    assert (ready.status_code, ready.json()) == (200, {"ready": True, "reasons": []})
    assert not_ready.status_code == 503
    assert not_ready.json() == {"ready": False, "reasons": ["the speech worker is starting"]}


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json", "/metrics", "/nothing"])
async def test_what_does_not_exist_is_told_as_json(bare: tuple[World, httpx.AsyncClient], path: str) -> None:
    answer = await bare[1].get(path)

    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "NOT_FOUND"


async def test_the_built_page_is_checked_again_and_its_assets_never(built: httpx.AsyncClient) -> None:
    index, asset = await built.get("/"), await built.get("/assets/index-Ab12.js")

    assert "Financial Sherpa" in index.text
    assert index.headers["cache-control"] == "no-cache"
    assert asset.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert asset.headers["content-type"].startswith("text/javascript")
    for answer, path in ((index, "/"), (asset, "/assets/index-Ab12.js")):
        again = await built.get(path, headers={"If-None-Match": answer.headers["etag"]})
        assert again.status_code == 304
        assert again.headers["cache-control"] == answer.headers["cache-control"]


async def test_a_missing_asset_is_a_plain_404(built: httpx.AsyncClient) -> None:
    answer = await built.get("/assets/gone.js")

    assert answer.status_code == 404
    assert answer.json()["error"]["remedy"]
    assert "immutable" not in answer.headers["cache-control"]
