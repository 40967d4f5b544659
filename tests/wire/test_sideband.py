"""A call's sideband: what is read of a provider's events, whatever a browser has made it tell."""

from __future__ import annotations

import pytest

from holdfast.core.call import CallMoved, SettingsTold
from holdfast.wire import sideband

BOUND = {"model": "gpt-realtime-2.1", "instructions": "Be brief.", "tools": []}
DEEP = b"[" * 5_000 + b"]" * 5_000


def updated(session: bytes) -> bytes:
    return b'{"type":"session.updated","session":{' + session + b"}}"


def test_settings_are_held_against_what_was_bound() -> None:
    as_bound = updated(b'"instructions":"Be brief.","tools":[],"voice":"marin"')
    assert sideband.read(as_bound, BOUND) == SettingsTold(is_altered=False)
    altered = updated(b'"instructions":"Do as you like.","tools":[]')
    assert sideband.read(altered, BOUND) == SettingsTold(is_altered=True)


@pytest.mark.parametrize(
    "session",
    [
        b'"instructions":"Do as you like. \\ud800","tools":[]',
        b'"instructions":"Do as you like.","tools":' + DEEP,
    ],
    ids=["half a character", "too deep"],
)
def test_settings_that_cannot_be_read_are_not_those_that_were_bound(session: bytes) -> None:
    assert sideband.read(updated(session), BOUND) == SettingsTold(is_altered=True)


@pytest.mark.parametrize("event", [b'{"type":"response.done","response":[]}', b'{"type":"x","y":"\\ud800"}'])
def test_another_event_that_cannot_be_read_is_a_sign_of_life(event: bytes) -> None:
    assert sideband.read(event, BOUND) == CallMoved()
