"""What people write in the wrong place: a key for its variable, one bracket or underscore too few."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import pytest

from tests.config.test_load import told


@pytest.mark.parametrize("key", ["sk-proj-canary-1234567890", "4711canary", "canary" * 8])
@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("[[upstream]]\nname = 'o'\nkind = 'openai'\napi_key_env = '{}'", "upstream.0.api_key_env"),
        (
            "[engine.chat]\nkind = 'openai'\nbase_url = 'http://a/v1'\nmodel = 'm'\napi_key_env = '{}'",
            "engine.chat.api_key_env",
        ),
        ("[traces]\nheaders_env = '{}'\nendpoint = 'http://127.0.0.1:1'", "traces.headers_env"),
        ("[upstream]\nkind = 'openai'\napi_key = '{}'", "upstream"),
    ],
)
def test_a_key_in_the_place_of_its_variable_is_named_and_never_shown(
    tmp_path: Path, text: str, place: str, key: str
) -> None:
    problems = told(tmp_path, text.format(key))

    assert list(problems) == [f"{place} in holdfast.toml"]
    assert "canary" not in str(problems)


def test_one_pair_of_brackets_too_few_is_told_so(tmp_path: Path) -> None:
    assert told(tmp_path, "[upstream]\nname = 'openai'") == {
        "upstream in holdfast.toml": (
            "it is one table, and a list of tables is wanted",
            "Write [[upstream]], with two brackets.",
        )
    }


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("HOLDFAST_LIMITS_SESSIONS", "HOLDFAST_LIMITS__SESSIONS"),
        ("HOLDFAST_AUTH_SECRET", "HOLDFAST_AUTH__SECRET"),
        ("HOLDFAST_ENGINE_CHAT__BASE_URL", "HOLDFAST_ENGINE__CHAT__BASE_URL"),
    ],
)
def test_one_underscore_too_few_is_told_so(tmp_path: Path, variable: str, meant: str) -> None:
    assert meant in told(tmp_path, environ={variable: "1"})[variable][1]


PEM = "-----BEGIN PRIVATE KEY-----\nMIGHcanary/CANARY\n-----END PRIVATE KEY-----\n"


PASTED = {"pem": PEM, "chain": PEM * 9, "base64": b64encode(PEM.encode()).decode(), "long": "canary" * 50}


@pytest.mark.parametrize("pasted", PASTED.values(), ids=PASTED.keys())
def test_a_key_in_the_place_of_its_file_is_named_and_never_shown(tmp_path: Path, pasted: str) -> None:
    environ = {"HOLDFAST_SERVER__TLS_CERT": pasted, "HOLDFAST_SERVER__TLS_KEY": pasted}

    problems = told(tmp_path, environ=environ)

    assert set(problems) == set(environ)
    assert pasted[30:50] not in str(problems)
    assert all("path" in remedy for _, remedy in problems.values())


def test_what_cannot_be_reached_is_told_not_raised(tmp_path: Path) -> None:
    far = "x" * 300
    text = f"[engine]\nasr_model = '{far}'\nvad_model = '{far}'\n[portal]\ndatabase = '{far}'"

    problems = told(tmp_path, text)

    assert {key.split()[0] for key in problems} == {"engine.asr_model", "engine.vad_model"}
    assert all("File name too long" in problem for problem, _ in problems.values())
