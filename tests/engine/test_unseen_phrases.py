"""The phrases the engine is judged by stand in nothing that it learns from."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.engine.phrases import FRESH, OUT_OF_SCOPE, UNSEEN

from holdfast.engine.everyday import AFFIRMATIVE, GREETINGS, NEGATIVE, SENTENCES
from holdfast.engine.words import expanded, tokens
from holdfast.portal import UTTERANCES, instructions
from holdfast.portal.glossary import SPOKEN


def plain(text: str) -> str:
    return " ".join(expanded(tokens(text)))


def learned() -> set[str]:
    """Everything that goes into examples, language model and dictionary."""
    phrases = [phrase for phrases in UTTERANCES.values() for phrase in phrases]
    terms = [form for forms in SPOKEN.values() for form in forms]
    spoken = [*SENTENCES, *AFFIRMATIVE, *NEGATIVE, *GREETINGS]
    return {plain(text) for text in (*phrases, *terms, *spoken, *instructions("Anna Berger").split("."))}


@pytest.mark.recordings
def test_no_reference_phrase_is_learned(recordings: Path) -> None:
    rows = (recordings / "phrases.tsv").read_text(encoding="utf-8").splitlines()[1:]
    phrases = {plain(row.split("\t")[1]) for row in rows}
    assert len(phrases) == len(rows)
    assert not phrases & learned()


def test_no_phrase_of_the_benchmark_is_learned() -> None:
    groups = [*UNSEEN.values(), *FRESH.values(), OUT_OF_SCOPE]
    assert not {plain(phrase) for phrases in groups for phrase in phrases} & learned()


def test_the_benchmark_is_as_large_as_it_says() -> None:
    assert set(UNSEEN) == set(FRESH) == set(UTTERANCES)
    assert len(OUT_OF_SCOPE) >= 60
