"""Every dialect's recorded conversation: still the same, GA to its client, the server's own to the server."""

from __future__ import annotations

import json
from typing import Any

import pytest

from holdfast.wire.dialects import DIALECTS
from tests.wire.recording import EMULATED, GOLDEN, NAMES, recorded
from tests.wire.strict import (
    judge_client_event,
    judge_older_client_event,
    judge_older_server_event,
    judge_server_event,
)

Json = dict[str, Any]


def read(name: str) -> list[Json]:
    return [json.loads(line) for line in (GOLDEN / f"{name}.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("name", NAMES)
def test_a_conversation_is_translated_as_it_was_recorded(name: str) -> None:
    now = recorded(name)
    written = (GOLDEN / f"{name}.jsonl").read_text().splitlines()
    assert now == written, "meant so? `python -m tests.wire.recording` writes it again"


@pytest.mark.parametrize("name", NAMES)
def test_a_client_hears_nothing_but_ga(name: str) -> None:
    for line in read(name):
        told = line["heard"] if line["who"] == "upstream" else []
        for event in (*told, *line.get("back", ())):
            judge_server_event(event)


@pytest.mark.parametrize("name", NAMES)
def test_a_client_speaks_nothing_but_ga(name: str) -> None:
    for line in read(name):
        if line["who"] == "client":
            undeclared = judge_client_event(line["says"])
            assert not undeclared


@pytest.mark.parametrize("name", ["azure-preview", "beta"])
def test_a_server_of_the_older_shape_hears_and_speaks_nothing_else(name: str) -> None:
    for line in read(name):
        if line["who"] == "client":
            for event in line["heard"]:
                undeclared = judge_older_client_event(event)
                assert not undeclared, undeclared
        else:
            judge_older_server_event(line["says"])


def test_a_ga_link_passes_everything_as_it_is() -> None:
    for line in (*read("openai"), *read("azure")):
        assert line["heard"] == [line["says"]]


def test_every_dialect_has_a_recorded_conversation() -> None:
    assert {*(dialect.name for dialect in EMULATED.values()), *NAMES} >= set(DIALECTS)
    assert {path.stem for path in GOLDEN.iterdir()} == set(NAMES)
