"""Servers of stages that answer oddly: nothing hangs, nothing is lost, no word of a customer is repeated."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from holdfast.engine.knowledge import Library
from holdfast.engine.remote import Chat, Transcriber
from holdfast.engine.switch import StageError
from tests.engine.conftest import Tool
from tests.engine.odd_servers import DONE, OddServer, chunk, odd, said
from tests.engine.tones import ToneSession
from tests.server.gateway import eventually

FINISHED = b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n'


async def answered(library: Library, tools: list[Tool], *parts: bytes) -> list[tuple[str, str]]:
    async with odd("chat", OddServer(said(*parts))) as stage:
        session = ToneSession(library, tools, guesses=False, chat=Chat(stage))
        session.say("what is my balance")
        session.be_quiet(13)
        await eventually(lambda: "response.done" in session.kinds())
        await session.end()
        return session.answers()


async def test_halves_of_a_character_end_no_session(library: Library, bank_tools: list[Tool]) -> None:
    told = await answered(library, bank_tools, chunk("Nine euros \ud83d"), chunk("\ude00 are open"), DONE)
    assert told == [("completed", "Nine euros 😀 are open")]
    told = await answered(library, bank_tools, chunk("Nine euros \ud83d are open"), DONE)
    assert told == [("completed", "Nine euros � are open")]


async def test_a_failure_that_tells_half_a_character_ends_no_session(
    library: Library, bank_tools: list[Tool]
) -> None:
    error = b'data: {"error":{"message":"out of \\ud83d"}}\n\n'
    told = await answered(library, bank_tools, chunk("You owe nine euros. "), error)
    assert told == [("failed", "You owe nine euros. ")]


async def test_words_that_were_heard_bear_no_half_of_a_character() -> None:
    body = json.dumps({"text": " so \ud83d it is "}).encode()
    async with odd("transcription", OddServer(said(body), kind="application/json")) as stage:
        assert await Transcriber(stage).write(bytes(9_600)) == "so � it is"


async def test_an_answer_without_a_goodbye_is_whole() -> None:
    """It says that it has finished, and then nothing more for ever."""
    never = asyncio.Event()

    async def hangs() -> AsyncIterator[bytes]:
        yield chunk("You owe nine euros.")
        yield FINISHED
        await never.wait()

    async with odd("chat", OddServer(hangs), first_s=0.3) as stage:
        told = [delta.content async for delta in Chat(stage).deltas({"messages": []})]
        assert "".join(filter(None, told)) == "You owe nine euros."
        assert stage.switch.is_on
        never.set()


@pytest.mark.parametrize(
    ("refusal", "why"),
    [
        (
            {"detail": [{"loc": ["body", "voice"], "msg": "Field required", "input": ["You owe 9"]}]},
            "HTTP 422: body.voice: Field required",
        ),
        ({"detail": "no such model"}, "HTTP 422: no such model"),
        ({"error": {"message": "no such model", "input": "You owe 9"}}, "HTTP 422: no such model"),
        ({"error": "no such model", "prompt": "You owe 9"}, "HTTP 422: no such model"),
        ({"error": {"code": "bad", "of": "You owe 9"}}, "HTTP 422: bad"),
        ({"detail": [{"loc": 7, "msg": 8}], "body": "You owe 9"}, "HTTP 422: 8"),
        (["You owe 9"], "HTTP 422"),
    ],
)
async def test_what_a_server_was_asked_is_not_repeated_as_its_reason(refusal: object, why: str) -> None:
    server = OddServer(said(json.dumps(refusal).encode()), kind="application/json", status="422 Odd")
    async with odd("chat", server) as stage:
        with pytest.raises(StageError) as refused:
            [delta async for delta in Chat(stage).deltas({"messages": []})]
        assert str(refused.value) == why
