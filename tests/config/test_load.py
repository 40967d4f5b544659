"""Where settings come from, what wins, and that every error is told at once."""

from __future__ import annotations

import dataclasses
import json
from datetime import date
from pathlib import Path
from typing import Any, get_args

import pytest

from holdfast.config import ConfigError, Settings, load
from holdfast.config.shapes import DialectName
from holdfast.core.limits import Limits
from holdfast.wire.dialects import DIALECTS

KEY = "sk-canary-4711-abcdef"
SECRET = "canary-secret-of-more-than-32-bytes-"
HASH = "sha256:" + "0" * 64
TODAY = date(2026, 11, 20)


def read(folder: Path, text: str = "", environ: dict[str, str] | None = None, **options: Any) -> Settings:
    if text:
        (folder / "holdfast.toml").write_text(text)
    return load(environ=environ or {}, folder=folder, today=TODAY, **options)


def told(folder: Path, text: str = "", environ: dict[str, str] | None = None) -> dict[str, tuple[str, str]]:
    with pytest.raises(ConfigError) as refused:
        read(folder, text, environ)
    return {one.key: (one.problem, one.remedy) for one in refused.value.problems}


def test_without_anything_it_is_this_machine_and_the_embedded_engine(tmp_path: Path) -> None:
    settings = read(tmp_path)

    assert (settings.host, settings.port) == ("127.0.0.1", 8080)
    assert [(one.name, one.kind) for one in settings.upstream] == [("local", "local")]
    assert settings.limits == Limits()
    assert settings.on_loopback
    assert settings.demo
    assert settings.client_instructions
    assert not settings.guarded


def test_with_a_key_it_is_openai_alone(tmp_path: Path) -> None:
    (upstream,) = read(tmp_path, environ={"OPENAI_API_KEY": KEY}).upstream

    assert (upstream.name, upstream.kind, upstream.model) == ("openai", "openai", "gpt-realtime-2.1")
    assert upstream.base_url == "https://api.openai.com/v1"
    assert upstream.api_key.get_secret_value() == KEY


def test_the_address_of_openai_follows_the_environment(tmp_path: Path) -> None:
    environ = {"OPENAI_API_KEY": "x", "OPENAI_BASE_URL": "http://127.0.0.1:9100/v1"}

    assert read(tmp_path, environ=environ).upstream[0].base_url == "http://127.0.0.1:9100/v1"


def test_the_contracts_example(tmp_path: Path) -> None:
    text = """
        [[upstream]]
        name = "openai"
        kind = "openai"                 # openai | azure | compatible | local
        base_url = "https://api.openai.com/v1"
        api_key_env = "OPENAI_API_KEY"
        model = "gpt-realtime-2.1"

        [[upstream]]
        name = "local"
        kind = "local"
    """
    assert [one.name for one in read(tmp_path, text, {"OPENAI_API_KEY": KEY}).upstream] == ["openai", "local"]


def test_a_command_wins_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    text = "port = 1111\n[limits]\nsessions = 1\nsessions_per_ip = 2\n[log]\nlevel = 'debug'"
    environ = {"HOLDFAST_PORT": "2222", "PORT": "3333", "HOLDFAST_LIMITS__SESSIONS_PER_IP": "7"}

    settings = read(tmp_path, text, environ)

    assert settings.port == 2222
    assert (settings.limits.sessions, settings.limits.sessions_per_ip) == (1, 7)
    assert settings.log.level == "debug"
    assert read(tmp_path, text, environ, overrides={"port": 4444, "host": None}).port == 4444
    assert read(tmp_path, text, {"PORT": "3333"}).port == 3333


def test_lists_may_be_written_with_commas_or_as_json(tmp_path: Path) -> None:
    for written in ("https://a.example, https://b.example", '["https://a.example", "https://b.example"]'):
        settings = read(tmp_path, environ={"HOLDFAST_SERVER__ORIGINS": written})
        assert settings.server.origins == ("https://a.example", "https://b.example")


def test_a_single_word_in_a_list_is_a_list_of_one(tmp_path: Path) -> None:
    settings = read(tmp_path, environ={"HOLDFAST_SERVER__TRUSTED_PROXIES": "10.0.0.0/8"})

    assert settings.server.trusted_proxies == ("10.0.0.0/8",)


def test_every_limit_of_the_core_is_a_setting(tmp_path: Path) -> None:
    for field in dataclasses.fields(Limits):
        settings = read(tmp_path, environ={f"HOLDFAST_LIMITS__{field.name.upper()}": "3"})
        assert getattr(settings.limits, field.name) == 3
        assert isinstance(settings.limits, Limits)


def test_another_file_by_name(tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text("port = 5")

    assert read(tmp_path, "port = 6", {"HOLDFAST_CONFIG": "other.toml"}).port == 5


WRONG = """
host = "0.0.0.0"
prot = 3
[limits]
sesions = 3
idle_s = -1
[[upstream]]
name = "a b"
kind = "opnai"
[[upstream]]
name = "far"
kind = "openai"
base_url = "htp:/x"
[[upstream]]
name = "cloud"
kind = "azure"
[server]
origins = ["https://a.example/*", "b.example"]
trusted_proxies = ["x"]
tls_cert = "/nope/cert.pem"
[auth]
secret = "shh-canary"
client_keys = ["canary-in-clear"]
[engine]
vad_model = "/nope/vad.onnx"
asr_model = "/nope/model"
turn = "smart"
turn_model = "/nope/turn.onnx"
[portal]
database = "."
demo = "sometimes"
"""


def test_all_errors_are_told_at_once_with_key_value_and_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    problems = told(tmp_path, WRONG, {"HOLDFAST_LIMITS__SESSIONS": "many", "PORT": "99999"})

    place = " in holdfast.toml"
    assert set(problems) == {
        "PORT",
        "HOLDFAST_LIMITS__SESSIONS",
        f"prot{place}",
        f"limits.sesions{place}",
        f"limits.idle_s{place}",
        f"upstream.0.name{place}",
        f"upstream.0.kind{place}",
        f"upstream.1.base_url{place}",
        f"upstream.2.base_url{place}",
        f"upstream.2.model{place}",
        f"server.origins{place}",
        f"server.trusted_proxies{place}",
        f"server.tls_cert{place}",
        f"server.tls_key{place}",
        f"auth.secret{place}",
        f"auth.client_keys{place}",
        f"engine.vad_model{place}",
        f"engine.asr_model{place}",
        f"engine.turn_model{place}",
        f"portal.database{place}",
        f"portal.demo{place}",
    }
    assert "'99999'" in problems["PORT"][0]
    assert "Did you mean port?" in problems[f"prot{place}"][1]
    assert "Did you mean sessions?" in problems[f"limits.sesions{place}"][1]
    assert "the deployment" in problems[f"upstream.2.model{place}"][1]
    assert all(problem and remedy for problem, remedy in problems.values())


def test_errors_never_show_what_may_be_a_secret(tmp_path: Path) -> None:
    for text in (WRONG, "auth = 'canary'", "[auth]\nsecret = ['canary']", "[auth]\nsecrte = 'canary'"):
        (tmp_path / "holdfast.toml").write_text(text)
        with pytest.raises(ConfigError) as refused:
            load(environ={"HOLDFAST_AUTH__CLIENT_KEYS": "canary"}, folder=tmp_path, today=TODAY)
        assert "canary" not in refused.value.render() + str(refused.value) + repr(refused.value)
        assert "canary" not in json.dumps(refused.value.as_json())


def test_good_settings_never_show_their_secrets(tmp_path: Path) -> None:
    settings = read(
        tmp_path, f"[auth]\nsecret = '{SECRET}'\nclient_keys = ['{HASH}']", {"OPENAI_API_KEY": KEY}
    )

    shown = repr(settings) + str(settings) + settings.model_dump_json()
    assert KEY not in shown
    assert SECRET not in shown
    assert HASH not in repr(settings)
    assert settings.secrets == [KEY, SECRET]


BEYOND = {"HOLDFAST_HOST": "0.0.0.0"}
ALL_THREE = {
    **BEYOND,
    "HOLDFAST_AUTH__SECRET": SECRET,
    "HOLDFAST_SERVER__ORIGINS": "https://portal.example",
    "HOLDFAST_SERVER__TRUSTED_PROXIES": "10.0.0.0/8",
}


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "gateway.example"])
def test_beyond_this_machine_it_refuses_to_start_unguarded(tmp_path: Path, host: str) -> None:
    problem, remedy = told(tmp_path, environ={"HOLDFAST_HOST": host})["HOLDFAST_HOST"]

    assert host in problem
    for needed in ("secret", "origins", "tls_cert", "trusted_proxies", "127.0.0.1"):
        assert needed in remedy


@pytest.mark.parametrize("lacking", [name for name in ALL_THREE if name != "HOLDFAST_HOST"])
def test_all_three_are_needed(tmp_path: Path, lacking: str) -> None:
    environ = {name: value for name, value in ALL_THREE.items() if name != lacking}

    assert set(told(tmp_path, environ=environ)) == {"HOLDFAST_HOST"}


def test_with_all_three_it_starts_and_is_no_demo(tmp_path: Path) -> None:
    settings = read(tmp_path, environ=ALL_THREE)

    assert settings.guarded
    assert not settings.demo
    assert not settings.client_instructions


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "::1", "[::1]"])
def test_loopback_needs_nothing(tmp_path: Path, host: str) -> None:
    assert read(tmp_path, environ={"HOLDFAST_HOST": host}).on_loopback


@pytest.mark.parametrize(
    ("base_url", "word"),
    [
        ("ftp://x/v1", "no http"),
        ("api.openai.com/v1", "no http"),
        ("https://", "no http"),
        ("https://host:port/v1", "no http"),
        ("https://host:99999/v1", "no http"),
        ("https://user:canary@host/v1", "user name or password"),
        ("https://a b/v1", "no http"),
    ],
)
def test_a_bad_address_is_named(tmp_path: Path, base_url: str, word: str) -> None:
    problems = told(tmp_path, environ={"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": base_url})

    assert word in problems["OPENAI_BASE_URL"][0]
    assert "canary" not in problems["OPENAI_BASE_URL"][0]


def test_a_listed_upstream_without_its_key_is_named(tmp_path: Path) -> None:
    text = "[[upstream]]\nname = 'openai'\nkind = 'openai'\napi_key_env = 'MY_KEY'"

    ((problem, remedy),) = told(tmp_path, text).values()

    assert "MY_KEY" in problem
    assert "Set MY_KEY" in remedy
    assert read(tmp_path, text, {"MY_KEY": "k"}).upstream[0].api_key.get_secret_value() == "k"


def test_an_upstream_on_this_machine_needs_no_key(tmp_path: Path) -> None:
    text = "[[upstream]]\nname = 'emulator'\nkind = 'openai'\nbase_url = 'http://127.0.0.1:9100/v1'"

    assert read(tmp_path, text).upstream[0].api_key.get_secret_value() == ""


@pytest.mark.parametrize(
    ("model", "word"), [("gpt-4o", "chat model"), ("gpt-4o-realtime-preview", "switched off")]
)
def test_a_model_that_openai_does_not_serve_is_refused_with_a_suggestion(
    tmp_path: Path, model: str, word: str
) -> None:
    text = f"[[upstream]]\nname = 'openai'\nkind = 'openai'\nmodel = '{model}'"

    problem, remedy = told(tmp_path, text, {"OPENAI_API_KEY": KEY})["upstream.0.model in holdfast.toml"]

    assert word in problem
    assert "gpt-realtime-2.1" in remedy


@pytest.mark.parametrize(
    ("text", "word"),
    [("port = = 3", "not valid TOML"), ("[[upstream]", "not valid TOML")],
)
def test_a_file_that_is_no_toml_is_named(tmp_path: Path, text: str, word: str) -> None:
    ((key, (problem, _)),) = told(tmp_path, text).items()

    assert key.endswith("holdfast.toml")
    assert word in problem


def test_a_named_file_must_be_there(tmp_path: Path) -> None:
    ((key, (problem, remedy)),) = told(tmp_path, environ={"HOLDFAST_CONFIG": "gone.toml"}).items()

    assert key.endswith("gone.toml")
    assert "no such file" in problem
    assert "HOLDFAST_CONFIG" in remedy
    assert "can't be read" in next(iter(told(tmp_path, environ={"HOLDFAST_CONFIG": "."}).values()))[0]


def test_a_file_in_another_encoding_is_named(tmp_path: Path) -> None:
    (tmp_path / "holdfast.toml").write_bytes(b"host = '\xff'")

    assert "UTF-8" in next(iter(told(tmp_path).values()))[0]


@pytest.mark.parametrize("variable", ["HOLDFAST_LIMIT__SESSIONS", "HOLDFAST_HOTS", "HOLDFAST_PROT"])
def test_a_misspelled_variable_is_named(tmp_path: Path, variable: str) -> None:
    assert "Did you mean HOLDFAST_" in told(tmp_path, environ={variable: "1"})[variable][1]


def test_variables_of_others_are_left_alone(tmp_path: Path) -> None:
    environ = {
        "HOLDFAST_REFERENCE": "/x",
        "HOLDFAST_CHROMIUM": "y",
        "HOLDFAST_REQUIRE_BROWSER": "1",
        "HOLDFAST_CONSOLE_KEY": "hf_operator",
        "HOLDFAST_CLIENT_KEY": "hf_client",
    }

    assert read(tmp_path, environ=environ).port == 8080


@pytest.mark.parametrize(
    "text", ["upstream = 3", "upstream = [3]", "server = 1", "limits = []", "upstream = []"]
)
def test_wrong_shapes_are_told_not_raised(tmp_path: Path, text: str) -> None:
    assert told(tmp_path, text)


def test_two_upstreams_of_one_name_are_refused(tmp_path: Path) -> None:
    text = "[[upstream]]\nname = 'a'\nkind = 'local'\n" * 2

    assert "two upstreams" in next(iter(told(tmp_path, text).values()))[0]


def test_errors_are_written_for_people_and_for_programs(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        read(tmp_path, "prot = 1")

    assert refused.value.render() == (
        "A setting is wrong:\n  prot in holdfast.toml: there is no such setting\n    fix: Did you mean port?"
    )
    assert refused.value.as_json() == {
        "error": "configuration.invalid",
        "problems": [
            {
                "key": "prot in holdfast.toml",
                "problem": "there is no such setting",
                "remedy": "Did you mean port?",
            }
        ],
    }


UPSTREAM = """
[[upstream]]
name = "one"
"""


def test_upstreams_of_other_kinds_have_their_own_settings(tmp_path: Path) -> None:
    text = f"""{UPSTREAM}
kind = "azure"
base_url = "https://name.openai.azure.com"
api_key_env = "AZURE_KEY"
model = "voice"
api_version = "2025-04-01-preview"
{UPSTREAM.replace("one", "two")}
kind = "compatible"
base_url = "http://10.0.0.9:8000/v1"
dialect = "speaches"
model = "llama"
voice = "af_heart"
"""
    azure, speaches = read(tmp_path, text, {"AZURE_KEY": "k"}).upstream
    assert (azure.kind, azure.api_version) == ("azure", "2025-04-01-preview")
    assert (speaches.dialect, speaches.voice) == ("speaches", "af_heart")


WHOLE_AZURE = 'kind = "azure"\nbase_url = "https://a.example"\napi_key_env = "K"\nmodel = "voice"'


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ('kind = "azure"\nbase_url = "https://a.example"\napi_key_env = "K"', "model"),
        ('kind = "azure"\nbase_url = "https://a.example"\nmodel = "voice"', "api_key_env"),
        ('kind = "compatible"\nbase_url = "http://a.example/v1"', "model"),
        ('kind = "openai"\napi_key_env = "K"\ndialect = "beta"', "dialect"),
        ('kind = "openai"\napi_key_env = "K"\napi_version = "2025-08-28"', "api_version"),
        ('kind = "compatible"\nbase_url = "http://a.example"\nmodel = "m"\ndialect = "xia"', "dialect"),
        (f'{WHOLE_AZURE}\napi_version = "preview"', "api_version"),
    ],
)
def test_a_setting_of_another_kind_is_named_with_its_remedy(tmp_path: Path, settings: str, key: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read(tmp_path, UPSTREAM + settings, {"K": "k"})
    (problem,) = refused.value.problems
    assert problem.key == f"upstream.0.{key} in holdfast.toml"
    assert problem.remedy


def test_every_dialect_of_the_tables_can_be_asked_for() -> None:
    assert {*get_args(DialectName), "azure-preview"} == set(DIALECTS)
