"""Who watches: told of what they see, in order, and of nothing else."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from holdfast.ports import sightings as seen
from holdfast.ports.sightings import Sighting, Watched
from holdfast.runtime.watching import Watches

SESSION = Watched("hf_1", "browser", "")
LIVE = seen.UpstreamLive(0, "openai", "openai", "gpt-realtime-2.1", "sess_1")


@dataclass
class Memory:
    """Keeps what it is told."""

    sees: Collection[type | str]
    told: list[Sighting] = field(default_factory=list)

    def saw(self, session: Watched, sighting: Sighting, at: float) -> None:
        self.told.append(sighting)


def noted(moment: str) -> seen.Noted:
    return seen.Noted(moment, "info", {})


def test_each_is_told_of_what_it_sees_and_of_nothing_else() -> None:
    watches, one, other = Watches(), Memory({seen.Began, "session.ready"}), Memory(seen.EVERYTHING)
    watches.add(one, other)
    all_there_is: list[Sighting] = [seen.Began(), noted("upstream.created"), noted("session.ready"), LIVE]
    for sighting in all_there_is:
        watches.saw(SESSION, sighting, 0.0)

    assert one.told == [seen.Began(), noted("session.ready")]
    assert other.told == all_there_is


def test_who_comes_later_is_told_from_then_on() -> None:
    watches, early, late = Watches(), Memory({seen.Began}), Memory({seen.Began})
    watches.add(early)
    watches.saw(SESSION, seen.Began(), 0.0)
    watches.add(late)
    watches.saw(SESSION, seen.Began(), 0.0)

    assert (len(early.told), len(late.told)) == (2, 1)


def test_a_moment_that_nobody_sees_has_nobody() -> None:
    watches = Watches()
    watches.add(Memory({seen.Began, "session.ready"}))

    assert watches.who["session.ready"]
    assert not watches.who["upstream.created"]
    assert not watches.who[seen.Noted]
