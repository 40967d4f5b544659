"""Figures of a run: paired within a round, named, doubted, judged."""

from __future__ import annotations

import json

import pytest

from holdfast.bench import drawing, goals, pictures
from holdfast.bench.figures import Figure
from holdfast.bench.plans import Setups
from holdfast.bench.report import Report, Start, Talk, Weight, changes
from holdfast.bench.search import Search
from holdfast.bench.shapes import Kind, Shape, Who
from tests.bench.test_figures import sample

ABOUT = {"processor": "p", "cores": 2, "system": "s", "python": "3", "picows": "2", "load_before": 0.0}
COST = "cpu gateway.json / nginx.json, 20 ms"


def report(*rows: tuple[int, str, float, float], sessions: int = 50) -> Report:
    """Rows of (round, name, cost, lateness) on the JSON face."""
    found = Report(Shape(("relay",), sessions=(50, 100)), ABOUT)
    for at, name, cost, late_ms in rows:
        found.talks.append(Talk(at, name, "json", sessions, 20, False, sample(cost, late_ms=late_ms)))
    return found


def figures(of: Report) -> dict[str, Figure]:
    return {figure.name: figure for figure in of.figures()}


def test_ratios_pair_within_a_round() -> None:
    told = report((0, "nginx", 10, 0), (0, "gateway", 12, 0), (1, "gateway", 40, 0), (1, "nginx", 20, 0))
    found = figures(told)[COST].spread
    assert (found.n, found.low, found.median, found.high) == pytest.approx((2, 1.4, 1.6, 1.8))


def test_a_peers_ratio_is_better_when_it_is_more() -> None:
    found = figures(report((0, "litellm", 80, 0), (0, "gateway", 20, 0)))
    assert found["cpu litellm.json / gateway.json, 20 ms"].spread.median == pytest.approx(4.0)
    assert found["cpu litellm.json / gateway.json, 20 ms"].is_more_better


def test_a_held_up_pair_is_left_out_unless_all_are() -> None:
    calm = [(0, "nginx", 10.0, 0.0), (0, "gateway", 12.0, 0.0)]
    held_up = [(1, "nginx", 10.0, 500.0), (1, "gateway", 30.0, 0.0)]
    assert figures(report(*calm, *held_up))[COST].spread.n == 1
    assert figures(report(*held_up))[COST].spread.median == pytest.approx(3.0)
    assert any("1 of 4 measurements were held up" in doubt for doubt in report(*calm, *held_up).doubts)


def test_kinds_are_not_mixed() -> None:
    told = report((0, "nginx", 10, 0))
    told.talks.append(Talk(0, "gateway", "json", 50, 100, False, sample(30)))
    told.talks.append(Talk(0, "gateway", "json", 50, 20, True, sample(30)))
    assert not [name for name in figures(told) if "gateway.json / nginx.json" in name and "cpu" in name]


def test_latency_is_told_beside_no_relay_and_costs_are_not_judged_there() -> None:
    told = report((0, "direct", 5, 0), (0, "nginx", 10, 0), (0, "gateway", 12, 0), sessions=400)
    assert figures(told)["added p99 gateway.json, 400 sessions, 20 ms"].spread.median == 0.0
    assert COST not in figures(told)


def test_lost_frames_and_a_crowded_load_are_named() -> None:
    told = report((0, "nginx", 10, 0))
    told.talks.append(Talk(0, "gateway", "json", 50, 20, False, sample(11, lost=2, load=0.9)))
    assert told.faulty == 2
    assert any("load was full" in doubt for doubt in told.doubts)


def test_what_would_be_beyond_a_core_is_known_beforehand() -> None:
    told = report((0, "litellm", 80, 0))
    assert told.would_take(("litellm", "json"), Kind(), 100) == pytest.approx(0.4)
    assert told.would_take(("litellm", "json"), Kind(), 50) == 0.0


def test_set_ups_that_the_load_held_back_are_told_by_their_processor_time() -> None:
    found = Setups(1000, 1000.0, 100.0, 0.1, 0.99, 0.2, 1.0, 2.0, 0)
    assert Start(0, "nginx", "json", found).per_s == pytest.approx(9500.0)
    full = Setups(1000, 1000.0, 950.0, 0.95, 0.5, 0.2, 1.0, 2.0, 0)
    assert Start(0, "gateway", "json", full).per_s == 1000.0


def whole() -> Report:
    """Something of every part."""
    told = Report(Shape(("relay",), sessions=(50, 100)), ABOUT)
    costs: dict[Who, float] = {
        ("direct", "json"): 5,
        ("nginx", "json"): 20,
        ("gateway", "json"): 24,
        ("gateway", "page"): 26,
        ("litellm", "json"): 70,
    }
    for (name, face), cost in costs.items():
        for sessions in (50, 100):
            talk = Talk(0, name, face, sessions, 20, False, sample(cost, share=cost * sessions / 1e4))
            told.talks.append(talk)
        if name == "direct":
            continue
        search = Search(most=2000)
        while (sessions := search.next() or 0) > 0:
            full = cost * sessions / 1e4
            search.told(sessions, sample(cost, share=full, p99_ms=100.0 if full > 0.9 else 1.0))
        told.searches[name, face] = search
        setups = Setups(10, 1e5 / cost, cost, 0.95, 0.5, 0.2, 1.0, 2.0, 0)
        told.starts.append(Start(0, name, face, setups))
        told.weights.append(Weight(0, name, face, cost, 10 * cost))
    told.absent["haproxy"] = "install it"
    return told


def test_every_goal_finds_its_figure_by_name() -> None:
    told = whole()
    measured = set(figures(told))
    for face in ("json", "page"):
        measured |= {f"added p99 gateway.{face}, 400 sessions, 20 ms"}
        measured |= {f"speech gateway.{face} / nginx.json, 400 sessions, 20 ms"}
    faces = ("json-resume", "binary")
    measured |= {f"cpu gateway.{face} / nginx.json, 20 ms" for face in faces}
    measured |= {f"cpu aiohttp.json / gateway.{face}, 20 ms" for face in ("json", "page")}
    assert [goal.figure for goal in goals.GOALS if goal.also not in measured] == []


def test_goals_are_met_or_not() -> None:
    found = {one.goal.what: one for one in goals.judge(whole().figures())}
    assert found["CPU for a message, /v1/realtime"].word == "NOT MET"  # 1.2 times nginx
    assert found["LiteLLM's beside /v1/realtime"].word == "met"  # 2.9
    assert found["sessions on one core beside nginx"].word == "met"
    assert found["idle session, /v1/realtime"].word == "met"
    assert "added p99, /v1/realtime" not in found


def test_the_text_tells_of_all_of_it() -> None:
    told = drawing.text(whole())
    for expected in (
        "absent: haproxy (install it)",
        "100 sessions, frames of 20 ms",
        "browser protocol, as the page talks",
        "NOT MET  CPU for a message, /v1/realtime",
        "set-ups gateway.json / litellm.json",
        "Memory of a session",
    ):
        assert expected in told


def test_the_picture_has_curves_and_bars() -> None:
    drawn = pictures.svg(whole())
    assert drawn.startswith("<svg ")
    assert drawn.count("<polyline ") == 4 + 4  # CPU for a message, round trips
    assert drawn.count("<rect ") == 1 + 4 * 4  # sessions, set-ups, idle and active memory


def test_a_report_compares_with_itself_as_good() -> None:
    told = whole()
    found = changes(json.loads(json.dumps(told.as_json())), told)
    assert COST in {change.name for change in found}
    assert not any(change.is_worse for change in found)
    assert "pass" in drawing.comparison(found)


def test_a_heavier_gateway_fails_the_comparison() -> None:
    earlier = json.loads(json.dumps(whole().as_json()))
    now = whole()
    now.weights = [Weight(0, "gateway", "json", 30.0, None)]
    (worse,) = (change for change in changes(earlier, now) if change.is_worse)
    assert worse.name == "idle session gateway.json"
    assert "FAIL: 1 of" in drawing.comparison(changes(earlier, now))
