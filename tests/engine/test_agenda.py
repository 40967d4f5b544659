"""What is due, told by items and turns in their order. Words alone."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from holdfast.engine.agenda import Agenda
from holdfast.engine.carrying_on import BRIDGE, CLOSE
from holdfast.engine.dialogue import Act, Dialogue, Say
from holdfast.engine.knowledge import Knowledge

BALANCE = "You still owe €20. The next payment is due on Monday."


@pytest.fixture
def dialogue(knowledge: Knowledge) -> Dialogue:
    return Dialogue(knowledge)


def restored(*items: Sequence[str]) -> Agenda:
    """An agenda that a client told these items: (user, words), (call,), (result, say), (assistant, words)."""
    agenda = Agenda()
    for kind, *words in items:
        if kind == "user":
            agenda.asked(words[0], is_live=False)
        elif kind == "call":
            agenda.called()
        elif kind == "result":
            agenda.returned(json.dumps({"say": words[0]}))
        else:
            agenda.replied(words[0])
    return agenda


ASKED = ("user", "what is my balance")
CALLED = ("call",)
RESULT = ("result", BALANCE)


def test_a_question_that_waits_is_decided_once(dialogue: Dialogue) -> None:
    agenda = restored(ASKED)
    assert agenda.next_step(dialogue) == Act("balance", {})
    assert agenda.next_step(dialogue) == Say(dialogue.opening())


def test_a_result_is_said_and_its_question_does_not_wait_any_more(dialogue: Dialogue) -> None:
    agenda = restored(ASKED, CALLED, RESULT)
    assert agenda.next_step(dialogue) == Say(BALANCE)
    assert agenda.next_step(dialogue) == Say(dialogue.opening())


def test_several_results_are_one_answer(dialogue: Dialogue) -> None:
    agenda = restored(ASKED, CALLED, ("result", "One."), CALLED, ("result", "Two."))
    assert agenda.next_step(dialogue) == Say("One. Two.")


def test_what_was_answered_before_is_not_answered_again(dialogue: Dialogue) -> None:
    agenda = restored(ASKED, CALLED, RESULT, ("assistant", BALANCE), ("user", "when is my next payment"))
    assert agenda.next_step(dialogue) == Act("next_payment", {})


def test_a_conversation_that_ends_with_a_cut_answer_is_carried_on(dialogue: Dialogue) -> None:
    agenda = restored(ASKED, CALLED, RESULT, ("assistant", "You still owe €20. The next"))
    assert agenda.next_step(dialogue) == Say("payment is due on Monday.")


def test_the_request_may_say_what_was_heard(dialogue: Dialogue) -> None:
    agenda = restored(ASKED, CALLED, RESULT)
    assert agenda.next_step(dialogue, heard="You still") == Say("owe €20. The next payment is due on Monday.")


def test_the_conversation_knows_the_words_from_their_beginning(dialogue: Dialogue) -> None:
    agenda = restored(ASKED, CALLED, RESULT, ("assistant", "You still owe €20. The next"))
    assert agenda.next_step(dialogue, heard="€20. The  next") == Say("payment is due on Monday.")


def test_a_sentence_of_the_engine_s_own_is_carried_on_as_well(dialogue: Dialogue) -> None:
    agenda = restored(("user", "explain a term"), ("assistant", "Which term do you"))
    step = agenda.next_step(dialogue)
    assert step == Say("mean? For example annual percentage rate or principal.")
    agenda.asked("the second", is_live=True)
    assert agenda.next_step(dialogue) == Act("explain_term", {"term": "principal"})


def test_words_that_are_to_be_said_are_carried_on(dialogue: Dialogue) -> None:
    greeting = "Hi, I am your Sherpa. How can I help you?"
    agenda = restored(("assistant", "Hi, I am"))
    assert agenda.next_step(dialogue, verbatim=greeting) == Say(greeting)
    assert agenda.next_step(dialogue, verbatim=greeting, heard="Hi, I am") == Say(
        "your Sherpa. How can I help you?"
    )


def test_a_greeting_that_nobody_knows_ends_with_an_invitation(dialogue: Dialogue) -> None:
    step = restored(("assistant", "Hi, I am your")).next_step(dialogue)
    assert step == Say(f"{BRIDGE} How can I help you?")


def test_a_tool_is_called_only_where_its_result_is_lacking_and_then_the_rest_is_said(
    dialogue: Dialogue,
) -> None:
    agenda = restored(ASKED, ("assistant", "You still owe"))
    assert agenda.next_step(dialogue) == Act("balance", {})
    agenda.returned(json.dumps({"say": BALANCE}))
    assert agenda.next_step(dialogue) == Say("€20. The next payment is due on Monday.")


def test_nothing_left_is_closed_politely(dialogue: Dialogue) -> None:
    agenda = restored(ASKED, CALLED, RESULT, ("assistant", BALANCE))
    assert agenda.next_step(dialogue) == Say(CLOSE)


def test_a_new_question_comes_before_a_cut_answer(dialogue: Dialogue) -> None:
    agenda = restored(ASKED, CALLED, RESULT, ("assistant", "You still"), ("user", "good bye"))
    assert agenda.next_step(dialogue) == Act("goodbye", {})


def test_a_refusal_continues_nothing_and_bridges_nothing(dialogue: Dialogue) -> None:
    step = restored(("user", "sing a song"), ("assistant", "La la la")).next_step(dialogue)
    assert isinstance(step, Say)
    assert step.text.startswith("Sorry, I am a limited local assistant")


def test_an_open_question_of_before_is_answered_by_the_next_turn(dialogue: Dialogue) -> None:
    agenda = restored(("user", "explain a term"), ("assistant", "Which one: principal or the a p r?"))
    agenda.asked("the second", is_live=True)
    assert agenda.next_step(dialogue) == Act("explain_term", {"term": "annual percentage rate"})


def test_the_answer_to_an_open_question_is_carried_on_without_its_tool(dialogue: Dialogue) -> None:
    question = "Which one: principal or the a p r?"
    agenda = restored(("user", "explain a term"), ("assistant", question), ("user", "the second"))
    agenda.replied("It is")
    assert agenda.next_step(dialogue) == Act("explain_term", {"term": "annual percentage rate"})


def test_only_what_was_spoken_here_waits_by_itself(dialogue: Dialogue) -> None:
    agenda = restored(ASKED)
    seen = [agenda.is_waiting]
    agenda.asked("good bye", is_live=True)
    seen.append(agenda.is_waiting)
    agenda.next_step(dialogue)
    seen.append(agenda.is_waiting)
    assert seen == [False, True, False]


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("plain words", "plain words"),
        ('"a string"', "a string"),
        ('{"message": "m"}', "m"),
        ('{"error": "e", "say": " "}', "e"),
        ("[1]", "That is done, but I was given no words for the result."),
        ("[" * 5_000 + "]" * 5_000, "That is done, but I was given no words for the result."),
    ],
)
def test_a_result_gets_no_words_invented(dialogue: Dialogue, output: str, words: str) -> None:
    agenda = Agenda()
    agenda.returned(output)
    assert agenda.next_step(dialogue) == Say(words)


@pytest.mark.parametrize("output", ["", "  ", '""', "null", "7", "[]", '{"say": ""}', '{"say": 7}'])
def test_a_result_without_words_is_no_silence(dialogue: Dialogue, output: str) -> None:
    agenda = restored(ASKED, CALLED)
    agenda.returned(output)
    step = agenda.next_step(dialogue)
    assert step == Say("That is done, but I was given no words for the result.")


def test_what_somebody_else_has_answered_is_answered_and_what_came_meanwhile_is_not(
    dialogue: Dialogue,
) -> None:
    agenda = restored(ASKED, CALLED, RESULT)
    errand = agenda.given_away()
    agenda.asked("good bye", is_live=True)
    agenda.settled(errand)
    assert agenda.is_waiting
    assert agenda.next_step(dialogue) == Act("goodbye", {})

    agenda = restored(ASKED)
    errand = agenda.given_away()
    agenda.called()
    agenda.returned(json.dumps({"say": BALANCE}))
    agenda.settled(errand)
    assert agenda.next_step(dialogue) == Say(BALANCE)


def test_what_came_to_nothing_elsewhere_is_still_due_and_waits_for_nobody(dialogue: Dialogue) -> None:
    agenda = Agenda()
    agenda.asked("what is my balance", is_live=True)
    agenda.given_away()
    assert not agenda.is_waiting
    assert agenda.next_step(dialogue) == Act("balance", {})
