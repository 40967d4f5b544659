"""Limits can be narrowed by a ticket and never widened; every bound of a buffer is kept."""

from __future__ import annotations

from holdfast.core.commands import CommandMemory
from holdfast.core.conversation import Conversation
from holdfast.core.limits import Limits
from holdfast.core.notices import Accepted
from holdfast.core.tool_ledger import CallPhase, ToolLedger


def test_a_ticket_can_take_and_never_give() -> None:
    narrowed = Limits().narrowed({"session_s": 60, "idle_s": 10**9, "no_such": 1})
    assert (narrowed.session_s, narrowed.idle_s) == (60, Limits().idle_s)


def test_the_memory_of_commands_is_bounded() -> None:
    memory = CommandMemory(3)
    for number in range(10):
        memory.remember(f"e{number}", Accepted(f"e{number}"))
    assert memory.answer_to("e6") is None
    assert memory.answer_to("e7") is not None


def test_the_mirror_of_the_conversation_is_bounded_and_counts_what_it_forgets() -> None:
    mirror = Conversation(2)
    for number in range(5):
        mirror.said(f"i{number}", "x", role="user", final=True)
    assert list(mirror.items) == ["i3", "i4"]
    assert mirror.forgotten == 3


def test_the_ledger_forgets_what_was_told_before_what_runs() -> None:
    ledger = ToolLedger(2)
    ledger.open("told", "a", "{}", "r1", 1)
    ledger.returned("told", "x")
    ledger.calls["told"].phase = CallPhase.RETURNED
    ledger.ready(None)
    ledger.open("running", "b", "{}", "r2", 1)
    ledger.open("new", "c", "{}", "r3", 1)
    assert not ledger.open("running", "b", "{}", "r2", 1)
    assert ledger.open("told", "a", "{}", "r1", 1)


def test_what_a_dead_upstream_may_have_missed_is_kept_long_enough() -> None:
    limits = Limits()
    silences = (
        limits.response_stall_s,
        limits.response_first_s,
        limits.upstream_ping_s + limits.upstream_pong_s,
    )
    assert limits.input_replayed_s >= max(silences) + 2
