"""Turns are found from probabilities alone."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.engine.endpointer import (
    LONGEST_TURN_MS,
    Endpointer,
    SpeechPaused,
    SpeechStarted,
    SpeechStopped,
    TurnEvent,
    TurnSettings,
)

FRAME_MS, FRAME = 32, 512
SPEECH, SILENCE, UNSURE = 0.9, 0.01, 0.4


def all_events(probabilities: Sequence[float], settings: TurnSettings) -> list[TurnEvent]:
    endpointer = Endpointer(settings)
    return [event for one in probabilities if (event := endpointer.push(one)) is not None]


def events(probabilities: Sequence[float], settings: TurnSettings) -> list[TurnEvent]:
    """Where turns begin and end."""
    found = all_events(probabilities, settings)
    return [event for event in found if not isinstance(event, SpeechPaused)]


def test_a_turn_begins_before_its_first_frame_and_ends_after_the_hangover() -> None:
    settings = TurnSettings(prefix_padding_ms=300, silence_duration_ms=200)
    found = events([SILENCE] * 20 + [SPEECH] * 10 + [SILENCE] * 20, settings)
    assert found == [SpeechStarted(20 * FRAME_MS - 300), SpeechStopped(36 * FRAME_MS)]


def test_the_prefix_never_reaches_before_the_stream() -> None:
    assert events([SPEECH], TurnSettings(prefix_padding_ms=300)) == [SpeechStarted(0)]


def test_a_short_pause_does_not_end_the_turn() -> None:
    settings = TurnSettings(silence_duration_ms=500)
    assert len(events([SPEECH] * 5 + [SILENCE] * 10 + [SPEECH] * 5 + [SILENCE] * 10, settings)) == 1


def test_a_drop_below_the_threshold_is_not_yet_silence() -> None:
    settings = TurnSettings(threshold=0.5, silence_duration_ms=100)
    assert len(events([SPEECH] * 5 + [UNSURE] * 50, settings)) == 1


def test_no_turn_is_longer_than_its_bound() -> None:
    frames = LONGEST_TURN_MS // FRAME_MS + 2
    found = events([SPEECH] * frames, TurnSettings())
    # The speaker goes on: the next turn begins where this one ended, not before.
    assert found == [SpeechStarted(0), SpeechStopped(LONGEST_TURN_MS), SpeechStarted(LONGEST_TURN_MS)]


def test_positions_go_on_where_the_stream_was_skipped_or_heard_otherwise() -> None:
    endpointer = Endpointer(TurnSettings(prefix_padding_ms=300), position=1_000 * 16)
    endpointer.skip(10 * 512)
    assert endpointer.push(SPEECH) == SpeechStarted(1_000 + 10 * FRAME_MS)
    endpointer.abandon()
    assert endpointer.push(SPEECH) == SpeechStarted(1_000 + 11 * FRAME_MS)


@pytest.mark.parametrize(("hangover_ms", "paused_after"), [(200, 2), (300, 3), (500, 10), (60, None)])
def test_a_pause_is_told_once_as_late_as_leaves_time_for_an_answer(
    hangover_ms: int, paused_after: int | None
) -> None:
    settings = TurnSettings(silence_duration_ms=hangover_ms)
    found = all_events([SPEECH] * 10 + [SILENCE] * 20, settings)
    pauses = [event for event in found if isinstance(event, SpeechPaused)]
    told = [] if paused_after is None else [SpeechPaused((10 + paused_after) * FRAME_MS, 10 * FRAME)]
    assert pauses == told


def test_each_pause_of_a_turn_is_told() -> None:
    found = all_events(
        ([SPEECH] * 5 + [SILENCE] * 3) * 3 + [SILENCE] * 6, TurnSettings(silence_duration_ms=200)
    )
    kinds = [type(event) for event in found]
    assert kinds == [SpeechStarted, SpeechPaused, SpeechPaused, SpeechPaused, SpeechStopped]


JUDGED = TurnSettings(silence_duration_ms=200, longest_silence_ms=2_000)


def lived(endpointer: Endpointer, *frames: tuple[float, int]) -> list[TurnEvent]:
    found = [endpointer.push(one) for one, times in frames for _ in range(times)]
    return [event for event in found if event is not None]


def test_who_has_finished_is_answered_after_the_shortest_silence() -> None:
    endpointer = Endpointer(JUDGED)
    started, paused = lived(endpointer, (SPEECH, 10), (SILENCE, 2))
    assert isinstance(started, SpeechStarted)
    assert isinstance(paused, SpeechPaused)
    endpointer.finished(paused.since)
    assert lived(endpointer, (SILENCE, 4)) == [SpeechStopped(16 * FRAME_MS)]


def test_a_verdict_that_comes_late_ends_the_turn_with_the_next_frame() -> None:
    endpointer = Endpointer(JUDGED)
    paused = lived(endpointer, (SPEECH, 10), (SILENCE, 20))[1]
    assert isinstance(paused, SpeechPaused)
    endpointer.finished(paused.since)
    assert lived(endpointer, (SILENCE, 1)) == [SpeechStopped(31 * FRAME_MS)]


def test_who_has_not_finished_is_waited_for_but_not_for_ever() -> None:
    found = lived(Endpointer(JUDGED), (SPEECH, 10), (SILENCE, 70))
    pauses = [event.at_ms - 10 * FRAME_MS for event in found if isinstance(event, SpeechPaused)]
    assert pauses == [64, 416, 832, 1664]
    assert found[-1] == SpeechStopped((10 + 62) * FRAME_MS)


def test_a_verdict_about_a_pause_says_nothing_of_the_next() -> None:
    endpointer = Endpointer(JUDGED)
    first = lived(endpointer, (SPEECH, 10), (SILENCE, 3))[1]
    assert isinstance(first, SpeechPaused)
    assert lived(endpointer, (SPEECH, 3)) == []
    endpointer.finished(first.since)
    assert not [event for event in lived(endpointer, (SILENCE, 20)) if isinstance(event, SpeechStopped)]
    other = Endpointer(JUDGED)
    other.push(SPEECH)
    other.push(SILENCE)
    other.finished(FRAME)
    lived(other, (SPEECH, 1))  # speaks again after the verdict
    assert not [event for event in lived(other, (SILENCE, 20)) if isinstance(event, SpeechStopped)]


@pytest.mark.parametrize(
    ("asked", "settings"),
    [
        ({"type": "semantic_vad", "eagerness": "low"}, (500, 8_000, 0.7)),
        ({"type": "semantic_vad"}, (300, 4_000, 0.5)),
        ({"type": "semantic_vad", "eagerness": "high"}, (200, 2_000, 0.3)),
        ({"type": "server_vad", "silence_duration_ms": 200}, (200, 2_200, 0.5)),
    ],
)
def test_where_pauses_are_judged_eagerness_is_how_sure_and_how_long(
    asked: dict[str, str], settings: tuple[int, int, float]
) -> None:
    found = TurnSettings.of(asked, is_judged=True)
    assert (found.silence_duration_ms, found.longest_silence_ms, found.sure_from) == settings


@pytest.mark.parametrize(("eagerness", "silence_ms"), [("low", 900), ("auto", 500), ("high", 300)])
def test_semantic_vad_is_a_hangover_by_eagerness(eagerness: str, silence_ms: int) -> None:
    assert TurnSettings.of({"type": "semantic_vad", "eagerness": eagerness}).silence_duration_ms == silence_ms


@given(st.lists(st.floats(0, 1), max_size=400), st.integers(0, 1000))
def test_starts_and_stops_take_turns_and_positions_only_grow(
    probabilities: list[float], silence_ms: int
) -> None:
    found = events(probabilities, TurnSettings(prefix_padding_ms=0, silence_duration_ms=silence_ms))
    kinds = [type(event) for event in found]
    assert kinds == [SpeechStarted, SpeechStopped] * (len(kinds) // 2) + [SpeechStarted] * (len(kinds) % 2)
    positions = [event.at_ms for event in found]
    assert positions == sorted(positions)
