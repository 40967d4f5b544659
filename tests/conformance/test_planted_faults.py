"""No check is unable to fail: for each one a server with a planted fault that it finds, by name."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from holdfast.conformance import CHECKS, Check, Outcome, Target, Visit, chaos, make
from holdfast.emulator import Call, Emulator, Turn
from tests.conformance.conftest import BY_ID, SPEECH, Json, bears_anything, emulating, made, serving

Tamper = Callable[[Json], Sequence[Json]]


def put(kind: str, path: str, value: Any) -> Tamper:
    """Events of that type (or with that beginning) say something else there."""

    def tamper(event: Json) -> Sequence[Json]:
        if event["type"] == kind or (kind.endswith("*") and event["type"].startswith(kind[:-1])):
            inside: Any = event
            *way, last = path.split(".")
            for name in way:
                inside = inside[int(name)] if name.isdigit() else inside[name]
            if value is DELETED:
                inside.pop(last, None)
            else:
                inside[last] = value
        return [event]

    return tamper


DELETED = object()


def followed(kind: str, **more: Any) -> Tamper:
    """Events of that type are followed by another."""
    return lambda event: [event, more] if event["type"] == kind else [event]


def replaced(kind: str, **more: Any) -> Tamper:
    """Events of that type come as another."""
    return lambda event: [more] if event["type"] == kind else [event]


def later(kind: str, change: Callable[[Json], None]) -> Tamper:
    """Only the second and later events of that type are changed."""
    seen = []

    def tamper(event: Json) -> Sequence[Json]:
        if event["type"] == kind:
            seen.append(kind)
            if len(seen) > 1:
                change(event)
        return [event]

    return tamper


SESSION = {"type": "realtime", "model": "some-other-model", "output_modalities": ["text", "audio"]}
UPDATED: Json = {"type": "session.updated", "event_id": "event_x", "session": SESSION}
OTHER_CODE = put("error", "error.code", "something_else")
NO_ERROR = "omit:error"
ON_THE_NEXT = "drop:3@1"
"""The first connection, the bystander's, dies in its second turn."""

# Check -> what is wrong with the server: faults of the table, or what it says is rewritten.
BY_FAULT: dict[str, str | tuple[str, ...]] = {
    "connect.created_first": "unknown-event:created",
    "connect.quiet": "server-error",
    "connect.no_credential": "http:500",
    "session.carried": "reject-update",
    "item.unknown_previous": NO_ERROR,
    "item.same_id": NO_ERROR,
    "item.delete": "ignore:conversation.item.delete",
    "item.delete_unknown": NO_ERROR,
    "item.retrieve": "ignore:conversation.item.retrieve",
    "item.no_answer": "unknown-event:1",
    "item.truncate": "ignore:conversation.item.truncate",
    "item.truncate_user": NO_ERROR,
    "text.order": "reorder:delta",
    "text.joins": "omit:response.output_text.delta,times=1",
    "speech.order": "reorder:done",
    "response.one_active": "ignore:response.create,chance=0.5",  # with seed 0 it is the second of two
    "response.cancel": "ignore:response.cancel",
    "response.rapid": "omit:response.done,times=1",
    "tool.order": "omit:response.function_call_arguments.done",
    "tool.output": "end-response:content_filter:response",
    "audio.append_is_silent": "unknown-event:3",
    "audio.commit_answered": "end-response:server_error",
    "audio.too_short": NO_ERROR,
    "audio.clear": "ignore:input_audio_buffer.clear",
    "audio.odd_bytes": "reject:input_audio_buffer.append",
    "audio.not_base64": NO_ERROR,
    "audio.large": "close:1009:2",
    "audio.transcribed": "omit:conversation.item.input_audio_transcription.completed",
    "vad.order": "omit:input_audio_buffer.speech_stopped",
    "vad.goes_on": "end-response:server_error",
    "trap.early": "reject:session.update",
    "trap.unknown_call": NO_ERROR,
    "trap.longest_append": "close:1009:2",
    "trap.bad_key": "http:401",
    "trap.key_of_a_browser": "refuse:invalid_api_key",
    "trap.no_such_model": "refuse:insufficient_quota",
    "error.not_json": NO_ERROR,
    "error.not_object": NO_ERROR,
    "error.wrong_type": NO_ERROR,
    "error.deep": "close:1011:1",
    "error.then_talks": "close:1008:2",
    "frame.close": "mute:closing",
    "frame.let_go": "drop:closing",
    "frame.fragments": "ignore:input_audio_buffer.clear",
    "frame.binary": NO_ERROR,
    "chaos.reset_handshake": ON_THE_NEXT,
    "chaos.reset_created": ON_THE_NEXT,
    "chaos.reset_speaking": ON_THE_NEXT,
    "chaos.reset_answering": "http:503@3-",
    "chaos.reset_tool": ON_THE_NEXT,
    "chaos.reset_closing": "http:503@3-",
    "chaos.flood": "mute:20@2-2",
    "chaos.half_message": ON_THE_NEXT,
    "chaos.slow_reader": "reorder:done@2-2",
    "chaos.many": "http:500@4-4",
}

BY_TAMPERING: dict[str, Tamper] = {
    "connect.session_object": put("session.created", "session.audio", DELETED),
    "connect.transcription": put("session.created", "session.object", "realtime.session"),
    "session.echo": put("session.updated", "session.audio", DELETED),
    "session.merge": put("session.updated", "session.audio.input.turn_detection.threshold", 0.5),
    "session.clear": put("session.updated", "session.tools", [{"type": "function", "name": "left"}]),
    "session.all_or_nothing": later(
        "session.updated", lambda event: event["session"].update(instructions="changed")
    ),
    "session.needs_type": put("error", "error.param", None),
    "session.unknown_key": OTHER_CODE,
    "session.model_is_fixed": replaced("error", **UPDATED),
    "session.one_modality": replaced("error", **UPDATED),
    "session.voice_is_locked": OTHER_CODE,
    "item.own_id": put("conversation.item.*", "item.id", "item_another"),
    "item.server_id": put("conversation.item.*", "item.id", "item_the_same"),
    "item.order": put("conversation.item.added", "previous_item_id", None),
    "item.roles": put("conversation.item.added", "item.role", "user"),
    "item.calls": put("conversation.item.added", "item.call_id", "call_another"),
    "item.audio": put("conversation.item.retrieved", "item.content", []),
    "item.truncate_beyond": OTHER_CODE,
    "item.truncate_unknown": OTHER_CODE,
    "text.modality": put("response.done", "response.output_modalities", ["audio"]),
    "speech.joins": put("response.output_audio_transcript.done", "transcript", "something else"),
    "speech.ids": put("response.output_audio.delta", "item_id", "item_another"),
    "response.created": put("response.created", "response.status", "completed"),
    "response.usage": put("response.done", "response.usage.total_tokens", 1),
    "response.metadata": put("response.done", "response.metadata", None),
    "response.out_of_band": put("response.done", "response.conversation_id", "conv_1"),
    "response.cancel_none": OTHER_CODE,
    "response.unasked": followed("rate_limits.updated", type="response.created", response={"id": "resp_1"}),
    "response.remembers": put("response.done", "response.conversation_id", None),
    "response.max_tokens": put("response.done", "response.max_output_tokens", "inf"),
    "tool.arguments": put("response.function_call_arguments.delta", "delta", "{"),
    "tool.call_id": put("response.function_call_arguments.done", "call_id", "call_another"),
    "tool.status": put("response.output_item.done", "item.status", "in_progress"),
    "audio.commit": put("input_audio_buffer.committed", "item_id", "item_another"),
    "vad.item": put("input_audio_buffer.speech_stopped", "item_id", "item_another"),
    "vad.no_answer": followed("conversation.item.done", type="response.created", response={"id": "resp_1"}),
    "vad.barge_in": put("response.done", "response.status_details", {"reason": "client_cancelled"}),
    "trap.bad_field": put("error", "error.param", None),
    "trap.tracing": put("session.updated", "session.tracing", None),
    "trap.create_cancel": put("response.created", "response.metadata", None),
    "trap.two_at_once": OTHER_CODE,
    "trap.parallel_outputs": OTHER_CODE,
    "trap.edits": put("conversation.item.added", "previous_item_id", None),
    "trap.usage_details": put("response.done", "response.usage.output_token_details.audio_tokens", DELETED),
    "trap.cut_and_read": put("conversation.item.retrieved", "item.content", None),
    "trap.read_long_audio": put("conversation.item.retrieved", "item.content.0.type", "text"),
    "error.unknown_event": put("error", "error.param", None),
    "error.missing_field": put("error", "error.param", "item"),
    "error.named": put("error", "error.event_id", None),
    "error.unnamed": put("error", "error.event_id", "event_of_somebody"),
    "error.shape": put("error", "error.param", DELETED),
}

# Checks over everything that was heard: with another check that lets something be heard.
OVER_ALL: dict[str, tuple[str, str | Tamper]] = {
    "whole.event_ids": ("text.order", "duplicate:rate_limits.updated"),
    "whole.session_ids": ("frame.unicode", put("session.*", "session.id", "sess_1")),
    "whole.prefixes": ("tool.order", put("response.*", "response_id", "run_1")),
    "whole.ends": ("text.order", "duplicate-done"),
    "whole.shapes": ("text.order", put("response.done", "response.output", DELETED)),
    "whole.known": ("text.order", "unknown-event:created"),
}

# Checks that only a server can fail that is not built on a sound socket or HTTP library.
ON_BARE_SERVERS = {
    "connect.subprotocol",
    "frame.unicode",
    "frame.reserved_bit",
    "frame.unknown_opcode",
    "frame.continuation",
    "frame.unmasked",
    "frame.oversized",
    "chaos.garbage",
    "chaos.fragments",
    "chaos.ping_flood",
}
ELSEWHERE = {"connect.client_secret", "frame.ping", "tool.none"}
"""Each has a test of its own below."""


def patience(check: str) -> float:
    return 1.0 if check in {"response.cancel", "response.one_active"} or check.startswith("chaos") else 0.4


@pytest.mark.parametrize(("check", "faults"), BY_FAULT.items())
async def test_a_fault_of_the_table_is_found(check: str, faults: str | tuple[str, ...]) -> None:
    told = (faults,) if isinstance(faults, str) else faults
    async with emulating(*told) as emulator:
        result = await made(emulator, check, patience_s=patience(check))

    print(check, "->", result.evidence)
    assert result.outcome is Outcome.FAILED, result.evidence
    assert "lacks what belongs" not in result.evidence


@pytest.mark.parametrize(("check", "tamper"), BY_TAMPERING.items())
async def test_what_is_said_wrongly_is_found(check: str, tamper: Tamper) -> None:
    async with emulating(tamper=tamper) as emulator:
        result = await made(emulator, check, patience_s=patience(check))

    print(check, "->", result.evidence)
    assert result.outcome is Outcome.FAILED, result.evidence
    assert "lacks what belongs" not in result.evidence


@pytest.mark.parametrize(("check", "plant"), OVER_ALL.items())
async def test_a_fault_is_found_in_all_that_was_heard(check: str, plant: tuple[str, str | Tamper]) -> None:
    other, wrong = plant
    faults = [wrong] if isinstance(wrong, str) else []
    async with emulating(*faults, tamper=None if isinstance(wrong, str) else wrong) as emulator:
        result = await made(emulator, other, check, patience_s=0.4)

    assert result.outcome is Outcome.FAILED, result.evidence


@pytest.mark.parametrize("check", sorted(ON_BARE_SERVERS))
async def test_a_server_that_bears_anything_is_found(check: str) -> None:
    async with serving(bears_anything) as authority:
        visit = Visit(Target(f"ws://{authority}", "any", speech=SPEECH, patience_s=0.3))
        # Nobody could be a bystander there: of chaos, what the check itself looks at is asked for alone.
        look = ALONE.get(check)
        asked = BY_ID[check] if look is None else Check(check, "alone", "", look)
        result = await make(asked, visit)

    print(check, "->", result.evidence)
    assert result.outcome is Outcome.FAILED, result.evidence


ALONE = {
    "chaos.garbage": chaos._garbage,
    "chaos.fragments": chaos._fragments_without_end,
    "chaos.ping_flood": chaos._ping_flood,
}


async def test_a_ping_without_an_answer_is_found() -> None:
    async with emulating() as emulator:

        async def freeze() -> None:
            await emulator.wait_for(lambda: bool(emulator.sessions))
            emulator.break_now("half-open")

        freezing = asyncio.create_task(freeze())
        result = await made(emulator, "frame.ping", patience_s=0.4)
        await freezing

    assert result.outcome is Outcome.FAILED, result.evidence


async def test_a_call_that_was_forbidden_is_found() -> None:
    async with emulating(script=[Turn(call=Call("get_balance"))]) as emulator:
        result = await made(emulator, "tool.none", patience_s=0.4)

    assert result.outcome is Outcome.FAILED, result.evidence


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 500 Oops\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
        b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n{"value":""}',
    ],
)
async def test_a_bad_client_secret_is_found(answer: bytes) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()

    async with serving(handle) as authority:
        result = await make(
            BY_ID["connect.client_secret"], Visit(Target(f"ws://{authority}", "any", patience_s=1))
        )

    assert result.outcome is Outcome.FAILED, result.evidence


def test_every_check_was_shown_to_fail() -> None:
    """Those of a broken upstream have their own page (`test_upstream_rules`)."""
    shown = [*BY_FAULT, *BY_TAMPERING, *OVER_ALL, *ON_BARE_SERVERS, *ELSEWHERE]

    assert sorted(shown) == sorted(check.id for check in CHECKS if check.group != "upstream")


async def test_a_gateway_that_dies_of_a_reset_is_found() -> None:
    """The planted fault itself, not a stand-in: one client's reset takes everybody along."""
    async with emulating() as emulator:

        async def die_of_a_reset(emulator: Emulator) -> None:
            await emulator.wait_for(lambda: any(one.close_code == 1006 for one in emulator.records))
            emulator.go_dark()

        dying = asyncio.create_task(die_of_a_reset(emulator))
        result = await made(emulator, "chaos.reset_created", patience_s=0.5)
        await dying

    assert result.outcome is Outcome.FAILED
    assert "somebody else was not served" in result.evidence
