"""Whatever stands in the file or the environment: settings, or problems in words; nothing else is raised."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast.config import ConfigError, Settings, load
from holdfast.config.shapes import AuthSettings, ServerSettings, UpstreamSettings

KEYS = [
    *Settings.model_fields,
    *ServerSettings.model_fields,
    *AuthSettings.model_fields,
    *UpstreamSettings.model_fields,
    "sessions",
    "unknown",
]
LEAVES: Any = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["openai", "local", "https://x/v1", "0.0.0.0", "127.0.0.1"]),
)
TREES: Any = st.dictionaries(
    st.sampled_from(KEYS),
    st.recursive(
        LEAVES,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
        ),
        max_leaves=10,
    ),
    max_size=5,
)
VARIABLES: Any = st.dictionaries(
    st.lists(st.sampled_from(KEYS), min_size=1, max_size=3).map(
        lambda steps: "HOLDFAST_" + "__".join(steps).upper()
    ),
    st.one_of(st.text(max_size=20), st.sampled_from(["[1]", "{}", "[", '{"a": {"b": 1}}', "1,2"])),
    max_size=4,
)


def loaded(folder: Path, tree: dict[str, Any], environ: dict[str, str]) -> Settings | ConfigError:
    try:
        return load(overrides=tree, environ=environ, folder=folder)
    except ConfigError as error:
        return error


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=TREES, environ=VARIABLES)
def test_any_tree_is_settings_or_problems(
    tmp_path: Path, tree: dict[str, Any], environ: dict[str, str]
) -> None:
    found = loaded(tmp_path, tree, environ)

    if isinstance(found, ConfigError):
        assert found.problems
        assert all(one.key and one.problem and one.remedy for one in found.problems)
        assert found.render()


@pytest.mark.parametrize("written", ["[1]", "[[]]", "{}", "7", '[""]'])
def test_a_list_of_something_else_is_named(tmp_path: Path, written: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load(environ={"HOLDFAST_SERVER__ORIGINS": written}, folder=tmp_path)

    assert refused.value.problems
