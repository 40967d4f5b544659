"""The image's recipe, as far as it can be read and tried quickly; `make image-check` carries it out."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.config import ConfigError, load
from tests.image.__main__ import SETTINGS
from tests.image.dockerfile import Stage, Step, parse, visible

FIRST_LINES = "FROM a AS b\n# no step\nRUN one \\\n    && two\nCOPY --from=b /x y/\nENV A=1 \\\n B=2\n"


@pytest.fixture(scope="module")
def stages(project: Path) -> list[Stage]:
    return parse((project / "Dockerfile").read_text())


@pytest.fixture(scope="module")
def seen(project: Path) -> list[Path]:
    return list(visible(project, (project / ".dockerignore").read_text()))


def test_a_dockerfile_is_read_as_an_engine_reads_it() -> None:
    (stage,) = parse(FIRST_LINES)

    assert (stage.base, stage.name) == ("a", "b")
    assert [step.rest for step in stage.steps] == ["one && two", "/x y/", "A=1 B=2"]
    assert stage.steps[1] == Step("COPY", {"from": "b"}, "/x y/")
    assert stage.environment == {"A": "1", "B": "2"}
    with pytest.raises(ValueError, match="ADD is not known"):
        parse("FROM a\nADD b c")


def test_every_file_that_is_copied_can_be_seen_and_nothing_else_can(
    stages: list[Stage], seen: list[Path]
) -> None:
    copied = [
        source
        for stage in stages
        for step in stage.steps
        if step.name == "COPY" and "from" not in step.options
        for source in step.words[:-1]
    ]

    assert copied
    for source in copied:
        assert [path for path in seen if path == Path(source) or Path(source) in path.parents], source
    strange = [path for path in seen if not any(path.is_relative_to(source) for source in copied)]
    assert strange == []
    assert not [path for path in seen if {"node_modules", "_web", "_speech", "__pycache__"} & set(path.parts)]


def test_the_image_is_not_root_and_its_process_gets_the_signal(stages: list[Stage]) -> None:
    last = stages[-1]

    assert last.last("USER").rest == "10001:10001"
    assert last.last("ENTRYPOINT").rest.startswith("["), "a shell would keep SIGTERM to itself"
    assert last.last("CMD").rest.startswith("[")
    assert last.last("STOPSIGNAL").rest == "SIGTERM"
    assert not [step for stage in stages for step in stage.steps if step.name == "VOLUME"]


def test_each_name_that_a_recipe_sets_is_needed_or_a_choice(project: Path) -> None:
    compose = (project / "compose.yaml").read_text()
    page = (project / "docs/howto/run-in-a-container.md").read_text()
    named = set(re.findall(r"^      (HOLDFAST_\w+|OPENAI_\w+):", compose, re.MULTILINE))

    assert named - set(SETTINGS) == {"HOLDFAST_PORTAL__DEMO", "OPENAI_API_KEY"}
    assert set(SETTINGS) <= named
    assert all(name in page for name in SETTINGS)


def test_the_platform_waits_as_long_as_the_gateway_drains(project: Path) -> None:
    deploy = json.loads((project / "railway.json").read_text())["deploy"]
    grace = re.search(r"stop_grace_period: (\d+)s", (project / "compose.yaml").read_text())

    assert grace is not None
    assert deploy["drainingSeconds"] == int(grace[1]) > 30
    assert deploy["healthcheckPath"] == "/healthz"


@pytest.fixture
def serving(tmp_path: Path, stages: list[Stage]) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """The image's command with its environment and the recipe's settings, in an empty folder."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    ours = ("HOLDFAST_", "OPENAI_", "PORT")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    image = {name: value for name, value in stages[-1].environment.items() if name.startswith("HOLDFAST_")}
    environment = {**kept, **image, **SETTINGS, "PORT": port}
    command = [sys.executable, "-m", "holdfast.cli", *stages[-1].last("CMD").words]
    process = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    yield process, environment
    process.kill()
    process.communicate()


@pytest.mark.speech
def test_with_exactly_the_named_settings_it_serves_is_healthy_and_ends(
    serving: tuple[subprocess.Popen[str], dict[str, str]], project: Path, speech_files: Path
) -> None:
    process, environment = serving
    check = (sys.executable, str(project / "scripts/healthcheck.py"))
    until = time.monotonic() + 50
    while subprocess.run(check, env=environment, capture_output=True, check=False).returncode:
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.3)  # each question is a process of its own, as an engine asks
    asked = urllib.request.Request(f"http://127.0.0.1:{environment['PORT']}/healthz")
    with urllib.request.urlopen(asked, timeout=5) as answer:
        assert json.load(answer)["status"] == "ok"
    process.send_signal(signal.SIGTERM)

    assert process.wait(timeout=10) == 0
    assert subprocess.run(check, env=environment, capture_output=True, check=False).returncode == 1


@pytest.mark.parametrize("left_out", SETTINGS)
def test_without_one_of_them_it_names_that_one(tmp_path: Path, stages: list[Stage], left_out: str) -> None:
    others = {name: value for name, value in SETTINGS.items() if name != left_out}
    host = {"HOLDFAST_HOST": stages[-1].environment["HOLDFAST_HOST"]}
    with pytest.raises(ConfigError) as refused:
        load(environ={**host, **others}, folder=tmp_path)

    told = refused.value.render()
    assert left_out in told
    assert not [name for name in others if name in told]
