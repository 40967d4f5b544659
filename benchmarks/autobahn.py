"""Autobahn's fuzzing client at both sockets: `python -m benchmarks.autobahn --wstest .../bin/wstest`.

What lives here: our whole socket stack (uvicorn, the hand-over, `ClientSocket`) with an echo in place of a
conversation, at both paths; Autobahn's client as a process of its own; the count of its verdicts.
What never will: a gateway (it would not echo), Autobahn itself (`scripts/wstest.sh` sees to that).

Two profiles. *test* has bounds that no case reaches: all that is judged is the protocol. *production* has the
gateway's own bounds, and the cases that differ are those that send more than a client may.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI
from picows import WSUpgradeRequest, WSUpgradeResponse, WSUpgradeResponseWithListener

from benchmarks.rig.report import Result, arguments, carry_out, progress
from holdfast.bench.candidates import BenchError
from holdfast.bench.revision import this_checkout
from holdfast.core.limits import Limits
from holdfast.ports import ClientLine
from holdfast.server.client_socket import ClientSocket
from holdfast.server.host import BROWSER_PATH, REALTIME_PATH, bounds_of
from holdfast.server.listening import bound_socket, listening, uvicorn_server
from holdfast.sockets import MessageBounds

PATHS: Final = (BROWSER_PATH, REALTIME_PATH)
FAILED: Final = frozenset({"FAILED", "WRONG CODE", "UNCLEAN", "FAILED BY CLIENT", "NO CLOSE"})
"""Verdicts, of a case or of how it was closed, that are a breach of the protocol."""
PERFECT: Final = frozenset({"OK", "INFORMATIONAL"})
UNREACHED: Final = MessageBounds(text_bytes=32 * 2**20, binary_bytes=32 * 2**20, fragments=2**20)
"""The largest case sends 16 MiB, the most scattered 65,536 fragments."""
COMPRESSION: Final = ("12.*", "13.*")
"""Extensions are negotiated, and we negotiate none."""
CASES: Final = 301
"""So many the suite has without compression."""
WAIT_S: Final = 1200
TOO_LARGE: Final = 1009


class Echo:
    """A conversation that says back what it hears."""

    def __init__(self, line: ClientLine) -> None:
        self._line = line

    def start(self) -> None:
        """Nothing is said first."""

    def client_text(self, payload: bytes) -> None:
        self._line.send_text(payload)

    def client_binary(self, payload: bytes) -> None:
        self._line.send_binary(payload)

    def client_breached(self, code: int, reason: str) -> None:
        """The close says it."""

    def client_closed(self, code: int, reason: str) -> None:
        """Nothing was kept."""

    def client_stalled(self, waiting_bytes: int) -> None:
        """Autobahn reads when it has written."""

    def drain(self, *, at_once: bool = False) -> None:  # noqa: ARG002 - the port's signature
        self._line.close(1001, "draining")


@dataclass(frozen=True, slots=True)
class Echoing:
    """A router without a gate: every upgrade becomes an echo within the bounds of its path."""

    bounds: Mapping[str, MessageBounds]
    outbox_bytes: int = 64 * 2**20

    def __call__(self, request: WSUpgradeRequest, peer: str, scheme: str) -> WSUpgradeResponseWithListener:  # noqa: ARG002 - the port's signature
        path = request.path.decode("latin-1").partition("?")[0]
        socket = ClientSocket(Echo, self.bounds[path], self.outbox_bytes)
        return WSUpgradeResponseWithListener(WSUpgradeResponse.create_101_response(None), socket)

    def may_accept(self) -> bool:
        """Always."""
        return True

    def frame_bytes_max(self, path: str) -> int:
        """As the gateway's router says it."""
        return self.bounds[path].frame_bytes


PROFILES: Final[Mapping[str, Mapping[str, MessageBounds]]] = {
    "test": dict.fromkeys(PATHS, UNREACHED),
    "production": {path: bounds_of(path, Limits()) for path in PATHS},
}


@contextlib.asynccontextmanager
async def echoing(bounds: Mapping[str, MessageBounds]) -> AsyncIterator[str]:
    """The stack with an echo behind it; answers its authority."""
    server = uvicorn_server(FastAPI(openapi_url=None), Echoing(bounds), drain_s=1)
    sock = bound_socket("127.0.0.1", 0)
    with contextlib.closing(sock):
        async with listening(server, sock) as authority:
            yield authority


@dataclass(frozen=True, slots=True)
class Verdict:
    """What Autobahn says of one case."""

    case: str
    behavior: str
    closing: str
    code: int | None
    """The close code that we sent."""

    @property
    def is_failed(self) -> bool:
        return bool({self.behavior, self.closing} & FAILED)

    @property
    def is_perfect(self) -> bool:
        return {self.behavior, self.closing} <= PERFECT


async def fuzz(wstest: Path, authority: str, cases: Sequence[str]) -> dict[str, list[Verdict]]:
    """Run the client against both paths; its verdicts by path."""
    with tempfile.TemporaryDirectory(prefix="holdfast-autobahn-") as folder:
        reports = Path(folder) / "reports"
        spec = Path(folder) / "spec.json"
        spec.write_text(json.dumps(_spec(authority, reports, cases)))
        process = await asyncio.create_subprocess_exec(
            str(wstest),
            "-m",
            "fuzzingclient",
            "-s",
            str(spec),
            cwd=folder,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip - a command and its surroundings
        try:
            async with asyncio.timeout(WAIT_S):
                told, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        index = reports / "index.json"
        if not index.is_file():
            raise BenchError("Autobahn's client left no report.", told.decode()[-500:], "Run it by hand.")
        return {path: _verdicts(one) for path, one in json.loads(index.read_text()).items()}


def _spec(authority: str, reports: Path, cases: Sequence[str]) -> dict[str, Any]:
    servers = [{"agent": path, "url": f"ws://{authority}{path}"} for path in PATHS]
    chosen = {"cases": list(cases), "exclude-cases": list(COMPRESSION), "exclude-agent-cases": {}}
    return {"outdir": str(reports), "servers": servers, **chosen}


def _verdicts(told: Mapping[str, Mapping[str, Any]]) -> list[Verdict]:
    found = [
        Verdict(case, one["behavior"], one["behaviorClose"], one["remoteCloseCode"])
        for case, one in told.items()
    ]
    return sorted(found, key=lambda one: [int(part) for part in one.case.split(".")])


def judge(profile: str, found: Mapping[str, Sequence[Verdict]], result: Result) -> None:
    """One row for each path, the cases that differ as notes, and what must be so."""
    for path, verdicts in found.items():
        counts = Counter(one.behavior for one in verdicts)
        failed = [one for one in verdicts if one.is_failed]
        result.rows.append(
            {
                "profile": profile,
                "path": path,
                "cases": len(verdicts),
                "passed": counts["OK"],
                "non-strict": counts["NON-STRICT"],
                "informational": counts["INFORMATIONAL"],
                "failed": len(failed),
            }
        )
        differing = ", ".join(_told(one) for one in verdicts if not one.is_perfect) or "none"
        result.notes.append(f"{profile}, {path}: cases that are not passed to the letter: {differing}")
        result.details[f"{profile} {path}"] = {one.case: [one.behavior, one.closing] for one in verdicts}
        if profile == "test":
            result.check(f"{path}: cases failed", len(failed), 0)
        else:
            beyond = sum(one.code != TOO_LARGE for one in failed)
            result.check(f"{path}: cases that differ, but not by a refusal with 1009", beyond, 0)


def _told(one: Verdict) -> str:
    what = one.behavior if one.behavior not in PERFECT else f"closed {one.closing}"
    return f"{one.case} ({what.lower()})"


async def measure_all(asked: argparse.Namespace, result: Result) -> None:
    """Both profiles, one after the other."""
    for profile in asked.profiles.split(","):
        progress(f"{profile} profile")
        async with echoing(PROFILES[profile]) as authority:
            found = await fuzz(asked.wstest, authority, asked.cases)
        judge(profile, found, result)
        if asked.cases == ["*"] and profile == "test":
            fewest = min(map(len, found.values()), default=0)
            result.check(
                "cases on each path", fewest, CASES, is_fine=fewest == CASES and len(found) == len(PATHS)
            )


def main(argv: Sequence[str] | None = None) -> int:
    """Run, print, write. 1 when a case of the test profile failed."""
    parser = arguments(str(__doc__).partition("\n")[0])
    parser.add_argument("--wstest", type=Path, required=True, help="Autobahn's program")
    parser.add_argument("--profiles", default=",".join(PROFILES), help="both, or one of them")
    parser.add_argument("--cases", nargs="*", default=["*"], help="patterns, as Autobahn writes them")
    asked = parser.parse_args(argv)
    # Breaches are what the cases are about: with a handler that says nothing picows does not tell of each.
    logging.getLogger("picows").addHandler(logging.NullHandler())
    shape = {"profiles": asked.profiles, "cases": " ".join(asked.cases)}
    title = "Autobahn's fuzzing client at both sockets"
    result = Result("autobahn", title, this_checkout(), asked.seed, shape)
    return carry_out(result, asked, lambda result: measure_all(asked, result))


if __name__ == "__main__":
    sys.exit(main())
