"""Clients of strangers, unchanged, against the gateway: `python -m tests.clients`, or `make clients`.

What lives here: the command's options, the run of each cell, the exit code.
What never will: a client (`catalogue`), an upstream (`stage`), a judgement (`judge`), the page (`page`).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.rig.house import Built, built

from holdfast.bench.candidates import BenchError
from tests.clients import page
from tests.clients.catalogue import CLIENTS, Client, driven
from tests.clients.cells import Cell
from tests.clients.judge import judged
from tests.clients.speech import speech_file
from tests.clients.stage import UPSTREAMS, Blow, Stage, staged
from tests.clients.tap import Overheard, shortened

SPEED = {False: 8.0, True: 3.0}
"""Of an emulated voice; one that is to be killed in the middle speaks slower."""


async def cell_of(
    stage: Stage, client: Client, scene: str, speech: Path, *, killed: bool, dump: Path | None
) -> Cell:
    """Run one."""
    cell = Cell(client.name, scene, stage.upstream, killed)
    loop = asyncio.get_running_loop()
    blows: list[asyncio.Task[bool]] = []
    async with stage.tap().running() as tap:
        blow = Blow(lambda: blows.append(loop.create_task(stage.kill())))
        if killed:
            tap.on_event = blow.overheard
        extra = {"NODE_EXTRA_CA_CERTS": str(stage.trust)} if stage.trust else {}
        base_url = f"{stage.scheme}://{tap.authority}/v1"
        outcome = await driven(client, scene, base_url, speech, killed=killed, extra=extra)
        has_died = any(await asyncio.gather(*blows))
        cell.failed, cell.said = outcome.failed, outcome.said
        if dump is not None:
            _dump(dump, cell, tap.sockets)
        _judge(cell, tap.sockets, stage.char_ms)
        if killed and not has_died and not cell.failed:
            cell.failed = "the upstream was not killed: no answer was long enough"
    return cell


def _dump(folder: Path, cell: Cell, sockets: Sequence[Overheard]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{cell.upstream}{'-killed' if cell.killed else ''}-{cell.client}-{cell.scene}.jsonl"
    with (folder / name.replace("/", "_").replace(" ", "_")).open("w") as file:
        for one in sockets:
            for way, event in one.both:
                file.write(f"{way} {json.dumps(shortened(event))}\n")


def _judge(cell: Cell, sockets: Sequence[Overheard], char_ms: int | None) -> None:
    if not sockets and not cell.failed:
        cell.failed = "it never connected through the tap"
    for one in sockets:
        cell.events += len(one.server)
        cell.wrong += judged(one, char_ms=char_ms)
    if cell.killed and len(sockets) > 1:
        cell.wrong.append(f"the client had to connect {len(sockets)} times")


async def column(
    made: Built,
    upstream: str,
    chosen: Sequence[tuple[Client, Sequence[str]]],
    *,
    killed: bool,
    dump: Path | None,
) -> list[Cell]:
    """All cells of one upstream."""
    speech = await asyncio.to_thread(speech_file, made.folder)
    wanted = [(client, scene) for client, scenes in chosen for scene in scenes]
    cells = []
    # An engine that has just been killed is started again with care; each death gets a gateway of its own.
    by_tls = [[one for one in wanted if one[0].needs_tls == needs] for needs in (False, True)]
    groups = [[one] for one in wanted] if killed and upstream == "local" else filter(None, by_tls)
    for group in groups:
        is_secure = group[0][0].needs_tls
        async with staged(upstream, made, speed=SPEED[killed], is_secure=is_secure) as stage:
            for client, scene in group:
                missing = client.missing()
                if missing is not None:
                    cell = Cell(client.name, scene, upstream, killed, skipped=missing)
                else:
                    cell = await cell_of(stage, client, scene, speech, killed=killed, dump=dump)
                cells.append(cell)
                _report(cell)
    return cells


def _report(cell: Cell) -> None:
    how = "passed" if cell.passed else "skipped" if cell.skipped else "FAILED"
    dead = ", killed" if cell.killed else ""
    print(
        f"{how:<8} {cell.client:<26} {cell.scene:<14} {cell.upstream}{dead}  {cell.said[:60]!r}", flush=True
    )
    for reason in filter(None, (cell.failed, cell.skipped, *cell.wrong[:8])):
        print(f"         {reason}", flush=True)


async def run(arguments: argparse.Namespace) -> list[Cell]:
    """All cells that were asked for, a few columns at once."""
    places = asyncio.Semaphore(arguments.jobs)

    async def one(upstream: str, *, killed: bool) -> list[Cell]:
        chosen = [
            (client, scenes)
            for client in CLIENTS
            if not arguments.client or any(name in client.name for name in arguments.client)
            if (scenes := _scenes(client, arguments.scene, killed=killed))
        ]
        async with places:
            with built(None) as made:
                return await column(made, upstream, chosen, killed=killed, dump=arguments.dump)

    wanted = [
        (upstream, killed)
        for killed in (False, True)
        if arguments.killed in (None, killed)
        for upstream in arguments.upstream or UPSTREAMS
    ]
    columns = await asyncio.gather(*(one(upstream, killed=killed) for upstream, killed in wanted))
    return [cell for cells in columns for cell in cells]


def _scenes(client: Client, only: Sequence[str] | None, *, killed: bool) -> list[str]:
    scenes = client.killable if killed else client.scenes
    return [scene for scene in scenes if not only or scene in only]


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--client", action="append", help="clients whose name has this; repeatable")
    parser.add_argument("--scene", action="append", help="these scenes only")
    parser.add_argument("--upstream", action="append", choices=UPSTREAMS)
    parser.add_argument(
        "--killed", action=argparse.BooleanOptionalAction, help="only with (without) the kill"
    )
    parser.add_argument("--jobs", type=int, default=2, help="how many columns are run at once")
    parser.add_argument("--dump", type=Path, metavar="FOLDER", help="write down what the tap overheard")
    parser.add_argument("--write", action="store_true", help="write the page of docs/measurements")
    arguments = parser.parse_args()
    try:
        cells = asyncio.run(run(arguments))
    except BenchError as error:
        print(f"error: {error.what}\n  {error.why}\n  {error.fix}", file=sys.stderr)
        return 1
    print(page.table(cells))
    if arguments.write:
        print(f"written: {page.write(cells)}")
    return 0 if all(cell.passed or cell.skipped for cell in cells) else 1


if __name__ == "__main__":
    sys.exit(main())
