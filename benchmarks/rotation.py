"""Rotations under a conversation, heard by its listener: `python -m benchmarks.rotation [--rotations 10]`.

What lives here: one caller on each face, over a real gateway and a real `holdfast emulate` whose sessions are
short; the caller is brought into a state, the gateway changes upstreams, and both ends' books are compared.
What never will: the caller (`rig.caller`), processes, layout (`rig`).
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from benchmarks.rig.accounts import owners, wall
from benchmarks.rig.answers import CHAR_MS, answer_to
from benchmarks.rig.caller import Caller
from benchmarks.rig.crowd import until
from benchmarks.rig.house import Built, Emulator, Gateway, built, emulator, gateway
from benchmarks.rig.report import Result, arguments, carry_out, progress
from benchmarks.rig.voice import RATE_HZ, CuedVoice, Heard, find
from holdfast.bench import machine
from holdfast.bench.candidates import BenchError
from holdfast.bench.measuring import measuring_cores
from holdfast.bench.revision import this_checkout

GAP_MS: Final = 40.0
LIFE_S: Final = 12
LOOK, FORCE = 0.6, 0.8
"""Of that life: between the two a quiet moment is looked for."""
SPEED: Final = 1.25
"""An upstream that speaks hardly faster than it sounds, so that no queue hides a gap."""
WAIT_S: Final = 30.0
OWN_S: Final = 1.0
OVERHANG_S: Final = 0.5
"""So long a caller goes on speaking to the new upstream."""
SAMPLES_PER_MS: Final = RATE_HZ // 1000
CALM_S: Final = 1.0
"""After the last answer nothing more may come; so long we listen."""
FACES: Final = {"browser": "/api/openai/realtime", "/v1/realtime": "/v1/realtime"}
CYCLE: Final = (
    "listening",
    "speaking",
    "idle",
    "listening",
    "answering",
    "idle",
    "speaking",
    "idle",
    "answering",
    "idle",
)
"""In which state the caller shall be. After a forced change the rest of an answer comes: then it is idle."""
_WORDS: Final = ("the", "balance", "of", "your", "loan", "stands", "where", "it", "stood", "before", "this")
MOST: Final = 15
"""What is spoken repeats itself after two minutes."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How a state is reached: a question after so long (None: none), of so many seconds, with an answer of so
    many. `until_changed`: the question goes on until the upstream has changed.
    """

    wait_s: float | None
    question_s: float = 0.6
    answer_s: float = 1.5
    until_changed: bool = False


PLANS: Final = {
    "idle": Plan(None),
    "listening": Plan(0.2, answer_s=8.0),
    "answering": Plan(0.2, answer_s=11.0),
    "speaking": Plan(4.0, until_changed=True),
}


@dataclass(slots=True)
class Talk:
    """One face's conversation, its questions and its rotations."""

    face: str
    caller: Caller
    gate: Gateway
    plans: Sequence[str]
    session: str = ""
    questions: int = 0
    changes: list[float] = field(default_factory=list)
    """When the upstream changed, monotonic."""

    async def run(self) -> None:
        """All rotations, one after the other."""
        async with self.caller.connected():
            await self._wait(lambda: self.caller.is_ready and self._is_known(), "a session")
            for at, state in enumerate(self.plans, 1):
                progress(f"{self.face}: rotation {at} of {len(self.plans)}, {state}")
                await self._rotation(PLANS[state])
            await self._wait(lambda: self.caller.is_answered(self.questions), "the last answer")
            await asyncio.sleep(CALM_S)

    async def _rotation(self, plan: Plan) -> None:
        known = len(self.changes)
        if plan.wait_s is not None:
            await asyncio.sleep(plan.wait_s)
            self.questions += 1
            self.caller.say(LIFE_S if plan.until_changed else plan.question_s)
        await self._wait(lambda: len(self._rotations()) > known, "a rotation")
        self.changes = self._rotations()
        if plan.until_changed:
            self.caller.hush(OVERHANG_S)

    async def _wait(self, condition: Callable[[], bool], what: str) -> None:
        def look() -> bool:
            self.gate.read()
            return condition()

        if not await until(look, WAIT_S):
            raise BenchError(
                f"{what} did not come on {self.face}.", str(self.caller.wrongs), "Try once more."
            )

    def _is_known(self) -> bool:
        source = "browser" if self.face == "browser" else "realtime"
        ready = [one for one in self.gate.log if one["event"] == "session.ready" and one["source"] == source]
        self.session = str(ready[0]["metadata"]["session"]) if ready else ""
        return bool(ready)

    def _rotations(self) -> list[float]:
        to_monotonic = time.monotonic() - time.time()
        return [
            wall(str(line["timestamp"])) + to_monotonic
            for line in self.gate.log
            if line["event"] == "upstream.rotated" and line["metadata"].get("session") == self.session
        ]


@dataclass(frozen=True, slots=True)
class Given:
    """What one upstream was given of the caller's audio."""

    heard: Heard
    samples: int
    has_right_hash: bool
    """Whether those places of the caller's audio give the checksum in the emulator's books."""

    @property
    def first(self) -> int:
        """The first position it knows."""
        return min((start for start, _ in self.heard.ranges), default=0)

    @property
    def last(self) -> int:
        """The position after the last one."""
        return max((end for _, end in self.heard.ranges), default=0)


async def given(upstream: Emulator, talk: Talk) -> list[Given]:
    """The upstreams of a talk in order, by their books."""
    produced = talk.caller.voice.whole(talk.caller.frames)
    books = []
    for name, session in owners(talk.gate.log).items():
        if session == talk.session:
            told = await upstream.get(f"/sessions/{name}")
            heard = find(await upstream.read(f"/sessions/{name}/audio"), produced)
            pcm = b"".join(produced[start:end].tobytes() for start, end in heard.ranges)
            is_right = hashlib.sha256(pcm).hexdigest() == told["audio_sha256"]
            books.append(Given(heard, len(pcm) // 2, is_right and not heard.foreign))
    return books


def judge(talk: Talk, books: Sequence[Given], result: Result) -> None:
    """One row for each rotation, and what must be so."""
    caller, face = talk.caller, talk.face
    answers = [answer_to(words, caller.replies) for words in said(talk.plans)]
    turns = caller.voice.loud_ranges(caller.frames)
    for at, moment in enumerate(talk.changes):
        old, new = books[at], books[at + 1]
        begins, ends = _between(talk.changes, at)
        pieces = [one for one in caller.pieces if begins <= one.at < ends]
        sounded = bool(pieces) or any(start < moment < end for start, end in caller.sounds)
        due = [one for one in answers if one.replies and begins <= (one.replies[-1].ended_at or 0.0) < ends]
        result.rows.append(
            {
                "face": face,
                "rotation": at + 1,
                "state": caller.state_at(moment),
                "gap ms": round(max((one.gap_ms for one in pieces), default=0.0), 1) if sounded else None,
                "pause ms": round(max(one.pause_ms for one in pieces), 1) if pieces else None,
                "lost up": max(0, new.first - old.last) + _holes(new),
                "doubled up": new.heard.doubled,
                "lost down": sum(one.lost for one in due),
                "doubled down": sum(one.doubled for one in due),
                "cut ms": round(sum(one.unsaid for one in due) / SAMPLES_PER_MS) or None,
                "questions": len(due),
                "answers": sum(one.answers for one in due),
            }
        )
    known = {id(reply) for one in answers for reply in one.replies}
    stray = [reply for reply in caller.replies if id(reply) not in known]
    states = [caller.state_at(moment) for moment in talk.changes]
    longest = max((one.gap_ms for one in caller.pieces), default=0.0)
    result.check(f"{face}: longest gap in an answer", longest, GAP_MS, "ms")
    result.check(f"{face}: samples lost, up", _lost(books), 0)
    broken = sum(all(one.heard.missing([turn]) for one in books) for turn in turns)
    result.check(f"{face}: of {len(turns)} spoken turns, whole at no upstream", broken, 0)
    result.check(f"{face}: samples that one upstream got twice", sum(one.heard.doubled for one in books), 0)
    wrong = sum(not one.has_right_hash for one in books)
    result.check(f"{face}: upstreams whose checksum is not that of what was said", wrong, 0)
    result.check(f"{face}: samples lost or others, down", sum(one.lost for one in answers), 0)
    result.check(f"{face}: samples doubled, down", sum(one.doubled for one in answers), 0)
    unanswered = sum(one.answers != 1 for one in answers)
    result.check(f"{face}: of {len(answers)} questions, not answered exactly once", unanswered, 0)
    result.check(f"{face}: responses that answer nothing, or again", len(stray), 0)
    result.check(f"{face}: rotations in another state than wanted", _others(states, talk.plans), 0)
    result.check(f"{face}: breaches of the protocol", len(caller.wrongs), 0)
    result.notes += [f"{face}: {one}" for one in caller.wrongs[:3]]
    result.notes += [f"{face}: stray reply {one.words[:60]!r} ({one.status})" for one in stray[:3]]
    result.details[face] = {
        "rotated_at_s": [round(one - talk.changes[0], 3) for one in talk.changes],
        "states": states,
        "pauses_ms": sorted(round(one.pause_ms, 1) for one in caller.pieces)[-20:],
        "given": [{"ranges": one.heard.ranges, "foreign": one.heard.foreign} for one in books],
    }


def said(plans: Sequence[str]) -> list[str]:
    """The answers to all questions, in order."""
    asked = [PLANS[state] for state in plans if PLANS[state].wait_s is not None]
    return [_answer(number, plan.answer_s) for number, plan in enumerate(asked, 1)]


def _answer(number: int, seconds: float) -> str:
    """Words that no other question gets, and that sound so long."""
    words = [f"Answer-{number}:"]
    while sum(map(len, words)) * CHAR_MS < seconds * 1000:
        words.append(_WORDS[(len(words) + 7 * number) % len(_WORDS)])
    return " ".join(words)


def _between(changes: Sequence[float], at: int) -> tuple[float, float]:
    """The time that is a rotation's own: a second before it until a second before the next."""
    begins = changes[at] - OWN_S if at else 0.0
    return begins, changes[at + 1] - OWN_S if at + 1 < len(changes) else float("inf")


def _holes(one: Given) -> int:
    return one.heard.missing([(one.first, one.last)])


def _lost(books: Sequence[Given]) -> int:
    everything = Heard([place for one in books for place in one.heard.ranges], 0)
    return everything.missing([(0, max(one.last for one in books))])


def _others(states: Sequence[str], plans: Sequence[str]) -> int:
    return sum(state != plan for state, plan in zip(states, plans, strict=True))


async def measure_all(made: Built, asked: argparse.Namespace, result: Result) -> None:
    """Both faces at the same time, over one gateway and one emulator."""
    gateways, others = measuring_cores()
    machine.pin(os.getpid(), others)
    plans = [CYCLE[at % len(CYCLE)] for at in range(asked.rotations)]
    script = made.folder / "answers.json"
    script.write_text(json.dumps({"turns": [{"hear": "?", "say": words} for words in said(plans)]}))
    behave = ("--fault", f"expire:{LIFE_S}", "--speed", str(SPEED), "--keep-audio", "--script", str(script))
    settings = {"HOLDFAST_LIMITS__ROTATE_LOOK": str(LOOK), "HOLDFAST_LIMITS__ROTATE_FORCE": str(FORCE)}
    async with emulator(made, others, *behave) as upstream:
        with gateway(made, upstream.base_url, gateways, settings=settings) as gate:
            talks = [
                Talk(face, Caller(CuedVoice(number), gate.url_of(path)), gate, plans)
                for number, (face, path) in enumerate(FACES.items(), 1)
                if face in asked.faces.split(",")
            ]
            async with asyncio.TaskGroup() as group:
                for talk in talks:
                    group.create_task(talk.run())
            gate.read()
            for talk in talks:
                judge(talk, await given(upstream, talk), result)


def main(argv: Sequence[str] | None = None) -> int:
    """Run, print, write. 1 when something is not as it must be."""
    parser = arguments(str(__doc__).partition("\n")[0])
    parser.add_argument("--rotations", type=int, default=10, help="on each face")
    parser.add_argument("--faces", default=",".join(FACES), help="both, or one of them")
    asked = parser.parse_args(argv)
    if not 1 <= asked.rotations <= MOST:
        parser.error(f"--rotations: 1 to {MOST}")

    async def measure(result: Result) -> None:
        with built(asked.rev) as made:
            result.revision = made.revision
            await measure_all(made, asked, result)

    shape = {"rotations on each face": asked.rotations, "an upstream's life, s": LIFE_S, "speaks at": SPEED}
    result = Result("rotation", "Upstreams change under a conversation", this_checkout(), asked.seed, shape)
    result.notes.append(
        "gap: a loudspeaker without a buffer of its own had nothing to play in the middle of an answer; "
        "none: nothing was sounding"
    )
    result.notes.append(
        "pause: the longest time between two pieces of an answer; the upstream gives 100 ms each 80 ms"
    )
    result.notes.append(
        "cut ms: what was left of the word that was being said when the rotation could wait no longer; the "
        "answer ends as `incomplete` there, and its rest is the next response"
    )
    return carry_out(result, asked, measure)


if __name__ == "__main__":
    sys.exit(main())
