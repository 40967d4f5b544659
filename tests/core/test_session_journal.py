"""The journal: what it is told and when; a process that dies or stops, and the next one."""

from __future__ import annotations

from typing import Literal

import pytest

from holdfast.core import effects, events, notices
from holdfast.core.faults import fault
from holdfast.core.limits import Limits
from tests.core.world import World, speak, taken_up, user_turn


def come_back(world: World, offset: int, epoch: str = "epoch") -> list[effects.Effect]:
    return world.do(events.ResumeAsked(epoch, offset, "token2"))


def kept(limits: Limits | None = None, **changes: object) -> World:
    world = World.new(limits, durability="local", **changes)
    world.create()
    world.go_live()
    return world


def write(world: World) -> list[effects.Effect]:
    return world.do(events.Recorded(world.session.state.journal.number))


def test_a_tool_starts_when_its_intent_is_durable_and_tells_when_its_result_is() -> None:
    world = kept()
    write(world)
    world.do(events.ResponseBegan(1, "resp_1"), events.ToolCalled(1, "resp_1", "call_1", "balance", "{}"))
    world.do(events.ResponseEnded(1, "resp_1", "completed"))
    assert not world.asked(effects.RunTool)
    assert write(world)
    assert len(world.asked(effects.RunTool)) == 1
    world.do(events.ToolReturned("call_1", "nine", "ok"))
    assert not world.asked(effects.AddToolResult)
    write(world)
    assert len(world.asked(effects.AddToolResult)) == 1


def test_durable_moves_after_the_write_and_never_past_an_unanswered_turn() -> None:
    world = kept()
    speak(world, 50)
    user_turn(world)
    start = 24_000 - 7200
    world.do(events.ResponseBegan(1, "resp_1"))
    world.do(events.ResponseEnded(1, "resp_1", "completed"))
    assert world.session.state.journal.durable == 0
    write(world)
    answered = world.session.state.journal.durable
    assert answered >= start
    user_turn(world, "item_2")
    speak(world, 300)
    write(world)
    (*_, told) = world.told(notices.AudioReceived)
    assert told.durable <= 36_000  # type: ignore[union-attr]


def test_a_question_whose_words_are_kept_does_not_hold_back_what_is_durable() -> None:
    world = kept()
    speak(world, 50)
    user_turn(world, "item_slow")
    world.do(
        events.UserTranscribed(1, "item_slow", "what do I owe", final=True),
        events.ResponseBegan(1, "resp_1"),
        events.ToolCalled(1, "resp_1", "call_1", "balance", "{}"),
        events.ResponseEnded(1, "resp_1", "completed"),
    )
    speak(world, 50)
    user_turn(world, "item_quick")
    world.do(events.ResponseBegan(1, "resp_2"), events.ResponseEnded(1, "resp_2", "completed"))
    write(world)
    assert world.session.state.journal.durable == 72_000


def test_a_store_that_stumbles_is_named_and_what_must_not_run_twice_does_not_run() -> None:
    world = kept(idempotent_tools=frozenset({"safe"}))
    world.do(events.JournalChanged(fault("store.journal_unavailable")))
    assert world.told(notices.Status)[-1].state == "degraded"  # type: ignore[union-attr]
    world.do(
        events.ResponseBegan(1, "resp_1"),
        events.ToolCalled(1, "resp_1", "call_1", "transfer", "{}"),
        events.ToolCalled(1, "resp_1", "call_2", "safe", "{}"),
    )
    assert [e.call_id for e in world.asked(effects.RunTool)] == ["call_2"]  # type: ignore[union-attr]
    assert notices.ToolDone("call_1", "transfer", "refused") in world.told(notices.ToolDone)


def test_a_killed_process_leaves_a_session_that_the_next_one_takes_up() -> None:
    world = kept()
    speak(world, 50)
    user_turn(world)
    world.do(
        events.UserTranscribed(1, "item_u", "transfer it", final=True),
        events.ResponseBegan(1, "resp_1"),
        events.ToolCalled(1, "resp_1", "call_1", "transfer", "{}"),
        events.ResponseEnded(1, "resp_1", "completed"),
    )
    write(world)
    after = taken_up(world)
    assert not after.asked(effects.RunTool)
    back = after.do(events.ResumeAsked("epoch", 12, "token2"))
    resumed = back[[isinstance(e, effects.Tell) for e in back].index(True)]
    assert isinstance(resumed, effects.Tell)
    assert isinstance(resumed.notice, notices.SessionResumed)
    assert not resumed.notice.recovered
    assert resumed.notice.epoch == "epoch2"
    (snapshot,) = after.told(notices.Snapshot)
    assert [item["role"] for item in snapshot.items] == ["user", "tool"]  # type: ignore[union-attr]
    write(after)
    new = after.go_live()
    (result,) = [e for e in new if isinstance(e, effects.AddToolResult)]
    assert "outcome unknown" in result.output


def test_a_call_whose_outcome_a_kill_has_hidden_is_answered_though_the_talk_went_on() -> None:
    world = kept()
    world.do(
        events.TextGiven("transfer it"),
        events.ResponseBegan(1, "resp_1"),
        events.ToolCalled(1, "resp_1", "call_1", "transfer", "{}"),
        events.ResponseEnded(1, "resp_1", "completed"),
        events.TextGiven("how late is it?"),
        events.ResponseBegan(1, "resp_2"),
        events.OutputTranscribed(1, "resp_2", "item_2", "Noon.", final=True),
        events.ResponseEnded(1, "resp_2", "completed"),
    )
    after = taken_up(world)
    after.do(events.ResumeAsked("epoch", 12, "token2"))
    assert not [e for e in after.go_live() if isinstance(e, effects.AddToolResult)]  # it is not durable yet
    new = write(after)
    kinds = [type(e) for e in new]
    assert kinds == [effects.AddCall, effects.AddToolResult, effects.Respond, effects.StartTimer]


def test_a_result_that_nobody_had_spoken_of_before_a_kill_is_spoken_of_after_it() -> None:
    world = kept()
    world.do(
        events.TextGiven("transfer it"),
        events.ResponseBegan(1, "resp_1"),
        events.ToolCalled(1, "resp_1", "call_1", "transfer", "{}"),
        events.ResponseEnded(1, "resp_1", "completed"),
        events.TextGiven("how late is it?"),
        events.ResponseBegan(1, "resp_2"),
        events.OutputTranscribed(1, "resp_2", "item_2", "Noon.", final=True),
        events.ResponseEnded(1, "resp_2", "completed"),
    )
    write(world)
    world.do(events.ToolReturned("call_1", "done", "ok"))
    after = taken_up(world)
    come_back(after, 3)
    after.go_live()
    assert after.asked(effects.AddToolResult) == [effects.AddToolResult("call_1", "done")]
    assert len(after.asked(effects.Respond)) == 1


def test_a_question_that_waits_for_its_tool_beside_another_answer_is_answered_after_a_kill() -> None:
    world = kept()
    world.do(
        events.TextGiven("transfer it"),
        events.ResponseBegan(1, "resp_1"),
        events.ToolCalled(1, "resp_1", "call_1", "transfer", "{}"),
        events.ResponseEnded(1, "resp_1", "completed"),
        events.TextGiven("how late is it?"),
        events.ResponseBegan(1, "resp_2"),
    )
    write(world)
    world.do(events.ToolReturned("call_1", "done", "ok"))
    write(world)  # the result is told: the answer that is being given does not know of it
    world.do(events.OutputTranscribed(1, "resp_2", "item_2", "Noon", final=False))
    world.lose()
    assert asked_after_a_kill(world) == [effects.Respond()]


def test_a_question_beside_a_greeting_is_answered_after_a_stop() -> None:
    world = kept()
    world.do(
        events.ResponseBegan(1, "resp_1"),
        events.TextGiven("how late is it?"),
        events.OutputTranscribed(1, "resp_1", "item_1", "Hello.", final=True),
        events.ResponseEnded(1, "resp_1", "completed"),
    )
    assert asked_after_a_kill(world) == [effects.Respond()]
    world.do(
        events.ResponseBegan(1, "resp_2"),
        events.OutputTranscribed(1, "resp_2", "item_2", "Noon.", final=True),
        events.ResponseEnded(1, "resp_2", "completed"),
    )
    assert asked_after_a_kill(world) == []


def asked_after_a_kill(world: World) -> list[effects.Effect]:
    """What the next process asks of its upstream when the client is back."""
    after = taken_up(world)
    come_back(after, 3)
    after.go_live()
    return after.asked(effects.Respond)


@pytest.mark.parametrize("durability", ["local", "shared"])
def test_a_stopping_process_suspends_what_the_journal_keeps_and_ends_the_rest(durability: str) -> None:
    world = World.new(durability=durability)
    world.create()
    world.go_live()
    world.do(events.DrainBegan())
    assert world.has_ended()
    assert not world.told(notices.SessionEnded)
    assert effects.ForgetRecords() not in world.effects
    assert effects.CloseClient(1001, "gateway.draining") in world.effects

    bare = World.live()
    speak(bare, 50)
    bare.do(events.DrainBegan())
    (ended,) = bare.told(notices.SessionEnded)
    assert ended.lost == {"input": (0, 24_000)}  # type: ignore[union-attr] # nobody knows yet what it was
    assert effects.CloseClient(1001, "draining") in bare.effects


@pytest.mark.parametrize("status", ["completed", "cancelled"])
def test_an_answer_whose_end_overtakes_its_words_is_in_the_journal_with_the_words_that_came(
    status: Literal["completed", "cancelled"],
) -> None:
    world = kept()
    world.respond()
    world.do(events.OutputTranscribed(1, "resp_1", "item_1", "Good mor", final=False))
    world.do(events.ResponseEnded(1, "resp_1", status))
    world.do(events.OutputTranscribed(1, "resp_1", "item_1", "Good morning.", final=True))
    items = [e.content for e in world.asked(effects.Record) if e.kind == "item"]  # type: ignore[union-attr] # by kind
    assert [item["text"] for item in items] == ["Good mor"]


def test_a_stopping_process_waits_for_a_journal_that_stumbles_then_suspends() -> None:
    world = kept()
    world.do(events.JournalChanged(fault("store.journal_unavailable")), events.DrainBegan())
    assert not world.has_ended()
    world.do(events.JournalChanged(None))
    assert world.has_ended()
    assert not world.told(notices.SessionEnded)


def test_a_stopping_process_promises_nothing_that_its_journal_cannot_keep() -> None:
    world = kept()
    world.do(events.JournalChanged(fault("store.journal_unavailable")), events.DrainBegan())
    world.do(events.TimerFired("drain"), after=10.0)
    (ended,) = world.told(notices.SessionEnded)
    assert ended.reason == "draining"  # type: ignore[union-attr]
    assert effects.ForgetRecords() in world.effects


def test_a_journal_that_is_well_again_does_not_say_that_anybody_answers() -> None:
    world = World.new(durability="local")
    world.create()
    world.do(events.JournalChanged(fault("store.journal_unavailable")), events.JournalChanged(None))
    states = [status.state for status in world.told(notices.Status)]  # type: ignore[union-attr] # by kind
    assert states == ["connecting", "degraded", "connecting"]


def test_a_journal_that_is_well_again_does_not_make_a_silent_upstream_speak() -> None:
    world = kept()
    world.do(events.TextGiven("hello"))
    world.do(events.TimerFired("response"), after=4.0)
    world.do(events.JournalChanged(fault("store.journal_unavailable")), events.JournalChanged(None))
    assert [status.state for status in world.told(notices.Status)][-1] == "degraded"  # type: ignore[union-attr]


def test_a_stopping_process_lets_a_sentence_be_finished() -> None:
    world = kept()
    world.respond()
    world.do(events.DrainBegan())
    assert not world.has_ended()
    world.do(events.ResponseEnded(1, "resp_1", "completed"))
    assert world.has_ended()


def test_a_call_that_is_made_again_before_its_result_is_durable_gets_that_result() -> None:
    world = kept()
    world.do(
        events.TextGiven("transfer it"),
        events.ResponseBegan(1, "resp_1"),
        events.ToolCalled(1, "resp_1", "call_1", "transfer", "{}"),
        events.ResponseEnded(1, "resp_1", "completed"),
    )
    after = taken_up(world)
    after.do(events.ResumeAsked("epoch", 12, "token2"))
    after.go_live()
    after.do(
        events.ResponseBegan(1, "resp_2"),
        events.ToolCalled(1, "resp_2", "call_2", "transfer", "{}"),
        events.ResponseEnded(1, "resp_2", "completed"),
    )
    write(after)
    told = [e for e in after.asked(effects.AddToolResult) if isinstance(e, effects.AddToolResult)]
    assert [(e.call_id, "outcome unknown" in e.output) for e in told] == [("call_1", True), ("call_2", True)]
    assert not after.asked(effects.RunTool)
