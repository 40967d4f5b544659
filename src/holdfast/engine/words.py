"""Words as the recogniser and the classifier see them: lower case, no digits, no punctuation.

What lives here: tokens, numbers as words, contractions, a light stem. Pure.
What never will: sentences for the speech output (`spoken`), pronunciations (`lexicon`).
"""

# ruff: noqa: SIM905 - lists of words read best as words

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

_ONES: Final = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
).split()
_TENS: Final = "zero ten twenty thirty forty fifty sixty seventy eighty ninety".split()
_SCALES: Final = ((1_000_000_000, "billion"), (1_000_000, "million"), (1_000, "thousand"), (100, "hundred"))
_ORDINALS: Final = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
_LARGEST: Final = 10**12 - 1

NUMBER_WORDS: Final = frozenset((*_ONES, *_TENS, *(name for _, name in _SCALES), *_ORDINALS.values()))
"""Words that a figure is made of."""

MONTHS: Final = (
    "january february march april may june july august september october november december"
).split()
WEEKDAYS: Final = "monday tuesday wednesday thursday friday saturday sunday".split()

CONTRACTIONS: Final = {
    "i'm": "i am",
    "i've": "i have",
    "i'd": "i would",
    "i'll": "i will",
    "you're": "you are",
    "you've": "you have",
    "we're": "we are",
    "we've": "we have",
    "it's": "it is",
    "that's": "that is",
    "there's": "there is",
    "here's": "here is",
    "what's": "what is",
    "when's": "when is",
    "where's": "where is",
    "who's": "who is",
    "how's": "how is",
    "let's": "let us",
    "don't": "do not",
    "doesn't": "does not",
    "didn't": "did not",
    "can't": "can not",
    "cannot": "can not",
    "couldn't": "could not",
    "won't": "will not",
    "wouldn't": "would not",
    "isn't": "is not",
    "aren't": "are not",
    "wasn't": "was not",
    "haven't": "have not",
    "hasn't": "has not",
    "shouldn't": "should not",
}

SPELLINGS: Final = {
    "instalment": "installment",
    "instalments": "installments",
    "amortisation": "amortization",
    "adviser": "advisor",
    "cheque": "check",
    "cheques": "checks",
    "licence": "license",
    "programme": "program",
    "favour": "favor",
    "favourite": "favorite",
    "colour": "color",
    "colours": "colors",
    "tyre": "tire",
    "tyres": "tires",
    "cancelled": "canceled",
    "postcode": "post code",
    "payslip": "pay slip",
    "payslips": "pay slips",
    "goodbye": "good bye",
}
"""One spelling for what sounds the same, so that examples and the recogniser's words meet."""

_TOKEN: Final = re.compile(r"[a-z]+(?:'[a-z]+)*|\d+(?:st|nd|rd|th)?")


def cardinal(number: int) -> str:
    """A whole number as English words ("three hundred forty two"). Beyond a trillion: digit by digit."""
    if number < 0:
        return f"minus {cardinal(-number)}"
    if number > _LARGEST:
        return digits(str(number))
    for size, name in _SCALES:
        if number >= size:
            rest = number % size
            tail = f" {cardinal(rest)}" if rest else ""
            return f"{cardinal(number // size)} {name}{tail}"
    if number < 20:
        return _ONES[number]
    tens, one = divmod(number, 10)
    return f"{_TENS[tens]} {_ONES[one]}" if one else _TENS[tens]


def ordinal(number: int) -> str:
    """A whole number as an English ordinal ("twenty first")."""
    head, _, last = cardinal(number).rpartition(" ")
    if last in _ORDINALS:
        last = _ORDINALS[last]
    elif last.endswith("y"):
        last = f"{last[:-1]}ieth"
    else:
        last = f"{last}th"
    return f"{head} {last}".strip()


def year(number: int) -> str:
    """A year as one says it ("twenty twenty six", "two thousand five")."""
    century, rest = divmod(number, 100)
    if not 1100 <= number <= 2099 or 2000 <= number <= 2009:
        return cardinal(number)
    if rest == 0:
        return f"{cardinal(century)} hundred"
    tail = f"oh {_ONES[rest]}" if rest < 10 else cardinal(rest)
    return f"{cardinal(century)} {tail}"


def digits(text: str) -> str:
    """Each digit as a word; everything else is left out."""
    return " ".join(_ONES[int(char)] for char in text if char.isascii() and char.isdigit())


def tokens(text: str) -> list[str]:
    """The words of a text, digits spelled out, as the recogniser would write them."""
    found: list[str] = []
    for token in _TOKEN.findall(text.lower().replace("\u2019", "'").replace("\u02bc", "'")):
        if token[0].isdigit():
            number = int(re.sub(r"\D", "", token))
            found += (cardinal(number) if token.isdigit() else ordinal(number)).split()
        else:
            found += SPELLINGS.get(token, token).split()
    return found


def expanded(words: list[str]) -> list[str]:
    """The same words with contractions written out, so that "what's" and "what is" meet."""
    out: list[str] = []
    for word in words:
        out += CONTRACTIONS.get(word, word.removesuffix("'s")).split()
    return out


_SUFFIXES: Final = (("ies", "y"), ("ing", ""), ("edly", ""), ("ed", ""), ("ly", ""), ("es", "e"), ("s", ""))


def stem(word: str) -> str:
    """A rough stem: enough to let "payments", "paying" and "pay" meet half way. Short words stay."""
    if word.endswith("ss"):
        return word
    for suffix, repair in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            base = word[: -len(suffix)] + repair
            if len(base) > 3 and base[-1] == base[-2] and base[-1] not in "lse":
                base = base[:-1]
            return base.removesuffix("e") if len(base) > 3 else base
    return word.removesuffix("e") if len(word) > 3 else word


def common_beginning(first: Sequence[str], second: Sequence[str]) -> list[str]:
    """The words both begin with."""
    agreed: list[str] = []
    for mine, other in zip(first, second, strict=False):
        if mine != other:
            break
        agreed.append(mine)
    return agreed
