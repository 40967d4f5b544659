"""A client that ends a turn by hand while the detector of turns has not decided about its last frames."""

from __future__ import annotations

from typing import Any

import numpy as np
import pybase64
import pytest

from holdfast.engine.knowledge import Library
from holdfast.engine.resample import WIRE_RATE, to_pcm
from tests.engine.conftest import Tool, tool
from tests.engine.tones import LateVad, ToneSession

HANGOVER = 11
"""Quiet frames, after which a turn is over for certain."""
COMPLETED = "conversation.item.input_audio_transcription.completed"


@pytest.fixture(scope="module")
def tools() -> list[Tool]:
    return [tool("balance", "your balance", "what is my balance", "how much do i owe")]


def turns(session: ToneSession) -> list[Any]:
    """Each user item that was committed, with its words."""
    words = {event["item_id"]: event["transcript"] for event in session.events if event["type"] == COMPLETED}
    ids = [one["item_id"] for one in session.events if one["type"] == "input_audio_buffer.committed"]
    return [words.get(item_id) for item_id in ids]


def talking(library: Library, tools: list[Tool], quiet: int) -> tuple[ToneSession, LateVad]:
    """Somebody has spoken; about what came after so many quiet frames nothing is decided."""
    vad = LateVad()
    session = ToneSession(library, tools, guesses=False, vad=lambda: vad)
    session.say("what is my balance")
    session.be_quiet(quiet)
    vad.is_late = True
    session.be_quiet(HANGOVER)
    return session, vad


async def speak_again(session: ToneSession) -> None:
    """A turn like any other."""
    session.say("how much do i owe")
    session.be_quiet(HANGOVER + 2)
    await session.settle()


@pytest.mark.parametrize("before", range(HANGOVER + 2))
async def test_its_words_are_those_of_the_committed_item(
    library: Library, tools: list[Tool], before: int
) -> None:
    session, vad = talking(library, tools, before)
    is_over = "input_audio_buffer.committed" in session.kinds()
    if not is_over:
        session.tell(type="input_audio_buffer.commit")
    vad.decide()
    await session.settle()
    assert turns(session) == ["what is my balance"]

    await speak_again(session)
    assert turns(session) == ["what is my balance", "how much do i owe"]
    assert session.answers()[-1][1] == "balance"
    await session.end()


async def test_who_began_to_speak_in_the_last_frame_began_it_in_that_turn(
    library: Library, tools: list[Tool]
) -> None:
    vad = LateVad()
    session = ToneSession(library, tools, guesses=False, vad=lambda: vad)
    vad.is_late = True
    session.say("what is my balance")
    session.tell(type="input_audio_buffer.commit")
    vad.decide()
    await session.settle()
    assert turns(session) == ["what is my balance"]
    assert "input_audio_buffer.speech_started" not in session.kinds()
    await session.end()


@pytest.mark.parametrize("before", [0, 5, HANGOVER - 3])
async def test_what_was_cleared_is_no_turn_and_the_next_one_is(
    library: Library, tools: list[Tool], before: int
) -> None:
    session, vad = talking(library, tools, before)
    session.tell(type="input_audio_buffer.clear")
    vad.decide()
    await session.settle()
    assert turns(session) == []

    await speak_again(session)
    assert turns(session) == ["how much do i owe"]
    await session.end()


async def test_what_was_not_heard_yet_is_kept_for_its_turn_whatever_comes_behind_it(
    library: Library, tools: list[Tool]
) -> None:
    """A recording in one piece, and silence behind it: who writes the turn down is given all of it."""
    session = ToneSession(library, tools, guesses=False)
    speech = session.tones.spoken("what is my balance", WIRE_RATE)
    long, short = np.zeros(20 * WIRE_RATE, np.float32), np.zeros(4_800, np.float32)
    for samples in (np.concatenate((speech, long)), short):
        audio = pybase64.b64encode_as_string(to_pcm(samples))
        session.tell(type="input_audio_buffer.append", audio=audio)
    await session.settle()
    (item_id,) = [one["item_id"] for one in session.events if one["type"] == "input_audio_buffer.committed"]
    assert turns(session) == ["what is my balance"]
    assert len(session.host.item_audio(item_id)) // 2 >= len(speech)
    await session.end()
