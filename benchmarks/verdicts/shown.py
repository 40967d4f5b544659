"""What the doctor says of a healthy upstream and of the classic failures, for docs/howto/find-the-fault.md.

python -m benchmarks.verdicts.shown            writes the part of the page between its marks
python -m benchmarks.verdicts.shown --check    1 when the page says something else

What lives here: the failures of the brief, running the doctor on each, making the same what differs from run
to run. What never will: words of the doctor's.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from benchmarks.rig.house import PROJECT
from benchmarks.verdicts.caller import Caller, talk_as_page
from benchmarks.verdicts.house import Run, gateway, settings, upstream
from benchmarks.verdicts.truth import HEALTHY, Case
from holdfast import telemetry
from holdfast.cli.doctor import conclude, show
from holdfast.diagnosis import Approach, Check
from holdfast.examination.examination import Examination, Wish

PAGE: Final = PROJECT / "docs" / "howto" / "find-the-fault.md"
BEGIN: Final = "<!-- Written by `python -m benchmarks.verdicts.shown`: change the doctor, not this. -->"
END: Final = "<!-- end -->"

CLASSICS: Final = (
    ("A healthy upstream", "", ""),
    ("403", "http:403", "The key has no access from here, or to this."),
    ("A wrong model", "refuse:invalid_model", "The service accepts the socket, and then refuses the model."),
    (
        "A server error after audio starts",
        "error:server_error:speaking=100",
        "Typing works; as soon as audio comes, *The server had an error while processing your request*.",
    ),
    ("No session is created", "silent-created", "The socket opens, and then nothing comes."),
    ("Quota", "http:429:quota", "A status that also means *too fast*: the body says which."),
)
EARLY: Final = "Audio before the session"

_SAME: Final = (
    (re.compile(r"\b(sess|resp|event|item|req|hf)_[0-9a-f]{6,}"), r"\1_0123"),
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:9100"),
    (re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?(\+00:00)?"), "2026-11-22 09:00"),
    (re.compile(r"\d+(\.\d+)? ms\b"), "12 ms"),
    (re.compile(r"(?m)^\d+\.\d s: "), "0.1 s: "),
    (re.compile(r"\bafter 12 ms, 12 ms of sound"), "after 12 ms, 960 ms of sound"),
)


async def told(fault: str) -> str:
    """The doctor's own lines, without those about this machine."""
    run = Run(Case("shown", "", (HEALTHY,)), 0, 1)
    out = io.StringIO()
    async with upstream(run, [fault] if fault else []) as emulator:
        with settings(emulator.http_base) as of, contextlib.redirect_stdout(out):
            report = await Examination(Wish(approach=Approach(pace=0, speech_s=0.6)), of).run(_beyond_home)
            conclude(replace(report, checks=[one for one in report.checks if not _is_home(one)]))
    return steady(out.getvalue())


async def told_of_early_audio() -> str:
    """A page that speaks before `create_session`: its session, looked at afterwards."""
    run = Run(Case("shown", "", (HEALTHY,)), 0, 1)
    out = io.StringIO()
    async with upstream(run, []) as emulator:
        with settings(emulator.http_base) as of:
            async with gateway(of) as door:
                caller = await Caller.connect(f"ws://{door.authority}/api/openai/realtime")
                caller.send_binary(bytes(4_800))
                await caller.until(lambda: bool(caller.of("error")), 3.0)
                await talk_as_page(caller, run.chance)
                session = caller.of("session_created")[0]["sessionId"]
                with contextlib.redirect_stdout(out):
                    report = await Examination(Wish(session=session, url=door.address), of).run(show)
                    conclude(report)
    return steady(out.getvalue())


def _is_home(check: Check) -> bool:
    return check.id.startswith("home.")


def _beyond_home(check: Check) -> None:
    if not _is_home(check):
        show(check)


def steady(text: str) -> str:
    """What differs from run to run, made the same."""
    for pattern, same in _SAME:
        text = pattern.sub(same, text)
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


async def section() -> str:
    """The part of the page."""
    parts = [BEGIN]
    for title, fault, words in CLASSICS:
        provoked = f"`holdfast emulate --fault {fault}`" if fault else "`holdfast emulate`"
        said = await told(fault)
        parts += [f"### {title}", f"{words} {provoked}, then `holdfast doctor`:".strip(), _block(said)]
    early = (
        "A page sends audio first. The gateway keeps it, says so once; the doctor finds it in the session:"
    )
    parts += [f"### {EARLY}", early, _block(await told_of_early_audio()), END]
    return "\n\n".join(parts)


def _block(text: str) -> str:
    return f"```text\n{text}\n```"


def placed(page: str, part: str) -> str:
    """The page with this part. ValueError where its marks are missing."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{PAGE} has lost its marks")
    return before + part + after


def main(argv: Sequence[str], page: Path = PAGE) -> int:
    """0: written, or the same."""
    telemetry.configure(level="critical")
    now = page.read_text(encoding="utf-8")
    fresh = placed(now, asyncio.run(section()))
    if "--check" in argv:
        return int(fresh != now)
    page.write_text(fresh, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
