"""What is kept of a relayed client's audio is the same whether its messages are alike or not."""

from __future__ import annotations

import pytest

from holdfast.core.relay_input import RelayInput


def _log(quiet: int = 1_000) -> RelayInput:
    return RelayInput(lambda raw: 2 * len(raw), quiet, 4 * quiet, 8 * quiet, 9)


def _given(log: RelayInput, *lengths: int, together: int = 7) -> RelayInput:
    for start in range(0, len(lengths), together):
        log.fresh += [bytes(length) for length in lengths[start : start + together]]
        log.book()
    return log


def _forgotten_one_by_one(lengths: list[int], quiet: int, together: int) -> tuple[int, int, int]:
    """What is said of the log, counted as slowly as can be: `gone`, `first`, `size`."""
    here: list[int] = []
    gone = first = 0
    for start in range(0, len(lengths), together):
        here += lengths[start : start + together]
        if sum(here) > quiet:
            while sum(here) > int(quiet * 7 / 8):
                first += 2 * here.pop(0)
                gone += 1
    return gone, first, sum(here)


@pytest.mark.parametrize(
    "lengths",
    [
        [100] * 40,
        [99] * 40,
        [100] * 10 + [101] * 30,
        [1, *[100] * 39],
        [100, 50, 60] * 20,
        [900, 10, 10, 10, 900, 10, 10, 10] * 4,
    ],
)
@pytest.mark.parametrize("together", [1, 7, 50])
def test_the_oldest_go_whatever_their_lengths(lengths: list[int], together: int) -> None:
    log = _given(_log(), *lengths, together=together)
    assert (log.gone, log.first, log.size) == _forgotten_one_by_one(lengths, 1_000, together)
    assert [len(raw) for raw in log.given] == lengths[log.gone :]


def test_who_begins_anew_with_other_lengths_is_alike_again() -> None:
    log = _given(_log(), *[100] * 5, *[70] * 2)
    assert log.alike == 0
    log.settle(log.end)
    assert _given(log, *[70] * 3).alike == 70
