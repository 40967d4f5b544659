"""The spool against a model: whatever happens between disk and memory, nothing is told that is not there."""

from __future__ import annotations

from collections.abc import Callable

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from holdfast.store import Entry
from holdfast.store.spool import Batch, Spool, SpooledSession, Verdict

LINES_MAX, BYTES_MAX = 12, 200
SESSIONS = st.sampled_from(["a", "b", "c"])
FILE = dict[str, dict[int, str]]


class Journalling(RuleBasedStateMachine):
    """Sessions are written to and forgotten while transactions succeed, fail, or fail having succeeded."""

    def __init__(self) -> None:
        super().__init__()
        self.spool = Spool(lines_max=LINES_MAX, bytes_max=BYTES_MAX, contact_every_s=5.0)
        self.file: FILE = {}
        self.lives: dict[str, int] = {}  # how often an id was begun again
        self.told: dict[tuple[str, int], list[int]] = {}
        self.taken: dict[tuple[str, int], list[str]] = {}
        self.under_way: Batch | None = None
        self.now = 0.0

    def life(self, session: str) -> tuple[str, int]:
        return session, self.lives.get(session, 0)

    @rule(session=SESSIONS, ahead=st.sampled_from([0, 0, 0, 0, 1, -1, -2]), size=st.integers(0, 40))
    def write(self, session: str, ahead: int, size: int) -> None:
        number = self.spool.next_number(session) + ahead
        text = f"{self.life(session)} {number} " + "x" * size
        life = self.life(session)
        verdict = self.spool.add(session, Entry(number, "item", {"t": text}), self.listener(life), self.now)
        if verdict is Verdict.TAKEN:
            assert ahead == 0
            self.taken.setdefault(life, []).append(text)
        elif verdict is Verdict.GAP:
            assert ahead > 0 or number < 1
        elif verdict is Verdict.DURABLE:
            assert number in self.file[session]

    def listener(self, life: tuple[str, int]) -> Callable[[int], None]:
        return lambda number: self.told.setdefault(life, []).append(number)

    @rule(session=SESSIONS, later=st.floats(0, 6))
    def contact(self, session: str, later: float) -> None:
        self.now += later
        self.spool.contact(session, self.now)

    @rule(session=SESSIONS)
    def forget(self, session: str) -> None:
        self.spool.forget(session)
        self.lives[session] = self.lives.get(session, 0) + 1

    @precondition(lambda self: self.under_way is None)
    @rule(most=st.integers(1, 5))
    def begin(self, most: int) -> None:
        self.under_way = self.spool.batch(most)
        assert len(self.under_way.lines) <= most

    @precondition(lambda self: self.under_way is not None)
    @rule()
    def succeed(self) -> None:
        self.settle(self.ended())

    @precondition(lambda self: self.under_way is not None)
    @rule(reached=st.booleans())
    def fail(self, reached: bool) -> None:  # noqa: FBT001 - drawn by hypothesis
        batch = self.ended()
        if reached:
            self.apply(batch)  # it was on the disk, and the disk said no

    def ended(self) -> Batch:
        assert self.under_way is not None
        batch, self.under_way = self.under_way, None
        return batch

    def settle(self, batch: Batch) -> None:
        self.apply(batch)
        for written, number in self.spool.settle(batch):
            written(number)

    def apply(self, batch: Batch) -> None:
        """What `rows.apply` does, with its foreign key."""
        for session in batch.gone:
            self.file.pop(session.id, None)
        for name, _ in batch.contacts:
            self.file.setdefault(name, {})
        for session, line in batch.lines:
            self.file[session.id].setdefault(line.number, line.content)

    @invariant()
    def bounds_hold(self) -> None:
        counts = self.spool.counts
        assert 0 <= counts.waiting <= LINES_MAX
        assert 0 <= counts.waiting_bytes <= BYTES_MAX
        assert counts.written == sum(len(set(numbers)) for numbers in self.told.values())

    @invariant()
    def no_session_in_the_file_has_a_hole(self) -> None:
        for lines in self.file.values():
            assert sorted(lines) == list(range(1, len(lines) + 1))

    @invariant()
    def what_was_told_is_in_the_file(self) -> None:
        for (session, life), numbers in self.told.items():
            assert sorted(set(numbers)) == list(range(1, max(numbers) + 1))
            if self.life(session) == (session, life):
                assert max(numbers) <= len(self.file[session])

    def teardown(self) -> None:
        """When the disk works again everything taken is written, once, and what was forgotten is gone."""
        self.under_way = None
        for _ in range(LINES_MAX + len(self.lives) + 1):
            self.settle(self.spool.batch(3))
        assert self.spool.idle
        for session in ("a", "b", "c"):
            texts = self.taken.get(self.life(session), [])
            found = self.file.get(session, {})
            assert [found[number].split('"')[3] for number in sorted(found)] == texts
        assert self.spool.counts.waiting == self.spool.counts.waiting_bytes == 0


TestJournalling = Journalling.TestCase
TestJournalling.settings = settings(max_examples=200, stateful_step_count=40)


def take(spool: Spool, session: str, *numbers: int) -> None:
    for number in numbers:
        assert spool.add(session, Entry(number, "item", {}), print, 0.0) is Verdict.TAKEN


def numbers_of(batch: Batch) -> list[tuple[str, int]]:
    return [(session.id, line.number) for session, line in batch.lines]


def test_a_busy_session_lets_the_others_pass() -> None:
    spool = Spool(lines_max=100, bytes_max=10_000, contact_every_s=5.0)
    take(spool, "busy", *range(1, 11))
    take(spool, "quiet", 1)

    first = spool.batch(4)
    spool.settle(first)

    assert numbers_of(first) == [("busy", n) for n in (1, 2, 3, 4)]
    assert numbers_of(spool.batch(4))[0] == ("quiet", 1)


def test_contacts_are_told_now_and_then_and_never_before_the_first_line() -> None:
    spool = Spool(lines_max=100, bytes_max=10_000, contact_every_s=5.0)
    take(spool, "a", 1)
    spool.contact("a", 1.0)
    assert spool.batch(0).contacts == ()
    spool.settle(spool.batch(10))

    told: list[tuple[str, float]] = []
    for second in range(2, 20):
        spool.contact("a", float(second))
        batch = spool.batch(10)
        spool.settle(batch)
        told.extend(batch.contacts)

    assert told == [("a", 6.0), ("a", 11.0), ("a", 16.0)]
    spool.contact("a", 0.0)  # the clock was set back
    assert spool.batch(10).contacts == (("a", 0.0),)


def test_a_session_begun_again_survives_the_deletion_of_its_former_self() -> None:
    spool = Spool(lines_max=100, bytes_max=10_000, contact_every_s=5.0)
    take(spool, "a", 1, 2)
    spool.settle(spool.batch(10))
    spool.forget("a")
    take(spool, "a", 1)

    batch = spool.batch(10)

    assert [session.id for session in batch.gone] == ["a"]
    assert numbers_of(batch) == [("a", 1)]
    assert spool.settle(batch) == [(print, 1)]
    assert spool.batch(10) == Batch()


def test_who_is_forgotten_while_its_line_is_written_is_deleted_after_it() -> None:
    spool = Spool(lines_max=100, bytes_max=10_000, contact_every_s=5.0)
    take(spool, "a", 1)
    spool.settle(spool.batch(10))
    spool.forget("a")
    take(spool, "a", 1)
    under_way = spool.batch(10)  # deletes the first life and writes the second
    spool.forget("a")
    take(spool, "a", 1)

    assert spool.settle(under_way) == []
    assert spool.waiting == 1
    assert [session.id for session in spool.batch(10).gone] == ["a"]


def test_deletions_that_wait_are_bounded() -> None:
    spool = Spool(lines_max=10, bytes_max=10_000, contact_every_s=5.0)
    for number in range(12_000):
        take(spool, f"s{number}", 1)
        spool.forget(f"s{number}")

    assert len(spool.batch(10).gone) == 10_000


def test_adopted_sessions_go_on_where_they_were() -> None:
    spool = Spool(lines_max=10, bytes_max=10_000, contact_every_s=5.0)
    spool.adopt("a", 7, 0.0)

    assert spool.next_number("a") == 8
    assert spool.owned == {"a"}
    assert spool.add("a", Entry(7, "item", {}), print, 0.0) is Verdict.DURABLE
    assert isinstance(spool.batch(1), Batch)
    assert SpooledSession("a") != SpooledSession("a"), "two lives of one id are two"
