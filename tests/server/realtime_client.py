"""A client of `/v1/realtime` that knows nothing of us, and the rules it may count on."""

from __future__ import annotations

import base64
from collections import Counter
from typing import Any, Final

from holdfast.emulator import Emulator, SessionRecord
from tests.server.gateway import Client, TestGateway, frames, tone
from tests.wire.strict import judge_server_event

UNDECLARED: Final = {
    f"session.{step}.session.{name}"
    for step in ("created", "updated")
    for name in ("id", "object", "expires_at")
}
"""Documented, and lacking in the official types."""

TOOL = {"type": "function", "name": "balance", "parameters": {"type": "object"}}
SPEECH = tone(0.6) + bytes(48 * 700)
"""A word, and enough silence to end it."""
PREFIX_BYTES = 48 * 300
"""The silence before a word that belongs to a turn."""


async def dial(gw: TestGateway, query: str = "", **kwargs: Any) -> Client:
    return await Client.connect(f"ws://{gw.authority}/v1/realtime?model=gpt-realtime-2.1{query}", **kwargs)


def send_audio(client: Client, pcm: bytes) -> None:
    for frame in frames(pcm):
        client.say("input_audio_buffer.append", audio=base64.b64encode(frame).decode())


def send_text(client: Client, text: str, **response: Any) -> None:
    content = [{"type": "input_text", "text": text}]
    client.say("conversation.item.create", item={"type": "message", "role": "user", "content": content})
    client.say("response.create", response=response)


def update(client: Client, event_id: str | None = None, **session: Any) -> None:
    client.say("session.update", session={"type": "realtime", **session}, event_id=event_id)


async def converse(client: Client) -> None:
    """A configured session, a spoken turn with its answer, a turn that calls a tool, the tool's answer."""
    update(client, tools=[TOOL])
    await client.until_told("session.updated")
    send_audio(client, SPEECH)
    await client.until(lambda: answers(client) >= 1)
    send_text(client, "call balance {}")
    await client.until(lambda: bool(calls(client)))
    await client.until(lambda: not running(client))
    output = {"type": "function_call_output", "call_id": calls(client)[-1]["call_id"], "output": "nine euros"}
    client.say("conversation.item.create", item=output)
    client.say("response.create")
    await client.until(lambda: answers(client) >= 2)


def completed(client: Client) -> list[dict[str, Any]]:
    return [m["response"] for m in client.told("response.done") if m["response"]["status"] == "completed"]


def answers(client: Client) -> int:
    """Answers in words that came to their end."""
    return sum(any(item["type"] == "message" for item in one["output"]) for one in completed(client))


def running(client: Client) -> set[str]:
    begun = {m["response"]["id"] for m in client.told("response.created")}
    return begun - {m["response"]["id"] for m in client.told("response.done")}


def calls(client: Client) -> list[dict[str, Any]]:
    """Calls that are whole."""
    items = [m["item"] for m in client.told("response.output_item.done")]
    return [i for i in items if i["type"] == "function_call" and i["status"] == "completed"]


def obeys_the_dialect(client: Client) -> None:
    """Stable ids, one end for each beginning, nothing told twice, nothing of nobody."""
    begun = Counter(m["response"]["id"] for m in client.told("response.created"))
    ended = Counter(m["response"]["id"] for m in client.told("response.done"))
    assert set(begun.values()) <= {1}, begun
    assert ended == begun, "each response ends once"
    event_ids = Counter(m["event_id"] for m in client.texts if not m["type"].startswith("holdfast."))
    assert set(event_ids.values()) == {1}, event_ids.most_common(3)
    for kind in ("conversation.item.added", "conversation.item.done", "response.output_item.added"):
        ids = Counter(m["item"]["id"] for m in client.told(kind))
        assert set(ids.values()) <= {1}, (kind, ids)
    for kind in ("input_audio_buffer.committed", "input_audio_buffer.speech_started"):
        ids = Counter(m["item_id"] for m in client.told(kind))
        assert set(ids.values()) <= {1}, (kind, ids)
    kind = "conversation.item.input_audio_transcription.completed"
    assert set(Counter(m["item_id"] for m in client.told(kind)).values()) <= {1}
    assert len(client.told("session.created")) == 1
    for begins, ends in (
        ("output_item.added", "output_item.done"),
        ("content_part.added", "content_part.done"),
    ):
        opened, closed = (Counter(map(_place, client.told(f"response.{one}"))) for one in (begins, ends))
        assert opened == closed, f"each {begins} has its end, once"
    sessions = {m["session"]["id"] for m in client.told("session.created") + client.told("session.updated")}
    conversations = {m["response"].get("conversation_id") for m in client.told("response.created")} - {None}
    assert len(sessions) == 1
    assert len(conversations) <= 1, "the client knows one conversation"
    for message in client.texts:
        if not message["type"].startswith(("holdfast.", "emulator.")):
            assert judge_server_event(message) <= UNDECLARED, message
    _no_event_of_a_response_is_outside_of_it(client)
    _no_audio_sounds_twice(client)


def _place(event: dict[str, Any]) -> tuple[str, int, int]:
    return event["response_id"], event["output_index"], event.get("content_index", 0)


def _no_event_of_a_response_is_outside_of_it(client: Client) -> None:
    running_now: set[str] = set()
    items: set[str] = set()
    for message in client.texts:
        kind = message["type"]
        if kind == "response.created":
            running_now.add(message["response"]["id"])
        elif kind == "response.done":
            running_now.discard(message["response"]["id"])
        elif "response_id" in message:
            assert message["response_id"] in running_now, message
        if kind == "response.output_item.added":
            items.add(message["item"]["id"])
        elif kind.startswith("response.") and "item_id" in message:
            assert message["item_id"] in items, message


def _no_audio_sounds_twice(client: Client) -> None:
    """What was said of each item is what its words are long: none of it twice, and the same in order."""
    heard: dict[str, bytearray] = {}
    words: dict[str, str] = {}
    for message in client.texts:
        if message["type"] == "response.output_audio.delta":
            heard.setdefault(message["item_id"], bytearray()).extend(base64.b64decode(message["delta"]))
        elif message["type"] == "response.output_audio_transcript.delta":
            words[message["item_id"]] = words.get(message["item_id"], "") + message["delta"]
    for item_id, pcm in heard.items():
        assert len(pcm) <= CHAR_BYTES * len(words[item_id]) + CHAR_BYTES * 40, item_id


CHAR_BYTES = 60 * 48
"""Speech for a character, as an emulator makes it."""


def heard_whole(upstream: Emulator, spoken: bytes) -> bool:
    """Whether one upstream heard the turn whole: as it was said, or as an item."""
    return any(spoken in heard_by(record) for record in upstream.records)


def heard_by(record: SessionRecord) -> bytes:
    return b"".join(item.pcm for item in record.items) + bytes(record.pcm)
