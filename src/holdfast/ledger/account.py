"""One session as the console knows it: facts, its timeline, its turns.

What lives here: what is remembered of it, within bounds. A customer is masked on arrival.
What never will: how a sighting changes it (`reading`), judging it (`attention`, `health`), clocks: times are
arguments, in seconds of the loop.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from holdfast.core.faults import Fault
from holdfast.core.limits import Limits
from holdfast.core.recent import Recent
from holdfast.ledger.lines import FAULT, Form, Line
from holdfast.ledger.purse import Spent
from holdfast.ledger.shapes import Phase, State, UpstreamTold
from holdfast.ledger.turns import Turn
from holdfast.ports import sightings as seen

LEVELS_MAX: Final = 300
"""Seconds of audio's coming and going that a session's document shows."""


class Levels:
    """Audio's coming and going, look by look, as whole numbers in one piece of memory."""

    __slots__ = ("_numbers",)
    WIDTH: Final = 4

    def __init__(self) -> None:
        self._numbers = array("I")

    def add(self, t_ms: int, came: int, went: int, held: int) -> None:
        """Samples that came and went since the look before, and that are held; the oldest look goes."""
        self._numbers.extend((t_ms, came, went, held))
        if len(self._numbers) > self.WIDTH * LEVELS_MAX:
            del self._numbers[: self.WIDTH]

    def __iter__(self) -> Iterator[tuple[int, int, int, int]]:
        return zip(*[iter(self._numbers)] * self.WIDTH, strict=True)


_NOBODY: Final = UpstreamTold()
_NOTHING: Final[Mapping[str, float]] = MappingProxyType({})


class Met:
    """A fault that this session met: when, where, and whether the session ended of it."""

    __slots__ = ("at", "ended", "fault", "moment", "number")

    def __init__(self, fault: Fault, at: float, moment: str, number: int) -> None:
        self.fault, self.at, self.moment, self.number = fault, at, moment, number
        self.ended = False


class Account:
    """What is known of one session."""

    __slots__ = (
        "answers",
        "away_since",
        "began",
        "cost",
        "customer",
        "due",
        "end_reason",
        "ended",
        "entries",
        "faults",
        "faults_kept",
        "id",
        "in_samples",
        "last_in",
        "last_loss",
        "last_out",
        "left",
        "levels",
        "levels_at",
        "limits",
        "lines",
        "losses",
        "mode",
        "out_samples",
        "provider_sessions",
        "report",
        "rtt_ms",
        "running",
        "serves",
        "silent_since",
        "sounds_since",
        "source",
        "state",
        "state_since",
        "tools_failed_at",
        "turn_count",
        "turns",
        "upstream",
        "version",
        "waited_ms",
        "waits_since",
    )

    def __init__(self, session: seen.Watched, customer: str, at: float, limits: Limits) -> None:
        self.id, self.source, self.mode = session.id, session.source, session.mode
        self.customer = customer
        self.began = at
        self.ended: float | None = None
        self.end_reason = ""
        self.state: State = "connecting"
        self.state_since = at
        self.away_since: float | None = None
        self.left = False
        """It is away because somebody closed the page: nothing broke."""
        self.upstream = _NOBODY
        self.serves = False
        """Whether that one serves now, whoever is away meanwhile."""
        self.provider_sessions: tuple[str, ...] = ()
        self.turns: Sequence[Turn] = ()  # made with the first: nearly all of a thousand are silent
        self.turn_count = self.faults = 0
        self.entries: Recent[Line] = Recent(limits.console_entries)
        self.lines = 0
        """Of the timeline so far: the number of the next."""
        self.faults_kept: Sequence[Met] = ()
        self.losses = 0
        """Samples that were lost."""
        self.last_loss: float | None = None
        self.tools_failed_at: float | None = None
        self.waited_ms: float | None = None
        """For the last answer that was heard."""
        self.waits_since: float | None = None
        """Since when the user waits for an answer."""
        self.sounds_since: float | None = None
        """Since when the answer that goes on is heard."""
        self.answers = 0
        """That go on."""
        self.cost: Spent | None = None
        """None before anything was charged."""
        self.report = _NOTHING
        """What the client last said of its own microphone, line and player; never trusted for a decision."""
        # audio, by the rounds that look at it
        self.in_samples = self.out_samples = 0
        self.last_in: float | None = None
        self.last_out: float | None = None
        self.silent_since: float | None = None
        """Since when what comes is digital silence."""
        self.rtt_ms: float | None = None
        """To the client and back, as the kernel measures it."""
        self.levels: Levels | None = None
        self.levels_at = at
        self.running = _NOTHING
        """Tools that run, by call."""
        # the ledger's
        self.limits = limits
        self.version = 0
        self.due = 0.0

    @property
    def is_live(self) -> bool:
        """Whether it goes on."""
        return self.ended is None

    @property
    def is_plain(self) -> bool:
        """Whether nothing has ever happened to it that most rules ask about: nearly all of a thousand."""
        return (
            self.state == "live"
            and not self.faults_kept
            and self.away_since is None
            and self.last_loss is None
            and self.tools_failed_at is None
            and self.silent_since is None
            and not self.report
        )

    def silent_s(self, at: float) -> float:
        """How long the microphone has given digital silence: as we see it, or as the client says."""
        seen = 0.0 if self.silent_since is None else at - self.silent_since
        return max(seen, self.report.get("silentMs", 0.0) / 1000)

    @property
    def trip_ms(self) -> float:
        """To the client and back: the longer of what we see and what it says."""
        return max(self.rtt_ms or 0.0, self.report.get("rttMs", 0.0))

    @property
    def phase(self) -> Phase:
        """What goes on in the conversation."""
        turn = self.turn
        if turn is not None and turn.ended is None:
            return "user_speaking"
        if self.sounds_since is not None:
            return "answering"
        return "thinking" if self.waits_since is not None or self.answers else "listening"

    @property
    def turn(self) -> Turn | None:
        """The newest."""
        return self.turns[-1] if self.turns else None

    def turn_of(self, response_id: str) -> Turn | None:
        """The newest that this answer belongs to."""
        return next((turn for turn in reversed(self.turns) if response_id in turn.response_ids), None)

    def turn_heard(self, item_id: str) -> Turn | None:
        """The newest whose answer began to sound with this item."""
        return next((turn for turn in reversed(self.turns) if turn.item_id == item_id), None)

    def ms(self, at: float) -> int:
        """`at` since its beginning."""
        return max(0, round((at - self.began) * 1000))

    def becomes(self, state: State, at: float) -> None:
        """Its state, and since when."""
        if state != self.state:
            self.state, self.state_since = state, at

    def write(
        self, form: Form, at: float, values: tuple[Any, ...] = (), lasted_s: float | None = None
    ) -> None:
        """One more line of its timeline. What lasted is over at `at`, and stands where it began."""
        began, lasted = max(0, round((at - self.began) * 1000)), None
        if lasted_s is not None:
            lasted = round(lasted_s * 1000)
            began = max(0, began - lasted)
        self.entries.append(Line(self.lines, began, form, values, lasted))
        self.lines += 1

    def begin_turn(self, turn: Turn) -> None:
        """One more, which is the newest from here on."""
        if not isinstance(self.turns, Recent):
            self.turns = Recent(self.limits.console_turns)
        self.turns.append(turn)

    def hear(self, t_ms: int, came: int, went: int, held: int) -> None:
        """See `Levels.add`."""
        if self.levels is None:
            self.levels = Levels()
        self.levels.add(t_ms, came, went, held)

    def meet(self, fault: Fault, at: float, moment: str) -> Met:
        """A fault. The same one told twice within one step is one."""
        last = self.faults_kept[-1] if self.faults_kept else None
        if last is not None and last.at == at and last.fault.code == fault.code:
            return last
        self.faults += 1
        met = Met(fault, at, moment, self.faults)
        if not isinstance(self.faults_kept, Recent):
            self.faults_kept = Recent(self.limits.console_faults_of_session)
        self.faults_kept.append(met)
        row = fault.row
        self.write(FAULT, at, (fault.code, str(row.party), fault.evidence, moment, row.message))
        return met
