"""The trigram model is a probability, and pocketsphinx reads it."""

from __future__ import annotations

import re

import pytest

from holdfast.engine.language_model import BEGIN, END, WeightedSentence, arpa

SENTENCES = [
    WeightedSentence(tuple(text.split()))
    for text in ("what is my balance", "what is due", "my balance is what i owe")
]
BACKGROUND = {"weather": 0.6, "what": 0.2, "moon": 0.2}


def read(text: str) -> dict[int, dict[tuple[str, ...], tuple[float, float]]]:
    """ARPA text as probabilities and back-off weights."""
    grams: dict[int, dict[tuple[str, ...], tuple[float, float]]] = {1: {}, 2: {}, 3: {}}
    size = 0
    for line in text.splitlines():
        head = re.fullmatch(r"\\(\d)-grams:", line)
        if head:
            size = int(head[1])
        elif "\t" in line:
            logarithm, words, *rest = line.split("\t")
            backoff = 10 ** float(rest[0]) if rest else 1.0
            grams[size][tuple(words.split())] = (10 ** float(logarithm), backoff)
    return grams


def probability(grams: dict[int, dict[tuple[str, ...], tuple[float, float]]], gram: tuple[str, ...]) -> float:
    """What a decoder computes from the file: the longest known n-gram, with back-off."""
    if gram in grams[len(gram)]:
        return grams[len(gram)][gram][0]
    if len(gram) == 1:
        return 0.0
    history = gram[:-1]
    backoff = grams[len(history)].get(history, (0.0, 1.0))[1]
    return backoff * probability(grams, gram[1:])


@pytest.mark.parametrize("history", [(), (BEGIN,), ("what",), ("weather",), ("what", "is"), ("is", "moon")])
def test_what_may_follow_a_history_sums_to_one(history: tuple[str, ...]) -> None:
    grams = read(arpa(SENTENCES, BACKGROUND, background_share=0.4))
    vocabulary = [gram[0] for gram in grams[1] if gram != (BEGIN,)]
    assert END in vocabulary
    total = sum(probability(grams, (*history, word)) for word in vocabulary)
    assert total == pytest.approx(1.0, abs=2e-3)


def test_the_counts_in_the_head_are_true() -> None:
    text = arpa(SENTENCES, BACKGROUND, background_share=0.4)
    grams = read(text)
    for size in (1, 2, 3):
        assert f"ngram {size}={len(grams[size])}\n" in text


def test_what_was_said_more_often_is_likelier() -> None:
    grams = read(arpa(SENTENCES, BACKGROUND, background_share=0.4))
    assert probability(grams, (BEGIN, "what")) > probability(grams, (BEGIN, "my"))
