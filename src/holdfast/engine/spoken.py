"""Written sentences as one says them, cut into clauses.

What lives here: sums of money, percentages, dates and numbers to words; clause boundaries. Pure.
What never will: a synthesiser.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from holdfast.engine.words import MONTHS, cardinal, digits, ordinal, year

_SYMBOLS: Final = {"€": ("euro", "cent"), "$": ("dollar", "cent"), "£": ("pound", "penny")}
_CODES: Final = {"EUR": "€", "USD": "$", "GBP": "£"}
_MONTH_NAMES: Final = "|".join(month.capitalize() for month in MONTHS)

_AMOUNT: Final = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_MONEY_FRONT: Final = re.compile(rf"(?P<unit>[€$£]|\b(?:EUR|USD|GBP))\s?(?P<amount>{_AMOUNT})")
_MONEY_BACK: Final = re.compile(rf"(?P<amount>{_AMOUNT})\s?(?P<unit>[€£]|(?:EUR|USD|GBP)\b)")
_ISO_DATE: Final = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b")
_DAY_MONTH: Final = re.compile(rf"\b(\d{{1,2}})(?:st|nd|rd|th)? ({_MONTH_NAMES})(?:,? (\d{{4}}))?\b")
_MONTH_DAY: Final = re.compile(rf"\b({_MONTH_NAMES}) (\d{{1,2}})(?:st|nd|rd|th)?(?:,? (\d{{4}}))?\b")
_MONTH_YEAR: Final = re.compile(rf"\b({_MONTH_NAMES}) (\d{{4}})\b")
_ORDINAL: Final = re.compile(r"\b(\d{1,4})(?:st|nd|rd|th)\b")
_PERCENT: Final = re.compile(rf"({_AMOUNT})\s?%")
_CODE: Final = re.compile(r"\b(?=[A-Z0-9-]*\d)[A-Z][A-Z0-9-]{2,}\b")
_NUMBER: Final = re.compile(_AMOUNT)
_ACRONYM: Final = re.compile(r"\b(?:APR|IBAN|PDF|SEPA|BIC)\b")
_SAID: Final = {"APR": "A P R", "IBAN": "eye ban", "PDF": "P D F", "SEPA": "seppa", "BIC": "bick"}
_LONG_DIGITS: Final = 7

_CLAUSE: Final = re.compile(r"[^.!?;:,\n]+(?:[.,:](?=\S)[^.!?;:,\n]*)*[.!?;:,\n]*['\")]*\s*")
_JOINTS: Final = (
    "is are was were will would has have of on at because that which until with from for arrived "
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety"
).replace(" ", "|")
_HEAD: Final = re.compile(rf"[^.!?;:,\n]{{12,60}}? (?=(?:{_JOINTS})\b[^.!?;:,\n]{{12}})")
"""A beginning that can stand alone: up to a verb, a preposition or a number, if enough follows."""
_SHORTEST: Final = 12
_LONGEST: Final = 220
LONGEST_TEXT: Final = 20_000
"""Characters of one answer that are spoken; what is longer is cut."""


@dataclass(frozen=True, slots=True)
class Clause:
    """A piece to synthesise: as written (with its spaces), and as said. `pause_ms` follows it."""

    written: str
    said: str
    pause_ms: int


def clauses(text: str) -> Iterator[Clause]:
    """The pieces of an answer, in order; together their `written` is the text.

    The first piece is short where the sentence allows it: a synthesiser that gives a clause whole lets the
    listener wait for all of it.
    """
    head = _HEAD.match(text)
    if head is not None:
        yield Clause(head.group(), said(head.group()), 0)
        text = text[head.end() :]
    held = ""
    for match in _CLAUSE.finditer(text[:LONGEST_TEXT]):
        held += match.group()
        if len(held.strip()) >= _SHORTEST or held.rstrip().endswith((".", "!", "?")):
            yield from _cut(held)
            held = ""
    if held.strip():
        yield from _cut(held)


def _cut(piece: str) -> Iterator[Clause]:
    while len(piece) > _LONGEST:
        at = piece.rfind(" ", 1, _LONGEST) + 1 or _LONGEST
        yield Clause(piece[:at], said(piece[:at]), 0)
        piece = piece[at:]
    end = piece.rstrip()[-1:]
    pause = 180 if end in ".!?" else 90 if end in ",;:" else 0
    yield Clause(piece, said(piece), pause)


def said(text: str) -> str:
    """The text as one says it: no digit, no symbol that a synthesiser would stumble over."""
    for pattern, spell in _RULES:
        text = pattern.sub(spell, text)
    text = re.sub(r"[^\w\s.,;:!?'-]", " ", text)
    return re.sub(r"\s+", " ", text).strip(" -")


def _whole(text: str) -> str:
    bare = text.replace(",", "")
    if (len(bare) >= _LONG_DIGITS and "," not in text) or (
        len(bare) > 1 and bare[0] == "0" and "." not in bare
    ):
        return digits(bare)
    return cardinal(int(bare))


def _number(text: str) -> str:
    whole, point, fraction = text.partition(".")
    return f"{_whole(whole)} point {digits(fraction)}" if point else _whole(whole)


def _money(match: re.Match[str]) -> str:
    unit = match["unit"]
    name, small = _SYMBOLS[_CODES.get(unit, unit)]
    whole, _, fraction = match["amount"].replace(",", "").partition(".")
    cents = int(f"{fraction}00"[:2]) if fraction else 0
    parts = [f"{cardinal(int(whole))} {_plural(name, int(whole))}"] if int(whole) or not cents else []
    if cents:
        parts.append(f"{cardinal(cents)} {_plural(small, cents)}")
    return f" {' and '.join(parts)} "


def _plural(name: str, count: int) -> str:
    if count == 1:
        return name
    return "pence" if name == "penny" else f"{name}s"


def _iso(match: re.Match[str]) -> str:
    month = int(match[2])
    if not 1 <= month <= 12:
        return match.group()
    return f"{ordinal(int(match[3]))} of {MONTHS[month - 1].capitalize()} {year(int(match[1]))}"


def _day_month(match: re.Match[str]) -> str:
    tail = f" {year(int(match[3]))}" if match[3] else ""
    return f"{ordinal(int(match[1]))} of {match[2]}{tail}"


def _month_day(match: re.Match[str]) -> str:
    tail = f" {year(int(match[3]))}" if match[3] else ""
    return f"{match[1]} {ordinal(int(match[2]))}{tail}"


_RULES: Final = (
    (_MONEY_FRONT, _money),
    (_MONEY_BACK, _money),
    (_ISO_DATE, _iso),
    (_DAY_MONTH, _day_month),
    (_MONTH_DAY, _month_day),
    (_MONTH_YEAR, lambda match: f"{match[1]} {year(int(match[2]))}"),
    (_ORDINAL, lambda match: ordinal(int(match[1]))),
    (_PERCENT, lambda match: f"{_number(match[1])} percent"),
    (_ACRONYM, lambda match: _SAID[match.group()]),
    (_CODE, lambda match: " ".join(match.group().replace("-", " "))),
    (_NUMBER, lambda match: _number(match.group())),
)
"""In this order: money before plain numbers, dates before ordinals, names before what is inside them."""
