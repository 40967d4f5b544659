"""The examples are many, clean, and do not contain the test set."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from holdfast.portal import UTTERANCES, Portal
from holdfast.portal.utterances import read


def test_every_tool_has_thirty_ways_to_be_asked_for(portal: Portal) -> None:
    names = [tool["name"] for tool in portal.toolbox.definitions()]

    assert sorted(names) == sorted(UTTERANCES)
    assert min(len(said) for said in UTTERANCES.values()) >= 30


def test_lines_are_as_a_recogniser_would_write_them() -> None:
    lines = [line for said in UTTERANCES.values() for line in said]

    assert all(set(line) <= set("abcdefghijklmnopqrstuvwxyz' ") for line in lines)
    assert len(lines) == len(set(lines)), "one phrase means one thing"


@pytest.mark.recordings
def test_the_phrases_of_the_test_set_are_unseen(recordings: Path) -> None:
    with (recordings / "phrases.tsv").open() as file:
        phrases = [row["phrase"] for row in csv.DictReader(file, delimiter="\t")]
    lines = [line for said in UTTERANCES.values() for line in said]

    assert phrases
    assert [phrase for phrase in phrases if any(phrase in line for line in lines)] == []


def test_the_table_is_read_by_heads() -> None:
    assert read("# x\n[a]\none\n\n  two \n[b]\nthree") == {"a": ("one", "two"), "b": ("three",)}
