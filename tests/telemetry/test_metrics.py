"""The table of metrics is whole, and labels cannot grow, whatever is put into them."""

from __future__ import annotations

import dataclasses
import math
import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from holdfast.core.limits import DEFAULT, Limits
from holdfast.telemetry import LABELS, METERS
from holdfast.telemetry.buffers import ALARMING, BUFFERS
from holdfast.telemetry.exposition import PROCESS, encoded
from holdfast.telemetry.meters import OTHER, Kind, Meter
from holdfast.telemetry.metrics import Metrics, Reading

NAMES = """\
overload_from_sessions descriptors_reserved sessions_per_ip sessions_per_user client_secret_bytes
client_secrets_per_s client_secrets_burst audio_request_s speech_chars call_offer_bytes
transcription_bytes rest_error_bytes client_binary_bytes client_text_bytes trusted_client_text_bytes
narrow_client_text_bytes message_fragments instructions_chars input_text_chars client_messages_per_s
client_messages_burst client_flood_s audio_speed audio_burst_s append_join_ms window_audio_s
window_shed_bytes item_chars upstream_ping_s upstream_pong_s journal_close_s dial_s lookup_s
address_kept_s created_s updated_s start_budget_s response_first_s response_stall_s breaches
retry_base_s retry_cap_s retry_tokens retry_tokens_least retry_token_gain retry_tokens_per_s
retry_share retry_floor spread_s spread_links spread_share breaker_failures breaker_open_s
breaker_cap_s breaker_alone_s throttle_s throttle_cap_s refused_s return_s outage_wait_s patience_s
slow_dial_s recovery_budget_s recovering_told_s live_settled_s turn_replays response_reasks
response_notice_s server_errors reask_wait_s upstream_life_s rotate_look rotate_force return_look_s
drain_busy_s resume_window_s upstream_alone_s open_utterance_s return_continue_s resumes_per_10_s
client_ring_s create_wait_s idle_s session_s drain_s goodbye_s tool_s tool_steps_per_turn tool_result_bytes
tool_arguments_bytes flight_writes_per_s flight_settle_s unheard_s unheard_speech_s listens_per_s
"""
HOLDS_NOTHING = frozenset(NAMES.split())
"""Times, rates, sizes of one thing: bounds of which nothing can be full. `window_audio_s` is another measure
of `window_bytes`.
"""


def test_every_bound_that_holds_something_has_a_metric() -> None:
    bounds = {one.name for one in dataclasses.fields(Limits)}

    assert bounds - HOLDS_NOTHING == set(BUFFERS)
    assert bounds >= HOLDS_NOTHING
    assert set(ALARMING) < set(BUFFERS)


@pytest.mark.parametrize("meter", METERS.values(), ids=METERS)
def test_a_name_says_what_it_is(meter: Meter) -> None:
    assert re.fullmatch(r"holdfast_[a-z0-9_]+", meter.name)
    assert meter.name.endswith("_total") is (meter.kind is Kind.COUNTER)
    assert bool(meter.buckets) is (meter.kind is Kind.HISTOGRAM)
    assert set(meter.labels) <= set(LABELS)
    assert "worker" not in meter.labels, "every sample bears it anyway"
    assert meter.help.endswith(".")
    assert meter.advice.endswith(".")


SPANS = {
    "holdfast_away_seconds": "resume_window_s",
    "holdfast_dial_seconds": "start_budget_s",
    "holdfast_rebuild_seconds": "recovery_budget_s",
    "holdfast_tool_seconds": "tool_s",
    "holdfast_session_seconds": "session_s",
}


@pytest.mark.parametrize(("name", "limit"), SPANS.items())
def test_buckets_reach_as_far_as_what_is_measured_may_last(name: str, limit: str) -> None:
    """And tell apart what is near that bound from what is not."""
    bound = getattr(DEFAULT, limit)
    below = [one for one in METERS[name].buckets if one <= bound]

    assert METERS[name].buckets[-1] >= bound
    assert below[-1] >= bound / 2


def test_labels_cannot_grow() -> None:
    """A thousand strange values in each place are one series more."""
    told = {"upstream": ["one", "two"], "tool": ["balance"], "version": ["1"]}
    metrics = Metrics(told)
    for number in range(1_000):
        for meter in METERS.values():
            strange = tuple(f"C-{number}" for _ in meter.labels)
            if meter.kind is Kind.COUNTER:
                metrics.count(meter.name, *strange)
            elif meter.kind is Kind.HISTOGRAM:
                metrics.observe(meter.name, 0.1, *strange)
    readings = [
        Reading(meter.name, 1.0, tuple(f"C-{number}" for _ in meter.labels))
        for meter in METERS.values()
        for number in range(1_000)
        if meter.kind is Kind.GAUGE
    ]

    families = {one.name: one for one in metrics.families(readings)}

    assert set(families) == {*METERS, *PROCESS}
    for name, meter in METERS.items():
        series = {tuple(v for k, v in one.labels.items() if k != "le") for one in families[name].samples}
        assert series == {tuple(OTHER for _ in meter.labels)}, name


def test_the_most_there_can_be() -> None:
    """However long it runs: the series of one process with four upstreams and twenty tools."""
    known = {"upstream": 4, "tool": 20, "version": 1}

    def most(name: str) -> int:
        meter = METERS[name]
        sizes = [len(LABELS[label].values or ()) or known[label] for label in meter.labels]
        return math.prod(size + 1 for size in sizes) * (len(meter.buckets) + 3 if meter.buckets else 1)

    assert sum(map(most, METERS)) < 20_000


def test_a_name_that_the_table_has_not_is_a_bug() -> None:
    with pytest.raises(KeyError):
        Metrics().count("holdfast_surprises_total")


@pytest.mark.parametrize("accept", ["", "application/openmetrics-text; version=1.0.0"])
def test_several_processes_are_told_apart(accept: str) -> None:
    told = {}
    for worker, sessions in (("1", 3.0), ("2", 4.0)):
        metrics = Metrics({"upstream": ["openai"]})
        metrics.count("holdfast_dials_total", "openai", "none", by=sessions)
        metrics.observe("holdfast_event_loop_lag_seconds", 0.002)
        told[worker] = metrics.families([Reading("holdfast_sessions", sessions, ("browser", "live"))])

    body, content_type = encoded(told, accept)

    assert ("openmetrics" in content_type) is bool(accept)
    if not accept:
        families = {one.name: one for one in text_string_to_metric_families(body.decode())}
        running = {one.labels["worker"]: one.value for one in families["holdfast_sessions"].samples}
        assert running == {"1": 3.0, "2": 4.0}
        dials = {one.labels["worker"]: one.value for one in families["holdfast_dials"].samples}
        assert dials == {"1": 3.0, "2": 4.0}
        counts = [
            one.value
            for one in families["holdfast_event_loop_lag_seconds"].samples
            if one.name.endswith("_count")
        ]
        assert counts == [1.0, 1.0]
