"""What a chat server is told of a conversation, and its answer in sentences and calls."""

from __future__ import annotations

from typing import Any

import msgspec

from holdfast.engine.chatting import CHARS_MAX, ITEMS_MAX, Call, Delta, Reply, request_of

TOOL = {
    "type": "function",
    "name": "balance",
    "description": "What is owed",
    "parameters": {"type": "object", "properties": {}, "x-utterances": ["what do i owe"]},
}
SESSION = {"instructions": "Serve Ada.", "tools": [TOOL], "tool_choice": "auto", "max_output_tokens": "inf"}


def said(role: str, text: str) -> dict[str, Any]:
    return {"type": "message", "role": role, "content": [{"type": "input_text", "text": text}]}


def call(call_id: str) -> dict[str, Any]:
    return {"type": "function_call", "call_id": call_id, "name": "balance", "arguments": "{}"}


def result(call_id: str) -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": call_id, "output": "nine"}


def told(*items: dict[str, Any], **request: Any) -> dict[str, Any]:
    return request_of(SESSION, items, request)


def test_a_conversation_with_two_calls_at_once() -> None:
    request = told(said("user", "what do I owe"), call("c1"), call("c2"), result("c1"), result("c2"))
    system, user, called, first, second = request["messages"]
    assert system["content"].startswith("Serve Ada.\n\nYour words are spoken aloud.")
    assert user == {"role": "user", "content": "what do I owe"}
    assert [one["id"] for one in called["tool_calls"]] == ["c1", "c2"]
    assert [first["tool_call_id"], second["tool_call_id"]] == ["c1", "c2"]
    [tool] = request["tools"]
    assert tool["function"]["parameters"] == {"type": "object", "properties": {}}
    assert "max_tokens" not in request


def test_calls_and_results_without_their_other_half_are_left_out() -> None:
    request = told(said("user", "a"), call("c1"), result("c2"))
    assert [one["role"] for one in request["messages"]] == ["system", "user"]


def test_an_answer_that_was_cut_is_told_as_one() -> None:
    cut = {"type": "message", "role": "assistant", "content": [{"type": "output_audio"}]}
    assert "interrupted" in told(said("user", "a"), cut)["messages"][-1]["content"]


def test_what_the_request_says_holds() -> None:
    request = told(
        said("user", "a"),
        tool_choice="none",
        instructions="Be brief.",
        max_output_tokens=20,
        input=[said("user", "b")],
    )
    assert "tools" not in request
    assert "Be brief." in request["messages"][0]["content"]
    assert request["messages"][1]["content"] == "b"
    assert request["max_tokens"] == 20
    forced = told(said("user", "a"), tool_choice={"type": "function", "name": "balance"})
    assert forced["tool_choice"] == {"type": "function", "function": {"name": "balance"}}


def test_a_long_conversation_is_told_from_its_end() -> None:
    many = told(*[said("user", str(number)) for number in range(3 * ITEMS_MAX)])["messages"]
    assert len(many) == ITEMS_MAX + 1
    assert many[-1]["content"] == str(3 * ITEMS_MAX - 1)
    large = told(*[said("user", "x" * (CHARS_MAX // 4)) for _ in range(9)])["messages"]
    assert len(large) == 4 + 1
    orphan = told(call("c1"), result("c1"), *[said("user", str(number)) for number in range(ITEMS_MAX - 1)])
    assert orphan["messages"][1]["role"] == "user"


def test_sentences_come_when_they_are_whole() -> None:
    reply = Reply()
    parts = ["You owe 9", ".50 euros", ". It is due", " on Monday!", " Anything", " else?"]
    whole = [sentence for part in parts for sentence in reply.take(Delta(part))]
    assert whole == ["You owe 9.50 euros. ", "It is due on Monday! "]
    assert reply.rest() == "Anything else?"
    assert reply.rest() == ""


def test_a_sentence_without_end_is_cut_at_a_word() -> None:
    reply = Reply()
    [first, *_] = list(reply.take(Delta("word " * 200)))
    assert len(first) <= 400
    assert first.endswith("word ")


def test_calls_come_in_pieces_or_whole() -> None:
    reply = Reply()
    pieces = [
        {"index": 0, "id": "a", "function": {"name": "balance", "arguments": ""}},
        {"index": 0, "function": {"arguments": '{"x":'}},
        {"index": 0, "function": {"arguments": "1}"}},
        {"index": 0, "id": "b", "function": {"name": "other", "arguments": {"y": 2}}},
    ]
    for piece in pieces:
        assert list(reply.take(msgspec.convert({"tool_calls": [piece]}, Delta))) == []
    assert reply.calls() == [Call("balance", '{"x":1}'), Call("other", '{"y": 2}')]


def test_arguments_that_are_no_json_are_not_told_again() -> None:
    """Servers that read them refuse the conversation, and so every answer from there on."""
    odd = [{**call(f"call_{at}"), "arguments": text} for at, text in enumerate(('{"term": ', "[1]", "", "x"))]
    items = [said("user", "what do i owe"), *odd, *(result(one["call_id"]) for one in odd)]
    told = request_of(SESSION, items, {})["messages"][2]["tool_calls"]
    assert [one["function"]["arguments"] for one in told] == ["{}"] * 4
    good = [{**call("call_1"), "arguments": '{"term": "principal"}'}, result("call_1")]
    (kept,) = request_of(SESSION, good, {})["messages"][1]["tool_calls"]
    assert kept["function"]["arguments"] == '{"term": "principal"}'


def test_halves_of_a_character_meet_and_one_alone_is_a_mark() -> None:
    reply = Reply()
    whole = [
        text
        for part in ("Fine \ud83d", "\ude00. Yes \ude00 no. And \ud83d")
        for text in reply.take(Delta(part))
    ]
    assert [*whole, reply.rest()] == ["Fine 😀. ", "Yes � no. ", "And �"]
    assert [*reply.take(Delta("x" * 401 + "\ud83d")), reply.rest()] == ["x" * 400, "x�"]


def test_a_call_bears_no_half_of_a_character() -> None:
    reply = Reply()
    for part in ('{"a":"\ud83d', '\ude00"}'):
        one = {"index": 0, "function": {"name": "balance", "arguments": part}}
        assert not list(reply.take(msgspec.convert({"tool_calls": [one]}, Delta)))
    assert reply.calls() == [Call("balance", '{"a":"😀"}')]
