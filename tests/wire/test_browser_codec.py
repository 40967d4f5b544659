"""The browser protocol's codec: every message there and back, every bad one named."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core import events, notices
from holdfast.core.effects import Play
from holdfast.core.events import Event, MessageRefused, SessionAsked
from holdfast.core.faults import fault
from holdfast.core.limits import Limits
from holdfast.core.observed import Reported, SilenceHeard
from holdfast.wire import browser

LIMITS = Limits()


class Asked:
    """Knows one session that may begin, and none that may be resumed."""

    def create(self, message: browser.CreateSession) -> Event:
        return SessionAsked(browser.options_of(message), "hf_1", "token", "epoch", message.event_id)

    def resume(self, message: browser.ResumeSession) -> Event:
        return MessageRefused("NO_SESSION_EXISTS", f"{message.session_id} at {message.offset}")


ASKING = Asked()


def decode(message: object) -> Event | None:
    return browser.decode_text(json.dumps(message).encode(), LIMITS, ASKING)


@pytest.mark.parametrize(
    ("message", "event"),
    [
        ({"type": "input_text", "text": "hello"}, events.TextGiven("hello")),
        ({"type": "input_text", "text": "hello", "eventId": "e"}, events.TextGiven("hello", "e")),
        ({"type": "commit_audio"}, events.CommitAsked()),
        ({"type": "clear_audio", "eventId": "e"}, events.ClearAsked("e")),
        ({"type": "cancel_response"}, events.CancelAsked()),
        ({"type": "end_session"}, events.EndAsked()),
        ({"type": "played", "itemId": "item_1", "ms": 40}, events.Played("item_1", 40)),
        (
            {
                "type": "heard",
                "itemId": "item_1",
                "spokeUntil": 100,
                "receivedAt": 900,
                "heardAt": 1000,
            },
            SilenceHeard("item_1", 100, 900, 1000),
        ),
        ({"type": "ack", "offset": 7}, events.Acknowledged(7)),
        (
            {"type": "report", "fault": "user_device.speaker_locked", "underruns": 3},
            Reported(fault("user_device.speaker_locked", ["the client says so"]), {"underruns": 3}),
        ),
        ({"type": "ping", "any": [1]}, events.Pinged({"type": "ping", "any": [1]})),
    ],
)
def test_a_message_becomes_its_event(message: object, event: Event) -> None:
    assert decode(message) == event


def test_create_session_bears_every_option() -> None:
    sent = {
        "type": "create_session",
        "voice": "cedar",
        "model": "gpt-realtime-2.1",
        "instructions": "be brief",
        "customerId": "C-1",
        "customerName": "Ada",
        "mode": "conversation",
        "turnDetection": "manual",
        "framing": "positioned",
        "greet": True,
        "onLoss": "stop",
        "onReturn": "truncate",
    }
    event = decode(sent)
    assert isinstance(event, SessionAsked)
    assert event.options == events.SessionOptions(
        "cedar",
        "gpt-realtime-2.1",
        "be brief",
        "C-1",
        "Ada",
        "conversation",
        "manual",
        "positioned",
        greet=True,
        on_loss="stop",
        on_return="truncate",
    )


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        (b"", None),
        (b"null", None),
        (b"[]", None),
        (b"{", None),
        (b'{"type": 7}', "type"),
        (b"{}", "type"),
        (b'{"type": "no_such"}', "type"),
        (b'{"type": "create_session", "voice": 7}', "voice"),
        (b'{"type": "create_session", "turnDetection": "sometimes"}', "turnDetection"),
        (b'{"type": "create_session", "mode": "dictation"}', "mode"),
        (b'{"type": "input_text"}', None),
        (b'{"type": "input_text", "text": "  "}', "text"),
        (b'{"type": "played", "itemId": "i", "ms": -1}', "ms"),
        (b'{"type": "heard", "itemId": "i", "spokeUntil": 1, "receivedAt": 2}', "heardAt"),
        (b'{"type": "ack", "offset": 1e400}', None),
        (b'{"type": "ping", "n": 1e400}', None),
        (b'{"type": "report", "fault": "no.such"}', "fault"),
        (b'{"type": "report", "fault": "provider.closed"}', "fault"),
        (b'{"type": "report", "underruns": -1}', "underruns"),
        (b'{"type": "resume_session"}', "sessionId"),
        (b"[" * 100_000, None),
    ],
)
def test_a_bad_message_is_named(raw: bytes, field: str | None) -> None:
    event = browser.decode_text(raw, LIMITS, ASKING)
    assert isinstance(event, MessageRefused)
    if field is not None:
        assert event.field == field
    assert len(event.message) < 600


@given(st.binary(max_size=300))
def test_no_bytes_break_the_codec(raw: bytes) -> None:
    browser.decode_text(raw, LIMITS, ASKING)
    browser.decode_audio(raw)


def test_a_positioned_message_bears_its_first_sample() -> None:
    event = browser.decode_audio((480).to_bytes(8, "little") + b"\1\2")
    assert isinstance(event, events.ClientAudio)
    assert (event.start, event.pcm) == (480, b"\1\2")


def test_a_positioned_message_that_continues_gives_its_sound_and_another_nothing() -> None:
    message = (480).to_bytes(8, "little") + b"\1\2"
    assert browser.continuing(message, 480) == b"\1\2"
    assert [browser.continuing(one, 480) for one in (message[:7], b"", b"\0" * 10)] == [b""] * 3
    assert browser.continuing(message, 482) == b""


def test_downlink_audio_bears_offset_stream_and_sample() -> None:
    sent = browser.encode_audio(Play(7, 2, 960, b"\1\2"))
    assert browser.DOWNLINK_HEADER.unpack_from(sent) == (7, 2, 0, 960)
    assert sent[browser.DOWNLINK_HEADER.size :] == b"\1\2"


def test_a_notice_is_spelled_as_the_contract_says() -> None:
    lost = notices.AudioLost("input", 10, 20, "held_too_long")
    told = json.loads(browser.encode_notice(lost, 3, "2026-11-20T12:00:00.000Z"))
    assert told == {
        "type": "audio_lost",
        "direction": "input",
        "from": 10,
        "to": 20,
        "reason": "held_too_long",
        "timestamp": "2026-11-20T12:00:00.000Z",
        "offset": 3,
    }


def test_a_fault_is_an_object_with_five_fields_wherever_it_stands() -> None:
    ended = notices.SessionEnded("upstream_lost", fault("provider.silent", ["nothing for 10 s"]))
    told = json.loads(browser.encode_notice(ended, None, "t"))
    assert set(told["fault"]) == {"code", "party", "message", "remedy", "evidence"}
    assert "offset" not in told


def test_what_was_received_is_told_in_the_same_words_by_the_short_way() -> None:
    whole = browser.encode_notice(notices.AudioReceived(21_600, 480), 7, "2026-01-01T00:00:00.000Z")
    assert browser.audio_received(21_600, 7, 480, "2026-01-01T00:00:00.000Z") == whole


def test_every_notice_has_the_contracts_name() -> None:
    names = {browser.message_type(kind) for kind in notices.Notice.__args__}
    contract = {
        "session_created",
        "session_ready",
        "status",
        "speech_started",
        "speech_stopped",
        "user_transcript",
        "response_started",
        "assistant_transcript",
        "interrupted",
        "response_done",
        "tool_started",
        "tool_done",
        "client_action",
        "pong",
        "audio_received",
        "audio_lost",
        "error",
        "session_ended",
    }
    assert contract <= names
