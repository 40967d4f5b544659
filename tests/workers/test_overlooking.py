"""The front's side of the console over several workers: who has ended is known to whoever looks next."""

from __future__ import annotations

from holdfast.ledger import Board, Climate, NumberedFaults
from holdfast.workers import memos
from holdfast.workers.overlooking import FarOverview
from tests.ledger.seeing import Seen


class Post:
    """A worker that is told things."""

    number = 0
    is_ready = True

    def tell(self, memo: memos.FromFront) -> None:
        """It says nothing by itself."""


def take(overview: FarOverview, faults: NumberedFaults) -> None:
    board = Board(faults)
    for process, batch in overview.news():
        if batch is None:
            board.lost(process)
        else:
            board.take(process, batch)


def test_a_worker_that_ended_while_nobody_looked_has_a_successor_whose_faults_are_new() -> None:
    overview, faults = FarOverview([Post()]), NumberedFaults(10)
    for name in ("hf_a", "hf_b"):
        book = Seen()
        book.live(name)
        book.lost(name=name)
        overview.watch(lambda: None)
        overview.hear(0, memos.Overseen(book.collect(), Climate()))
        take(overview, faults)
        overview.watch(None)
        for _ in range(3):
            overview.lost(0)

    assert [(one.id, one.session) for one in faults.since(0)] == [(1, "hf_a"), (2, "hf_b")]
    assert len(overview.news()) == 1, "however often"
