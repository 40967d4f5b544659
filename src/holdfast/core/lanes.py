"""Audio that passes without an event, an effect or a dispatch: fifty times a second and session, each way.

What lives here: the common case of `audio_side.audio` and `answer_side.output_audio`, when nothing is to be
decided. A lane says whether a message may pass, and remembers it.
What never will: a decision; how much may pass, and what follows from it, is `hot_path`'s.

Why: the ordinary way costs 1.2 us warm, and three times that in a process whose caches the kernel has just
emptied, which is how a relay lives (`holdfast bench`). For the same reason a lane is one small object and one
list, whatever the session has to remember of what passed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from holdfast.core.audio import SAMPLE_BYTES, SAMPLE_RATE_HZ

ACKNOWLEDGE_EVERY = SAMPLE_RATE_HZ * 12 // 25
"""Tell `received` every 480 ms of audio, or before one more message like the last would make it more; the
contract allows 500.
"""
SHORT_AUDIO_BYTES = SAMPLE_RATE_HZ // 200 * SAMPLE_BYTES
"""Under 5 ms is for a step, where a client's audio counts as a message: a flood of tiny ones is not free."""
TELL_EVERY = SAMPLE_RATE_HZ * 2 // 5
"""From 400 ms on it is told with whatever goes to the client anyway, or at a visit (`runtime.rounds`)."""
UNBOOKED_MAX = SAMPLE_RATE_HZ * 11 // 10
"""Samples that may pass before somebody books them: two rounds of visits. What passes beyond the next
acknowledgement passes because that was told without a step: telling is short, and booking is not. With 1.9 s
a session's memory grew by 8 %, for what is kept lies in larger pieces.
"""
SAID_MAX = 8
"""So often a client may say between two steps what it has: then each is a message like others."""
PLAYED_MAX = SAMPLE_RATE_HZ * 3
"""Samples that may be played before somebody books them."""


class Tape(list[bytes]):
    """Pieces of audio behind each other, until somebody takes them as one. `express` has a compiled one."""

    __slots__ = ()
    add = list.append
    """One more."""

    def take(self) -> tuple[bytes, list[int]]:
        """All of it, and the pieces' sizes in bytes; then there is nothing on it."""
        taken = b"".join(self), [len(one) for one in self]
        self.clear()
        return taken


class InputLane:
    """The client's audio on its way up. Where its fields are is the subclasses' business."""

    room: int
    """Samples that may pass before the next step; the last message must leave room for another like it."""
    until: int
    """The position where there is no more room."""
    passed: Tape
    acknowledged: int
    """The client has everything up to this offset; -1: it has said nothing of it since the last step."""
    said: int
    """How often it said so since then."""
    said_max: int
    """How often it may, without being a message like others."""
    ahead: int
    """Samples that may pass beyond `until`, once the client is told what passed before."""
    told_to: int
    """The position up to which it was told what was received."""
    told: list[tuple[float, int, int]]
    """When it was told since the last step, up to which position, and under which offset."""
    seen: int
    """The position at the last visit."""

    @property
    def end(self) -> int:
        """The position after the newest sample."""
        return self.until - self.room

    def due(self) -> Literal["telling", "booking"] | None:
        """What is to be done at a visit (`runtime.rounds`).

        Telling the client what was received: it is time, or no more comes. Booking, by a step: until the next
        visit more may come than may pass; or all is told, and no more comes.
        """
        end = self.until - self.room
        untold, is_quiet = end - self.told_to, end == self.seen
        self.seen = end
        if self.passed and (self.room + self.ahead < ACKNOWLEDGE_EVERY or (is_quiet and not untold)):
            return "booking"
        return "telling" if untold >= TELL_EVERY or (is_quiet and untold) else None

    def tell(self, output: OutputLane, now: float) -> tuple[int, int] | None:
        """Position and offset of a message that tells the client what was received, and counts as sent now;
        None where that is for a step. It makes room for as much as was told, as far as there may be any.
        """
        end = self.until - self.room
        room = min(end - self.told_to, self.ahead)
        if room <= 0:
            return None
        self.ahead -= room
        self.room += room
        self.until += room
        self.told_to = end
        offset = output.take_number()
        self.told.append((now, end, offset))
        return end, offset

    def take(self, pcm: bytes) -> bool:
        """Whether `pcm` is to be given to the upstream as it is."""
        size = len(pcm)
        samples = size // SAMPLE_BYTES
        room = self.room - samples
        if room < samples or size < SHORT_AUDIO_BYTES or size & 1:
            return False
        self.room = room
        self.passed.add(pcm)
        return True

    def acknowledge(self, offset: int) -> bool:
        """Whether it is enough to remember that the client has everything up to `offset`."""
        if self.said >= self.said_max:
            return False
        self.said += 1
        self.acknowledged = max(self.acknowledged, offset)
        return True


@dataclass(slots=True, eq=False)
class PlainInputLane(InputLane):
    """One whose fields are Python's. `express` has another."""

    room: int = 0
    until: int = 0
    passed: Tape = field(default_factory=Tape)
    acknowledged: int = -1
    said: int = 0
    said_max: int = 0
    ahead: int = 0
    told_to: int = 0
    told: list[tuple[float, int, int]] = field(default_factory=list)
    seen: int = 0


class OutputLane:
    """The assistant's audio on its way down: of one item of one response of one upstream."""

    generation: int
    response_id: str
    item_id: str
    room: int
    passed: Tape
    """A piece without audio has the number of a text message."""
    last_at: float
    """When the last one passed."""
    offset: int
    """Of the message before the first that passed."""
    stream: int
    until: int
    """The sample of the item where there is no more room; 0 while nothing sounds."""
    last_event_id: str | None
    """Of the upstream's last event: what it says twice is heard once."""

    @property
    def end(self) -> int:
        """The item's sample after the newest; 0 while nothing sounds."""
        return self.until - self.room

    def take_number(self) -> int:
        """The offset of the next message, for a text."""
        self.passed.add(b"")
        return self.offset + len(self.passed)

    def place_of_last(self, size: int) -> tuple[int, int, int]:
        """Offset, stream and first sample of what passed last, which has `size` bytes."""
        start = self.until - self.room - size // SAMPLE_BYTES
        return self.offset + len(self.passed), self.stream, start

    def take(
        self, generation: int, response_id: str | None, item_id: str | None, pcm: bytes, now: float
    ) -> bool:
        """Whether `pcm` is to be played as it is."""
        size = len(pcm)
        room = self.room - size // SAMPLE_BYTES
        if (
            room < 0
            or item_id != self.item_id
            or generation != self.generation
            or response_id != self.response_id
            or size < SHORT_AUDIO_BYTES
            or size & 1
        ):
            return False
        self.room = room
        self.last_at = now
        self.passed.add(pcm)
        return True


@dataclass(slots=True, eq=False)
class PlainOutputLane(OutputLane):
    """One whose fields are Python's. `express` has another."""

    generation: int = -1
    response_id: str = ""
    item_id: str = ""
    room: int = 0
    passed: Tape = field(default_factory=Tape)
    last_at: float = 0.0
    offset: int = 0
    stream: int = 0
    until: int = 0
    last_event_id: str | None = None


class RelayLane:
    """Audio behind `/v1/realtime`, both ways: originals, of which nothing is read but what they are."""

    is_passing: bool
    """The client's goes up as it comes."""
    voice: int
    """The generation of the upstream whose goes down as it comes; -1 for none."""
    said: int
    """Bytes of messages that passed down: whether, and about how much, the assistant has spoken."""
    said_at: float
    """When the last of them was."""


@dataclass(slots=True, eq=False)
class PlainRelayLane(RelayLane):
    """See `PlainInputLane`."""

    is_passing: bool = False
    voice: int = -1
    said: int = 0
    said_at: float = 0.0
