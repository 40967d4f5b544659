"""The console over several workers: who has ended is known to whoever looks next, and nothing is too much."""

from __future__ import annotations

import json

from holdfast.core.limits import Limits
from holdfast.ledger import Board, Climate, NumberedFaults
from holdfast.runtime.directory import Directory
from holdfast.server.console import Keeper
from holdfast.workers import memos
from holdfast.workers.channel import MESSAGE_BYTES_MAX
from holdfast.workers.overlooking import FarOverview, Overseer
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


async def test_thousands_of_sessions_come_in_several_messages_and_what_was_not_taken_comes_again() -> None:
    book, told, is_full = Seen(console_sessions=10_000), list[memos.FromWorker](), [True]
    names = {book.live(f"hf_{number:032x}") for number in range(2_300)}
    for name in names:
        book.lost(name=name)
    keeper = Keeper(book.ledger, Directory(Limits()))

    def tell(memo: memos.FromWorker) -> bool:
        if not is_full[0]:
            told.append(memo)
        return not is_full[0]

    overseer = Overseer(lambda: keeper, tell)
    overseer.hear(memos.Overlook(is_on=True))
    is_full[0] = False
    overseer._go()
    overseer._go()
    overseer.stop()
    board = Board(NumberedFaults(10))
    for memo in told:
        assert len(memos.written(memo)) < MESSAGE_BYTES_MAX / 2
        assert isinstance(memo, memos.Overseen)
        board.take(0, memo.batch)
    rows = json.loads(board.changes(0, {}))["rows"]

    assert {row["id"] for row in rows} == names
    assert len(told) == 5 + 1, "the last one tells nothing new"
