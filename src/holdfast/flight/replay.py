"""A recording walked through the core again, step by step: does it decide as it did?

What lives here: putting a core where the recording begins, giving it each step with what was booked and
answered, comparing what it decides.
What never will: upstreams, clients, clocks: all of them are in the recording. Printing (`cli.replay`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path
from typing import Any

from holdfast.core.audio import SAMPLE_BYTES
from holdfast.core.effects import Effect
from holdfast.core.lanes import InputLane, OutputLane, PlainInputLane, PlainOutputLane, Tape
from holdfast.core.relay import Relay
from holdfast.core.relay_effects import RelayEffect
from holdfast.core.relay_state import RelayState, RelaySurroundings
from holdfast.core.session import Session
from holdfast.core.state import State, Surroundings
from holdfast.flight.answers import MEASURED, OtherwiseError, RecordedEndpoints
from holdfast.flight.blanking import Blanking, filler
from holdfast.flight.compare import difference, title
from holdfast.flight.forms import Former
from holdfast.flight.names import ForeignError, Named, Reader, named
from holdfast.flight.recording import Header, NoRecordingError, Recording, Step, read_file


@dataclass(frozen=True, slots=True)
class Walked:
    """One step, walked again."""

    step: Step
    due: tuple[dict[str, Any], ...]
    """What the core decides now."""
    differs: str = ""
    """How that is not what it decided then; empty where it is."""
    machines: Mapping[str, str] = field(default_factory=dict)
    """Where the machines stand after it."""


@dataclass(frozen=True, slots=True)
class Replay:
    """A whole recording, walked again."""

    recording: Recording
    walked: tuple[Walked, ...]
    stopped: str = ""
    """Why it could not be walked to its end."""

    @property
    def differences(self) -> tuple[Walked, ...]:
        """The steps in which the core decides otherwise."""
        return tuple(one for one in self.walked if one.differs)

    def decisions(self, step: int) -> list[str]:
        """What is decided now in the step of that number, an effect each. Raises KeyError."""
        walked = {one.step.step: one for one in self.walked}[step]
        return [title(effect) for effect in walked.due]

    @property
    def is_same(self) -> bool:
        """Whether every decision is the recorded one."""
        return not self.stopped and not self.differences


def replay_file(path: Path) -> Replay:
    """Walk the recording in a file. Raises NoRecordingError, OSError."""
    return replay(read_file(path))


def replay(recording: Recording) -> Replay:
    """Walk a recording. Raises NoRecordingError where this version can't even begin."""
    walker = _walker(recording.header)
    walked: list[Walked] = []
    for step in recording.steps:
        try:
            one = walker.walk(step)
        except ForeignError as error:
            return Replay(recording, tuple(walked), f"step {step.step}: {error}")
        walked.append(one)
        if walker.is_stuck:
            return Replay(recording, tuple(walked), f"step {step.step}: {one.differs}")
    return Replay(recording, tuple(walked))


def _walker(header: Header) -> _Walker:
    try:
        return _SessionWalker(header) if header.core == "session" else _RelayWalker(header)
    except (ForeignError, LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise NoRecordingError(
            "the recording's beginning can't be restored.",
            f"{error}.",
            f"Replay it with the version that wrote it: {header.version}.",
        ) from error


class _Walker:
    """A core of its own, in the recording's world."""

    def __init__(self) -> None:
        self.endpoints = RecordedEndpoints()
        self.former = Former(Blanking())
        self.is_stuck = False

    # what a subclass knows

    def give(self, step: Step) -> Sequence[Effect | RelayEffect]:
        """One step of the core."""
        raise NotImplementedError

    def machines(self) -> dict[str, str]:
        """Where they stand."""
        raise NotImplementedError

    def alters_ids(self) -> bool:
        """Whether originals may have become longer or shorter."""
        return False

    def walk(self, step: Step) -> Walked:
        """One step again."""
        is_loose = self.alters_ids()
        try:
            self.endpoints.hear((question, self._answer(question, told)) for question, told in step.answers)
            effects = self.give(step)
            due = tuple(named(self.former.form(one)) for one in effects)
        except OtherwiseError as error:
            self.is_stuck = True
            return Walked(step, (), str(error), self.machines())
        except ForeignError:
            raise
        except Exception as error:  # noqa: BLE001 - that it raises is what is asked
            if step.kind == "raised":
                return Walked(step, (), "", self.machines())
            self.is_stuck = True
            return Walked(step, (), f"the core raises {type(error).__name__}: {error}", self.machines())
        differs = self._difference(step, due, is_loose=is_loose or self.alters_ids())
        return Walked(step, due, differs, self.machines())

    @staticmethod
    def _answer(question: str, told: Named) -> Any:
        return told if question == MEASURED else Reader().value(told)

    def _difference(self, step: Step, due: Sequence[Named], *, is_loose: bool) -> str:
        if step.kind == "raised":
            return "the core raised, and does not now"
        for number, (then, now) in enumerate(zip(step.due, due, strict=False), 1):
            if (where := difference(then, now, is_loose=is_loose)) is not None:
                return f"effect {number}: {where}"
        if len(due) != len(step.due):
            longer, word = (step.due, "no") if len(step.due) > len(due) else (due, "one more:")
            extra = longer[min(len(due), len(step.due))]
            return f"{len(due)} effects, {len(step.due)} then: {word} {title(extra)}"
        if self.endpoints.left_over:
            return f"the upstreams' machine is not asked for {', '.join(self.endpoints.left_over)}"
        return ""


class _SessionWalker(_Walker):
    def __init__(self, header: Header) -> None:
        super().__init__()
        around, reader = header.surroundings, Reader()
        surroundings = Surroundings(
            limits=reader.value(around["limits"]),
            customer_id=filler(around["customer_id"]),
            upstreams=reader.value(around["upstreams"]),
            endpoints=self.endpoints,
            greeting=filler(around["greeting"]),
            durability=around["durability"],
            idempotent_tools=reader.value(around["idempotent_tools"]),
        )
        self.session = Session(surroundings)
        self.state: State = self.session.state
        if header.begins is not None:
            state, up, down = header.begins
            Reader().fill(self.state, state)
            _restore_lanes(self.state, up, down)

    def give(self, step: Step) -> Sequence[Effect | RelayEffect]:
        """See `_Walker`."""
        happened = Reader().value(step.event)
        if step.booked is not None:
            _pass(self.state, step.booked)
        if step.kind == "abort":
            return self.session.abort(happened)
        return self.session.receive(happened, step.at)

    def machines(self) -> dict[str, str]:
        """See `_Walker`."""
        s = self.state
        told = {"client": str(s.link.phase), "upstream": str(s.upstream.phase), "turn": str(s.turn.phase)}
        if s.successor is not None:
            told["successor"] = str(s.successor.phase)
        return {**told, "over": "yes"} if s.is_over else told


def _restore_lanes(s: State, up: Sequence[Any], down: Sequence[Any]) -> None:
    room, until, *said = up
    s.input_lane = PlainInputLane(room, until, Tape(), *said)
    generation, response_id, item_id, room, last_at, offset, stream, until = down
    ids = (filler(response_id), filler(item_id))
    lane = PlainOutputLane(generation, *ids, room, last_at=last_at, offset=offset, stream=stream, until=until)
    s.output_lane = lane


def _pass(s: State, booked: Sequence[Any]) -> None:
    """Let pass what passed between two steps, as the lanes would."""
    samples, said, acknowledged, last_at, cut, *told = booked
    up: InputLane = s.input_lane
    down: OutputLane = s.output_lane
    if samples:
        up.room = up.until - s.received - samples
        up.passed.add(bytes(samples * SAMPLE_BYTES))
    up.said, up.acknowledged = said, acknowledged
    up.told = [(at, position, offset) for at, position, offset in told]
    if up.told:
        up.told_to = up.told[-1][1]
    for size in sizes_of(cut) if cut else (0,) * len(told):
        down.room -= size // SAMPLE_BYTES
        down.passed.add(bytes(size))
        down.last_at = last_at


class _RelayWalker(_Walker):
    def __init__(self, header: Header) -> None:
        super().__init__()
        around, reader = header.surroundings, Reader()
        surroundings = RelaySurroundings(
            limits=reader.value(around["limits"]),
            upstreams=reader.value(around["upstreams"]),
            endpoints=self.endpoints,
            measure=self.endpoints.measure,
            model=filler(around["model"]),
        )
        self.relay = Relay(surroundings)
        self.state: RelayState = self.relay.state
        self.reader = reader
        if header.begins is not None:
            Reader().fill(self.state, header.begins[0])
            self.state.kept.measure = self.endpoints.measure

    def give(self, step: Step) -> Sequence[Effect | RelayEffect]:
        """See `_Walker`."""
        happened = Reader().value(step.event)
        if step.booked is not None:
            log, window = step.booked
            if log is not None:
                self._pass(log)
            if window is not None:
                sent, kept = window
                self.state.window.stand(sent, map(self.reader.silence, sizes_of(kept)))
        if step.kind == "abort":
            return self.relay.abort(happened)
        return self.relay.receive(happened, step.at)

    def _pass(self, log: Sequence[Any]) -> None:
        """The log of audio as it stood when the step began."""
        gone, first, size, fresh, said, said_at = log
        s = self.state
        kept = s.kept
        del kept.given[: max(0, gone - kept.gone)]
        kept.given.extend(map(self.reader.silence, sizes_of(fresh)))
        kept.gone, kept.first, kept.size, kept.alike = gone, first, size, 0
        s.lane.said, s.lane.said_at = said, said_at

    def machines(self) -> dict[str, str]:
        """See `_Walker`."""
        s = self.state
        told = {
            "client": "away" if s.is_away else "there",
            "upstream": str(s.upstream.phase),
            "answers": str(len(s.responses.open)),
        }
        if s.successor is not None:
            told["successor"] = str(s.successor.phase)
        return {**told, "over": "yes"} if s.is_over else told

    def alters_ids(self) -> bool:
        """See `_Walker`."""
        return self.state.ids.is_exchanging or bool(self.state.mark)


def sizes_of(runs: Sequence[int]) -> Iterator[int]:
    """Sizes one by one, from how many there are of which."""
    for count, size in zip(runs[::2], runs[1::2], strict=True):
        yield from repeat(size, count)
