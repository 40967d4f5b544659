"""What was spent, on the console: corrections replace, days begin anew, rebuilt and wasted stand apart."""

from __future__ import annotations

from holdfast.ledger.purse import BUCKETS, CHARGES_REMEMBERED, DAY_S, Purse, together
from tests.ledger.seeing import WALL, Seen, charge

CENT = 10_000_000


def test_what_a_session_costs_stands_in_its_row_its_turns_and_its_document() -> None:
    book = Seen()
    book.live()
    book.turn()
    before = book.collect()
    book.ledger.charged(charge(1, 3 * CENT, rebuild=CENT))
    book.ledger.charged(charge(9, 2 * CENT))
    after, document = book.collect(before.cursor), book.document()

    assert before.rows[0].cost_usd is None
    assert [row.cost_usd for row in after.rows] == [0.05]
    assert document["turns"][0]["cost_usd"] == 0.03
    assert document["cost"] == {
        "total_usd": 0.05,
        "rebuilt_usd": 0.01,
        "wasted_usd": 0.0,
        "estimated": False,
        "unpriced": 0,
    }
    assert after.money is not None
    assert (after.money.today, after.money.rebuilt) == (0.05, 0.01)


def test_a_correction_replaces_what_it_corrects() -> None:
    book = Seen()
    book.live()
    book.ledger.charged(charge(1, 3 * CENT))
    book.ledger.charged(charge(1, 3 * CENT, wasted=2 * CENT))
    money = book.collect().money

    assert book.row().cost_usd == 0.03
    assert money is not None
    assert (money.today, money.wasted) == (0.03, 0.02)


def test_what_has_no_price_is_named_and_not_nothing() -> None:
    book = Seen()
    book.live()
    book.ledger.charged(charge(1, None))
    money = book.collect().money

    assert money is not None
    assert (money.today, money.unpriced) == (0.0, 1)


def test_a_day_begins_with_nothing_and_a_process_with_what_was_spent_before() -> None:
    purse = Purse()
    purse.begin(5 * CENT, WALL)
    purse.take(charge(1, CENT))
    today = purse.money(WALL).today
    purse.take(charge(2, CENT, at=WALL + DAY_S))

    assert today == 0.06
    assert purse.money(WALL + DAY_S).today == 0.01
    assert purse.money(WALL + 3 * DAY_S).today == 0.0


def test_what_was_spent_before_is_of_its_day_alone() -> None:
    purse = Purse()
    purse.begin(5 * CENT, WALL)

    assert purse.money(WALL).today == 0.05
    assert purse.money(WALL + DAY_S).today == 0.0, "before anything is charged"
    purse.take(charge(1, CENT, at=WALL + DAY_S))
    assert purse.money(WALL + DAY_S).today == 0.01


def test_per_minute_is_of_the_last_minutes() -> None:
    purse = Purse()
    for second in range(0, 600, 5):
        purse.take(charge(second, CENT, at=WALL + second))

    assert round(purse.money(WALL + 599).per_minute, 3) == 0.12
    assert purse.money(WALL + 1_200).per_minute == 0.0


def test_what_is_remembered_is_bounded() -> None:
    purse = Purse()
    for number in range(CHARGES_REMEMBERED + 10):
        purse.take(charge(number, CENT, at=WALL + number))

    assert len(purse._known) == CHARGES_REMEMBERED
    assert len(purse._buckets) <= BUCKETS


def test_corrections_of_what_is_just_past_do_not_add_up() -> None:
    purse = Purse()
    for number in range(1_000):
        purse.take(charge(number, CENT, at=WALL + 10 * (number % 2)))

    assert len(purse._buckets) == 2
    assert round(purse.money(WALL + 10).per_minute, 3) == 2.0


def test_several_processes_are_one_sum() -> None:
    one, two = Purse(), Purse()
    one.take(charge(1, CENT))
    two.take(charge(2, 2 * CENT, wasted=CENT))

    money = together([one.money(WALL), two.money(WALL)])
    assert (money.today, money.wasted) == (0.03, 0.01)
