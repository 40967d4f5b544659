"""Listening, now and then, whether what an upstream tells nothing of is speech (decision 57).

What lives here: whose input is listened to, within what rate; a glance at its loudness before.
What never will: which part, and when (`core.hearing`); what follows (`core.unheard`); telling speech from
noise (`ports.ears`).

Nothing is done for a message. Where the upstream has once told of speech a round does nothing either; else it
looks at a few messages of the last seconds, and of silence no more than that is seen.
"""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

import structlog

from holdfast.core.limits import Limits
from holdfast.core.rates import TokenBucket
from holdfast.ports.ears import Ears
from holdfast.runtime.spoken_input import SpokenInput

AT_ONCE: Final = 4.0
"""Sessions that may be listened to in a burst."""
LOUD: Final = 328
"""Of full scale 32,768: -40 dB, as the page has it. A quiet room lies below, a voice above."""
_STEP: Final = 8

log = structlog.get_logger()


class Talking(Protocol):
    """A conversation."""

    @property
    def input(self) -> SpokenInput:
        """What is kept of what its user said."""
        ...

    def unheard(self, generation: int, speech_s: float) -> None:
        """So much speech was found in what this link was given and told nothing of."""
        ...


class Listening:
    """One for a process. At most one part is listened to at a time."""

    def __init__(self, ears: Ears, limits: Limits) -> None:
        self._ears = ears
        self._every_s, self._enough_s = limits.unheard_s, limits.unheard_speech_s
        self._tokens = TokenBucket(limits.listens_per_s, AT_ONCE)
        self._task: asyncio.Task[None] | None = None
        self.is_off = not self._every_s
        self.listened = 0
        """How often; of these, `found` times there was speech."""
        self.found = 0

    def visit(self, one: Talking, generation: int, at: float) -> None:
        """Look whether a part of what this link was given is due, and listen to it if so."""
        given, hearing = one.input, one.input.hearing
        if self.is_off or at < hearing.due_at:
            return
        counts = given.may_count(at)
        part = hearing.look(generation, given.kept(), self._every_s, at, may_count=counts)
        if part is None or self._task is not None:
            return
        if any(is_loud(given.sound(message)) for message in given.glance()) and self._tokens.take(1, at):
            hearing.listened()
            pcm = b"".join(map(given.sound, given.messages(*part)))
            self._task = asyncio.get_running_loop().create_task(self._listen(one, generation, pcm))

    async def _listen(self, one: Talking, generation: int, pcm: bytes) -> None:
        try:
            speech_s = await asyncio.to_thread(self._ears.speech_s, pcm)
        except Exception as error:  # noqa: BLE001 - whatever ails the ears, no session is to feel it
            self.is_off = True
            log.warning("listening.off", category="server", source="listening", error=str(error))
            return
        finally:
            self._task = None
        self.listened += 1
        if speech_s >= self._enough_s:
            self.found += 1
            one.unheard(generation, speech_s)

    def stop(self) -> None:
        """Listen no more. Twice is harmless."""
        self.is_off = True
        if self._task is not None:
            self._task.cancel()
            self._task = None


def is_loud(pcm: bytes) -> bool:
    """Whether anything in it is louder than a quiet room."""
    some = memoryview(pcm[: len(pcm) & ~1]).cast("h")[::_STEP].tolist()
    return bool(some) and (max(some) > LOUD or min(some) < -LOUD)
