"""Pronunciations: which words the recogniser can hear, and how they sound.

What lives here: the reading of the CMU dictionary, own pronunciations of product words, spelling by
letters, and the dictionary file of one vocabulary. What never will: which words a session needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

Pronunciations = dict[str, tuple[str, ...]]

OWN: Final[Pronunciations] = {
    "apr": ("EY P IY AA R",),
    "iban": ("AY B AE N", "IY B AA N", "AY B AA N"),
    "bic": ("B IH K", "B IY AY S IY"),
    "sepa": ("S EH P AH", "S IY P AH"),
    "pdf": ("P IY D IY EH F",),
    "payslip": ("P EY S L IH P",),
    "payslips": ("P EY S L IH P S",),
    "prepay": ("P R IY P EY",),
    "prepayment": ("P R IY P EY M AH N T",),
    "overpay": ("OW V ER P EY",),
    "signup": ("S AY N AH P",),
    "holdfast": ("HH OW L D F AE S T",),
    "sherpa": ("SH ER P AH",),
}
"""Words of the trade that the CMU dictionary lacks or says otherwise."""

_LETTERS: Final = {
    "a": "EY",
    "b": "B IY",
    "c": "S IY",
    "d": "D IY",
    "e": "IY",
    "f": "EH F",
    "g": "JH IY",
    "h": "EY CH",
    "i": "AY",
    "j": "JH EY",
    "k": "K EY",
    "l": "EH L",
    "m": "EH M",
    "n": "EH N",
    "o": "OW",
    "p": "P IY",
    "q": "K Y UW",
    "r": "AA R",
    "s": "EH S",
    "t": "T IY",
    "u": "Y UW",
    "v": "V IY",
    "w": "D AH B AH L Y UW",
    "x": "EH K S",
    "y": "W AY",
    "z": "Z IY",
}
_LONGEST_SPELLED: Final = 4


def read_dictionary(path: Path) -> Pronunciations:
    """A dictionary in CMU form. Variants such as `a(2)` are gathered under their word."""
    found: dict[str, list[str]] = {}
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            word, _, phones = line.strip().partition(" ")
            if word and phones:
                found.setdefault(word.partition("(")[0], []).append(phones.strip())
    return {word: tuple(variants) for word, variants in found.items()}


class Lexicon:
    """All the pronunciations we know."""

    def __init__(self, dictionary: Pronunciations) -> None:
        self._dictionary = dictionary

    def phones(self, word: str) -> tuple[str, ...]:
        """How a word sounds, in one or more ways; empty when we do not know.

        Unknown possessives and plurals follow their base; short unknown words are spelled ("kyc").
        """
        known = OWN.get(word) or self._dictionary.get(word)
        if known:
            return known
        for suffix, sound in (("'s", "Z"), ("s", "Z")):
            base = self._dictionary.get(word.removesuffix(suffix)) if word.endswith(suffix) else None
            if base:
                return tuple(f"{phones} {sound}" for phones in base)
        if len(word) <= _LONGEST_SPELLED and all(letter in _LETTERS for letter in word):
            return (" ".join(_LETTERS[letter] for letter in word),)
        return ()

    def knows(self, word: str) -> bool:
        """Whether the recogniser could hear the word."""
        return bool(self.phones(word))

    def common_words(self) -> Iterable[str]:
        """Every word of the CMU dictionary."""
        return self._dictionary.keys()

    def lines(self, words: Iterable[str]) -> Iterator[str]:
        """The dictionary file of a vocabulary, line by line. Words without a sound are left out."""
        for word in sorted(set(words)):
            for at, phones in enumerate(self.phones(word), start=1):
                yield f"{word} {phones}\n" if at == 1 else f"{word}({at}) {phones}\n"
