"""The house's own rules, checked as tests: what may stand in files, and that documentation is not stale."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from holdfast.core import notices
from holdfast.wire import browser

URL = re.compile(r"\b(?:https?|git\+\w+|file)://\S+")
CODE = re.compile(r"`(make [a-z-]+|holdfast [a-z][a-z-]*)[^`]*`")
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)[^)]*\)")
PINNED = re.compile(r"[A-Za-z0-9._-]+==[A-Za-z0-9.!+]+( ; python_version [<>=!]+ \"[\d.]+\")?")
LINES_MAX = 420
TABLES = frozenset({"everyday.py", "glossary.py"})  # rows of one table, as long as they need to be


def tracked(project: Path) -> list[Path]:
    """Every file that git knows or would add."""
    command = ("git", "ls-files", "--cached", "--others", "--exclude-standard")
    listed = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    return [project / line for line in listed.stdout.splitlines() if (project / line).is_file()]


def documents(project: Path) -> list[Path]:
    return [path for path in tracked(project) if path.suffix == ".md"]


@pytest.mark.parametrize(
    "name", ["constraints.txt", "tests/clients/constraints.txt", "benchmarks/peers/constraints.txt"]
)
def test_constraints_are_exact_versions_without_addresses(project: Path, name: str) -> None:
    lines = (project / name).read_text().splitlines()
    entries = [line for line in lines if line and not line.startswith("#")]

    assert len(entries) > 50
    assert [line for line in entries if not PINNED.fullmatch(line)] == []


def test_every_dependency_is_pinned(project: Path) -> None:
    pyproject = (project / "pyproject.toml").read_text()
    constraints = (project / "constraints.txt").read_text().lower().replace("_", "-")
    named = re.findall(r'^ +"([a-z0-9_-]+)(?:\[[a-z]+\])?>=', pyproject, re.MULTILINE)

    assert len(named) > 20
    assert [name for name in named if f"\n{name}==" not in constraints] == []


@pytest.mark.parametrize("folder", ["web", "tests/clients/node"])
def test_a_lock_of_npm_has_no_addresses(project: Path, folder: str) -> None:
    lock = json.loads((project / folder / "package-lock.json").read_text())

    assert [
        name for name, entry in lock["packages"].items() if URL.match(str(entry.get("resolved", "")))
    ] == []


def test_documented_commands_exist(project: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):.*## ", (project / "Makefile").read_text(), re.MULTILINE))
    commands = {path.stem.replace("_", "-") for path in (project / "src/holdfast/cli").glob("*.py")}
    unknown = {
        f"{path.name}: {command}"
        for path in documents(project)
        for command in CODE.findall(path.read_text())
        if command.split()[1] not in (targets if command.startswith("make") else commands)
    }

    assert unknown == set()


def test_links_between_documents_lead_somewhere(project: Path) -> None:
    broken = [
        f"{path.relative_to(project)} -> {target}"
        for path in documents(project)
        for target in LINK.findall(path.read_text())
        if "://" not in target and not (path.parent / target).exists()
    ]

    assert broken == []


def test_no_source_file_has_grown_into_two(project: Path) -> None:
    long = {
        str(path.relative_to(project)): count
        for path in tracked(project)
        if path.suffix in {".c", ".h", ".py", ".ts", ".tsx"}
        and path.name not in TABLES
        and (count := len(path.read_text().splitlines())) > LINES_MAX
    }

    assert long == {}


def test_nothing_binary_of_others_is_committed(project: Path) -> None:
    foreign = {".wasm", ".onnx", ".whl", ".so", ".dylib", ".dll", ".tgz", ".wav"}

    assert [path.name for path in tracked(project) if path.suffix in foreign] == []


def test_no_link_leads_out_of_the_repository(project: Path) -> None:
    command = ("git", "ls-files", "--stage")
    listed = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    links = [line.split("\t")[1] for line in listed.stdout.splitlines() if line.startswith("120000")]
    targets = {link: (project / link).readlink() for link in links}

    assert [
        link
        for link, target in targets.items()
        if target.is_absolute() or project not in (project / link).parent.joinpath(target).resolve().parents
    ] == []


def test_every_message_of_the_browser_protocol_is_documented(project: Path) -> None:
    page = (project / "docs/reference/browser-protocol.md").read_text()
    sent = {str(kind.__struct_config__.tag) for kind in browser.ClientMessage.__args__}
    told = {browser.message_type(kind) for kind in notices.Notice.__args__}

    assert {name for name in sent | told if f"`{name}`" not in page} == set()
