"""A Dockerfile as data: its stages and their instructions; and which files of the checkout an image may see.

What lives here: as much of the language as ours uses, read strictly: what is not known is an error.
What never will: carrying anything out (that is `rooms`).
"""

from __future__ import annotations

import fnmatch
import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_BUILD: Final = frozenset({"FROM", "COPY", "RUN", "ENV", "WORKDIR", "USER"})
_ABOUT: Final = frozenset({"EXPOSE", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD"})
Rules = list[tuple[str, bool]]
"""Of .dockerignore, in order: a pattern, and whether it lets through."""
_OPTION: Final = re.compile(r"--([a-z-]+)=(\S+)\s+")


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction: its name, its options (`--from=build`) and the rest."""

    name: str
    options: dict[str, str]
    rest: str

    @property
    def words(self) -> list[str]:
        """The rest as words: the JSON form, or a line."""
        if self.rest.startswith("["):
            return [str(word) for word in json.loads(self.rest)]
        return shlex.split(self.rest)


@dataclass(slots=True)
class Stage:
    """What stands between one FROM and the next."""

    base: str
    name: str
    steps: list[Step] = field(default_factory=list)

    def last(self, name: str) -> Step:
        """The instruction that holds, where only one can."""
        return [step for step in self.steps if step.name == name][-1]

    @property
    def environment(self) -> dict[str, str]:
        """What every ENV says together."""
        words = [word for step in self.steps if step.name == "ENV" for word in step.words]
        return {word.partition("=")[0]: word.partition("=")[2] for word in words}

    @property
    def health_command(self) -> list[str]:
        """What HEALTHCHECK runs."""
        return Step("CMD", {}, self.last("HEALTHCHECK").rest.removeprefix("CMD").strip()).words


def parse(text: str) -> list[Stage]:
    """The stages, in order. ValueError for an instruction that is not known here."""
    stages: list[Stage] = []
    for line in _lines(text):
        name, _, rest = line.partition(" ")
        if name not in _BUILD | _ABOUT:
            raise ValueError(f"{name} is not known here: {line!r}")
        options = {}
        while found := _OPTION.match(rest := rest.strip()):
            options[found[1]] = found[2]
            rest = rest[found.end() :]
        if name == "FROM":
            base, _, alias = rest.partition(" AS ")
            stages.append(Stage(base, alias))
        else:
            stages[-1].steps.append(Step(name, options, rest))
    return stages


def _lines(text: str) -> Iterator[str]:
    """Without comments, with continued lines in one."""
    whole = ""
    for line in text.splitlines():
        if line.lstrip().startswith("#"):
            continue
        whole += line.strip()
        if whole.endswith("\\"):
            whole = f"{whole[:-1].rstrip()} "
        elif whole:
            yield whole
            whole = ""


def visible(root: Path, rules: str) -> Iterator[Path]:
    """The files of the checkout that .dockerignore lets through; the last rule that fits decides."""
    written = [line.strip() for line in rules.splitlines() if line.strip() and not line.startswith("#")]
    parsed = [(line.removeprefix("!").rstrip("/"), line.startswith("!")) for line in written]
    tops = {pattern.split("/")[0] for pattern, lets in parsed if lets}
    for top in sorted(tops):
        yield from _let_below(root, root / top, parsed)


def _let_below(root: Path, path: Path, rules: Rules) -> Iterator[Path]:
    relative = path.relative_to(root)
    if path.is_file() and _is_let(relative, rules):
        yield relative
    elif path.is_dir() and (_is_let(relative, rules) or _may_hold(relative, rules)):
        for inside in sorted(path.iterdir()):
            yield from _let_below(root, inside, rules)


def _may_hold(folder: Path, rules: Rules) -> bool:
    """Whether a rule lets something through that lies deeper than this folder."""
    return any(lets and folder in Path(pattern).parents for pattern, lets in rules)


def _is_let(path: Path, rules: Rules) -> bool:
    let = True
    for pattern, lets in rules:
        if any(_fits(above, pattern) for above in (path, *path.parents)):
            let = lets
    return let


def _fits(path: Path, pattern: str) -> bool:
    """A rule about a folder is one about all below it: the caller asks for each parent."""
    if pattern.startswith("**/"):
        return fnmatch.fnmatchcase(path.name, pattern[3:])
    parts = pattern.split("/")
    return len(parts) == len(path.parts) and all(map(fnmatch.fnmatchcase, path.parts, parts))
