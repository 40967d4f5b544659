"""Every message we send upstream, judged by the official SDK's types in strict mode."""

from __future__ import annotations

import json

import pytest

from holdfast.core import effects
from holdfast.portal import instructions
from holdfast.wire import upstream
from holdfast.wire.session_settings import SessionSettings, session_update, tools_text
from tests.wire.strict import WrongEventError, judge_client_event

SENT: list[effects.Effect] = [
    effects.CommitInput(),
    effects.ClearInput(),
    effects.AddText("hello", "item_hf0_1"),
    effects.AddText("Nine euros.", "item_a", "assistant"),
    effects.AddSpeech(b"\1\2" * 480, "item_u"),
    effects.AddCall("call_1", "balance", "{}"),
    effects.ProveLife(1),
    effects.AddToolResult("call_1", '{"say": "nine"}'),
    effects.Respond(),
    effects.Respond(say="Hi."),
    effects.Respond(carry_on="You owe " + "very " * 200 + "much"),
    effects.CancelResponse("resp_1"),
    effects.Truncate("item_1", 120),
]


def settings(*, manual: bool = False, model: str | None = "gpt-transcribe") -> SessionSettings:
    tools = [
        {
            "type": "function",
            "name": "balance",
            "description": "What is owed",
            "parameters": {"type": "object", "properties": {}, "x-utterances": ["what do i owe"]},
        }
    ]
    told = tools_text(tools)
    return SessionSettings(instructions("Ada"), "marin", told, model, manual_turns=manual)


@pytest.mark.parametrize("effect", SENT, ids=lambda effect: type(effect).__name__)
def test_each_effect_is_a_valid_client_event_without_undeclared_fields(effect: effects.Effect) -> None:
    assert judge_client_event(json.loads(upstream.encode(effect, 1))) == set()


@pytest.mark.parametrize("manual", [True, False])
@pytest.mark.parametrize("model", [None, "gpt-transcribe"])
def test_our_settings_are_valid(*, manual: bool, model: str | None) -> None:
    sent = json.loads(session_update(settings(manual=manual, model=model)))
    assert judge_client_event(sent) == set()
    assert sent["session"]["type"] == "realtime"
    assert sent["session"]["tools"][0]["name"] == "balance"
    assert (sent["session"]["audio"]["input"]["turn_detection"] is None) is manual


def test_an_append_is_valid_and_bears_the_bytes() -> None:
    sent = json.loads(upstream.append(b"\1\2\3\4"))
    assert judge_client_event(sent) == set()
    assert sent["audio"] == "AQIDBA=="


def test_a_planted_wrong_event_fails() -> None:
    wrong = json.loads(upstream.encode(effects.Truncate("item_1", 120), 1))
    wrong["audio_end_ms"] = "120"
    with pytest.raises(WrongEventError):
        judge_client_event(wrong)


def test_an_effect_that_is_not_for_an_upstream_is_a_bug() -> None:
    with pytest.raises(TypeError):
        upstream.encode(effects.Finish(), 1)
