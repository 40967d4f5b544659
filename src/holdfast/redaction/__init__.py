"""What people say of themselves and nobody needs to keep: found and taken out of a text.

What lives here: `Redaction`, which kinds are known, how a place is marked. Pure; nothing of a text is kept.
What never will: secrets of machines (keys, tokens), which the log's chain takes out by their shapes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from holdfast.redaction.finders import FINDERS, Kind, Place, Reading
from holdfast.redaction.spelling import NUMBERS

DEFAULT_KINDS: Final = (Kind.CARD, Kind.IBAN, Kind.PHONE, Kind.MAIL)
_FIGURES: Final = re.compile(r"[\d@]")
_WORDS: Final = re.compile(r"[^\W\d_]+")
_AT: Final = frozenset({"at", "ät", "aet", "klammeraffe"})
_DOT: Final = frozenset({"dot", "punkt", "point"})
_DOTTED: Final = re.compile(r"\.\w")
_SAID_NUMBERS_MIN: Final = 2


def _is_worth_a_look(text: str) -> bool:
    """Most sentences hold nothing that could be anything: that is seen at a hundredth of the price."""
    if _FIGURES.search(text):
        return True
    words = _WORDS.findall(text.lower())
    if sum(map(NUMBERS.__contains__, words)) >= _SAID_NUMBERS_MIN:
        return True
    return not _AT.isdisjoint(words) and (not _DOT.isdisjoint(words) or _DOTTED.search(text) is not None)


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A text without what was looked for, and what was found: kinds, once for each place."""

    text: str
    found: tuple[Kind, ...] = ()


@dataclass(frozen=True, slots=True)
class Redaction:
    """Which kinds are taken out; `regions` (ISO 3166) is where local telephone numbers come from."""

    kinds: Sequence[Kind] = DEFAULT_KINDS
    regions: Sequence[str] = ("US", "GB", "DE")

    def clean(self, text: str) -> Cleaned:
        """`text` with a mark such as `[card]` where something was found."""
        if not self.kinds or not _is_worth_a_look(text):
            return Cleaned(text)
        places = self.places(text)
        for place in reversed(places):
            text = f"{text[: place.start]}[{place.kind}]{text[place.end :]}"
        return Cleaned(text, tuple(place.kind for place in places))

    def places(self, text: str) -> list[Place]:
        """Where what was found stands, from left to right; none lies in another."""
        reading = Reading.of(text, self.regions)
        places: list[Place] = []
        for kind, find in FINDERS.items():
            if kind in self.kinds:
                places.extend(one for one in find(reading) if not _is_in(one, places))
        return sorted(places, key=lambda place: place.start)


def _is_in(one: Place, others: Iterable[Place]) -> bool:
    return any(one.start < other.end and other.start < one.end for other in others)


__all__ = ["DEFAULT_KINDS", "Cleaned", "Kind", "Place", "Redaction"]
