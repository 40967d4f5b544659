"""A session's last steps, kept while it runs: what happened, what was answered, what was decided.

What lives here: two lots of steps in bytes, each from a place where a replay can begin; what is told of audio
that passed between two steps.
What never will: payloads (`forms` makes lengths of them), files (`recorder`).

When the newer lot is full the older one goes, and a portrait of the state begins the next: the last
`flight_steps` steps are always there, and what they start from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby, islice
from typing import Any, Final, Protocol

from holdfast.core.relay_state import RelayState, RelaySurroundings
from holdfast.core.state import State, Surroundings
from holdfast.core.window import ReplayWindow
from holdfast.flight.answers import HeardEndpoints, told_answers
from holdfast.flight.blanking import Blanking
from holdfast.flight.forms import Form, Former, portrait
from holdfast.flight.lot import EVENT, RAISED, SOUND, FrozenLot, Lot, ShortStep, WaitingStep, packed
from holdfast.flight.starts import Starts, all_wait, waits

RUNS_MAX: Final = 256
"""Of messages of one size: what is more varied than that is told as if it were even."""
SHORT_MAX: Final = 32
"""So many steps of a session wait to be written together."""
LIGHT_BYTES: Final = 8 * 1024
"""A portrait of so much is made every `flight_steps`; heavier ones, which take milliseconds, less often."""
LOOKED_AT: Final = 8
"""So few messages are looked at one by one."""
AS_IT_IS: Final[Form] = []
"""Stands for the form of an event that may wait."""


class Listener(Protocol):
    """Who is told of a tap's life, and has what all taps share."""

    starts: Starts

    @property
    def hide(self) -> Callable[[str], str]:
        """Takes secrets out of evidence."""
        ...

    def waits(self, tap: Tap, at: float) -> None:
        """Some of its steps wait."""
        ...

    def began(self, tap: Tap) -> None:
        """The session has an id."""
        ...

    def over(self, tap: Tap) -> None:
        """Nothing more will happen to it."""
        ...

    def stumbled(self, error: Exception) -> None:
        """A step could not be recorded."""
        ...


class Tap:
    """One session's account of its own steps. The subclasses know the conductor."""

    __slots__ = (
        "_former",
        "_key",
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
        measure: Callable[[bytes], int] | None = None,
    ) -> None:
        self._listener = listener
        self._former: Former | None = None
        self._key = 0
        """Of who has no former yet: of a silent session only this is kept."""
        self._older: Lot | None = None
        self._newer = Lot(0)
        self.surroundings = surroundings
        self.endpoints = HeardEndpoints(surroundings.endpoints, measure)
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
        newer = self._newer
        return newer.number - newer.first, newer.size

    @property
    def blanking(self) -> Blanking:
        """What its texts become."""
        return self._brief_former().blanking

    def former(self) -> Former:
        """For a session that goes on: kept from now on."""
        former = self._former
        if former is None:
            former = self._former = self._brief_former()
        return former

    def _brief_former(self) -> Former:
        """For once."""
        if self._former is not None:
            return self._former
        former = Former(Blanking(self._listener.hide, self._key))
        self._key = former.blanking.key
        return former

    def frozen(self) -> list[FrozenLot]:
        """What there is, oldest first, as it is now."""
        self.settle()
        return [lot.frozen() for lot in (self._older, self._newer) if lot is not None]

    def ahead(self, event: Any) -> Form:
        """What is told of an event before its step: nothing yet of one that may wait as it is."""
        lot = self._newer
        is_start = not lot.count and not (lot.waiting and lot.waiting[0][0] == SOUND)
        return AS_IT_IS if is_start and waits(event) else self.told(event)

    def stepped(
        self,
        state: State | RelayState,
        now: float,
        event: Any,
        came: tuple[Form, Form],
        due: Sequence[Any],
    ) -> None:
        """A step is over. `came`: what was told ahead of it, and what was booked before it."""
        told, booked = came
        if told is not AS_IT_IS:
            self.keep(EVENT, state, now, came, due)
        elif all_wait(due):
            heard = self.endpoints
            answers, heard.answers = heard.answers, ()
            self.keep_waiting(state, (EVENT, now, event, booked, answers, tuple(due)))
        else:
            self.keep(EVENT, state, now, (self.told(event), booked), due)

    def raised(self, state: State | RelayState, now: float, event: Any, came: tuple[Form, Form]) -> None:
        """A step failed: it is kept with nothing due."""
        told, booked = came
        self.keep(RAISED, state, now, (self.told(event) if told is AS_IT_IS else told, booked), ())

    def told(self, event: Any) -> Form:
        """An event's form, made before the core may alter what it bears."""
        try:
            return self.former().form(event)
        except Exception as error:  # noqa: BLE001 - a recording is never worth a session
            self._stumble(error)
            return None

    def settle(self) -> None:
        """Write what waits."""
        try:
            if self._newer.waiting:
                self._newer.settle(self._brief_former(), self._listener.starts)
        except Exception as error:  # noqa: BLE001 - as above
            self._stumble(error)

    def keep(
        self, kind: int, state: State | RelayState, now: float, came: tuple[Form, Form], due: Sequence[Any]
    ) -> None:
        """One step is over: what came was an event, and what was booked before it."""
        heard = self.endpoints
        answers, heard.answers = heard.answers, ()
        if self.is_off:
            return
        try:
            former, lot = self.former(), self._newer
            if lot.waiting:
                lot.settle(former, self._listener.starts)
            lot.add(packed((kind, now, *came, told_answers(answers, former), former.forms(due))))
            self._look(lot, state)
        except Exception as error:  # noqa: BLE001 - as above
            self._stumble(error)

    def keep_waiting(self, state: State | RelayState, step: ShortStep | WaitingStep) -> None:
        """One step is over that needs not be written yet."""
        lot = self._newer
        waiting = lot.waiting
        if waiting is None:
            lot.waiting = [step]
            if step[0] != SOUND:
                self._listener.waits(self, step[1])
        else:
            waiting.append(step)
            if len(waiting) >= SHORT_MAX:
                self.settle()
                self._look(self._newer, state)

    def _look(self, lot: Lot, state: State | RelayState) -> None:
        """Whether the lot is full."""
        heavy, limits = 1 + len(lot.begins) // LIGHT_BYTES, self.surroundings.limits
        if lot.count >= limits.flight_steps * heavy or lot.size >= limits.flight_bytes:
            self.begin_anew(state)

    def begin_anew(self, state: State | RelayState) -> None:
        """A replay can begin here: what was before the older lot is forgotten."""
        if state.is_over:
            return
        self.settle()
        newer = self._newer
        begins = packed(portrait(state, self.blanking))
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

    def forget(self) -> None:
        """Nobody will ask for it."""
        self._older, self._newer = None, Lot(0)

    def _stumble(self, error: Exception) -> None:
        self.is_off = True
        self.forget()
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

    __slots__ = ()

    def passed(self, s: State) -> Form:
        """What will be booked before the step."""
        up, down = s.input_lane, s.output_lane
        if not up.passed and not down.passed and not up.said:
            return None
        heard_by(s).cut = None if len(down.passed) > len(up.told) else NOTHING
        samples = up.until - up.room - s.received if up.passed else 0
        return ((samples, up.said, up.acknowledged, down.last_at), up.told)

    def with_cut(self, booked: Form, s: State) -> Form:
        """The same after the step, with the sizes of the messages that went down."""
        return None if booked is None else (*booked[0], heard_by(s).cut or NOTHING, *booked[1])


def heard_by(s: State) -> HeardWindow:
    """The window of a recorded session: not the tap's, which outlives the session."""
    window: HeardWindow = s.window  # type: ignore[assignment] # it was put there as the session was made
    return window


class RelayTap(Tap):
    """Of a relayed conversation: where its log of audio stood after the last step."""

    __slots__ = ("_count", "_gone", "_said", "_size")

    def __init__(self, listener: Listener, surroundings: RelaySurroundings) -> None:
        super().__init__(listener, surroundings, surroundings.measure)
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
        if count == self._count and s.lane.said == self._said:
            return None if window is None else [None, window]
        sizes = self._sizes(s, count - self._count)
        return [[kept.gone, kept.first, kept.size, sizes, s.lane.said, s.lane.said_at], window]

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
        self._size, self._said = kept.size, s.lane.said
