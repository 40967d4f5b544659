"""A client leaves and comes back: what is told again, in order and once."""

from __future__ import annotations

import pytest

from holdfast.core import effects, events, notices
from holdfast.core.events import SessionOptions
from holdfast.core.limits import Limits
from tests.core.world import World, noted, pcm, speak, told, user_turn


def leave(world: World, code: int = 1006) -> None:
    world.do(events.ClientGone(code))


def come_back(world: World, offset: int, epoch: str = "epoch") -> list[effects.Effect]:
    return world.do(events.ResumeAsked(epoch, offset, "token2"))


def test_a_client_that_drops_is_waited_for_and_gets_what_it_missed_in_order_and_once() -> None:
    world = World.live()
    world.respond(samples=4800)
    has = world.session.state.output.offset
    leave(world)
    world.do(
        events.OutputAudio(1, "resp_1", "item_1", pcm(2400, 5)),
        events.OutputTranscribed(1, "resp_1", "item_1", "Hello", final=False),
    )
    assert not world.has_ended()

    back = world.do(events.ResumeAsked("epoch", has, "token2"), after=1.0)
    told = [e for e in back if isinstance(e, effects.Tell | effects.Play)]
    resumed = told[0]
    assert isinstance(resumed, effects.Tell)
    assert isinstance(resumed.notice, notices.SessionResumed)
    assert resumed.notice.recovered
    assert resumed.offset is None
    assert [e.offset for e in told[1:]] == [has + 1, has + 2]
    assert isinstance(told[1], effects.Play)
    assert (told[1].start, told[1].pcm) == (4800, pcm(2400, 5))
    world.do(events.OutputAudio(1, "resp_1", "item_1", pcm(10)))
    assert world.asked(effects.Play)[-1].offset == has + 3  # type: ignore[union-attr]


def test_after_a_long_absence_the_answer_is_cut_where_it_was_heard() -> None:
    world = World.live()
    world.respond(samples=4800)
    has = world.session.state.output.offset
    leave(world)
    world.do(events.OutputAudio(1, "resp_1", "item_1", pcm(24_000, 5)))
    back = world.do(events.ResumeAsked("epoch", has, "token2"), after=10.0)
    assert not b"".join(e.pcm for e in back if isinstance(e, effects.Play))
    (cut,) = [
        e.notice for e in back if isinstance(e, effects.Tell) and isinstance(e.notice, notices.Interrupted)
    ]
    assert cut.played_ms == 200
    assert effects.Truncate("item_1", 200) in back
    assert effects.CancelResponse("resp_1") in back
    offsets = [e.offset for e in back if isinstance(e, effects.Tell | effects.Play) and e.offset is not None]
    assert offsets == list(range(has + 1, has + 1 + len(offsets)))


def test_what_is_skipped_is_named() -> None:
    world = World.live(SessionOptions(on_return="skip_to_live"))
    world.respond(samples=4800)
    has = world.session.state.output.offset
    leave(world)
    world.do(events.OutputAudio(1, "resp_1", "item_1", pcm(24_000, 5)))
    back = come_back(world, has)
    (lost,) = [
        e.notice for e in back if isinstance(e, effects.Tell) and isinstance(e.notice, notices.AudioLost)
    ]
    assert (lost.direction, lost.from_sample, lost.to_sample) == ("output", 4800, 28_800)


def test_a_position_that_cannot_be_honoured_gets_a_snapshot() -> None:
    world = World.live()
    user_turn(world)
    world.do(events.UserTranscribed(1, "item_u", "hello", final=True))
    for offset, epoch in ((10**6, "epoch"), (-1, "epoch"), (3, "another")):
        leave(world)
        back = come_back(world, offset, epoch)
        told = [e for e in back if isinstance(e, effects.Tell)]
        assert isinstance(told[0].notice, notices.SessionResumed)
        assert not told[0].notice.recovered
        assert isinstance(told[1].notice, notices.Snapshot)
        assert told[1].offset == told[0].notice.offset + 1
        assert told[1].notice.items[0]["text"] == "hello"


def test_an_upstream_without_a_client_is_left_and_dialled_again_at_the_return() -> None:
    world = World.live()
    user_turn(world)
    world.do(events.UserTranscribed(1, "item_u", "hello", final=True))
    leave(world)
    world.do(events.TimerFired("upstream_alone"), after=30.0)
    assert effects.HangUp(1) in world.effects
    new = come_back(world, 3)
    assert effects.Dial(2, 0) in new
    (resumed,) = world.told(notices.SessionResumed)
    assert resumed.context_restored == "text_only"  # type: ignore[union-attr]
    assert [e for e in world.go_live() if isinstance(e, effects.AddSpeech)]


def test_what_a_client_catches_up_with_is_kept_whole_until_something_is_answered() -> None:
    world = World.live()
    leave(world)
    come_back(world, 0)
    said = speak(world, 1200)  # 24 s
    world.now += 10
    world.effects.clear()
    world.lose()
    world.go_live()
    assert world.sent_audio() == said


def test_a_client_that_stays_away_ends_the_session() -> None:
    world = World.live()
    leave(world)
    world.do(events.TimerFired("away"), after=120.0)
    assert world.has_ended()
    assert effects.ForgetRecords() in world.effects
    assert not world.asked(effects.CloseClient)


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        (1006, "user_network.connection_lost"),
        (1002, "application.broken_framing"),
        (1013, "user_network.slow"),
        (1001, None),
        (1005, None),
    ],
)
def test_what_drove_a_client_away_ends_the_session_when_it_does_not_come_back(
    code: int, cause: str | None
) -> None:
    world = World.live()
    leave(world, code)
    world.effects.clear()
    world.do(events.TimerFired("away"), after=120.0)

    (ended,) = noted(world.effects, "session.ended")
    assert (ended["reason"], ended.get("fault")) == ("not_resumed", cause)


def test_a_client_that_says_it_is_done_is_not_waited_for() -> None:
    world = World.live()
    leave(world, 1000)
    assert world.has_ended()


def test_a_client_is_known_by_its_epoch_and_its_absence_is_counted_from_when_it_left() -> None:
    world = World.live()
    leave(world)
    world.now += 150
    (note,) = noted(come_back(world, 0, "epo{}".format("ch")), "session.resumed")
    assert note == {"recovered": True, "absence_s": 150.0}


@pytest.mark.parametrize(("behind", "named"), [(0, []), (1, [(0, 12_000)])])
def test_only_what_fell_out_after_the_clients_position_is_named(
    behind: int, named: list[tuple[int, int]]
) -> None:
    world = World.live(SessionOptions(on_return="continue"), Limits(window_audio_s=1.0))
    world.respond(samples=12_000)
    fell_out = world.session.state.output.offset
    leave(world)
    world.do(events.OutputAudio(1, "resp_1", "item_1", pcm(24_000)))
    losses = told(come_back(world, fell_out - behind), notices.AudioLost)
    assert [(one.from_sample, one.to_sample) for one in losses] == named  # type: ignore[union-attr] # by kind


def test_of_an_answer_of_which_nothing_arrived_no_word_was_heard() -> None:
    world = World.live()
    has = world.session.state.output.offset
    leave(world)
    world.respond(samples=24)
    world.do(events.OutputTranscribed(1, "resp_1", "item_1", "nine euros " * 10, final=False))
    back = world.do(events.ResumeAsked("epoch", has, "token2"), after=10.0)
    assert effects.Truncate("item_1", 0) in back
    assert world.session.state.conversation.items["item_1"].heard_text == ""


def test_what_a_client_is_told_on_its_return_pushes_out_nothing_that_it_is_owed() -> None:
    world = World.live(SessionOptions(on_return="skip_to_live"), Limits(window_messages=4))
    has = world.session.state.output.offset
    leave(world)
    world.respond()
    world.do(events.OutputTranscribed(1, "resp_1", "item_1", "Good", final=False))
    world.do(events.OutputTranscribed(1, "resp_1", "item_1", " morning", final=False))
    back = come_back(world, has)
    offsets = [e.offset for e in back if isinstance(e, effects.Tell | effects.Play) and e.offset is not None]
    assert offsets == list(range(has + 1, world.session.state.output.offset + 1))
    kinds = [type(e.notice) for e in back if isinstance(e, effects.Tell)]
    assert kinds.count(notices.AssistantTranscript) == 2
    assert notices.ResponseStarted in kinds
    assert notices.AudioLost in kinds
