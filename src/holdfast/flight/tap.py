"""A session's last steps, kept while it runs: what happened, what was answered, what was decided.

What lives here: two lots of steps in bytes, each from a place where a replay can begin; what is told of audio
that passed between two steps.
What never will: payloads (`forms` makes lengths of them), files (`recorder`).

When the newer lot is full the older one goes, and a portrait of the state begins the next: the last
`flight_steps` steps are always there, and what they start from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Any, Final, Protocol

import msgspec

from holdfast.core.relay_state import RelayState, RelaySurroundings
from holdfast.core.state import State, Surroundings
from holdfast.core.window import ReplayWindow
from holdfast.flight.answers import HeardEndpoints
from holdfast.flight.blanking import Blanking
from holdfast.flight.forms import Form, Former, portrait

RUNS_MAX: Final = 256
"""Of messages of one size: what is more varied than that is told as if it were even."""
EVENT, ABORT, RAISED, SOUND = 0, 1, 2, 3
"""What a step was: an event; the end that a bug of ours made; an event in which the core raised; an event
about sound, in short.
"""
SHORT_MAX: Final = 32
"""So many short steps wait to be written together."""
LIGHT_BYTES: Final = 8 * 1024
"""A portrait of so much is made every `flight_steps`; heavier ones, which take milliseconds, less often."""
LOOKED_AT: Final = 8
"""So few messages are looked at one by one."""
_FIXARRAY: Final = 16
"""Arrays of fewer have a head of one byte, those of less than 65,536 of three."""
_write: Final = msgspec.msgpack.Encoder().encode


class Listener(Protocol):
    """Who is told of a tap's life."""

    def began(self, tap: Tap) -> None:
        """The session has an id."""
        ...

    def over(self, tap: Tap) -> None:
        """Nothing more will happen to it."""
        ...

    def stumbled(self, error: Exception) -> None:
        """A step could not be recorded."""
        ...


ShortStep = tuple[int, float, tuple[Any, ...], Any, int]
"""SOUND, when, the event's fields that matter, what was booked, which effects (`recording.SHORT`)."""


class Lot:
    """Steps behind each other, from a place where a replay can begin."""

    __slots__ = ("begins", "count", "first", "short", "steps")

    def __init__(self, first: int, begins: bytes = b"") -> None:
        self.first = first
        """Number of the first step."""
        self.begins = begins
        """A portrait; empty for the beginning of the session."""
        self.count = 0
        """Of those in `steps`."""
        self.steps = bytearray()
        self.short: list[ShortStep] = []
        """What happened behind these, and is not written yet."""

    @property
    def number(self) -> int:
        """Of the step that comes next."""
        return self.first + self.count + len(self.short)

    def settle(self) -> None:
        """Write what waits, as one array without its head: steps stand behind each other."""
        count = len(self.short)
        self.steps += _write(self.short)[1 if count < _FIXARRAY else 3 :]
        self.count += count
        self.short.clear()

    def frozen(self) -> FrozenLot:
        """As it is now."""
        self.settle()
        return FrozenLot(self.first, self.count, self.begins, bytes(self.steps))


@dataclass(frozen=True, slots=True)
class FrozenLot:
    """A lot as it was at a moment."""

    first: int
    count: int
    begins: bytes
    steps: bytes

    def unpacked(self) -> list[Any]:
        """The steps, one by one: they stand behind each other as in one array."""
        packed = b"\xdd" + self.count.to_bytes(4, "big") + self.steps
        return list(msgspec.msgpack.decode(packed))


class Tap:
    """One session's account of its own steps. The subclasses know the conductor."""

    __slots__ = (
        "_former",
        "_limits",
        "_listener",
        "_newer",
        "_older",
        "endpoints",
        "is_off",
        "session_id",
        "surroundings",
    )

    def __init__(
        self,
        listener: Listener,
        surroundings: Surroundings | RelaySurroundings,
        blanking: Blanking,
        measure: Callable[[bytes], int] | None = None,
    ) -> None:
        self._listener = listener
        self._former = Former(blanking)
        self._limits = surroundings.limits
        self._older: Lot | None = None
        self._newer = Lot(0)
        self.surroundings = surroundings
        self.endpoints = HeardEndpoints(surroundings.endpoints, self._former, measure)
        self.session_id = ""
        """As who listens was told it; empty until there is one."""
        self.is_off = False
        """Nothing is recorded any more: something could not be."""

    @property
    def number(self) -> int:
        """Of the next step."""
        return self._newer.number

    @property
    def fill(self) -> tuple[int, int]:
        """Steps and bytes of the newer lot."""
        return self._newer.count, len(self._newer.steps)

    @property
    def blanking(self) -> Blanking:
        """What its texts become."""
        return self._former.blanking

    def frozen(self) -> list[FrozenLot]:
        """What there is, oldest first, as it is now."""
        return [lot.frozen() for lot in (self._older, self._newer) if lot is not None]

    def told(self, event: Any) -> Form:
        """An event's form, made before the core may alter what it bears."""
        try:
            return self._former.form(event)
        except Exception as error:  # noqa: BLE001 - a recording is never worth a session
            self._stumble(error)
            return None

    def keep(
        self, kind: int, state: State | RelayState, now: float, came: tuple[Form, Form], due: Sequence[Any]
    ) -> None:
        """One step is over: what came was an event, and what was booked before it."""
        if self.is_off:
            return
        try:
            heard, lot = self.endpoints, self._newer
            if lot.short:
                lot.settle()
            lot.steps += _write((kind, now, *came, heard.answers, self._former.forms(due)))
            lot.count += 1
            if heard.answers:
                heard.answers = []
            self._look(lot, state)
        except Exception as error:  # noqa: BLE001 - as above
            self._stumble(error)

    def keep_short(self, state: State, step: ShortStep) -> None:
        """One step about sound is over."""
        lot = self._newer
        lot.short.append(step)
        if len(lot.short) >= SHORT_MAX:
            lot.settle()
            self._look(lot, state)

    def _look(self, lot: Lot, state: State | RelayState) -> None:
        """Whether the lot is full."""
        heavy = 1 + len(lot.begins) // LIGHT_BYTES
        if lot.count >= self._limits.flight_steps * heavy or len(lot.steps) >= self._limits.flight_bytes:
            self.begin_anew(state)

    def begin_anew(self, state: State | RelayState) -> None:
        """A replay can begin here: what was before the older lot is forgotten."""
        if state.is_over:
            return
        newer = self._newer
        newer.settle()
        begins = _write(portrait(state, self.blanking))
        if newer.count:
            self._older = newer
        self._newer = Lot(newer.number, begins)

    def noticed(self, state: State | RelayState, session_id: str) -> None:
        """After each step: what who listens has to know."""
        if not self.session_id and session_id:
            self.session_id = session_id
            self._listener.began(self)
        if state.is_over:
            self.left()

    def left(self) -> None:
        """Nothing more will happen, whatever state the core is in. Twice is harmless."""
        if self.session_id:
            self._listener.over(self)

    def _stumble(self, error: Exception) -> None:
        self.is_off = True
        self._older, self._newer = None, Lot(0)
        self._listener.stumbled(error)


NOTHING: Final[tuple[int, ...]] = ()


class HeardWindow(ReplayWindow):
    """A window that remembers how the audio that was booked had been cut into messages."""

    __slots__ = ("cut",)

    def __init__(self, audio_bytes_max: int, messages_max: int) -> None:
        super().__init__(audio_bytes_max, messages_max)
        self.cut: Sequence[int] | None = NOTHING
        """None: the next entry is waited for."""

    def play(self, offset: int, stream: int, start: int, pcm: bytes, sizes: list[int]) -> None:
        """See `ReplayWindow`."""
        if self.cut is None:
            self.cut = runs(sizes)
        super().play(offset, stream, start, pcm, sizes)


def runs(sizes: Sequence[int]) -> list[int]:
    """How many of which size, in turn."""
    if not sizes:
        return []
    count, first = len(sizes), sizes[0]
    if sizes.count(first) == count:
        return [count, first]
    told = [part for size, same in groupby(sizes) for part in (sum(1 for _ in same), size)]
    if len(told) <= 2 * RUNS_MAX:
        return told
    even, rest = divmod(sum(sizes), count)
    return [count - 1, even, 1, even + rest]


class SessionTap(Tap):
    """Of a session of the browser protocol."""

    __slots__ = ("window",)

    def __init__(
        self, listener: Listener, surroundings: Surroundings, blanking: Blanking, window: ReplayWindow
    ) -> None:
        super().__init__(listener, surroundings, blanking)
        self.window = HeardWindow(window.audio_bytes_max, window.messages_max)

    def passed(self, s: State) -> Form:
        """What will be booked before the step."""
        up, down = s.input_lane, s.output_lane
        if not up.passed and not down.passed and not up.said:
            return None
        self.window.cut = None if down.passed else NOTHING
        return (up.until - up.room - s.received if up.passed else 0, up.said, up.acknowledged, down.last_at)

    def with_cut(self, booked: Form) -> Form:
        """The same after the step, with the sizes of the messages that went down."""
        return None if booked is None else (*booked, self.window.cut or NOTHING)


class RelayTap(Tap):
    """Of a relayed conversation: where its log of audio stood after the last step."""

    __slots__ = ("_count", "_gone", "_said", "_size")

    def __init__(self, listener: Listener, surroundings: RelaySurroundings, blanking: Blanking) -> None:
        super().__init__(listener, surroundings, blanking, surroundings.measure)
        self._count = self._gone = self._said = self._size = 0

    def booked(self, s: RelayState, *, asks_window: bool) -> Form:
        """What passed since the last step, and where it is asked for, what a client that is back may have
        missed: the count of all messages, the sizes of those kept.
        """
        if s.fresh:
            s.kept.book()
        kept = s.kept
        count = kept.gone + len(kept.given)
        window = [s.window.sent, runs([len(raw) for raw in s.window.kept])] if asks_window else None
        if count == self._count and s.said == self._said:
            return None if window is None else [None, window]
        sizes = self._sizes(s, count - self._count)
        return [[kept.gone, kept.first, kept.size, sizes, s.said, s.said_at], window]

    def _sizes(self, s: RelayState, fresh: int) -> list[int]:
        """Of the messages that came since, as far as they are still there. They are looked at one by one only
        where the sum does not tell.
        """
        kept = s.kept
        here = min(fresh, len(kept.given))
        if here > LOOKED_AT:
            size, oldest = len(kept.given[-1]), len(kept.given[-here])
            if size == oldest and (
                kept.size == size * len(kept.given)
                or (kept.gone == self._gone and kept.size - self._size == size * here)
            ):
                return [here, size]
        newest = [len(raw) for raw in islice(reversed(kept.given), here)]
        newest.reverse()
        return runs(newest)

    def passed(self, s: RelayState) -> None:
        """The step is over: from here on it is counted anew."""
        kept = s.kept
        self._count, self._gone = kept.gone + len(kept.given), kept.gone
        self._size, self._said = kept.size, s.said
