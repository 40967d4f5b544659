"""Whose input is listened to, how often, and what a failure of the ears does: nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from holdfast.core.hearing import LISTENED_TO, Hearing
from holdfast.core.limits import Limits
from holdfast.runtime.listening import AT_ONCE, LOUD, Listening, is_loud
from tests.server.gateway import eventually, tone

LIMITS = Limits()
LOUD_PCM, QUIET_PCM = tone(1.0), tone(1.0, level=LOUD - 1)


@dataclass
class HeardEars:
    """Finds so much speech, or fails."""

    speech: float = 2.0
    broken: bool = False
    calls: list[int] = field(default_factory=list)

    def speech_s(self, pcm: bytes) -> float:
        self.calls.append(len(pcm))
        if self.broken:
            raise OSError("no such file")
        return self.speech


class Input:
    """A second for each look, each as given."""

    def __init__(self, second: bytes) -> None:
        self.hearing = Hearing()
        self.second, self.count = second, 0

    def may_count(self, now: float) -> bool:
        return True

    def kept(self) -> tuple[int, int]:
        self.count += 1
        return 0, self.count

    def glance(self) -> list[bytes]:
        return [self.second]

    def messages(self, first: int, last: int) -> Sequence[bytes]:
        return [self.second] * (last - first)

    def sound(self, message: bytes) -> bytes:
        return message


class Talk:
    """A conversation."""

    def __init__(self, second: bytes = LOUD_PCM) -> None:
        self.input = Input(second)
        self.told: list[tuple[int, float]] = []

    def unheard(self, generation: int, speech_s: float) -> None:
        self.told.append((generation, speech_s))


async def looked(listening: Listening, *talks: Talk, looks: int = 3, begin: float = 100.0) -> float:
    at = begin
    for _ in range(looks):
        for talk in talks:
            listening.visit(talk, 1, at)
            await asyncio.sleep(0)
        at += LIMITS.unheard_s
        await eventually(lambda: listening._task is None)
    return at


async def test_speech_of_which_nothing_is_told_is_told_with_its_link() -> None:
    ears, talk = HeardEars(), Talk()
    listening = Listening(ears, LIMITS)

    await looked(listening, talk)

    assert talk.told == [(1, 2.0), (1, 2.0)]
    assert ears.calls == [len(LOUD_PCM), 2 * len(LOUD_PCM)]
    assert (listening.listened, listening.found) == (2, 2)


async def test_a_quiet_room_is_not_listened_to() -> None:
    ears, talk = HeardEars(), Talk(QUIET_PCM)

    await looked(Listening(ears, LIMITS), talk, looks=20)

    assert (ears.calls, talk.told) == ([], [])


async def test_noise_is_listened_to_three_times_and_told_never() -> None:
    ears, talk = HeardEars(speech=LIMITS.unheard_speech_s - 0.1), Talk()

    await looked(Listening(ears, LIMITS), talk, looks=20)

    assert (len(ears.calls), talk.told) == (LISTENED_TO, [])


async def test_a_look_before_its_time_is_none() -> None:
    ears, talk = HeardEars(), Talk()
    listening = Listening(ears, LIMITS)
    for _ in range(20):
        listening.visit(talk, 1, 100.0)

    assert talk.input.count == 1


async def test_many_at_once_are_listened_to_within_the_rate() -> None:
    ears, talks = HeardEars(), [Talk() for _ in range(20)]
    listening = Listening(ears, LIMITS)
    at = 100.0
    for _ in range(2):
        for talk in talks:
            listening.visit(talk, 1, at)
        at += LIMITS.unheard_s
    for talk in talks:
        listening.visit(talk, 1, at)
        await eventually(lambda: listening._task is None)

    assert len(ears.calls) <= AT_ONCE + 1


async def test_broken_ears_are_asked_once_and_no_conversation_feels_it() -> None:
    ears, talk = HeardEars(broken=True), Talk()
    listening = Listening(ears, LIMITS)

    await looked(listening, talk, looks=10)

    assert (len(ears.calls), talk.told, listening.is_off) == (1, [], True)


async def test_it_can_be_switched_off() -> None:
    ears, talk = HeardEars(), Talk()

    await looked(Listening(ears, Limits(unheard_s=0.0)), talk, looks=10)

    assert (ears.calls, talk.input.count) == ([], 0)


async def test_nothing_is_told_once_it_has_stopped() -> None:
    ears, talk = HeardEars(), Talk()
    listening = Listening(ears, LIMITS)
    for look in range(2):
        listening.visit(talk, 1, 100.0 + look * LIMITS.unheard_s)
    assert listening._task is not None
    listening.stop()
    await eventually(lambda: listening._task is None)

    assert talk.told == []


def test_loud_is_what_a_voice_is_and_a_quiet_room_is_not() -> None:
    assert is_loud(LOUD_PCM)
    assert is_loud(LOUD_PCM + b"x")
    assert not is_loud(QUIET_PCM)
    assert not is_loud(b"")
