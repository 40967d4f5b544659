"""Act, ask back, or say plainly what one is; never anything in between."""

from __future__ import annotations

import pytest

from holdfast.engine.dialogue import Act, Dialogue, Say
from holdfast.engine.knowledge import Knowledge, Library, Slot, skills
from holdfast.engine.questions import heard_value
from tests.engine.conftest import Tool, tool


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


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("the second one", "principal"),
        ("the second won", "principal"),
        ("I mean the first", "annual percentage rate"),
        ("number two please", "principal"),
        ("two", "principal"),
        ("the last one please", "principal"),
        ("the first term", "annual percentage rate"),
    ],
)
def test_an_offered_term_may_be_chosen_by_its_place(dialogue: Dialogue, text: str, term: str) -> None:
    dialogue.decide("explain a term")
    assert dialogue.decide(text) == Act("explain_term", {"term": term})


@pytest.mark.parametrize("text", ["the fourth one", "the first or the second", "what is my second balance"])
def test_no_place_is_guessed(dialogue: Dialogue, text: str) -> None:
    dialogue.decide("explain a term")
    step = dialogue.decide(text)
    assert not isinstance(step, Act) or step.tool != "explain_term"


def test_what_was_not_heard_leaves_the_question_open(dialogue: Dialogue) -> None:
    dialogue.decide("my next holiday payment idea")
    assert "did not hear" in said(dialogue.decide(""))
    assert dialogue.decide("yes") == Act("next_payment", {})


def test_other_tools_leave_a_question_open_if_its_tool_is_still_there(
    dialogue: Dialogue, library: Library, bank_tools: list[Tool]
) -> None:
    dialogue.decide("my next holiday payment idea")
    dialogue.learn(library.build(bank_tools[1:], ""))
    assert dialogue.decide("yes") == Act("next_payment", {})
    dialogue.decide("my next holiday payment idea")
    dialogue.learn(library.build(bank_tools[:1], ""))
    assert said(dialogue.decide("yes")).startswith("All right.")


# what an earlier session left behind


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        # our own words, alone, after others, and cut
        ("Do you mean your next payment?", "yes"),
        ("Hm, I am not sure. Do you mean your next payment?", "yes please"),
        ("Do you mean your next", "yes"),
        # somebody else's
        ("I could look up your next payment. Would you like to hear when your next payment is?", "yes"),
        ("Is it your next payment? Just tell me.", "yes"),
        ("When do you have to pay next?", "yes"),
    ],
)
def test_a_question_of_before_is_open_again(dialogue: Dialogue, question: str, answer: str) -> None:
    dialogue.recall("something about money", question)
    assert dialogue.decide(answer) == Act("next_payment", {})


@pytest.mark.parametrize(
    ("question", "answer", "term"),
    [
        (
            "Which term do you mean? For example annual percentage rate or principal.",
            "the second",
            "principal",
        ),
        ("Which term do you mean?", "the second one", "principal"),
        ("Which one: the principal or the annual percentage rate?", "the second", "annual percentage rate"),
        ("Gladly. Which one?", "the principal please", "principal"),
    ],
)
def test_a_question_for_a_value_is_open_again(
    dialogue: Dialogue, question: str, answer: str, term: str
) -> None:
    dialogue.recall("explain a term", question)
    assert dialogue.decide(answer) == Act("explain_term", {"term": term})


def test_which_contract_and_the_second(library: Library) -> None:
    contracts = {"HF-1": ["the car loan"], "HF-2": ["the house loan"]}
    tools = [tool("status", "the status of a contract", "what is the status of my contract", enum=contracts)]
    dialogue = Dialogue(library.build(tools, ""))
    dialogue.recall("what is the status of my contract", "You have two. Which contract?")
    assert dialogue.decide("the second") == Act("status", {"term": "HF-2"})


@pytest.mark.parametrize(
    "replied",
    [
        "You owe €20.",
        "",
        "How are you? You owe €20. That is all.",
        "Shall it be your balance or your next payment?",
    ],
)
def test_an_answer_of_before_opens_no_question(dialogue: Dialogue, replied: str) -> None:
    dialogue.decide("my next holiday payment idea")
    dialogue.recall("what is my balance", replied)
    assert said(dialogue.decide("yes")).startswith("All right.")


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


@pytest.mark.parametrize(
    ("spoken", "required", "forms", "is_required"),
    [
        (7, True, (), False),
        ({"a b": 7}, 3, (), False),
        ({"a b": "ay bee"}, "a_b", ("ay bee",), False),
        ({"a b": ["ay", 2]}, ["term"], ("ay", "2"), True),
    ],
)
def test_odd_words_of_a_tool_cost_that_tool_nothing(
    spoken: object, required: object, forms: tuple[str, ...], *, is_required: bool
) -> None:
    """Nor all other tools of its session, which nobody had learned then."""
    term = {"type": "string", "enum": ["a b"], "x-spoken": spoken}
    schema = {"properties": {"term": term}, "required": required}
    (skill,) = skills([{"type": "function", "name": "explain", "parameters": schema}])
    assert skill.slot is not None
    assert skill.slot.values == {"a b": ("a b", *forms)}
    assert skill.slot.required is is_required
