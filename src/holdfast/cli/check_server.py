"""`holdfast check-server`: conformance and chaos checks against any server of the Realtime dialect.

What lives here: the command's options, its table. What never will: the checks (`conformance`).
"""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

import typer

from holdfast import telemetry
from holdfast.cli.address import judge_address
from holdfast.cli.errors import Exit, fail, shows_unicode
from holdfast.cli.trust import CaFile, judge_ca
from holdfast.client import RecordingError, read_wav
from holdfast.conformance import CHECKS, Check, Outcome, Report, Result, Target, Unreachable, chosen, run
from holdfast.core.models import DEFAULT_MODEL
from holdfast.diagnosis.offline import is_loopback
from holdfast.engine import flite_wasm
from holdfast.engine.options import FLITE, SPEECH_FOLDER
from holdfast.engine.resample import to_pcm, up

EXAMPLES = """
Examples:

  holdfast check-server ws://127.0.0.1:9100/v1/realtime --chaos

  holdfast check-server wss://api.openai.com/v1/realtime --key-env OPENAI_API_KEY --only text --only tool

  holdfast check-server ws://127.0.0.1:8080/v1/realtime --upstream-control http://127.0.0.1:9101

  holdfast check-server ws://127.0.0.1:8080/v1/realtime --json

A real provider is paid for what is said: about seventy short answers.
"""
NO_KEY: Final = "none"
"""What is sent as a key where none was named: servers on this machine ask for one and take any."""
_SENTENCE: Final = "what is my balance"
_VOICE: Final = "rms"
_MARKS: Final = {Outcome.PASSED: "✓", Outcome.FAILED: "✗", Outcome.SKIPPED: "-"}
_PLAIN_MARKS: Final = {Outcome.PASSED: "ok", Outcome.FAILED: "XX", Outcome.SKIPPED: "--"}
_ID_WIDTH: Final = 30
_SECTION_WIDTH: Final = 9


def check_server(
    url: Annotated[str | None, typer.Argument(help="The server's address, ws:// or wss://.")] = None,
    *,
    key_env: Annotated[
        str | None, typer.Option("--key-env", help="The variable that holds the key; none: no real key.")
    ] = None,
    model: Annotated[str, typer.Option(help="The model to ask for.")] = DEFAULT_MODEL,
    only: Annotated[
        list[str] | None, typer.Option(metavar="GROUP|ID", help="Only these checks; repeatable.")
    ] = None,
    chaos: Annotated[
        bool, typer.Option("--chaos", help="Behave badly, too: floods, resets, garbage.")
    ] = False,
    upstream_control: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="The control port of the emulator behind a gateway: its upstream is broken."
        ),
    ] = None,
    speech: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A WAV file with a spoken sentence; else our own voice speaks."),
    ] = None,
    many: Annotated[int, typer.Option(min=2, max=1000, help="Sessions at once in chaos.many.")] = 20,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds that any answer may take.")] = 10.0,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Accept any certificate; for test servers.")
    ] = False,
    ca: CaFile = None,
    list_checks: Annotated[bool, typer.Option("--list", help="Print all checks and leave.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Check a server or gateway of the OpenAI Realtime dialect, from outside."""
    if list_checks:
        _list(as_json=as_json)
        return
    if url is None:
        fix = "holdfast check-server ws://127.0.0.1:9100/v1/realtime"
        why = "It is asked over a WebSocket."
        fail("an address is needed.", why, fix, exit_code=Exit.WRONG_USE, as_json=as_json)
    for address in filter(None, (url, upstream_control)):
        judge_address(address, as_json=as_json)
    judge_ca(ca, as_json=as_json)
    try:
        wanted = chosen(only or (), with_chaos=chaos, with_upstream=upstream_control is not None)
    except KeyError as unknown:
        fix = "`holdfast check-server --list` prints all."
        fail(f"no check is called {unknown}.", "", fix, exit_code=Exit.WRONG_USE, as_json=as_json)
    target = Target(
        url=url,
        credential=_credential(url, key_env, as_json=as_json),
        model=model,
        speech=_speech(speech, as_json=as_json),
        control=upstream_control,
        patience_s=timeout,
        many=many,
        insecure=insecure,
        ca=ca,
    )
    logs = telemetry.configure(level="critical")
    try:
        report = asyncio.run(run(target, wanted, (lambda _: None) if as_json else Table(len(wanted)).show))
    except Unreachable as unreachable:
        fix = "Start it, or correct the address, the model or the key."
        fail(f"{url} cannot be checked.", str(unreachable), fix, as_json=as_json)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    finally:
        logs.close()
    if as_json:
        print(json.dumps({"url": url, **report.as_object()}, ensure_ascii=False, indent=2))
    else:
        conclude(report)
    raise typer.Exit(Exit.FINE if report.passed else Exit.TROUBLE)


class Table:
    """Prints each check as it ends."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._made = 0

    def show(self, result: Result) -> None:
        """One line; a failed check also says what was asked and what was seen."""
        self._made += 1
        check = result.check
        progress = f"{self._made:>{len(str(self._total))}}/{self._total}"
        told = "" if result.outcome is Outcome.FAILED else result.evidence
        name = f"{check.id:<{_ID_WIDTH}} {check.section:<{_SECTION_WIDTH}}"
        print(f"{progress} {_mark(result)} {name} {told}  ({result.ms:.0f} ms)", flush=True)
        if result.outcome is Outcome.FAILED:
            print(f"    asked  {check.sentence}")
            print(f"    seen   {result.evidence}", flush=True)


def conclude(report: Report) -> None:
    """The sums, and the names of what failed."""
    counts = ", ".join(f"{report.count(outcome)} {outcome}" for outcome in Outcome)
    print(f"\n{len(report.results)} checks: {counts}")
    for result in report.results:
        if result.outcome is Outcome.FAILED:
            print(f"  {result.check.id}")


def _mark(result: Result) -> str:
    unicode = shows_unicode()
    return (_MARKS if unicode else _PLAIN_MARKS)[result.outcome]


def _list(*, as_json: bool) -> None:
    def document(check: Check) -> dict[str, str]:
        return {"id": check.id, "sentence": check.sentence, "section": check.section}

    for check in CHECKS:
        plain = f"{check.id:<{_ID_WIDTH}}  {check.section:<{_SECTION_WIDTH}} {check.sentence}"
        print(json.dumps(document(check)) if as_json else plain)


def _credential(url: str, key_env: str | None, *, as_json: bool) -> str:
    if key_env is None:
        return NO_KEY
    key = os.environ.get(key_env, "")
    if not key:
        fix = f"Set {key_env} to the key."
        fail(f"{key_env} is not set.", "", fix, exit_code=Exit.WRONG_USE, as_json=as_json)
    if urlsplit(url).scheme in {"ws", "http"} and not is_loopback(url):
        why = "A key is not sent unencrypted to another machine."
        fail(f"{url} is not encrypted.", why, "Use wss://.", exit_code=Exit.WRONG_USE, as_json=as_json)
    return key


def _speech(path: Path | None, *, as_json: bool) -> bytes | None:
    if path is None:
        return own_voice()
    try:
        return read_wav(path).pcm
    except RecordingError as error:
        fail(error.what, error.why, error.fix, exit_code=Exit.WRONG_USE, as_json=as_json)


def own_voice() -> bytes | None:
    """A sentence as PCM16 24 kHz in the embedded engine's voice; None where its files are not there."""
    file = SPEECH_FOLDER / FLITE
    if not file.is_file():
        return None
    voice = flite_wasm.FliteWasm(flite_wasm.load(file, flite_wasm.cache_folder()))
    resampler = up()
    spoken = [resampler.feed(samples) for samples in voice.speak(_SENTENCE, _VOICE, 1.0, lambda: False)]
    return b"".join(map(to_pcm, spoken))
