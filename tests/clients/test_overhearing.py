"""The tap changes nothing and reads everything; the judge finds what is planted in a fine conversation."""

from __future__ import annotations

import base64
import copy
from collections.abc import Callable
from typing import Any

import pytest
from websockets.asyncio.client import connect

from holdfast.emulator import Emulator, EmulatorOptions, spoken
from tests.clients.judge import judged
from tests.clients.tap import Frames, Overheard, Tap
from tests.emulator.conftest import Caller
from tests.server.gateway import eventually

CHAR_MS = 10


async def overheard() -> Overheard:
    """A spoken answer and one in text, as a tap before an emulator hears them."""
    async with Emulator(EmulatorOptions(speed=0, char_ms=CHAR_MS)) as emulator:
        host, _, port = emulator.http_base.split("/")[2].partition(":")
        async with Tap(host, int(port)).running() as tap:
            address = f"ws://{tap.authority}/v1/realtime?model=gpt-realtime-2.1"
            headers = {"Authorization": "Bearer any"}
            async with connect(address, additional_headers=headers, compression=None) as socket:
                caller = Caller(socket)
                audio = base64.b64encode(spoken("hello", char_ms=40) + bytes(48 * 700)).decode()
                await caller.send("input_audio_buffer.append", audio=audio)
                await caller.until("response.done")
                await caller.say("what is new", output_modalities=["text"])
                await caller.until("response.done")
            await eventually(lambda: tap.connections[0].close_code is not None)
            (one,) = tap.sockets
    known = [event for event in one.server if event["type"] != "rate_limits.updated"]
    assert known == [event for event in caller.events if event["type"] != "rate_limits.updated"]
    assert [event["type"] for event in one.client][-2:] == ["conversation.item.create", "response.create"]
    return one


def _reason(events: list[dict[str, Any]]) -> None:
    done = next(event for event in events if event["type"] == "response.done")
    done["response"] |= {"status": "incomplete", "status_details": {"type": "incomplete", "reason": "ours"}}


def _vendor(events: list[dict[str, Any]]) -> None:
    events.insert(3, {"type": "holdfast.news", "event_id": "event_x"})


def _undeclared(events: list[dict[str, Any]]) -> None:
    events[-1]["extra"] = 1


def _twice(events: list[dict[str, Any]]) -> None:
    sound = [event for event in events if event["type"] == "response.output_audio.delta"]
    at = events.index(sound[-1])
    events[at:at] = [{**event, "event_id": f"again_{number}"} for number, event in enumerate(sound * 3)]


def _overtaken(events: list[dict[str, Any]]) -> None:
    at = next(at for at, event in enumerate(events) if event["type"] == "response.output_item.added")
    events[at - 1], events[at] = events[at], events[at - 1]


def _never_ended(events: list[dict[str, Any]]) -> None:
    events.append(next(event for event in events if event["type"] == "response.done"))


async def test_what_is_fine_is_found_fine() -> None:
    assert judged(await overheard(), char_ms=CHAR_MS) == []


@pytest.mark.parametrize("plant", [_reason, _vendor, _undeclared, _twice, _overtaken, _never_ended])
async def test_what_is_planted_is_found(plant: Callable[[list[dict[str, Any]]], None]) -> None:
    one = await overheard()
    one.server = copy.deepcopy(one.server)
    plant(one.server)

    assert judged(one, char_ms=CHAR_MS)


def _length(size: int) -> bytes:
    if size < 126:
        return bytes([0x80 | size])
    return b"\xfe" + size.to_bytes(2, "big") if size < 65_536 else b"\xff" + size.to_bytes(8, "big")


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
@pytest.mark.parametrize("step", [1, 7, 70_000])
def test_messages_are_read_in_pieces_of_any_length(size: int, step: int) -> None:
    heard: list[tuple[int, bytes]] = []
    payload, mask = bytes(number % 251 for number in range(size)), b"\x01\x02\x03\x04"
    masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
    head = b"\x81" + _length(size) + mask
    frames = Frames(lambda opcode, message: heard.append((opcode, message)))
    whole = head + masked
    for at in range(0, len(whole), max(step, len(whole) // 2_000)):
        frames.feed(whole[at : at + max(step, len(whole) // 2_000)])

    assert heard == [(1, payload)]
