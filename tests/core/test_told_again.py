"""What a client tells again to the process that took its session up: turns end where they ended, once."""

from __future__ import annotations

import pytest

from holdfast.core import effects, events, notices
from holdfast.core.events import SessionOptions
from holdfast.core.lanes import ACKNOWLEDGE_EVERY
from holdfast.core.limits import Limits
from tests.core.world import World, pcm, speak, taken_up, user_turn

MANUAL = SessionOptions(turn_detection="manual", framing="positioned")
SAID = [events.ClientAudio(pcm(480, 7), 480 * n) for n in range(34)]


@pytest.mark.parametrize("is_live", [True, False])
def test_a_turn_ended_by_hand_is_still_ended_after_a_restart(*, is_live: bool) -> None:
    world = World.new(durability="local")
    world.create(MANUAL)
    if is_live:
        world.go_live()
    world.do(*SAID[:10], events.CommitAsked("commit-1"), *SAID[10:])
    after = taken_up(world)
    after.do(events.ResumeAsked("epoch", 5, "token2"))
    after.do(*SAID[:5])
    after.go_live()
    after.do(*SAID[5:9])
    assert not after.asked(effects.CommitInput)
    new = after.do(SAID[9])
    assert [type(e) for e in new[:3]] == [effects.Append, effects.CommitInput, effects.Respond]
    after.do(*SAID[10:], events.CommitAsked("commit-1"))  # accepted before: it has no effect
    assert len(after.asked(effects.CommitInput)) == 1
    told = [one.received for one in after.told(notices.AudioReceived)]  # type: ignore[union-attr]
    assert told == [4800, 4800 + ACKNOWLEDGE_EVERY]


def test_a_turn_ended_by_hand_ends_at_its_sample_whatever_pieces_its_sound_comes_in() -> None:
    world = World.new(durability="local")
    world.create(MANUAL)
    world.go_live()
    world.do(*SAID[:10], events.CommitAsked("commit-1"), *SAID[10:30])
    after = taken_up(world)
    after.do(events.ResumeAsked("epoch", 5, "token2"))
    after.go_live()
    new = after.do(events.ClientAudio(pcm(480 * 30, 7), 0))
    before, ended, _, *_, behind = [
        e for e in new if isinstance(e, effects.Append | effects.CommitInput | effects.Respond)
    ]
    assert isinstance(before, effects.Append)
    assert isinstance(ended, effects.CommitInput)
    assert isinstance(behind, effects.Append)
    assert [(e.start, len(e.pcm) // 2) for e in (before, behind)] == [(0, 4800), (4800, 9600)]


@pytest.mark.parametrize("frames", [1, 5, 60])
def test_a_turn_without_words_is_told_again_though_a_later_one_has_its_words(frames: int) -> None:
    world = World.new(durability="local")
    world.create(SessionOptions(framing="positioned"))
    world.go_live()
    speak(world, 50)  # 1 s
    user_turn(world, "item_first")  # until 1.5 s
    speak(world, 50)
    user_turn(world, "item_second")  # 2.5 to 3 s, and 300 ms before it
    world.do(events.UserTranscribed(1, "item_second", "how late is it", final=True))
    after = taken_up(world)
    after.do(events.ResumeAsked("epoch", 5, "token2"))
    after.go_live()
    first, last = int(2.2 * 24_000), 3 * 24_000
    size = 480 * frames
    after.do(*(events.ClientAudio(pcm(min(size, 96_000 - at), 7), at) for at in range(0, 96_000, size)))
    heard = [e for e in after.effects if isinstance(e, effects.Append)]
    spans = [(e.start, e.start + len(e.pcm) // 2) for e in heard]
    assert spans[0][0] == 0
    assert not any(a < last and b > first for a, b in spans)
    assert sum(b - a for a, b in spans) == 200 * 480 - (last - first)


def test_what_was_lost_just_before_a_turn_whose_words_are_kept_is_not_heard_as_a_second_turn() -> None:
    world = World.new(Limits(input_before_session_s=1, input_held_s=1), durability="local")
    world.create(SessionOptions(framing="positioned"))
    speak(world, 100)  # 2 s, and the first one falls out
    world.go_live()
    world.do(
        events.SpeechBegan(1, "item_u", 0),  # maybe earlier, in what it was not given
        events.SpeechEnded(1, "item_u", 1000),
        events.InputCommitted(1, "item_u"),
        events.UserTranscribed(1, "item_u", "how late is it", final=True),
    )
    after = taken_up(world)
    after.do(events.ResumeAsked("epoch", 5, "token2"))
    after.go_live()
    after.do(*(events.ClientAudio(pcm(480, 7), at) for at in range(0, 72_000, 480)))
    heard = [e for e in after.effects if isinstance(e, effects.Append)]
    spans = [(e.start, e.start + len(e.pcm) // 2) for e in heard]
    assert all(last <= 24_000 - 7_200 or first >= 48_000 for first, last in spans)
    assert sum(last - first for first, last in spans) == 24_000 - 7_200 + 24_000


def test_a_settled_turn_is_not_ended_again_after_a_restart() -> None:
    world = World.new(durability="local")
    world.create(MANUAL)
    world.go_live()
    world.do(*SAID[:10], events.CommitAsked("commit-1"), events.InputCommitted(1, "item_u"))
    world.respond()
    world.do(events.ResponseEnded(1, "resp_1", "completed"))
    after = taken_up(world)
    after.do(events.ResumeAsked("epoch", 5, "token2"))
    after.go_live()
    after.do(*SAID[10:30])
    assert not after.asked(effects.CommitInput)


def test_a_result_of_a_question_that_is_told_again_waits_for_the_question() -> None:
    world = World.new(durability="local")
    world.create(MANUAL)
    world.go_live()
    world.do(
        *SAID[:10],
        events.CommitAsked("commit-1"),
        events.ResponseBegan(1, "resp_1"),
        events.ToolCalled(1, "resp_1", "call_1", "transfer", "{}"),
        events.ResponseEnded(1, "resp_1", "completed"),
    )
    after = taken_up(world)
    after.do(events.ResumeAsked("epoch", 5, "token2"))
    after.do(events.Recorded(after.session.state.journal.number))
    after.go_live()
    assert after.asked(effects.AddToolResult)
    assert not after.asked(effects.Respond)
    after.do(*SAID[:10])
    assert len(after.asked(effects.Respond)) == 1
