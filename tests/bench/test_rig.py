"""The instruments of the endurance runs: planted faults must show, and nothing else."""

from __future__ import annotations

import json
import mmap
import os
import random
import signal
import struct
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.outage import Watch, attempts_allowed
from benchmarks.overload import judge_memory
from benchmarks.rig.accounts import Account, endings, samples, upstream_ms, waited_ms
from benchmarks.rig.answers import CHAR_MS, answer_to
from benchmarks.rig.caller import Caller
from benchmarks.rig.cells import MOMENTS, TROUBLES, cells
from benchmarks.rig.figures_over_time import Series, judge
from benchmarks.rig.person import Happening, Person
from benchmarks.rig.report import Result, arguments, carry_out, chart, table
from benchmarks.rig.voice import FRAME, CuedVoice, Voice, find

from holdfast.bench import machine
from holdfast.bench.candidates import BenchError
from holdfast.bench.revision import Revision
from holdfast.client import happenings as hp
from holdfast.emulator import SessionRecord, parse_fault
from holdfast.emulator.voice import spoken


def person(number: int = 1) -> Person:
    return Person(Voice(number, loud_ms=500, quiet_ms=500, turns=2), "ws://nowhere", random.Random(1))


def pcm(voice: Voice, first: int, last: int) -> bytes:
    return b"".join(voice.frame(index) for index in range(first, last))


# voices


def test_every_sample_is_found_where_it_was_spoken() -> None:
    voice = Voice(3)
    found = find(pcm(voice, 7, 20), voice.whole(40))
    assert found.ranges == [(7 * FRAME, 20 * FRAME)]
    assert (found.foreign, found.doubled, found.is_in_order) == (0, 0, True)


def test_loss_doubling_and_disorder_are_counted_to_the_sample() -> None:
    voice = Voice(4)
    whole = voice.whole(30)
    lost = whole[: 5 * FRAME].tobytes() + whole[5 * FRAME + 17 : 20 * FRAME].tobytes()
    assert find(lost, whole).missing([(0, 20 * FRAME)]) == 17
    twice = whole[: 6 * FRAME].tobytes() + whole[6 * FRAME - 240 : 20 * FRAME].tobytes()
    assert find(twice, whole).doubled == 240
    swapped = whole[10 * FRAME : 20 * FRAME].tobytes() + whole[: 10 * FRAME].tobytes()
    assert not find(swapped, whole).is_in_order


def test_foreign_samples_are_nobodys() -> None:
    voice = Voice(5)
    strange = np.random.default_rng(1).integers(-5_000, 5_000, 1_000).astype("<i2").tobytes()
    found = find(pcm(voice, 0, 3) + strange + pcm(voice, 3, 6), voice.whole(10))
    assert found.foreign == 1_000
    assert found.missing([(0, 6 * FRAME)]) == 0
    assert find(pcm(Voice(6), 0, 5), voice.whole(10)).ranges == []


def test_turns_are_loud_and_pauses_are_not() -> None:
    voice = Voice(1, loud_ms=500, quiet_ms=1_000, turns=2)
    assert voice.loud_ranges(60) == [(10 * FRAME, 15 * FRAME), (25 * FRAME, 30 * FRAME)]
    loudness = np.square(voice.whole(15).astype(float)).reshape(-1, FRAME).mean(axis=1)
    assert loudness[:10].max() < (32768 * 10 ** (-45 / 20)) ** 2 < loudness[10:].min()


# people


def tell(one: Person, **message: Any) -> None:
    one.text(json.dumps(message).encode())


def audio(one: Person, offset: int, stream: int, first: int, samples: int) -> None:
    one.audio(struct.pack("<QIIQ", offset, stream, 0, first) + bytes(2 * samples))


def in_session() -> Person:
    one = person()
    one.offset = 0
    return one


def test_a_good_conversation_has_nothing_wrong() -> None:
    one = in_session()
    tell(one, type="response_started", responseId="r", offset=1)
    audio(one, 2, 1, 0, 100)
    audio(one, 3, 1, 100, 50)
    tell(one, type="response_done", responseId="r", status="completed", offset=4)
    assert one.wrongs == []
    assert one.samples_heard == 150
    assert endings(one) == (1, [])


def test_a_hole_a_double_and_a_missing_end_are_noticed() -> None:
    one = in_session()
    tell(one, type="response_started", responseId="r", offset=1)
    audio(one, 3, 1, 0, 100)
    audio(one, 4, 1, 90, 20)
    audio(one, 5, 1, 130, 20)
    tell(one, type="response_done", responseId="other", status="completed", offset=6)
    one.closed(4503, "")
    assert one.wrongs == [
        "offset 3 after 1",
        "10 samples of stream 1 came twice",
        "20 samples of stream 1 are missing",
        "an end of other, which did not run",
        "1 responses without an end",
    ]
    assert endings(one)[1] == ["a response without an end"]


def test_a_loss_that_is_named_is_no_wrong() -> None:
    one = in_session()
    tell(one, type="audio_lost", direction="output", **{"from": 100, "to": 130}, reason="skipped", offset=1)
    audio(one, 2, 1, 0, 100)
    audio(one, 3, 1, 130, 20)
    assert one.wrongs == []


@pytest.mark.parametrize(
    ("code", "resumes"), [(1006, True), (1001, True), (4500, True), (4503, False), (1000, False)]
)
def test_who_may_come_back_to_the_same_session(code: int, *, resumes: bool) -> None:
    one = in_session()
    one.token = "t"
    one.closed(code, "")
    assert one.may_resume is resumes


def test_a_person_waits_as_told_and_a_little_longer() -> None:
    one = in_session()
    tell(one, type="error", code="RECONNECT_FAILED", retryAfterMs=3000, offset=1)
    one.closed(4503, "")
    assert 3.0 <= one.wait_s <= 3.9


# figures


def series(values: list[float], seconds: float) -> Series:
    found = Series()
    found.at = [at * seconds / len(values) for at in range(len(values))]
    found.memory_mib = values
    return found


@pytest.mark.skipif(machine.obstacle() is not None, reason=machine.obstacle() or "")
def test_memory_is_what_a_process_has_written_itself(tmp_path: Path) -> None:
    size, file = 32 * 2**20, tmp_path / "mapped"
    with file.open("w+b") as opened:
        opened.truncate(size)
        with mmap.mmap(opened.fileno(), size, prot=mmap.PROT_READ) as mapped:
            before = machine.memory_bytes(os.getpid())
            assert not any(mapped[at] for at in range(0, size, 4096))
            assert machine.memory_bytes(os.getpid()) - before < size / 4
    with mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as own:
        before = machine.memory_bytes(os.getpid())
        for at in range(0, size, 4096):
            own[at] = 1
        assert machine.memory_bytes(os.getpid()) - before > size * 3 / 4


def test_a_leak_grows_and_a_plateau_does_not() -> None:
    chance = random.Random(3)
    count, seconds = 1_800, 1_800.0
    plateau = series([80 + chance.gauss(0, 0.5) + 5 * (at > 300) for at in range(count)], seconds)
    leak = series([80 + chance.gauss(0, 0.5) + 20 * at / count for at in range(count)], seconds)
    assert judge("memory_mib", plateau.growth("memory_mib", 600), 1_200) == "steady"
    growth = leak.growth("memory_mib", 600)
    assert growth is not None
    assert growth.low <= 40 <= growth.high
    assert judge("memory_mib", growth, 1_200) == "grows"
    assert judge("memory_mib", series([1.0] * 5, 5.0).growth("memory_mib", 0), 5) == "too short to say"


def test_an_overload_is_flat_only_where_that_is_shown() -> None:
    chance, seconds = random.Random(4), 60.0
    filling = [84.0 + min(36.0, at / 2) for at in range(80)]
    for leak_mib, is_flat in ((0.0, True), (6.0, False)):
        full = [120 + chance.gauss(0, 0.3) + leak_mib * at / 120 for at in range(120)]
        result = Result("overload", "Title", Revision("c" * 40, "t"), 7, {})
        judge_memory(series(filling + full, 40 + seconds), 40.0, result)
        assert result.is_fine is is_flat, result.checks
    result = Result("overload", "Title", Revision("c" * 40, "t"), 7, {})
    judge_memory(series([84.0] * 15, 7.5), 0.0, result)
    assert not result.is_fine


# cells and accounts


def test_every_cell_is_spelled_as_the_emulator_reads_it() -> None:
    wanted = cells(None, None)
    assert len(wanted) > 80
    for cell in wanted:
        for spelling in cell.faults:
            parse_fault(spelling)
    assert {cell.state for cell in wanted} == set(MOMENTS)
    assert {cell.trouble for cell in wanted} == set(TROUBLES)


def test_a_cell_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="no fault of ours"):
        cells("no fault of ours", None)
    assert [str(cell) for cell in cells("reset;401", "CN,ID")] == ["reset in CN", "reset in ID", "401 in CN"]


def test_the_own_share_leaves_out_the_upstream_and_logged_waits() -> None:
    log = [
        {"event": "upstream.waiting", "metadata": {"retry_in_ms": 120, "session": "hf_1"}},
        {"event": "upstream.waiting", "metadata": {"retry_in_ms": 30, "session": "hf_2"}},
        {"event": "session.ready", "metadata": {"retry_in_ms": 999, "session": "hf_1"}},
    ]
    assert waited_ms(log) == 150
    assert waited_ms(log, "hf_2") == 30
    account = Account("held", 200.0, 15.0, waited_ms(log), 2, 0, 0, 1)
    assert account.own_ms == 35.0


def test_an_upstreams_own_time_is_read_off_its_log() -> None:
    record = SessionRecord("s", 1, "/", "m", "realtime", "none", [])
    record.began_s = time.monotonic() - 0.5
    record.sent("session.created")
    record.received({"type": "session.update"})
    record.sent("session.updated")
    assert upstream_ms(record) == pytest.approx(500, abs=100)


def test_a_turn_must_be_whole_in_one_upstream() -> None:
    one = person()
    one.frames = 20
    halves = []
    for first, last in ((0, 8), (8, 20)):
        record = SessionRecord("s", 1, "/", "m", "realtime", "none", [], keep_audio=True)
        record.audio(pcm(one.voice, first, last))
        halves.append(record)
    assert samples(halves, one)[0] > 0
    whole = SessionRecord("s", 3, "/", "m", "realtime", "none", [], keep_audio=True)
    whole.audio(pcm(one.voice, 0, 20))
    assert samples([*halves, whole], one) == (0, 0)
    one.lost.append(("input", 5 * FRAME, 8 * FRAME))
    assert samples(halves, one)[0] == 0 or samples(halves[1:], one)[0] == 0


# reports


def test_a_result_says_what_must_be_so() -> None:
    result = Result("kind", "Title", Revision("c" * 40, "t"), 7, {"people": 3})
    result.rows.append({"name": "a", "value": 1.25, "none": None, "is": True})
    result.check("good", 1, 2)
    was_fine = result.is_fine
    result.check("bad", 3, 2, "ms")
    assert (was_fine, result.is_fine) == (True, False)
    page = result.page("picture.svg")
    assert "| bad | 3 ms | <= 2 ms | **no** |" in page
    assert "commit cccccccccc, seed 7" in page
    assert "![Title](picture.svg)" in page
    assert table(result.rows)[1].split() == ["a", "1.25", "-", "yes"]
    told = result.as_json()
    assert (told["seed"], told["fine"], told["revision"]["commit"]) == (7, False, "c" * 40)


def test_an_interrupted_run_is_not_fine() -> None:
    result = Result("kind", "Title", Revision("c" * 40, "t"), 7, {})
    result.interrupted = True
    assert not result.is_fine


def test_a_chart_has_a_strip_for_each_series() -> None:
    drawn = chart("<T>", [0.0, 1.0, 2.0], {"one": [0, 1, 2], "two": [0, 0, 0]}, [1.0])
    assert drawn.count("<polyline") == 2
    assert "&lt;T&gt;" in drawn


def test_who_is_told_and_who_returns() -> None:
    watch, one = Watch(dark_at=10.0, back_at=20.0), person(5)
    for at, kind, body in (
        (9.0, "error", {"code": "RECONNECT_FAILED"}),
        (12.0, "error", {"code": "RATE_LIMITED"}),
        (13.0, "error", {"code": "RECONNECT_FAILED", "retryAfterMs": 4000}),
        (13.1, "session_ended", {}),
        (19.0, "session_ready", {}),
        (22.0, "session_ready", {}),
        (23.0, "session_ready", {}),
    ):
        watch(one, Happening(at, kind, body))
    found = watch.people[5]
    assert (found.told_at, found.retry_after_ms, found.ended_at, found.ready_at) == (13.0, 4000, 13.1, 22.0)
    assert attempts_allowed(200, 600) == pytest.approx(480)


# listeners


def listener(*pieces: tuple[float, int]) -> Caller:
    """Who heard one answer in pieces: when each came, how many milliseconds."""
    one = Caller(CuedVoice(1), "ws://nowhere")
    one.hear(0.0, hp.ResponseStarted("resp_1"))
    for at, ms in pieces:
        one.hear(at, hp.Sound(bytes(48 * ms)))
    return one


def test_a_pause_is_a_gap_as_far_as_nothing_was_left_to_play() -> None:
    one = listener((1.0, 100), (1.08, 100), (1.25, 100))
    assert [round(piece.gap_ms) for piece in one.pieces] == [0, 50]
    assert [round(piece.pause_ms) for piece in one.pieces] == [80, 170]
    assert one.state_at(1.2) == "answering"
    one.hear(1.26, hp.ResponseDone("resp_1", "completed"))
    assert one.state_at(1.3) == "listening"
    assert one.state_at(1.5) == "idle"


def test_the_rest_of_a_cut_answer_belongs_to_it_and_the_next_answer_does_not() -> None:
    one = listener((1.0, 100))
    one.hear(1.05, hp.ResponseDone("resp_1", "incomplete"))
    one.hear(1.1, hp.ResponseStarted("resp_2"))
    one.hear(1.17, hp.Sound(bytes(4800)))
    assert [round(piece.gap_ms) for piece in one.pieces] == [70]
    one.hear(1.2, hp.ResponseDone("resp_2", "completed"))
    one.hear(9.0, hp.ResponseStarted("resp_3"))
    one.hear(9.1, hp.Sound(bytes(4800)))
    assert len(one.pieces) == 1


def replies(*said: tuple[str, bytes, str]) -> Caller:
    one = Caller(CuedVoice(1), "ws://nowhere")
    for number, (words, pcm, status) in enumerate(said):
        one.hear(number, hp.ResponseStarted(f"resp_{number}"))
        one.hear(number, hp.AssistantSaid("item", words, final=False))
        one.hear(number, hp.Sound(pcm))
        one.hear(number, hp.ResponseDone(f"resp_{number}", status))
    return one


def test_an_answer_is_checked_to_the_sample_over_its_cut() -> None:
    first, rest = spoken("one two", char_ms=CHAR_MS), spoken("three", char_ms=CHAR_MS)
    cut = ("one two", first[:-960], "incomplete")
    fine = replies(cut, ("three", rest, "completed"))
    found = answer_to("one two three", fine.replies)
    assert (found.answers, found.lost, found.doubled, found.unsaid) == (1, 0, 0, 480)

    short = answer_to("one two three", replies(cut, ("three", rest[:-960], "completed")).replies)
    assert short.lost == 480
    twice = answer_to("one two three", replies(cut, ("three", rest + rest, "completed")).replies)
    assert twice.doubled == len(rest) // 2
    other = answer_to("one two three", replies(cut, ("three", bytes(len(rest)), "completed")).replies)
    assert other.lost > 0


def test_an_answer_that_is_given_again_is_not_one_answer() -> None:
    whole = ("one two", spoken("one two", char_ms=CHAR_MS), "completed")
    assert answer_to("one two", replies(whole, whole).replies).answers == 2
    assert answer_to("one two", replies(("three", b"", "completed")).replies).answers == 0


# runs


@pytest.mark.parametrize(("code", "told"), [(130, "interrupted"), (1, "error: ")])
def test_a_load_that_ctrl_c_ended_too_is_no_failure(
    code: int, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    is_interrupted = code == 130
    # Whoever runs the tests in the background lets Ctrl-C be ignored.
    before = signal.getsignal(signal.SIGTERM), signal.signal(signal.SIGINT, signal.default_int_handler)

    async def measure(result: Result) -> None:
        result.rows.append({"round": 1})
        if is_interrupted:
            signal.raise_signal(signal.SIGINT)
        raise BenchError("the load broke off.", "It said nothing.", "Try fewer --sessions.")

    result = Result("rig", "A run", Revision("c" * 40, "t"), 1, {})
    try:
        assert carry_out(result, arguments("A run").parse_args(["--out", str(tmp_path)]), measure) == code
    finally:
        signal.signal(signal.SIGTERM, before[0])
        signal.signal(signal.SIGINT, before[1])
    shown = capsys.readouterr()
    assert told in shown.out + shown.err
    assert ("round" in shown.out) is is_interrupted
