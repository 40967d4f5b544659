"""The engine as processes: real workers, real sockets, the dialect's events as clients expect them."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
from pathlib import Path

import httpx
import pytest
from benchmarks.engine.line import EngineLine, Event
from benchmarks.engine.speech import in_a_room, recorded

from holdfast.conformance.caller import Caller
from holdfast.conformance.visit import hang_up
from holdfast.engine.assembly import assemble
from holdfast.engine.options import FLITE, SILERO, EngineOptions
from holdfast.engine.pool import EngineAddress, EnginePool, EngineUnavailableError, _Worker
from holdfast.engine.worker import Worker
from tests.engine.conftest import Tool
from tests.engine.talking import UNDECLARED, answer_call, ask, ended, kinds, opened, recording, up_to, wire
from tests.wire.strict import judge_server_event

pytestmark = [pytest.mark.speech, pytest.mark.asyncio(loop_scope="module")]


async def test_a_worker_that_has_much_to_hear_does_not_look_dead(pool: EnginePool) -> None:
    address = pool.address()
    headers = {"Authorization": f"Bearer {address.token}"}
    caller = await Caller.dial(f"{address.url}?model=m", headers, patience_s=20.0)
    await caller.until("session.created")
    caller.append(bytes(48 * 30_000), step=48 * 10_000)
    await caller.wait(lambda: bool(caller.pongs), "sign of life while nothing more is read")
    await hang_up(caller)


async def test_who_is_not_read_for_long_is_not_taken_for_dead(speech_files: Path) -> None:
    """Its answers to the worker's own pings are not read either."""
    options = EngineOptions(speech_folder=speech_files)
    worker = Worker(assemble(options), options, "token")
    port = await worker.listen(ping_s=1.2)
    headers = {"Authorization": "Bearer token"}
    caller = await Caller.dial(f"ws://127.0.0.1:{port}/v1/realtime?model=m", headers, patience_s=20.0)
    await caller.until("session.created")
    (session,) = worker._sessions
    session.pause_reading(paused=True)
    await caller.wait(lambda: len(caller.pongs) > 4, "further signs of life")
    session.pause_reading(paused=False)
    caller.update(instructions="Serve Ada.")
    await caller.until("session.updated")
    await hang_up(caller)
    await worker.drain()


async def test_a_spoken_question_calls_a_tool_and_its_words_are_spoken(
    pool: EnginePool, bank_tools: list[Tool]
) -> None:
    line = await opened(pool, bank_tools)
    line.append(wire("what is my balance"))
    first = await up_to(line, "response.done")
    order = [kind for kind in kinds(first) if "transcription.delta" not in kind]
    assert order == [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "conversation.item.input_audio_transcription.completed",
        "response.created",
        "response.output_item.added",
        "conversation.item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
    ]
    call = next(event.body for event in first if event.kind == "response.function_call_arguments.done")
    assert call["name"] == "balance"
    await line.until("rate_limits.updated")
    answer_call(line, call["call_id"], {"say": "You owe €20. That is all."})
    second = await up_to(line, "response.done")
    said = [event.body["delta"] for event in second if event.kind.endswith("audio_transcript.delta")]
    assert "".join(said) == "You owe €20. That is all."
    order = kinds(second)
    assert order.index("response.output_audio_transcript.delta") < order.index("response.output_audio.delta")
    for event in (*first, *second):
        assert judge_server_event(event.body) <= UNDECLARED
    await ended(line)


async def test_what_is_beyond_the_engine_is_refused_plainly(pool: EnginePool, bank_tools: list[Tool]) -> None:
    line = await opened(pool, bank_tools)
    line.tell(type="session.update", session={"type": "realtime", "output_modalities": ["text"]})
    ask(line, "who won the football match")
    turn = await line.turn()
    assert turn.tool is None
    assert "limited local assistant" in turn.text
    await ended(line)


async def test_a_greeting_is_said_word_for_word(pool: EnginePool, bank_tools: list[Tool]) -> None:
    line = await opened(pool, bank_tools)
    greeting = "Hi, I'm your Financial Sherpa. How can I help you today?"
    line.tell(type="response.create", response={"metadata": {"holdfast_say": greeting}})
    events = await up_to(line, "response.done")
    said = [event.body["delta"] for event in events if event.kind.endswith("audio_transcript.delta")]
    assert "".join(said) == greeting
    assert sum(event.kind == "response.output_audio.delta" for event in events) > 10
    await ended(line)


LONG = " ".join(["This answer is long, so that somebody may speak into it."] * 300)


async def long_answer(line: EngineLine) -> None:
    """Make the engine speak for a quarter of an hour, and wait for its first sound."""
    ask(line, "what is my balance")
    call = await line.until("response.function_call_arguments.done")
    await line.until("response.done")
    answer_call(line, call.body["call_id"], {"say": LONG})
    await line.until("response.output_audio.delta")


async def test_speech_stops_the_running_answer(pool: EnginePool, bank_tools: list[Tool]) -> None:
    line = await opened(pool, bank_tools)
    await long_answer(line)
    line.append(wire("when is my next payment"))
    events = await up_to(line, "response.done")
    order = kinds(events)
    assert "input_audio_buffer.speech_started" in order
    after = order[order.index("input_audio_buffer.speech_started") :]
    assert "response.output_audio.delta" not in after
    response = events[-1].body["response"]
    assert (response["status"], response["status_details"]["reason"]) == ("cancelled", "turn_detected")
    assert response["output"][0]["status"] == "incomplete"
    # The words that interrupted are the next turn.
    assert (await line.turn()).tool == "next_payment"
    await ended(line)


async def test_a_client_may_cancel(pool: EnginePool, bank_tools: list[Tool]) -> None:
    line = await opened(pool, bank_tools)
    await long_answer(line)
    line.tell(type="response.cancel")
    response = (await up_to(line, "response.done"))[-1].body["response"]
    assert (response["status"], response["status_details"]["reason"]) == ("cancelled", "client_cancelled")
    ask(line, "when is my next payment")
    assert (await line.turn()).tool == "next_payment"
    await ended(line)


async def test_an_answer_that_may_not_be_interrupted_is_finished_first(
    pool: EnginePool, bank_tools: list[Tool]
) -> None:
    line = await opened(pool, bank_tools, turn_detection={"interrupt_response": False})
    ask(line, "what is my balance")
    call = await line.until("response.function_call_arguments.done")
    await line.until("response.done")
    answer_call(line, call.body["call_id"], {"say": "You owe nothing at all. " * 40})
    await line.until("response.output_audio.delta")
    line.append(wire("when is my next payment"))
    done = await line.until("response.done")
    assert done.body["response"]["status"] == "completed"
    assert (await line.turn()).tool == "next_payment"
    await ended(line)


async def test_the_client_may_end_turns_itself(pool: EnginePool, bank_tools: list[Tool]) -> None:
    line = await EngineLine.open(
        pool.address(),
        {
            "tools": bank_tools,
            "audio": {"input": {"turn_detection": None, "transcription": {"model": "holdfast-local"}}},
        },
    )
    line.append(wire("good bye"))
    line.tell(type="input_audio_buffer.clear")
    line.append(wire("how much do i owe"))
    line.tell(type="input_audio_buffer.commit")
    line.tell(type="response.create")
    turn = await line.turn()
    assert (turn.transcript, turn.tool) == ("how much do i owe", "balance")
    await ended(line)


async def test_without_create_response_nobody_answers_until_asked(
    pool: EnginePool, bank_tools: list[Tool]
) -> None:
    line = await opened(pool, bank_tools, turn_detection={"create_response": False})
    line.append(wire("what is my balance"))
    events = await up_to(line, "conversation.item.input_audio_transcription.completed")
    assert "response.created" not in kinds(events)
    line.tell(type="response.create")
    assert (await line.turn()).tool == "balance"
    await ended(line)


async def test_five_minutes_of_audio_at_once_leave_the_others_alone(
    pool: EnginePool, bank_tools: list[Tool]
) -> None:
    heavy, light = await opened(pool, bank_tools), await opened(pool, bank_tools)
    heavy.append(b"\0" * (48 * 300_000))
    began = asyncio.get_running_loop().time()
    ask(light, "what is my balance")
    assert (await light.turn()).tool == "balance"
    assert asyncio.get_running_loop().time() - began < 2
    await ended(light)
    await ended(heavy)


async def test_transcription_sessions_only_write_down(pool: EnginePool) -> None:
    address = pool.address()
    line = EngineLine()
    await line.dial(EngineAddress(f"{address.url}?intent=transcription", address.token))
    session = {"type": "transcription", "audio": {"input": {"transcription": {"model": "holdfast-local"}}}}
    line.tell(type="session.update", session=session)
    await line.until("session.updated")
    line.append(wire("what is the weather today"))
    events = await up_to(line, "conversation.item.input_audio_transcription.completed")
    assert "weather" in str(events[-1].body["transcript"])
    assert not any(kind.startswith("response.") for kind in kinds(events))
    await ended(line)


async def test_strangers_and_too_many_are_refused(pool: EnginePool, bank_tools: list[Tool]) -> None:
    address = pool.address()
    url = address.url.replace("ws:", "http:")
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    key = {"Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="}
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(url, headers={**upgrade, **key, "Authorization": "Bearer wrong"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")
        lines = [await opened(pool, bank_tools) for _ in range(3)]
        mine = {"Authorization": f"Bearer {address.token}"}
        answer = await client.get(url, headers={**upgrade, **key, **mine})
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "engine_full")
    for line in lines:
        await ended(line)


async def test_a_bad_event_is_answered_and_the_session_goes_on(
    pool: EnginePool, bank_tools: list[Tool]
) -> None:
    line = await opened(pool, bank_tools)
    line.send_text(b"{not json")
    async with asyncio.timeout(5):
        assert (await line.events.get()).kind == "error"
    ask(line, "what is my balance")
    assert (await line.turn()).tool == "balance"
    await ended(line)


@pytest.mark.recordings
async def test_people_who_speak_of_other_things_get_no_invented_answer(
    pool: EnginePool, bank_tools: list[Tool], recordings: Path
) -> None:
    for name in ("lj_0002.wav", "ps_goforward.wav", "sb_spk1_snt5.wav"):
        line = await opened(pool, bank_tools)
        line.tell(type="session.update", session={"type": "realtime", "output_modalities": ["text"]})
        line.append(in_a_room(recorded(recordings / name), before_ms=400, after_ms=900))
        turn = await line.turn()
        assert turn.tool is None
        assert turn.text.startswith(("Do you mean", "Sorry", "Which"))
        await ended(line)


# the pool itself


async def test_missing_speech_files_are_a_reason_with_a_remedy(tmp_path: Path) -> None:
    pool = EnginePool(EngineOptions(speech_folder=tmp_path))
    await pool.start()
    assert not pool.ready
    assert "Run `make speech`" in pool.reasons[0]
    with pytest.raises(EngineUnavailableError, match="make speech"):
        pool.address()
    await pool.close()


async def test_a_model_path_that_is_not_there_is_a_reason(speech_files: Path, tmp_path: Path) -> None:
    pool = EnginePool(EngineOptions(speech_folder=speech_files, model_folder=tmp_path / "nowhere"))
    await pool.start()
    assert "nowhere does not exist" in pool.reasons[0]
    await pool.close()


async def test_a_broken_file_is_a_reason_and_no_traceback(tmp_path: Path, speech_files: Path) -> None:
    (tmp_path / SILERO).write_bytes(b"broken")
    (tmp_path / FLITE).symlink_to(speech_files / FLITE)
    pool = EnginePool(EngineOptions(workers=1, speech_folder=tmp_path, restarts=1))
    await pool.start()
    assert not pool.ready
    assert pool.reasons[0].startswith("Voice activity detection is broken")
    await pool.close()


async def test_a_worker_that_dies_is_replaced(speech_files: Path) -> None:
    changed = asyncio.Event()
    pool = EnginePool(EngineOptions(workers=1, speech_folder=speech_files), on_change=changed.set)
    await pool.start()
    (worker,) = pool._workers
    first = pool.address()
    changed.clear()
    os.kill(worker.process.pid, signal.SIGKILL)
    async with asyncio.timeout(20):
        while pool.ready and pool.address() == first:
            await changed.wait()
            changed.clear()
        assert "ended unexpectedly" in pool.reasons[0]
        while not pool.ready:
            await changed.wait()
            changed.clear()
    assert pool.reasons == []
    assert pool.address().token != first.token
    (second,) = pool._workers
    await pool.close()
    assert second.process.returncode == 0


async def test_a_worker_that_could_not_be_started_is_tried_again(speech_files: Path) -> None:
    changed = asyncio.Event()
    options = EngineOptions(workers=1, speech_folder=speech_files, restarts=1)
    pool = EnginePool(options, on_change=changed.set)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))  # what is open stays open
    try:
        await pool.start()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert "could not be started" in pool.reasons[0]
    async with asyncio.timeout(20):
        while not pool.ready:
            await changed.wait()
            changed.clear()
    assert pool.reasons == []
    await pool.close()


async def test_an_address_that_nobody_took_up_is_forgotten() -> None:
    now = 100.0
    worker = _Worker(None, "token", lambda: now)  # type: ignore[arg-type] # its process is not looked at
    for _ in range(3):
        worker.promise()
    worker.hears({"sessions": 1})
    assert worker.load == 3  # one came, two are on their way
    now += 20.0
    assert worker.load == 1
    worker.promise()
    assert worker.load == 2
    worker.hears({"sessions": 0})
    assert worker.load == 1
    worker.hears({"sessions": 1})
    assert worker.load == 1


async def test_a_worker_that_stands_still_is_replaced(speech_files: Path) -> None:
    changed = asyncio.Event()
    options = EngineOptions(workers=1, speech_folder=speech_files, silent_s=1.0)
    pool = EnginePool(options, on_change=changed.set)
    await pool.start()
    (worker,) = pool._workers
    first = pool.address()
    os.kill(worker.process.pid, signal.SIGSTOP)
    changed.clear()
    async with asyncio.timeout(20):
        while pool.ready and pool.address() == first:
            await changed.wait()
            changed.clear()
        assert "stood still for 1 s" in pool.reasons[0]
        while not pool.ready:
            await changed.wait()
            changed.clear()
    assert pool.address().token != first.token
    await pool.close()


async def test_who_asks_for_much_and_reads_nothing_is_left(pool: EnginePool, bank_tools: list[Tool]) -> None:
    line = await opened(pool, bank_tools)
    line.tell(type="conversation.item.create", item=recording("item_long", bytes(3_000_000), transcript="x"))
    await line.until("conversation.item.done")
    reading = line.transport.underlying_transport
    reading.pause_reading()
    for _ in range(40):
        line.tell(type="conversation.item.retrieve", item_id="item_long")
    reading.resume_reading()
    heard: list[Event] = []
    async with asyncio.timeout(20):
        while not heard or heard[-1].kind != "closed":
            heard.append(await line.events.get())
    assert heard[-1].body["code"] == 1008
    assert 8 <= len(heard) - 1 < 20
