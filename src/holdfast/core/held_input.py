"""What the user said while nobody could hear it: a bounded ring in order, with positions in samples.

What lives here: audio and commands waiting for an upstream, and what fell out when the ring was full.
What never will: sending. `release` hands everything over, in order, once.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from holdfast.core.audio import SAMPLE_BYTES, samples_of_bytes, samples_of_seconds
from holdfast.core.effects import AddText, Append, ClearInput, CommitInput

HeldCommand = AddText | CommitInput | ClearInput


@dataclass(slots=True)
class HeldInput:
    """Audio and commands in the order they came. The oldest audio falls out first, commands never do."""

    seconds_max: float
    commands_max: int
    samples: int = 0
    commands: int = 0
    _entries: deque[bytes | HeldCommand] = field(default_factory=deque)
    _first: int = 0
    """Position of the oldest held sample."""

    def hold(self, pcm: bytes, start: int) -> tuple[int, int] | None:
        """Keep `pcm`, whose first sample has position `start`. Answers the range that fell out, if any."""
        if self.samples == 0:
            self._first = start
        self._entries.append(pcm)
        self.samples += samples_of_bytes(len(pcm))
        return self._shrink()

    def hold_command(self, command: HeldCommand) -> bool:
        """Keep a command in its place among the audio; False when there is no room."""
        if self.commands >= self.commands_max:
            return False
        self._entries.append(command)
        self.commands += 1
        return True

    def widen(self, seconds_max: float) -> None:
        """Allow more: a session has come, which may hold longer than a bare connection."""
        self.seconds_max = max(self.seconds_max, seconds_max)

    def release(self) -> list[Append | HeldCommand]:
        """Everything, in order, neighbouring audio joined to at most a second; the ring is empty then."""
        released: list[Append | HeldCommand] = []
        joined: list[bytes] = []
        size = 0
        second = samples_of_seconds(1) * SAMPLE_BYTES

        def flush() -> None:
            nonlocal size
            if joined:
                released.append(Append(b"".join(joined)))
                joined.clear()
                size = 0

        for entry in self._entries:
            if isinstance(entry, bytes):
                if size + len(entry) > second:
                    flush()
                joined.append(entry)
                size += len(entry)
            else:
                flush()
                released.append(entry)
        flush()
        self._entries.clear()
        self.samples = self.commands = 0
        return released

    def _shrink(self) -> tuple[int, int] | None:
        over = self.samples - samples_of_seconds(self.seconds_max)
        if over <= 0:
            return None
        lost_from = self._first
        kept: deque[bytes | HeldCommand] = deque()
        while over > 0:
            entry = self._entries.popleft()
            if not isinstance(entry, bytes):
                kept.append(entry)
                continue
            count = samples_of_bytes(len(entry))
            dropped = min(count, over)
            if dropped < count:
                self._entries.appendleft(entry[dropped * SAMPLE_BYTES :])
            over -= dropped
            self.samples -= dropped
            self._first += dropped
        self._entries.extendleft(reversed(kept))
        return lost_from, self._first
