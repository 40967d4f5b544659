"""A speech server before the mouth that is built in: who says the next clause.

What lives here: the choice, clause by clause. What never will: requests (`remote`), synthesis (`speaking`).
"""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from contextlib import aclosing

from holdfast.engine.remote import Speech
from holdfast.engine.resample import Resampler
from holdfast.engine.speaking import Manner, Mouth, Pace
from holdfast.engine.spoken import Clause
from holdfast.engine.switch import StageError


class ServedMouth:
    """A `Speaker`. A clause of which the server has said nothing is said by the built-in mouth; the rest of
    one that broke off is not said again.
    """

    def __init__(self, speech: Speech, mouth: Mouth) -> None:
        self._speech = speech
        self._mouth = mouth

    @property
    def voices(self) -> tuple[str, ...]:
        """Names the synthesiser in here knows."""
        return self._mouth.voices

    def close(self) -> None:
        """No more clauses."""
        self._mouth.close()

    async def speak(
        self,
        clause: Clause,
        manner: Manner,
        resampler: Resampler,
        stop: threading.Event,
        pace: Pace | None = None,
    ) -> AsyncIterator[bytes]:
        """See `Speaker`."""
        has_begun = False
        words = clause.written.strip()
        if any(map(str.isalnum, words)) and self._speech.server.may_try():
            try:
                async with aclosing(self._speech.speak(words, manner.asked, manner.speed)) as pieces:
                    async for piece in pieces:
                        if stop.is_set():
                            return
                        has_begun = True
                        yield piece
            except StageError:
                pass  # the switch has told it
            else:
                return
        if not has_begun:
            async for piece in self._mouth.speak(clause, manner, resampler, stop, pace):
                yield piece
