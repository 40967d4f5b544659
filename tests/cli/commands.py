"""Running a command as `holdfast NAME ...` does, from a test that has an event loop of its own."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
from dataclasses import dataclass
from typing import Any

from holdfast.cli import main


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def output(self) -> str:
        return self.stdout + self.stderr

    @property
    def error(self) -> dict[str, Any]:
        """The one object that `--json` puts on standard error."""
        told: dict[str, Any] = json.loads(self.stderr)["error"]
        return told


def run(*arguments: str) -> Done:
    """Run it here and now."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(arguments)
            code: Any = 0
        except SystemExit as end:
            code = end.code
    return Done(int(code or 0), out.getvalue(), err.getvalue())


async def run_beside(*arguments: str) -> Done:
    """Run it in a thread, while this loop serves what it dials."""
    return await asyncio.to_thread(run, *arguments)
