"""What the code logs: every event stands in the table, and every line says from which room it is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from holdfast.telemetry import FIELDS, MOMENTS

LEVELS = frozenset({"debug", "info", "warning", "error", "exception", "critical"})
BOUND = frozenset({"self.log"})
"""Loggers that have bound their source."""
OTHER_NAMES = frozenset({"session_id", "item_text", "transcript", "text", "audio", "pcm", "token", "ticket"})
"""A field that has another name in the table, or that no line may have."""


@dataclass(frozen=True)
class Call:
    """One place where something is logged."""

    event: str
    logger: str
    fields: frozenset[str]
    has_more: bool
    where: str

    @property
    def is_note(self) -> bool:
        """Whether the core says it: the runtime adds where from."""
        return not self.logger


def _name(called: ast.expr) -> str:
    return called.id if isinstance(called, ast.Name) else ""


def calls(project: Path) -> Iterator[Call]:
    for path in sorted((project / "src/holdfast").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                event, called = node.args[0].value, node.func
                fields = frozenset(one.arg for one in node.keywords if one.arg is not None)
                more = any(one.arg is None for one in node.keywords)
                where = f"{path.name}:{node.lineno}"
                if (called.attr if isinstance(called, ast.Attribute) else _name(called).lower()) == "note":
                    yield Call(str(event), "", fields, more, where)
                elif isinstance(called, ast.Attribute) and called.attr in LEVELS:
                    logger = ast.unparse(called.value)
                    if re.search(r"\blog\b|\b_log\b|get_logger", logger):
                        yield Call(str(event), logger, fields, more, where)


def test_every_event_stands_in_the_table(project: Path) -> None:
    found = list(calls(project))

    assert len(found) > 80
    assert {f"{one.event} at {one.where}" for one in found if one.event not in MOMENTS} == set()


def test_every_line_has_its_category_and_its_source(project: Path) -> None:
    logged = [one for one in calls(project) if not one.is_note]

    lacking = [one.where for one in logged if "category" not in one.fields]
    lacking += [one.where for one in logged if one.logger not in BOUND and "source" not in one.fields]
    assert lacking == []


def test_fields_have_one_name_each_and_none_holds_words(project: Path) -> None:
    assert {one.where: one.fields & OTHER_NAMES for one in calls(project) if one.fields & OTHER_NAMES} == {}
    assert OTHER_NAMES.isdisjoint(FIELDS)
