"""`GET /metrics` of a whole gateway: what it says is what happened, and only those may read it who should."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from holdfast.auth import hash_key
from holdfast.config import ConfigError, load
from holdfast.ports.sightings import UpstreamLive
from holdfast.telemetry import LABELS, METERS
from holdfast.telemetry.buffers import BUFFERS
from holdfast.telemetry.exposition import PROCESS
from tests.repository.test_monitoring import MATCHER, SELECTOR, rules
from tests.server.gateway import Client, eventually, frames, tone
from tests.server.guarded import KEY, guarded
from tests.server.realtime_client import SPEECH as SAID
from tests.server.realtime_client import converse
from tests.server.test_sightings import watched

MONITOR = "hf_a-key-of-a-monitor"
SPEECH = tone(0.6) + bytes(48 * 900)
BARE: dict[str, Any] = {"auth": {"client_keys": []}}


class Scraped:
    """One answer of `/metrics`, parsed by the library that wrote Prometheus' own parser."""

    def __init__(self, text: str) -> None:
        self.families = {one.name: one for one in text_string_to_metric_families(text)}
        self.samples = [one for family in self.families.values() for one in family.samples]

    def value(self, name: str, **labels: str) -> float:
        """The sum over all samples that bear these labels."""
        found = [
            one.value for one in self.samples if one.name == name and labels.items() <= one.labels.items()
        ]
        return sum(found)


async def scrape(url: str, **headers: str) -> Scraped:
    async with httpx.AsyncClient(base_url=url) as client:
        answer = await client.get("/metrics", headers=headers)
    assert answer.status_code == 200, answer.text
    return Scraped(answer.text)


async def spoken(url: str) -> Client:
    """A client that has spoken one turn and heard its answer."""
    client = await Client.connect(f"{url.replace('http', 'ws')}/api/openai/realtime")
    client.say("create_session")
    for frame in frames(SPEECH):
        client.send_binary(frame)
    await client.until_told("response_done")
    return client


async def test_what_it_says_is_what_happened(tmp_path: Path) -> None:
    async with guarded(tmp_path, **BARE) as (url, upstream, gateway):
        memory = watched(gateway)
        client = await spoken(url)
        during = await scrape(url)
        upstream.kill(1011, "server error")
        await eventually(lambda: len(memory.all(UpstreamLive)) == 2)
        client.say("end_session")
        await client.until_closed()
        after = await scrape(url)

    assert during.value("holdfast_sessions", source="browser", state="live") == 1
    assert during.value("holdfast_upstream_links", upstream="openai", state="live") == 1
    assert during.value("holdfast_audio_samples_total", direction="up") == len(SPEECH) / 2
    assert during.value("holdfast_audio_samples_total", direction="down") == len(client.audio) / 2
    assert during.value("holdfast_audio_bytes_total", direction="down") == len(client.audio)
    assert during.value("holdfast_dials_total", upstream="openai", code="none") == 1
    assert during.value("holdfast_turns_total", source="browser") == 1
    assert during.value("holdfast_responses_total", status="completed") == 1
    assert during.value("holdfast_turn_seconds_count", segment="whole") == 1
    usage = client.told("response_done")[0]["usage"]
    details = usage["output_token_details"]
    assert during.value("holdfast_tokens_total", kind="output_audio") == details["audio_tokens"]

    assert after.value("holdfast_sessions") == 0
    assert after.value("holdfast_cost_usd_total", upstream="openai", purpose="answer") > 0
    assert after.value("holdfast_audio_samples_total", direction="down") == len(client.audio) / 2
    assert after.value("holdfast_upstream_lost_total", party="provider") == 1
    assert after.value("holdfast_faults_total", party="provider") >= 1
    assert after.value("holdfast_rebuild_seconds_count", upstream="openai") == 1
    assert after.value("holdfast_sessions_ended_total", reason="ended_by_client", code="none") == 1


async def test_it_names_everything_and_only_what_the_table_has(tmp_path: Path) -> None:
    kept = {**BARE, "journal": {"kind": "sqlite", "database": str(tmp_path / "holdfast.sqlite3")}}
    async with guarded(tmp_path, **kept) as (url, _, gateway):
        client = await spoken(url)
        told = await scrape(url)
        names = {name.removesuffix("_total") for name in (*METERS, *PROCESS)}
        client.close()

        assert set(told.families) == names
        upstreams = {one.name for one in gateway.upstreams.facts}
        for sample in told.samples:
            for label, value in sample.labels.items():
                known = LABELS[label].values if label in LABELS else None
                if label == "upstream":
                    known = frozenset(upstreams)
                assert known is None or value in known, sample
        used = {one.labels["buffer"] for one in told.families["holdfast_buffer_used"].samples}
        nobodys = {"relay_held_bytes", "input_before_session_s", "console_stream_messages", "sound_bytes"}
        assert set(BUFFERS) - used == nobodys, "what nobody uses here: recordings are off"
        ratios = [one.value for one in told.families["holdfast_buffer_fullest_ratio"].samples]
        assert all(0 <= one <= 1 for one in ratios)
        assert told.value("process_resident_memory_bytes") > 1e6


async def test_what_an_alert_waits_for_is_there_before_it_happens(tmp_path: Path, project: Path) -> None:
    """Prometheus sees what grows: a counter that appears with its first hundred has not grown."""
    kept = {**BARE, "journal": {"kind": "sqlite", "database": str(tmp_path / "holdfast.sqlite3")}}
    async with guarded(tmp_path, **kept) as (url, *_):
        told = await scrape(url)

    there = {
        (one.name, label, value) for one in told.samples for label, value in (*one.labels.items(), ("", ""))
    }
    waited_for = {
        (name, label, value)
        for rule in rules(project)
        for name, selector in SELECTOR.findall(rule["expr"])
        if name.endswith("_total")
        for label, _, values in MATCHER.findall(selector) or [("", "", "")]
        for value in values.split("|")
    }
    elsewhere = {"holdfast_worker_restarts_total", "holdfast_audio_samples_total"}
    assert {one for one in waited_for - there if one[0] not in elsewhere} == set()


async def test_a_conversation_behind_v1_realtime(tmp_path: Path) -> None:
    async with guarded(tmp_path, **BARE) as (url, _, gateway):
        client = await Client.connect(f"{url.replace('http', 'ws')}/v1/realtime?model=gpt-realtime-2.1")
        await converse(client)
        told = await scrape(url)
        client.close()
        await eventually(lambda: len(gateway.directory) == 0)
        again = await scrape(url)

    assert told.value("holdfast_sessions", source="realtime", state="live") == 1
    up = told.value("holdfast_audio_bytes_total", source="realtime", direction="up")
    assert up > 0
    assert up % 2 == 0
    assert told.value("holdfast_audio_bytes_total", source="realtime", direction="down") > 0
    assert told.value("holdfast_responses_total", source="realtime") >= 2
    assert "relay_held_bytes" in {
        one.labels["buffer"] for one in told.families["holdfast_buffer_used"].samples
    }
    assert again.value("holdfast_sessions_ended_total", source="realtime", reason="client_gone") == 1
    assert again.value("holdfast_client_drops_total") == 0, "it hung up when all was said"
    for direction in ("up", "down"):
        labels = {"source": "realtime", "direction": direction}
        assert again.value("holdfast_audio_bytes_total", **labels) >= told.value(
            "holdfast_audio_bytes_total", **labels
        )


async def test_a_client_whose_session_waits_for_it_has_dropped(tmp_path: Path) -> None:
    async with guarded(tmp_path, **BARE) as (url, _, gateway):
        client = await spoken(url)
        client.abort()
        await eventually(lambda: all(one.is_parked for one in gateway.directory.running))
        told = await scrape(url)

    assert told.value("holdfast_client_drops_total", source="browser") == 1
    assert told.value("holdfast_sessions", source="browser", state="away") == 1


async def test_all_that_a_relayed_client_said_is_counted_when_it_has_hung_up(tmp_path: Path) -> None:
    """Nobody scraped while it spoke."""
    async with guarded(tmp_path, **BARE) as (url, _, gateway):
        client = await Client.connect(f"{url.replace('http', 'ws')}/v1/realtime?model=gpt-realtime-2.1")
        await converse(client)
        client.close()
        await eventually(lambda: len(gateway.directory) == 0)
        told = await scrape(url)

    assert told.value("holdfast_audio_bytes_total", source="realtime", direction="up") == len(SAID)


async def test_who_was_turned_away_is_counted(tmp_path: Path) -> None:
    async with guarded(tmp_path, **BARE, limits={"sessions_per_user": 1}) as (url, _, _gateway):
        client = await spoken(url)
        with pytest.raises(Exception, match="429"):
            await spoken(url)
        told = await scrape(url)
        client.close()

    assert told.value("holdfast_refusals_total", code="application.rate_limited") == 1


async def test_the_loop_and_the_load_are_sampled(tmp_path: Path) -> None:
    async with guarded(tmp_path, **BARE) as (url, _, _gateway):
        await eventually_sampled(url)
        told = await scrape(url)

    assert told.value("holdfast_event_loop_lag_seconds_count") >= 1
    assert 0 < told.value("holdfast_memory_ratio") < 1
    assert told.value("holdfast_descriptors_left") > 0
    assert told.value("holdfast_build_info") == 1


async def eventually_sampled(url: str) -> None:
    async with asyncio.timeout(5):
        while not (await scrape(url)).value("holdfast_event_loop_lag_seconds_count"):
            pass


async def test_scrapes_at_the_same_time_share_one_answer(tmp_path: Path) -> None:
    async with guarded(tmp_path, **BARE) as (url, _, _gateway):
        answers = await asyncio.gather(*(scrape(url) for _ in range(10)))

    assert all(one.value("holdfast_build_info") == 1 for one in answers)


# who may read it


CASES: list[tuple[str, Mapping[str, str], int]] = [
    ("loopback", {}, 200),
    ("loopback", {"origin": "http://127.0.0.1"}, 403),
    ("loopback", {"origin": "https://portal.example"}, 403),
    ("loopback", {"host": "evil.example"}, 403),
    ("loopback", {"host": "portal.example"}, 401),
    ("loopback", {"x-forwarded-for": "203.0.113.9"}, 401),
    ("loopback", {"forwarded": "for=203.0.113.9"}, 401),
    ("loopback", {"via": "1.1 proxy"}, 401),
    ("loopback", {"authorization": f"Bearer {MONITOR}"}, 200),
    ("loopback", {"authorization": f"Bearer {MONITOR}", "host": "gateway.internal:9"}, 200),
    ("loopback", {"authorization": f"Bearer {MONITOR}", "x-forwarded-for": "203.0.113.9"}, 200),
    ("loopback", {"authorization": "Bearer wrong"}, 401),
    ("loopback", {"authorization": f"Bearer {KEY}"}, 401),
    ("loopback", {"authorization": f"Bearer {KEY}", "host": "gateway.internal"}, 403),
    ("key", {}, 401),
    ("key", {"authorization": f"Bearer {MONITOR}"}, 200),
    ("key", {"authorization": f"Bearer {KEY}"}, 401),
    ("off", {"authorization": f"Bearer {MONITOR}"}, 404),
    ("off", {}, 404),
]


@pytest.mark.parametrize("access", ["loopback", "key", "off"])
async def test_who_may_read_it(tmp_path: Path, access: str) -> None:
    metrics = {"access": access, "keys": [hash_key(MONITOR)]}
    async with guarded(tmp_path, metrics=metrics) as (url, _, _gateway), httpx.AsyncClient() as client:
        for case, headers, status in CASES:
            if case == access:
                answer = await client.get(f"{url}/metrics", headers=dict(headers))
                assert answer.status_code == status, (headers, answer.text)
                assert (b"holdfast_" in answer.content) is (status == 200)


async def test_who_comes_through_a_trusted_proxy_is_no_program_of_this_machine(tmp_path: Path) -> None:
    proxied = {**BARE, "server": {"trusted_proxies": ["127.0.0.1"]}}
    async with guarded(tmp_path, **proxied) as (url, _, _gateway), httpx.AsyncClient() as client:
        for address in ("203.0.113.9", "127.0.0.1", "127.0.0.1, 203.0.113.9"):
            answer = await client.get(f"{url}/metrics", headers={"x-forwarded-for": address})
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"
        assert (await client.get(f"{url}/metrics")).status_code == 200


async def test_a_monitors_key_opens_nothing_else(tmp_path: Path) -> None:
    metrics = {"keys": [hash_key(MONITOR)]}
    async with guarded(tmp_path, metrics=metrics) as (url, _, _gateway), httpx.AsyncClient() as client:
        headers = {"authorization": f"Bearer {MONITOR}"}
        models = await client.get(f"{url}/v1/models", headers=headers)
        foreign = await client.get(f"{url}/v1/models", headers={**headers, "host": "gateway.internal"})

    assert (models.status_code, foreign.status_code) == (401, 403)


@pytest.mark.parametrize(
    ("metrics", "name"),
    [
        ({"keys": [MONITOR]}, r"metrics\.keys"),
        ({"access": "key"}, r"metrics\.access"),
        ({"access": "everybody"}, r"metrics\.access"),
    ],
)
def test_wrong_settings_are_named(tmp_path: Path, metrics: dict[str, Any], name: str) -> None:
    with pytest.raises(ConfigError, match=name) as told:
        load(environ={}, folder=tmp_path, overrides={"metrics": metrics})

    assert MONITOR not in told.value.render()
