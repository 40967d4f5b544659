"""The registry of models: every kind of name, on every kind of day."""

from __future__ import annotations

from datetime import date

import pytest

from holdfast.core.models import Model, UnknownModel, asked_name, refused_at_the_door, resolve_model

TODAY = date(2026, 11, 20)


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("gpt-realtime-2.1", "gpt-realtime-2.1"),
        (" GPT-Realtime-2.1-mini ", "gpt-realtime-2.1-mini"),
        ("gpt-realtime-2025-08-28", "gpt-realtime"),
        ("gpt-realtime-mini-2025-10-06", "gpt-realtime-mini"),
        ("gpt-realtime-latest", "gpt-realtime-2.1"),
    ],
)
def test_a_realtime_model_is_found_by_name_alias_and_date(name: str, model: str) -> None:
    found = resolve_model(name, TODAY)
    assert isinstance(found, Model)
    assert found.id == model


@pytest.mark.parametrize(
    ("name", "word", "instead"),
    [
        ("gpt-4o", "chat", "gpt-realtime-2.1"),
        ("gpt-4o-mini", "chat", "gpt-realtime-2.1-mini"),
        ("gpt-5.2", "chat", "gpt-realtime-2.1"),
        ("o3-mini", "chat", "gpt-realtime-2.1"),
        ("whisper-1", "transcription", "gpt-realtime-2.1"),
        ("gpt-4o-transcribe", "transcription", "gpt-realtime-2.1"),
        ("gpt-realtime-whisper", "transcription", "gpt-realtime-2.1"),
        ("gpt-realtime-translate", "translation", "gpt-realtime-2.1"),
        ("gpt-live-1", "Live API", "gpt-realtime-2.1"),
        ("gpt-4o-realtime-preview", "switched off on 2026-05-07", "gpt-realtime-2.1"),
        ("gpt-4o-realtime-preview-2024-12-17", "switched off", "gpt-realtime-2.1"),
        ("gpt-4o-mini-realtime-preview", "switched off", "gpt-realtime-2.1-mini"),
        ("gpt-realtime-2.2", "not a model this gateway knows", "gpt-realtime-2"),
        ("", "not a model", "gpt-realtime-2"),
    ],
)
def test_a_refusal_says_why_and_what_to_use(name: str, word: str, instead: str) -> None:
    refused = resolve_model(name, TODAY)
    assert isinstance(refused, UnknownModel)
    assert word in refused.message
    assert refused.suggestion.startswith(instead)


def test_a_model_retires_on_its_day() -> None:
    assert isinstance(resolve_model("gpt-realtime", date(2027, 1, 19)), Model)
    assert isinstance(resolve_model("gpt-realtime", date(2027, 1, 20)), UnknownModel)


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("gpt-realtime-latest", "gpt-realtime-2.1"),
        ("gpt-realtime-2025-08-28", "gpt-realtime-2025-08-28"),
        ("gpt-realtime-mini", "gpt-realtime-mini"),
        ("My-Deployment", "My-Deployment"),
    ],
)
def test_an_alias_of_ours_is_asked_for_by_its_model_and_a_dated_name_stays(name: str, asked: str) -> None:
    assert asked_name(name) == asked


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("gpt-4o", "other_product"),
        ("gpt-realtime-translate", "other_product"),
        ("gpt-realtime-whisper-2026-05-01", "other_product"),
        ("gpt-4o-realtime-preview-2024-12-17", "retired"),
        ("gpt-realtime-2.1", None),
        ("gpt-realtime-3", None),
        ("gpt-4o-realtime-of-our-team", None),
        ("whatever-my-server-calls-it", None),
    ],
)
def test_only_a_name_that_cannot_answer_is_refused_at_the_door(name: str, kind: str | None) -> None:
    refused = refused_at_the_door(name, TODAY)
    assert (refused and refused.kind) == kind
