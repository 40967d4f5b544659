"""Act, ask back, or say plainly what one is; never anything in between."""

from __future__ import annotations

import pytest

from holdfast.engine.dialogue import Act, Dialogue, Say, heard_value
from holdfast.engine.knowledge import Knowledge, Library, Slot, skills
from holdfast.engine.sphinx import installed_model
from tests.engine.conftest import Tool


@pytest.fixture(scope="module")
def library() -> Library:
    return Library(installed_model())


@pytest.fixture
def knowledge(library: Library, bank_tools: list[Tool]) -> Knowledge:
    return library.build(bank_tools, "You help with loans.")


@pytest.fixture
def dialogue(knowledge: Knowledge) -> Dialogue:
    return Dialogue(knowledge)


def said(step: Act | Say) -> str:
    assert isinstance(step, Say)
    return step.text


@pytest.mark.parametrize("text", ["what is my balance", "can you please tell me how much I owe?"])
def test_a_clear_question_calls_its_tool(dialogue: Dialogue, text: str) -> None:
    assert dialogue.decide(text) == Act("balance", {})


def test_what_is_not_clear_is_asked_back_and_yes_calls_the_tool(dialogue: Dialogue) -> None:
    assert said(dialogue.decide("my next holiday payment idea")) == "Do you mean your next payment?"
    assert dialogue.decide("yes") == Act("next_payment", {})


def test_no_closes_the_question(dialogue: Dialogue) -> None:
    dialogue.decide("my next holiday payment idea")
    assert said(dialogue.decide("no")).startswith("All right.")
    assert said(dialogue.decide("yes")).startswith("All right.")


def test_another_question_replaces_an_open_one(dialogue: Dialogue) -> None:
    dialogue.decide("my next holiday payment idea")
    assert dialogue.decide("what is my balance") == Act("balance", {})


@pytest.mark.parametrize("text", ["will it rain tomorrow", "the old man and the sea", "zzz qqq"])
def test_what_is_out_of_scope_is_said_plainly_with_three_offers(dialogue: Dialogue, text: str) -> None:
    answer = said(dialogue.decide(text))
    assert "limited local assistant" in answer
    assert "your balance, your next payment or explaining a term" in answer


def test_silence_is_no_intent(dialogue: Dialogue) -> None:
    assert "did not hear" in said(dialogue.decide(""))


def test_a_greeting_is_greeted(dialogue: Dialogue) -> None:
    assert said(dialogue.decide("Hello!")).startswith("Hello.")


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("what does principal mean", "principal"),
        ("what is the annual percentage rate", "annual percentage rate"),
    ],
)
def test_a_term_of_the_list_becomes_the_argument(dialogue: Dialogue, text: str, term: str) -> None:
    assert dialogue.decide(text) == Act("explain_term", {"term": term})


def test_a_missing_term_is_asked_for_and_then_taken(dialogue: Dialogue) -> None:
    assert said(dialogue.decide("explain a term")).startswith("Which term do you mean?")
    assert dialogue.decide("the a p r please") == Act("explain_term", {"term": "annual percentage rate"})


def test_a_session_without_tools_promises_nothing(library: Library) -> None:
    bare = Dialogue(library.build([], ""))
    assert "No tools were given to me" in said(bare.decide("what is my balance"))
    assert "limited local assistant" in bare.opening()


def test_the_same_words_mean_the_same(knowledge: Knowledge) -> None:
    first = knowledge.index.meaning("how much is still open")
    assert first == knowledge.index.meaning("how much is still open")
    assert first.intent == "balance"
    assert 0 < first.score <= 1


def test_knowledge_is_built_once_for_the_same_session(library: Library, bank_tools: list[Tool]) -> None:
    first = library.build(bank_tools, "a")
    assert library.build(list(bank_tools), "a") is first
    assert library.build(bank_tools, "b") is not first


def test_tools_without_phrases_are_known_by_name_and_description() -> None:
    (skill,) = skills([{"type": "function", "name": "getOpenOrders", "description": "Lists open orders."}])
    assert skill.title == "get open orders"
    assert skill.utterances == ("get open orders", "Lists open orders.")


@pytest.mark.parametrize("schema", [None, [], {"properties": 3}, {"properties": {"a": {"enum": [1]}}}])
def test_strange_schemas_teach_nothing_and_break_nothing(schema: object) -> None:
    (skill,) = skills([{"type": "function", "name": "x", "parameters": schema}])
    assert skill.slot is None


def test_a_value_is_heard_though_the_recogniser_split_it() -> None:
    slot = Slot("term", {"payslip": ("pay slip",), "iban": ("iban",)}, required=True)
    assert heard_value(slot, "what is a payslip") == "payslip"
    assert heard_value(slot, "what is the weather") is None
    assert heard_value(slot, "an i ban please") == "iban"
