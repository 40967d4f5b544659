"""A language of tones, so that a whole session can be tried fast: each word is a level held for 96 ms.

What lives here: ears and a voice for it (the stages' ports), and a session without a socket that hears and
speaks it. What never will: a test, or what is right.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any, Final

import numpy as np
import pybase64

from holdfast.engine.ahead import Ahead
from holdfast.engine.kit import Stages
from holdfast.engine.knowledge import Library
from holdfast.engine.pipeline import Assistant
from holdfast.engine.remote import Chat
from holdfast.engine.resample import WIRE_RATE, to_pcm, to_samples
from holdfast.engine.speaking import Mouth
from holdfast.engine.stages import RATE, Cancelled, Judged, Samples, Teachable, TurnJudge, Vad
from holdfast.wire.realtime import RealtimeHost
from tests.engine.conftest import Tool

_WORD_MS: Final = 96
_LOWEST, _STEP = 0.1, 0.02
_QUIET: Final = 0.05


class Tones:
    """Which level is which word. Words get theirs as they come up."""

    def __init__(self) -> None:
        self._words: list[str] = []

    def level(self, word: str) -> float:
        bare = word.strip(".,?!'").lower()
        if bare not in self._words:
            self._words.append(bare)
        return _LOWEST + _STEP * self._words.index(bare)

    def spoken(self, text: str, rate: int) -> Samples:
        levels = [np.full(rate * _WORD_MS // 1000, self.level(word)) for word in text.split()]
        return np.concatenate(levels).astype(np.float32) if levels else np.zeros(0, dtype=np.float32)

    def heard(self, samples: Samples, rate: int) -> list[str]:
        """The words in it, by the middle of each millisecond."""
        every = np.abs(samples[rate // 2000 :: rate // 1000])
        nearest = np.rint((every - _LOWEST) / _STEP).astype(int)
        nearest[every < _QUIET] = -1
        found = []
        for index, run in groupby(nearest.tolist()):
            times = round(sum(1 for _ in run) / _WORD_MS)
            if 0 <= index < len(self._words):
                found += [self._words[index]] * times
        return found


class ToneVad:
    """Speech is what is loud."""

    def judge(self, frames: Samples, then: Judged) -> None:
        then([0.9 if float(np.abs(frame).mean()) > _QUIET else 0.01 for frame in frames])


class LateVad(ToneVad):
    """Its decisions may be made to wait, as they do for company among many sessions."""

    def __init__(self) -> None:
        self.is_late = False
        self._waiting: list[tuple[Samples, Judged]] = []

    def judge(self, frames: Samples, then: Judged) -> None:
        if self.is_late:
            self._waiting.append((frames.copy(), then))
        else:
            super().judge(frames, then)

    def decide(self) -> None:
        """What waits, and from here on at once."""
        self.is_late = False
        waiting, self._waiting = self._waiting, []
        for frames, then in waiting:
            self.judge(frames, then)


class ToneRecogniser:
    """Hears every word; on its way to the end it may have `doubts`, and leave so many words out."""

    def __init__(self, tones: Tones, doubts: int) -> None:
        self._tones, self._doubts = tones, doubts
        self._pcm = b""

    def start(self) -> None:
        self._pcm = b""

    def feed(self, pcm: bytes) -> None:
        self._pcm += pcm

    def partial(self) -> str:
        words = self._words()
        return " ".join(words[: max(0, len(words) - self._doubts)])

    def finish(self) -> str:
        return " ".join(self._words())

    def teach(self, knowledge: Teachable) -> None:
        """It knows all words."""

    def _words(self) -> list[str]:
        return self._tones.heard(to_samples(self._pcm), RATE)


class ToneVoice:
    """Says every word, and remembers what it was asked to say."""

    def __init__(self, tones: Tones) -> None:
        self._tones = tones
        self.said: list[str] = []

    def voices(self) -> tuple[str, ...]:
        return ("rms",)

    def speak(self, clause: str, voice: str, speed: float, cancelled: Cancelled) -> Iterator[Samples]:
        self.said.append(clause)
        yield self._tones.spoken(clause, RATE)


class Outflow:
    """A socket that may be full."""

    def __init__(self) -> None:
        self.has_room = asyncio.Event()
        self.has_room.set()

    async def writable(self) -> None:
        await self.has_room.wait()

    def pause_reading(self, *, paused: bool) -> None:
        """Nobody writes that fast here."""


class ToneSession:
    """One session with these stages, in this process; its client is the test."""

    def __init__(
        self,
        library: Library,
        tools: Sequence[Tool],
        *,
        guesses: bool,
        doubts: int = 0,
        judge: TurnJudge | None = None,
        vad: Callable[[], Vad] | None = None,
        chat: Chat | None = None,
        **session: Any,
    ) -> None:
        self.tones = Tones()
        self.voice = ToneVoice(self.tones)
        self.mouth = Mouth(self.voice)
        self.ahead = Ahead(self.mouth, lambda: True) if guesses else None
        self.outflow = Outflow()
        self.events: list[dict[str, Any]] = []
        stages = Stages(
            vad=vad or ToneVad,
            reading_vad=ToneVad,
            recogniser=lambda _knowledge: ToneRecogniser(self.tones, doubts),
            library=library,
            mouth=self.mouth,
            ahead=self.ahead,
            turn_judge=judge,
            chat=chat,
        )
        library.build(tools, "")
        self._ids = 0
        intent = session.pop("intent", "realtime")
        self._assistant = Assistant(stages, self.outflow)
        self.host = RealtimeHost(
            model="m",
            responder=self._assistant,
            emit=lambda event: self.events.append(json.loads(event)),
            expires_at=0,
            ids=self._new_id,
            intent=intent,
        )
        heard = {"transcription": {"model": "m"}, "turn_detection": _VAD, **session.pop("input", {})}
        offered = {"tools": list(tools), "instructions": ""} if intent == "realtime" else {}
        self.tell(
            type="session.update", session={"type": intent, "audio": {"input": heard}, **offered, **session}
        )

    def _new_id(self, prefix: str) -> str:
        self._ids += 1
        return f"{prefix}_{self._ids}"

    def tell(self, **event: Any) -> None:
        """One client event."""
        self.host.receive(json.dumps(event).encode())

    def say(self, text: str) -> None:
        """The user speaks."""
        self._append(self.tones.spoken(text, WIRE_RATE))

    def be_quiet(self, frames: int) -> None:
        """The user does not, for so many decisions of the detector."""
        self._append(np.zeros(frames * 32 * WIRE_RATE // 1000, dtype=np.float32))

    def _append(self, samples: Samples) -> None:
        pcm = to_pcm(samples)
        size = 48 * 32
        for at in range(0, len(pcm), size):
            audio = pybase64.b64encode_as_string(pcm[at : at + size])
            self.tell(type="input_audio_buffer.append", audio=audio)

    async def settle(self) -> None:
        """Until nothing is under way any more but what waits for room in the socket."""
        calm = 0
        while calm < 20:
            inbox = self._assistant._inbox
            is_calm = self.mouth.is_idle and not inbox._jobs and not inbox._holds
            await asyncio.sleep(0 if is_calm else 0.0005)
            calm = calm + 1 if is_calm else 0

    def kinds(self) -> list[str]:
        """Types of what the client was told, repetitions of deltas folded."""
        found = [event["type"] for event in self.events]
        return [kind for at, kind in enumerate(found) if at == 0 or kind != found[at - 1]]

    def answers(self) -> list[tuple[str, str]]:
        """Each response: how it ended and what was to be said."""
        done = [event["response"] for event in self.events if event["type"] == "response.done"]
        return [(one["status"], _words_of(one)) for one in done]

    def sounds(self) -> dict[str, list[str]]:
        """What was said in each item, by its sound."""
        pcm: dict[str, bytes] = {}
        for event in self.events:
            if event["type"] == "response.output_audio.delta":
                pcm[event["item_id"]] = pcm.get(event["item_id"], b"") + pybase64.b64decode(event["delta"])
        return {item: self.tones.heard(to_samples(audio), WIRE_RATE) for item, audio in pcm.items()}

    async def end(self) -> None:
        """Hang up."""
        self._assistant.close()
        if self.ahead is not None:
            self.ahead.close()
        await self.settle()
        self.mouth.close()


_VAD: Final = {"type": "server_vad", "silence_duration_ms": 300}


def _words_of(response: dict[str, Any]) -> str:
    told = []
    for item in response["output"]:
        told += [item.get("name", "")]
        told += [part.get("transcript", "") or "" for part in item.get("content", ())]
    return "".join(told)
