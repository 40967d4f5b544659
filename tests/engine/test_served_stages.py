"""Stages of the engine that others serve, over real HTTP: an emulator does the work, or does not."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from holdfast.emulator import Emulator, EmulatorOptions
from holdfast.emulator.voice import spoken
from holdfast.engine.answering import Answer
from holdfast.engine.options import EngineOptions, RemoteStage
from holdfast.engine.pool import EnginePool
from holdfast.engine.remote import Chat, Speech, StageServer, Transcriber
from holdfast.engine.switch import BUILTIN, StageError
from tests.engine.conftest import Tool
from tests.engine.talking import answer_call, ask, ended, kinds, opened, spoken_words, up_to, wire
from tests.server.gateway import eventually
from tests.wire.realtime_dialog import Dialog

pytestmark = [pytest.mark.speech, pytest.mark.asyncio(loop_scope="module")]
COMPLETED = "conversation.item.input_audio_transcription.completed"


@dataclass
class Served:
    """A server of all stages, and an engine that has its work done there."""

    emulator: Emulator
    pool: EnginePool


@asynccontextmanager
async def served(speech_files: Path, *faults: str, **changes: Any) -> AsyncIterator[Served]:
    options = EmulatorOptions(faults=faults, api_key="sk-stage", char_ms=20, **{"speed": 20, **changes})
    async with Emulator(options) as emulator:
        stage = RemoteStage(emulator.http_base, "emulated", "sk-stage", first_s=2.0)
        stages = {"transcription": stage, "chat": stage, "speech": stage}
        pool = EnginePool(EngineOptions(workers=1, speech_folder=speech_files, **stages))  # type: ignore[arg-type] # by name
        await pool.start()
        assert pool.ready, pool.reasons
        try:
            yield Served(emulator, pool)
        finally:
            await pool.close()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def there(speech_files: Path) -> AsyncIterator[Served]:
    """All three stages, and nothing fails."""
    async with served(speech_files) as found:
        yield found


def chats(there: Served) -> list[dict[str, Any]]:
    return [work.asked for work in there.emulator.works if work.stage == "chat"]


async def test_a_spoken_turn_is_written_answered_and_said_by_servers(
    there: Served, bank_tools: list[Tool]
) -> None:
    assert there.pool.stages["chat"].startswith("emulated at 127.0.0.1")
    there.emulator.works.clear()
    line = await opened(there.pool, bank_tools)
    line.append(wire("what is my balance"))
    events = await up_to(line, "response.done")

    [heard] = [event.body["transcript"] for event in events if event.kind == COMPLETED]
    assert heard.endswith("ms of speech")
    assert spoken_words(events) == f"You said: {heard}. That is all."
    assert events[-1].body["response"]["status"] == "completed"
    assert "conversation.item.input_audio_transcription.delta" not in kinds(events)
    works = {work.stage: work for work in there.emulator.works}
    assert set(works) == {"transcription", "chat", "speech"}
    assert works["chat"].asked["messages"][-1] == {"role": "user", "content": heard}
    assert "x-utterances" not in str(works["chat"].asked["tools"])
    assert works["speech"].asked["voice"] == "marin"
    assert there.pool.stage_troubles == []
    await ended(line)


async def test_a_tool_is_called_and_its_result_is_told(there: Served, bank_tools: list[Tool]) -> None:
    line = await opened(there.pool, bank_tools)
    ask(line, "call balance {}")
    called = (await up_to(line, "response.done"))[-1].body["response"]["output"]
    assert [(item["type"], item["name"]) for item in called] == [("function_call", "balance")]
    answer_call(line, called[0]["call_id"], {"say": "You owe nine euros."})
    assert spoken_words(await up_to(line, "response.done")) == "You owe nine euros."
    assert [message["role"] for message in chats(there)[-1]["messages"]] == [
        "system",
        "user",
        "assistant",
        "tool",
    ]
    await ended(line)


async def test_who_stops_an_answer_ends_its_request(there: Served, bank_tools: list[Tool]) -> None:
    there.emulator.works.clear()
    line = await opened(there.pool, bank_tools)
    ask(line, "long " * 400)
    await there.emulator.wait_for(lambda: bool(there.emulator.works))
    line.tell(type="response.cancel")
    done = (await up_to(line, "response.done"))[-1].body["response"]
    assert done["status"] == "cancelled"
    [work] = [work for work in there.emulator.works if work.stage == "chat"]
    await eventually(lambda: work.is_whole is not None)
    assert work.is_whole is False
    await ended(line)


async def test_each_stage_switches_alone_and_stays_switched_for_a_while(
    speech_files: Path, bank_tools: list[Tool]
) -> None:
    async with served(speech_files) as there:
        line = await opened(there.pool, bank_tools)
        there.emulator.set_faults(["stage:transcription:503", "stage:speech:reset"])
        line.append(wire("what is my balance"))
        first = await up_to(line, "response.done")
        told = [event.body["stages"] for event in first if event.kind == "holdfast.stages"]
        assert {name for name, who in told[-1].items() if who == BUILTIN} == {"transcription", "speech"}
        assert [event.body["transcript"] for event in first if event.kind == COMPLETED] == [
            "what is my balance"
        ]
        assert spoken_words(first) == "You said: what is my balance. That is all."
        troubles = {trouble.stage: trouble.code for trouble in there.pool.stage_troubles}
        assert troubles == dict.fromkeys(("transcription", "speech"), "provider.stage_failed")

        there.emulator.set_faults(["stage:chat:cut"])
        ask(line, "yes.")  # the first sentence is said when the answer breaks off
        broken = (await up_to(line, "response.done"))[-1].body["response"]
        assert broken["status"] == "failed"
        assert broken["status_details"]["error"]["code"] == "chat_failed"

        there.emulator.set_faults([])
        there.emulator.works.clear()
        ask(line, "what is my balance")
        answered = (await up_to(line, "response.done"))[-1].body["response"]
        assert [item["name"] for item in answered["output"]] == ["balance"]  # what is built in knows it, too
        assert not there.emulator.works
        await ended(line)


async def test_a_server_that_refuses_is_a_matter_of_configuration_and_one_that_is_silent_is_not() -> None:
    faults = ["stage:chat:404", "stage:transcription:silence", "stage:speech:cut"]
    async with Emulator(EmulatorOptions(faults=faults, char_ms=20, speed=0)) as emulator:
        options = RemoteStage(emulator.http_base, "emulated", first_s=0.3)
        chat, ear, mouth = (StageServer(stage, options) for stage in ("chat", "transcription", "speech"))
        with pytest.raises(StageError, match="HTTP 404") as refused:
            [delta async for delta in Chat(chat).deltas({"messages": [{"role": "user", "content": "hi"}]})]
        assert refused.value.code == "configuration.stage_refused"
        with pytest.raises(StageError, match="silent for") as silent:
            await Transcriber(ear).write(bytes(9_600))
        assert silent.value.code == "provider.stage_failed"
        with pytest.raises(StageError) as broken:
            [piece async for piece in Speech(mouth).speak("a rather long sentence to say", "marin", 1.0)]
        assert broken.value.code == "provider.stage_failed"
        assert not any(one.switch.is_on for one in (chat, ear, mouth))
        for one in (chat, ear, mouth):
            await one.close()


@pytest.mark.parametrize(("form", "rate"), [("wav", 24_000), ("pcm", 24_000), ("pcm", 16_000)])
async def test_speech_comes_in_the_form_that_is_asked_for(form: str, rate: int) -> None:
    async with Emulator(EmulatorOptions(char_ms=20, speed=0)) as emulator:
        options = RemoteStage(emulator.http_base, "emulated", audio_format=form, rate=rate)  # type: ignore[arg-type] # one of the two
        mouth = StageServer("speech", options)
        sound = b"".join([piece async for piece in Speech(mouth).speak("hello there", "marin", 1.0)])
        whole = spoken("hello there", char_ms=20)
        if rate == 24_000:
            assert sound == whole
        else:
            assert abs(len(sound) - len(whole) * 3 // 2) < 4_800
        await mouth.close()


@asynccontextmanager
async def answering(*chunks: str) -> AsyncIterator[StageServer]:
    """A chat server that has one answer."""
    body = "".join(f"data: {chunk}\n\n" for chunk in chunks).encode()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n" + body
        )
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        chat = StageServer("chat", RemoteStage(f"http://127.0.0.1:{port}/v1", "odd"))
        yield chat
        await chat.close()


HELLO = '{"choices":[{"delta":{"content":"Hello."}}]}'


@pytest.mark.parametrize("nothing", ['{"choices":[null]}', '{"choices":null}', '{"choices":[]}', "{}"])
async def test_a_chunk_that_says_nothing_is_passed_over(nothing: str) -> None:
    async with answering(nothing, HELLO, nothing, "[DONE]") as chat:
        deltas = Chat(chat).deltas({"messages": []})
        assert "".join([delta.content or "" async for delta in deltas]) == "Hello."


@pytest.mark.parametrize(
    "odd",
    [
        '{"choices":["a"]}',
        '{"choices":{"delta":{}}}',
        '{"choices":[{"delta":7}]}',
        '{"choices":[{"delta":{"content":{"a":1}}}]}',
        '{"choices":[{"delta":{"tool_calls":["a"]}}]}',
        '{"choices":[{"delta":{"tool_calls":[{"function":"balance"}]}}]}',
        "[1]",
        "nonsense",
    ],
)
async def test_a_chunk_of_another_shape_fails_the_stage_and_nothing_else(odd: str) -> None:
    async with answering(HELLO, odd, "[DONE]") as chat:
        with pytest.raises(StageError, match="the answer is no") as failed:
            [delta async for delta in Chat(chat).deltas({"messages": []})]
        assert failed.value.code == "provider.stage_failed"
        assert not chat.switch.is_on


async def test_whatever_breaks_in_an_answer_its_response_ends() -> None:
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))

    async def breaks() -> None:
        raise ZeroDivisionError

    dialog = Dialog()
    answer = Answer(dialog.host.begin_response(), threading.Event())
    answer.begin(breaks())
    await eventually(lambda: answer.writer.is_done)
    [done] = [event["response"] for event in dialog.take() if event["type"] == "response.done"]
    assert (done["status"], done["status_details"]["error"]["code"]) == ("failed", "engine_failed")
    assert isinstance(told[0]["exception"], ZeroDivisionError), "the log has it"
    asyncio.get_running_loop().set_exception_handler(None)
