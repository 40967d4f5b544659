"""Budgets: what is told when, whom it ends, when a new day begins; and the sums that outlive a process."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from structlog.testing import capture_logs

from holdfast.accounts import Books, Caps, PriceTable, own_prices
from holdfast.accounts.budget import DAY_S, Spending, as_fault, reached_by_session
from holdfast.core.faults import Fault
from holdfast.ports import sightings as seen
from holdfast.ports.charges import ENDLESS, Charge
from holdfast.ports.sightings import Sighting, Watched

WALL = 1_795_000_000.0
MIDNIGHT = WALL - WALL % DAY_S
ANSWER = 64_000
"""What one token of speech costs at gpt-realtime-2.1, in nano-dollars."""


@dataclass
class Kept:
    """A store in memory. Fills the port `Charges`."""

    before: dict[str, int] = field(default_factory=dict)
    put_in: list[Charge] = field(default_factory=list)
    lost: int = 0
    waiting: int = 0

    def put(self, charge: Charge) -> None:
        self.put_in.append(charge)

    async def spent(self, since: float, before: float = ENDLESS) -> Mapping[str, int] | None:
        assert since == MIDNIGHT
        return self.before

    async def spent_on(self, session_id: str, before: float = ENDLESS) -> int | None:
        return {"s1": 9 * ANSWER}.get(session_id, 0)

    async def close(self) -> None:
        pass


@dataclass
class Office:
    """Books with a clock that the test moves."""

    caps: Caps
    store: Kept = field(default_factory=Kept)
    customers_max: int = 100
    wall: float = WALL
    ended: list[tuple[str, Fault]] = field(default_factory=list)
    others: dict[str, int] = field(default_factory=dict)
    books: Books = field(init=False)

    async def open(self) -> Office:
        async def spent_elsewhere(_since: float) -> Mapping[str, int]:
            return self.others

        self.books = Books(
            PriceTable(own_prices()),
            self.store,
            caps=self.caps,
            end=lambda session_id, cause: self.ended.append((session_id, cause)),
            customers_max=self.customers_max,
            others=spent_elsewhere,
            wall=lambda: self.wall,
        )
        await self.books.open()
        return self

    def begin(self, session_id: str, customer_id: str = "C-1") -> Watched:
        session = Watched(session_id, "browser", customer_id)
        self.see(session, seen.Began())
        self.see(session, seen.UpstreamLive(1, "up", "openai", "gpt-realtime-2.1", "sess"))
        return session

    def see(self, session: Watched, sighting: Sighting) -> None:
        self.books.saw(session, sighting, asyncio.get_running_loop().time())

    async def answer(self, session: Watched, number: int, tokens: int = 1) -> None:
        used: dict[str, Any] = {"output_tokens": tokens, "output_token_details": {"audio_tokens": tokens}}
        self.see(session, seen.ResponseEnded(f"r{number}", "completed", usage=used))
        await asyncio.sleep(0)  # nobody is ended within the step that is watched

    def ends(self) -> list[tuple[str, str]]:
        return [(session_id, cause.code) for session_id, cause in self.ended]


async def test_a_session_is_warned_of_once_and_ended_once() -> None:
    office = await Office(Caps(session=10 * ANSWER)).open()
    session = office.begin("s1")
    with capture_logs() as logs:
        await office.answer(session, 1, 7)
        assert (logs, office.ended) == ([], [])
        await office.answer(session, 2, 1)
        await office.answer(session, 3, 1)
        assert [(one["event"], one["scope"]) for one in logs] == [("budget.near", "session")]
        await office.answer(session, 4, 1)
        await office.answer(session, 5, 1)

    assert office.ends() == [("s1", "configuration.session_budget")]
    assert [one["event"] for one in logs] == ["budget.near", "budget.spent"]
    assert office.books.refusal("C-1") is None, "a new session may begin"
    assert office.books.accounts["s1"].spent == 11 * ANSWER
    office.see(session, seen.Ended("budget_spent"))
    assert office.books.accounts == {}
    office.books.close()


async def test_a_customers_day_ends_all_of_that_customers_sessions_and_nobody_elses() -> None:
    office = await Office(Caps(customer_per_day=10 * ANSWER)).open()
    one, _other, _strange = office.begin("s1"), office.begin("s2"), office.begin("s3", "C-2")
    await office.answer(one, 1, 10)

    assert sorted(office.ends()) == [(name, "configuration.customer_budget") for name in ("s1", "s2")]
    refusal = office.books.refusal("C-1")
    assert refusal is not None
    assert refusal.retry_after_s == MIDNIGHT + DAY_S - WALL
    assert refusal.evidence == (
        "customer_usd_per_day: 0.00064 of 0.00064 USD",
        "opens again at 2026-11-19T00:00:00Z",
    )
    assert office.books.refusal("C-2") is None
    office.wall = MIDNIGHT + DAY_S
    assert office.books.refusal("C-1") is None, "a new day"
    office.books.close()


async def test_who_comes_near_is_told_of_every_day_whoever_sees_the_day_begin() -> None:
    office = await Office(Caps(customer_per_day=10 * ANSWER)).open()
    session = office.begin("s1")
    with capture_logs() as logs:
        await office.answer(session, 1, 8)
        office.wall = MIDNIGHT + DAY_S
        await office.answer(session, 2, 8)
        office.wall += DAY_S
        assert office.books.refusal("C-1") is None
        await office.answer(session, 3, 8)

    assert [one["event"] for one in logs] == ["budget.near"] * 3
    office.books.close()


async def test_the_day_of_all_ends_everybody() -> None:
    office = await Office(Caps(total_per_day=10 * ANSWER)).open()
    one, _two = office.begin("s1"), office.begin("s2", "C-2")
    await office.answer(one, 1, 10)

    assert sorted(office.ends()) == [(name, "configuration.total_budget") for name in ("s1", "s2")]
    assert office.books.refusal("C-3") is not None
    office.books.close()


async def test_what_was_spent_before_a_restart_and_elsewhere_counts() -> None:
    store = Kept({"C-1": 5 * ANSWER})
    office = await Office(Caps(customer_per_day=10 * ANSWER), store, others={"C-1": 4 * ANSWER}).open()
    assert office.books.refusal("C-1") is None
    await office.answer(office.begin("s1"), 1, 1)

    assert office.ends() == [("s1", "configuration.customer_budget")]
    office.books.close()


async def test_a_session_that_comes_back_after_a_restart_has_spent_what_it_had() -> None:
    office = await Office(Caps(session=10 * ANSWER)).open()
    session = Watched("s1", "browser", "C-1")
    office.see(session, seen.Began(is_restored=True))
    await asyncio.sleep(0)
    office.see(session, seen.UpstreamLive(1, "up", "openai", "gpt-realtime-2.1", "sess"))
    await office.answer(session, 1, 1)

    assert office.ends() == [("s1", "configuration.session_budget")]
    office.books.close()


async def test_what_is_spent_while_the_past_is_read_counts_too() -> None:
    read = asyncio.Event()

    class Slow(Kept):
        async def spent_on(self, session_id: str, before: float = ENDLESS) -> int | None:
            await read.wait()
            return await super().spent_on(session_id, before)

    office = await Office(Caps(session=100 * ANSWER), Slow()).open()
    session = Watched("s1", "browser", "C-1")
    office.see(session, seen.Began(is_restored=True))
    await asyncio.sleep(0)
    office.see(session, seen.UpstreamLive(1, "up", "openai", "gpt-realtime-2.1", "sess"))
    await office.answer(session, 1, 7)
    read.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    assert office.books.accounts["s1"].spent == 16 * ANSWER
    office.books.close()


async def test_what_others_spent_yesterday_is_not_booked_to_a_day_that_began_meanwhile() -> None:
    told, wall = asyncio.Event(), [MIDNIGHT + DAY_S - 1]

    async def tells_late(_since: float) -> Mapping[str, int]:
        await told.wait()
        return {"C-9": 50 * ANSWER}

    books = Books(
        PriceTable(own_prices()),
        Kept(),
        caps=Caps(total_per_day=10 * ANSWER),
        end=lambda *_: None,
        customers_max=10,
        others=tells_late,
        wall=lambda: wall[0],
    )
    opening = asyncio.create_task(books.open())
    await asyncio.sleep(0)
    wall[0] += 2
    assert books.refusal("C-2") is None
    told.set()
    await opening
    assert books.refusal("C-2") is None
    books.close()


async def test_minutes_pass_without_anything_being_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("holdfast.accounts.books.LOOK_EVERY_S", 0.01)
    office = await Office(Caps(session_s=0.05)).open()
    office.begin("s1")
    async with asyncio.timeout(5):
        while not office.ended:  # noqa: ASYNC110 - the books tell nobody else
            await asyncio.sleep(0.01)

    assert office.ends() == [("s1", "configuration.session_budget")]
    assert office.ended[0][1].evidence[0].startswith("session_minutes: ")
    office.books.close()


async def test_what_was_paid_for_what_only_grows() -> None:
    office = await Office(Caps()).open()
    session = office.begin("s1")
    office.see(session, seen.FirstSound("r1", "i1"))
    await office.answer(session, 1, 100)
    assert not office.books.paid, "somebody may still speak over it"
    office.see(session, seen.Interrupted("r1", "i1", 400))
    await office.answer(session, 2, 10)
    assert office.books.paid == {
        ("up", "answer"): 8 * ANSWER,
        ("up", "waste"): 92 * ANSWER,
        ("up", "rebuild"): 0,
    }
    office.see(session, seen.WordsOfUser("u1", "hi", {"type": "duration", "seconds": 60}, False, "whisper-1"))
    office.see(session, seen.Ended("closed"))

    assert office.books.paid["up", "answer"] == 18 * ANSWER
    assert office.books.paid["up", "transcription"] == 6_000_000
    assert office.books._newest == {}


async def test_a_session_that_was_not_seen_to_begin_is_not_counted() -> None:
    office = await Office(Caps()).open()
    office.see(Watched("s9", "browser", "C-1"), seen.Ended("closed"))

    assert office.books.accounts == {}
    assert office.store.put_in == []


async def test_customers_beyond_the_bound_are_named_and_the_other_caps_hold() -> None:
    spending = Spending(customers_max=2)
    spending.begin({}, WALL)
    for number in range(5):
        spending.add(f"C-{number}", 10)
    spending.add("C-0", 1)

    assert (len(spending.by_customer), spending.uncounted) == (2, 3)
    assert (spending.of("C-0"), spending.of("C-4"), spending.of_all) == (11, 0, 51)
    assert spending.roll(WALL + 1) is False
    assert spending.roll(WALL + DAY_S) is True
    assert (spending.of("C-0"), spending.of_all) == (0, 0)


def test_a_store_with_too_many_customers_fills_it_with_those_who_spent_most() -> None:
    spending = Spending(customers_max=2)
    spending.begin({"C-1": 5, "C-2": 9, "C-3": 7}, WALL)

    assert spending.by_customer == {"C-2": 9, "C-3": 7}
    assert (spending.of_all, spending.uncounted) == (21, 1)


def test_the_words_of_a_cap_are_the_tables() -> None:
    caps = Caps(session=1_000_000_000, session_s=90.0)
    spending = Spending(1)
    assert list(spending.reached(caps, "C-1")) == []
    dollars, minutes = reached_by_session(caps, 1_200_000_000, 45.0)
    assert (dollars.is_spent, minutes.is_spent) == (True, False)
    assert as_fault(dollars, WALL).evidence == ("session_usd: 1.2 of 1 USD",)
    assert minutes.fact() == "session_minutes: 0.8 of 1.5 minutes"


async def test_a_store_that_cannot_say_what_was_spent_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOOK_EVERY_S", "OTHERS_EVERY_S"):
        monkeypatch.setattr(f"holdfast.accounts.books.{name}", 0.01)

    @dataclass
    class Busy(Kept):
        """Locked by somebody when it is asked first."""

        asked: int = 0

        async def spent(self, since: float, before: float = ENDLESS) -> Mapping[str, int] | None:
            self.asked += 1
            assert before == WALL, "what this process spends it knows by itself"
            return None if self.asked == 1 else await super().spent(since, before)

        async def spent_on(self, session_id: str, before: float = ENDLESS) -> int | None:
            return None if self.asked == 1 else await super().spent_on(session_id, before)

    store = Busy({"C-1": 10 * ANSWER})
    office = await Office(Caps(session=10 * ANSWER, customer_per_day=10 * ANSWER), store).open()
    session = Watched("s1", "browser", "C-2")
    office.see(session, seen.Began(is_restored=True))
    assert office.books.refusal("C-1") is None, "nobody knows better yet"
    async with asyncio.timeout(5):
        while office.books.refusal("C-1") is None or not office.books.accounts["s1"].spent:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)

    assert office.books.accounts["s1"].spent == 9 * ANSWER
    assert office.books.spending.of_all == 10 * ANSWER
    assert store.asked == 2
    office.books.close()
