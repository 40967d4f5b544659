"""Spoken turns that a chat server answers: each once, whatever becomes of the answer, none forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from holdfast.engine.knowledge import Library
from holdfast.engine.remote import Chat
from tests.engine.conftest import Tool
from tests.engine.odd_servers import DONE, OddServer, chunk, odd, said
from tests.engine.tones import ToneSession
from tests.server.gateway import eventually

HANGOVER = 13


def done(session: ToneSession) -> int:
    return session.kinds().count("response.done")


async def test_an_answer_that_broke_off_after_its_first_sentence_is_not_given_again(
    library: Library, bank_tools: list[Tool]
) -> None:
    server = OddServer(said(chunk("You owe nine euros. "), chunk("And ")))
    async with odd("chat", server) as stage:
        session = ToneSession(library, bank_tools, guesses=False, chat=Chat(stage))
        session.say("what is my balance")
        session.be_quiet(HANGOVER)
        await eventually(lambda: done(session) > 0)
        await session.settle()
        assert session.answers() == [("failed", "You owe nine euros. ")]
        assert session.kinds().count("response.created") == 1
        await session.end()


async def test_what_was_said_into_an_answer_that_may_not_be_interrupted_is_answered_after_it(
    library: Library, bank_tools: list[Tool]
) -> None:
    goes_on = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield chunk("You owe nine euros. ")
        await goes_on.wait()
        yield chunk("That is all.")
        yield DONE

    server = OddServer(slow, said(chunk("On the first of May."), DONE))
    async with odd("chat", server) as stage:
        session = ToneSession(
            library,
            bank_tools,
            guesses=False,
            chat=Chat(stage),
            input={"turn_detection": {"type": "server_vad", "interrupt_response": False}},
        )
        session.say("what is my balance")
        session.be_quiet(20)
        await eventually(lambda: "response.output_audio.delta" in session.kinds())
        session.say("when is my next payment")
        session.be_quiet(20)
        await session.settle()
        goes_on.set()
        await eventually(lambda: done(session) > 1)
        assert session.answers() == [
            ("completed", "You owe nine euros. That is all."),
            ("completed", "On the first of May."),
        ]
        await session.settle()
        assert server.asked == 2
        await session.end()


@pytest.mark.parametrize("conversation", ["auto", "none"])
async def test_an_answer_that_was_stopped_is_not_given_later_unasked(
    library: Library, bank_tools: list[Tool], conversation: str
) -> None:
    never = asyncio.Event()

    async def stuck() -> AsyncIterator[bytes]:
        yield chunk("You owe nine ")
        await never.wait()

    server = OddServer(stuck)
    async with odd("chat", server) as stage:
        session = ToneSession(library, bank_tools, guesses=False, chat=Chat(stage))
        session.say("what is my balance")
        session.be_quiet(HANGOVER)
        await eventually(lambda: server.asked == 1)
        session.tell(type="response.cancel")
        say = {"conversation": conversation, "metadata": {"holdfast_say": "Good day."}}
        session.tell(type="response.create", response=say)
        await eventually(lambda: done(session) > 1)
        await session.settle()
        assert session.answers() == [("cancelled", ""), ("completed", "Good day.")]
        assert session.kinds().count("response.created") == 2
        never.set()
        await session.end()
