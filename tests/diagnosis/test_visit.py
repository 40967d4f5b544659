"""A visit to an upstream: each step made to fail by the emulator, and the verdict that comes of it."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import Mapping

import pytest

from holdfast.core.limits import Limits
from holdfast.diagnosis import Answer, Approach, Status, Visit
from holdfast.diagnosis.speech import Speech
from holdfast.emulator import Emulator, EmulatorOptions
from holdfast.providers.openai import OpenAIDialer

QUICK = Limits(dial_s=1, created_s=0.5, updated_s=0.5, response_first_s=0.8, response_stall_s=0.6)
AT_ONCE = Approach(pace=0, speech_s=0.6)
STEPS = ("handshake", "admission", "created", "updated", "text", "audio_in", "audio_out", "tool", "conduct")


async def visited(*faults: str, approach: Approach = AT_ONCE) -> tuple[Visit, Mapping[str, Answer], Emulator]:
    async with Emulator(EmulatorOptions(faults=faults, speed=0)) as emulator:
        dialer = OpenAIDialer("openai", emulator.http_base, "sk-test", "gpt-realtime-2.1", QUICK)
        visit = Visit(dialer, QUICK, approach)
        answers = {}
        for step in STEPS:
            answers[step] = await getattr(visit, step)()
            if answers[step].is_trouble and step in STEPS[:4]:
                break
        await visit.leave()
        await emulator.wait_for(lambda: not emulator.open_sessions)
    return visit, answers, emulator


def failed(answers: Mapping[str, Answer]) -> tuple[str, str]:
    """The first step that failed, and its fault."""
    step, answer = next((name, one) for name, one in answers.items() if one.is_trouble)
    assert answer.fault is not None
    return step, answer.fault.code


async def test_a_healthy_upstream_hears_speaks_and_calls() -> None:
    visit, answers, emulator = await visited()

    assert {name: answer.status for name, answer in answers.items()} == dict.fromkeys(STEPS, Status.OK)
    (record,) = emulator.records
    assert visit.trace.sessions == [record.id]
    assert "its own speech" in answers["audio_in"].detail
    assert "called" in answers["tool"].detail
    assert record.audio_bytes > 0


@pytest.mark.parametrize(
    ("fault", "step", "code"),
    [
        ("http:403", "admission", "configuration.no_access"),
        ("http:401", "admission", "configuration.invalid_api_key"),
        ("http:429:quota", "admission", "configuration.quota_exhausted"),
        ("http:503", "handshake", "provider.unavailable"),
        ("http:302", "admission", "configuration.redirected"),
        ("slow-handshake:5", "handshake", "provider.handshake_timeout"),
        ("reset:connecting", "handshake", "provider.connection_lost"),
        ("refuse:invalid_model", "admission", "configuration.model_not_found"),
        ("refuse:insufficient_quota", "admission", "configuration.quota_exhausted"),
        ("silent-created", "created", "provider.silent"),
        ("error:server_error:created", "created", "provider.server_error"),
        ("close:1011:created", "created", "provider.server_error"),
        ("silent-updated", "updated", "provider.unconfigured"),
        ("reject-update", "updated", "configuration.session_refused"),
        ("server-error:start", "updated", "provider.server_error"),
        ("server-error:response", "text", "provider.server_error"),
        ("stall:response", "text", "provider.stalled"),
        ("ignore:response.create", "text", "provider.stalled"),
        ("end-response:content_filter:begun", "text", "provider.response_failed"),
        ("reset:idle", "text", "provider.connection_lost"),
        ("error:server_error:speaking", "audio_in", "provider.server_error"),
        ("ignore:input_audio_buffer.append", "audio_in", "provider.stalled"),
        ("reset:call", "tool", "provider.connection_lost"),
        ("malformed:delta=1", "conduct", "provider.protocol_breach"),
        ("stray:response", "conduct", "provider.protocol_breach"),
        ("reorder:delta", "conduct", "provider.protocol_breach"),
    ],
)
async def test_each_step_names_its_fault(fault: str, step: str, code: str) -> None:
    _, answers, _ = await visited(fault)

    assert failed(answers) == (step, code)


async def test_what_comes_twice_is_borne_and_named() -> None:
    _, answers, _ = await visited("duplicate:all")

    assert not [name for name, answer in answers.items() if answer.is_trouble]
    assert answers["conduct"].status is Status.WARNING
    assert answers["conduct"].fault is not None
    assert answers["conduct"].fault.code == "provider.protocol_breach"


async def test_an_event_that_nobody_knows_is_no_fault() -> None:
    _, answers, _ = await visited("unknown-event:response")

    assert answers["conduct"].status is Status.OK
    assert "emulator.strange" in answers["conduct"].detail


async def test_a_fault_between_two_steps_is_the_next_ones() -> None:
    _, answers, _ = await visited("close:1011:idle")

    assert failed(answers) == ("text", "provider.server_error")
    assert answers["audio_in"].detail == "the link is over"


async def test_support_is_told_what_can_be_looked_up() -> None:
    visit, answers, emulator = await visited("server-error:response,times=1")

    told = answers["text"].told
    assert told is not None
    block = visit.trace.block(told)
    assert f"Session ids: {emulator.records[0].id}" in block
    assert "Response ids: resp_" in block
    assert "sk-test" not in block


async def test_a_visit_that_proves_life_first_sends_its_audio_after_that() -> None:
    _, answers, emulator = await visited(approach=Approach(pace=0, speech_s=0.6, proves_life=True))

    kinds = list(emulator.records[0].received_types)
    assert answers["audio_out"].status is Status.OK
    assert kinds.index("input_audio_buffer.clear") < kinds.index("input_audio_buffer.append")


@pytest.mark.parametrize("faults", [[], ["half-open:updated"]])
async def test_a_visit_that_is_over_has_closed_its_socket(faults: list[str]) -> None:
    """In a loop of its own, which ends with it, as a command's does; whoever is visited may say nothing."""

    async def visit(base: str) -> None:
        visit = Visit(OpenAIDialer("openai", base, "sk-test", "gpt-realtime-2.1", QUICK), QUICK, AT_ONCE)
        for step in STEPS[:4]:
            await getattr(visit, step)()
        await visit.leave()

    async with Emulator(EmulatorOptions(faults=faults, speed=0)) as emulator:
        with warnings.catch_warnings(record=True) as left_open:
            warnings.simplefilter("always", ResourceWarning)
            await asyncio.to_thread(asyncio.run, visit(emulator.http_base))
            gc.collect()

    assert [str(one.message) for one in left_open] == []


async def test_a_visit_may_be_left_twice_and_leaves_no_task() -> None:
    visit, _, _ = await visited()
    await visit.leave()

    assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []


def test_without_a_voice_something_loud_is_said() -> None:
    made = Speech.of(b"", 1.0)
    own = Speech.of(bytes(48_000 * 2), 1.0)

    assert made.source == "a humming sound"
    assert max(made.pcm) > 0
    assert own.source == "its own speech"
    assert own.seconds == 1.0
    assert len(own.pcm) == len(made.pcm)
