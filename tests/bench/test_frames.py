"""Frames can be told apart, and their envelopes are what they say."""

from __future__ import annotations

import json

import pybase64

from holdfast.bench import frames


def test_a_frame_is_20_ms_and_like_no_other() -> None:
    seen = {frames.frame(session, number) for session in range(20) for number in range(100)}
    assert len(seen) == 2000
    assert {len(pcm) for pcm in seen} == {960}
    assert frames.frame(3, 4) == frames.frame(3, 4)


def test_an_echo_carries_the_same_audio() -> None:
    pcm = frames.frame(1, 2)
    sent = frames.append(pcm)
    assert json.loads(sent)["type"] == "input_audio_buffer.append"
    assert frames.echoed(sent) == frames.delta(pcm)
    event = json.loads(frames.delta(pcm))
    assert event["type"] == "response.output_audio.delta"
    assert pybase64.b64decode(event["delta"]) == pcm


def test_no_two_events_have_one_id() -> None:
    frames_sent = [frames.delta(frames.frame(session, number)) for session in (0, 1) for number in range(50)]
    events = [
        json.loads(raw)
        for raw in (*frames_sent, frames.SESSION_CREATED, frames.SESSION_UPDATED, frames.RESPONSE_CREATED)
    ]
    assert len({event["event_id"] for event in events}) == len(events)


def test_audio_is_heard_under_other_ids() -> None:
    sent = frames.delta(frames.frame(1, 2))
    assert frames.heard(sent.replace(b"resp_bench", b"resp_other")) == frames.frame(1, 2)
    assert frames.heard(sent.replace(b'"delta":"', b'"delta":"!')) == b""
