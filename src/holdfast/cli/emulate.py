"""`holdfast emulate`: an OpenAI Realtime upstream on this machine that behaves, or misbehaves as told.

What lives here: the command's options and their judgement. What never will: the upstream (`emulator`).
"""

from __future__ import annotations

import asyncio
import gc
import json
import signal
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from holdfast.cli.errors import Exit, fail, say
from holdfast.emulator import (
    FAULTS,
    MOMENTS,
    DialectName,
    Emulator,
    EmulatorOptions,
    FaultSpelling,
    PortTaken,
    Script,
    ScriptError,
    read_script,
)
from holdfast.emulator.news import News, follow, listening
from holdfast.emulator.spelling import SUFFIXES

_WIDTH: Final = 56


def fault_table() -> str:
    """All faults and moments as the help shows them, made from the two tables of the emulator."""
    faults = _columns([(kind.form, kind.meaning) for kind in FAULTS.values()])
    moments = _columns([(one.form, f"{one.meaning} ({one.state})") for one in MOMENTS.values()])
    return "\n\n".join(
        (
            f"\b\nFaults, each written NAME[:ARGS]{SUFFIXES}:\n{faults}",
            f"\b\nMoments, or the number of a client message:\n{moments}",
            _LEGEND,
        )
    )


def _columns(rows: Sequence[tuple[str, str]]) -> str:
    """Two columns; a meaning that does not fit beside its name goes on below."""
    lines = []
    for form, meaning in rows:
        first, *more = textwrap.wrap(meaning, _WIDTH)
        if len(form) <= _NAME_WIDTH:
            lines.append(f"  {form:<{_NAME_WIDTH}}  {first}")
        else:
            lines += [f"  {form}", f"  {'':<{_NAME_WIDTH}}  {first}"]
        lines += [f"  {'':<{_NAME_WIDTH}}  {line}" for line in more]
    return "\n".join(lines)


_NAME_WIDTH: Final = 28
_LEGEND: Final = """\
@N: the first N connections only; @A-B, @A-: from the A-th on. times: how often in all; chance: how probable
each time it could happen, drawn by --seed. Faults of one moment happen in the order given."""
EXAMPLES = f"""
Examples:

  holdfast emulate

  holdfast emulate --fault http:503@1 --fault reset:response@2

  holdfast emulate --fault drop:delta=3,chance=0.2 --seed 7

  holdfast emulate --script broken.toml --json

  holdfast emulate --dialect azure --deployment voice

  OPENAI_API_KEY=any OPENAI_BASE_URL=http://127.0.0.1:9100/v1 holdfast serve

While it runs: GET http://127.0.0.1:9101/ tells what can be asked, such as the books of each session, other
faults from now on, going dark and coming back.

{fault_table()}
"""


def emulate(
    *,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the Realtime API; 0 takes a free one.")
    ] = 9100,
    control_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the control API; 0 takes a free one.")
    ] = 9101,
    faults: Annotated[
        list[str] | None,
        typer.Option(
            "--fault",
            metavar="NAME[:ARGS]...",
            help="A fault of the table below; repeatable.",
        ),
    ] = None,
    script: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Turns to play and steps that break, JSON or TOML."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of every chance; else the script's, else 0.")] = None,
    api_key: Annotated[str | None, typer.Option(help="The only key accepted; without it any key is.")] = None,
    speed: Annotated[
        float, typer.Option(min=0, max=1000, help="How much faster than real time it speaks; 0: at once.")
    ] = 8.0,
    dialect: Annotated[
        DialectName,
        typer.Option(help="Whose address, checks and shape; `beta` is OpenAI's before GA."),
    ] = "openai",
    deployments: Annotated[
        list[str] | None,
        typer.Option("--deployment", help="A deployment that Azure has; repeatable. None named: any."),
    ] = None,
    keep_audio: Annotated[
        bool, typer.Option("--keep-audio", help="Keep what is heard, for /sessions/ID/audio.")
    ] = False,
    list_faults: Annotated[bool, typer.Option("--list-faults", help="Print all faults and leave.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """Serve an OpenAI Realtime upstream on this machine that behaves, or misbehaves as told."""
    if list_faults:
        _list_faults(as_json=as_json)
        return
    try:
        played = Script() if script is None else read_script(script)
        options = EmulatorOptions(
            host=host,
            port=port,
            control_port=control_port,
            faults=(*played.faults, *(faults or ())),
            seed=played.seed if seed is None else seed,
            script=played.turns,
            api_key=api_key,
            speed=speed,
            keep_audio=keep_audio,
            dialect=dialect,
            deployments=tuple(deployments or ()),
        )
        emulator = Emulator(options)
    except FaultSpelling as wrong:
        what, fix = "A fault is not understood.", "`holdfast emulate --list-faults` prints them all."
        fail(what, str(wrong), fix, exit_code=Exit.WRONG_USE, as_json=as_json)
    except ScriptError as wrong:
        what = "The script cannot be played."
        how = "[[turns]] with say, [[steps]] with fault (docs/howto/misbehave-on-purpose.md)"
        fix = f"A script is TOML or JSON: {how}."
        fail(what, str(wrong), fix, exit_code=Exit.WRONG_USE, as_json=as_json)
    _collect_seldom()
    try:
        asyncio.run(_serve(emulator, as_json=as_json))
    except PortTaken as taken:
        fix = "Take others: holdfast emulate --port 0 --control-port 0"
        fail("The emulator cannot listen.", str(taken), fix, as_json=as_json)
    except OSError as failed:
        fix = "Use an address of this machine, such as 127.0.0.1."
        fail("The emulator cannot listen.", failed.strerror or str(failed), fix, as_json=as_json)


def _collect_seldom() -> None:
    """The books are what a full collection of garbage looks through: half a second in which nobody is heard,
    and which whoever measures would lay at the door of what stands before the emulator.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 1_000)


async def _serve(emulator: Emulator, *, as_json: bool) -> None:
    """Listen until SIGINT or SIGTERM, telling what comes and goes."""
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)

    async def report() -> None:
        async for news in follow(emulator):
            _say(news, as_json=as_json)

    async with emulator:
        _say(listening(emulator), as_json=as_json)
        reporter = asyncio.create_task(report())
        await stop.wait()
        reporter.cancel()
        await asyncio.wait([reporter])


def _list_faults(*, as_json: bool) -> None:
    if not as_json:
        print(fault_table().replace("\b\n", ""))
        return
    for kind in FAULTS.values():
        document = {"fault": kind.form, "row": kind.row, "meaning": kind.meaning}
        _say(News("", document), as_json=True)


def _say(news: News, *, as_json: bool) -> None:
    say(json.dumps(news.document) if as_json else news.text)
