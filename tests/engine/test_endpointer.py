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

FRAME_MS = 32
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
    assert pauses == ([] if paused_after is None else [SpeechPaused((10 + paused_after) * FRAME_MS)])


def test_each_pause_of_a_turn_is_told() -> None:
    found = all_events(
        ([SPEECH] * 5 + [SILENCE] * 3) * 3 + [SILENCE] * 6, TurnSettings(silence_duration_ms=200)
    )
    kinds = [type(event) for event in found]
    assert kinds == [SpeechStarted, SpeechPaused, SpeechPaused, SpeechPaused, SpeechStopped]


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
