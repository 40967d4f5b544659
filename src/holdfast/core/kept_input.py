"""What the user said and nobody has answered yet: given to an upstream, or waiting
for one. Bounded, in order.

What lives here: the audio that a lost upstream takes with it, so that the next one hears it;
audio and commands that wait for an upstream; what fell out when there was no room. Positions are
samples of the session's input.
What never will: deciding what is answered (`spoken`), sending.

Two logs with one order: `given` (audio that the present upstream was given) and behind it what waits.
`release` moves everything from waiting to given; `rewind` moves it back when the upstream is lost; `settle`
forgets what will never be needed again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from holdfast.core.audio import SAMPLE_BYTES, SAMPLE_RATE_HZ, samples_of_bytes, samples_of_seconds
from holdfast.core.effects import AddText, Append, ClearInput, CommitInput

HeldCommand = AddText | CommitInput | ClearInput


@dataclass(frozen=True, slots=True)
class Jump:
    """What follows in the log does not continue what stands before: it begins at `start`."""

    start: int


@dataclass(slots=True)
class KeptInput:
    """Audio and commands in the order they came. The oldest audio falls out first, commands never do."""

    waiting_s: float
    """How much may wait while nobody can hear it."""
    commands_max: int
    joined_max: int = SAMPLE_RATE_HZ
    """Samples that are handed over in one piece."""
    given_max: int = 0
    """Samples kept of what the upstream was given; the rest of the given audio is not
    needed, or lost with it.
    """
    given: list[bytes | Jump] = field(default_factory=list)
    given_samples: int = 0
    first: int = 0
    """Position of the oldest sample in `given`."""
    dropped_to: int = 0
    """Given audio before this position was let go."""
    end: int = 0
    """Position after the newest sample in `given`."""
    waiting: int = 0
    """Samples that wait."""
    commands: int = 0
    heard_by: Callable[[bytes, int], None] | None = None
    """Who else hears it, where a recording was agreed to: sound and position; some of it more than once."""
    _waiting: list[Append | HeldCommand] = field(default_factory=list)
    """A list, as `given` is: see `Recent`."""

    # what waits

    def hold(self, pcm: bytes, start: int) -> list[tuple[int, int]]:
        """Keep `pcm`, whose first sample has position `start`. Answers the ranges that fell out."""
        if self.heard_by is not None:
            self.heard_by(pcm, start)
        self._waiting.append(Append(pcm, start))
        self.waiting += samples_of_bytes(len(pcm))
        return self._shrink()

    def hold_command(self, command: HeldCommand) -> bool:
        """Keep a command in its place among the audio; False when there is no room."""
        if self.commands >= self.commands_max:
            return False
        self._waiting.append(command)
        self.commands += 1
        return True

    def waiting_from(self, otherwise: int) -> int:
        """Position of the first sample that waits."""
        return next((entry.start for entry in self._waiting if isinstance(entry, Append)), otherwise)

    def widen(self, seconds: float) -> None:
        """Allow more: a session has come, which may hold longer than a bare connection."""
        self.waiting_s = max(self.waiting_s, seconds)

    def release(self, samples: int | None = None) -> list[Append | HeldCommand]:
        """Everything that waits, or the first `samples` of it, in order, audio that continues joined to at
        most a second; it counts as given.
        """
        self.keep_more()
        released: list[Append | HeldCommand] = []
        parts: list[Append] = []
        given = 0
        gone = 0
        for entry in self._waiting:
            if samples is not None and given >= samples:
                break
            gone += 1
            if parts and not self._continues(parts, entry):
                released.append(_joined(parts))
                parts = []
            if isinstance(entry, Append):
                parts.append(entry)
                self.give(entry.pcm, entry.start)
                given += samples_of_bytes(len(entry.pcm))
            else:
                released.append(entry)
                self.commands -= 1
        if parts:
            released.append(_joined(parts))
        del self._waiting[:gone]
        self.waiting -= given
        return released

    def _continues(self, parts: list[Append], entry: Append | HeldCommand) -> bool:
        if not isinstance(entry, Append):
            return False
        size = sum(len(part.pcm) for part in parts)
        last = parts[-1]
        follows = entry.start == last.start + samples_of_bytes(len(last.pcm))
        return follows and size + len(entry.pcm) <= self.joined_max * SAMPLE_BYTES

    def _shrink(self) -> list[tuple[int, int]]:
        over = self.waiting - samples_of_seconds(self.waiting_s)
        fallen: list[tuple[int, int]] = []
        kept: list[HeldCommand] = []
        while over > 0:
            entry = self._waiting.pop(0)
            if not isinstance(entry, Append):
                kept.append(entry)
                continue
            count = samples_of_bytes(len(entry.pcm))
            dropped = min(count, over)
            fallen.append((entry.start, entry.start + dropped))
            if dropped < count:
                rest = Append(entry.pcm[dropped * SAMPLE_BYTES :], entry.start + dropped)
                self._waiting.insert(0, rest)
            over -= dropped
            self.waiting -= dropped
        self._waiting[:0] = kept
        return fallen

    # what was given

    def give(self, pcm: bytes, start: int) -> None:
        """The upstream is given `pcm`."""
        if self.heard_by is not None:
            self.heard_by(pcm, start)
        if not self.given:
            self.first = start
        elif start != self.end:
            self.given.append(Jump(start))
        self.given.append(pcm)
        samples = samples_of_bytes(len(pcm))
        self.given_samples += samples
        self.end = start + samples
        self.trim()

    def keep_more(self) -> None:
        """Much is given at once: kept whole until an answer shows that it was heard."""
        self.given_max = max(self.given_max, samples_of_seconds(self.waiting_s))

    def trim(self) -> None:
        """Forget the oldest given audio beyond the bound."""
        while self.given_samples > self.given_max:
            self._forget_oldest()

    def settle(self, position: int) -> None:
        """Nothing before `position` is needed again. Whole messages only: a rest of one stays."""
        while self.given:
            head = self.given[0]
            if isinstance(head, bytes) and self.first + samples_of_bytes(len(head)) > position:
                return
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        head = self.given.pop(0)
        if isinstance(head, Jump):
            self.first = head.start
            return
        samples = samples_of_bytes(len(head))
        self.first += samples
        self.given_samples -= samples
        self.dropped_to = self.first

    def rewind(self, position: int, ends: Sequence[int] = ()) -> list[tuple[int, int]]:
        """The upstream is lost: what it was given from `position` on waits for the next one, with the `ends`
        of turns that the client had ended by hand. Answers the ranges that fell out.
        """
        back: list[Append | HeldCommand] = []
        start = position
        for end in ends:
            back += [*self._slices(start, end), CommitInput()]
            start = end
        back += self._slices(start, self.end)
        stays = self._slices(0, position)
        self.given.clear()
        self.given_samples = 0
        for part in stays:
            self.give(part.pcm, part.start)
        if not stays:
            self.first = self.end = min(position, self.end)
        self._waiting[:0] = back
        self.waiting += sum(samples_of_bytes(len(part.pcm)) for part in back if isinstance(part, Append))
        self.commands += len(ends)
        return self._shrink()

    def audio(self, first: int, last: int) -> bytes:
        """The given audio from `first` to `last`, as far as it is still here: what is before `dropped_to`
        is not.
        """
        return b"".join(part.pcm for part in self._slices(first, last))

    def pieces(self, first: int, last: int) -> list[bytes]:
        """The same, cut as it came."""
        return [part.pcm for part in self._slices(first, last)]

    def _slices(self, first: int, last: int) -> list[Append]:
        found: list[Append] = []
        start = self.first
        for entry in self.given:
            if isinstance(entry, Jump):
                start = entry.start
                continue
            end = start + samples_of_bytes(len(entry))
            low, high = max(start, first), min(end, last)
            if low < high:
                found.append(Append(entry[(low - start) * SAMPLE_BYTES : (high - start) * SAMPLE_BYTES], low))
            start = end
        return found


def _joined(parts: list[Append]) -> Append:
    return Append(b"".join(part.pcm for part in parts), parts[0].start)
