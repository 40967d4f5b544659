"""Where there is no container engine: rooms of this machine's own files, written over and thrown away.

What lives here: an overlay over `/` in a mount namespace of our own, COPY and RUN carried out in it, and the
last stage started as the image says: read-only, as its user, with nothing but /data to write to.
What never will: what must hold of it (`__main__`).

The base images are not fetched. This machine stands for them: a Linux with Python 3.11 and Node.js, where we
are root. What the base images lack that this machine has, these rooms cannot show.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final

from tests.image.dockerfile import Stage, Step

HIDDEN: Final = ("/tmp", "/var/tmp", "/home", "/work", "/srv", "/mnt")
"""Folders of this machine that no image has anything of: empty in every room."""
BUILD_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
NODE_MODULES: Final = "/usr/local/lib/node_modules"
CHROOT: Final = "/usr/sbin/chroot"


class RoomError(Exception):
    """A step failed."""


@dataclass(slots=True)
class Room:
    """One stage's file system. `folder` is on a memory file system: layers must not lie below `/`."""

    folder: Path
    stage: Stage
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        return self.folder / "root"

    def open(self) -> None:
        """Put the overlay in place, with what every container is given."""
        for name in ("upper", "work", "root"):
            (self.folder / name).mkdir(parents=True)
        layers = f"lowerdir=/,upperdir={self.folder}/upper,workdir={self.folder}/work"
        _run("mount", "-t", "overlay", "overlay", "-o", layers, str(self.root))
        for hidden in HIDDEN:
            target = self.root / hidden.lstrip("/")
            if target.is_dir():
                _run("mount", "-t", "tmpfs", "-o", "mode=1777", "tmpfs", str(target))
        _run("mount", "-t", "proc", "proc", str(self.root / "proc"))
        for shared in ("/dev", "/dev/shm"):
            _run("mount", "--bind", shared, f"{self.root}{shared}")
        self._be_a_base_image()

    def _be_a_base_image(self) -> None:
        """Python where the Python image has it, Node.js where its own has it."""
        local = self.root / "usr/local/bin"
        if self.stage.base.startswith("python:"):
            for name in ("python", "python3"):
                (local / name).unlink(missing_ok=True)
                (local / name).symlink_to("/usr/bin/python3.11")
        elif self.stage.base.startswith("node:"):
            shutil.copy2(Path(_found("node")).resolve(), local / "node")
            npm = Path(_found("npm")).resolve().parent.parent
            shutil.copytree(npm, self.root / NODE_MODULES.lstrip("/") / "npm", symlinks=True)

    def close_for_writing(self, uid: int) -> None:
        """Read-only from now on, /tmp too; /data is a volume of the image's user."""
        for hidden in HIDDEN:
            target = self.root / hidden.lstrip("/")
            if target.is_dir():
                _run("mount", "-o", "remount,ro", str(target))
        _run("mount", "-t", "tmpfs", "-o", f"mode=0700,uid={uid},gid={uid}", "tmpfs", str(self.root / "data"))
        _run("mount", "-o", "remount,ro", str(self.root))

    def copy(self, step: Step, context: Path, visible: Sequence[Path], others: Mapping[str, Room]) -> None:
        """COPY: from the checkout, as far as an image may see it, or from an earlier stage."""
        *sources, written = step.words
        target = self.root / PurePosixPath(self._workdir(), written).relative_to("/")
        if "from" in step.options:
            for source in sources:
                _copied(others[step.options["from"]].root / source.lstrip("/"), target)
            return
        for source in sources:
            found = [path for path in visible if path == Path(source) or Path(source) in path.parents]
            if not found:
                raise RoomError(f"COPY {source}: there is no such file, or .dockerignore hides it")
            for path in found:
                is_folder = path != Path(source)
                inside = path.relative_to(source) if is_folder else Path(path.name)
                into = target / inside if is_folder or written.endswith("/") or written == "." else target
                into.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(context / path, into)

    def _workdir(self) -> str:
        return self.environment.get("_WORKDIR", "/")

    def enter(self, folder: str) -> None:
        """WORKDIR."""
        self.environment["_WORKDIR"] = folder
        Path(f"{self.root}{folder}").mkdir(parents=True, exist_ok=True)

    def run(self, command: str) -> None:
        """RUN, as root, by a shell, in the working folder."""
        inside = f"cd {self._workdir()} && {command}"
        environment = {**_registries(), "HOME": "/root", "PATH": BUILD_PATH}
        ended = subprocess.run(
            (CHROOT, str(self.root), "/bin/sh", "-euc", inside),
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if ended.returncode:
            raise RoomError(f"RUN {command}\n{ended.stdout[-1500:]}\n{ended.stderr[-1500:]}")

    def start(self, command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[str]:
        """A process of the finished image: its user, its folder, no privilege to be had any more."""
        uid, _, gid = self.stage.last("USER").words[0].partition(":")
        folder = self.stage.last("WORKDIR").rest
        whole = (
            CHROOT,
            str(self.root),
            "setpriv",
            f"--reuid={uid}",
            f"--regid={gid}",
            "--clear-groups",
            "--no-new-privs",
            "--bounding-set=-all",
            "env",
            f"--chdir={folder}",
            *command,
        )
        return subprocess.Popen(
            whole,
            env={**self.stage.environment, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


def _copied(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)


def _registries() -> dict[str, str]:
    """How this machine reaches package registries; an engine would be told by build arguments."""
    wanted = (
        "PIP_",
        "npm_config_",
        "SSL_CERT",
        "NODE_EXTRA",
        "REQUESTS_CA",
        "http_proxy",
        "https_proxy",
        "no_proxy",
    )
    return {name: value for name, value in os.environ.items() if name.startswith(wanted)}


def _found(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise RoomError(f"{name} is not here, and no base image is fetched")
    return found


def _run(*command: str) -> None:
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise RoomError(f"{' '.join(command)}: {ended.stderr.strip()}")
