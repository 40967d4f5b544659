"""`make speech`: pinned, whole or not at all, and clear when it cannot."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.util
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "fetch_speech.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fetch_speech", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["fetch_speech"] = module
    spec.loader.exec_module(module)
    return module


def a_package(script: ModuleType, folder: Path, content: bytes, sha256: str) -> object:
    """A package whose 'package manager' copies a wheel that we made."""
    wheel = folder / "made.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("inside/file.bin", content)
    copy = f"import shutil; shutil.copy({str(wheel)!r}, 'made.whl')"
    return dataclasses.replace(
        script.PACKAGES[1],
        command=(sys.executable, "-c", copy),
        files=(script.SpeechFile("file.bin", "inside/file.bin", sha256),),
    )


def test_a_file_lands_with_its_checksum(script: ModuleType, tmp_path: Path) -> None:
    package = a_package(script, tmp_path, b"speech", hashlib.sha256(b"speech").hexdigest())
    target = tmp_path / "target"
    script.fetch(package, target)
    assert (target / "file.bin").read_bytes() == b"speech"
    assert script.is_present(package.files[0], target)  # type: ignore[attr-defined] # a class of the script


def test_another_content_is_refused_and_not_kept(script: ModuleType, tmp_path: Path) -> None:
    package = a_package(script, tmp_path, b"tampered", hashlib.sha256(b"speech").hexdigest())
    with pytest.raises(script.FetchError, match="checksum"):
        script.fetch(package, tmp_path / "target")
    assert not (tmp_path / "target").exists()


def test_a_missing_program_is_named_with_the_remedy(script: ModuleType, tmp_path: Path) -> None:
    package = dataclasses.replace(script.PACKAGES[0], command=("no-such-program-here",))
    with pytest.raises(script.FetchError, match=r"not installed[\s\S]*Fix: install Node"):
        script.fetch(package, tmp_path)


def test_a_failing_program_says_why(script: ModuleType, tmp_path: Path) -> None:
    failing = (sys.executable, "-c", "import sys; sys.exit('no network today')")
    package = dataclasses.replace(script.PACKAGES[1], command=failing)
    with pytest.raises(script.FetchError, match="no network today"):
        script.fetch(package, tmp_path)


def test_no_address_stands_in_the_script() -> None:
    assert "http" not in SCRIPT.read_text(encoding="utf-8")


@pytest.mark.speech
def test_what_is_in_the_package_is_what_is_pinned(script: ModuleType, speech_files: Path) -> None:
    assert all(script.is_present(file, speech_files) for package in script.PACKAGES for file in package.files)
