"""The table of sessions against the plainest model of it: one worker of a few, that begins, dies, tells."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from holdfast.workers.whereabouts import Whereabouts

SESSIONS = [f"s{number}" for number in range(6)]
WORKERS = range(3)


class Workers(RuleBasedStateMachine):
    """What each worker's process runs, and what is in each worker's journal."""

    def __init__(self) -> None:
        super().__init__()
        self.table = Whereabouts()
        self.runs: dict[int, set[str]] = {one: set() for one in WORKERS}
        self.kept: dict[int, set[str]] = {one: set() for one in WORKERS}
        self.waits: dict[int, list[tuple[int, bool]]] = {one: [] for one in WORKERS}
        """For whoever comes back: what the table was told, and whether that process still lives."""

    def where(self, session: str) -> int | None:
        return next((one for one in WORKERS if session in self.runs[one] | self.kept[one]), None)

    @rule(session=st.sampled_from(SESSIONS), worker=st.sampled_from(WORKERS))
    def one_begins_or_is_taken_up(self, session: str, worker: int) -> None:
        if self.where(session) in {None, worker}:
            self.kept[worker].discard(session)
            self.runs[worker].add(session)
            self.table.named(session, worker)

    @rule(session=st.sampled_from(SESSIONS))
    def one_ends(self, session: str) -> None:
        worker = self.where(session)
        if worker is not None and session in self.runs[worker]:
            self.runs[worker].discard(session)
            self.table.ended(session)

    @rule(worker=st.sampled_from(WORKERS))
    def one_dies(self, worker: int) -> None:
        self.kept[worker] |= self.runs[worker]
        self.runs[worker] = set()
        self.waits[worker] = [(turn, False) for turn, _ in self.waits[worker]]
        self.table.died(worker)

    @rule(worker=st.sampled_from(WORKERS), lost=st.sets(st.sampled_from(SESSIONS)))
    def its_successor_reads_the_journal(self, worker: int, lost: set[str]) -> None:
        if not self.runs[worker]:
            self.kept[worker] -= lost  # what was relayed, or not written
            before = [(turn, False) for turn, _ in self.waits[worker]]
            self.waits[worker] = [*before, (self.table.began(worker, sorted(self.kept[worker])), True)]

    @rule(worker=st.sampled_from(WORKERS))
    def nobody_came_back_in_time(self, worker: int) -> None:
        """Whoever waits longest gives up first; its process may be long dead."""
        if self.waits[worker]:
            turn, lives = self.waits[worker].pop(0)
            if lives:
                self.kept[worker] = set()
            self.table.given_up(worker, turn)

    @invariant()
    def everybody_is_found_where_he_is(self) -> None:
        for session in SESSIONS:
            assert self.table.find(session) == self.where(session)
        assert len(self.table) == sum(map(len, [*self.runs.values(), *self.kept.values()]))


Workers.TestCase.settings = settings(max_examples=60, stateful_step_count=30)
TestWhereabouts = Workers.TestCase


def test_the_time_of_a_dead_worker_does_not_end_that_of_its_successor() -> None:
    table = Whereabouts()
    first = table.began(1, [])
    table.named("s1", 1)
    table.died(1)
    table.given_up(1, first)
    assert table.find("s1") == 1, "its process is dead, and another one will find it"
    second = table.began(1, ["s1"])
    table.given_up(1, first)
    assert table.find("s1") == 1
    table.given_up(1, second)
    assert table.find("s1") is None
