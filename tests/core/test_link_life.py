"""A link's life: its deadlines, how an upstream in trouble is treated, what the client hears and when."""

from __future__ import annotations

from dataclasses import replace

import pytest

from holdfast.core import effects, events, lifecycle, notices, timers
from holdfast.core.effects import Effect, Manner
from holdfast.core.endpoints import Endpoints
from holdfast.core.events import ClientAudio, SessionOptions
from holdfast.core.limits import Limits
from holdfast.core.recovery import WaitFor
from tests.core.world import (
    LOCAL,
    OPENAI,
    World,
    dials,
    noted,
    pcm,
    speak,
    started,
    stopped,
    told,
    two,
)

STARTING = set(timers.STARTING)
CAREFUL = replace(OPENAI, workarounds=(Manner.MINIMAL_AUDIO, Manner.OTHER_MODEL, Manner.PACED_AUDIO))


def careful() -> World:
    """A session whose upstream is treated with more care after each trouble of its own."""
    world = World.new(upstreams=(CAREFUL,))
    world.create()
    world.go_live()
    return world


# the deadlines of a beginning


def test_each_step_of_a_beginning_has_its_deadline_and_ends_the_one_before() -> None:
    world = World.new()
    first = world.create()
    assert dials(first) == [effects.Dial(1, 0)]
    assert started(first) == {"idle": 600.0, "life": 14_400.0, "dial": 10.0, "dial_patience": 4.0}
    opened = world.do(events.UpstreamOpened(1))
    assert (started(opened), stopped(opened)) == ({"created": 10.0}, {"dial"})
    created = world.do(events.UpstreamCreated(1, "sess_1", "model-1"))
    assert (started(created), stopped(created)) == ({"updated": 5.0}, {"created"})
    ready = world.do(events.UpstreamConfigured(1))
    assert {"updated", "dial_patience", "tell_trouble"} <= stopped(ready)
    assert started(ready) == {"rotate": pytest.approx(3600 * 0.83)}
    (told_ready,) = told(ready, notices.SessionReady)
    assert told_ready.upstream == {  # type: ignore[union-attr]
        "name": "openai",
        "kind": "openai",
        "model": "model-1",
        "sessionId": "sess_1",
    }
    assert world.session.state.upstream.live_at == world.now


def test_an_announced_end_counts_and_not_the_usual_one() -> None:
    world = World.new()
    world.create()
    assert started(world.go_live(lifetime_s=1000.0))["rotate"] == pytest.approx(830.0)


def test_a_second_word_that_the_settings_hold_changes_nothing() -> None:
    world = World.live()
    again = world.do(events.UpstreamConfigured(1))
    assert not [e for e in again if isinstance(e, effects.Adopt | effects.Tell)]


def test_an_old_deadline_means_nothing_to_a_live_link() -> None:
    world = World.live()
    for name in STARTING:
        assert world.do(events.TimerFired(name)) == []


def test_words_that_nobody_waits_for_come_to_nothing() -> None:
    world = World.live()
    assert world.do(events.TimerFired("retry"), events.TimerFired("pace")) == []
    assert world.do(events.TimerFired("tell_trouble")) == []


# losing it


def test_a_lost_link_takes_its_deadlines_with_it() -> None:
    world = World.live()
    world.now += 10
    lost = world.lose()
    assert stopped(lost) >= STARTING | {"rotate", "pace"}
    assert effects.HangUp(1) in lost
    assert started(lost)["tell_trouble"] == 0.3
    (note,) = noted(lost, "upstream.reconnecting")
    assert (note["generation"], note["was_live"]) == (1, True)


def test_a_client_that_knows_of_the_trouble_is_not_told_again() -> None:
    world = World.live()
    world.now += 10
    world.lose()
    world.do(events.TimerFired("tell_trouble"), after=0.3)
    assert "tell_trouble" not in started(world.lose())
    again = world.do(events.TimerFired("tell_trouble"))
    assert not told(again, notices.Status)


def test_who_gets_its_upstream_back_hears_of_the_next_trouble_too() -> None:
    world = World.live()
    for _ in range(2):
        world.now += 10
        world.lose()
        status = told(world.do(events.TimerFired("tell_trouble"), after=0.3), notices.Status)
        assert [one.state for one in status] == ["recovering"]  # type: ignore[union-attr]
        status = told(world.go_live(), notices.Status)
        assert [one.state for one in status] == ["live"]  # type: ignore[union-attr]


def test_a_trouble_before_the_first_upstream_is_called_connecting() -> None:
    world = World.new()
    world.create()
    world.lose("provider.unreachable")
    (status,) = told(world.do(events.TimerFired("tell_trouble"), after=0.3), notices.Status)
    assert (status.state, status.fault and status.fault.code) == ("connecting", "provider.unreachable")  # type: ignore[union-attr]
    world.redial()
    states = told(world.go_live(), notices.Status)
    assert states == [notices.Status("live")]


def test_a_link_that_dies_young_goes_on_with_the_recovery_that_made_it() -> None:
    for lived_s, is_new in ((1.9, False), (2.0, True), (110.5, True)):
        world = World.live()
        world.now += 10
        world.lose()
        world.go_live()
        before = world.session.state.line.recovery
        world.now += lived_s
        world.lose()
        assert (world.session.state.line.recovery is not before) is is_new


def test_a_first_link_that_dies_young_has_the_budget_of_a_loss_all_the_same() -> None:
    world = World.live()
    world.lose()
    recovery = world.session.state.line.recovery
    assert recovery is not None
    assert (recovery.was_live, recovery.budget_s) == (True, Limits().recovery_budget_s)


def test_without_a_client_a_lost_upstream_is_not_dialled_again() -> None:
    world = World.live()
    world.do(events.ClientGone(1006))
    lost = world.lose()
    assert not dials(lost)
    assert stopped(lost) >= {"retry", "tell_trouble", "rotate", "return_to_preferred", "pace", "response"}
    assert world.session.state.upstream.phase.name == "IDLE"
    assert world.session.state.endpoints.live == 0


def test_without_a_client_a_dial_that_failed_is_made_again() -> None:
    world = World.new()
    world.create()
    world.do(events.ClientGone(1006))
    world.lose("provider.unreachable")
    assert dials(world.redial())


def test_a_message_that_was_too_big_is_made_smaller_once() -> None:
    world = World.live()
    world.now += 10
    world.lose("provider.message_too_big")
    for _ in range(20):
        world.do(ClientAudio(pcm(480)), after=0.02)
    sent = [len(e.pcm) // 2 for e in world.go_live() if isinstance(e, effects.Append)]
    assert (max(sent), sum(sent)) == (2400, 9600)
    assert not world.has_ended()
    world.now += 10
    world.lose("provider.message_too_big")
    assert world.has_ended()


def test_waits_of_a_recovery_are_told_when_they_are_news() -> None:
    world = World.new()
    world.create()
    waits = [e for e in world.lose("provider.unreachable", chance=0.9) if isinstance(e, effects.StartTimer)]
    assert waits[-1].name == "retry"
    (status,) = told(world.effects, notices.Status)[1:]
    assert status.state == "connecting"  # type: ignore[union-attr]
    assert status.retry_in_ms == round(1000 * waits[-1].seconds)  # type: ignore[union-attr]
    asked = world.do(events.TimerFired("retry", 0.9), after=waits[-1].seconds / 2)
    assert not told(asked, notices.Status)


def test_it_is_news_when_a_wait_ends_more_than_a_second_later_or_sooner() -> None:
    world = World.new()
    world.create()
    s = world.session.state
    heard = []
    for at, wait_s in ((100.0, 5.0), (101.0, 5.0), (101.0, 5.5), (101.0, 4.5), (101.0, 4.0)):
        s.out = []
        lifecycle._promise(s, at, WaitFor(0.5, "it was told so", wait_s))
        heard += [
            (e.state, e.retry_in_ms) for e in told(s.out, notices.Status) if isinstance(e, notices.Status)
        ]
    assert heard == [("connecting", 5000), ("connecting", 5500), ("connecting", 4000)]


def test_a_client_that_was_not_told_of_the_trouble_hears_of_no_wait() -> None:
    world = World.live()
    world.now += 10
    world.lose()
    lost = world.lose(chance=0.9)
    assert noted(lost, "upstream.waiting")
    assert not told(lost, notices.Status)


# an upstream in trouble


def test_each_further_trouble_is_met_with_more_care_and_the_last_way_stays() -> None:
    world = careful()
    manners = []
    for _ in range(4):
        world.now += 10
        world.lose("provider.server_error")
        world.redial()
        manners.append(world.session.state.upstream.manner)
        world.session.state.upstream.manner = Manner.PLAIN
        world.go_live()
    assert manners == [*CAREFUL.workarounds, Manner.PACED_AUDIO]


@pytest.mark.parametrize(
    ("code", "is_met_with_care"),
    [
        ("provider.server_error", True),
        ("gateway.engine_unavailable", True),
        ("configuration.quota_exhausted", False),
        ("user_network.connection_lost", False),
    ],
)
def test_only_the_providers_own_troubles_and_ours_need_care(code: str, *, is_met_with_care: bool) -> None:
    world = two()
    world.go_live()
    world.now += 10
    world.lose(code)
    assert (world.session.state.line.troubles == {0: 1}) is is_met_with_care


def test_a_link_that_must_prove_its_life_gets_audio_only_when_it_did() -> None:
    world = careful()
    world.now += 10
    world.lose("provider.server_error")
    g = world.generation
    speak(world, 60, 5)
    asked = world.do(events.UpstreamOpened(g), events.UpstreamCreated(g, "s"), events.UpstreamConfigured(g))
    assert effects.ProveLife(g) in asked
    assert started(asked)["updated"] == 5.0
    assert not [e for e in asked if isinstance(e, effects.Append | effects.Adopt)]
    again = world.do(events.UpstreamConfigured(g))
    assert again == []
    proved = world.do(events.LifeProved(g))
    assert effects.Adopt(g) in proved
    assert given(proved) == 60 * 480


def paced(seconds: float) -> tuple[World, list[Effect]]:
    """A link that gets what was held at a pace, with so much held; and what its first moment brought."""
    world = careful()
    world.session.state.line.troubles[0] = 2
    world.now += 10
    world.lose("provider.server_error")
    world.redial()
    assert world.session.state.upstream.manner is Manner.PACED_AUDIO
    for _ in range(round(seconds * 50)):
        world.do(ClientAudio(pcm(480, 5)))
    return world, world.go_live()


def given(step: list[Effect]) -> int:
    return sum(len(e.pcm) // 2 for e in step if isinstance(e, effects.Append))


def test_what_was_held_is_given_at_a_pace_a_second_at_a_time() -> None:
    world, first = paced(3.5)
    assert given(first) == 0
    assert started(first)["pace"] == 0.25
    assert not told(first, notices.Status)
    second = world.do(events.TimerFired("pace"), after=0.25)
    assert (given(second), started(second)["pace"]) == (24_000, 0.25)
    world.do(ClientAudio(pcm(480, 6)))
    third = world.do(events.TimerFired("pace"), after=0.25)
    assert (given(third), started(third)["pace"]) == (24_000, 0.25)
    last = world.do(events.TimerFired("pace"), after=0.25)
    assert (given(last), "pace" in started(last)) == (36_480, False)
    assert given(world.do(ClientAudio(pcm(480, 7)))) == 480
    assert world.do(events.TimerFired("pace")) == []
    sent = world.sent_audio()
    assert sent == pcm(480, 5) * 175 + pcm(480, 6) + pcm(480, 7)


def test_the_last_second_of_what_was_held_needs_no_pace_either() -> None:
    world, _ = paced(2.0)
    last = world.do(events.TimerFired("pace"), after=0.25)
    assert (given(last), "pace" in started(last)) == (48_000, False)


def test_a_second_of_held_audio_needs_no_pace() -> None:
    world, first = paced(1.0)
    assert given(first) == 24_000
    assert world.session.state.upstream.is_live
    _, first = paced(0.5)
    assert given(first) == 12_000
    _, first = paced(1.02)
    assert given(first) == 0


# who answers


def test_who_answers_is_told_when_it_changes_and_only_then() -> None:
    world = two()
    world.go_live()
    world.now += 10
    world.lose("configuration.quota_exhausted")
    new = world.go_live()
    (status,) = told(new, notices.Status)
    assert status.upstream == {"name": "local", "kind": "local", "model": "holdfast-local"}  # type: ignore[union-attr]
    assert started(new)["return_to_preferred"] == 15.0
    world.now += 10
    assert not told(world.lose(), notices.Status)
    assert not told(world.redial() + world.go_live(), notices.Status)


def test_the_preferred_upstream_has_nowhere_to_return_to() -> None:
    world = two()
    assert "return_to_preferred" not in started(world.go_live())


def test_a_session_that_began_elsewhere_is_not_told_that_this_is_less() -> None:
    world = two()
    world.lose("configuration.quota_exhausted")
    world.go_live()
    world.now += 10
    world.lose()
    world.redial()
    world.do(events.TimerFired("tell_trouble"), after=0.3)
    (status,) = told(world.go_live(), notices.Status)
    assert status.notes == ()  # type: ignore[union-attr]


def test_what_the_next_upstream_cannot_do_is_named() -> None:
    other = replace(LOCAL, kind="openai", name="other", voices=("cedar",))
    for first, facts, options, words in (
        (OPENAI, LOCAL, None, ["local answers now", "limited"]),
        (replace(OPENAI, kind="azure"), LOCAL, None, ["local answers now", "limited"]),
        (OPENAI, other, None, ["other answers now"]),
        (OPENAI, replace(other, kind="azure"), None, ["other answers now"]),
        (OPENAI, other, SessionOptions(voice="marin"), ["other answers now", "'marin'", "'cedar'"]),
        (OPENAI, other, SessionOptions(voice="cedar"), ["other answers now"]),
    ):
        endpoints = Endpoints(["openai", "other"], Limits())
        world = World.new(upstreams=(first, facts), endpoints=endpoints)
        world.create(options)
        world.go_live()
        world.now += 10
        world.lose("configuration.quota_exhausted")
        (status,) = told(world.go_live(), notices.Status)
        notes = status.notes  # type: ignore[union-attr]
        assert len(notes) == (1 if len(words) == 1 else 2)
        assert all(word in " ".join(notes) for word in words)


# the first words


def test_only_who_asked_is_greeted_and_only_where_there_are_words() -> None:
    for greet, greeting, is_greeted in ((True, "Hello.", True), (False, "Hello.", False), (True, "", False)):
        world = World.new(greeting=greeting)
        world.create(SessionOptions(greet=greet))
        asked = [e for e in world.go_live() if isinstance(e, effects.Respond)]
        assert asked == ([effects.Respond(say=greeting)] if is_greeted else [])


def test_a_rebuilt_session_is_not_greeted_again() -> None:
    world = World.live(SessionOptions(greet=True))
    world.do(events.ResponseBegan(1, "resp_1"), events.ResponseEnded(1, "resp_1", "completed"))
    assert not [e for e in world.rebuild() if isinstance(e, effects.Respond)]


def test_a_rebuild_says_so_and_counts() -> None:
    world = World.live()
    for count in (1, 2):
        world.now += 10
        world.lose()
        world.redial()
        speak(world, 2)
        (note,) = noted(world.go_live(), "session.rebuilt")
        assert (note["generation"], note["rebuilds"], note["waiting_samples"]) == (
            count + 1,
            count,
            960 * count,
        )


def test_a_typed_turn_that_waits_is_heard_before_it_is_answered() -> None:
    world = World.live()
    world.now += 10
    world.lose()
    world.do(events.TextGiven("what do I owe"))
    new = [e for e in world.go_live() if isinstance(e, effects.AddText | effects.Respond)]
    assert [type(e) for e in new] == [effects.AddText, effects.Respond]
