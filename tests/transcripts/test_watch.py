"""From what was seen of a session to the lines that are kept of it."""

from __future__ import annotations

from itertools import count

from holdfast.core.faults import fault
from holdfast.core.limits import Limits
from holdfast.ports import sightings as seen
from holdfast.ports.sightings import Sighting, Watched
from holdfast.ports.transcripts import Line, TranscriptCounts
from holdfast.transcripts import TranscriptWatch


class Shelf:
    """Keeps lines as they come."""

    def __init__(self) -> None:
        self.lines: list[Line] = []

    def put(self, line: Line) -> None:
        self.lines.append(line)

    @property
    def counts(self) -> TranscriptCounts:
        return TranscriptCounts(written=len(self.lines))


SESSION = Watched("hf_1", "browser", "cust-1")


def lines_of(*sightings: Sighting, limits: Limits | None = None) -> list[Line]:
    shelf, clock = Shelf(), count(5_000, 1_000)
    watch = TranscriptWatch(shelf, limits or Limits(), lambda: next(clock))
    for sighting in sightings:
        watch.saw(SESSION, sighting, 0.0)
    return shelf.lines


def said(lines: list[Line]) -> list[tuple[str, str]]:
    return [(line.kind, line.text) for line in lines]


def test_a_conversation_in_order_with_its_session_and_customer() -> None:
    lines = lines_of(
        seen.Began(),
        seen.UpstreamLive(1, "openai", "openai", "gpt-realtime-2.1", "sess_1"),
        seen.TurnBegan("i1", 0),
        seen.WordsOfUser("i1", "What do I owe?"),
        seen.ResponseBegan("r1"),
        seen.ToolBegan("c1", "balance"),
        seen.ToolEnded("c1", "balance", "ok"),
        seen.WordsOfAssistant("r1", "i2", "You owe nine euros."),
        seen.ResponseEnded("r1", "completed"),
        seen.Ended("client_ended"),
    )

    assert said(lines) == [
        ("began", ""),
        ("upstream", ""),
        ("user", "What do I owe?"),
        ("tool", ""),
        ("tool", ""),
        ("assistant", "You owe nine euros."),
        ("ended", ""),
    ]
    assert {(line.talk.id, line.talk.customer_id) for line in lines} == {("hf_1", "cust-1")}
    assert [line.facts for line in lines if line.kind == "tool"] == [
        {"name": "balance", "status": "began"},
        {"name": "balance", "status": "ok"},
    ]
    assert lines[-1].facts == {"reason": "client_ended"}


def test_no_two_lines_have_the_same_moment_whatever_the_clock_does() -> None:
    shelf = Shelf()
    times = iter([9_000_000, 9_000_000, 1_000_000, 9_001_500])
    watch = TranscriptWatch(shelf, Limits(), lambda: next(times))
    for number in range(4):
        watch.saw(SESSION, seen.WordsOfUser(f"i{number}", "yes"), 0.0)

    assert [line.at for line in shelf.lines] == [9_000, 9_001, 9_002, 9_003]


def test_words_before_their_cut() -> None:
    lines = lines_of(
        seen.WordsOfAssistant("r1", "i2", "One two three four."), seen.Interrupted("r1", "i2", 500, 2_000)
    )

    assert [(line.kind, line.item_id, line.heard) for line in lines] == [
        ("assistant", "i2", None),
        ("cut", "i2", 0.25),
    ]
    assert lines[1].text == lines[0].text


def test_a_cut_before_its_words() -> None:
    lines = lines_of(
        seen.Interrupted("r1", "i2", 500, 2_000), seen.WordsOfAssistant("r1", "i2", "One two three four.")
    )

    assert [(line.kind, line.heard) for line in lines] == [("assistant", None), ("cut", 0.25)]


def test_a_cut_whose_words_never_came_and_one_of_unknown_length() -> None:
    lines = lines_of(
        seen.Interrupted("r1", "i2", 500, 2_000),
        seen.WordsOfAssistant("r2", "i3", "Anything."),
        seen.Interrupted("", "i3", 700),
        seen.Ended("closed"),
    )

    assert [(line.kind, line.item_id, line.heard, dict(line.facts)) for line in lines[1:3]] == [
        ("cut", "i3", None, {"heardMs": 700}),
        ("cut", "i2", None, {"heardMs": 500}),
    ]


def test_more_was_heard_than_sent_is_all() -> None:
    lines = lines_of(seen.WordsOfAssistant("r1", "i2", "Hi."), seen.Interrupted("r1", "i2", 900, 800))
    assert lines[1].heard == 1.0


def test_what_is_told_twice_is_kept_once_and_silence_not_at_all() -> None:
    lines = lines_of(
        seen.WordsOfUser("i1", "hello"),
        seen.WordsOfUser("i1", "hello"),
        seen.WordsOfUser("i1", "hello there"),
        seen.WordsOfUser("i2", ""),
        seen.WordsOfAssistant("r", "i3", ""),
    )
    assert said(lines) == [("user", "hello"), ("user", "hello there")]


def test_faults_and_losses_by_name() -> None:
    lines = lines_of(
        seen.FaultMet(fault("provider.silent"), "upstream.reconnecting"),
        seen.FaultMet(fault("provider.silent"), "session.failed"),
        seen.ResponseEnded("r1", "failed", fault=fault("provider.server_error")),
        seen.AudioWasLost("input", 100, 200, "kept_too_long"),
        seen.Ended("failed", fault("provider.silent")),
    )

    assert [dict(line.facts) for line in lines] == [
        {"code": "provider.silent", "party": "provider"},
        {"code": "provider.server_error", "party": "provider"},
        {"direction": "input", "from": 100, "to": 200, "reason": "kept_too_long"},
        {"reason": "failed", "code": "provider.silent", "party": "provider"},
    ]


def test_a_fault_that_comes_again_later_is_told_again() -> None:
    shelf = Shelf()
    watch = TranscriptWatch(shelf, Limits())
    for at in (1.0, 2.0):
        watch.saw(SESSION, seen.FaultMet(fault("provider.silent"), "upstream.reconnecting"), at)

    assert [line.kind for line in shelf.lines] == ["fault", "fault"]


def test_what_is_remembered_and_what_is_said_have_bounds() -> None:
    cuts = [seen.Interrupted("r", f"i{number}", 1, 2) for number in range(1_000)]
    lines = lines_of(
        *cuts, seen.WordsOfUser("u", "x" * 100), seen.Ended("closed"), limits=Limits(item_chars=10)
    )

    assert len(lines) == 8 + 2
    assert lines[0].text == "x" * 10


def test_nothing_is_remembered_of_a_session_that_is_over() -> None:
    watch = TranscriptWatch(Shelf(), Limits())
    watch.saw(SESSION, seen.Began(), 0.0)
    watch.saw(SESSION, seen.Ended("closed"), 0.0)
    assert watch._sessions == {}
