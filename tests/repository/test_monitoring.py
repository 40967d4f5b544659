"""The dashboard and the alert rules: what they ask for exists, with labels and values that it can have."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped] # a test's only use of it

from holdfast.core.endpoints import Endpoints
from holdfast.core.faults import FAULTS, fault
from holdfast.core.limits import DEFAULT
from holdfast.core.recovery import DialNow, Recovery
from holdfast.telemetry import LABELS, METERS
from holdfast.telemetry.exposition import PROCESS
from holdfast.telemetry.meters import Kind

SELECTOR = re.compile(r"\b(holdfast_\w+|process_\w+)(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)(=~|!~|!=|=)"([^"]*)"')
BY = re.compile(r"\bby \(([^)]*)\)")
SUFFIXES = ("_bucket", "_sum", "_count")


def dashboard(project: Path) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads((project / "deploy/grafana/holdfast.json").read_text())
    return found


def rules(project: Path) -> list[dict[str, Any]]:
    told = yaml.safe_load((project / "deploy/alerts.yaml").read_text())
    return [rule for group in told["groups"] for rule in group["rules"]]


def expressions(project: Path) -> Iterator[str]:
    for panel in dashboard(project)["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))
    yield from (rule["expr"] for rule in rules(project))


def meter_of(name: str) -> str | None:
    """The row of the table behind a name in an expression."""
    for suffix in SUFFIXES:
        stem = name.removesuffix(suffix)
        if stem != name and stem in METERS and METERS[stem].kind is Kind.HISTOGRAM:
            return stem
    return name if name in {*METERS, *PROCESS} and not _is_histogram(name) else None


def _is_histogram(name: str) -> bool:
    return name in METERS and METERS[name].kind is Kind.HISTOGRAM


def test_every_name_exists(project: Path) -> None:
    names = [name for expr in expressions(project) for name, _ in SELECTOR.findall(expr)]

    assert len(names) > 100
    assert {name for name in names if meter_of(name) is None} == set()


def test_every_label_is_one_that_the_metric_has_with_a_value_that_it_can_have(project: Path) -> None:
    wrong = []
    for expr in expressions(project):
        for name, selector in SELECTOR.findall(expr):
            meter = METERS[str(meter_of(name))]
            for label, _, value in MATCHER.findall(selector):
                if label in {"worker", "le"}:
                    continue
                known = LABELS[label].values if label in LABELS else None
                values = value.split("|")
                if label not in meter.labels or (known is not None and not known.issuperset(values)):
                    wrong.append((expr, label, value))
    assert wrong == []


def test_every_grouping_is_by_labels_that_are_there(project: Path) -> None:
    for expr in expressions(project):
        labels = {"worker", "le"}
        for name, _ in SELECTOR.findall(expr):
            labels.update(METERS[str(meter_of(name))].labels)
        for group in BY.findall(expr):
            assert {one.strip() for one in group.split(",") if one.strip()} <= labels, expr


def test_every_bucket_that_is_named_is_one(project: Path) -> None:
    for expr in expressions(project):
        for name, selector in SELECTOR.findall(expr):
            for label, _, value in MATCHER.findall(selector):
                if label == "le":
                    assert float(value) in METERS[str(meter_of(name))].buckets, expr


def test_every_metric_is_on_the_dashboard_and_says_what_to_do(project: Path) -> None:
    panels = [one for one in dashboard(project)["panels"] if one["type"] != "row"]
    shown = {
        meter_of(name)
        for panel in panels
        for t in panel["targets"]
        for name, _ in SELECTOR.findall(t["expr"])
    }

    assert set(METERS) <= shown
    described = " ".join(panel["description"] for panel in panels)
    assert [one.name for one in METERS.values() if one.advice not in described] == []


def test_panels_do_not_lie_upon_each_other(project: Path) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboard(project)["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells


def test_every_fault_that_somebody_is_to_hear_of_has_an_alert_with_its_remedy(project: Path) -> None:
    by_code = {}
    for rule in rules(project):
        if (found := re.search(r'holdfast_faults_total\{code="([^"]+)"', rule["expr"])) is not None:
            by_code[found[1]] = rule

    assert set(by_code) == {row.code for row in FAULTS.values() if row.alarm is not None}
    for code, rule in by_code.items():
        row = FAULTS[code]
        assert row.alarm is not None
        assert rule["annotations"]["remedy"] == row.remedy
        assert rule["labels"]["severity"] == row.alarm.severity
        assert f"[{row.alarm.minutes}m]" in rule["expr"]


def test_of_two_gateways_only_the_one_whose_engine_is_down_is_named(project: Path, tmp_path: Path) -> None:
    name = "holdfast_engine_workers"
    ready = {"well": 2, "ill": 0}
    states = [
        (one, state, ready[one] if state == "ready" else 2) for one in ready for state in ("all", "ready")
    ]
    series = [
        {"series": f'{name}{{instance="{one}",state="{state}"}}', "values": f"{count}x10"}
        for one, state, count in states
    ]
    expr = 'count by (instance) (ALERTS{alertname="HoldfastEngineDown",alertstate="firing"})'
    found = {"expr": expr, "eval_time": "5m", "exp_samples": [{"labels": '{instance="ill"}', "value": 1}]}
    told = {
        "rule_files": [str(project / "deploy/alerts.yaml")],
        "evaluation_interval": "1m",
        "tests": [{"interval": "1m", "input_series": series, "promql_expr_test": [found]}],
    }
    (tmp_path / "test.yaml").write_text(yaml.safe_dump(told))

    promtool(tmp_path, "test", "rules", "test.yaml")


def test_rules_are_whole(project: Path) -> None:
    found = rules(project)
    names = [rule["alert"] for rule in found]

    assert len(names) == len(set(names)) > 40
    for rule in found:
        assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}
        assert re.fullmatch(r"Holdfast[A-Za-z]+", rule["alert"])
        assert re.fullmatch(r"\d+[smh]", rule["for"])
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert rule["expr"].count("(") == rule["expr"].count(")")
        assert "on()" not in rule["expr"], "of several gateways each is compared with itself"


def promtool(folder: Path, *arguments: str) -> None:
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("no promtool: it comes with Prometheus")
    done = subprocess.run([found, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_itself_takes_them(project: Path) -> None:
    promtool(project, "check", "rules", "deploy/alerts.yaml")


FIRES = {
    "HoldfastFaultConfigurationInvalidApiKey": {
        'holdfast_faults_total{code="configuration.invalid_api_key",party="configuration"}': "0x15 1x10"
    },
    "HoldfastNoUpstream": {
        'holdfast_upstream_state{upstream="a",state="closed"}': "1x5 0x15",
        'holdfast_upstream_state{upstream="a",state="half_open"}': "0x5 1x15",
    },
    "HoldfastUpstreamDown": {
        'holdfast_upstream_state{upstream="a",state="closed"}': "1x5 0x15",
        'holdfast_upstream_state{upstream="b",state="closed"}': "1x20",
    },
    "HoldfastUpstreamRefuses": {
        'holdfast_upstream_state{upstream="a",state="closed"}': "1x5 0x15",
        'holdfast_upstream_state{upstream="a",state="refused"}': "0x5 1 0 0 1 0 0 1 0 0 1 0 0 1 0 0",
    },
    "HoldfastSlowAnswers": {
        'holdfast_turn_seconds_bucket{segment="whole",le="3.0"}': "0x60",
        'holdfast_turn_seconds_bucket{segment="whole",le="5.0"}': "0+10x60",
        'holdfast_turn_seconds_bucket{segment="whole",le="+Inf"}': "0+10x60",
    },
    "HoldfastWorkerDown": {'holdfast_worker_up{worker="2"}': "1x5 0x15"},
    "HoldfastNearItsBound": {'holdfast_buffer_fullest_ratio{buffer="sessions"}': "0.5x5 0.95x30"},
    "HoldfastAudioLost": {
        'holdfast_audio_lost_samples_total{direction="up",reason="held_too_long"}': "0+100x40",
        'holdfast_audio_samples_total{source="browser",direction="up"}': "0+24000x40",
    },
    "HoldfastEngineDown": {
        'holdfast_engine_workers{state="all"}': "2x20",
        'holdfast_engine_workers{state="ready"}': "2x5 0x15",
    },
}
"""What is seen, minute by minute, and which alert it must make."""


OF_BREAKERS = re.compile(
    r'(?:max|min)(?: by \(upstream\) )?\(holdfast_upstream_state\{state=~?"([a-z_|]+)"\}\) == ([01])'
)


@pytest.mark.parametrize(("alert", "minutes"), [("HoldfastUpstreamDown", 5), ("HoldfastNoUpstream", 1)])
def test_an_outage_is_seen_whatever_its_breaker_does(project: Path, alert: str, minutes: int) -> None:
    """Ten minutes of an upstream that lets dials hang, a client every three seconds, a scrape every 15."""
    endpoints = Endpoints(["one"], DEFAULT)
    under_way: list[tuple[float, Recovery]] = []
    (expr,) = (rule["expr"] for rule in rules(project) if rule["alert"] == alert)
    read = OF_BREAKERS.fullmatch(expr)
    assert read is not None, expr
    holds = []
    for now in map(float, range(600)):
        while under_way and under_way[0][0] <= now:
            endpoints.dial_failed(0, under_way.pop(0)[1], fault("provider.unreachable"), now, 0.5)
        caller = Recovery(now, was_live=False, budget_s=30.0, is_first=True)
        if now % 3 == 0 and isinstance(endpoints.decide(caller, now, 0.5), DialNow):
            under_way.append((now + 4.0, caller))
        if now % 15 == 0:
            (status,) = endpoints.status(now)
            holds.append((str(status.state) in read[1].split("|")) is (read[2] == "1"))

    assert "1" * (4 * minutes + 1) in "".join("01"[one] for one in holds), "it fires"


@pytest.mark.parametrize("alert", FIRES)
def test_it_fires_when_it_should_and_not_before(project: Path, tmp_path: Path, alert: str) -> None:
    rule = next(one for one in rules(project) if one["alert"] == alert)
    series = [{"series": name, "values": values} for name, values in FIRES[alert].items()]
    quiet = {"eval_time": "1m", "alertname": alert, "exp_alerts": []}
    count = {"expr": f'count(ALERTS{{alertname="{alert}",alertstate="firing"}}) > bool 0', "eval_time": "18m"}
    told = {
        "rule_files": [str(project / "deploy/alerts.yaml")],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": series,
                "alert_rule_test": [quiet],
                "promql_expr_test": [{**count, "exp_samples": [{"labels": "{}", "value": 1}]}],
            }
        ],
    }
    (tmp_path / "test.yaml").write_text(yaml.safe_dump(told))
    assert rule["expr"]

    promtool(tmp_path, "test", "rules", "test.yaml")
