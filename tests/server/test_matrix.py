"""The fault matrix over real sockets: every upstream fault at every moment where it can happen.

One conversation (a spoken question, a typed one that needs a tool) with one fault on the first connection.
What the cell must lead to is judged from outside: what the client was told, what each upstream heard.
"""

from __future__ import annotations

import array
import random
from dataclasses import dataclass
from typing import Any

import pytest

from holdfast.core.limits import Limits
from holdfast.emulator import Emulator, EmulatorOptions, SessionRecord
from tests.server.gateway import Client, TestGateway, frames, gateway

LIMITS = Limits(
    dial_s=1.0,
    created_s=0.3,
    updated_s=0.3,
    upstream_ping_s=0.3,
    upstream_pong_s=0.2,
    response_first_s=0.6,
    response_stall_s=0.4,
    response_notice_s=0.2,
    reask_wait_s=0.05,
)
_noise = random.Random(7)
QUESTION = array.array(
    "h", (_noise.choice((-9000, 9000)) + _noise.randrange(997) for _ in range(24_000))
).tobytes()
"""A second of loud noise in which every piece is found at one place only."""
SILENCE = bytes(48_000)

EARLY = ("connecting", "created", "updated")
LATE = ("idle", "speaking", "committed", "begun", "response", "call", "tool")
BREAKS = ("drop", "reset", "half-open", "close:1000", "close:1001", "close:1011", "close:1012", "close:1013")


@dataclass(frozen=True)
class Cell:
    """A fault as the emulator spells it, and what must come of it."""

    fault: str
    outcome: str
    """held: answered in the end; refused: ended politely, without a retry."""

    def __str__(self) -> str:
        return self.fault


def _cells() -> list[Cell]:
    cells = []
    for name in BREAKS:
        moments = LATE if name.startswith("close") else (*EARLY, *LATE)
        cells += [Cell(f"{name}:{moment}@1", "held") for moment in moments]
    for code in (1002, 1003, 1007, 1009):
        cells += [Cell(f"close:{code}:{moment}@1", "held") for moment in ("updated", *LATE)]
    cells += [Cell(f"close:1008:{moment}:expired@1", "held") for moment in LATE]
    cells += [Cell(f"close:1008:{moment}:policy@1", "refused") for moment in ("updated", "idle", "committed")]
    cells += [Cell(f"http:{status}@1", "held") for status in (408, 429, 500, 502, 503, 504)]
    cells += [Cell("http:429:0.2@1", "held"), Cell("http:429:quota", "refused")]
    cells += [Cell(f"http:{status}", "refused") for status in (301, 307, 401, 403, 404)]
    cells += [
        Cell(f"refuse:{code}", "refused")
        for code in ("invalid_api_key", "model_not_found", "insufficient_quota")
    ]
    cells += [Cell("reject-update", "refused")]
    cells += [
        Cell("silent-created@1", "held"),
        Cell("silent-updated@1", "held"),
        Cell("stall:response@1", "held"),
    ]
    cells += [
        Cell(f"mute:{moment}@1", "held")
        for moment in ("created", "updated", "committed", "begun", "response")
    ]
    cells += [Cell(f"error:server_error:{moment}@1", "held") for moment in LATE]
    cells += [Cell(f"error:session_expired:{moment}@1", "held") for moment in ("idle", "response")]
    cells += [Cell(f"error:rate_limit:{moment}@1", "held") for moment in ("idle", "committed", "response")]
    cells += [
        Cell(f"error:invalid_request:{moment}@1", "held") for moment in ("idle", "speaking", "response")
    ]
    cells += [
        Cell(f"{what}:{moment}@1", "held")
        for what in ("malformed", "wrong-types", "unknown-event", "stray")
        for moment in LATE
    ]
    cells += [Cell(f"oversized:{moment}@1", "held") for moment in ("idle", "response")]
    cells += [Cell("duplicate:all@1", "held"), Cell("duplicate-done@1", "held")]
    cells += [Cell("reorder:delta@1", "held"), Cell("reorder:done@1", "held")]
    cells += [
        Cell(f"end-response:{ending}:{moment}@1,times=1", "held")
        for ending in ("server_error", "rate_limit", "max_tokens", "content_filter")
        for moment in ("begun", "response")
    ]
    cells += [
        Cell("slow-handshake:0.3@1", "held"),
        Cell("slow-created:0.2@1", "held"),
        Cell("slow-updated:0.2@1", "held"),
    ]
    return cells


@pytest.mark.parametrize("cell", _cells(), ids=str)
async def test_each_cell_has_its_required_outcome(cell: Cell) -> None:
    options = EmulatorOptions(faults=[cell.fault], speed=0, keep_audio=True)
    async with Emulator(options) as upstream, gateway(upstream.http_base, limits=LIMITS) as gw:
        client = await Client.connect(gw.browser_url)
        client.say("create_session", framing="positioned")
        if ":idle" in cell.fault:
            await upstream.wait_for(lambda: was_broken(cell, upstream))
        await converse(client, gw)
        if cell.outcome == "refused":
            await client.until_closed()
            assert client.told("error")[-1]["retryable"] is False
            assert len(upstream.records) <= 2, "a storm of retries"
        else:
            assert client.closed is None, client.texts[-1]
            assert len(upstream.records) <= 3, "more attempts than one fault needs"
            nothing_is_lost(client, upstream.records)
            assert len(gw.tools.runs) <= 1, "a tool ran twice"
            client.say("end_session")
        assert was_broken(cell, upstream), "the fault never happened"
        in_order_and_once(client)
        each_response_ends_once(client)


def was_broken(cell: Cell, upstream: Emulator) -> bool:
    """Whether the emulator did what the cell is about."""
    at_the_door = cell.fault.startswith(("http", "refuse", "slow", "silent", "reject", "stall", "mute"))
    at_the_door = at_the_door or ":connecting" in cell.fault
    return at_the_door or any(record.broken for record in upstream.records)


async def converse(client: Client, gw: TestGateway) -> None:
    """The spoken question, its answer, the typed one, its answer; or the end."""
    at = 0
    for frame in frames(QUESTION + SILENCE):
        client.send_binary(at.to_bytes(8, "little") + frame)
        at += len(frame) // 2
    await client.until(lambda: client.closed is not None or answers(client) >= 1, 8)
    if client.closed is None:
        client.say("input_text", text="call balance {}")
        before = answers(client)
        await client.until(
            lambda: (
                client.closed is not None
                or (bool(gw.tools.runs) and answers(client) >= before + 1 and is_quiet(client))
            ),
            8,
        )


def answers(client: Client) -> int:
    """Responses that said something and came to their end, one way or another."""
    return sum(m["status"] in {"completed", "incomplete", "failed"} for m in client.told("response_done"))


def is_quiet(client: Client) -> bool:
    tools = len(client.told("tool_started")) == len(client.told("tool_done"))
    return tools and len(client.told("response_started")) == len(client.told("response_done"))


def heard_by(record: SessionRecord) -> bytes:
    return b"".join(item.pcm for item in record.items) + bytes(record.pcm)


def nothing_is_lost(client: Client, records: list[SessionRecord]) -> None:
    """Who answered had heard the whole question, once; nothing was declared lost."""
    assert not [m for m in client.told("audio_lost") if m["direction"] == "input"]
    answered = [record for record in records if record.sent_counts["response.created"]]
    assert answered
    assert any(heard_by(record).count(QUESTION[2_000:46_000]) == 1 for record in records), (
        "words went missing"
    )
    for record in records:
        assert heard_by(record).count(QUESTION[2_000:4_000]) <= 1, "one upstream heard it twice"


def in_order_and_once(client: Client) -> None:
    """Offsets without holes; no sample of an item twice, none skipped."""
    offsets: list[int] = [m["offset"] for m in client.texts if "offset" in m]
    streams: dict[int, int] = {}
    for message in client.binaries:
        offset, stream, _, start = _header(message)
        offsets.append(offset)
        assert start == streams.get(stream, 0), "a sample twice, or a hole"
        streams[stream] = start + (len(message) - 24) // 2
    assert sorted(offsets) == list(range(1, len(offsets) + 1))


def _header(message: bytes) -> tuple[int, int, int, int]:
    numbers = [int.from_bytes(message[a:b], "little") for a, b in ((0, 8), (8, 12), (12, 16), (16, 24))]
    return numbers[0], numbers[1], numbers[2], numbers[3]


def each_response_ends_once(client: Client) -> None:
    started: list[Any] = [m["responseId"] for m in client.told("response_started")]
    done: list[Any] = [m["responseId"] for m in client.told("response_done")]
    assert sorted(started) == sorted(done)
    assert len(set(started)) == len(started)
