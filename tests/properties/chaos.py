"""A world that does anything at any time to a session core, and checkers that nothing escapes.

What lives here: the choice of the next event from a number, the books, the invariants.
What never will: knowing why the core decides as it does. The checkers see events and effects only, and the
few accounts that the contract makes public (`received`, what is held).

Late, doubled and foreign-generation signals are on purpose: without them a missing fence is not found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from holdfast.core import effects, events, notices
from holdfast.core.effects import Effect
from holdfast.core.events import Event, SessionOptions
from holdfast.core.faults import FAULTS, fault
from holdfast.core.hot_path import hear, speak
from holdfast.core.limits import Limits
from holdfast.core.session import Session
from tests.core.world import pcm, surroundings

LIMITS = Limits(input_held_s=0.5, input_before_session_s=0.2, audio_burst_s=5.0, commands_held=4, retries=3)
CODES = sorted(FAULTS)
COMMANDS: tuple[Event, ...] = (events.CommitAsked(), events.ClearAsked(), events.CancelAsked())
TIMERS = ("dial", "created", "updated", "errors", "goodbye", "idle", "losses", "response")


@dataclass
class Books:
    """What went in and what came out, and the rules between them."""

    appended: int = 0
    lost: int = 0
    offset: int = 0
    dials: int = 0
    failures: int = 0
    configured: int = 0
    generation: int = 0
    started: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    runs: Counter[str] = field(default_factory=Counter)
    results: Counter[str] = field(default_factory=Counter)
    streams: dict[int, int] = field(default_factory=dict)
    cut_items: set[str] = field(default_factory=set)
    stream_items: dict[int, str] = field(default_factory=dict)
    errors: dict[str, float] = field(default_factory=dict)
    finished: bool = False
    asking: bool = False
    ready: int = 0

    def enter(self, event: Event, now: float, out: Iterable[Effect]) -> None:
        """Check everything that came out of one step."""
        assert not (self.finished and list(out)), "a finished session acts"
        if isinstance(event, events.UpstreamConfigured) and event.generation == self.generation:
            self.configured = max(self.configured, event.generation)
        if isinstance(event, events.ResponseBegan):
            self.asking = False
        if isinstance(event, events.UpstreamErred) and "active_response" in event.code:
            self.asking = False
        if isinstance(event, events.TimerFired) and event.name == "response":
            self.asking = False
        for effect in out:
            assert not self.finished, "something after Finish"
            self._effect(effect, now)

    def _effect(self, effect: Effect, now: float) -> None:
        match effect:
            case effects.Tell(notice=notice, offset=offset):
                self._numbered(offset)
                self._notice(notice, now)
            case effects.Play():
                self._numbered(effect.offset)
                assert effect.start == self.streams.get(effect.stream, 0), "a hole or a repeat in the audio"
                self.streams[effect.stream] = effect.start + len(effect.pcm) // 2
                assert self.stream_items[effect.stream] not in self.cut_items, "audio of a cut item"
            case effects.Append():
                assert self.configured == self.generation, "audio before session.updated"
                self.appended += len(effect.pcm) // 2
            case effects.Dial(generation=generation):
                self.dials += 1
                assert generation == self.generation + 1, "a generation twice"
                self.generation = generation
                self.asking = False
                assert self.dials <= self.failures + 1, "more dials than failures + 1"
            case effects.HangUp() | effects.StartTimer():
                pass
            case effects.Respond():
                assert not self.asking, "two requests for a response at once"
                self.asking = True
            case effects.RunTool(call_id=call_id):
                self.runs[call_id] += 1
                assert self.runs[call_id] == 1, "a tool ran twice"
            case effects.AddToolResult(call_id=call_id):
                self.results[call_id] += 1
                assert self.results[call_id] == 1, "a result was told twice"
            case effects.Finish():
                self.finished = True
            case _:
                pass

    def _numbered(self, offset: int | None) -> None:
        if offset is None:
            assert self.offset == 0, "an unnumbered message after session_created"
        else:
            assert offset == self.offset + 1, "a hole in the order of messages"
            self.offset = offset

    def _notice(self, notice: notices.Notice, now: float) -> None:
        match notice:
            case notices.ResponseStarted(response_id=response_id):
                assert sum(self.started.values()) == sum(self.done.values()), "two responses at once"
                self.started[response_id] += 1
            case notices.ResponseDone(response_id=response_id):
                self.done[response_id] += 1
                assert self.done[response_id] <= self.started[response_id], "an end without a beginning"
            case notices.AudioStarted(item_id=item_id, stream=stream):
                self.stream_items[stream] = item_id
                self.cut_items.discard(item_id)
            case notices.Interrupted(item_id=item_id):
                self.cut_items.add(item_id)
            case notices.AudioLost(from_sample=first, to_sample=last):
                assert first < last
                self.lost += last - first
            case notices.SessionReady():
                self.ready += 1
                assert self.configured == self.generation, "readiness was pretended"
            case notices.Error(code=code, fault=cause, suppressed=suppressed) if suppressed is None:
                told_at = self.errors.get(code)
                is_terminal = code in {"RECONNECT_FAILED", "SESSION_INITIALIZATION_FAILED"}
                assert cause is not None
                if not is_terminal and code != "RESPONSE_FAILED":
                    assert told_at is None or now - told_at >= 1.0, "two errors of one code in a second"
                    self.errors[code] = now
            case _:
                pass


class Chaos:
    """One session in a world driven by numbers."""

    def __init__(self) -> None:
        self.session = Session(surroundings(LIMITS))
        self.books = Books()
        self.now = 100.0
        self.log: list[Event] = []
        self.position = 0
        self._made = 0

    def run(self, choices: Iterable[int]) -> None:
        """Live through the choices, then end, and balance the books."""
        self.books.enter(events.Pinged({}), self.now, self.session.start())
        for choice in choices:
            self.now += (choice % 7) * 0.05
            self.give(self.event(choice // 7))
        self.give(events.EndAsked())
        self.give(events.ClientGone(1006))
        books = self.books
        assert books.started == books.done, "a response without its end"
        self.balance()

    def give(self, event: Event) -> None:
        """One step, checked."""
        self.log.append(event)
        is_current = getattr(event, "generation", None) == self.books.generation
        if isinstance(event, events.UpstreamLost | events.UpstreamErred) and is_current:
            self.books.failures += 1
        if isinstance(event, events.TimerFired) and event.name in {"dial", "created", "updated"}:
            self.books.failures += 1
        if not self._by_the_hot_path(event):
            self.books.enter(event, self.now, self.session.receive(event, self.now))
        self.balance()

    def _by_the_hot_path(self, event: Event) -> bool:
        """What the runner tries first: the same books, without events and effects."""
        state = self.session.state
        match event:
            case events.ClientAudio(pcm=pcm, start=None) if hear(state, pcm, self.now):
                self.books.enter(event, self.now, [effects.Append(pcm, state.received - len(pcm) // 2)])
                return True
            case events.OutputAudio(generation=g, response_id=response, item_id=item_id, pcm=pcm):
                item = speak(state, g, response, item_id, size=len(pcm), now=self.now)
                if item is not None:
                    start = item.sent - len(pcm) // 2
                    play = effects.Play(state.output.offset, item.stream, start, pcm)
                    self.books.enter(event, self.now, [play])
                    return True
        return False

    def balance(self) -> None:
        """Every sample that was kept is delivered, held, or named as lost (reliability reference, B1)."""
        state, books = self.session.state, self.books
        accounted = books.appended + state.held.samples + books.lost + state.losses.untold
        assert accounted == state.received, "samples went missing"
        assert state.held.samples <= 0.5 * 24_000, "a bound was passed"

    def event(self, choice: int) -> Event:
        """The event that a number means now."""
        kind, detail = choice % 24, choice // 24
        self._made += 1
        current = self.books.generation
        generation = max(0, current - (detail % 5 == 0)) if current else 0
        response = f"resp_{detail % 3}"
        item = f"item_{detail % 4}"
        call = f"call_{detail % 3}"
        match kind:
            case 0:
                options = SessionOptions(greet=detail % 2 == 0, framing="positioned")
                return events.SessionAsked(options, "hf", "token", "epoch", f"e{detail % 3}")
            case 1 | 2 | 3:
                return self._audio(detail)
            case 4:
                return events.TextGiven("hello", f"t{detail}" if detail % 2 else None)
            case 5:
                return COMMANDS[detail % 3]
            case 6:
                return events.Played(item, detail % 3000)
            case 7:
                return events.MessageRefused("INVALID_MESSAGE", "bad")
            case 8:
                return events.TimerFired(
                    ("dial", "created", "updated", "errors", "goodbye", "idle", "losses", "response")[
                        detail % 6
                    ]
                )
            case 9 | 10 if self._is_backing_off():
                return events.TimerFired("retry")
            case 9 | 10:
                return events.UpstreamOpened(generation)
            case 11 | 12:
                return events.UpstreamCreated(generation, "sess")
            case 13 | 14:
                return events.UpstreamConfigured(generation)
            case 15:
                return events.UpstreamLost(generation, fault(CODES[detail % len(CODES)]), (detail % 10) / 10)
            case 16:
                return events.ResponseBegan(generation, f"resp_{self._made}" if detail % 3 else response)
            case 17 | 18:
                return events.OutputAudio(
                    generation, self._active() or response, item, pcm(1 + detail % 5000)
                )
            case 19:
                ended = (self._active() or response) if detail % 3 else response
                return events.ResponseEnded(generation, ended, "completed")
            case 20:
                return events.ToolCalled(generation, self._active() or response, call, "balance", "{}")
            case 21:
                return events.ToolReturned(call, "{}", "ok", end_session=detail % 11 == 0)
            case 22:
                return events.SpeechBegan(generation, item, detail % 1000)
            case _:
                busy = "conversation_already_has_active_response"
                return events.UpstreamErred(
                    generation, fault("application.invalid_message"), busy, "busy", None, benign=True
                )

    def _audio(self, detail: int) -> Event:
        samples = 120 + detail % 2000
        start = self.position if detail % 4 else max(0, self.position + detail % 400 - 200)
        self.position = max(self.position, start + samples)
        is_positioned = self.session.state.link.is_attached and detail % 3
        return events.ClientAudio(pcm(samples), start if is_positioned else None)

    def _active(self) -> str | None:
        return self.session.state.turn.active

    def _is_backing_off(self) -> bool:
        return self.session.state.upstream.phase.name == "BACKING_OFF"
