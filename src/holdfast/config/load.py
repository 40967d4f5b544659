"""Reading settings: the file, the environment above it, what a command was told above both.

What lives here: where settings come from and what wins; `load`.
What never will: what they mean.

`holdfast.toml` in the working directory, or the file that HOLDFAST_CONFIG names; HOLDFAST_* (a double
underscore descends one level); PORT below HOLDFAST_PORT; OPENAI_API_KEY and OPENAI_BASE_URL.
"""

from __future__ import annotations

import copy
import dataclasses
import difflib
import json
import os
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource

from holdfast.config.checks import problems_of
from holdfast.config.problems import ConfigError, Problem, describe, did_you_mean
from holdfast.config.shapes import OPENAI_URL, Settings, UpstreamSettings

FILE: Final = "holdfast.toml"
_PREFIX: Final = "HOLDFAST_"
_KEY_VARIABLE: Final = "OPENAI_API_KEY"
_OF_COMMANDS: Final = frozenset({"HOLDFAST_CONSOLE_KEY", "HOLDFAST_CLIENT_KEY", "HOLDFAST_TICKET"})
"""What `doctor` and `talk` show at other people's doors. No settings of this gateway."""
_LEFT_OUT: Final = {"name": "left-out", "kind": "local"}
"""Stands for an upstream that could not be read."""

Tree = dict[str, Any]


class _Environment(EnvSettingsSource):
    """The environment as a tree. What is no JSON stays text: the shapes say what is wrong with it."""

    def __init__(self, shape: type[BaseSettings], environ: Mapping[str, str]) -> None:
        self._environ = environ
        super().__init__(shape)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return {name.lower(): value for name, value in self._environ.items() if value}

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        del field_name, field
        try:
            return json.loads(value)
        except ValueError:
            return value


def load(
    *,
    overrides: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
    today: date | None = None,
) -> Settings:
    """The settings of this process. Raises ConfigError with every problem.

    `overrides` is a tree of what a command was told (`{"port": 9000}`); None in it means: not told.
    `environ`, `folder` and `today` (which models are still served?) stand for this process's own.
    """
    environ = os.environ if environ is None else environ
    path, named = _path(environ, folder or Path.cwd())
    tree = _read(path, named=named)
    tree = _merged(tree, _from_environment(environ))
    told = {key: copy.deepcopy(value) for key, value in (overrides or {}).items() if value is not None}
    tree = _merged(tree, told)
    _default_upstreams(tree, environ)

    def name(key: str) -> str:
        return _as_written(key, environ, path)

    settings, problems = _validated(tree, name)
    problems += _unknown_variables(environ)
    if settings is not None:
        problems += problems_of(settings, environ, name, today or datetime.now().astimezone().date())
    if problems or settings is None:
        raise ConfigError(problems)
    for upstream in settings.upstream:
        upstream._api_key = SecretStr(environ.get(upstream.api_key_env, ""))  # noqa: SLF001 - the one writer
    for stage in settings.engine.stages.values():
        stage._api_key = SecretStr(environ.get(stage.api_key_env, ""))  # noqa: SLF001 - as above
    settings.traces._headers = SecretStr(environ.get(settings.traces.headers_env, ""))  # noqa: SLF001 - as above
    return settings


def _path(environ: Mapping[str, str], folder: Path) -> tuple[Path, bool]:
    named = environ.get("HOLDFAST_CONFIG")
    return (folder / named if named else folder / FILE), bool(named)


def _read(path: Path, *, named: bool) -> Tree:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        if not named:
            return {}
        raise _unreadable(path, "there is no such file", "Correct HOLDFAST_CONFIG, or unset it.") from None
    except tomllib.TOMLDecodeError as error:
        raise _unreadable(
            path, f"it is not valid TOML ({error})", "Correct the line that is named."
        ) from None
    except UnicodeDecodeError:
        raise _unreadable(path, "it is not UTF-8 text", "Save it as UTF-8.") from None
    except OSError as error:
        raise _unreadable(path, f"it can't be read ({error.strerror})", "Let this user read it.") from None


def _unreadable(path: Path, problem: str, remedy: str) -> ConfigError:
    return ConfigError([Problem(str(path), problem, remedy)])


def _from_environment(environ: Mapping[str, str]) -> Tree:
    tree: Tree = dict(_Environment(Settings, environ)())
    if "port" not in tree and environ.get("PORT"):
        tree["port"] = environ["PORT"]
    return tree


def _merged(below: Tree, above: Mapping[str, Any]) -> Tree:
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        merged[key] = _merged(under, value) if isinstance(under, dict) and isinstance(value, dict) else value
    return merged


def _default_upstreams(tree: Tree, environ: Mapping[str, str]) -> None:
    """Without a list: OpenAI alone when there is a key, else the embedded engine. Then OpenAI's defaults."""
    if "upstream" not in tree:
        kind = "openai" if environ.get(_KEY_VARIABLE) else "local"
        tree["upstream"] = [{"name": kind, "kind": kind}]
    if not isinstance(tree["upstream"], list):
        return
    address = environ.get("OPENAI_BASE_URL") or OPENAI_URL
    for upstream in tree["upstream"]:
        if isinstance(upstream, dict) and upstream.get("kind") == "openai":
            upstream.setdefault("base_url", address)
            upstream.setdefault("api_key_env", _KEY_VARIABLE)


def _validated(tree: Tree, name: Any) -> tuple[Settings | None, list[Problem]]:
    """The settings, and what is wrong with single ones.

    Where something is wrong, the rest is validated without it, so that the checks between settings can speak
    in the same run.
    """
    try:
        return Settings(**tree), []
    except ValidationError as error:
        wrong = error.errors(include_url=False)
    problems = []
    for one in wrong:
        problem, remedy = describe(one["type"], one["msg"], one["input"], one["loc"], _known(one["loc"]))
        problems.append(Problem(name(".".join(map(str, one["loc"]))), problem, remedy))
    for one in wrong:
        _prune(tree, one["loc"])
    try:
        return Settings(**tree), problems
    except ValidationError:
        return None, problems


def _prune(tree: Any, path: tuple[str | int, ...]) -> None:
    """Take out the setting at `path`; an entry of a list goes whole."""
    for at, step in enumerate(path):
        if isinstance(step, int) or at == len(path) - 1:
            if path == ("upstream",):
                tree[step] = [_LEFT_OUT]
            elif isinstance(tree, dict):
                tree.pop(step, None)
            elif isinstance(tree, list) and isinstance(step, int) and step < len(tree):
                tree[step] = _LEFT_OUT | {"name": f"left-out-{step}"}
            return
        tree = tree.get(step) if isinstance(tree, dict) else None


def _known(path: tuple[str | int, ...]) -> list[str]:
    """The keys that may stand where `path` stands."""
    shape: Any = Settings
    for step in path[:-1]:
        if step == "upstream":
            shape = UpstreamSettings
        elif isinstance(step, str) and step in getattr(shape, "model_fields", {}):
            shape = shape.model_fields[step].annotation
    if isinstance(shape, type) and issubclass(shape, BaseModel):
        return list(shape.model_fields)
    return [one.name for one in dataclasses.fields(shape)] if dataclasses.is_dataclass(shape) else []


def _as_written(key: str, environ: Mapping[str, str], path: Path) -> str:
    """A key as the person wrote it: the variable it came from, or its place in the file."""
    variable = _PREFIX + key.upper().replace(".", "__")
    if environ.get(variable):
        return variable
    if key == "port" and environ.get("PORT"):
        return "PORT"
    if key.startswith("upstream.") and key.endswith(".base_url") and environ.get("OPENAI_BASE_URL"):
        return "OPENAI_BASE_URL"
    return f"{key} in {path.name}" if path.is_file() else key


def _unknown_variables(environ: Mapping[str, str]) -> Iterator[Problem]:
    """HOLDFAST_ variables whose first step looks like a setting of ours, misspelled or not descended into."""
    by_plain_name = {one.replace("__", "_"): one for one in _variables(Settings, _PREFIX)}
    for variable in environ:
        first, *_ = variable.removeprefix(_PREFIX).lower().split("__")
        if not variable.startswith(_PREFIX) or first in Settings.model_fields or variable in _OF_COMMANDS:
            continue
        if meant := by_plain_name.get(variable.replace("__", "_")):
            remedy = f"Two underscores descend a level: {meant}."
            yield Problem(variable, "there is no such setting", remedy)
            continue
        if difflib.get_close_matches(first, Settings.model_fields, n=1, cutoff=0.75):
            yield Problem(
                variable,
                "there is no such setting",
                did_you_mean(variable, (f"{_PREFIX}{known.upper()}" for known in Settings.model_fields)),
            )


def _variables(shape: Any, stem: str) -> Iterator[str]:
    """The variables of every setting that stands in a table, below `stem`."""
    if isinstance(shape, type) and issubclass(shape, BaseModel):
        for key, one in shape.model_fields.items():
            yield f"{stem}{key.upper()}"
            yield from _variables(one.annotation, f"{stem}{key.upper()}__")
    elif dataclasses.is_dataclass(shape):
        yield from (f"{stem}{one.name.upper()}" for one in dataclasses.fields(shape))
