"""Made-up numbers that are valid, and the ways in which people write and say them.

What lives here: check digits computed here a second time, so that the finders are not measured with their own
arithmetic; groups, and figures as English and German words.
What never will: a number of anybody's.
"""

from __future__ import annotations

import random
from typing import Final

ENGLISH: Final = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
GERMAN: Final = ["null", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun"]
_TEENS: Final = (
    [
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
    ],
    [
        "zehn",
        "elf",
        "zwölf",
        "dreizehn",
        "vierzehn",
        "fünfzehn",
        "sechzehn",
        "siebzehn",
        "achtzehn",
        "neunzehn",
    ],
)
_TENS: Final = (
    ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"],
    ["zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig"],
)
ACCOUNTS: Final = {
    "DE": ("", 18),
    "AT": ("", 16),
    "NL": ("ABNA", 10),
    "GB": ("WEST", 14),
    "FR": ("", 23),
    "ES": ("", 20),
    "CH": ("", 17),
    "BE": ("", 12),
}
"""Country -> letters and figures of an account's own part. Only countries without a check digit of their own
are generated here (`iban_of` says so for the others by trying)."""


def card(prefix: str, length: int, chance: random.Random) -> str:
    """A card number with these first digits."""
    body = prefix + "".join(str(chance.randrange(10)) for _ in range(length - len(prefix) - 1))
    total = 0
    for place, digit in enumerate(reversed(body)):
        doubled = int(digit) * (2 if place % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return f"{body}{-total % 10}"


def iban(country: str, chance: random.Random) -> str:
    """An account number of this country."""
    letters, figures = ACCOUNTS[country]
    own = letters + "".join(str(chance.randrange(10)) for _ in range(figures))
    number = int("".join(str(int(sign, 36)) for sign in f"{own}{country}00"))
    return f"{country}{98 - number % 97:02d}{own}"


def grouped(number: str, sizes: tuple[int, ...], between: str = " ") -> str:
    """In groups of these sizes; the last size is used for the rest."""
    groups, at = [], 0
    for index in range(len(number)):
        size = sizes[min(index, len(sizes) - 1)]
        if at < len(number):
            groups.append(number[at : at + size])
        at += size
    return between.join(groups)


def said(number: str, words: list[str] = ENGLISH, *, every: int = 0, breath: str = ", ") -> str:
    """Figure by figure, letters as they are; with `every`, a breath after so many."""
    spelled = [words[int(sign)] if sign.isdecimal() else sign for sign in number]
    if not every:
        return " ".join(spelled)
    return breath.join(" ".join(spelled[at : at + every]) for at in range(0, len(spelled), every))


def in_pairs(number: str, *, german: bool = False) -> str:
    """Two figures at a time: "forty-two seventy-one", "zweiundvierzig"."""
    return " ".join(_pair(number[at : at + 2], german=german) for at in range(0, len(number), 2))


def _pair(pair: str, *, german: bool) -> str:
    ones, teens, tens = (GERMAN if german else ENGLISH), _TEENS[german], _TENS[german]
    if len(pair) == 1 or pair[0] == "0":
        return " ".join(ones[int(digit)] for digit in pair)
    if pair[0] == "1":
        return teens[int(pair[1])]
    ten, one = tens[int(pair[0]) - 2], int(pair[1])
    if one == 0:
        return ten
    if german:
        return f"{'ein' if one == 1 else ones[one]}und{ten}"
    return f"{ten}-{ones[one]}"
