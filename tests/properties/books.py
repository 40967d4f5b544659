"""What went into a session and what came out of it, and the rules between the two.

What lives here: checkers of events and effects, and of the few accounts that the contract makes public.
What never will: why the core decides as it does; the choice of events (`chaos`); the client (`client`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from holdfast.core import effects, events, notices
from holdfast.core.effects import Effect
from holdfast.core.events import Event
from tests.properties.client import Client

TO_UPSTREAM = (
    effects.Append,
    effects.CommitInput,
    effects.ClearInput,
    effects.AddText,
    effects.AddSpeech,
    effects.AddCall,
    effects.AddToolResult,
    effects.Respond,
    effects.CancelResponse,
    effects.Truncate,
)

TALK = (
    events.SpeechBegan,
    events.SpeechEnded,
    events.InputCommitted,
    events.UserTranscribed,
    events.ResponseBegan,
    events.OutputAudio,
    events.OutputTranscribed,
    events.ToolCalled,
    events.ResponseEnded,
)


@dataclass
class Ranges:
    """A set of positions, as ranges in order that neither touch nor overlap."""

    parts: list[tuple[int, int]] = field(default_factory=list)

    def add(self, first: int, last: int) -> None:
        if self.parts and self.parts[-1][1] == first:
            self.parts[-1] = (self.parts[-1][0], last)
            return
        touching = [part for part in self.parts if part[0] <= last and first <= part[1]]
        low, high = min([first, *(a for a, _ in touching)]), max([last, *(b for _, b in touching)])
        self.parts = sorted([*(part for part in self.parts if part not in touching), (low, high)])

    def common(self, first: int, last: int) -> int:
        """How many of these positions are in the set."""
        return sum(max(0, min(b, last) - max(a, first)) for a, b in self.parts)


@dataclass
class Line:
    """One upstream: what it was given."""

    is_created: bool = False
    is_configured: bool = False
    calls: set[str] = field(default_factory=set)
    results: set[str] = field(default_factory=set)
    heard_to: int = 0


@dataclass
class Books:
    """All accounts of one session."""

    durability: str = "none"
    given: Ranges = field(default_factory=Ranges)
    lost: Ranges = field(default_factory=Ranges)
    lines: dict[int, Line] = field(default_factory=dict)
    dialing: int | None = None
    generation: int = 0
    adopted: int | None = None
    client: Client = field(default_factory=Client)
    runs: Counter[str] = field(default_factory=Counter)
    recorded: int = 0
    durable: int = 0
    intents: dict[str, int] = field(default_factory=dict)
    outcomes: dict[str, int] = field(default_factory=dict)
    is_degraded: bool = False
    """The journal stumbled at least once: what waited for it could not wait for ever."""
    epoch: str = ""
    asked_epoch: str = ""
    finished: bool = False
    asking: bool = False
    ready: int = 0
    timers: set[str] = field(default_factory=set)

    def enter(self, event: Event, now: float, out: Iterable[Effect]) -> None:
        """Check everything that came out of one step."""
        due = list(out)
        assert not (self.finished and due), "a finished session acts"
        if isinstance(event, TALK) and event.generation != self.adopted:
            assert not due, "a voice that should not be heard was heard"
        self._event(event)
        is_return = isinstance(event, events.ResumeAsked)
        for effect in due:
            assert not self.finished, "something after Finish"
            if isinstance(effect, effects.Tell | effects.Play):
                self._to_client(effect, now, is_return=is_return)
            elif isinstance(effect, TO_UPSTREAM):
                self._to_upstream(effect)
            else:
                self._to_world(effect)
        assert not self.client.holes, "audio was skipped without a name"
        assert not self.client.unnamed, "a message was skipped without a name"
        if is_return and not self.finished:
            self.client.is_there = True

    def _event(self, event: Event) -> None:
        current = getattr(event, "generation", None)
        line = None if current is None else self.lines.get(current)
        match event:
            case events.UpstreamCreated() if line is not None:
                line.is_created = True
            case events.UpstreamConfigured() if line is not None:
                line.is_configured |= line.is_created
            case events.ResponseBegan() | events.UpstreamErred() | events.ResponseEnded():
                self.asking = False
            case events.ToolCalled(call_id=call_id) if line is not None and current == self.adopted:
                line.calls.add(call_id)
            case events.ResumeAsked(offset=offset, epoch=epoch):
                self.asked_epoch = epoch
                self.client = self.client.back_to(offset)
                self.client.is_there = False
            case events.ClientGone():
                self.client.is_there = False
            case events.Recorded(number=number):
                self.durable = max(self.durable, number)
            case events.JournalChanged(cause=cause):
                self.is_degraded |= cause is not None
            case events.TimerFired(name=name):
                self.timers.discard(name)
            case _:
                pass

    def _to_client(self, message: effects.Tell | effects.Play, now: float, *, is_return: bool) -> None:
        notice = message.notice if isinstance(message, effects.Tell) else None
        if isinstance(notice, notices.SessionCreated):
            self.epoch = notice.epoch
        if isinstance(notice, notices.SessionResumed):
            assert not notice.recovered or self.asked_epoch == self.epoch, "another epoch was recovered"
            self.client.resumed(notice)
            return
        self.client.receive(message, now, is_tail=is_return)
        match notice:
            case notices.SessionReady():
                self.ready += 1
                assert is_return or self.ready == 1, "ready twice"
            case notices.ResponseStarted():
                line = self.lines.get(self.adopted or 0)
                assert is_return or (line is not None and line.is_configured), "an answer from nobody"
            case _:
                pass

    # the upstream

    def _to_upstream(self, effect: Effect) -> None:
        line = None if self.adopted is None else self.lines.get(self.adopted)
        assert line is not None, f"{type(effect).__name__} to nobody"
        assert line.is_configured, f"{type(effect).__name__} before session.updated"
        match effect:
            case effects.Append(pcm=pcm, start=start):
                last = start + len(pcm) // 2
                assert start >= line.heard_to, "an upstream was given a sample twice"
                assert not self.lost.common(start, last), "what was named lost is given"
                line.heard_to = last
                self.given.add(start, last)
            case effects.Respond():
                assert not self.asking, "two requests for a response at once"
                self.asking = True
            case effects.AddCall(call_id=call_id):
                assert call_id not in line.calls, "a call was told twice"
                line.calls.add(call_id)
            case effects.AddToolResult(call_id=call_id):
                assert call_id in line.calls, "a result without its call"
                assert call_id not in line.results, "a result was told twice"
                line.results.add(call_id)
                if self.durability != "none" and not self.is_degraded:
                    assert self.outcomes[call_id] <= self.durable, "a result was told before it was durable"
            case _:
                pass

    # the rest of the world

    def _to_world(self, effect: Effect) -> None:
        match effect:
            case effects.Dial(generation=generation):
                assert self.dialing is None, "two dials at a time"
                assert generation == self.generation + 1, "a generation twice"
                self.generation = self.dialing = generation
                self.lines[generation] = Line()
            case effects.Configure(generation=generation):
                assert self.lines[generation].is_created, "settings before proof of life"
            case effects.ProveLife(generation=generation):
                assert self.lines[generation].is_configured, "a sign of life before session.updated"
            case effects.Adopt(generation=generation):
                assert generation in self.lines, "a line that was hung up"
                self.adopted = generation
                self.asking = False
                self.dialing = None if generation == self.dialing else self.dialing
            case effects.HangUp(generation=generation):
                self.lines.pop(generation, None)
                self.adopted = None if generation == self.adopted else self.adopted
                self.dialing = None if generation == self.dialing else self.dialing
            case effects.RunTool(call_id=call_id):
                self.runs[call_id] += 1
                assert self.runs[call_id] == 1, "a tool ran twice"
                if self.durability != "none" and not self.is_degraded:
                    assert self.intents[call_id] <= self.durable, "a tool ran before its intent was durable"
            case effects.Record(number=number, kind=kind, content=content):
                assert number == self.recorded + 1, "a hole in the journal"
                self.recorded = number
                if kind in {"call", "result"}:
                    (self.intents if kind == "call" else self.outcomes)[content["id"]] = number
            case effects.StartTimer(name=name, seconds=seconds):
                assert seconds >= 0
                self.timers.add(name)
            case effects.StopTimer(name=name):
                self.timers.discard(name)
            case effects.Note(moment="audio.lost", facts=facts):
                first, last = facts["from_sample"], facts["to_sample"]
                assert first < last, "a loss of nothing"
                assert not self.lost.common(first, last), "a loss was named twice"
                self.lost.add(first, last)
            case effects.Finish():
                self.finished = True
            case _:
                pass
