"""Lives of the property tests and the simulation, with a recorder aboard."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from holdfast.core import events
from holdfast.core.events import SessionOptions
from holdfast.core.limits import Limits
from holdfast.flight import Recorder, Replay, read, replay, write
from holdfast.flight.lot import FrozenLot
from holdfast.flight.recorded import RecordedSession
from holdfast.flight.tap import SessionTap
from tests.core.world import World, surroundings


@dataclass
class Aboard:
    """Every core that was made, with its recorder."""

    cores: list[tuple[Recorder, Any]] = field(default_factory=list)

    def replays(self) -> Iterator[Replay]:
        """Each of them written, read and walked again."""
        for recorder, core in self.cores:
            assert not recorder.counts.stumbled, "a step could not be recorded"
            data = write(recorder._frozen(core.tap))
            yield replay(read(data))


@contextmanager
def recorded(module: Any, steps: int) -> Iterator[Aboard]:
    """The world of `module` makes cores that are recorded, `steps` in a lot."""
    aboard = Aboard()

    def maker(kind: str) -> Callable[[Any], Any]:
        def make(around: Any) -> Any:
            around = replace(around, limits=replace(around.limits, flight_steps=steps))
            recorder = Recorder(around.limits)
            core = getattr(recorder, kind)(around)
            aboard.cores.append((recorder, core))
            return core

        return make

    with pytest.MonkeyPatch.context() as patch:
        for name in ("Session", "Relay"):
            if hasattr(module, name):
                patch.setattr(module, name, maker(name.lower()))
        yield aboard


def assert_same(aboard: Aboard) -> int:
    """Every decision is the recorded one; answers how many steps were walked."""
    steps = 0
    for one in aboard.replays():
        first = next(iter(one.differences), None)
        assert first is None, f"step {first.step.step} {first.step.name}: {first.differs}"
        assert not one.stopped
        steps += len(one.walked)
    return steps


def recorder_of(**limits: Any) -> Recorder:
    """One without a folder."""
    return Recorder(replace(surroundings().limits, **limits))


LIMITS = Limits(flight_settle_s=0.02)


def world_of(recorder: Recorder, limits: Limits = LIMITS, session_id: str = "hf_1") -> World:
    """A recorded session that is live."""
    world = World(recorder.session(surroundings(limits)))
    world.effects += world.session.start()
    world.do(events.SessionAsked(SessionOptions(), session_id, "token", "epoch"))
    world.go_live()
    return world


def lots_of(world: World) -> list[FrozenLot]:
    assert isinstance(world.session, RecordedSession)
    return world.session.tap.frozen()


def tap_of(world: World) -> SessionTap:
    assert isinstance(world.session, RecordedSession)
    return world.session.tap
