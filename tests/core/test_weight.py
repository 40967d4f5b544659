"""What a session weighs before anybody speaks: a gateway holds thousands that are silent (decision 38)."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

from holdfast.core.recent import Recent
from holdfast.core.relay import Relay
from holdfast.core.session import Session
from tests.core import relay_world, world

SESSIONS = 50
SESSION_BYTES_MAX = 8_000
"""Measured: 7,100; 14,800 when each short memory was a deque."""
RELAY_BYTES_MAX = 7_000
"""Measured: 6,100; 12,500 when each short memory was a deque."""


def weight(make: Callable[[], object]) -> float:
    """Bytes for each."""
    make()
    tracemalloc.start()
    try:
        made = [make() for _ in range(SESSIONS)]
        return tracemalloc.get_traced_memory()[0] / len(made)
    finally:
        tracemalloc.stop()


def test_a_session_is_light() -> None:
    surroundings = world.surroundings()
    assert weight(lambda: Session(surroundings)) < SESSION_BYTES_MAX


def test_a_relayed_conversation_is_light() -> None:
    surroundings = relay_world.surroundings()
    assert weight(lambda: Relay(surroundings)) < RELAY_BYTES_MAX


def test_the_oldest_goes_where_there_is_no_room() -> None:
    seen: Recent[int] = Recent(3)
    for number in range(5):
        seen.append(number)
    assert seen == [2, 3, 4]
