"""A trigram language model, made in-process from example sentences, written in ARPA form.

What lives here: counting, Witten-Bell interpolation (Witten and Bell, 1991), the ARPA text.
What never will: where the sentences come from, or a recogniser.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

BEGIN: Final = "<s>"
END: Final = "</s>"
_NEVER: Final = -99.0
"""ARPA's customary log10 of zero."""

Gram = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WeightedSentence:
    """A sentence as words, counted `weight` times."""

    words: Sequence[str]
    weight: float = 1.0


def arpa(
    sentences: Iterable[WeightedSentence],
    background: Mapping[str, float],
    *,
    background_share: float,
) -> str:
    """The model as ARPA text.

    `background` maps words of general speech to their probability; a share of the unigram mass goes to
    them, so that what is not of the domain can be heard as what it is. Words of the sentences and of the
    background form the vocabulary.
    """
    counts = _counts(sentences)
    unigrams = _unigrams(counts[1], background, background_share)
    bigrams, bigram_backoff = _interpolate(counts[2], lambda gram: unigrams[gram[-1]])
    trigrams, trigram_backoff = _interpolate(counts[3], lambda gram: bigrams[gram[1:]])
    lines = [
        "\\data\\",
        f"ngram 1={len(unigrams) + 1}",
        f"ngram 2={len(bigrams)}",
        f"ngram 3={len(trigrams)}",
    ]
    lines += ["", "\\1-grams:", _line(_NEVER, (BEGIN,), bigram_backoff.get((BEGIN,), 1.0))]
    lines += [
        _line(_log(p), (word,), bigram_backoff.get((word,), 1.0)) for word, p in sorted(unigrams.items())
    ]
    lines += ["", "\\2-grams:"]
    lines += [_line(_log(p), gram, trigram_backoff.get(gram, 1.0)) for gram, p in sorted(bigrams.items())]
    lines += ["", "\\3-grams:"]
    lines += [_line(_log(p), gram, None) for gram, p in sorted(trigrams.items())]
    lines += ["", "\\end\\", ""]
    return "\n".join(lines)


def _counts(sentences: Iterable[WeightedSentence]) -> dict[int, Counter[Gram]]:
    counts: dict[int, Counter[Gram]] = {1: Counter(), 2: Counter(), 3: Counter()}
    for sentence in sentences:
        padded = (BEGIN, *sentence.words, END)
        for size, counter in counts.items():
            for at in range(len(padded) - size + 1):
                counter[padded[at : at + size]] += sentence.weight  # type: ignore[assignment] # weights are real
    del counts[1][(BEGIN,)]
    return counts


def _unigrams(counts: Counter[Gram], background: Mapping[str, float], share: float) -> dict[str, float]:
    own_total = sum(counts.values()) or 1.0
    background_total = sum(background.values()) or 1.0
    mixed: dict[str, float] = defaultdict(float)
    for gram, count in counts.items():
        mixed[gram[0]] += (1 - share) * count / own_total
    for word, probability in background.items():
        mixed[word] += share * probability / background_total
    mixed.setdefault(END, 1e-4)
    return dict(mixed)


def _interpolate(
    counts: Counter[Gram], lower: Callable[[Gram], float]
) -> tuple[dict[Gram, float], dict[Gram, float]]:
    """Probabilities of the seen n-grams, and what each history leaves to the shorter one."""
    total: dict[Gram, float] = defaultdict(float)
    kinds: Counter[Gram] = Counter()
    for gram, count in counts.items():
        total[gram[:-1]] += count
        kinds[gram[:-1]] += 1
    backoff = {history: kinds[history] / (total[history] + kinds[history]) for history in total}
    seen = {
        gram: (1 - backoff[gram[:-1]]) * count / total[gram[:-1]] + backoff[gram[:-1]] * lower(gram)
        for gram, count in counts.items()
    }
    return seen, backoff


def _log(probability: float) -> float:
    return math.log10(probability) if probability > 0 else _NEVER


def _line(logarithm: float, gram: Gram, backoff: float | None) -> str:
    text = f"{logarithm:.4f}\t{' '.join(gram)}"
    return text if backoff is None else f"{text}\t{_log(backoff):.4f}"
