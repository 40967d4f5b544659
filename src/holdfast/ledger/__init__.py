"""The console's book: what is seen of sessions becomes rows, timelines, figures.

What lives here: accounts of sessions, judging them, what has changed since a cursor, merging processes. Pure:
times are arguments; everything is bounded in `core.limits`.
What never will: sockets and routes (`server.console`), causes (`diagnosis.explain`), storage.
"""

from holdfast.ledger.board import Board
from holdfast.ledger.climate import Climate, worst
from holdfast.ledger.ledger import Ledger
from holdfast.ledger.numbers import NumberedFaults
from holdfast.ledger.shapes import Batch, FaultSeen, Flow, Money, Row, TurnSample

__all__ = [
    "Batch",
    "Board",
    "Climate",
    "FaultSeen",
    "Flow",
    "Ledger",
    "Money",
    "NumberedFaults",
    "Row",
    "TurnSample",
    "worst",
]
