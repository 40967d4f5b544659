"""Amounts, days and shares as one says them aloud.

What lives here: figures -> English text that a voice reads well. Pure.
What never will: sentences about a customer (that is `tools`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Final


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_DAYS: Final = _words(
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth "
    "fifteenth sixteenth seventeenth eighteenth nineteenth twentieth twenty-first twenty-second twenty-third "
    "twenty-fourth twenty-fifth twenty-sixth twenty-seventh twenty-eighth twenty-ninth thirtieth thirty-first"
)
_MONTHS: Final = _words(
    "January February March April May June July August September October November December"
)
_NUMBERS: Final = _words("no one two three four five six seven eight nine ten eleven twelve")
_NEAR_DAYS: Final = 182
"""Within this distance a day and a month name one date only, so that the year is not said."""


def money(cents: int) -> str:
    """An amount in euros: "8,412 euros and 30 cents", "1 euro", "5 cents"."""
    if cents < 0:
        return f"minus {money(-cents)}"
    euros, rest = divmod(cents, 100)
    whole = f"{euros:,} euro{'' if euros == 1 else 's'}"
    part = f"{rest} cent{'' if rest == 1 else 's'}"
    if not rest:
        return whole
    return f"{whole} and {part}" if euros else part


def decimal(cents: int) -> str:
    """An amount for programs: "8412.30"."""
    return str(Decimal(cents).scaleb(-2))


def day(when: date, today: date) -> str:
    """A date: "the fifteenth of December", with its year when it is far from `today`."""
    near = abs((when - today).days) <= _NEAR_DAYS
    return _day_of_month(when) if near else day_and_year(when)


def day_and_year(when: date) -> str:
    """A date with its year: "the fifteenth of June 2029"."""
    return f"{_day_of_month(when)} {when.year}"


def _day_of_month(when: date) -> str:
    return f"the {_DAYS[when.day - 1]} of {_MONTHS[when.month - 1]}"


def percent(share: Decimal) -> str:
    """A share in percent: "4.89 percent", "5 percent"."""
    return f"{share.normalize():f} percent"


def count(number: int, one: str, many: str) -> str:
    """A number of things: "one instalment", "31 instalments"."""
    said = _NUMBERS[number] if 0 <= number < len(_NUMBERS) else str(number)
    return f"{said} {one if number == 1 else many}"


def listing(things: Sequence[str]) -> str:
    """Things one after another: "a, b and c"."""
    *firsts, last = things
    return f"{', '.join(firsts)} and {last}" if firsts else last
