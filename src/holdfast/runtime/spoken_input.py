"""What a conversation keeps of its input, as whoever listens to it needs it, for both faces.

What lives here: where it is kept, and how a message becomes sound again.
What never will: listening (`listening`), keeping (`core.kept_input`, `core.relay_input`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol, TypeVar

from holdfast.core import relay_unheard, unheard
from holdfast.core.hearing import Hearing
from holdfast.core.relay_state import RelayState
from holdfast.core.state import State
from holdfast.wire.relayed import audio_of

GLANCES: Final = 12
T = TypeVar("T")


class SpokenInput(Protocol):
    """One conversation's."""

    hearing: Hearing

    def may_count(self, now: float) -> bool:
        """Whether what is given now counts: see `Hearing.look`."""
        ...

    def kept(self) -> tuple[int, int]:
        """Where what is kept begins and ends."""
        ...

    def glance(self) -> list[bytes]:
        """A few of the messages that are kept, spread over all of them: all are too many for one look."""
        ...

    def messages(self, first: int, last: int) -> Sequence[bytes]:
        """What is kept of this part, cut as it came."""
        ...

    def sound(self, message: bytes) -> bytes:
        """The PCM16 of a message."""
        ...


class SessionInput:
    """Of a session of the browser protocol: positions are samples."""

    __slots__ = ("_state", "hearing")

    def __init__(self, state: State) -> None:
        self._state = state
        self.hearing = Hearing()

    def may_count(self, now: float) -> bool:
        """See `SpokenInput`; so for all that follow."""
        return unheard.may_count(self._state, now)

    def kept(self) -> tuple[int, int]:
        kept = self._state.kept
        return kept.first, kept.end

    def glance(self) -> list[bytes]:
        return [one for one in _some(self._state.kept.given) if isinstance(one, bytes)]

    def messages(self, first: int, last: int) -> Sequence[bytes]:
        return self._state.kept.pieces(first, last)

    def sound(self, message: bytes) -> bytes:
        return message


class RelayedInput:
    """Of a relayed conversation: positions are numbers of messages."""

    __slots__ = ("_state", "hearing")

    def __init__(self, state: RelayState) -> None:
        self._state = state
        self.hearing = Hearing()

    def may_count(self, now: float) -> bool:
        return relay_unheard.may_count(self._state, now)

    def kept(self) -> tuple[int, int]:
        kept = self._state.kept
        return kept.gone, kept.gone + len(kept.given)

    def glance(self) -> list[bytes]:
        return _some(self._state.kept.given)

    def messages(self, first: int, last: int) -> Sequence[bytes]:
        return self._state.kept.numbered(first, last)

    def sound(self, message: bytes) -> bytes:
        return audio_of(message)


def _some(kept: Sequence[T]) -> list[T]:
    step = max(1, len(kept) // GLANCES)
    return [kept[at] for at in range(0, len(kept), step)]
