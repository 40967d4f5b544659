"""What real clients ask of a server of the older shape: answers beside the conversation, fields left open."""

from __future__ import annotations

import json
from typing import Any

import pytest

from holdfast.wire.dialects import BETA, Translation

ITEM = {"id": "item_1", "type": "message", "role": "assistant", "status": "in_progress", "content": []}


def told(link: Translation, kind: str, **fields: Any) -> list[str]:
    raw = json.dumps({"type": kind, "event_id": "event_1", **fields}).encode()
    return [json.loads(one)["type"] for one in link.down(raw)]


@pytest.mark.parametrize(("conversation", "is_told"), [(None, False), ("conv_1", True)])
def test_an_answer_outside_of_the_conversation_puts_nothing_into_it(
    conversation: str | None,
    is_told: bool,  # noqa: FBT001 - a parameter
) -> None:
    link = Translation(BETA)
    response: dict[str, Any] = {
        "id": "resp_1",
        "status": "in_progress",
        "conversation_id": conversation,
        "output": [],
    }
    told(link, "response.created", response=response)
    began = told(link, "response.output_item.added", response_id="resp_1", output_index=0, item=ITEM)
    ended = told(link, "response.output_item.done", response_id="resp_1", output_index=0, item=ITEM)

    assert ("conversation.item.added" in began, "conversation.item.done" in ended) == (is_told, is_told)


def test_an_override_that_is_null_overrides_nothing() -> None:
    asked = {"type": "response.create", "response": {"instructions": None, "metadata": {"a": "b"}}}
    (raw,) = Translation(BETA).up(json.dumps(asked).encode())

    assert json.loads(raw)["response"] == {"metadata": {"a": "b"}}
