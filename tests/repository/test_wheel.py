"""The wheel carries what a user needs who has neither Node.js nor a checkout."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

COMPRESSED_MIB_MAX = 24


@pytest.fixture(scope="module")
def names(project: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    carried = ("src/holdfast/_web/index.html", "src/holdfast/_speech/silero_vad_16k_op15.onnx")
    if absent := [path for path in carried if not (project / path).is_file()]:
        pytest.skip(f"not built here: {', '.join(absent)}; run `make web speech`")
    target = tmp_path_factory.mktemp("wheel")
    command = (
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(target),
        str(project),
    )
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout[-2000:] + built.stderr[-2000:]
    (wheel,) = target.glob("*.whl")
    assert wheel.stat().st_size < COMPRESSED_MIB_MAX * 2**20
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_the_web_client_is_inside(names: list[str]) -> None:
    web = [name for name in names if name.startswith("holdfast/_web/")]

    assert {"holdfast/_web/index.html", "holdfast/_web/console/index.html"} <= set(web)
    assert [name for name in web if re.search(r"-[\w-]{8}\.js$", name)], "no hashed script"
    assert [name for name in web if name.endswith(".css")]


def test_the_speech_files_and_their_licences_are_inside(names: list[str]) -> None:
    speech = {
        name.removeprefix("holdfast/_speech/") for name in names if name.startswith("holdfast/_speech/")
    }

    assert {"flite.wasm", "silero_vad_16k_op15.onnx", "flite.LICENSE.txt", "silero_vad.LICENSE.txt"} <= speech


def test_licences_types_and_the_command_are_inside(names: list[str]) -> None:
    assert "holdfast/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert any(name.endswith("licenses/NOTICE") for name in names)
    assert any(name.endswith("entry_points.txt") for name in names)


def test_the_source_of_the_compiled_load_is_inside(names: list[str]) -> None:
    native = {Path(name).suffix for name in names if name.startswith("holdfast/bench/native/")}

    assert native == {".c", ".h"}


def test_nothing_of_the_checkout_is_inside(names: list[str]) -> None:
    strange = [name for name in names if not name.startswith(("holdfast/", "holdfast-"))]

    assert strange == []
    assert not [name for name in names if "__pycache__" in name or name.endswith((".ts", ".tsx", ".sqlite3"))]
