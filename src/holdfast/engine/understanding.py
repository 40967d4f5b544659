"""Words to meaning: nearest example by tf-idf over words, word pairs and letter groups.

What lives here: features, the index, scores and the deduction for words that no example of an intent
knows. What never will: what to do about a meaning (`dialogue`), audio, or a product's phrases.

A score is the cosine of the utterance with the best examples of an intent. Letter groups make it
forgiving towards the recogniser; the deduction makes it strict towards speech from elsewhere.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from holdfast.engine.stages import Meaning
from holdfast.engine.words import expanded, stem, tokens

NONE: Final = ""
"""The label of examples that mean nothing we can do."""

_WORD_WEIGHT: Final = 1.0
_PAIR_WEIGHT: Final = 0.45
_LETTERS_WEIGHT: Final = 0.6
_NEAREST: Final = 3
_NEAREST_WEIGHTS: Final = (0.5, 0.3, 0.2)
_FILLERS: Final = frozenset(
    "uh um er ah oh well so please just okay hello hi hey actually maybe now then the a an to of".split()  # noqa: SIM905 - reads as it is said
)
_UNKNOWN_COST: Final = 0.7


@dataclass(frozen=True, slots=True)
class Example:
    """One phrase and what it means; `intent` is NONE for everyday talk."""

    intent: str
    text: str


_CARRIERS: Final = tuple(
    tuple(phrase.split())
    for phrase in (
        "can you please tell me",
        "could you please tell me",
        "would you please tell me",
        "can you tell me",
        "could you tell me",
        "would you tell me",
        "can you say",
        "please tell me",
        "tell me",
        "i want to know",
        "i would like to know",
        "i need to know",
        "i wanted to ask",
        "i want to ask",
        "i have a question",
        "do you know",
        "can you please",
        "could you please",
        "would you please",
        "can you",
        "could you",
        "would you",
    )
)
"""Ways to begin that say nothing about the matter; the longest come first."""


def without_carrier(words: list[str]) -> list[str]:
    """Without a polite beginning, if at least two words follow it."""
    for carrier in _CARRIERS:
        if tuple(words[: len(carrier)]) == carrier and len(words) >= len(carrier) + 2:
            return words[len(carrier) :]
    return words


def content(text: str) -> list[str]:
    """The words that carry meaning, contractions written out, stemmed."""
    words = without_carrier(expanded(tokens(text)))
    kept = [stem(word) for word in words if word not in _FILLERS]
    return kept or [stem(word) for word in words]


def features(words: Sequence[str]) -> dict[str, float]:
    """What an utterance is made of, with the weight of each kind."""
    found: dict[str, float] = defaultdict(float)
    for word in words:
        found[word] += _WORD_WEIGHT
        framed = f"^{word}$"
        groups = [framed[at : at + size] for size in (3, 4) for at in range(len(framed) - size + 1)]
        for group in groups:
            found[f"~{group}"] += _LETTERS_WEIGHT / math.sqrt(len(groups))
    for first, second in _pairs(words):
        found[f"{first} {second}"] += _PAIR_WEIGHT
    return found


def _pairs(words: Sequence[str]) -> list[tuple[str, str]]:
    """Neighbours, with marks for begin and end."""
    return list(zip(("^", *words), (*words, "$"), strict=True))


class ExampleIndex:
    """Understanding by nearest example. Built once per set of tools, then read only."""

    def __init__(self, examples: Iterable[Example]) -> None:
        listed = [(example.intent, content(example.text)) for example in examples]
        raw = [features(words) for _, words in listed]
        spread = Counter(name for row in raw for name in row)
        self._idf = {name: math.log((1 + len(raw)) / (0.5 + count)) for name, count in spread.items()}
        self._unseen_idf = math.log((1 + len(raw)) / 0.5)
        self._intents = [intent for intent, _ in listed]
        self._vocabulary: dict[str, set[str]] = defaultdict(set)
        self._pairs: dict[str, set[tuple[str, str]]] = defaultdict(set)
        for intent, words in listed:
            self._vocabulary[intent].update(words)
            self._pairs[intent].update(_pairs(words))
        self._postings: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for at, row in enumerate(raw):
            for name, weight in self._unit(row).items():
                self._postings[name].append((at, weight))

    def meaning(self, text: str) -> Meaning:
        words = content(text)
        if not words:
            return Meaning(None, 0.0)
        ranked = sorted(self.scores(words).items(), key=lambda pair: -pair[1])
        ranked += [(NONE, 0.0)] * (2 - len(ranked))
        (best, score), (second, second_score) = ranked[:2]
        return Meaning(
            best or None,
            score,
            second or None,
            second_score,
            unknown=self._unknown_share(best, words),
            unfamiliar=self._unfamiliar_share(best, words),
        )

    def scores(self, words: Sequence[str]) -> Mapping[str, float]:
        """Each intent's score for an utterance."""
        cosines: dict[int, float] = defaultdict(float)
        for name, weight in self._unit(features(words)).items():
            for at, other in self._postings.get(name, ()):
                cosines[at] += weight * other
        nearest: dict[str, list[float]] = defaultdict(list)
        for at, cosine in cosines.items():
            nearest[self._intents[at]].append(cosine)
        return {
            intent: self._blend(found) * (1 - _UNKNOWN_COST * self._unknown_share(intent, words))
            for intent, found in nearest.items()
        }

    @staticmethod
    def _blend(cosines: list[float]) -> float:
        """The best examples together: one lucky example counts less than three."""
        best = sorted(cosines, reverse=True)[:_NEAREST]
        weights = _NEAREST_WEIGHTS[: len(best)]
        return sum(map(float.__mul__, weights, best)) / sum(weights)

    def _unknown_share(self, intent: str, words: Sequence[str]) -> float:
        """How much of what was said, by weight, no example of the intent ever says."""
        known = self._vocabulary[intent]
        weights = [(self._idf.get(word, self._unseen_idf), word in known) for word in words]
        return sum(weight for weight, is_known in weights if not is_known) / sum(
            weight for weight, _ in weights
        )

    def _unfamiliar_share(self, intent: str, words: Sequence[str]) -> float:
        """How many of the pairs of neighbours no example of the intent has."""
        known: AbstractSet[tuple[str, str]] = self._pairs.get(intent, frozenset())
        pairs = _pairs(words)
        return sum(pair not in known for pair in pairs) / len(pairs)

    def _unit(self, row: Mapping[str, float]) -> dict[str, float]:
        weighted = {
            name: (1 + math.log(weight) if weight > 1 else weight) * self._idf.get(name, 0.0)
            for name, weight in row.items()
        }
        length = math.sqrt(sum(weight * weight for weight in weighted.values())) or 1.0
        return {name: weight / length for name, weight in weighted.items() if weight}
