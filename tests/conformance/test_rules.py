"""The rules over events: nothing is wrong with a right conversation, and each wrong one is told."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest

from holdfast.conformance import rules
from holdfast.conformance.shapes import misshapen
from tests.wire.realtime_dialog import Dialog, Json
from tests.wire.test_realtime_strict import EVENTS, emulated


def turn(*, spoken: bool = True) -> list[Json]:
    dialog: Dialog = emulated()
    dialog.say("hello there")
    dialog.send("response.create", response={"output_modalities": ["audio" if spoken else "text"]})
    created = next(event for event in dialog.events if event["type"] == "response.created")
    return [dict(event) for event in rules.of_response(dialog.events, created["response"]["id"])]


def at(events: list[Json], kind: str) -> int:
    return next(place for place, event in enumerate(events) if event["type"] == kind)


def without(kind: str) -> Callable[[list[Json]], None]:
    def spoil(events: list[Json]) -> None:
        events[:] = [event for event in events if event["type"] != kind]

    return spoil


def swapped(first: str, second: str) -> Callable[[list[Json]], None]:
    def spoil(events: list[Json]) -> None:
        one, other = at(events, first), at(events, second)
        events[one], events[other] = events[other], events[one]

    return spoil


def says(kind: str, **fields: object) -> Callable[[list[Json]], None]:
    return lambda events: events[at(events, kind)].update(fields)


def test_nothing_is_wrong_with_a_right_turn() -> None:
    spoken, written = turn(), turn(spoken=False)

    assert (
        rules.spoken_turn_order(spoken) == rules.transcript_joins(spoken) == rules.one_end_each(spoken) == []
    )
    assert rules.text_turn_order(written) == rules.text_joins(written) == rules.unique_ids(written) == []
    assert rules.usage_adds_up(spoken[-1]["response"]) == []
    assert [wrong for event in EVENTS for wrong in misshapen(event)] == []


@pytest.mark.parametrize(
    ("look", "spoil"),
    [
        (rules.spoken_turn_order, without("response.content_part.added")),
        (rules.spoken_turn_order, swapped("response.output_item.added", "response.output_audio.delta")),
        (rules.spoken_turn_order, swapped("response.output_audio.done", "response.output_item.done")),
        (rules.transcript_joins, without("response.output_audio_transcript.done")),
        (rules.transcript_joins, says("response.output_audio_transcript.done", transcript="x")),
        (rules.transcript_joins, says("response.content_part.done", part={"transcript": "x"})),
        (rules.transcript_joins, without("response.output_audio_transcript.delta")),
        (rules.one_end_each, without("response.done")),
        (rules.one_end_each, without("response.created")),
        (rules.one_end_each, swapped("response.output_item.done", "response.done")),
        (rules.unique_ids, says("response.done", event_id=None)),
        (rules.unique_ids, lambda events: events.append(events[0])),
    ],
)
def test_a_wrong_turn_is_told(
    look: Callable[[list[Json]], list[str]], spoil: Callable[[list[Json]], None]
) -> None:
    events = turn()
    assert look(events) == []
    spoil(events)

    assert look(events)


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {},
        {"total_tokens": 2, "input_tokens": 1, "output_tokens": 1},
        {
            "total_tokens": 3,
            "input_tokens": 1,
            "output_tokens": 1,
            "input_token_details": {},
            "output_token_details": {},
        },
    ],
)
def test_wrong_usage_is_told(usage: object) -> None:
    assert rules.usage_adds_up({"usage": usage})


@pytest.mark.parametrize(
    ("kind", "path"), [("response.done", "response"), ("error", "error"), ("conversation.item.added", "item")]
)
def test_a_field_that_is_missing_is_told(kind: str, path: str) -> None:
    event = copy.deepcopy(next(one for one in EVENTS if one["type"] == kind))
    assert misshapen(event) == []
    event[path].pop(next(iter({"response": ["id"], "error": ["message"], "item": ["type"]}[path])))
    assert misshapen(event)
    event.pop(path)
    assert misshapen(event)


def test_an_event_that_is_none_is_told() -> None:
    assert misshapen({"type": "vendor.special"}) == ["there is no event 'vendor.special'"]
