"""The session's line to its journal: nothing counts as durable before it is."""

from __future__ import annotations

from holdfast.core.aliases import Aliases
from holdfast.core.journal_line import JournalLine


def test_lines_are_numbered_from_one_without_holes() -> None:
    it = JournalLine("local")
    assert [it.next_number() for _ in range(3)] == [1, 2, 3]


def test_durable_moves_with_the_last_line_that_was_written() -> None:
    it = JournalLine("local")
    for position in (100, 200, 300):
        it.next_number()
        it.position(position)
    assert it.durable == 0
    it.recorded(2)
    assert it.durable == 200
    it.recorded(2)
    assert it.durable == 200
    it.recorded(3)
    assert it.durable == 300


def test_a_shared_journal_counts_as_a_local_one() -> None:
    it = JournalLine("shared")
    assert not it.is_degraded
    it.next_number()
    it.position(100)
    it.recorded(1)
    assert it.durable == 100


def test_without_a_journal_nothing_is_durable() -> None:
    it = JournalLine("none")
    it.next_number()
    it.position(100)
    it.recorded(1)
    assert it.durable == 0


def test_only_a_later_position_is_news() -> None:
    it = JournalLine("local")
    assert (it.advances(0), it.advances(1)) == (False, True)
    it.next_number()
    it.position(100)
    assert (it.advances(99), it.advances(100), it.advances(101)) == (False, False, True)


def test_a_call_may_start_when_its_intent_is_written_and_only_once() -> None:
    it = JournalLine("local")
    for call_id in ("c1", "c2", "c3"):
        it.next_number()
        it.call(call_id)
    assert it.recorded(0) == []
    assert it.recorded(2) == ["c1", "c2"]
    assert it.recorded(2) == []
    assert it.recorded(9) == ["c3"]


def test_an_id_that_the_client_knows_stays_when_the_upstream_has_another_for_it() -> None:
    it = Aliases()
    it.bind("item_1", f"item_{1}")
    assert it == Aliases()
    assert (it.known("u1"), it.upstream("k1")) == ("u1", "k1")
    it.bind("u1", "k1")
    assert (it.known("u1"), it.upstream("k1")) == ("k1", "u1")
    it.bind("a", "z")
    assert (it.known("a"), it.upstream("z")) == ("z", "a")
    assert (it.known("u2"), it.upstream("k2")) == ("u2", "k2")
    it.clear()
    assert (it.known("u1"), it.upstream("k1")) == ("u1", "k1")
