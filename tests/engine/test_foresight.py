"""An answer is begun while the turn may still go on, and nobody can tell but by the time it takes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.engine.agenda import Agenda
from holdfast.engine.ahead import BUSY_SHARE, KEPT_BYTES, Ahead, Spare
from holdfast.engine.dialogue import Act, Dialogue, Say
from holdfast.engine.knowledge import Knowledge, Library
from holdfast.engine.speaking import Manner, Mouth
from holdfast.engine.stages import SpeechError
from tests.engine.conftest import Tool, tool
from tests.engine.tones import Tones, ToneSession, ToneVoice

OPENING = "You still owe"
RESULT = "You still owe twenty dollars. That is all of it."
HANGOVER, PAUSE = 11, 5
"""Quiet frames, after which a turn is over for certain, and others, after which it has only paused."""


@pytest.fixture(scope="module")
def tools() -> list[Tool]:
    balance = tool("balance", "your balance", "what is my balance", "how much do i owe")
    balance["parameters"]["x-openings"] = [OPENING]
    return [balance, tool("next_payment", "your next payment", "when is my next payment")]


def call_of(session: ToneSession) -> dict[str, Any] | None:
    """The last call, if nobody gave its result."""
    calls = [one for one in session.events if one["type"] == "response.function_call_arguments.done"]
    given = {item.get("call_id") for item in session.host.items if item["type"] == "function_call_output"}
    return calls[-1] if calls and calls[-1]["call_id"] not in given else None


def give(session: ToneSession, say: str = RESULT) -> None:
    """The tool's result, and the request to go on."""
    call = call_of(session)
    if call is not None:
        output = json.dumps({"say": say})
        item = {"type": "function_call_output", "call_id": call["call_id"], "output": output}
        session.tell(type="conversation.item.create", item=item)
        session.tell(type="response.create")


def words(text: str) -> list[str]:
    return [word.strip(".,?!'").lower() for word in text.split()]


async def test_the_opening_of_a_tools_answer_is_said_before_the_turn_is_over(
    library: Library, tools: list[Tool]
) -> None:
    session = ToneSession(library, tools, guesses=True)
    session.say("what is my balance")
    session.be_quiet(PAUSE)
    await session.settle()
    assert session.voice.said == [OPENING]
    assert not [
        kind for kind in session.kinds() if kind.startswith(("response", "input_audio_buffer.speech_stopped"))
    ]
    session.be_quiet(HANGOVER)
    give(session)
    await session.settle()
    assert session.answers() == [("completed", "balance"), ("completed", RESULT)]
    assert list(session.sounds().values()) == [words(RESULT)]
    assert session.voice.said == [OPENING, "twenty dollars.", "That is all of it."]
    await session.end()


async def test_a_refusal_is_begun_ahead_whole(library: Library, tools: list[Tool]) -> None:
    session = ToneSession(library, tools, guesses=True)
    session.say("the moon is far")
    session.be_quiet(PAUSE)
    await session.settle()
    begun = list(session.voice.said)
    assert len(begun) == 1
    session.be_quiet(HANGOVER)
    await session.settle()
    assert session.voice.said.count(begun[0]) == 1
    ((_, answer),) = session.answers()
    assert list(session.sounds().values()) == [words(answer)]
    await session.end()


async def test_what_was_begun_is_dropped_when_speech_goes_on_and_means_something_else(
    library: Library, tools: list[Tool]
) -> None:
    session = ToneSession(library, tools, guesses=True)
    session.say("hello")
    session.be_quiet(PAUSE)
    await session.settle()
    assert session.voice.said == ["Hello."]
    session.say("what is my balance")
    session.be_quiet(HANGOVER)
    give(session)
    await session.settle()
    assert session.answers() == [("completed", "balance"), ("completed", RESULT)]
    assert list(session.sounds().values()) == [words(RESULT)]
    await session.end()


async def test_a_result_that_begins_otherwise_is_said_as_it_is(library: Library, tools: list[Tool]) -> None:
    session = ToneSession(library, tools, guesses=True)
    session.say("what is my balance")
    session.be_quiet(HANGOVER + 1)
    await session.settle()
    give(session, "You still owed nothing then.")  # a longer word is no opening
    await session.settle()
    assert list(session.sounds().values()) == [words("You still owed nothing then.")]
    await session.end()


@pytest.mark.parametrize(
    "settings",
    [
        {"intent": "transcription"},
        {"input": {"turn_detection": None}},
        {"input": {"turn_detection": {"type": "server_vad", "create_response": False}}},
        {"output_modalities": ["text"]},
        {"guesses": False},
    ],
)
async def test_nothing_is_begun_where_nothing_would_be_answered_aloud(
    library: Library, tools: list[Tool], settings: dict[str, Any]
) -> None:
    session = ToneSession(library, tools, **{"guesses": True, **settings})
    await session.settle()
    session.say("what is my balance")
    session.be_quiet(PAUSE + 20)
    await session.settle()
    assert session.voice.said == []
    await session.end()


async def test_nothing_is_begun_while_an_answer_that_may_not_be_interrupted_goes_on(
    library: Library, tools: list[Tool]
) -> None:
    vad = {"type": "server_vad", "silence_duration_ms": 300, "interrupt_response": False}
    session = ToneSession(library, tools, guesses=True, input={"turn_detection": vad})
    session.say("the moon is far")
    session.be_quiet(HANGOVER + 1)
    session.outflow.has_room.clear()
    await session.settle()
    before = list(session.voice.said)
    session.say("what is my balance")
    session.be_quiet(PAUSE)
    await session.settle()
    assert session.voice.said == before
    session.outflow.has_room.set()
    await session.end()


# whatever happens

Step = tuple[str, Any]
STEPS: st.SearchStrategy[Step] = st.one_of(
    st.tuples(
        st.just("say"),
        st.sampled_from(
            (
                "what is my balance",
                "when is my next payment",
                "the moon is far",
                "my next idea",
                "yes",
                "no no",
            )
        ),
    ),
    st.tuples(st.just("quiet"), st.integers(1, HANGOVER + 2)),
    st.tuples(st.just("give"), st.sampled_from((RESULT, "You still owe", "Nothing at all is left to pay."))),
    st.tuples(st.sampled_from(("response.create", "response.cancel", "input_audio_buffer.clear")), st.none()),
    st.tuples(st.just("room"), st.booleans()),
)


async def lived(session: ToneSession, steps: Sequence[Step]) -> None:
    """A session with these steps, each after all that the one before brought about; an answer ends it."""
    for name, value in (*steps, ("room", True), ("say", "what is my balance"), ("quiet", HANGOVER + 2)):
        if name == "say":
            session.say(value)
        elif name == "quiet":
            session.be_quiet(value)
        elif name == "give":
            give(session, value)
        elif name == "room":
            (session.outflow.has_room.set if value else session.outflow.has_room.clear)()
        else:
            session.tell(type=name)
        await session.settle()
    give(session)
    await session.settle()
    await session.end()


def story(session: ToneSession) -> list[str]:
    """What the client was told, without how speech was cut into pieces."""
    told = []
    for event in session.events:
        kind = event["type"]
        once = f"{kind} {event.get('item_id')}" if kind.startswith("response.output_audio") else kind
        if once == kind or once not in told:
            told.append(once)
    return [one.split(" ")[0] for one in told]


@settings(max_examples=30, deadline=None)
@given(steps=st.lists(STEPS, max_size=9), doubts=st.integers(0, 2))
def test_a_session_with_guesses_is_the_one_without_them(
    library: Library, tools: list[Tool], steps: list[Step], doubts: int
) -> None:
    async def both() -> tuple[ToneSession, ToneSession]:
        lives = [ToneSession(library, tools, guesses=guesses, doubts=doubts) for guesses in (True, False)]
        for session in lives:
            await lived(session, steps)
        return lives[0], lives[1]

    ahead, plain = asyncio.run(both())
    assert story(ahead) == story(plain)
    for (status, said), (other_status, other) in zip(ahead.answers(), plain.answers(), strict=True):
        assert status == other_status
        assert said == other or (status == "cancelled" and (said.startswith(other) or other.startswith(said)))
    for session in (ahead, plain):
        items = {item["id"]: item for item in session.host.items}
        for item_id, sound in session.sounds().items():
            told = words(items[item_id]["content"][0]["transcript"])
            # All of it, in order, once; less only where it was cut.
            assert sound == told[: len(sound)]
            assert len(sound) == len(told) or items[item_id]["status"] == "incomplete"


# the parts


def test_foreseeing_changes_nothing(knowledge: Knowledge) -> None:
    agenda, dialogue = Agenda(), Dialogue(knowledge)
    assert agenda.foreseen(dialogue, "my next holiday payment idea") == Say("Do you mean your next payment?")
    agenda.asked("yes", is_live=True)
    step = agenda.next_step(dialogue)
    assert isinstance(step, Say)
    assert step.text.startswith("All right.")  # no question was open


def test_foreseeing_leaves_what_a_client_told_of_before(knowledge: Knowledge) -> None:
    agenda, dialogue = Agenda(), Dialogue(knowledge)
    agenda.asked("something about money", is_live=False)
    agenda.replied("Do you mean your next payment?")
    assert agenda.foreseen(dialogue, "yes") == Act("next_payment", {})
    agenda.asked("yes", is_live=True)
    assert agenda.next_step(dialogue) == Act("next_payment", {})


def test_a_tools_result_is_never_foreseen(knowledge: Knowledge) -> None:
    agenda = Agenda()
    agenda.returned('{"say": "You owe 20 euros."}')
    assert agenda.foreseen(Dialogue(knowledge), "what is my balance") is None
    assert agenda.next_step(Dialogue(knowledge)) == Say("You owe 20 euros.")
    assert agenda.foreseen(Dialogue(knowledge), "what is my balance") == Act("balance", {})


def test_openings_are_read_within_bounds(library: Library) -> None:
    told = dict(tool("balance", "your balance", "what is my balance"))
    told["parameters"]["x-openings"] = ["", 7, "x" * 200, " You owe ", "It is", "a", "b", "c"]
    (skill,) = library.build([told], "").skills
    assert skill.openings == ("You owe ", "It is ", "a ", "b ")


MANNER = Manner("rms")


@pytest.fixture
def voice() -> ToneVoice:
    return ToneVoice(Tones())


async def made(ahead: Ahead, mouth: Mouth) -> None:
    """Until it is."""
    await ahead.settled()
    assert mouth.is_idle


async def test_a_beginning_fits_words_voice_and_speed(voice: ToneVoice) -> None:
    mouth = Mouth(voice)
    ahead = Ahead(mouth, lambda: True)
    ahead.make_ready("You still owe ", MANNER)
    ahead.make_ready("You still owe ", MANNER)
    await made(ahead, mouth)
    assert voice.said == [OPENING]
    assert ahead.beginning_of("You still owe nothing.", MANNER) is not None
    assert ahead.beginning_of("You still owed nothing.", MANNER) is None
    assert ahead.beginning_of("You still", MANNER) is None
    ahead.make_ready("It is", MANNER)
    await made(ahead, mouth)
    assert ahead.beginning_of("It isn't open.", MANNER) is None
    assert ahead.beginning_of("You still owe nothing.", Manner("rms", 1.2)) is None
    mouth.close()


async def test_an_answer_takes_over_what_is_still_being_made(voice: ToneVoice) -> None:
    mouth = Mouth(voice)
    ahead = Ahead(mouth, lambda: True)
    ahead.make_ready("You still owe ", MANNER)
    begun = ahead.beginning_of("You still owe nothing.", MANNER)
    assert begun is not None
    first = b"".join([piece async for piece in begun.pieces()])
    assert first == b"".join([piece async for piece in begun.pieces()])
    assert len(first) == begun.size > 0
    assert voice.said == [OPENING]
    mouth.close()


async def test_the_oldest_beginnings_go_when_there_is_no_room(voice: ToneVoice) -> None:
    mouth = Mouth(voice)
    ahead = Ahead(mouth, lambda: True)
    long = " ".join(["word"] * 30)
    clauses_kept = KEPT_BYTES // (30 * 96 * 48)
    for at in range(clauses_kept + 3):
        ahead.make_ready(f"{at} {long} ", MANNER)
        await made(ahead, mouth)
    assert ahead.beginning_of(f"0 {long} ", MANNER) is None
    assert ahead.beginning_of(f"{clauses_kept + 2} {long} ", MANNER) is not None
    mouth.close()


class Hoarse(ToneVoice):
    """Fails until it is well."""

    is_well = False

    def speak(self, clause: str, voice: str, speed: float, cancelled: Callable[[], bool]) -> Any:
        if not self.is_well:
            raise SpeechError("hoarse")
        return super().speak(clause, voice, speed, cancelled)


async def test_a_beginning_that_failed_is_forgotten_and_told_to_who_waits_for_it() -> None:
    voice = Hoarse(Tones())
    mouth = Mouth(voice)
    ahead = Ahead(mouth, lambda: True)
    ahead.make_ready("You still owe ", MANNER)
    begun = ahead.beginning_of("You still owe nothing.", MANNER)
    assert begun is not None
    with pytest.raises(SpeechError, match="hoarse"):
        _ = [piece async for piece in begun.pieces()]
    await made(ahead, mouth)
    assert ahead.beginning_of("You still owe nothing.", MANNER) is None
    voice.is_well = True
    ahead.make_ready("You still owe ", MANNER)
    await made(ahead, mouth)
    assert ahead.beginning_of("You still owe nothing.", MANNER) is not None
    mouth.close()


async def test_nobody_guesses_while_somebody_waits_for_the_voice_or_the_process_is_busy(
    voice: ToneVoice,
) -> None:
    mouth = Mouth(voice)
    has_time = True
    ahead = Ahead(mouth, lambda: has_time)
    assert ahead.may_guess()
    ahead.make_ready("You still owe ", MANNER)
    await asyncio.sleep(0)
    assert not ahead.may_guess()
    await made(ahead, mouth)
    assert ahead.may_guess()
    has_time = False
    assert not ahead.may_guess()
    assert (ahead.tally.guesses, ahead.tally.declined) == (2, 2)
    mouth.close()


def test_a_process_is_busy_by_the_time_it_used_of_late() -> None:
    wall, used = 0.0, 0.0
    spare = Spare(wall=lambda: wall, used=lambda: used)
    assert spare()
    wall, used = 1.0, BUSY_SHARE + 0.1
    assert not spare()
    wall, used = 1.1, BUSY_SHARE + 0.1  # too soon to look again
    assert not spare()
    wall = 3.0
    assert spare()
