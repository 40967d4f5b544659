"""Who needs the operator: each rule by what makes it true, worst first."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from holdfast.core.faults import fault
from holdfast.ledger import Flow
from holdfast.ledger.attention import RULES, Look, judge
from holdfast.ports import sightings as seen
from tests.ledger.seeing import Seen


def never_began(book: Seen) -> None:
    book.sessions.clear()
    book.session("hf_2")
    book.at += 6


def without_upstream(book: Seen) -> None:
    book.lost()
    book.at += 4


def recovering(book: Seen) -> None:
    book.lost()


def ended_by_fault(book: Seen) -> None:
    book.saw(seen.Ended("gave_up", fault("provider.unreachable")))


def ended(book: Seen) -> None:
    book.saw(seen.Ended("ended_by_client"))


def unanswered(book: Seen) -> None:
    book.saw(seen.TurnBegan("item_1", 0))
    book.at += 1
    book.saw(seen.TurnEnded("item_1", 24_000))
    book.at += 7


def ours(book: Seen) -> None:
    book.saw(seen.FaultMet(fault("gateway.internal"), "step.failed"))


def microphone(book: Seen) -> None:
    book.saw(seen.Noted("client.reported", "debug", {"silent_ms": 12_000}))


def away(book: Seen) -> None:
    book.saw(seen.ClientAway(1006))
    book.at += 4


def left(book: Seen) -> None:
    book.turn()
    book.saw(seen.ClientAway(1001))
    book.at += 4


def slow_line(book: Seen) -> None:
    book.saw(seen.FaultMet(fault("user_network.slow"), "client.too_slow"))


def lost_audio(book: Seen) -> None:
    book.saw(seen.AudioWasLost("input", 0, 48_000, "held_too_long"))


def recent_fault(book: Seen) -> None:
    book.saw(seen.ResponseEnded("resp_1", "failed", fault=fault("provider.response_failed")))


def tool(book: Seen) -> None:
    book.saw(seen.ToolBegan("call_1", "balance"))
    book.saw(seen.ToolEnded("call_1", "balance", "failed"))


def slow_answer(book: Seen) -> None:
    book.turn(thinking=3.0)


def degraded(book: Seen) -> None:
    book.saw(seen.Noted("journal.degraded", "warning", {}))


def no_input(book: Seen) -> None:
    book.look(Flow("hf_1", 24_000, 0))
    book.at += 6


def connecting(book: Seen) -> None:
    book.session("hf_3")


def fine(book: Seen) -> None:
    book.turn()


CASES: dict[Callable[[Seen], None], tuple[int, str, str]] = {
    without_upstream: (95, "No upstream since 08:00:00 UTC: provider.connection_lost.", "upstream bad"),
    never_began: (90, "Waits for its upstream since 08:00:00 UTC.", "upstream bad"),
    unanswered: (85, "The user waits for an answer since 08:00:01 UTC.", ""),
    ours: (80, "gateway.internal: {message}", "gateway bad"),
    microphone: (75, "The microphone gives silence.", "microphone bad"),
    away: (70, "The client is gone since 08:00:00 UTC; the session waits for it.", "network bad"),
    slow_line: (65, "user_network.slow: {message}", "network bad"),
    ended_by_fault: (
        60,
        "Ended by provider.unreachable: {message}",
        "upstream bad",
    ),
    lost_audio: (55, "2.0 s of audio were lost.", "network unsure"),
    recovering: (50, "Another upstream is looked for: provider.connection_lost.", "upstream unsure"),
    recent_fault: (
        45,
        "provider.response_failed: {message}",
        "upstream unsure",
    ),
    tool: (40, "A tool failed.", ""),
    slow_answer: (30, "The user waited 3.7 s for the last answer.", ""),
    degraded: (20, "What is said does not become durable at the moment.", "gateway unsure"),
    no_input: (15, "No audio comes from the client since 08:00:01 UTC.", "microphone unsure"),
    left: (12, "The page was closed at 08:00:02 UTC; the session waits for it.", "network none"),
    connecting: (10, "Its upstream is dialled.", "upstream unsure"),
    ended: (5, "Ended by its user.", "upstream none"),
    fine: (0, "All is well: the last answer began after 1.1 s.", "upstream good"),
}


@pytest.mark.parametrize("happens", CASES, ids=lambda one: one.__name__)
def test_what_happened_decides_who_is_looked_at(happens: Callable[[Seen], None]) -> None:
    book = Seen()
    book.live()
    happens(book)
    name = {"never_began": "hf_2", "connecting": "hf_3"}.get(happens.__name__, "hf_1")
    row = book.row(name)
    attention, words, light = CASES[happens]
    met = row.last_fault
    why = words.format(message="" if met is None else met.message)

    assert (row.attention, row.why) == (attention, why)
    if light:
        part, colour = light.split()
        assert getattr(row.health, part) == colour


@pytest.mark.parametrize("happens", CASES, ids=lambda one: one.__name__)
def test_a_plain_session_is_judged_as_any_other(happens: Callable[[Seen], None]) -> None:
    """The short list of rules is for speed alone."""
    book = Seen()
    book.live()
    happens(book)
    for account in book.ledger._accounts.values():
        if account.is_plain:
            look = Look(account, book.at, str)
            said = [(rule.attention, rule.says(look)) for rule in RULES]
            held = next(((attention, why) for attention, why in said if why is not None), None)

            assert judge(look)[0] == (0 if held is None else held[0])


def test_every_rule_is_provoked() -> None:
    assert {rule.attention for rule in RULES} | {0} == {attention for attention, _, _ in CASES.values()}


def test_who_left_before_anybody_served_needs_a_look() -> None:
    book = Seen()
    book.session()
    book.lost("provider.silent", was_live=False)
    book.saw(seen.Ended("ended_by_client"))

    assert (book.row().attention, book.row().why) == (
        60,
        "Its user left before an upstream served: provider.silent.",
    )


@pytest.mark.parametrize(
    ("reason", "code", "words"),
    [
        ("idle", "application.idle", "Ended after a long silence."),
        ("time_limit", "application.time_limit", "Ended at its time limit."),
        ("budget_spent", "configuration.session_budget", "Ended because its budget was spent."),
        ("ended_by_operator", "configuration.ended_by_operator", "Ended by an operator."),
    ],
)
def test_an_end_that_was_set_or_wished_needs_nobody(reason: str, code: str, words: str) -> None:
    book = Seen()
    book.live()
    book.turn()
    book.saw(seen.Ended(reason, fault(code)))

    assert (book.row().attention, book.row().why) == (5, words)


def test_of_several_the_worst_is_told() -> None:
    book = Seen()
    book.live()
    tool(book)
    lost_audio(book)
    without_upstream(book)

    assert book.row().attention == 95


def test_a_fault_that_is_long_over_is_no_news() -> None:
    book = Seen()
    book.live()
    recent_fault(book)
    first = book.collect()
    book.at += 61
    book.look()
    (row,) = book.collect(first.cursor).rows

    assert (row.attention, row.health.upstream) == (0, "good")


def test_an_end_that_was_set_says_which_behind_v1_realtime_too_and_its_upstream_was_well() -> None:
    book, cause = Seen(), fault("configuration.session_budget")
    book.live()
    book.saw(seen.Ended("session.ended", cause))
    row = book.row()

    assert (row.attention, row.why) == (5, f"Ended by {cause.code}: {cause.row.message}")
    assert row.health.upstream == "none"
