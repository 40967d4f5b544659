"""What voice activity costs with N people at once: `python -m benchmarks.engine.vad_cost N [--recognise]`.

What lives here: the engine's own ears on one event loop, fed in real time at everybody's own moments; the
network's processor time, and how many frames went through together. What never will: sockets (`talkers`).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Sequence
from typing import Final

import numpy as np
import uvloop

from benchmarks.engine.speech import in_a_room, synthesised
from benchmarks.engine.turns import Deaf
from holdfast.engine.hearing import Hearing
from holdfast.engine.knowledge import Library
from holdfast.engine.options import SILERO, SPEECH_FOLDER
from holdfast.engine.silero import Carry
from holdfast.engine.sphinx import SphinxRecogniser, installed_model
from holdfast.engine.stages import Samples
from holdfast.engine.vad import Network, VadBatch, load
from holdfast.portal import UTTERANCES

_BYTES_PER_MS: Final = 48
_FRAME_MS: Final = 20
_VOICES: Final = ("rms", "awb", "slt")
_PHRASES: Final = tuple(texts[0] for texts in UTTERANCES.values())[:6]


class Timed:
    """The network, with a watch."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self.sizes: list[int] = []
        self.cpu_s = 0.0

    def judge(self, carries: Sequence[Carry]) -> Samples:
        """As the network does."""
        began = time.thread_time()
        found = self._network.judge(carries)
        self.cpu_s += time.thread_time() - began
        self.sizes.append(len(carries))
        return found


class Nobody:
    """Who is told what was heard, and does nothing about it."""

    def speech_started(self, at_ms: int) -> None:
        """A turn begins."""

    def words_so_far(self, text: str) -> None:
        """Words."""

    def speech_paused(self, text: str) -> None:
        """Perhaps it is."""

    def speech_stopped(self, at_ms: int, text: str, seconds: float) -> None:
        """The turn is over."""


async def _talk(hearing: Hearing, pcm: bytes, began: float, until: float) -> None:
    """One microphone; the next frame is given when the last one was heard."""
    loop = asyncio.get_running_loop()
    size = _FRAME_MS * _BYTES_PER_MS
    sent = 0
    while (due := began + (sent + 1) * _FRAME_MS / 1000) < until:
        await asyncio.sleep(max(0.0, due - loop.time()))
        heard = loop.create_future()
        at = sent * size % (len(pcm) - size)
        hearing.feed(pcm[at : at + size], lambda heard=heard: heard.set_result(None))  # type: ignore[misc] # this frame's
        await heard
        sent += 1


async def measure(people: int, seconds: float, *, recognise: bool) -> dict[str, float]:
    """One figure of the table."""
    network = Timed(load(SPEECH_FOLDER / SILERO)[0])
    batch = VadBatch(network)
    model = installed_model()
    library = Library(model)
    knowledge = library.build([], " ".join(_PHRASES))
    speech = [
        in_a_room(synthesised(text, voice), before_ms=100, after_ms=700)
        for text, voice in zip(_PHRASES, _VOICES * 2, strict=True)
    ]
    ears = [
        Hearing(batch.stream(), SphinxRecogniser(model, knowledge) if recognise else Deaf(), Nobody())
        for _ in range(people)
    ]
    now = asyncio.get_running_loop().time() + 0.2
    moments = np.random.default_rng(people).uniform(0, 0.5, people)
    cpu = time.process_time()
    await asyncio.gather(
        *(
            _talk(one, speech[at % len(speech)], now + moments[at], now + seconds)
            for at, one in enumerate(ears)
        )
    )
    heard_s = sum(network.sizes) * 0.032
    return {
        "people": people,
        "vad_ms_per_s": round(network.cpu_s * 1000 / heard_s, 3),
        "together": round(sum(network.sizes) / len(network.sizes), 2),
        "all_ms_per_s": round((time.process_time() - cpu) * 1000 / heard_s, 2),
        "heard_share": round(heard_s / (people * seconds), 3),
    }


def main() -> int:
    """One line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("people", type=int)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--recognise", action="store_true", help="recognise words, too, as a session does")
    asked = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found = runner.run(measure(asked.people, asked.seconds, recognise=asked.recognise))
    sys.stdout.write(json.dumps(found) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
