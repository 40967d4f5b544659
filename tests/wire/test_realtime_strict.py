"""A whole conversation under the eyes of the official types: no field wrong, none undeclared.

The allow-list below is all that the types do not declare and we send all the same.
"""

import copy
import json
from typing import Any

import pytest

from holdfast.emulator import EmulatorOptions, SessionRecord, spoken
from holdfast.emulator.responder import EmulatedResponder
from tests.wire.realtime_dialog import Dialog, Json, silence
from tests.wire.strict import SERVER_EVENTS, WrongEventError, judge_client_event, judge_server_event

# `session.created` and `.updated` are typed as the request for a session; the service adds these three.
UNDECLARED = {
    f"{event}.session.{name}"
    for event in ("session.created", "session.updated")
    for name in ("id", "object", "expires_at")
}

NOT_OURS = {
    # in the union, not sent by the service since GA
    "conversation.created",
    "conversation.item.created",
    # WebRTC and SIP only
    "input_audio_buffer.dtmf_event_received",
    "output_audio_buffer.started",
    "output_audio_buffer.stopped",
    "output_audio_buffer.cleared",
    # no diarization, no MCP here
    "conversation.item.input_audio_transcription.segment",
    *(f"mcp_list_tools.{state}" for state in ("in_progress", "completed", "failed")),
    *(f"response.mcp_call.{state}" for state in ("in_progress", "completed", "failed")),
    *(f"response.mcp_call_arguments.{state}" for state in ("delta", "done")),
}

TOOL = {
    "type": "function",
    "name": "balance",
    "description": "d",
    "parameters": {"type": "object", "x-title": "t"},
}
TRANSCRIBED = {"input": {"transcription": {"model": "whisper-1"}}}


def emulated(**options: Any) -> Dialog:
    intent = options.pop("intent", "realtime")
    record = SessionRecord("sess_1", 1, "/v1/realtime", "gpt-realtime-2.1", intent, "none", [])
    return Dialog(EmulatedResponder(EmulatorOptions(speed=0, char_ms=5, **options), record), intent=intent)


def conversation() -> list[Json]:
    """A voice turn, a text turn, a tool call, a barge-in, a manual commit, cutting, errors, transcription."""
    dialog = emulated()
    dialog.update(audio=TRANSCRIBED, tools=[TOOL])
    dialog.speak(spoken("hello there", char_ms=40) + silence(600))
    spoken_item = dialog.host.items[-1]["id"]
    dialog.send("conversation.item.truncate", item_id=spoken_item, content_index=0, audio_end_ms=10)
    dialog.send("conversation.item.retrieve", item_id=dialog.host.items[0]["id"])
    dialog.send("conversation.item.delete", item_id=dialog.host.items[0]["id"])

    dialog.say("what is new")
    dialog.send("response.create", response={"output_modalities": ["text"], "metadata": {"a": "b"}})
    dialog.say('call balance {"of": "me"}')
    dialog.send("response.create")
    call_id = dialog.host.items[-1]["call_id"]
    output = {"type": "function_call_output", "call_id": call_id, "output": '{"say": "It is ten."}'}
    dialog.send("conversation.item.create", item=output)
    dialog.send("response.create")
    dialog.send("response.create", response={"conversation": "none", "input": [], "metadata": {"x": "y"}})

    interrupted = dialog.host.begin_response()
    interrupted.message().transcript("I was about to")
    dialog.speak(spoken("wait", char_ms=60) + silence(600))
    unlucky = dialog.host.begin_response()
    unlucky.done("failed", error={"type": "server_error", "code": "server_error", "message": "no"})

    dialog.host.idle_timeout(dialog.host.audio_ms - 500)

    dialog.update(audio={"input": {"turn_detection": None}})
    dialog.speak(silence(200))
    dialog.send("input_audio_buffer.commit")
    dialog.speak(silence(50))
    dialog.send("input_audio_buffer.clear")
    dialog.host.transcript_failed(dialog.host.items[-1]["id"], "audio_unintelligible", "noise")
    dialog.send("input_audio_buffer.commit", event_id="empty")
    dialog.send("no.such.event")

    heard = emulated(intent="transcription")
    wanted = {"input": {"transcription": {"model": "gpt-4o-transcribe"}}}
    heard.send("session.update", session={"type": "transcription", "audio": wanted})
    heard.speak(spoken("hello there", char_ms=40) + silence(600))
    return dialog.events + heard.events


EVENTS = conversation()


def test_every_event_is_right_and_declared() -> None:
    undeclared: set[str] = set()
    for event in EVENTS:
        undeclared |= judge_server_event(event)

    assert undeclared == UNDECLARED


def test_every_event_we_know_was_looked_at() -> None:
    assert {event["type"] for event in EVENTS} == set(SERVER_EVENTS) - NOT_OURS


def test_every_response_ends_once() -> None:
    begun = [event["response"]["id"] for event in EVENTS if event["type"] == "response.created"]
    ended = [event["response"]["id"] for event in EVENTS if event["type"] == "response.done"]

    assert begun == ended
    assert len(set(begun)) == len(begun)


def first(kind: str) -> Json:
    return copy.deepcopy(next(event for event in EVENTS if event["type"] == kind))


@pytest.mark.parametrize(
    ("kind", "spoil"),
    [
        ("response.done", lambda event: event["response"].update(status="finished")),
        ("response.done", lambda event: event["response"]["usage"].update(input_tokens="7")),
        ("response.output_audio.delta", lambda event: event.pop("content_index")),
        ("conversation.item.added", lambda event: event["item"].update(role="judge")),
        ("session.updated", lambda event: event["session"]["audio"]["input"]["format"].update(rate=16000)),
        ("error", lambda event: event["error"].pop("message")),
        ("rate_limits.updated", lambda event: event.update(type="rate_limits.update")),
    ],
)
def test_a_planted_wrong_event_is_found(kind: str, spoil: Any) -> None:
    event = first(kind)
    judge_server_event(event)
    spoil(event)

    with pytest.raises(WrongEventError):
        judge_server_event(event)


def test_a_planted_undeclared_field_is_named() -> None:
    event = first("response.done")
    event["vendor"] = 1
    event["response"]["output"][0]["mood"] = "good"

    assert judge_server_event(event) == {"response.done.vendor", "response.done.response.output[].mood"}


def test_what_the_types_call_a_client_event_the_host_takes() -> None:
    """The two sides of the dialect agree: what the judge declares right is answered without an error."""
    dialog = emulated()
    for event in (
        {
            "type": "session.update",
            "event_id": "a",
            "session": {"type": "realtime", "tools": [TOOL], "audio": TRANSCRIBED},
        },
        {
            "type": "conversation.item.create",
            "previous_item_id": "root",
            "item": {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]},
        },
        {
            "type": "response.create",
            "response": {"output_modalities": ["text"], "tool_choice": "none", "max_output_tokens": 10},
        },
        {"type": "input_audio_buffer.append", "audio": "AAAA"},
        {"type": "input_audio_buffer.clear"},
    ):
        assert judge_client_event(event) == set()
        assert not [
            answer for answer in dialog.send_raw(json.dumps(event).encode()) if answer["type"] == "error"
        ]
