"""Spans of real conversations, as a receiver on a socket gets them."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from holdfast.config import ConfigError, load
from holdfast.ports.sightings import UpstreamLive
from tests.server.gateway import Client, eventually
from tests.server.guarded import guarded
from tests.server.test_metrics import BARE, scrape, spoken
from tests.server.test_sightings import watched


@dataclass
class Receiver:
    """Takes OTLP over HTTP; `status` is what it answers."""

    status: int = 200
    spans: list[Span] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    resource: dict[str, str] = field(default_factory=dict)
    endpoint: str = ""

    def named(self, name: str) -> list[Span]:
        return [one for one in self.spans if one.name == name]

    def one(self, name: str) -> Span:
        (found,) = self.named(name)
        return found

    def take(self, body: bytes, headers: dict[str, str]) -> None:
        told = ExportTraceServiceRequest.FromString(body)
        self.raw.append(body)
        self.headers.append(headers)
        for part in told.resource_spans:
            self.resource = {one.key: one.value.string_value for one in part.resource.attributes}
            for scope in part.scope_spans:
                self.spans += scope.spans


@contextmanager
def receiver(status: int = 200) -> Iterator[Receiver]:
    got = Receiver(status)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            got.take(body, {name.lower(): value for name, value in self.headers.items()})
            self.send_response(got.status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        got.endpoint = f"http://127.0.0.1:{server.server_port}/v1/traces"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield got
        server.shutdown()
        thread.join()


def told(span: Span) -> dict[str, Any]:
    """Its attributes, without our prefix."""
    values = {}
    for one in span.attributes:
        kind = one.value.WhichOneof("value")
        values[one.key.removeprefix("holdfast.")] = getattr(one.value, str(kind))
    return values


async def test_a_conversation_is_one_trace_under_the_sessions_id(tmp_path: Path) -> None:
    with receiver() as got:
        async with guarded(tmp_path, **BARE, traces={"endpoint": got.endpoint}) as (url, upstream, gateway):
            memory = watched(gateway)
            client = await spoken(url)
            client.say("input_text", text="What is the balance of my account number 4111111111111111?")
            await client.until_told("response_done", 2)
            upstream.kill(1011, "server error")
            await eventually(lambda: len(memory.all(UpstreamLive)) == 2)
            client.say("end_session")
            await client.until_closed()

    session = client.told("session_created")[0]["sessionId"]
    assert {one.trace_id.hex() for one in got.spans} == {session.removeprefix("hf_")}
    root = got.one("session")
    assert {one.parent_span_id for one in got.spans if one is not root} == {root.span_id}
    assert told(root)["session"] == session
    assert told(root)["reason"] == "ended_by_client"
    assert "fault" in [one.name for one in root.events]

    first, second = sorted(got.named("dial"), key=lambda one: one.start_time_unix_nano)
    assert (told(first)["upstream"], told(first)["how"], told(second)["how"]) == (
        "openai",
        "first",
        "rebuilt",
    )
    assert told(first)["upstream_session"].startswith("sess_")
    assert told(got.one("rebuild"))["party"] == "provider"
    assert got.one("rebuild").end_time_unix_nano >= second.start_time_unix_nano
    turn = got.one("turn")
    responses = sorted(got.named("response"), key=lambda one: one.start_time_unix_nano)
    assert len(responses) == 2
    assert told(responses[0])["status"] == "completed"
    assert told(responses[0])["first_sound_ms"] >= 0
    assert told(responses[0])["output_tokens"] > 0
    assert root.start_time_unix_nano <= turn.start_time_unix_nano <= turn.end_time_unix_nano
    assert turn.end_time_unix_nano <= responses[0].start_time_unix_nano <= root.end_time_unix_nano
    assert got.resource["service.name"] == "holdfast"


async def test_no_span_holds_words_customers_or_secrets(tmp_path: Path) -> None:
    with receiver() as got:
        async with guarded(tmp_path, **BARE, traces={"endpoint": got.endpoint}) as (url, _, _gateway):
            client = await spoken(url)
            client.say("input_text", text="My card is 4111 1111 1111 1111 and my canary is Zwieback.")
            await client.until_told("response_done", 2)
            client.say("end_session")
            await client.until_closed()

    words = b"".join(got.raw)
    heard = [one["text"] for one in client.told("assistant_transcript") if one["final"]]
    customer = json.dumps(client.told("session_created")[0])
    assert heard
    for secret in ("4111", "Zwieback", "sk-upstream-canary", "resumeToken", *heard):
        assert secret.encode() not in words, secret
    assert b"cust-" not in words
    assert "customer" in told(got.one("session")), customer
    token = client.told("session_created")[0]["resumeToken"]
    assert token.encode() not in words


async def test_a_tool_has_a_span_and_what_is_open_at_the_end_is_sent(tmp_path: Path) -> None:
    with receiver() as got:
        async with guarded(tmp_path, **BARE, traces={"endpoint": got.endpoint}) as (url, _, _gateway):
            client = await Client.connect(f"{url.replace('http', 'ws')}/api/openai/realtime")
            client.say("create_session")
            client.say("input_text", text="call balance {}")
            await client.until_told("tool_done")

    assert len(got.named("session")) == 1, "the process stopped while it ran"
    tool = told(got.one("tool"))
    assert (tool["tool"], tool["status"]) == ("balance", "ok")
    assert {one.end_time_unix_nano > 0 for one in got.spans} == {True}


async def test_headers_are_sent_and_a_share_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiver() as got:
        settings = load(
            environ={"OTEL_KEY": "Authorization=Bearer abc, x-team = voice", "OPENAI_API_KEY": "sk-x"},
            folder=tmp_path,
            overrides={"traces": {"endpoint": got.endpoint, "headers_env": "OTEL_KEY"}},
        )
        assert settings.traces.header_fields == {"authorization": "Bearer abc", "x-team": "voice"}
        assert "Authorization=Bearer abc, x-team = voice" in settings.secrets

        traces = {"endpoint": got.endpoint, "share": 1e-9}
        async with guarded(tmp_path, **BARE, traces=traces) as (url, _, _gateway):
            client = await spoken(url)
            client.say("end_session")
            await client.until_closed()

    assert got.spans == []


@pytest.mark.parametrize("status", [400, 503])
async def test_a_receiver_that_refuses_costs_nobody_anything(tmp_path: Path, status: int) -> None:
    with receiver(status) as got:
        async with guarded(tmp_path, **BARE, traces={"endpoint": got.endpoint}) as (url, _, _gateway):
            client = await spoken(url)
            client.say("end_session")
            await client.until_closed()
            await eventually(lambda: bool(got.raw), 10)
            figures = await scrape(url)

    assert figures.value("holdfast_spans_total", outcome="made") >= 4
    assert figures.value("holdfast_spans_total", outcome="sent") == 0
    assert figures.value("holdfast_sessions_ended_total", reason="ended_by_client") == 1


def test_a_wrong_address_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"traces\.endpoint"):
        load(environ={}, folder=tmp_path, overrides={"traces": {"endpoint": "collector:4318"}})
    with pytest.raises(ConfigError, match=r"traces\.headers_env"):
        load(
            environ={},
            folder=tmp_path,
            overrides={
                "traces": {"endpoint": "http://127.0.0.1:1/v1/traces", "headers_env": "NOTHING_THERE"}
            },
        )


def test_it_is_off_by_default(tmp_path: Path) -> None:
    assert load(environ={}, folder=tmp_path).traces.endpoint == ""
