"""A fresh session takes over a conversation: real workers, real sockets, speech as audio."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.engine.line import BYTES_PER_MS, EngineLine, Event
from benchmarks.engine.speech import in_a_room, synthesised

from holdfast.engine.inbox import HIGH_BYTES
from holdfast.engine.options import EngineOptions
from holdfast.engine.pool import EnginePool
from holdfast.engine.resample import to_pcm
from tests.engine.conftest import Tool
from tests.engine.talking import (
    UNDECLARED,
    answer_call,
    ask,
    called,
    ended,
    kinds,
    opened,
    recording,
    restore,
    spoken_words,
    up_to,
    wire,
    written,
)
from tests.wire.strict import judge_server_event

pytestmark = [pytest.mark.speech, pytest.mark.asyncio(loop_scope="module")]

BALANCE = "You still owe €20 on your loan. The next payment is due on Monday."
COMPLETED = "conversation.item.input_audio_transcription.completed"


def bodies(events: list[Event], kind: str) -> list[Any]:
    return [event.body for event in events if event.kind == kind]


async def test_recorded_speech_is_heard_and_answered(pool: EnginePool, bank_tools: list[Tool]) -> None:
    line = await opened(pool, bank_tools)
    restore(
        line,
        written("sys", "Be kind.", "system"),
        written("u1", "when is my next payment"),
        *called("f1", "next_payment", "On Monday."),
        written("a1", "On Monday.", "assistant"),
        recording("u2", wire("what is my balance")),
    )
    line.tell(type="response.create")
    events = await up_to(line, "response.done")
    assert [body["item"]["id"] for body in bodies(events, "conversation.item.added")][:6] == [
        *("sys", "u1", "f1", "f1_r", "a1", "u2")
    ]
    (heard,) = bodies(events, COMPLETED)
    assert (heard["item_id"], heard["transcript"]) == ("u2", "what is my balance")
    (call,) = bodies(events, "response.function_call_arguments.done")
    assert call["name"] == "balance"
    answer_call(line, call["call_id"], {"say": BALANCE})
    events += await up_to(line, "rate_limits.updated")
    events += (second := await up_to(line, "response.done"))
    assert spoken_words(second) == BALANCE
    for event in events:
        assert judge_server_event(event.body) <= UNDECLARED
    await ended(line)


async def test_recordings_are_heard_in_their_order_with_the_text_beside_them(
    pool: EnginePool, bank_tools: list[Tool]
) -> None:
    line = await opened(pool, bank_tools)
    mixed = recording("u2", wire("do i owe"))
    mixed["content"].insert(0, {"type": "input_text", "text": "how much"})
    restore(line, recording("u1", wire("when is my next payment")), mixed)
    line.tell(type="response.create")
    events = await up_to(line, "response.done")
    heard = {
        body["item_id"]: (body["content_index"], body["transcript"]) for body in bodies(events, COMPLETED)
    }
    assert heard == {"u1": (0, "when is my next payment"), "u2": (1, "do i owe")}
    (call,) = bodies(events, "response.function_call_arguments.done")
    assert call["name"] == "balance"
    await ended(line)


async def test_words_that_come_with_a_recording_are_believed(
    pool: EnginePool, bank_tools: list[Tool]
) -> None:
    line = await opened(pool, bank_tools)
    restore(line, recording("u1", wire("la la la"), transcript="When is my next payment?"))
    line.tell(type="response.create")
    assert (await line.turn()).tool == "next_payment"
    await ended(line)


@pytest.mark.parametrize("level", [0.0, 3e-4, 0.05])
async def test_a_recording_without_words_is_told_so(
    pool: EnginePool, bank_tools: list[Tool], level: float
) -> None:
    line = await opened(pool, bank_tools)
    hiss = np.random.default_rng(5).normal(0, level, 24 * 1500).astype(np.float32)
    restore(line, recording("u1", to_pcm(hiss)))
    line.tell(type="response.create", response={"output_modalities": ["text"]})
    events = await up_to(line, "response.done")
    assert [body["transcript"] for body in bodies(events, COMPLETED)] == [""]
    (told,) = bodies(events, "response.output_text.done")
    assert "did not hear" in told["text"]
    await ended(line)


@pytest.mark.parametrize("metadata", [{"holdfast_carry_on": "You still owe €20 on"}, {}])
async def test_a_cut_sentence_is_carried_on_without_another_call(
    pool: EnginePool, bank_tools: list[Tool], metadata: dict[str, str]
) -> None:
    line = await opened(pool, bank_tools)
    restore(
        line,
        recording("u1", wire("what is my balance")),
        *called("f1", "balance", BALANCE),
        written("a1", "You still owe €20 on", "assistant"),
    )
    line.tell(type="response.create", response={"metadata": metadata, "instructions": "Carry on."})
    events = await up_to(line, "response.done")
    assert not bodies(events, "response.function_call_arguments.done")
    assert spoken_words(events) == "your loan. The next payment is due on Monday."
    response = events[-1].body["response"]
    assert (response["status"], response["metadata"] or {}) == ("completed", metadata)
    assert bodies(events, "response.output_audio.delta")
    # Afterwards the conversation goes on as ever.
    line.append(wire("good bye"))
    assert (await line.turn()).tool == "goodbye"
    await ended(line)


async def test_a_cut_sentence_without_its_result_fetches_it_and_says_the_rest(
    pool: EnginePool, bank_tools: list[Tool]
) -> None:
    line = await opened(pool, bank_tools)
    restore(line, recording("u1", wire("what is my balance")))
    line.tell(type="response.create", response={"metadata": {"holdfast_carry_on": "You still owe"}})
    call = await line.until("response.function_call_arguments.done")
    assert call.body["name"] == "balance"
    await line.until("response.done")
    answer_call(line, call.body["call_id"], {"say": BALANCE})
    events = await up_to(line, "response.done")
    assert spoken_words(events) == "€20 on your loan. The next payment is due on Monday."
    await ended(line)


async def test_a_question_of_the_last_session_is_answered_by_voice(
    pool: EnginePool, bank_tools: list[Tool]
) -> None:
    line = await opened(pool, bank_tools)
    restore(
        line,
        written("u1", "explain a term"),
        written("a1", "Which one: annual percentage rate, or principal?", "assistant"),
    )
    line.append(wire("the second one"))
    turn = await line.turn()
    assert (turn.tool, turn.arguments) == ("explain_term", {"term": "principal"})
    await ended(line)


async def test_a_restored_question_waits_until_somebody_asks_for_its_answer(
    pool: EnginePool, bank_tools: list[Tool]
) -> None:
    line = await opened(pool, bank_tools)
    restore(line, written("u1", "what is my balance"))
    line.tell(type="response.create", response={"metadata": {"holdfast_say": "One moment."}})
    await line.until("response.done")
    line.tell(type="input_audio_buffer.clear")
    assert "response.created" not in kinds(await up_to(line, "input_audio_buffer.cleared"))
    line.tell(type="response.create")
    assert (await line.turn()).tool == "balance"
    await ended(line)


# faster than real time


@pytest.mark.parametrize(
    ("frame_ms", "pause_s", "around_ms"),
    [
        (20, 0.0, (6_400, 1_500)),
        (1_000, 0.125, (6_400, 1_500)),
        (1_000, 0.1, (6_400, 1_500)),
        (60_000, 0.0, (16_400, 1_500)),
        (60_000, 0.0, (1_400, 17_000)),
    ],
)
async def test_a_replayed_utterance_is_heard_as_the_live_one(
    pool: EnginePool, bank_tools: list[Tool], frame_ms: int, pause_s: float, around_ms: tuple[int, int]
) -> None:
    line = await opened(pool, bank_tools)
    before_ms, after_ms = around_ms
    speech = synthesised("how much do i owe", "rms")
    spoken_ms = len(speech) // 24
    pcm = in_a_room(speech, before_ms=before_ms, after_ms=after_ms)
    size = frame_ms * BYTES_PER_MS
    for at in range(0, len(pcm), size):
        line.append(pcm[at : at + size])
        await asyncio.sleep(pause_s)
    events = await up_to(line, "response.done")
    line.tell(type="input_audio_buffer.clear")
    events += await up_to(line, "input_audio_buffer.cleared")

    assert [body["transcript"] for body in bodies(events, COMPLETED)] == ["how much do i owe"]
    assert len(bodies(events, "response.created")) == 1
    (started,) = bodies(events, "input_audio_buffer.speech_started")
    (stopped,) = bodies(events, "input_audio_buffer.speech_stopped")
    assert started["audio_start_ms"] == pytest.approx(before_ms - 300, abs=120)
    assert stopped["audio_end_ms"] == pytest.approx(before_ms + spoken_ms + 300, abs=200)
    line.tell(type="conversation.item.retrieve", item_id=started["item_id"])
    item = (await line.until("conversation.item.retrieved")).body["item"]
    kept_ms = len(item["content"][0]["audio"]) * 3 // 4 // BYTES_PER_MS
    assert kept_ms == pytest.approx(stopped["audio_end_ms"] - started["audio_start_ms"], abs=1)
    await ended(line)


async def test_a_request_behind_much_audio_is_refused_by_name_when_the_turn_is_answered_already(
    pool: EnginePool, bank_tools: list[Tool]
) -> None:
    line = await opened(pool, bank_tools)
    line.append(wire("what is the weather today"))
    line.tell(type="response.create", event_id="mine")
    refusal = None
    while refusal is None:
        async with asyncio.timeout(10):
            event = await line.events.get()
        refusal = event if event.kind == "error" else None
    assert refusal.body["error"]["code"] == "conversation_already_has_active_response"
    assert refusal.body["error"]["event_id"] == "mine"
    await line.until("response.done")
    await ended(line)


async def test_cleared_audio_is_not_heard_though_it_waits_and_positions_stay_right(
    pool: EnginePool, bank_tools: list[Tool]
) -> None:
    line = await opened(pool, bank_tools)
    # less than fills the inbox: a client that sends more is not read, and its `clear` not yet seen
    mistake = in_a_room(synthesised("good bye", "rms"), before_ms=3_800, after_ms=100)
    assert len(mistake) < HIGH_BYTES
    line.append(mistake)
    line.tell(type="input_audio_buffer.clear")
    assert kinds(await up_to(line, "input_audio_buffer.cleared")) == ["input_audio_buffer.cleared"]
    line.append(wire("how much do i owe"))
    events = await up_to(line, "response.done")
    (started,) = bodies(events, "input_audio_buffer.speech_started")
    assert started["audio_start_ms"] == pytest.approx(len(mistake) // BYTES_PER_MS + 100, abs=120)
    assert bodies(events, COMPLETED)[0]["transcript"] == "how much do i owe"
    await ended(line)


# how long a session lives, and how long it waits


async def test_the_end_of_a_session_is_announced_and_kept(speech_files: Path) -> None:
    pool = EnginePool(EngineOptions(workers=1, speech_folder=speech_files, session_s=1.5))
    await pool.start()
    line = EngineLine()
    began = time.time()
    await line.dial(pool.address())
    created = await line.until("session.created")
    assert created.body["session"]["expires_at"] == pytest.approx(began + 1.5, abs=1.1)
    ends: list[Event] = []
    async with asyncio.timeout(5):
        while not ends or ends[-1].kind != "closed":
            ends.append(await line.events.get())
    told, closed = ends
    assert told.body["error"]["code"] == "session_expired"
    assert told.body["error"]["type"] == "invalid_request_error"
    assert (closed.body["code"], closed.body["reason"]) == (1001, "invalid_request_error.session_expired")
    await pool.close()


async def test_an_hour_is_announced_where_nothing_else_was_said(pool: EnginePool) -> None:
    line = EngineLine()
    await line.dial(pool.address())
    created = await line.until("session.created")
    assert created.body["session"]["expires_at"] == pytest.approx(time.time() + 3600, abs=5)
    await ended(line)


async def test_long_silence_after_an_answer_is_a_turn_of_its_own(
    pool: EnginePool, bank_tools: list[Tool]
) -> None:
    line = await opened(pool, bank_tools, turn_detection={"idle_timeout_ms": 5_000})
    line.tell(type="session.update", session={"type": "realtime", "output_modalities": ["text"]})
    ask(line, "what is my balance")
    call = await line.until("response.function_call_arguments.done")
    await line.until("response.done")
    answer_call(line, call.body["call_id"], {"say": BALANCE})
    done = await line.until("response.done")
    events = await up_to(line, "response.done")
    order = [kind for kind in kinds(events) if kind != "rate_limits.updated"]
    assert order[:6] == [
        "input_audio_buffer.timeout_triggered",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        COMPLETED,
        "response.created",
    ]
    (told,) = bodies(events, "response.output_text.done")
    assert told["text"].startswith("Are you still there?")
    assert events[1].at - done.at == pytest.approx(5, abs=0.5)
    await ended(line)
