"""Everyday speech that is no business of an assistant: what out of scope sounds like.

What lives here: sentences of general talk (`everyday.txt`), which teach the classifier a "none of these"
and the recogniser that not every word is about the domain; numbers, dates and short answers, which every
domain needs. What never will: a phrase of a test set (a test holds that), or anything of a product.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Final

from holdfast.engine.words import MONTHS, WEEKDAYS, cardinal, ordinal

AFFIRMATIVE: Final = frozenset(
    (
        "yes",
        "yeah",
        "yep",
        "yes please",
        "yes i do",
        "yes that is right",
        "yes exactly",
        "sure",
        "of course",
        "correct",
        "right",
        "that is right",
        "that is correct",
        "exactly",
        "please do",
        "okay",
        "ok",
        "i do",
        "yes it is",
        "yes that one",
    )
)
NEGATIVE: Final = frozenset(
    (
        "no",
        "nope",
        "no thanks",
        "no thank you",
        "no i do not",
        "no that is wrong",
        "that is wrong",
        "not that",
        "no not that",
        "wrong",
        "no something else",
        "something else",
        "never mind",
        "forget it",
    )
)
GREETINGS: Final = frozenset(
    (
        "hello",
        "hi",
        "hello there",
        "hi there",
        "good morning",
        "good afternoon",
        "good evening",
        "good day",
        "hey",
    )
)

SENTENCES: Final[tuple[str, ...]] = tuple(
    line
    for line in files("holdfast.engine").joinpath("everyday.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
)


def small_talk() -> tuple[tuple[str, ...], ...]:
    """Short answers and greetings as words: every session must be able to hear them."""
    return tuple(tuple(text.split()) for text in sorted(AFFIRMATIVE | NEGATIVE | GREETINGS))


def quantities() -> tuple[tuple[str, ...], ...]:
    """Numbers, dates and sums as people say them, as words."""
    spoken: list[str] = [
        cardinal(number) for number in (*range(32), *range(40, 100, 10), 100, 200, 500, 1000)
    ]
    spoken += [f"the {ordinal(day)} of {month}" for day in range(1, 32) for month in MONTHS[day % 12 :: 6]]
    spoken += [f"{month} {ordinal(day)}" for day in (1, 5, 10, 15, 20, 25) for month in MONTHS]
    spoken += [f"on {day}" for day in WEEKDAYS]
    spoken += [f"in {month}" for month in MONTHS]
    spoken += [f"{cardinal(sum_)} euros" for sum_ in (5, 10, 20, 50, 100, 200, 300, 500, 1000)]
    return tuple(tuple(text.split()) for text in spoken)
