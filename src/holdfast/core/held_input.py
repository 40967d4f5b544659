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
    _entries: deque[Append | HeldCommand] = field(default_factory=deque)

    def hold(self, pcm: bytes, start: int) -> list[tuple[int, int]]:
        """Keep `pcm`, whose first sample has position `start`. Answers the ranges that fell out."""
        self._entries.append(Append(pcm, start))
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
        """Everything, in order, audio that continues joined to at most a second; the ring is empty then."""
        released: list[Append | HeldCommand] = []
        parts: list[Append] = []
        for entry in self._entries:
            if parts and not _continues(parts, entry):
                released.append(_joined(parts))
                parts = []
            if isinstance(entry, Append):
                parts.append(entry)
            else:
                released.append(entry)
        if parts:
            released.append(_joined(parts))
        self._entries.clear()
        self.samples = self.commands = 0
        return released

    def _shrink(self) -> list[tuple[int, int]]:
        over = self.samples - samples_of_seconds(self.seconds_max)
        fallen: list[tuple[int, int]] = []
        kept: list[HeldCommand] = []
        while over > 0:
            entry = self._entries.popleft()
            if not isinstance(entry, Append):
                kept.append(entry)
                continue
            count = samples_of_bytes(len(entry.pcm))
            dropped = min(count, over)
            fallen.append((entry.start, entry.start + dropped))
            if dropped < count:
                rest = Append(entry.pcm[dropped * SAMPLE_BYTES :], entry.start + dropped)
                self._entries.appendleft(rest)
            over -= dropped
            self.samples -= dropped
        self._entries.extendleft(reversed(kept))
        return fallen


def _continues(parts: list[Append], entry: Append | HeldCommand) -> bool:
    if not isinstance(entry, Append):
        return False
    size = sum(len(part.pcm) for part in parts)
    last = parts[-1]
    follows = entry.start == last.start + samples_of_bytes(len(last.pcm))
    return follows and size + len(entry.pcm) <= samples_of_seconds(1) * SAMPLE_BYTES


def _joined(parts: list[Append]) -> Append:
    return Append(b"".join(part.pcm for part in parts), parts[0].start)
