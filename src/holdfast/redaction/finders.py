"""What a number or a string of words is: a card, an account, a telephone number, a mail address.

What lives here: one function for each kind, from a text to the places where it stands.
What never will: what becomes of such a place.

A check digit decides where there is one. Where a recogniser may have misheard a digit, the check would let
the rest of the number pass: then the word before it decides ("card number", "IBAN").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import phonenumbers
from phonenumbers import Leniency, NumberParseException, PhoneNumberMatcher
from stdnum import iban, luhn

from holdfast.redaction.spelling import NUMBERS, Apart, Piece, Run, is_counting, is_soft, pieces, runs

CARD_DIGITS_MIN, CARD_DIGITS_MAX = 13, 19
MISHEARD_CARD_DIGITS_MIN: Final = 8
MISHEARD_IBAN_MIN: Final = 12
PHONE_DIGITS_MIN, PHONE_DIGITS_MAX = 7, 15
WRITTEN_PHONE_DIGITS_MIN: Final = 5
SAID_PHONE_DIGITS_MIN: Final = 9
"""Of a number that is said and not named: shorter ones are valid somewhere, and mostly something else."""
PHONE_TRIES_MAX: Final = 1_000
"""Of a text: who says more numbers than that says none of a person."""
DIGITS_MIN: Final = 6
_LOOK_BACK: Final = 48
"""Characters before a number in which its name is looked for."""

_CARD: Final = re.compile(  # the first digits that issuers have, with the lengths they use
    r"4(?:\d{12}|\d{15}|\d{18})"
    r"|(?:5[1-5]|2[2-7])\d{14}"
    r"|3[47]\d{13}"
    r"|3(?:[068]\d{12}|5\d{14})"
    r"|6\d{12,18}"
    r"|5[06-8]\d{11,17}"
)
_CARD_NAME: Final = re.compile(
    r"\b(?:(?:credit|debit|bank|giro)?\s?card|kreditkarten?\w*|karten?nummer|(?:giro|bank)karte\w*|visa|master\s?card|amex|"
    r"american express|maestro)\b(?!.*\bend)",
    re.IGNORECASE | re.DOTALL,
)
_CODE: Final = re.compile(
    r"\b(?:cvv2?|cvc2?|security code|card code|pr(?:ü|ue)fziffern?|prüfnummer|sicherheitscode)\b\D{0,24}$",
    re.IGNORECASE,
)
_IBAN_NAME: Final = re.compile(r"\b(?:iban|account number is|kontonummer)\b", re.IGNORECASE)
_PHONE_NAME: Final = re.compile(
    r"\b(?:phone|telephone|mobile|cell|call(?: me| us| back)?|ring me|text me|reach me|whats ?app|fax|"
    r"telefon\w*|handy\w*|mobil\w*|ruf\w*|anrufen|erreichen|erreichbar)\b",
    re.IGNORECASE,
)
_OTHER_NAME: Final = re.compile(
    r"\b(?:contract|customer|reference|order|invoice|case|ticket|policy|tracking|serial|article|booking|tax|ean|isbn|"
    r"vertrags?|kunden|auftrags?|rechnungs?|bestell|vorgangs?|versicherungs?|sendungs?|serien|artikel|"
    r"steuer)"
    r"[\s-]?(?:number|no|nummer|nr|id|code)?\b",
    re.IGNORECASE,
)
_SAID_DOT: Final = r"\s*[\[({<]\s*(?:dot|punkt|point)\s*[\])}>]\s*|\s+(?:dot|punkt|point)\s+"
_ENDING: Final = (
    r"(?:com|net|org|info|biz|edu|gov|eu|io|dev|app|de|at|ch|uk|us|fr|it|es|nl|be|pl|pt|se|no|dk|fi|ie|cz|ca|au|in|"
    r"me|li|lu|gr|tv|cloud|online|bank|jp|br|nz|example|test)"
)
_WRITTEN_MAIL: Final = re.compile(
    r"(?<![\w.!#$%&'*+/=?^`{|}~-])[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}"
)
_GAP: Final = r"\s{0,3}"  # bounded: of a text of blanks each would be tried with all that follow
_AT: Final = re.compile(
    rf"{_GAP}@{_GAP}|{_GAP}[\[({{<]{_GAP}(?:at|ät){_GAP}[\])}}>]{_GAP}"
    r"|\s(?:at[- ]sign|at|ät|aet|klammeraffe)\s",
    re.IGNORECASE,
)
_DASH: Final = r"(?:\s+(?:minus|dash|hyphen|bindestrich|strich)\s+)"
_LABEL: Final = rf"[\w-]{{1,63}}(?:{_DASH}[\w-]{{1,63}}){{0,3}}?"


def _domain(dot: str) -> re.Pattern[str]:
    joint = rf"(?:{dot}|{_SAID_DOT})"
    return re.compile(rf"\s*{_LABEL}(?:{joint}{_LABEL}){{0,3}}?{joint}{_ENDING}\b", re.IGNORECASE)


_DOMAIN: Final = _domain(r"\s*\.\s*")
_DOMAIN_AFTER_A_WORD: Final = _domain(r"\s*\.(?!\s)")
"""After "at", which is a word like others: there a full stop before a blank ends a sentence."""
_LOCAL_WORD: Final = re.compile(r"[\w.+-]+")
_NO_PLAIN_WORD: Final = re.compile(r"[\d._+]")
_JOINING: Final = frozenset(
    ["dot", "punkt", "point", "underscore", "unterstrich", "hyphen", "dash", "minus", "bindestrich", "plus"]
)
_NOT_LOCAL: Final = frozenset(
    ["is", "ist", "to", "an", "lautet", "address", "adresse", "mail", "email", "e-mail"]
)
_LOCAL_CHARS_MAX, _DOMAIN_CHARS_MAX = 120, 160
_MAIL_NAME: Final = re.compile(r"\b(?:e-?\s?mail\w*|mail\w*|address|adresse|write to|inbox)\b", re.IGNORECASE)
_MAILBOX: Final = re.compile(
    r"^(?:gmail|googlemail|gmx|web|outlook|hotmail|live|msn|yahoo|icloud|me|proton|protonmail|aol|t-online|mail|"
    r"posteo|freenet)\b",
    re.IGNORECASE,
)


class Kind(StrEnum):
    """What is taken out. `digits`: any number of six digits and more; contracts have such numbers too."""

    CARD = "card"
    IBAN = "iban"
    PHONE = "phone"
    MAIL = "mail"
    DIGITS = "digits"


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a text something stands that is to be taken out."""

    kind: Kind
    start: int
    end: int


@dataclass(slots=True)
class Reading:
    """A text that is looked at by every finder: its numbers are spelled once."""

    text: str
    regions: Sequence[str]
    pieces: list[Piece]
    runs: list[Run]

    @classmethod
    def of(cls, text: str, regions: Sequence[str]) -> Reading:
        """The text, with its numbers spelled out. `regions`: where local telephone numbers are from."""
        row = list(pieces(text))
        return cls(text, regions, row, runs(text, row))

    def before(self, position: int) -> str:
        """The words before a place."""
        return self.text[max(0, position - _LOOK_BACK) : position]


def _length(run: Run) -> int:
    return sum(len(piece.spelled) for piece in run)


def cards(reading: Reading) -> Iterator[Place]:
    """Card numbers, and the code on a card's back where it is named."""
    for run in reading.runs:
        named = _CARD_NAME.search(reading.before(run[0].start)) is not None
        digits = _length(run)
        if named and MISHEARD_CARD_DIGITS_MIN <= digits <= CARD_DIGITS_MAX + 1:
            yield Place(Kind.CARD, run[0].start, run[-1].end)
            continue
        if not is_counting(run):
            yield from _windows(run, Kind.CARD, CARD_DIGITS_MIN, CARD_DIGITS_MAX, _is_card)
        if digits in {3, 4} and _CODE.search(reading.before(run[0].start)):
            yield Place(Kind.CARD, run[0].start, run[-1].end)


def _is_card(digits: str) -> bool:
    return _CARD.fullmatch(digits) is not None and luhn.is_valid(digits)


def _windows(run: Run, kind: Kind, least: int, most: int, fits: Callable[[str], bool]) -> Iterator[Place]:
    """The longest stretches of whole pieces that fit, from the left."""
    at = 0
    while at < len(run):
        digits, end = "", None
        for index in range(at, len(run)):
            digits += run[index].spelled
            if len(digits) > most:
                break
            if len(digits) >= least and fits(digits):
                end = index
        if end is None:
            at += 1
        else:
            yield Place(kind, run[at].start, run[end].end)
            at = end + 1


def ibans(reading: Reading) -> Iterator[Place]:
    """Account numbers: by country, length, check digits; after the word "IBAN" also with one misheard."""
    row = [piece for piece in reading.pieces if not is_soft(reading.text, piece)]
    at = 0
    while at < len(row):
        end = _iban_end(reading, row, at)
        if end is None:
            at += 1
        else:
            yield Place(Kind.IBAN, row[at].start, row[end - 1].end)
            at = end


def _iban_end(reading: Reading, row: Sequence[Piece], at: int) -> int | None:
    """The piece after the account number that begins at `at`; None when none does."""
    compact, end = "", at
    while end < len(row) and _spells(reading.text, row[end], compact):
        compact += _spelled(reading.text, row[end], compact)
        end += 1
        if len(compact) >= 15 and iban.is_valid(compact, check_country=False):
            return end
    named = _IBAN_NAME.search(reading.before(row[at].start)) is not None
    return end if named and len(compact) >= MISHEARD_IBAN_MIN and _begins(compact) else None


def _spelled(text: str, piece: Piece, compact: str) -> str:
    """The country's letters may look like a word for a number elsewhere."""
    return (
        text[piece.start : piece.end].upper()
        if len(compact) < 2 and piece.end - piece.start <= 2
        else piece.spelled
    )


def _spells(text: str, piece: Piece, compact: str) -> bool:
    """Whether this piece may go on an account number of which `compact` is known."""
    spelled = _spelled(text, piece, compact)
    if len(compact) + len(spelled) > 34 or not (spelled.isascii() and spelled.isalnum()):
        return False
    if len(compact) < 2:
        return spelled.isalpha() and len(compact) + len(spelled) <= 2
    if len(compact) < 4 or spelled.isdecimal():
        return spelled.isdecimal()
    # letters in a group of their own are four; in a number without blanks they may be more (Malta's are)
    return len(spelled) <= 4 or text[piece.start - 1].isdecimal()


def _begins(compact: str) -> bool:
    return compact[:2].isalpha() and compact[2:4].isdecimal()


def phones(reading: Reading) -> Iterator[Place]:
    """Telephone numbers: written ones wherever they are valid, said ones too; never a contract's."""
    figures = sum(map(str.isdecimal, reading.text))
    for region in reading.regions if figures >= WRITTEN_PHONE_DIGITS_MIN else ():
        apart = Apart(reading.text)
        for found in PhoneNumberMatcher(reading.text, region, Leniency.VALID, max_tries=PHONE_TRIES_MAX):
            if not (apart.holds(found.start) or _is_named_otherwise(reading, found.start)):
                yield Place(Kind.PHONE, found.start, found.end)
    for run in reading.runs:
        said = run[0].spelled == "+" or _is_mostly_said(run)
        named = _PHONE_NAME.search(reading.before(run[0].start)) is not None
        if _is_named_otherwise(reading, run[0].start):
            continue
        fits = _dialled(reading.regions)
        if named:
            yield from _windows(run, Kind.PHONE, PHONE_DIGITS_MIN, PHONE_DIGITS_MAX + 1, fits)
        elif said and not is_counting(run):
            dialled = "".join(piece.spelled for piece in run)
            if len(dialled) >= SAID_PHONE_DIGITS_MIN and fits(dialled):
                yield Place(Kind.PHONE, run[0].start, run[-1].end)


def _is_mostly_said(run: Run) -> bool:
    said = sum(len(piece.spelled) for piece in run if piece.said)
    return 2 * said >= _length(run)


def _is_named_otherwise(reading: Reading, position: int) -> bool:
    """Whether the words before it say that it is the number of something else."""
    before = reading.before(position)
    return _OTHER_NAME.search(before) is not None and _PHONE_NAME.search(before) is None


def _dialled(regions: Sequence[str]) -> Callable[[str], bool]:
    def fits(digits: str) -> bool:
        return any(_is_phone(digits, region) for region in (regions[:1] if digits[0] == "+" else regions))

    return fits


def _is_phone(digits: str, region: str) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(digits, region))
    except NumberParseException:
        return False


def mails(reading: Reading) -> Iterator[Place]:
    """Mail addresses: written, and said ("anna dot keller at example dot com")."""
    for found in _WRITTEN_MAIL.finditer(reading.text):
        yield Place(Kind.MAIL, *found.span())
    for at in _AT.finditer(reading.text):
        is_sign = at[0].strip().lower() != "at"
        ends = _DOMAIN if is_sign else _DOMAIN_AFTER_A_WORD
        domain = ends.match(reading.text, at.end(), at.end() + _DOMAIN_CHARS_MAX)
        words = _local_words(reading.text[max(0, at.start() - _LOCAL_CHARS_MAX) : at.start()])
        if domain is None or not words:
            continue
        start = at.start() - words[0]
        if (
            len(words) > 1
            or is_sign
            or _NO_PLAIN_WORD.search(reading.text, start, at.start())
            or _MAILBOX.match(domain[0].strip())
            or _MAIL_NAME.search(reading.before(start))
        ):
            yield Place(Kind.MAIL, start, domain.end())


def _local_words(before: str) -> list[int]:
    """Where the words of a mailbox's name that ends here begin, counted from the end; the first one first.

    A name is one word, or words with "dot" or "underscore" between them, or letters said one by one.
    """
    words = list(_LOCAL_WORD.finditer(before))
    begins: list[int] = []
    while words:
        word = words.pop()
        begins.insert(0, len(before) - word.start())
        one_by_one = len(word[0]) == 1 or all(part in NUMBERS for part in word[0].lower().split("-"))
        if len(words) > 1 and words[-1][0].lower() in _JOINING:
            words.pop()
        elif not (one_by_one and words and words[-1][0].lower() not in _NOT_LOCAL):
            break
    return begins


def digits(reading: Reading) -> Iterator[Place]:
    """Every number of six digits and more, whatever it is."""
    for run in reading.runs:
        if _length(run) >= DIGITS_MIN:
            yield Place(Kind.DIGITS, run[0].start, run[-1].end)


FINDERS: Final[dict[Kind, Callable[[Reading], Iterator[Place]]]] = {
    Kind.IBAN: ibans,
    Kind.CARD: cards,
    Kind.PHONE: phones,
    Kind.MAIL: mails,
    Kind.DIGITS: digits,
}
"""In the order of their word: where two find something in the same place, the first one names it."""
