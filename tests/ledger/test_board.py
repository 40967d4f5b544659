"""Several processes on one board; figures over all turns."""

from __future__ import annotations

import json
from typing import Any

from holdfast.ledger import Batch, Board, NumberedFaults, TurnSample
from holdfast.ledger.latency import Latency
from tests.ledger.seeing import Seen


def changes(board: Board, at: int = 0) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(board.changes(at, {}))
    return told


def snapshot(board: Board) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(board.snapshot(0, {}))
    return told


def test_two_processes_stand_side_by_side_and_one_that_ends_takes_its_rows_along() -> None:
    board, here, there = Board(NumberedFaults(10)), Seen(), Seen()
    here.live("hf_a")
    there.live("hf_b")
    there.lost(name="hf_b")
    board.take(0, here.collect())
    board.take(1, there.collect())
    changes(board)
    board.lost(1)

    assert [row["id"] for row in snapshot(board)["rows"]] == ["hf_a"]
    assert changes(board)["gone"] == ["hf_b"]
    assert [one["session"] for one in snapshot(board)["faults"]] == ["hf_b"]


def test_a_fault_that_a_process_tells_twice_is_shown_once() -> None:
    faults, book = NumberedFaults(10), Seen()
    board = Board(faults)
    book.live()
    book.lost()
    board.take(0, book.collect())
    board.take(0, book.collect())

    assert [one["id"] for one in changes(board)["faults"]] == [1]
    assert [one.id for one in faults.since(0)] == [1]
    assert faults.since(1) == []


def test_numbers_outlive_who_looks_and_who_tells() -> None:
    faults, here, there = NumberedFaults(10), Seen(), Seen()
    for name, book in (("hf_a", here), ("hf_b", there)):
        book.live(name)
        book.lost(name=name)
        Board(faults).take(1, book.collect())
        Board(faults).take(1, book.collect())
        Board(faults).lost(1)

    assert [(one.id, one.session) for one in faults.since(0)] == [(1, "hf_a"), (2, "hf_b")]


def test_what_a_process_does_not_tell_again_is_gone() -> None:
    board, book = Board(NumberedFaults(10)), Seen()
    book.live("hf_a")
    book.live("hf_b")
    board.take(0, book.collect())
    changes(board)
    whole = book.collect()
    board.take(0, Batch(whole.cursor, is_whole=True, rows=whole.rows[1:]))
    told = changes(board)

    assert told["gone"] == ["hf_a"]
    assert [row["id"] for row in told["rows"]] == ["hf_b"]


def test_changes_are_told_once() -> None:
    board, book = Board(NumberedFaults(10)), Seen()
    book.live()
    book.turn()
    board.take(0, book.collect())
    first, second = changes(board), changes(board)

    assert ("latency" in first, first["cost"]["today"], len(first["rows"])) == (True, 0.0, 1)
    assert set(second) == {"at", "gateway", "rows", "gone", "faults"}
    assert (second["rows"], board.has_news) == ([], False)


def test_the_names_on_the_wire_are_those_of_the_console() -> None:
    board, book = Board(NumberedFaults(10)), Seen()
    book.live()
    book.lost()
    board.take(0, book.collect())
    (row,) = changes(board)["rows"]

    assert set(row) == {
        *("id", "source", "customer", "upstream", "state", "phase", "beganAt", "endedAt", "turns"),
        *("attention", "why", "health", "lastIn_ms", "lastOut_ms", "silence_ms", "cost_usd", "faults"),
        "lastFault",
    }
    assert row["health"] == {
        "microphone": "none",
        "network": "good",
        "gateway": "good",
        "upstream": "unsure",
        "speaker": "none",
    }


def sample(ms: float, turn: int, at: int = 0, **segments: float) -> TurnSample:
    parts = segments or {"thinking": ms}
    return TurnSample(at, "hf_1", turn, tuple(parts.items()))


def test_the_parts_of_a_typical_turn_add_up() -> None:
    latency = Latency()
    for turn in range(1, 101):
        latency.take(sample(0, turn, endpointing=200.0, thinking=turn * 10.0, speaking=50.0))
    told = latency.as_object()
    middle = told["p50"]

    assert middle["total"] == round(sum(ms for name, ms in middle.items() if name != "total"), 1) == 750.0
    assert told["p95"]["total"] == 1200.0
    assert told["segments"] == ["endpointing", "thinking", "speaking"]


def test_a_segment_that_a_client_adds_stands_in_its_place() -> None:
    latency = Latency()
    latency.take(sample(0, 1, uplink=20.0, endpointing=200.0, thinking=300.0, speaking=50.0, playback=80.0))

    assert latency.as_object()["segments"] == ["uplink", "endpointing", "thinking", "speaking", "playback"]


def test_where_a_client_tells_what_was_heard_no_other_turn_counts() -> None:
    latency = Latency()
    assert (latency.as_object()["sides"], latency.as_object()["leftOut"]) == ("server", 0)
    latency.take(sample(2.0, 1))
    told = latency.as_object()
    assert (told["sides"], told["turns"], told["leftOut"], told["p50"]["total"]) == ("server", 1, 0, 2.0)
    latency.take(TurnSample(0, "hf_2", 1, (("endpointing", 600.0), ("thinking", 100.0)), "browser"))
    told = latency.as_object()
    assert (told["sides"], told["turns"], told["leftOut"], told["p50"]["total"]) == ("browser", 1, 1, 700.0)
    assert sum(one["count"] for one in told["histogram"]) == 1


def test_a_bucket_has_examples_to_look_at() -> None:
    latency = Latency()
    for turn in range(1, 9):
        latency.take(sample(450.0, turn))
    latency.take(sample(20_000.0, 9))
    told = latency.as_object()["histogram"]
    full = next(one for one in told if one["fromMs"] == 400)

    assert (full["toMs"], full["count"]) == (600, 8)
    assert [one["turn"] for one in full["examples"]] == [8, 7, 6, 5, 4]
    assert (told[-1]["toMs"], told[-1]["count"]) == (None, 1)


def test_minutes_are_counted_and_bounded() -> None:
    latency = Latency()
    for minute in range(70):
        latency.take(sample(100.0, 2 * minute, at=minute * 60_000 + 5))
        latency.take(sample(300.0, 2 * minute + 1, at=minute * 60_000 + 9))
    series = latency.as_object()["series"]

    assert len(series) == 60
    assert series[-1] == {"at": 69 * 60_000, "p50": 100.0, "p95": 300.0, "p99": 300.0, "turns": 2}
