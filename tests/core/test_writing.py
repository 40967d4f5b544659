"""Transcription sessions: every turn is written once, whatever becomes of the upstream; nobody answers."""

from __future__ import annotations

from holdfast.core import effects, events, notices
from holdfast.core.effects import Effect
from holdfast.core.events import SessionOptions
from holdfast.core.faults import fault
from holdfast.core.limits import Limits
from tests.core.world import World, noted, pcm, speak, taken_up, told, user_turn

AUTO = SessionOptions(mode="transcription")
BY_HAND = SessionOptions(mode="transcription", turn_detection="manual")


def written(step: list[Effect]) -> list[tuple[str, str, bool]]:
    words = [one for one in told(step, notices.UserTranscript) if isinstance(one, notices.UserTranscript)]
    return [(one.item_id, one.text, one.final) for one in words]


def write(world: World, item_id: str, text: str) -> list[Effect]:
    return world.do(events.UserTranscribed(world.generation, item_id, text, final=True))


def hear_again(world: World, item_id: str, at_ms: int) -> list[Effect]:
    g = world.generation
    return world.do(
        events.SpeechBegan(g, item_id, at_ms),
        events.SpeechEnded(g, item_id, at_ms + 500),
        events.InputCommitted(g, item_id),
    )


def test_the_session_says_what_it_is_and_who_writes() -> None:
    world = World.new()
    world.create(SessionOptions(mode="transcription", greet=True))
    (created,) = told(world.effects, notices.SessionCreated)
    assert isinstance(created, notices.SessionCreated)
    assert (created.mode, created.voice) == ("transcription", None)
    assert "nobody speaks" in " ".join(created.notes)


def test_nobody_is_asked_for_an_answer_and_a_written_turn_is_done() -> None:
    world = World.live(AUTO)
    user_turn(world, "item_1")
    write(world, "item_1", "what do I owe")
    assert not world.asked(effects.Respond)
    assert not world.session.state.spoken.turns
    assert world.session.state.turn.is_quiet

    text = world.do(events.TextGiven("hello", "e1"))
    (refused,) = told(text, notices.Error)
    assert isinstance(refused, notices.Error)
    assert refused.code == "INVALID_MESSAGE"
    assert refused.event_id == "e1"
    assert not [one for one in text if isinstance(one, effects.AddText)]


def test_what_is_not_written_is_heard_again_and_told_once() -> None:
    world = World.live(AUTO)
    speak(world, 25, 1)
    user_turn(world, "item_1")
    speak(world, 25, 1)
    world.do(events.UserTranscribed(1, "item_1", "what", final=False))
    again = world.rebuild()

    sound = b"".join(one.pcm for one in again if isinstance(one, effects.Append))
    # from 300 ms before the turn to the end of all that was given
    assert sound == pcm(480 * 15, 1) + pcm(480 * 25, 7) + pcm(480 * 25, 1)
    assert not [one for one in again if isinstance(one, effects.AddSpeech | effects.AddText)]
    heard = hear_again(world, "new_1", 300)
    assert not told(heard, notices.SpeechStarted)
    assert not told(heard, notices.SpeechStopped)
    assert not written(world.do(events.UserTranscribed(2, "new_1", "what", final=False)))
    assert written(write(world, "new_1", "what do I owe")) == [("item_1", "what do I owe", True)]
    assert written(write(world, "new_1", "what do I owe")) == []
    assert not world.told(notices.AudioLost)


def test_a_turn_in_the_middle_of_which_the_upstream_dies_goes_on_under_its_id() -> None:
    world = World.live(AUTO)
    user_turn(world, "item_1", commit=False)
    world.rebuild()
    speak(world, 10, 7)
    ended = hear_again(world, "new_1", 0)
    assert not told(ended, notices.SpeechStarted)
    assert [one.item_id for one in told(ended, notices.SpeechStopped)] == ["item_1"]  # type: ignore[union-attr]
    assert written(write(world, "new_1", "all of it")) == [("item_1", "all of it", True)]


def test_turns_are_found_again_in_order_and_one_that_is_not_found_ends_empty() -> None:
    world = World.live(AUTO)
    user_turn(world, "item_1")
    speak(world, 50, 1)
    user_turn(world, "item_2")
    speak(world, 50, 1)
    world.rebuild()
    heard = hear_again(world, "new_2", 1500)  # the first one was too faint for this detector
    assert written(heard) == [("item_1", "", True)]
    assert written(write(world, "new_2", "second")) == [("item_2", "second", True)]
    assert not world.session.state.spoken.turns


def test_turns_ended_by_hand_end_again_where_they_ended() -> None:
    world = World.live(BY_HAND)
    for value, item_id in ((3, "item_1"), (4, "item_2")):
        speak(world, 25, value)
        world.do(events.CommitAsked())
        world.do(events.InputCommitted(1, item_id))
    again = world.rebuild()

    told_again = [one for one in again if isinstance(one, effects.Append | effects.CommitInput)]
    assert [type(one).__name__ for one in told_again] == ["Append", "CommitInput"] * 2
    assert [one.pcm for one in told_again if isinstance(one, effects.Append)] == [
        pcm(480 * 25, 3),
        pcm(480 * 25, 4),
    ]
    world.do(events.InputCommitted(2, "new_1"), events.InputCommitted(2, "new_2"))
    # the words of the second one may come first
    assert written(write(world, "new_2", "two")) == [("item_2", "two", True)]
    assert written(write(world, "new_1", "one")) == [("item_1", "one", True)]
    assert not world.session.state.spoken.turns


def test_a_turn_that_no_upstream_can_write_is_named_as_lost() -> None:
    limits = Limits()
    world = World.live(AUTO, limits)
    user_turn(world, "item_1")
    speak(world, 25, 1)
    for _ in range(limits.turn_replays + 1):
        world.rebuild()
    (loss,) = world.told(notices.AudioLost)
    assert isinstance(loss, notices.AudioLost)
    assert (loss.from_sample, loss.to_sample) == (0, 12_000)
    assert not world.session.state.spoken.turns


def test_words_that_never_come_are_asked_of_the_next_upstream() -> None:
    world = World.live(AUTO)
    user_turn(world, "item_1")
    limits = world.session.state.limits
    waited: list[Effect] = []
    while not noted(waited, "response.stalled") and len(waited) < 50:
        waited += world.do(events.TimerFired("response"), after=limits.response_notice_s)
    assert noted(waited, "response.stalled")
    assert noted(world.redial() + world.go_live(), "session.rebuilt")


def test_a_turn_that_cannot_be_written_is_named() -> None:
    world = World.live(AUTO)
    user_turn(world, "item_1")
    cause = fault("provider.response_failed", ["audio_unintelligible"])
    failed = world.do(events.TranscriptionFailed(1, "item_1", cause))
    (error,) = told(failed, notices.Error)
    assert isinstance(error, notices.Error)
    assert error.code == "TRANSCRIPTION_FAILED"
    later = world.do(events.TimerFired("losses"), after=1.0)
    lost = told([*failed, *later], notices.AudioLost)
    assert [one.reason for one in lost] == ["not_transcribed"]  # type: ignore[union-attr]
    assert not world.session.state.spoken.turns


def test_in_a_conversation_a_failed_transcription_changes_nothing() -> None:
    world = World.live()
    user_turn(world, "item_1")
    failed = world.do(events.TranscriptionFailed(1, "item_1", fault("provider.response_failed")))
    assert not told(failed, notices.Error)
    assert world.session.state.spoken.turns


def test_a_session_taken_up_by_the_next_process_asks_for_no_answer() -> None:
    world = World.new(durability="local")
    world.create(AUTO)
    world.go_live()
    user_turn(world, "item_1")
    write(world, "item_1", "what do I owe")
    after = taken_up(world)
    assert after.session.state.options.mode == "transcription"
    after.do(events.ResumeAsked("epoch", 0, "token2"))
    after.go_live()
    assert not after.asked(effects.Respond)
    assert not after.asked(effects.AddText)


def test_a_link_is_left_before_its_end_when_all_is_written() -> None:
    world = World.live(AUTO)
    user_turn(world, "item_1")
    world.do(events.TimerFired("rotate"), after=3000.0)
    world.link_lives(2)
    assert effects.Adopt(2) not in world.effects
    write(world, "item_1", "what do I owe")
    world.do(events.TimerFired("rotate"), after=60.0)
    assert effects.Adopt(2) in world.effects
    assert not world.told(notices.AudioLost)
    user_turn(world, "item_2")
    assert written(write(world, "item_2", "and when")) == [("item_2", "and when", True)]


# who does the stages' work


def test_the_session_names_who_does_the_stages_work_and_says_when_that_changes() -> None:
    world = World.new()
    world.create()
    served = {"chat": "m at host", "speech": "built in"}
    g = world.generation
    world.do(events.UpstreamOpened(g), events.UpstreamCreated(g, "sess_1"), events.UpstreamStages(g, served))
    ready = told(world.do(events.UpstreamConfigured(g)), notices.SessionReady)
    assert [one.upstream["stages"] for one in ready] == [served]  # type: ignore[union-attr,index]
    assert not told(world.do(events.UpstreamStages(g, served)), notices.Status)
    switched = world.do(events.UpstreamStages(g, {**served, "chat": "built in"}))
    (status,) = told(switched, notices.Status)
    assert isinstance(status, notices.Status)
    assert (status.state, status.notes) == ("live", ("chat: built in",))
    assert status.upstream is not None
    assert status.upstream["stages"]["chat"] == "built in"
    assert not world.do(events.UpstreamStages(g + 1, served))
