"""Settings of the engine's stages: what is missing is told at once, keys stay hidden."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from holdfast.config import ConfigError, checks, load
from holdfast.providers.local import engine_options

CHAT = {
    "HOLDFAST_ENGINE__CHAT__KIND": "openai",
    "HOLDFAST_ENGINE__CHAT__BASE_URL": "http://127.0.0.1:11434/v1",
    "HOLDFAST_ENGINE__CHAT__API_KEY_ENV": "STAGE_KEY",
    "HOLDFAST_ENGINE__CHAT__MODEL": "small",
}


def test_without_a_word_there_is_one_worker_for_each_processor_that_may_be_used(tmp_path: Path) -> None:
    settings = load(environ={}, folder=tmp_path).engine
    mine = os.sched_getaffinity(0)
    one = {min(mine)}
    try:
        os.sched_setaffinity(0, one)
        assert engine_options(settings).workers == 1
    finally:
        os.sched_setaffinity(0, mine)
    assert engine_options(settings).workers == min(4, len(mine))
    assert engine_options(settings.model_copy(update={"workers": 3})).workers == 3


def test_a_stage_that_others_serve_needs_an_address_a_model_and_the_key_that_is_named(tmp_path: Path) -> None:
    wrong = {**CHAT, "HOLDFAST_ENGINE__CHAT__BASE_URL": "ftp://host", "HOLDFAST_ENGINE__CHAT__MODEL": ""}
    with pytest.raises(ConfigError) as refused:
        load(environ=wrong, folder=tmp_path)
    keys = {one.key.lower().replace("__", ".").rpartition(".")[2] for one in refused.value.problems}
    assert keys == {"base_url", "model", "api_key_env"}


def test_the_engine_gets_what_the_settings_say_and_nobody_else_the_key(tmp_path: Path) -> None:
    settings = load(environ={**CHAT, "STAGE_KEY": "sk-stage-0123"}, folder=tmp_path)
    assert list(settings.engine.stages) == ["chat"]
    assert "sk-stage-0123" in settings.secrets
    assert "sk-stage-0123" not in repr(settings)
    options = engine_options(settings.engine)
    assert options.transcription is None
    assert options.speech is None
    assert options.chat is not None
    assert (options.chat.api_key, options.chat.title) == ("sk-stage-0123", "small at 127.0.0.1:11434")
    assert "sk-stage-0123" not in repr(options)


def test_a_gateway_is_not_its_own_server(tmp_path: Path) -> None:
    itself = {**CHAT, "STAGE_KEY": "sk-stage-0123", "HOLDFAST_PORT": "11434"}
    with pytest.raises(ConfigError, match="itself"):
        load(environ=itself, folder=tmp_path)


def test_smart_turns_need_their_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    smart = {"HOLDFAST_ENGINE__TURN": "smart"}
    monkeypatch.setattr(checks, "find_spec", lambda _name: None)
    with pytest.raises(ConfigError) as refused:
        load(environ=smart, folder=tmp_path)
    (problem,) = refused.value.problems
    assert "pip install --no-deps pipecat-ai" in problem.remedy
    network = tmp_path / "turn.onnx"
    network.write_bytes(b"")
    settings = load(environ={**smart, "HOLDFAST_ENGINE__TURN_MODEL": str(network)}, folder=tmp_path)
    options = engine_options(settings.engine)
    assert (options.turn, options.turn_model, options.answers_ahead) == ("smart", network, True)
    never = load(environ={"HOLDFAST_ENGINE__ANSWERS_AHEAD": "false"}, folder=tmp_path)
    assert engine_options(never.engine).answers_ahead is False
