"""The two cores with a tap: they decide as ever, and what they decide is kept.

What lives here: what is read before a step and what is kept after it.
What never will: altering a step. A tap that fails is left, and the session goes on.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from holdfast.core.effects import Effect
from holdfast.core.events import Event, MemoryRanShort
from holdfast.core.faults import Fault
from holdfast.core.relay import Relay
from holdfast.core.relay_effects import RelayEffect
from holdfast.core.relay_events import ClientReturned, RelayEvent
from holdfast.core.relay_state import RelaySurroundings
from holdfast.core.restart import StoredLine
from holdfast.core.session import Session
from holdfast.core.state import Surroundings
from holdfast.flight.lot import ABORT, EVENT, RAISED, SOUND
from holdfast.flight.short import BRIEFS, number_of
from holdfast.flight.tap import NOTHING, HeardWindow, Listener, RelayTap, SessionTap, heard_by


class RecordedSession(Session):
    """A session of the browser protocol that keeps its last steps."""

    __slots__ = ("tap",)

    def __init__(self, surroundings: Surroundings, listener: Listener) -> None:
        super().__init__(surroundings)
        s = self.state
        window = s.window
        self.tap = SessionTap(listener, surroundings)
        s.endpoints, s.window = self.tap.endpoints, HeardWindow(window.audio_bytes_max, window.messages_max)

    def restart(self, lines: Iterable[StoredLine], epoch: str, now: float) -> list[Effect]:
        """See `Session`. What was read from the journal is where a replay begins."""
        due = super().restart(lines, epoch, now)
        self.tap.endpoints.answers = ()
        self.tap.begin_anew(self.state)
        self.tap.noticed(self.state, self.state.session_id)
        return due

    def receive(self, event: Event, now: float) -> list[Effect]:
        """See `Session`. A step about sound comes so often that what it costs is counted in what a message
        costs: it is told in short, and here in one piece.
        """
        s, tap = self.state, self.tap
        brief = BRIEFS.get(type(event))
        if brief is None or tap.is_off or s.is_over:
            return self._whole(event, now)
        up, down, window = s.input_lane, s.output_lane, heard_by(s)
        samples = up.until - up.room - s.received if up.passed else 0
        said, acknowledged, last_at, told = up.said, up.acknowledged, down.last_at, up.told
        window.cut = None if len(down.passed) > len(told) else NOTHING
        try:
            due = Session.receive(self, event, now)
        except Exception:
            booked = (samples, said, acknowledged, last_at, window.cut or NOTHING, *told)
            tap.keep(RAISED, s, now, (tap.told(event), booked), ())
            raise
        booked = (samples, said, acknowledged, last_at, window.cut or NOTHING, *told)
        which = number_of(due)
        if which >= 0:
            tap.keep_waiting(s, (SOUND, now, brief(event, tap.former().blanking), booked, which))
        else:
            tap.keep(EVENT, s, now, (tap.told(event), booked), due)
            tap.noticed(s, s.session_id)
        return due

    def _whole(self, event: Event, now: float) -> list[Effect]:
        """Any other step."""
        s, tap = self.state, self.tap
        if s.is_over:
            return []
        if tap.is_off:
            due = Session.receive(self, event, now)
            tap.noticed(s, s.session_id)
            return due
        told, booked = tap.ahead(event), tap.passed(s)
        try:
            due = Session.receive(self, event, now)
        except Exception:
            tap.raised(s, now, event, (told, tap.with_cut(booked, s)))
            raise
        tap.stepped(s, now, event, (told, tap.with_cut(booked, s)), due)
        if not tap.session_id or self.state.is_over:
            tap.noticed(s, s.session_id)
        return due

    def abort(self, cause: Fault) -> list[Effect]:
        """See `Session`."""
        s, tap = self.state, self.tap
        booked = tap.passed(s)
        try:
            due = super().abort(cause)
            tap.keep(ABORT, s, s.last_activity, (tap.told(cause), tap.with_cut(booked, s)), due)
        finally:
            tap.noticed(s, s.session_id)
        return due


class RecordedRelay(Relay):
    """A relayed conversation that keeps its last steps."""

    __slots__ = ("tap",)

    def __init__(self, surroundings: RelaySurroundings, listener: Listener) -> None:
        super().__init__(surroundings)
        s = self.state
        self.tap = RelayTap(listener, surroundings)
        s.endpoints, s.kept.measure = self.tap.endpoints, self.tap.endpoints.measure

    def receive(self, event: RelayEvent, now: float) -> list[RelayEffect]:
        """See `Relay`."""
        s, tap = self.state, self.tap
        if s.is_over:
            return []
        if tap.is_off:
            due = Relay.receive(self, event, now)
            tap.noticed(s, s.begun.session_id)
            return due
        came = (tap.ahead(event), tap.booked(s, asks_window=type(event) in _OF_THE_WINDOW))
        try:
            due = Relay.receive(self, event, now)
        except Exception:
            tap.raised(s, now, event, came)
            raise
        tap.stepped(s, now, event, came, due)
        tap.passed(s)
        if not tap.session_id or self.state.is_over:
            tap.noticed(s, s.begun.session_id)
        return due

    def abort(self, cause: Fault) -> list[RelayEffect]:
        """See `Relay`."""
        s = self.state
        booked = self.tap.booked(s, asks_window=False)
        try:
            due = super().abort(cause)
            self.tap.keep(ABORT, s, s.watch.now, (self.tap.told(cause), booked), due)
        finally:
            self.tap.left()
        return due


_OF_THE_WINDOW: Final = frozenset({ClientReturned, MemoryRanShort})
"""What asks for the messages that a client may have missed."""
