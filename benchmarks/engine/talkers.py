"""How many people can talk at once? `python -m benchmarks.engine.talkers [--people 2 16 24 30 36 40]`.

What lives here: real workers, one for each of two cores, and people who never stop talking: microphones
that run in real time, an utterance, the answer's first sound, the next utterance a moment later. The load
has cores of its own. What never will: the engine's insides; everything is read off the events.

The lag of a turn's end is what the engine says it heard (`audio_end_ms`) against when that sample left here.
What the load itself takes, and how long a worker was runnable while somebody else had its core, are told with
each step: where the first is near a core or the second more than some percent, a step says nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pybase64

from benchmarks.engine.latency import QUESTIONS
from benchmarks.engine.line import BYTES_PER_MS, EngineLine
from benchmarks.engine.phrases import reference_folder
from benchmarks.engine.speech import in_a_room, recorded, synthesised
from benchmarks.rig.house import PROJECT
from benchmarks.rig.report import Cell, Result, arguments, carry_out, progress
from holdfast.bench import machine
from holdfast.bench.revision import this_checkout
from holdfast.engine.options import EngineOptions
from holdfast.engine.pool import EnginePool
from holdfast.engine.stages import Samples
from holdfast.portal import Portal, instructions
from holdfast.ports import ToolContext

GOAL: Final = 30
SLOWER_MAX: Final = 1.5
LAG_MAX_MS: Final = 200.0
VAD_GOAL_MS: Final = 2.0
_PEOPLE: Final = (2, 16, 24, 30, 34, 38, 42)
_VAD_PEOPLE: Final = (1, 8, 16, 32)
_WORKER_CORES: Final = 2
_PATIENCE_S: Final = 4.0
_BREATH_S: Final = 0.3
_WARM_UP_S: Final = 4.0
_LOUD: Final = 0.02
_HEAD_BYTES: Final = 160
_APPEND: Final = b'{"type":"input_audio_buffer.append","audio":"%b"}'
_SHORT_RECORDINGS: Final = (
    "ps_goforward",
    "ps_cards_003",
    "ps_cards_005",
    "lj_0002",
    "sb_spk1_snt1",
    "sb_spk1_snt2",
    "sb_spk1_snt5",
)
"""People who say one sentence without a pause."""


@dataclass(slots=True)
class Heard:
    """What one step of people found."""

    first_sound_ms: list[float] = field(default_factory=list)
    lag_ms: list[float] = field(default_factory=list)
    unanswered: int = 0
    spoken_s: float = 0.0

    def join(self, other: Heard) -> None:
        """Another person's figures."""
        self.first_sound_ms += other.first_sound_ms
        self.lag_ms += other.lag_ms
        self.unanswered += other.unanswered
        self.spoken_s += other.spoken_s


class Microphone(EngineLine):
    """A line that reads only what it must."""

    def __init__(self) -> None:
        super().__init__()
        self.first_sound = 0.0
        self.ends: list[tuple[float, int]] = []

    def on_text(self, payload: bytes) -> None:
        if b'"response.output_audio.delta"' in payload[:_HEAD_BYTES]:
            if not self.first_sound:
                self.first_sound = asyncio.get_running_loop().time()
            return
        super().on_text(payload)


class Talker:
    """One person: a microphone that never stops, and somebody who answers the engine's calls."""

    def __init__(self, line: Microphone, portal: Portal, frame_ms: int) -> None:
        self._line = line
        self._portal = portal
        self._frame_s = frame_ms / 1000
        self._frame_bytes = frame_ms * BYTES_PER_MS
        self._loop = asyncio.get_running_loop()
        self._began = 0.0
        self._sent = 0
        self.heard = Heard()
        self.counts = False

    async def talk(self, utterances: Sequence[bytes], quiet: bytes, delay_s: float, until: float) -> None:
        """Until the end: an utterance, its answer's first sound, a breath."""
        await asyncio.sleep(delay_s)
        self._began = self._loop.time()
        calls = asyncio.create_task(self._calls())
        try:
            at = 0
            while self._loop.time() < until:
                await self._utter(utterances[at % len(utterances)], quiet)
                at += 1
        finally:
            calls.cancel()
            self._line.close()

    async def _utter(self, pcm: bytes, quiet: bytes) -> None:
        for frame in self._frames(pcm):
            await self._send(frame)
        # The last frame of the utterance is the end of speech: the first sound counts from when it left.
        ended = self._loop.time()
        self._line.first_sound = 0.0
        silence = self._frames(quiet)
        at = 0
        while not self._line.first_sound and self._loop.time() - ended < _PATIENCE_S:
            await self._send(silence[at % len(silence)])
            at += 1
        if self.counts:
            self.heard.spoken_s += len(pcm) / BYTES_PER_MS / 1000
            if self._line.first_sound:
                self.heard.first_sound_ms.append((self._line.first_sound - ended) * 1000)
            else:
                self.heard.unanswered += 1
        for frame in silence[: round(_BREATH_S / self._frame_s)]:
            await self._send(frame)

    def _frames(self, pcm: bytes) -> list[bytes]:
        return [pcm[at : at + self._frame_bytes] for at in range(0, len(pcm), self._frame_bytes)]

    async def _send(self, frame: bytes) -> None:
        """A frame leaves when its last sample was spoken."""
        self._sent += 1
        await asyncio.sleep(max(0.0, self._began + self._sent * self._frame_s - self._loop.time()))
        self._line.send_text(_APPEND % pybase64.b64encode(frame))

    async def _calls(self) -> None:
        """Tools are answered at once; ends of turns are compared with what was sent."""
        while True:
            event = await self._line.events.get()
            if event.kind == "input_audio_buffer.speech_stopped" and self.counts:
                heard_at = self._began + event.body["audio_end_ms"] / 1000
                self.heard.lag_ms.append((event.at - heard_at) * 1000)
            elif event.kind == "response.function_call_arguments.done":
                await self._answer(event.body)

    async def _answer(self, call: Mapping[str, Any]) -> None:
        context = ToolContext("bench", "call", self._portal.customers[0].id, "Anna Berger")
        outcome = await self._portal.toolbox.call(str(call["name"]), str(call["arguments"]), context)
        item = {"type": "function_call_output", "call_id": call["call_id"], "output": outcome.output}
        self._line.tell(type="conversation.item.create", item=item)
        self._line.tell(type="response.create")


def utterances(frame_ms: int) -> list[bytes]:
    """Questions by three voices, and people who were recorded where their recordings are at hand."""
    spoken = [synthesised(text, ("rms", "awb", "slt")[at % 3]) for at, text in enumerate(QUESTIONS)]
    folder = reference_folder()
    if folder is not None:
        spoken += [_trimmed(recorded(folder / f"{name}.wav")) for name in _SHORT_RECORDINGS]
    whole = frame_ms * BYTES_PER_MS
    made = [in_a_room(one, before_ms=40, after_ms=0, seed=at) for at, one in enumerate(spoken)]
    return [pcm[: len(pcm) // whole * whole] for pcm in made]


def _trimmed(samples: Samples) -> Samples:
    loud = np.flatnonzero(np.abs(samples) > _LOUD)
    return samples[loud[0] : loud[-1] + 1]


class Stand:
    """Workers on their cores, and what people need to talk to them."""

    def __init__(self, pool: EnginePool, portal: Portal, frame_ms: int, hangover_ms: int) -> None:
        self._pool = pool
        self._portal = portal
        self._frame_ms = frame_ms
        turns = {"type": "server_vad", "silence_duration_ms": hangover_ms}
        self._session = {
            "tools": list(portal.toolbox.definitions()),
            "instructions": instructions("Anna Berger"),
            "audio": {"input": {"turn_detection": turns}},
        }
        self._said = utterances(frame_ms)
        self._quiet = in_a_room(np.zeros(0, dtype=np.float32), before_ms=2000, after_ms=0, seed=7)
        self._workers = children()

    async def step(self, people: int, seconds: float) -> dict[str, Cell]:
        """So many people for so long: one row of the table."""
        lines = [await Microphone.open(self._pool.address(), self._session) for _ in range(people)]
        talkers = [Talker(line, self._portal, self._frame_ms) for line in lines]
        loop = asyncio.get_running_loop()
        until = loop.time() + _WARM_UP_S + seconds
        order = np.random.default_rng(people)
        talking = [
            asyncio.create_task(one.talk(self._turns(order), self._quiet, float(order.uniform(0, 2)), until))
            for one in talkers
        ]
        await asyncio.sleep(_WARM_UP_S)
        for one in talkers:
            one.counts = True
        began = loop.time()
        before = self._account()
        await asyncio.sleep(seconds)
        after = self._account()
        took = loop.time() - began
        shares = [(late - early) / took for early, late in zip(before, after, strict=True)]
        count = len(self._workers)
        used, load, waited = shares[:count], shares[count], shares[count + 1 :]
        found = Heard()
        for one in talkers:
            found.join(one.heard)
            one.counts = False
        await asyncio.gather(*talking)
        await asyncio.sleep(1.0)
        return {
            **_row(people, seconds, found, used),
            "load": f"{load:.0%}",
            "core was others'": f"{max(waited):.0%}",
        }

    def _turns(self, order: np.random.Generator) -> list[bytes]:
        return [self._said[at] for at in order.permutation(len(self._said))]

    def _account(self) -> list[float]:
        """Seconds that each worker used, that the load did, and that each worker waited for its core."""
        return [*map(used_seconds, [*self._workers, os.getpid()]), *map(waited_seconds, self._workers)]


def _row(people: int, seconds: float, found: Heard, used: Sequence[float]) -> dict[str, Cell]:
    return {
        "people": people,
        "answers": len(found.first_sound_ms),
        "unanswered": found.unanswered,
        "speaking": f"{found.spoken_s / (people * seconds):.0%}",
        "first sound p50 ms": percentile(found.first_sound_ms, 0.5),
        "p95 ms": percentile(found.first_sound_ms, 0.95),
        "lag p50 ms": percentile(found.lag_ms, 0.5),
        "worst lag ms": percentile(found.lag_ms, 1.0),
        "busiest worker": f"{max(used):.0%}",
        "ms per s and person": round(1000 * sum(used) / people, 1),
    }


def percentile(values: Sequence[float], share: float) -> float:
    """Nearest rank."""
    if not values:
        return math.nan
    return round(sorted(values)[min(len(values) - 1, math.ceil(share * len(values)) - 1)], 1)


def carries(row: Mapping[str, Any], alone: Mapping[str, Any]) -> bool:
    """Whether so many people were served as if they were nearly alone."""
    answered = row["answers"] > 0 and row["unanswered"] <= 0.02 * row["answers"] + alone["unanswered"]
    return bool(
        answered and row["p95 ms"] <= SLOWER_MAX * alone["p95 ms"] and row["worst lag ms"] < LAG_MAX_MS
    )


def children() -> list[int]:
    """The processes that this one started: the workers."""
    tasks = Path(f"/proc/{os.getpid()}/task")
    return sorted(int(pid) for task in tasks.iterdir() for pid in (task / "children").read_text().split())


def used_seconds(pid: int) -> float:
    """Processor time of a process, of threads that are over, too: each clause is said in one of its own."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def waited_seconds(pid: int) -> float:
    """How long a process's threads could have run and did not, by the scheduler; 0 where it does not say."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError, IndexError):
            total += int((task / "schedstat").read_text().split()[1])
    return total / 1e9


def cores() -> tuple[list[int], set[int]]:
    """The workers' cores, one for each, and the load's: what was inherited, divided."""
    *rest, last = sorted(os.sched_getaffinity(0))
    if not rest:
        raise SystemExit("Two processors are needed: one for the engine, one for the people.")
    if len(rest) == 1:
        return [last], set(rest)
    return [*rest[-(_WORKER_CORES - 1) :], last], set(rest[: -(_WORKER_CORES - 1)])


async def measure(result: Result, asked: argparse.Namespace) -> None:
    """All steps, until one is too many."""
    theirs, ours = cores()
    await asyncio.to_thread(_voice_activity, result, theirs[-1])
    with tempfile.TemporaryDirectory() as folder:
        portal = await Portal.open(Path(folder) / "portal.sqlite3")
        pool = EnginePool(
            EngineOptions(workers=len(theirs), sessions_per_worker=64),
            tools=list(portal.toolbox.definitions()),
            instructions=instructions("Anna Berger"),
        )
        await pool.start()
        if not pool.ready:
            raise SystemExit("\n".join(pool.reasons))
        for pid, core in zip(children(), theirs, strict=True):
            machine.pin(pid, {core})
        machine.pin(os.getpid(), ours)
        try:
            await _steps(result, Stand(pool, portal, asked.frame_ms, asked.hangover_ms), asked)
        finally:
            await pool.close()
            portal.close()


async def _steps(result: Result, stand: Stand, asked: argparse.Namespace) -> None:
    highest, alone = 0, None
    for people in asked.people:
        row = await stand.step(people, asked.seconds * (2 if alone is None else 1))
        alone = alone or row
        fits = carries(row, alone)
        result.rows.append({**row, "carried": "yes" if fits else "no"})
        progress(", ".join(f"{name} {value}" for name, value in row.items()))
        if not fits:
            break
        highest = people
    per_core = GOAL * int(result.shape["workers"]) // _WORKER_CORES
    name = f"people talking at once on {result.shape['workers']} core(s)"
    result.check(name, highest, per_core, is_fine=highest >= per_core)
    result.checks[-1].wanted = f">= {per_core}"


def _voice_activity(result: Result, core: int) -> None:
    """Its cost in the same ears, in a process of its own, with recognition where one core can carry it."""
    found = []
    for people in _VAD_PEOPLE:
        more = ["--recognise"] if people <= _VAD_PEOPLE[1] else []
        found.append(_vad_cost(core, str(people)))
        if more:
            found.append({**_vad_cost(core, str(people), *more), "recognising": True})
    result.details["voice_activity"] = found
    for one in found:
        beside = " beside recognition" if one.get("recognising") else ""
        result.notes.append(
            f"voice activity of {one['people']} people{beside}: {one['vad_ms_per_s']} ms of processor for "
            f"each second of audio, {one['together']} frames together"
        )
    batched = [one for one in found if one["people"] >= _VAD_PEOPLE[2]]
    most = max(one["vad_ms_per_s"] for one in batched)
    result.check("voice activity, batched", most, VAD_GOAL_MS, "ms per s")


def _vad_cost(core: int, *arguments: str) -> dict[str, Any]:
    one_thread = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", "benchmarks.engine.vad_cost", *arguments],
        check=True,
        capture_output=True,
        cwd=PROJECT,
        env={**os.environ, **one_thread},
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
    )
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def main() -> int:
    """Run and deliver. 1 when fewer can talk than should."""
    parser = arguments(__doc__.splitlines()[0])
    add = parser.add_argument
    add("--people", type=int, nargs="+", default=list(_PEOPLE), help="steps; the first is the measure")
    add("--seconds", type=float, default=20.0, help="how long a step is measured; the first twice")
    add("--frame-ms", type=int, default=20)
    add("--hangover-ms", type=int, default=500)
    asked = parser.parse_args()
    shape = {
        "workers": len(cores()[0]),
        "seconds a step": asked.seconds,
        "frame ms": asked.frame_ms,
        "hangover ms": asked.hangover_ms,
    }
    title = "How many people can talk to the engine at once"
    result = Result("talkers", title, this_checkout(), asked.seed, shape)
    return carry_out(result, asked, lambda found: measure(found, asked))


if __name__ == "__main__":
    sys.exit(main())
