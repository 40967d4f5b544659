"""Relayed transcription sessions under upstreams that die at any moment: every turn is written once.

An upstream is a small model of one: which turn an audio message belongs to is known by its number; what it
writes of a run of messages is the turns they belong to.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field

import pytest

from holdfast.core import events
from holdfast.core import relay_events as heard
from holdfast.core.faults import fault
from holdfast.core.relay_effects import RelayEffect, SendDeleted, SendError, SendUp
from holdfast.core.relay_events import RelayEvent, SessionFacts
from holdfast.core.relay_mirror import RelayItem
from tests.core.relay_world import APPEND_MS, RelayWorld

COMMIT = b"input_audio_buffer.commit"
HANGOVER = 5
"""Quiet messages that end a turn."""
RUNS = 150
COMPLETED = "completed"


@dataclass
class Scribe:
    """One upstream: what it was given, and what it has not said yet."""

    generation: int
    finds_turns: bool
    turn_of: dict[int, int]
    messages: int = 0
    quiet: int = 0
    loud: list[int] = field(default_factory=list)
    number: int = 0
    due: list[RelayEvent] = field(default_factory=list)
    unwritten: list[tuple[str, str]] = field(default_factory=list)

    @property
    def item(self) -> str:
        return f"item_{self.generation}_{self.number}"

    def take(self, step: list[RelayEffect]) -> None:
        for effect in step:
            if isinstance(effect, SendUp) and effect.raw.startswith(b"a"):
                self._hear(self.turn_of.get(int(effect.raw[1:7]), 0))
            elif isinstance(effect, SendUp) and effect.raw.startswith(COMMIT):
                self._commit()

    def _hear(self, turn: int) -> None:
        self.messages += 1
        g, at_ms = self.generation, self.messages * APPEND_MS
        if turn:
            if not self.loud and self.finds_turns:
                raw = f'speech_started "{self.item}"'.encode()
                self.due.append(heard.SpeechBegan(g, raw, self.item, at_ms - APPEND_MS))
            self.loud.append(turn)
            self.quiet = 0
        elif self.loud and self.finds_turns:
            self.quiet += 1
            if self.quiet == HANGOVER:
                self.due.append(
                    heard.SpeechEnded(g, f'speech_stopped "{self.item}"'.encode(), self.item, at_ms)
                )
                self._commit()

    def _commit(self) -> None:
        g, item = self.generation, self.item
        self.due.append(heard.InputCommitted(g, f'committed "{item}"'.encode(), item))
        for kind in ("conversation.item.added", "conversation.item.done"):
            told = RelayItem(item, "message", "user", b"{}")
            self.due.append(heard.ItemTold(g, f'{kind} "{item}"'.encode(), kind, None, told))
        self.unwritten.append((item, " ".join(map(str, dict.fromkeys(self.loud)))))
        self.number += 1
        self.loud, self.quiet = [], 0

    def write(self, chance: random.Random) -> None:
        """Some turn's words come, perhaps before an earlier one's; perhaps their first part only."""
        if not self.unwritten:
            return
        g = self.generation
        item, words = self.unwritten[chance.randrange(len(self.unwritten))]
        if chance.random() < 0.3:
            self.due.append(heard.Heard(g, f'delta "{item}" {words[:1]}'.encode(), "delta", item, words[:1]))
            return
        self.unwritten.remove((item, words))
        self.due.append(heard.Heard(g, f'{COMPLETED} "{item}" {words}'.encode(), "completed", item, words))


class Run:
    """A session with its client and its upstreams."""

    def __init__(self, seed: int, *, by_hand: bool) -> None:
        self.chance = random.Random(seed)
        self.by_hand = by_hand
        self.facts = SessionFacts(
            kind="transcription", hears_turns=not by_hand, answers_turns=False, interrupts=False
        )
        self.turn_of: dict[int, int] = {}
        self.world = RelayWorld.live(self.facts)
        self.scribe = Scribe(self.world.generation, not by_hand, self.turn_of)
        self.kills = self.world.state.limits.turn_replays
        self.is_down = False

    def send(self, turn: int) -> None:
        self.turn_of[self.world.appended] = turn
        before = len(self.world.effects)
        self.world.now += 0.02
        self.world.speak()
        self.scribe.take(self.world.effects[before:])
        self.settle()

    def settle(self) -> None:
        while self.scribe.due and not self.is_down:
            self.scribe.take(self.world.do(self.scribe.due.pop(0)))
        if self.chance.random() < 0.1:
            self.scribe.write(self.chance)
        if self.kills and not self.is_down and self.chance.random() < 0.02:
            self.kills -= 1
            self.world.now += 60
            self.world.do(events.UpstreamLost(self.world.generation, fault("provider.connection_lost"), 0.5))
            self.is_down = True
        elif self.is_down and self.chance.random() < 0.1:
            self.comes_back()

    def comes_back(self) -> None:
        self.scribe = Scribe(self.world.state.starting.generation, not self.by_hand, self.turn_of)
        self.is_down = False
        self.scribe.take(self.world.open(self.facts))

    def talk(self, turns: int) -> None:
        for number in range(1, turns + 1):
            for _ in range(self.chance.randint(3, 25)):
                self.send(number)
            for _ in range(self.chance.randint(HANGOVER, 20)):
                self.send(0)
            if self.by_hand:
                before = len(self.world.effects)
                self.world.say(COMMIT.decode(), f"e{number}")
                self.scribe.take(self.world.effects[before:])
                self.settle()
        self.kills = 0
        if self.is_down:
            self.comes_back()
        for _ in range(HANGOVER + 20):
            self.send(0)
        while self.scribe.unwritten or self.scribe.due:
            self.scribe.write(self.chance)
            self.settle()


@pytest.mark.parametrize("by_hand", [False, True])
def test_every_turn_is_written_once(*, by_hand: bool) -> None:
    for seed in range(RUNS):
        run = Run(seed, by_hand=by_hand)
        run.talk(4)
        told = [one.split(" ", 2) for one in run.world.down]
        finals = [one for one in told if one[0] == COMPLETED]
        words = Counter(word for one in finals for word in one[2].split())
        assert words == dict.fromkeys("1234", 1), (seed, finals)
        for kind in (COMPLETED, "speech_started", "speech_stopped", "committed", "conversation.item.added"):
            assert set(Counter(one[1] for one in told if one[0] == kind).values()) <= {1}, (seed, kind)
        gone = {f'"{one.item_id}"' for one in run.world.effects if isinstance(one, SendDeleted)}
        begun = {one[1] for one in told if one[0] in {"speech_started", "committed"}}
        assert begun <= {one[1] for one in finals} | gone, seed
        assert not [one for one in run.world.effects if isinstance(one, SendError)], seed
        assert not run.world.state.spoken.turns, seed
