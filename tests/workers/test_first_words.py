"""Whom a browser's first message is meant for: the same in whatever pieces it comes."""

from __future__ import annotations

import json
import os

from hypothesis import given
from hypothesis import strategies as st

from holdfast.workers.first_words import SEEN_BYTES_MAX, meant_for


def frame(payload: bytes, kind: int = 1, *, fin: bool = True, masked: bool = True) -> bytes:
    size = len(payload)
    head = bytes([kind | (0x80 if fin else 0)])
    bit = 0x80 if masked else 0
    if size < 126:
        head += bytes([bit | size])
    elif size < 65_536:
        head += bytes([bit | 126]) + size.to_bytes(2)
    else:
        head += bytes([bit | 127]) + size.to_bytes(8)
    mask = os.urandom(4) if masked else b""
    body = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload)) if masked else payload
    return head + mask + body


def words(kind: str, session: str = "hf_1", padding: str = "") -> bytes:
    return json.dumps({"type": kind, "sessionId": session, "pad": padding}).encode()


before = st.lists(
    st.tuples(st.sampled_from([2, 9, 10]), st.binary(max_size=300)).map(lambda one: frame(one[1], one[0])),
    max_size=4,
).map(b"".join)


@given(before, st.sampled_from(["", "x" * 200, "x" * 9_000]), st.data())
def test_nobody_can_say_until_the_message_is_whole_and_then_it_is_said(
    first: bytes, padding: str, data: st.DataObject
) -> None:
    whole = first + frame(words("resume_session", padding=padding))
    cut = data.draw(st.integers(0, len(whole) - 1))

    assert meant_for(whole[:cut]) is None
    assert meant_for(whole) == "hf_1"
    assert meant_for(whole + b"whatever follows") == "hf_1"


@given(st.binary(max_size=4_000))
def test_whatever_is_sent_has_an_answer(sent: bytes) -> None:
    assert meant_for(sent) is None or meant_for(sent) == ""


def test_everybody_else_is_for_any_worker() -> None:
    assert meant_for(frame(words("create_session"))) == ""
    assert meant_for(frame(b"no json")) == ""
    assert meant_for(frame(b'{"type": "resume_session", "sessionId": 7}')) == ""
    assert meant_for(frame(words("resume_session"), fin=False)) == "", "fragments"
    assert meant_for(frame(words("resume_session"), masked=False)) == "", "no client's frame"
    assert meant_for(frame(b"", 8)) == "", "a goodbye"


def test_no_more_than_so_much_is_waited_for() -> None:
    assert meant_for(frame(bytes(SEEN_BYTES_MAX))[:20]) == "", "it will be too long"
    assert meant_for(frame(bytes(4_000), 2) * 20) == "", "sound, and no word"


def test_a_message_that_is_nested_too_deep_is_for_any_worker() -> None:
    assert meant_for(frame(b'{"type":' + b"[" * 50_000)) == ""
