"""Does it sound finished? `python -m benchmarks.engine.turns [--model FILE] [--json FILE]`.

What lives here: whole and cut sentences before the judge of pauses, and whole turns with silence alone and
with the judge: how many ended while the speaker still spoke, and how long the others waited.
What never will: words. The judge hears only how something sounds.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.engine.compute import without_tail
from benchmarks.engine.latency import QUESTIONS
from benchmarks.engine.phrases import reference_folder
from benchmarks.engine.speech import in_a_room, recorded, synthesised
from holdfast.engine.endpointer import TurnSettings
from holdfast.engine.hearing import Hearing
from holdfast.engine.options import SILERO, SPEECH_FOLDER, EngineOptions, turn_file
from holdfast.engine.resample import WIRE_RATE, down, to_samples
from holdfast.engine.smart_turn import SmartTurn
from holdfast.engine.stages import Samples, Teachable
from holdfast.engine.vad import SileroVad, load

CUTS: Final = (0.4, 0.5, 0.65)
SILENCES_MS: Final = (64, 100, 200, 500)
MODES: Final[Mapping[str, Mapping[str, Any]]] = {
    "silence 200 ms": {"type": "server_vad", "silence_duration_ms": 200},
    "silence 300 ms": {"type": "server_vad", "silence_duration_ms": 300},
    "silence 500 ms": {"type": "server_vad", "silence_duration_ms": 500},
    "smart, high": {"type": "semantic_vad", "eagerness": "high"},
    "smart, medium": {"type": "semantic_vad", "eagerness": "medium"},
    "smart, low": {"type": "semantic_vad", "eagerness": "low"},
}
_LEAD_MS: Final = 500
_TAIL_MS: Final = 9_000
_FRAME: Final = 48 * 32


class Deaf:
    """A recogniser for turns whose words do not matter."""

    def start(self) -> None:
        """Nothing to begin."""

    def feed(self, pcm: bytes) -> None:
        """Nothing is heard."""

    def partial(self) -> str:
        return ""

    def finish(self) -> str:
        return ""

    def teach(self, knowledge: Teachable) -> None:
        """Nothing is learned."""


class AtOnce:
    """The judge without its thread: a verdict is there long before the shortest silence is over."""

    def __init__(self, judge: SmartTurn) -> None:
        self._judge = judge
        self.asked = 0
        self.cpu_s = 0.0

    def ask(self, samples: Samples, then: Callable[[float], None]) -> None:
        began = time.process_time()
        likelihood = self._judge.finished(samples)
        self.cpu_s += time.process_time() - began
        self.asked += 1
        then(likelihood)

    def close(self) -> None:
        """The judge is somebody else's."""


class Stops:
    """Where turns ended, in milliseconds of the stream."""

    def __init__(self) -> None:
        self.at_ms: list[int] = []

    def speech_started(self, at_ms: int) -> None:
        """Of no interest."""

    def words_so_far(self, text: str) -> None:
        """There are none."""

    def speech_paused(self, text: str) -> None:
        """Of no interest."""

    def speech_stopped(self, at_ms: int, text: str, seconds: float) -> None:  # noqa: ARG002 - a listener's
        self.at_ms.append(at_ms)


def spoken() -> dict[str, list[Samples]]:
    """Sentences of people, where the recordings are at hand, and of synthetic voices."""
    found = {"synthetic": [synthesised(text, voice) for text in QUESTIONS for voice in ("rms", "awb")]}
    folder = reference_folder()
    if folder is not None:
        rows = [row.split("\t") for row in (folder / "manifest.tsv").read_text("utf-8").splitlines()[1:]]
        found["human"] = [without_tail(recorded(folder / row[0])) for row in rows if row[1] != "-"]
    return found


def sentences(judge: SmartTurn, clips: Sequence[Samples]) -> list[dict[str, float]]:
    """Whole ones called finished, cut ones called unfinished, after a silence."""
    rows = []
    for silence_ms in SILENCES_MS:
        whole = [_likelihood(judge, clip, silence_ms) for clip in clips]
        cut = [
            _likelihood(judge, clip[: int(len(clip) * share)], silence_ms) for clip in clips for share in CUTS
        ]
        rows.append(
            {
                "silence_ms": silence_ms,
                "whole": len(whole),
                "called_finished": round(float(np.mean(np.array(whole) >= 0.5)), 2),
                "cut": len(cut),
                "called_unfinished": round(float(np.mean(np.array(cut) < 0.5)), 2),
            }
        )
    return rows


def _likelihood(judge: SmartTurn, speech: Samples, silence_ms: int) -> float:
    pcm = in_a_room(speech, before_ms=0, after_ms=silence_ms)
    return judge.finished(down().feed(to_samples(pcm), last=True))


def turns(judge: SmartTurn, clips: Sequence[Samples]) -> dict[str, dict[str, float]]:
    """Each sentence as a turn, in each mode."""
    network, _ = load(SPEECH_FOLDER / SILERO)
    rows = {}
    for name, asked in MODES.items():
        early, waits, verdicts = 0, [], AtOnce(judge)
        for clip in clips:
            stops = Stops()
            hearing = Hearing(SileroVad(network), Deaf(), stops, verdicts)
            hearing.turn_settings = TurnSettings.of(asked, is_judged=asked["type"] == "semantic_vad")
            pcm = in_a_room(clip, before_ms=_LEAD_MS, after_ms=_TAIL_MS)
            for at in range(0, len(pcm), _FRAME):
                hearing.feed(pcm[at : at + _FRAME])
            end_ms = _LEAD_MS + len(clip) * 1000 / WIRE_RATE
            early += any(at_ms < end_ms for at_ms in stops.at_ms)
            waits += [at_ms - end_ms for at_ms in stops.at_ms if at_ms >= end_ms][:1]
        ranked = sorted(waits)
        rows[name] = {
            "turns": len(clips),
            "cut_short": early,
            "wait_p50_ms": round(ranked[len(ranked) // 2]),
            "wait_p90_ms": round(ranked[int(len(ranked) * 0.9)]),
            "wait_max_ms": round(ranked[-1]),
            "verdicts_per_turn": round(verdicts.asked / len(clips), 1),
            "cpu_ms_per_verdict": round(verdicts.cpu_s * 1000 / verdicts.asked, 1) if verdicts.asked else 0.0,
        }
    return rows


def main() -> int:
    """Run and print. 1 when there is no network to try."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, help="the Smart Turn file; else the one inside pipecat-ai")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    asked = parser.parse_args()
    path = turn_file(EngineOptions(turn_model=asked.model))
    if path is None:
        sys.stderr.write("No Smart Turn network: run `pip install --no-deps pipecat-ai` or give --model.\n")
        return 1
    judge, out = SmartTurn(path), sys.stdout.write
    figures: dict[str, Any] = {"model": path.name}
    for kind, clips in spoken().items():
        figures[kind] = {"sentences": sentences(judge, clips), "turns": turns(judge, clips)}
        out(f"{kind}, {len(clips)} sentences\n")
        for row in figures[kind]["sentences"]:
            out(
                f"  after {row['silence_ms']:3} ms: whole called finished {row['called_finished']:4.0%}, "
                f"cut called unfinished {row['called_unfinished']:4.0%} (n {row['cut']})\n"
            )
        for name, row in figures[kind]["turns"].items():
            out(
                f"  {name:15} cut short {row['cut_short']:2}, wait p50 {row['wait_p50_ms']:4} ms, "
                f"p90 {row['wait_p90_ms']:4}, max {row['wait_max_ms']:4}; {row['verdicts_per_turn']} "
                f"verdicts a turn of {row['cpu_ms_per_verdict']} ms CPU\n"
            )
    judge.close()
    if asked.json is not None:
        asked.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
