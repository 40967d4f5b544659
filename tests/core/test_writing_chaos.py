"""Transcription sessions under upstreams that die at any moment: every turn is written once.

An upstream is a small model of one: it hears a turn in a run of loud frames, and what it writes is how loud
the frames were: each turn has a loudness of its own, so its words say which turn they are of.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

import pytest

from holdfast.core import effects, events, notices
from holdfast.core.effects import Effect
from holdfast.core.events import ClientAudio, SessionOptions
from tests.core.world import World, pcm

FRAME = 480
QUIET = 1
HANGOVER = 5
"""Quiet frames that end a turn."""
RUNS = 150


@dataclass
class Scribe:
    """One upstream: what it was given, and what it has not said yet."""

    generation: int
    finds_turns: bool
    heard: bytearray = field(default_factory=bytearray)
    frames: int = 0
    quiet: int = 0
    loud: list[int] = field(default_factory=list)
    number: int = 0
    due: list[events.Event] = field(default_factory=list)
    unwritten: list[tuple[str, str]] = field(default_factory=list)

    @property
    def item(self) -> str:
        return f"item_{self.generation}_{self.number}"

    def take(self, step: list[Effect]) -> None:
        for effect in step:
            if isinstance(effect, effects.Append):
                self.heard += effect.pcm
                while len(self.heard) >= 2 * FRAME:
                    self._frame(self.heard[0])
                    del self.heard[: 2 * FRAME]
            elif isinstance(effect, effects.CommitInput):
                self._commit()

    def _frame(self, value: int) -> None:
        self.frames += 1
        if value != QUIET:
            if not self.loud and self.finds_turns:
                self.due.append(events.SpeechBegan(self.generation, self.item, (self.frames - 1) * 20))
            self.loud.append(value)
            self.quiet = 0
        elif self.loud and self.finds_turns:
            self.quiet += 1
            if self.quiet == HANGOVER:
                self.due.append(events.SpeechEnded(self.generation, self.item, self.frames * 20))
                self._commit()

    def _commit(self) -> None:
        words = " ".join(str(value) for value in dict.fromkeys(self.loud))
        self.due.append(events.InputCommitted(self.generation, self.item))
        self.unwritten.append((self.item, words))
        self.number += 1
        self.loud, self.quiet = [], 0

    def write(self, chance: random.Random) -> None:
        """Some turn's words come, perhaps before an earlier one's; perhaps their first part only."""
        if not self.unwritten:
            return
        item, words = self.unwritten[chance.randrange(len(self.unwritten))]
        if chance.random() < 0.3:
            self.due.append(events.UserTranscribed(self.generation, item, words[:1], final=False))
            return
        self.unwritten.remove((item, words))
        self.due.append(events.UserTranscribed(self.generation, item, words, final=True))


class Run:
    """A session with its user and its upstreams."""

    def __init__(self, seed: int, how: Literal["auto", "manual"]) -> None:
        self.chance = random.Random(seed)
        self.how = how
        self.world = World.live(SessionOptions(mode="transcription", turn_detection=how))
        self.scribe = Scribe(self.world.generation, how == "auto")
        self.kills = self.world.session.state.limits.turn_replays
        self.is_down = False

    def frame(self, value: int) -> None:
        self.scribe.take(self.world.do(ClientAudio(pcm(FRAME, value)), after=0.02))
        self.settle()

    def settle(self) -> None:
        while self.scribe.due and not self.is_down:
            self.scribe.take(self.world.do(self.scribe.due.pop(0)))
        if self.chance.random() < 0.1:
            self.scribe.write(self.chance)
        if self.kills and not self.is_down and self.chance.random() < 0.02:
            self.kills -= 1
            self.world.now += 10
            self.world.lose()
            self.is_down = True
        elif self.is_down and self.chance.random() < 0.1:
            self.comes_back()

    def comes_back(self) -> None:
        self.world.redial()
        self.scribe = Scribe(self.world.generation, self.how == "auto")
        self.is_down = False
        self.scribe.take(self.world.go_live())

    def talk(self, turns: int) -> None:
        for number in range(turns):
            for _ in range(self.chance.randint(3, 25)):
                self.frame(number + 10)
            for _ in range(self.chance.randint(HANGOVER, 20)):
                self.frame(QUIET)
            if self.how == "manual":
                self.scribe.take(self.world.do(events.CommitAsked()))
                self.settle()
        self.kills = 0
        if self.is_down:
            self.comes_back()
        for _ in range(HANGOVER + 20):
            self.frame(QUIET)
        while self.scribe.unwritten or self.scribe.due:
            self.scribe.write(self.chance)
            self.settle()


@pytest.mark.parametrize("how", ["auto", "manual"])
def test_every_turn_is_written_once(how: Literal["auto", "manual"]) -> None:
    for seed in range(RUNS):
        run = Run(seed, how)
        run.talk(4)
        told = run.world.told(notices.UserTranscript)
        finals = [one for one in told if isinstance(one, notices.UserTranscript) and one.final]
        assert set(Counter(one.item_id for one in finals).values()) <= {1}, seed
        words = Counter(word for one in finals for word in one.text.split())
        assert words == dict.fromkeys(("10", "11", "12", "13"), 1), (seed, finals)
        for kind in (notices.SpeechStarted, notices.SpeechStopped):
            began = Counter(one.item_id for one in run.world.told(kind))  # type: ignore[union-attr] # both have one
            assert set(began.values()) <= {1}, (seed, kind)
        begun = {one.item_id for one in run.world.told(notices.SpeechStarted)}  # type: ignore[union-attr] # as above
        assert begun <= {one.item_id for one in finals}, seed
        assert not run.world.told(notices.AudioLost), seed
        assert not run.world.told(notices.Error), seed
        assert not run.world.session.state.spoken.turns, seed
