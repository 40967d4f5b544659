"""How fast does the engine answer and fall silent? `python -m benchmarks.engine.latency [--svg FILE]`.

What lives here: two experiments in real time over a worker's socket. (1) A question is spoken; the clock
runs from the last sample of speech to the first sample of the answer, cut into segments; each question goes
to a worker that begins its answers ahead and to one that does not, in turn. (2) The user
speaks into a long answer; the clock runs from the onset of speech to the last sample the engine sent.
What never will: the engine's insides; the segments are read off the events.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.engine.line import BYTES_PER_MS, EngineLine, Event
from benchmarks.engine.speech import in_a_room, synthesised
from benchmarks.engine.strip import svg, text_strip
from holdfast.engine.options import EngineOptions
from holdfast.engine.pool import EnginePool
from holdfast.engine.resample import WIRE_RATE
from holdfast.portal import Portal, instructions
from holdfast.ports import ToolContext

HANGOVERS_MS: Final = (200, 300, 500)
GOALS_MS: Final = {200: 300.0, 300: 400.0, 500: 600.0}
BARGE_IN_GOAL_MS: Final = 80.0
QUESTIONS: Final = (
    "what is my balance",
    "when is my next payment due",
    "did my last payment arrive",
    "what is my interest rate",
    "when does my contract end",
    "which documents are missing",
    "how much does it cost to pay off my loan early",
    "what is the status of my contract",
)
SEGMENTS: Final = ("hangover", "asr and intent", "tool round trip", "response begins", "first clause")
_MODES: Final = {"ahead": True, "not ahead": False}
_FRAME_MS: Final = 20
_LEAD_MS: Final = 500
_ONSET_LEVEL: Final = 0.02


@dataclass(frozen=True, slots=True)
class Measured:
    """One answer: the whole wait in milliseconds and its segments in the order of `SEGMENTS`."""

    total_ms: float
    segments_ms: tuple[float, ...]


class Conversation:
    """One session in real time."""

    def __init__(self, line: EngineLine, portal: Portal, customer_id: str) -> None:
        self._line = line
        self._portal = portal
        self._customer_id = customer_id
        self._clock = asyncio.get_running_loop().time

    async def speak(self, pcm: bytes) -> float:
        """Send audio in frames of 20 ms as a microphone does; gives the time of the first sample."""
        began = self._clock()
        size = _FRAME_MS * BYTES_PER_MS
        for at in range(0, len(pcm), size):
            # A frame can leave when its last sample has been heard.
            due = began + (at + size) / BYTES_PER_MS / 1000
            await asyncio.sleep(max(0.0, due - self._clock()))
            self._line.append(pcm[at : at + size])
        return began

    async def question(self, speech: np.ndarray[Any, Any]) -> Measured | None:
        """Ask, let the tool answer, and time the first sound."""
        spoken_ms = len(speech) * 1000 / WIRE_RATE
        pcm = in_a_room(speech, before_ms=_LEAD_MS, after_ms=1500)
        speaking = asyncio.create_task(self.speak(pcm))
        marks: dict[str, float] = {}
        while "first_audio" not in marks:
            event = await self._line.next()
            await self._note(event, marks)
        began = await speaking
        await self._line.until("response.done")
        if "call" not in marks:
            return None  # not understood: another benchmark counts that
        ended = began + (_LEAD_MS + spoken_ms) / 1000
        points = [ended, *(marks[name] for name in ("stopped", "call", "asked", "words", "first_audio"))]
        return Measured(
            (points[-1] - ended) * 1000,
            tuple((after - before) * 1000 for before, after in pairwise(points)),
        )

    async def _note(self, event: Event, marks: dict[str, float]) -> None:
        if event.kind == "input_audio_buffer.speech_stopped":
            marks["stopped"] = event.at
        elif event.kind == "response.function_call_arguments.done":
            marks["call"] = event.at
            outcome = await self._portal.toolbox.call(
                str(event.body["name"]), str(event.body["arguments"]), self._context()
            )
            await self._line.until("response.done")
            item = {
                "type": "function_call_output",
                "call_id": event.body["call_id"],
                "output": outcome.output,
            }
            self._line.tell(type="conversation.item.create", item=item)
            self._line.tell(type="response.create")
            marks["asked"] = self._clock()
        elif event.kind == "response.output_audio_transcript.delta":
            marks.setdefault("words", event.at)
        elif event.kind == "response.output_audio.delta":
            marks["first_audio"] = event.at

    def end(self) -> None:
        """Hang up."""
        self._line.close()

    def _context(self) -> ToolContext:
        return ToolContext("bench", "call", self._customer_id, "Anna Berger")

    async def barge_in(self, speech: np.ndarray[Any, Any]) -> float | None:
        """Talk into a long answer; onset of speech to the last audio that came, in milliseconds
        (below zero when the engine happened to be between two clauses).

        None when the answer was over before the user began (the engine speaks far faster than real time).
        """
        await self._ask_for_long_answer()
        await self._line.until("response.output_audio.delta")
        speaking = asyncio.create_task(self.speak(in_a_room(speech, before_ms=_QUIET_MS, after_ms=1200)))
        last = 0.0
        started = False
        while True:
            event = await self._line.next()
            if event.kind == "response.output_audio.delta":
                last = event.at
            started = started or event.kind == "input_audio_buffer.speech_started"
            if event.kind == "response.done":
                break
        began = await speaking
        await self._quiet()
        if event.body["response"]["status"] != "cancelled" or not started:
            return None
        onset = int(np.flatnonzero(np.abs(speech) > _ONSET_LEVEL)[0]) / WIRE_RATE
        return (last - began - _QUIET_MS / 1000 - onset) * 1000

    async def _ask_for_long_answer(self) -> None:
        """A written question whose tool has much to say."""
        content = [{"type": "input_text", "text": QUESTIONS[0]}]
        self._line.tell(
            type="conversation.item.create", item={"type": "message", "role": "user", "content": content}
        )
        self._line.tell(type="response.create")
        call = await self._line.until("response.function_call_arguments.done")
        await self._line.until("response.done")
        output = json.dumps({"say": _LONG_ANSWER})
        item = {"type": "function_call_output", "call_id": call.body["call_id"], "output": output}
        self._line.tell(type="conversation.item.create", item=item)
        self._line.tell(type="response.create")

    async def _quiet(self) -> None:
        """Let the answer to what was said into the answer pass."""
        while True:
            event = await self._line.next()
            if event.kind == "response.done":
                return


_QUIET_MS: Final = 300
_LONG_ANSWER: Final = " ".join(
    ["This is a very long answer, which nobody wants to hear until its end."] * 250
)


async def measure(rounds: int, hangovers: Sequence[int]) -> dict[str, Any]:
    """Both experiments."""
    with tempfile.TemporaryDirectory() as folder:
        portal = await Portal.open(Path(folder) / "portal.sqlite3")
        tools = list(portal.toolbox.definitions())
        pools = {
            name: EnginePool(
                EngineOptions(workers=1, answers_ahead=is_ahead),
                tools=tools,
                instructions=instructions("Anna Berger"),
            )
            for name, is_ahead in _MODES.items()
        }
        for pool in pools.values():
            await pool.start()
            if not pool.ready:
                raise SystemExit("\n".join(pool.reasons))
        stages = dict(pools["ahead"].stages)
        try:
            answers = {at: await _answers(pools, portal, tools, at, rounds) for at in hangovers}
            silences = await _silences(pools["ahead"], portal, tools, rounds)
        finally:
            for pool in pools.values():
                await pool.close()
            portal.close()
    return {
        "stages": stages,
        "answers": {
            f"{at} ms hangover, {mode}": _summary(found, GOALS_MS.get(at))
            for at, modes in answers.items()
            for mode, found in modes.items()
        },
        "barge_in_ms": {
            "n": len(silences),
            "p50": _percentile(silences, 0.5),
            "p95": _percentile(silences, 0.95),
            "goal_p50": BARGE_IN_GOAL_MS,
        },
    }


async def _open(pool: EnginePool, portal: Portal, tools: list[Any], hangover_ms: int) -> Conversation:
    vad = {"type": "server_vad", "silence_duration_ms": hangover_ms}
    session = {
        "tools": tools,
        "instructions": instructions("Anna Berger"),
        "audio": {"input": {"turn_detection": vad}},
    }
    return Conversation(await EngineLine.open(pool.address(), session), portal, portal.customers[0].id)


async def _answers(
    pools: Mapping[str, EnginePool], portal: Portal, tools: list[Any], hangover_ms: int, rounds: int
) -> dict[str, list[Measured]]:
    found: dict[str, list[Measured]] = {mode: [] for mode in pools}
    for at in range(rounds):
        open_ones = {mode: await _open(pool, portal, tools, hangover_ms) for mode, pool in pools.items()}
        for question in QUESTIONS:
            speech = synthesised(question, ("rms", "awb")[at % 2])
            for mode, conversation in open_ones.items():
                one = await conversation.question(speech)
                if one is not None:
                    found[mode].append(one)
        for conversation in open_ones.values():
            conversation.end()
    return found


async def _silences(pool: EnginePool, portal: Portal, tools: list[Any], rounds: int) -> list[float]:
    found = []
    for at in range(rounds):
        conversation = await _open(pool, portal, tools, 500)
        for question in QUESTIONS[:4]:
            silence = await conversation.barge_in(synthesised(question, ("rms", "awb")[at % 2]))
            if silence is not None:
                found.append(silence)
        conversation.end()
    return found


def _summary(found: Sequence[Measured], goal_ms: float | None) -> dict[str, Any]:
    totals = [one.total_ms for one in found]
    # After the turn is over, without the tool's round trip: what the engine itself took.
    own = [sum(one.segments_ms) - one.segments_ms[0] - one.segments_ms[2] for one in found]
    return {
        "n": len(found),
        "p50": _percentile(totals, 0.5),
        "p95": _percentile(totals, 0.95),
        "goal_p50": goal_ms,
        "own_p50": _percentile(own, 0.5),
        "own_p95": _percentile(own, 0.95),
        "segments_p50": {
            name: _percentile([one.segments_ms[at] for one in found], 0.5) for at, name in enumerate(SEGMENTS)
        },
    }


def _percentile(values: Sequence[float], share: float) -> float:
    """Nearest rank."""
    if not values:
        return math.nan
    return round(sorted(values)[min(len(values) - 1, math.ceil(share * len(values)) - 1)], 1)


def main() -> int:
    """Run, draw, print. 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--svg", type=Path, help="draw the segments into this file")
    parser.add_argument("--rounds", type=int, default=4, help="sessions per experiment")
    parser.add_argument("--hangovers", type=int, nargs="+", default=list(HANGOVERS_MS), help="milliseconds")
    asked = parser.parse_args()
    figures = asyncio.run(measure(asked.rounds, asked.hangovers))
    if asked.json is not None:
        asked.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")
    rows = figures["answers"]
    if asked.svg is not None:
        asked.svg.write_text(svg({name: one["segments_p50"] for name, one in rows.items()}), encoding="utf-8")
    for name, one in rows.items():
        sys.stdout.write(
            f"{name}: p50 {one['p50']} ms (goal {one['goal_p50']}), p95 {one['p95']}, n {one['n']}; "
            f"after the turn, without the tool's: p50 {one['own_p50']}, p95 {one['own_p95']}\n"
        )
        sys.stdout.write(text_strip(one["segments_p50"]) + "\n")
    silence = figures["barge_in_ms"]
    sys.stdout.write(
        f"barge-in, onset to last sample: p50 {silence['p50']} ms (goal {silence['goal_p50']}), "
        f"p95 {silence['p95']}, n {silence['n']}\n"
    )
    return 0 if meets_goals(figures) else 1


def meets_goals(figures: Mapping[str, Any]) -> bool:
    """Medians where answers begin ahead: 300 ms at 200 ms hangover, 400 at 300, 600 at 500; silence 80."""
    answers = all(
        one["p50"] <= one["goal_p50"]
        for name, one in figures["answers"].items()
        if name.endswith(", ahead") and one["goal_p50"] is not None
    )
    return bool(answers and figures["barge_in_ms"]["p50"] <= BARGE_IN_GOAL_MS)


if __name__ == "__main__":
    sys.exit(main())
