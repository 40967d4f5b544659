"""What a relayed client has sent and nobody has answered: originals, in order, bounded.

What lives here: the audio messages that a lost upstream takes with it, so that the next one hears them; the
other messages until they are answered; what waits while there is no upstream.
What never will: reading a message: how much audio one holds is asked of `measure`, and late, when it matters.

Positions are bytes of audio since the session began. A cut goes between messages, never through one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate, islice, takewhile
from typing import Final

from holdfast.core.relay_mirror import RelayItem

LENGTHS_MAX: Final = 64
TRIM_TO: Final = 7 / 8
"""Trimmed a good piece at a time, so that it is seldom."""
FRESH_MAX: Final = 50
"""Audio messages that the hot path gives before somebody books them."""
FRESH_BYTES: Final = 16 * 1024
"""What is longer is booked at once."""


@dataclass(slots=True, eq=False)
class Asked:
    """A message that will be answered: until then it must be asked again of whoever comes."""

    kind: str
    raw: bytes
    is_answered: bool = True
    """Whether an upstream answers it."""
    event_id: str | None = None
    item_id: str = ""
    is_beside: bool = False
    """A response outside of the conversation."""
    is_first: bool = False
    """An item that stands before all others."""
    item: RelayItem | None = None
    settings: dict[str, object] | None = None
    audio_end_ms: int = 0
    number: int = 0
    """How many audio messages this upstream was given before it."""
    replays: int = 0
    """How many upstreams were lost without an answer to it."""


Entry = bytes | Asked


@dataclass(slots=True)
class RelayInput:
    measure: Callable[[bytes], int]
    """Bytes of audio in an audio message."""
    quiet_max: int
    """Bytes of messages kept while nobody speaks."""
    wide_max: int
    """While somebody speaks, or is not answered."""
    waiting_max: int
    asked_max: int
    fresh: list[bytes] = field(default_factory=list)
    """What the hot path gave since the last step: a list is all that it touches. `book` empties it."""
    given: list[bytes] = field(default_factory=list)
    """Audio messages that the upstream was given. A list, as `waiting` is: see `Recent`."""
    alike: int = 0
    """Each of `given` has this many bytes, as a client's have; 0 where that is not known."""
    size: int = 0
    size_max: int = field(init=False)
    gone: int = 0
    """Audio messages that stood in `given` before the first one."""
    first: int = 0
    """Position of the first one."""
    origin: int = 0
    """Where a sample begins: messages may be cut anywhere, in a sample too."""
    waiting: list[Entry] = field(default_factory=list)
    waiting_size: int = 0
    is_pacing: bool = False
    """What waits goes up at a walking pace: what comes waits behind it."""
    asked: list[Asked] = field(default_factory=list)
    """What the upstream was asked and has not answered, in order."""
    asked_size: int = 0
    ends: dict[str, Asked] = field(default_factory=dict)
    """In a transcription session: what ended the turns by hand that are not written yet, by their items."""
    _lengths: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.size_max = self.quiet_max

    # giving

    def hear(self, raw: bytes) -> None:
        """The upstream is given audio."""
        self.fresh.append(raw)
        self.book()

    def book(self) -> None:
        """Enter what was given since the last step: before anything else is asked of this log."""
        fresh = self.fresh
        lengths = set(map(len, fresh))
        if len(lengths) == 1:
            (length,) = lengths
            self.size += length * len(fresh)
            self.alike = length if not self.given or self.alike == length else 0
        elif lengths:
            self.size += sum(map(len, fresh))
            self.alike = 0
        self.given += fresh
        fresh.clear()
        if self.size > self.size_max:
            self.trim()

    def ask(self, asked: Asked) -> None:
        """The upstream is asked something that it will answer."""
        asked.number = self.gone + len(self.given)
        self.asked.append(asked)
        self.asked_size += len(asked.raw)
        while len(self.asked) > self.asked_max or (
            self.asked_size > self.waiting_max and len(self.asked) > 1
        ):
            self.drop(self.asked[0])

    def ask_again(self, asked: Asked) -> None:
        """An upstream that answered it has lost what it was about: it stands in its place again."""
        self.asked = sorted((asked, *self.asked), key=lambda one: one.number)
        self.asked_size += len(asked.raw)

    def drop(self, asked: Asked) -> None:
        """It is no question any more."""
        self.asked.remove(asked)
        self.asked_size -= len(asked.raw)

    def hold(self, entry: Entry) -> bool:
        """There is no upstream: keep it in its place; False when there is no room."""
        size = _size(entry)
        if self.waiting_size + size > self.waiting_max:
            return False
        self.waiting.append(entry)
        self.waiting_size += size
        return True

    def release(self, most: int | None = None) -> Iterator[Entry]:
        """What waits, in order, or its first `most` bytes of audio; it counts as given, or asked."""
        audio = 0
        while self.waiting and (most is None or audio < most):
            entry = self.waiting.pop(0)
            self.waiting_size -= _size(entry)
            if not isinstance(entry, Asked):
                audio += self.length(entry)
                self.hear(entry)
            elif entry.is_answered:
                self.ask(entry)
            yield entry

    # answers

    def answered(
        self, kinds: frozenset[str], item_id: str = "", *, is_beside: bool | None = None
    ) -> Asked | None:
        """The oldest question of these kinds that this answer fits: it is one no more."""
        for asked in self.asked:
            fits_item = not asked.item_id or not item_id or asked.item_id == item_id
            if asked.kind in kinds and fits_item and is_beside in {None, asked.is_beside}:
                self.drop(asked)
                return asked
        return None

    def refused(self, event_id: str | None, kind: str | None) -> Asked | None:
        """The question that an error is about: by its id, else the oldest that bore none."""
        for asked in self.asked:
            if asked.event_id == event_id and kind in {None, asked.kind}:
                self.drop(asked)
                return asked
        return None

    # positions

    def length(self, raw: bytes) -> int:
        """Bytes of audio in one message. A client's envelope never changes: each length is measured once."""
        size = len(raw)
        found = self._lengths.get(size)
        if found is None:
            if len(self._lengths) >= LENGTHS_MAX:
                self._lengths.clear()
            found = self._lengths[size] = self.measure(raw)
        return found

    def position(self, number: int) -> int:
        """The position behind the first `number` audio messages of this upstream's account."""
        return self.first + sum(map(self.length, islice(self.given, max(0, number - self.gone))))

    @property
    def end(self) -> int:
        """The position behind the last one given."""
        return self.first + sum(map(self.length, self.given))

    @property
    def reckoned(self) -> int:
        """Bytes of audio that upstreams were given, about: what is still here by the newest message's share
        of audio. To measure each would take a millisecond.
        """
        newest = self.fresh[-1] if self.fresh else self.given[-1] if self.given else None
        if newest is None:
            return self.first
        size = self.size + sum(map(len, self.fresh))
        return self.first + size * self.length(newest) // len(newest)

    def numbered(self, first: int, last: int) -> list[bytes]:
        """Those of the audio messages with these numbers that are still here."""
        return list(islice(self.given, max(0, first - self.gone), max(0, last - self.gone)))

    # forgetting

    def widen(self, *, is_wide: bool) -> None:
        """How much is kept from here on."""
        self.size_max = self.wide_max if is_wide else self.quiet_max
        if self.size > self.size_max:
            self.trim()

    def trim(self) -> None:
        """Forget the oldest audio beyond the bound. Every audio message comes by here once: nothing is
        done for each, or, where they differ, by the library.
        """
        surplus = self.size - int(self.size_max * TRIM_TO)
        if self.alike:
            count = -(-surplus // self.alike)
            gone: dict[int, int] = {self.alike: count}
        else:
            count = 1 + len(list(takewhile(surplus.__gt__, accumulate(map(len, self.given)))))
            gone = Counter(map(len, islice(self.given, count)))
        for length, number in gone.items():
            if length not in self._lengths:
                self.length(next(raw for raw in self.given if len(raw) == length))
            self.first += self._lengths[length] * number
            self.size -= length * number
        del self.given[:count]
        self.gone += count

    def settle(self, position: int) -> None:
        """No message that ends before `position` is needed again."""
        count = 0
        for raw in self.given:
            end = self.first + self.length(raw)
            if end > position:
                break
            self.first, self.size, count = end, self.size - len(raw), count + 1
        del self.given[:count]
        self.gone += count

    def forget(self) -> None:
        """Nothing is needed again; how much there was is still asked for."""
        self.first = self.reckoned
        for kept in (self.fresh, self.given, self.waiting, self.asked, self.ends):
            kept.clear()
        self.size = self.waiting_size = self.asked_size = 0

    # another upstream

    def rewind(self, position: int) -> int:
        """The upstream is lost: audio from `position` on and all questions wait for the next one, before what
        waits already. Answers the position where the next upstream's clock begins.
        """
        stays, start = 0, self.first
        for raw in self.given:
            end = start + self.length(raw)
            if end > position:
                break
            start = end
            stays += 1
        back: list[Entry] = []
        questions = list(self.asked)
        for number, raw in enumerate(islice(self.given, stays, None), self.gone + stays):
            while questions and questions[0].number <= number:
                back.append(questions.pop(0))
            back.append(raw)
            self.size -= len(raw)
        back += questions
        self.asked.clear()
        self.asked_size = 0
        del self.given[stays:]
        self.waiting[:0] = back
        self.waiting_size += sum(map(_size, back))
        return start

    def part(self, first: int, last: int) -> tuple[tuple[bytes, ...], int, int, int]:
        """The given audio from `first` to `last`: its messages, how many bytes of the first are before it,
        how many bytes it has, and where it really begins.
        """
        messages: list[bytes] = []
        at, begins, ends = self.first, -1, -1
        for raw in self.given:
            end = at + self.length(raw)
            if end > first and at < last:
                if begins < 0:
                    begins = at
                messages.append(raw)
                ends = end
            at = end
        if begins < 0:
            return (), 0, 0, last
        start = max(first, begins)
        return tuple(messages), start - begins, min(last, ends) - start, start


def _size(entry: Entry) -> int:
    return len(entry.raw) if isinstance(entry, Asked) else len(entry)
