"""Digits as people write and say them.

What lives here: the words for numbers, language by language, and the pieces of a text that spell one.
What never will: what a number is (a card, an account).

Who says a number says "four two seven one", "forty-two seventy-one", "double four"; who writes down what was
said adds commas and full stops where there was a breath. So a run goes on over blanks, dashes, commas and
sounds of thinking, and ends at any other word, at an amount and at a date.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

_ENGLISH: Final = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
seventeen eighteen nineteen"""
_ENGLISH_TENS: Final = "twenty thirty forty fifty sixty seventy eighty ninety"
_GERMAN: Final = """
null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn
siebzehn achtzehn neunzehn"""
_GERMAN_TENS: Final = "zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig"
_THINKING: Final = "um uh er erm hm äh ähm and then und dann okay ok"
_SAID_SIGNS: Final = "dash space hyphen strich minus bindestrich leerzeichen"
_VARIANTS: Final = {"oh": "0", "o": "0", "nought": "0", "zwo": "2", "ein": "1"}
_PLAIN_SPELLING: Final = (("ü", "ue"), ("ö", "oe"), ("ß", "ss"))
_TIMES: Final = {"double": 2, "doppel": 2, "triple": 3, "treble": 3, "dreimal": 3}
_HUNDRED: Final = frozenset({"hundred", "hundert"})
_FILLERS: Final = frozenset(f"{_THINKING} {_SAID_SIGNS}".split())
COUNTED_MIN: Final = 5
COUNTED_DIGITS_MAX: Final = 4
_DASHES: Final = frozenset("-\u2010\u2011\u2012\u2013\u2014\u2212")
_UNSEEN: Final = frozenset("\u00ad\u200b\u200c\u200d\u2060\ufeff")
"""Soft hyphens and blanks of no width: who pastes a number may paste them."""
_SOFT: Final = frozenset(".,/()·_")
_PLUS: Final = frozenset({"+", "PLUS"})
_TOKEN: Final = re.compile(r"\d+|[^\W\d_]+|\S")
_AMOUNT_OR_DATE: Final = re.compile(
    r"""(?<![\d.,-])(?:
        \d{1,3}(?:[.,]\d{3})+(?:[.,]\d{1,2})?   # 12,500.00
      | \d+[.,]\d{1,2}                          # 99.95
      | \d{4}-\d{2}-\d{2}                       # 2026-11-22
      | \d{1,2}[./]\d{1,2}[./](?:\d{4}|\d{2})   # 22.11.2026
    )(?![\d-])(?![.,]\d)""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Piece:
    """What one token of the text spells, and where it stands there. `said`: as a word, not in figures."""

    spelled: str
    start: int
    end: int
    said: bool = False


Run = list[Piece]
"""Pieces that belong to one number, or to several that were said in one breath."""


def _tables() -> tuple[dict[str, str], frozenset[str]]:
    """Each word with its figures, and which of them are tens, to which a unit may be added."""
    words = dict(_VARIANTS)
    tens: set[str] = set()
    for small, large in ((_ENGLISH, _ENGLISH_TENS), (_GERMAN, _GERMAN_TENS)):
        words.update({word: str(value) for value, word in enumerate(small.split())})
        words.update({word: f"{value}0" for value, word in enumerate(large.split(), 2)})
        tens.update(large.split())
    units = ["ein", *_GERMAN.split()[2:10]]
    for value, ten in enumerate(_GERMAN_TENS.split(), 2):
        words.update({f"{unit}und{ten}": f"{value}{digit}" for digit, unit in enumerate(units, 1)})
    for letter, plain in _PLAIN_SPELLING:
        words.update({word.replace(letter, plain): figures for word, figures in words.items()})
    return words, frozenset(tens)


NUMBERS, _TENS = _tables()


def pieces(text: str) -> Iterator[Piece]:
    """Every token with what it spells: figures for a number, its letters in capitals for another word.

    "forty two" is one piece, and so are "double four" and "eight hundred"; a "double" that doubles nothing is
    a word.
    """
    last: Piece | None = None
    for found in _TOKEN.finditer(text):
        if found[0] in _DASHES or found[0] in _UNSEEN:
            continue
        piece = _spelled(found[0], found.start(), found.end())
        joined = None if last is None else _joined(text, last, piece)
        if joined is None and last is not None:
            yield last
        last = joined or piece
    if last is not None:
        yield last


def _spelled(token: str, start: int, end: int) -> Piece:
    figures = NUMBERS.get(token.lower())
    if figures is not None:
        return Piece(figures, start, end, said=True)
    if token[0].isdecimal():
        return Piece("".join(str(int(digit)) for digit in token), start, end)
    return Piece(token.upper(), start, end)


def _joined(text: str, last: Piece, piece: Piece) -> Piece | None:
    """What both spell together, when they are one number."""
    word, before = text[piece.start : piece.end].lower(), text[last.start : last.end].lower()
    if before in _TIMES and len(piece.spelled) == 1 and piece.spelled.isdecimal():
        return Piece(piece.spelled * _TIMES[before], last.start, piece.end, said=True)
    if before in _TENS and piece.said and len(piece.spelled) == 1 and piece.spelled != "0":
        return Piece(last.spelled[0] + piece.spelled, last.start, piece.end, said=True)
    if word in _HUNDRED and last.said and len(last.spelled) == 1:
        return Piece(f"{last.spelled}00", last.start, piece.end, said=True)
    return None


def is_soft(text: str, piece: Piece) -> bool:
    """Whether a number may go on after it: a dash, a comma, a sound of thinking."""
    token = text[piece.start : piece.end]
    return token in _SOFT or token.lower() in _FILLERS


def runs(text: str, row: Iterable[Piece]) -> list[Run]:
    """The numbers of a text among its pieces; a leading "+" is a piece of its own."""
    found: list[Run] = [[]]
    apart = Apart(text)
    for piece in row:
        if piece.spelled[0].isdecimal() and not apart.holds(piece.start):
            found[-1].append(piece)
        elif piece.spelled in _PLUS:
            found.append([replace(piece, spelled="+")])
        elif found[-1] and not is_soft(text, piece):
            found.append([])
    return [run for run in found if run and run[-1].spelled != "+"]


class Apart:
    """Amounts and dates: their figures belong to no other number. Asked from left to right."""

    def __init__(self, text: str) -> None:
        self._spans = [found.span() for found in _AMOUNT_OR_DATE.finditer(text)]
        self._at = 0

    def holds(self, position: int) -> bool:
        """Whether something stands within one of them."""
        while self._at < len(self._spans) and self._spans[self._at][1] <= position:
            self._at += 1
        return self._at < len(self._spans) and self._spans[self._at][0] <= position


def is_counting(run: Run) -> bool:
    """Whether somebody counts: one, two, three, four, five."""
    counted = [piece.spelled for piece in run if piece.spelled != "+"]
    if any(len(figures) > COUNTED_DIGITS_MAX for figures in counted):
        return False
    values = list(map(int, counted))
    return len(values) >= COUNTED_MIN and all(after - before == 1 for before, after in pairwise(values))
