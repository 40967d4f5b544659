"""Which part of the input is listened to, and when."""

from __future__ import annotations

from dataclasses import dataclass, field

from holdfast.core.hearing import LISTENED_TO, Hearing

EVERY_S = 5.0
SECOND = 24_000


@dataclass
class Looks:
    """Looks at an input that grows by a second each second."""

    hearing: Hearing = field(default_factory=Hearing)
    now: float = 100.0
    begins: int = 0
    generation: int = 1
    may_count: bool = True

    def look(self, after: float = EVERY_S) -> tuple[float, float] | None:
        """The part that is due, in seconds of the input."""
        self.now += after
        kept = (self.begins * SECOND, int((self.now - 100.0) * SECOND))
        part = self.hearing.look(self.generation, kept, EVERY_S, self.now, may_count=self.may_count)
        return None if part is None else (part[0] / SECOND, part[1] / SECOND)


def test_what_was_given_a_look_ago_is_listened_to_and_two_looks_worth_of_it() -> None:
    looks = Looks()

    assert [looks.look() for _ in range(5)] == [None, (0, 5), (0, 10), (5, 15), (10, 20)]


def test_nothing_is_due_before_its_time() -> None:
    looks = Looks()
    looks.look()

    assert looks.hearing.due_at == looks.now + EVERY_S


def test_nothing_is_listened_to_that_does_not_count_and_the_end_of_that_is_not_missed() -> None:
    looks = Looks()
    looks.look()
    looks.look()
    looks.may_count = False

    assert looks.look() is None
    assert looks.hearing.due_at == looks.now
    assert looks.look(after=2) is None
    looks.may_count = True
    assert [looks.look() for _ in range(3)] == [None, (17, 22), (17, 27)]


def test_who_gives_nothing_is_not_listened_to() -> None:
    hearing = Hearing()
    parts = [hearing.look(1, (7, 7), EVERY_S, 100.0 + at * EVERY_S, may_count=True) for at in range(5)]

    assert parts == [None] * 5


def test_another_link_is_another_account_and_begins_with_what_it_was_given_again() -> None:
    looks = Looks()
    for _ in range(3):
        looks.look()
    looks.hearing.listened()
    looks.generation, looks.begins = 2, 12

    assert [looks.look() for _ in range(2)] == [None, (12, 20)]
    assert looks.hearing.left == LISTENED_TO


def test_one_link_is_not_listened_to_for_ever() -> None:
    looks = Looks()
    for _ in range(2):
        looks.look()
    for _ in range(LISTENED_TO):
        assert looks.look() is not None
        looks.hearing.listened()

    assert looks.look() is None
