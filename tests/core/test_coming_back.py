"""A client leaves and comes back: which deadlines run meanwhile, what it is told, where an answer is cut."""

from __future__ import annotations

import pytest

from holdfast.core import effects, events, notices
from holdfast.core.effects import Effect
from holdfast.core.events import SessionOptions
from holdfast.core.limits import Limits
from tests.core.world import World, noted, pcm, started, stopped, told, user_turn


def leave(world: World) -> list[Effect]:
    return world.do(events.ClientGone(1006))


def come_back(world: World, offset: int | None = None, after: float = 1.0) -> list[Effect]:
    has = world.session.state.output.offset if offset is None else offset
    return world.do(events.ResumeAsked("epoch", has, "token2"), after=after)


def resumed(what: list[Effect]) -> notices.SessionResumed:
    (answer,) = told(what, notices.SessionResumed)
    assert isinstance(answer, notices.SessionResumed)
    return answer


def kept(limits: Limits | None = None) -> World:
    """A session that the journal keeps."""
    world = World.new(limits, durability="local")
    world.create()
    world.go_live()
    return world


# leaving


def test_who_leaves_is_waited_for_two_minutes_and_its_upstream_half_a_minute() -> None:
    world = World.live()
    gone = leave(world)
    assert started(gone) == {"away": 120.0, "upstream_alone": 30.0}
    assert stopped(gone) == {"idle"}
    assert leave(world) == []


@pytest.mark.parametrize(("framing", "is_ended"), [("raw", True), ("positioned", False)])
def test_half_a_sentence_is_answered_where_its_rest_cannot_come(framing: str, *, is_ended: bool) -> None:
    world = World.live(SessionOptions(framing=framing))  # type: ignore[arg-type] # one of both
    user_turn(world, commit=False)
    assert ("open_utterance" in started(leave(world))) is is_ended
    if is_ended:
        new = world.do(events.TimerFired("open_utterance"), after=3.0)
        assert [type(e) for e in new if isinstance(e, effects.CommitInput | effects.Respond)] == [
            effects.CommitInput,
            effects.Respond,
        ]


def test_half_a_sentence_that_was_ended_is_one_turn_for_the_next_upstream_too() -> None:
    world = World.live()
    user_turn(world, commit=False)
    leave(world)
    world.do(events.TimerFired("open_utterance"), after=3.0)
    world.lose()
    come_back(world)
    new = world.go_live()
    assert [e.item_id for e in new if isinstance(e, effects.AddSpeech)] == ["item_u"]
    assert len([e for e in new if isinstance(e, effects.Respond)]) == 1
    assert not world.told(notices.Error)


def test_half_a_sentence_is_not_ended_for_a_client_that_is_back() -> None:
    world = World.live()
    user_turn(world, commit=False)
    leave(world)
    assert "open_utterance" in stopped(come_back(world))
    assert world.do(events.TimerFired("open_utterance")) == []


def test_nothing_is_ended_where_nobody_was_speaking_or_nobody_listens_upstream() -> None:
    world = World.live()
    leave(world)
    assert world.do(events.TimerFired("open_utterance")) == []
    world = World.live()
    user_turn(world, commit=False)
    leave(world)
    world.do(events.TimerFired("upstream_alone"))
    assert world.do(events.TimerFired("open_utterance")) == []


def test_a_client_that_does_not_read_is_cut_off_and_may_come_back() -> None:
    world = World.live()
    cut = world.do(events.ClientTooSlow(9_000_000))
    assert effects.CloseClient(1013, "too slow") in cut
    [gone] = noted(cut, "client.gone")
    assert (gone["code"], gone["reason"], gone["fault"]) == (1013, "too slow", "user_network.slow")
    assert "away" in started(cut)
    assert resumed(come_back(world)).recovered


def test_a_connection_without_a_session_is_neither_cut_nor_waited_for() -> None:
    world = World.new()
    assert not world.asked(effects.CloseClient)
    world.do(events.ClientTooSlow(9_000_000))
    assert not world.asked(effects.CloseClient)
    assert not world.has_ended()
    leave(world)
    assert world.has_ended()


def test_deadlines_of_an_absence_mean_nothing_to_a_client_that_is_there() -> None:
    world = World.live()
    leave(world)
    assert {"away", "upstream_alone"} <= stopped(come_back(world))
    assert world.do(events.TimerFired("away"), events.TimerFired("upstream_alone")) == []
    assert not world.has_ended()


# coming back


def test_who_comes_back_is_awake_and_knows_what_was_received() -> None:
    world = kept()
    world.do(events.ClientAudio(pcm(480)))
    leave(world)
    back = come_back(world, after=7.0625)
    s = world.session.state
    assert started(back)["idle"] == Limits().idle_s
    assert (s.last_activity, s.acknowledged_at, resumed(back).received) == (world.now, 480, 480)
    assert [e.kind for e in back if isinstance(e, effects.Record)] == ["attached"]
    assert noted(back, "session.resumed") == [{"recovered": True, "absence_s": 7.062}]


def test_another_window_takes_over_without_an_absence() -> None:
    world = World.live()
    world.respond(samples=48_000)
    back = come_back(world, offset=1, after=60.0)
    assert noted(back, "session.resumed") == [{"recovered": True, "absence_s": 0.0}]
    assert not told(back, notices.Interrupted)
    assert sum(len(e.pcm) for e in back if isinstance(e, effects.Play)) == 96_000
    assert world.session.state.link.is_attached


@pytest.mark.parametrize(("away_s", "is_cut"), [(2.9, False), (3.0, True)])
def test_an_answer_goes_on_after_less_than_three_seconds(away_s: float, *, is_cut: bool) -> None:
    world = World.live()
    world.respond(samples=2400)
    has = world.session.state.output.offset
    leave(world)
    for _ in range(2):
        world.do(events.OutputAudio(1, "resp_1", "item_1", pcm(120_000)))
    back = come_back(world, has, after=away_s)
    cuts = [notices.Interrupted("resp_1", "item_1", 100)] if is_cut else []
    assert told(back, notices.Interrupted) == cuts
    assert any(isinstance(e, effects.Play) and e.pcm for e in back) is not is_cut
    lost = [(e.from_sample, e.to_sample, e.reason) for e in told(back, notices.AudioLost)]  # type: ignore[union-attr]
    assert lost == ([(2400, 242_400, "truncated")] if is_cut else [])


def test_an_answer_that_was_heard_whole_is_not_cut_after_a_long_absence() -> None:
    world = World.live()
    world.respond(samples=2400)
    leave(world)
    back = come_back(world, after=60.0)
    assert not told(back, notices.Interrupted)
    assert not told(back, notices.AudioLost)


def test_the_first_and_the_last_offset_are_known_and_no_other() -> None:
    for offset, is_known in ((0, True), (-1, False)):
        world = World.live()
        leave(world)
        assert resumed(come_back(world, offset)).recovered is is_known
    for more, is_known in ((0, True), (1, False)):
        world = World.live()
        leave(world)
        has = world.session.state.output.offset
        assert resumed(come_back(world, has + more)).recovered is is_known


@pytest.mark.parametrize("epoch", ["", "another", "epoch1"])
def test_an_offset_of_another_epoch_says_nothing(epoch: str) -> None:
    world = World.live()
    leave(world)
    has = world.session.state.output.offset
    assert not resumed(world.do(events.ResumeAsked(epoch, has, "token2"))).recovered


def test_audio_that_fell_out_is_named_to_who_missed_it_and_to_nobody_else() -> None:
    world = World.live(limits=Limits(window_bytes=4800))
    world.respond(samples=2400)
    has = world.session.state.output.offset
    world.do(events.Acknowledged(has))
    leave(world)
    world.do(events.OutputAudio(1, "resp_1", "item_1", pcm(2400)))
    back = come_back(world, has)
    assert not told(back, notices.AudioLost)
    leave(world)
    world.do(events.OutputAudio(1, "resp_1", "item_1", pcm(2400)))
    back = come_back(world, has)
    assert told(back, notices.AudioLost) == [notices.AudioLost("output", 2400, 4800, "window_full", 1)]
    offsets = [e.offset for e in back if isinstance(e, effects.Tell | effects.Play) and e.offset is not None]
    assert offsets == list(range(has + 1, world.session.state.output.offset + 1))
    leave(world)
    assert not told(come_back(world), notices.AudioLost)


def test_when_memory_runs_short_who_is_away_keeps_less_and_is_told_what_fell_out() -> None:
    world = World.live(limits=Limits(window_shed_bytes=4800))
    world.respond(samples=2400)
    has = world.session.state.output.offset
    assert not world.do(events.MemoryRanShort())
    world.do(events.Acknowledged(has))
    leave(world)
    for _ in range(3):
        world.do(events.OutputAudio(1, "resp_1", "item_1", pcm(2400)))
    assert noted(world.do(events.MemoryRanShort()), "session.shed") == [{"bytes": 9600}]
    assert world.session.state.window.audio_bytes == 4800
    assert not world.do(events.MemoryRanShort())
    back = come_back(world, has)
    assert resumed(back).recovered
    assert told(back, notices.AudioLost) == [notices.AudioLost("output", 2400, 7200, "window_full", 1)]
    assert [(e.start, len(e.pcm)) for e in back if isinstance(e, effects.Play) and e.pcm] == [(7200, 4800)]


@pytest.mark.parametrize(("played_ms", "heard_ms"), [(0, 100), (180, 180)])
def test_an_answer_is_cut_where_its_client_lost_it_also_when_that_fell_out(
    played_ms: int, heard_ms: int
) -> None:
    world = World.live(limits=Limits(window_shed_bytes=0))
    world.respond(samples=2400)
    world.do(events.Acknowledged(world.session.state.output.offset))
    world.do(events.OutputAudio(1, "resp_1", "item_1", pcm(2400)))
    has = world.session.state.output.offset
    if played_ms:
        world.do(events.Played("item_1", played_ms), after=1.0)
    leave(world)
    world.do(events.OutputAudio(1, "resp_1", "item_1", pcm(24_000)))
    world.do(events.MemoryRanShort())
    back = come_back(world, has, after=10.0)
    (cut,) = [e for e in back if isinstance(e, effects.Truncate)]
    assert cut == effects.Truncate("item_1", heard_ms)


def test_what_is_told_while_it_is_replayed_falls_out_later() -> None:
    world = World.live(limits=Limits(window_messages=2))
    leave(world)
    come_back(world)
    has = world.session.state.output.offset
    for number in range(4):
        world.do(events.UserTranscribed(1, "item_u", f"word {number}", final=False))
    assert not world.session.state.window.holds(has)


def test_an_upstream_that_was_left_is_said_to_be_on_its_way() -> None:
    world = World.live()
    leave(world)
    world.do(events.TimerFired("upstream_alone"))
    back = come_back(world)
    assert told(back, notices.Status) == [notices.Status("recovering")]
    assert [e.state for e in told(world.go_live(), notices.Status)] == ["live"]  # type: ignore[union-attr]


def test_an_answer_ends_when_its_upstream_is_left() -> None:
    world = World.live()
    world.respond()
    has = world.session.state.output.offset
    leave(world)
    world.do(events.TimerFired("upstream_alone"))
    (done,) = told(come_back(world, has), notices.ResponseDone)
    assert (done.response_id, done.status) == ("resp_1", "incomplete")  # type: ignore[union-attr]


def test_an_upstream_that_never_was_ready_is_said_to_connect() -> None:
    world = World.new()
    world.create()
    leave(world)
    world.do(events.TimerFired("upstream_alone"))
    back = come_back(world)
    assert told(back, notices.Status) == [notices.Status("connecting")]
    new = world.go_live()
    assert len(told(new, notices.SessionReady)) == 1
    assert told(new, notices.Status) == [notices.Status("live")]


def test_who_finds_its_upstream_alive_hears_nothing_of_it() -> None:
    world = World.live()
    leave(world)
    back = come_back(world)
    assert not told(back, notices.Status)
    assert not [e for e in back if isinstance(e, effects.Dial)]


def test_what_the_upstream_knows_of_the_conversation_is_told_honestly() -> None:
    world = World.live()
    leave(world)
    assert resumed(come_back(world)).context_restored == "full"
    world.rebuild()
    leave(world)
    assert resumed(come_back(world)).context_restored == "none"
    user_turn(world)
    world.do(events.UserTranscribed(world.generation, "item_u", "hello", final=True))
    leave(world)
    assert resumed(come_back(world)).context_restored == "text_only"


def test_an_upstream_that_is_not_ready_knows_nothing() -> None:
    world = World.new()
    world.create()
    leave(world)
    assert resumed(come_back(world)).context_restored == "none"
    world = World.live()
    user_turn(world)
    world.do(events.UserTranscribed(1, "item_u", "hello", final=True))
    world.lose()
    leave(world)
    assert resumed(come_back(world)).context_restored == "text_only"


def test_a_snapshot_shows_every_item_and_is_the_only_message_that_follows() -> None:
    world = World.live()
    user_turn(world)
    world.do(
        events.UserTranscribed(1, "item_u", "what do I owe", final=True),
        events.ResponseBegan(1, "resp_1"),
        events.OutputTranscribed(1, "resp_1", "item_a", "Let me see.", final=True),
        events.ToolCalled(1, "resp_1", "call_1", "balance", "{}"),
        events.ToolCalled(1, "resp_1", "call_2", "credit", "{}"),
        events.ToolReturned("call_1", "nine", "ok"),
        events.ResponseEnded(1, "resp_1", "completed"),
    )
    leave(world)
    had = world.session.state.output.offset
    back = come_back(world, offset=-1)
    answer = resumed(back)
    (snapshot,) = told(back, notices.Snapshot)
    assert isinstance(snapshot, notices.Snapshot)
    assert list(snapshot.items) == [
        {"id": "item_u", "role": "user", "final": True, "text": "what do I owe"},
        {"id": "item_a", "role": "assistant", "final": True, "text": "Let me see."},
        {"id": "call_1", "role": "tool", "final": True, "name": "balance", "status": "done"},
        {"id": "call_2", "role": "tool", "final": False, "name": "credit", "status": "running"},
    ]
    assert (answer.recovered, answer.offset) == (False, had)
    assert [e.offset for e in back if isinstance(e, effects.Tell)] == [None, had + 1]
    leave(world)
    assert not resumed(come_back(world, had - 1)).recovered


def test_an_answer_is_silenced_for_a_client_that_lost_its_place() -> None:
    world = World.live()
    world.respond(samples=48_000)
    leave(world)
    back = come_back(world, offset=-1)
    assert effects.CancelResponse("resp_1") in back
    assert not [e for e in back if isinstance(e, effects.Play)]


# the process stops


def test_a_connection_without_a_session_is_sent_away_when_the_process_stops() -> None:
    world = World.new()
    assert effects.CloseClient(1001, "draining") in world.do(events.DrainBegan())
    assert not world.has_ended()


def test_an_absent_client_does_not_hold_up_the_process() -> None:
    world = kept()
    leave(world)
    world.do(events.DrainBegan())
    assert world.has_ended()


def test_who_leaves_a_stopping_process_is_not_waited_for() -> None:
    world = kept()
    world.respond()
    world.do(events.DrainBegan())
    assert not world.has_ended()
    leave(world)
    assert world.has_ended()


@pytest.mark.parametrize("busy", ["answering", "speaking", "tool"])
def test_a_stopping_process_waits_ten_seconds_for_who_is_busy(busy: str) -> None:
    world = kept()
    if busy == "answering":
        world.respond()
    elif busy == "speaking":
        user_turn(world, commit=False)
    else:
        world.do(events.ResponseBegan(1, "resp_1"), events.ToolCalled(1, "resp_1", "call_1", "look", "{}"))
        world.do(events.ResponseEnded(1, "resp_1", "completed"))
    drained = world.do(events.DrainBegan())
    assert started(drained)["drain"] == 10.0
    assert not world.has_ended()
    world.do(events.TimerFired("drain"), after=10.0)
    assert world.has_ended()


def test_a_process_that_is_told_twice_to_stop_waits_for_nobody() -> None:
    world = kept()
    world.respond()
    world.do(events.DrainBegan(at_once=True))
    assert world.has_ended()


def test_what_was_said_until_the_process_stopped_is_in_the_journal() -> None:
    world = kept()
    user_turn(world)
    world.do(events.UserTranscribed(1, "item_u", "hello", final=True))
    world.respond("resp_1", "item_1")
    world.do(events.OutputTranscribed(1, "resp_1", "item_1", "You owe nine", final=False))
    drained = world.do(events.DrainBegan(at_once=True))
    (done,) = told(drained, notices.ResponseDone)
    assert (done.status, done.fault and done.fault.code) == ("incomplete", "gateway.draining")  # type: ignore[union-attr]
    records = [e for e in world.asked(effects.Record) if isinstance(e, effects.Record)]
    assert {"You owe nine", "hello"} <= {record.content.get("text") for record in records}
