"""What an upstream may not send is its breach of the protocol; a line that is cut is none."""

from __future__ import annotations

import re

import pytest

from holdfast.core.faults import Fault
from holdfast.core.limits import Limits
from holdfast.emulator import Emulator, EmulatorOptions
from holdfast.ports import UpstreamLine
from holdfast.providers.openai import OpenAIDialer
from tests.server.gateway import eventually


class Ear:
    def __init__(self) -> None:
        self.lost: list[Fault] = []
        self.lines: list[UpstreamLine] = []

    def upstream_opened(self, generation: int, line: UpstreamLine) -> None:
        self.lines.append(line)

    def upstream_message(self, generation: int, raw: bytes) -> None: ...

    def upstream_lost(self, generation: int, cause: Fault) -> None:
        self.lost.append(cause)

    def upstream_paused(self, *, paused: bool) -> None: ...


@pytest.mark.parametrize(
    ("fault", "code", "evidence"),
    [
        (
            "oversized:created",
            "provider.protocol_breach",
            "exceeding max allowed|message over [0-9]",
        ),
        ("drop:created", "provider.connection_lost", "close code 1006"),
        ("close:1009:created", "provider.message_too_big", "close code 1009"),
    ],
)
async def test_who_ended_the_link_and_why(fault: str, code: str, evidence: str) -> None:
    ear = Ear()
    async with Emulator(EmulatorOptions(faults=[fault])) as upstream:
        await OpenAIDialer("openai", upstream.http_base, "sk-test", "gpt-realtime-2.1").dial(1, ear, {})
        await eventually(lambda: bool(ear.lost))

    (lost,) = ear.lost
    assert lost.code == code
    assert re.search(evidence, " ".join(lost.evidence))  # who sees the size first: picows, or we


async def test_an_upstream_that_answers_no_ping_is_lost_for_that() -> None:
    ear = Ear()
    limits = Limits(upstream_ping_s=0.2, upstream_pong_s=0.2)
    async with Emulator(EmulatorOptions(faults=["half-open:created"])) as upstream:
        dialer = OpenAIDialer("openai", upstream.http_base, "sk-test", "gpt-realtime-2.1", limits)
        await dialer.dial(1, ear, {})
        await eventually(lambda: bool(ear.lost))

    assert ear.lost[0].code == "provider.connection_lost"
    assert "no answer to a ping" in " ".join(ear.lost[0].evidence)


async def test_the_request_that_opened_a_link_can_be_named() -> None:
    ear = Ear()
    async with Emulator(EmulatorOptions()) as upstream:
        await OpenAIDialer("openai", upstream.http_base, "sk-test", "gpt-realtime-2.1").dial(1, ear, {})

        (line,) = ear.lines
        assert line.request_id.startswith("req_")
        line.close()
