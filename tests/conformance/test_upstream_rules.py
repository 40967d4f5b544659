"""Six properties of a gateway whose upstream dies: each holds for a good one, each finds a bad one."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from holdfast.conformance import CHECKS, Outcome, Target, Visit, make
from holdfast.conformance.scenes import FIRST_WORDS, SCENES, Control, Seen
from holdfast.conformance.upstream import (
    PROPERTIES,
    ends_once,
    promptly,
    remembers,
    said_once,
    stable_ids,
    survives,
)
from holdfast.emulator import Emulator, spoken
from tests.conformance.conftest import BY_ID, SPEECH, Json, emulating

SAID = spoken("an answer that takes more than two seconds", char_ms=60)
OTHER = spoken("something else for just as long as that", char_ms=60)


def response(number: int, *pieces: bytes, status: str = "completed") -> list[Json]:
    response_id, item_id = f"resp_{number}", f"item_{number}"
    ids = {"response_id": response_id, "item_id": item_id}
    deltas = [
        {"type": "response.output_audio.delta", **ids, "delta": base64.b64encode(piece).decode()}
        for piece in pieces
    ]
    return [
        {"type": "response.created", "response": {"id": response_id}},
        *deltas,
        {"type": "response.done", "response": {"id": response_id, "status": status}},
    ]


def good() -> Seen:
    """Cut in the middle of the second answer, carried on by the third."""
    events: list[Json] = [
        {"type": "session.created"},
        *response(1, OTHER),
        *response(2, SAID[:96_000], status="incomplete"),
        *response(3, SAID[96_000:]),
    ]
    for number, event in enumerate(events):
        event["event_id"] = f"event_{number}"
    item = {"type": "message", "content": [{"type": "input_text", "text": f"Remember {FIRST_WORDS}."}]}
    return Seen(events, ["reset:delta=14"], "", ["item_1"], [], [item], 2)


def test_a_good_gateway_passes() -> None:
    assert [look(good()) for _, _, look in PROPERTIES.values()] == [[]] * len(PROPERTIES)


def lost(seen: Seen) -> None:
    seen.trouble = "the connection ended with (4503, 'provider.connection_lost')"


def no_end(seen: Seen) -> None:
    seen.events = [event for event in seen.events if event.get("response", {}).get("status") != "incomplete"]


def two_ends(seen: Seen) -> None:
    seen.events.append({**seen.events[-1], "event_id": "event_x"})


def odd_end(seen: Seen) -> None:
    seen.events[-1]["response"]["status"] = "lost"


def talks_on(seen: Seen) -> None:
    seen.events.append({**seen.events[2], "event_id": "event_x"})


def same_event_id(seen: Seen) -> None:
    seen.events[3]["event_id"] = seen.events[1]["event_id"]


def new_session(seen: Seen) -> None:
    seen.events.append({"type": "session.created", "event_id": "event_x"})


def lost_item(seen: Seen) -> None:
    seen.lost_ids = ["item_1"]


def nothing_asked(seen: Seen) -> None:
    seen.asked_ids = []


def says_it_again(seen: Seen) -> None:
    seen.events += response(4, SAID)


def begins_again_inside(seen: Seen) -> None:
    seen.events += response(4, OTHER[48_000:96_000], OTHER[48_000:])


def silent(seen: Seen) -> None:
    seen.events = [event for event in seen.events if "delta" not in event]


def leaves_alone(seen: Seen) -> None:
    seen.silence_s = 10.2


def forgets(seen: Seen) -> None:
    seen.upstream_items = []


@pytest.mark.parametrize(
    ("look", "spoil"),
    [
        (survives, lost),
        (ends_once, no_end),
        (ends_once, two_ends),
        (ends_once, odd_end),
        (ends_once, talks_on),
        (stable_ids, same_event_id),
        (stable_ids, new_session),
        (stable_ids, lost_item),
        (stable_ids, nothing_asked),
        (said_once, says_it_again),
        (said_once, begins_again_inside),
        (said_once, silent),
        (remembers, forgets),
        (remembers, lost),
        (promptly, leaves_alone),
        (promptly, lost),
    ],
)
def test_a_planted_fault_is_found(look: Callable[[Seen], list[str]], spoil: Callable[[Seen], None]) -> None:
    seen = good()
    spoil(seen)

    assert look(seen)


def test_every_property_was_shown_to_fail() -> None:
    shown = {survives, ends_once, stable_ids, said_once, remembers, promptly}

    assert shown == {look for _, _, look in PROPERTIES.values()}
    assert len([check for check in CHECKS if check.group == "upstream"]) == len(SCENES) * len(shown)


async def alone(emulator: Emulator, check: str) -> Any:
    """An emulator that is its own upstream: what breaks there breaks the client's line."""
    told = Target(emulator.url, "any", speech=SPEECH, patience_s=2, control=emulator.control_url)
    return await make(BY_ID[check], Visit(told))


async def test_scenes_break_a_real_upstream_and_a_server_that_does_not_recover_is_found() -> None:
    async with emulating(control_port=0) as emulator:
        results = {scene.name: await alone(emulator, f"upstream.{scene.name}.survives") for scene in SCENES}

    assert {name: result.outcome for name, result in results.items()} == dict.fromkeys(
        results, Outcome.FAILED
    )
    assert not [name for name, result in results.items() if "never broken" in result.evidence]


async def test_a_scene_in_which_nothing_breaks_is_no_success() -> None:
    async with emulating(control_port=0) as upstream, emulating() as another:
        told = Target(another.url, "any", speech=SPEECH, patience_s=2, control=upstream.control_url)
        result = await make(BY_ID["upstream.created.survives"], Visit(told))

    assert result.outcome is Outcome.FAILED
    assert "never broken" in result.evidence


async def test_without_a_control_port_they_are_skipped() -> None:
    async with emulating() as emulator:
        result = await make(BY_ID["upstream.idle.survives"], Visit(Target(emulator.url, "any")))

    assert (result.outcome, "--upstream-control" in result.evidence) == (Outcome.SKIPPED, True)


async def test_a_control_port_that_is_none_is_told() -> None:
    async with emulating() as emulator, httpx.AsyncClient(trust_env=False) as client:
        told = Target(emulator.url, "any", control="http://127.0.0.1:1")
        result = await make(BY_ID["upstream.idle.survives"], Visit(told))
        assert (result.outcome, "does not answer" in result.evidence) == (Outcome.FAILED, True)
        with pytest.raises(Exception, match="not_found"):
            await Control(emulator.http_base, client).ask("GET", "/nowhere")
