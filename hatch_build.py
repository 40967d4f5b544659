"""The wheel carries the built web client and the speech files: this hook sees to it.

What lives here: asking for what is missing, once, before hatchling collects files. An editable install
needs neither, so it never calls npm. An sdist carries both, so installing from it needs no Node.js.
What never will: a second way to build the web client (`make web` and this hook run the same command).
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PAGES = ("index.html", "console/index.html")
REMEDY = "run `make web speech` in the checkout first (it needs Node.js 20.19+ with npm), then build again"


class CarriedFiles(BuildHookInterface):  # type: ignore[type-arg] # hatchling's configuration type is not ours to name
    """Builds or fetches what a distribution must carry; says in one sentence why it cannot."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before it collects files; `version` is "standard" or "editable"."""
        if version == "editable":
            return
        root = Path(self.root)
        if self.target_name == "wheel":
            build_compiled(root, build_data)
        if not all((root / "src/holdfast/_web" / page).is_file() for page in PAGES):
            build_web(root / "web")
        if not (root / "src/holdfast/_speech/silero_vad_16k_op15.onnx").is_file():
            fetch_speech(root)


def build_compiled(root: Path, build_data: dict[str, Any]) -> None:
    """Compile the usual way of audio and recognition's scores where there is a C compiler: then the wheel is
    one for this platform.
    """
    command = (sys.executable, str(root / "scripts/build_native.py"))
    if subprocess.run(command, cwd=root, check=False).returncode != 0:  # noqa: S603 - our own
        sys.exit("error: a compiled part was not built: see above, or build with CC=none.")
    if any(
        list((root / "src/holdfast").glob(f"{made}*.so"))
        for made in ("express/_express", "engine/_densities")
    ):
        build_data["pure_python"], build_data["infer_tag"] = False, True


def build_web(web: Path) -> None:
    """Run the web client's own build, which writes src/holdfast/_web."""
    npm = shutil.which("npm")
    if npm is None:
        sys.exit(f"error: the web client is not built and npm is not here: {REMEDY}.")
    for command in ((npm, "ci", "--silent"), (npm, "run", "build", "--silent")):
        if subprocess.run(command, cwd=web, check=False).returncode != 0:  # noqa: S603 - the checkout's own build
            sys.exit(f"error: `{' '.join(command[1:])}` failed in {web}: {REMEDY}.")


def fetch_speech(root: Path) -> None:
    """Fetch the embedded engine's files, which the script puts into src/holdfast/_speech."""
    script = root / "scripts/fetch_speech.py"
    if subprocess.run((sys.executable, str(script)), cwd=root, check=False).returncode != 0:  # noqa: S603 - same
        sys.exit(f"error: the speech files could not be fetched: {REMEDY}.")
