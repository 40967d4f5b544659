"""`holdfast emulate`: an OpenAI Realtime upstream on this machine that behaves, or misbehaves as told.

What lives here: the command's options and their judgement. What never will: the upstream (`emulator`).
"""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from holdfast.cli.errors import Exit, fail

if TYPE_CHECKING:
    from holdfast.emulator import Emulator
    from holdfast.emulator.news import News

EXAMPLES = """
Examples:

  holdfast emulate

  holdfast emulate --fault http:503@1 --fault drop:response@2

  holdfast emulate --script turns.toml --json

  OPENAI_API_KEY=any OPENAI_BASE_URL=http://127.0.0.1:9100/v1 holdfast serve

While it runs: GET http://127.0.0.1:9101/sessions for what each session sent and got, POST /faults with
{"faults": ["close:1011:response"]} for other faults from now on.
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
            metavar="NAME[:ARGS][@N]",
            help="A fault, for all connections or the first N; repeatable.",
        ),
    ] = None,
    script: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Turns to play, JSON or TOML: hear, say, call.")
    ] = None,
    api_key: Annotated[str | None, typer.Option(help="The only key accepted; without it any key is.")] = None,
    speed: Annotated[
        float, typer.Option(min=0, max=1000, help="How much faster than real time it speaks; 0: at once.")
    ] = 8.0,
    list_faults: Annotated[bool, typer.Option("--list-faults", help="Print all faults and leave.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """Serve an OpenAI Realtime upstream on this machine that behaves, or misbehaves as told."""
    # numpy and picows are loaded only now: `holdfast --help` shall not wait for them
    from holdfast.emulator import (  # noqa: PLC0415
        Emulator,
        EmulatorOptions,
        FaultSpelling,
        PortTaken,
        ScriptError,
        read_script,
    )

    if list_faults:
        _list_faults(as_json=as_json)
        return
    try:
        options = EmulatorOptions(
            host=host,
            port=port,
            control_port=control_port,
            faults=tuple(faults or ()),
            script=read_script(script) if script is not None else (),
            api_key=api_key,
            speed=speed,
        )
        emulator = Emulator(options)
    except FaultSpelling as wrong:
        what, fix = "A fault is not understood.", "`holdfast emulate --list-faults` prints them all."
        fail(what, str(wrong), fix, exit_code=Exit.WRONG_USE, as_json=as_json)
    except ScriptError as wrong:
        what, fix = "The script cannot be played.", 'Write {"turns": [{"hear": "...", "say": "..."}]}.'
        fail(what, str(wrong), fix, exit_code=Exit.WRONG_USE, as_json=as_json)
    try:
        asyncio.run(_serve(emulator, as_json=as_json))
    except PortTaken as taken:
        fix = "Take others: holdfast emulate --port 0 --control-port 0"
        fail("The emulator cannot listen.", str(taken), fix, as_json=as_json)
    except OSError as failed:
        fix = "Use an address of this machine, such as 127.0.0.1."
        fail("The emulator cannot listen.", failed.strerror or str(failed), fix, as_json=as_json)


async def _serve(emulator: Emulator, *, as_json: bool) -> None:
    """Listen until SIGINT or SIGTERM, telling what comes and goes."""
    from holdfast.emulator.news import follow, listening  # noqa: PLC0415 - as above

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
    from holdfast.emulator import FAULTS  # noqa: PLC0415 - as above
    from holdfast.emulator.news import News  # noqa: PLC0415 - as above

    for kind in FAULTS.values():
        text = f"{kind.form}\n    {kind.meaning}"
        _say(News(text, {"fault": kind.form, "meaning": kind.meaning}), as_json=as_json)


def _say(news: News, *, as_json: bool) -> None:
    print(json.dumps(news.document) if as_json else news.text, flush=True)
