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
        self.table.died(worker)

    @rule(worker=st.sampled_from(WORKERS), lost=st.sets(st.sampled_from(SESSIONS)))
    def its_successor_reads_the_journal(self, worker: int, lost: set[str]) -> None:
        if not self.runs[worker]:
            self.kept[worker] -= lost  # what was relayed, or not written
            self.table.began(worker, sorted(self.kept[worker]))

    @rule(worker=st.sampled_from(WORKERS))
    def nobody_came_back(self, worker: int) -> None:
        self.kept[worker] = set()
        self.table.given_up(worker)

    @invariant()
    def everybody_is_found_where_he_is(self) -> None:
        for session in SESSIONS:
            assert self.table.find(session) == self.where(session)
        assert len(self.table) == sum(map(len, [*self.runs.values(), *self.kept.values()]))


Workers.TestCase.settings = settings(max_examples=60, stateful_step_count=30)
TestWhereabouts = Workers.TestCase
