"""A world that does anything at any time to a session core.

What lives here: the choice of the next event from a number, both doors into the core, the balance of samples.
What never will: rules about what comes out (`books`).

Late, doubled and foreign-generation signals are on purpose: without them a missing fence is not found.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Literal

from holdfast.core import effects, events, notices
from holdfast.core.effects import Append, Manner
from holdfast.core.endpoints import Endpoints
from holdfast.core.events import Event, SessionOptions
from holdfast.core.faults import FAULTS, fault
from holdfast.core.hearing import Unheard
from holdfast.core.journal_line import Durability
from holdfast.core.limits import Limits
from holdfast.core.links import UpstreamFacts
from holdfast.core.session import Session
from holdfast.core.state import Surroundings
from tests.core.world import pcm
from tests.properties.books import Books, Ranges

LIMITS = Limits(
    input_held_s=0.5,
    input_before_session_s=0.2,
    input_replayed_s=0.3,
    audio_burst_s=5.0,
    commands_held=4,
    window_audio_s=0.5,
    window_messages=20,
    window_shed_bytes=2_400,
    conversation_items=12,
    tool_calls_remembered=6,
    session_s=1e9,
)
UPSTREAMS = (
    UpstreamFacts("one", "openai", "m", ("marin",), "marin", (Manner.MINIMAL_AUDIO, Manner.PACED_AUDIO)),
    UpstreamFacts("two", "local", "l", ("cedar",), "cedar"),
)
CODES = sorted(FAULTS)
COMMANDS: tuple[Event, ...] = (events.CommitAsked(), events.ClearAsked(), events.CancelAsked())
ON_RETURN: tuple[Literal["continue", "skip_to_live", "truncate"] | None, ...] = (
    None,
    "continue",
    "skip_to_live",
    "truncate",
)
ENDS = frozenset({"create_wait", "life", "idle", "away", "goodbye", "drain"})
TurnDetection = Literal["auto", "manual"]
FOREIGN = ("an older", "of another session")
"""Epochs: one is less, one is more than the session's own."""
KINDS = 33
OF_THE_CLIENT = frozenset({0, 1, 2, 3, 4, 5, 6, 7, 30})
"""Kinds that only come from somebody who is there."""


class Chaos:
    """One session in a world driven by numbers."""

    def __init__(self, durability: Durability = "local", *, turn_detection: TurnDetection = "auto") -> None:
        self.endpoints = Endpoints([one.name for one in UPSTREAMS], LIMITS)
        around = Surroundings(
            limits=LIMITS,
            customer_id="C-1",
            upstreams=UPSTREAMS,
            endpoints=self.endpoints,
            greeting="Hello.",
            durability=durability,
            idempotent_tools=frozenset({"read"}),
        )
        self.session = Session(around)
        self.books = Books(durability=durability)
        self.turn_detection = turn_detection
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
        if self.books.client.is_there:
            self.give(events.EndAsked())
            self.give(events.ClientGone(1000))
        elif "away" in self.books.timers:
            self.give(events.TimerFired("away"))
        assert self.session.is_over, "a client that is done was not let go"
        client = self.books.client
        if client.is_there:
            assert client.open_response is None, "a response without its end"
        assert not self.endpoints.live, "a link that nobody left"
        assert not any(one.dialing for one in self.endpoints.status(self.now)), "a dial that nobody ended"
        self.balance()

    def give(self, event: Event) -> None:
        """One step, checked."""
        self.log.append(event)
        if not self._by_the_hot_path(event):
            self.books.enter(event, self.now, self.session.receive(event, self.now))
        self.balance()

    def _by_the_hot_path(self, event: Event) -> bool:
        """What the runner tries first: the same books, without events and effects."""
        state = self.session.state
        match event:
            case events.ClientAudio(pcm=pcm, start=start):
                at = state.input_lane.end
                if start in {None, at} and state.input_lane.take(pcm):
                    self.books.enter(event, self.now, [effects.Append(pcm, at)])
                    return True
            case events.AudioDue():
                told = state.input_lane.tell(state.output_lane, self.now)
                if told is not None:
                    notice = notices.AudioReceived(told[0], state.journal.durable)
                    self.books.enter(event, self.now, [effects.Tell(notice, told[1])])
                    return True
            case events.OutputAudio(generation=g, response_id=response, item_id=item_id, pcm=pcm):
                if state.output_lane.take(g, response, item_id, pcm, self.now):
                    self.books.enter(
                        event, self.now, [effects.Play(*state.output_lane.place_of_last(len(pcm)), pcm)]
                    )
                    return True
        return False

    def balance(self) -> None:
        """Every sample that was kept was given to an upstream, waits for one, or is named as lost; one that
        is given again counts once (reliability reference, B1). And nothing grows beyond its bound.
        """
        state, books = self.session.state, self.books
        kept = state.kept
        known = Ranges([*books.given.parts])
        for part in (*books.lost.parts, *_waiting(state.kept._waiting)):
            known.add(*part)
        if (pending := state.losses.pending) is not None:
            known.add(pending.first, pending.last)
        end = state.input_lane.end
        assert known.common(0, end) == end, "samples went missing"
        assert not any(b > end for _, b in known.parts), "samples out of nowhere"
        assert kept.waiting == sum(b - a for a, b in _waiting(kept._waiting)), (
            "waiting samples are miscounted"
        )
        assert kept.waiting <= 0.5 * 24_000, "a bound was passed"
        assert kept.given_samples <= 0.5 * 24_000, "a bound was passed"
        assert len(state.window._texts) <= LIMITS.window_messages, "a bound was passed"
        assert state.window.audio_bytes <= 0.5 * 48_000, "a bound was passed"
        assert len(state.conversation.items) <= LIMITS.conversation_items, "a bound was passed"
        assert len(state.tools.calls) <= LIMITS.tool_calls_remembered, "a bound was passed"

    def event(self, choice: int) -> Event:
        """The event that a number means now."""
        kind, detail = choice % KINDS, choice // KINDS
        self._made += 1
        current = self.books.generation
        generation = max(0, current - (detail % 5 == 0)) if current else 0
        response = f"resp_{detail % 3}"
        item = f"item_{detail % 4}"
        answer = f"{self._active() or response}_{detail % 2}"
        call = f"call_{detail % 8}"
        if kind in OF_THE_CLIENT and not self.books.client.is_there:
            return self._client_comes_or_goes(detail)
        match kind:
            case 0:
                return self._asks(detail)
            case 1 | 2 | 3:
                return self._audio(detail)
            case 4:
                return events.TextGiven("hello", f"t{detail}" if detail % 2 else None)
            case 5:
                return COMMANDS[detail % 3]
            case 6:
                return events.Played(answer, detail % 3000)
            case 7:
                return events.MessageRefused("INVALID_MESSAGE", "bad")
            case 8 | 9 | 10:
                return self._timer(detail)
            case 11 | 12:
                return events.UpstreamOpened(generation)
            case 13:
                lifetime_s = 30.0 if detail % 4 == 1 else None
                return events.UpstreamCreated(generation, "sess", lifetime_s=lifetime_s)
            case 14:
                return events.UpstreamConfigured(generation)
            case 15:
                return events.UpstreamLost(generation, fault(CODES[detail % len(CODES)]), (detail % 10) / 10)
            case 16:
                again = self._active() if detail % 5 == 0 else None
                return events.ResponseBegan(generation, again or f"resp_{self._made}")
            case 17 | 18:
                return events.OutputAudio(
                    generation, self._active() or response, answer, pcm(1 + detail % 5000)
                )
            case 19:
                ended = (self._active() or response) if detail % 3 else response
                return events.ResponseEnded(generation, ended, "completed")
            case 20:
                name = ("read", "write")[detail % 2]
                return events.ToolCalled(generation, self._active() or response, call, name, "{}")
            case 21:
                return events.ToolReturned(call, "{}", "ok", end_session=detail % 11 == 0)
            case 22:
                return events.SpeechBegan(generation, item, detail % 1000)
            case 23:
                return events.SpeechEnded(generation, item, detail % 2000)
            case 24:
                return events.InputCommitted(generation, item)
            case 25:
                return events.UserTranscribed(generation, item, "words", final=detail % 2 == 0)
            case 26:
                ended = self._active() or response
                return events.OutputTranscribed(
                    generation, ended, answer, "some words", final=detail % 2 == 0
                )
            case 27:
                return self._erred(generation, detail)
            case 28:
                return events.Recorded(min(self.books.recorded, self.books.durable + detail % 4))
            case 29:
                return self._client_comes_or_goes(detail)
            case 30:
                return events.Acknowledged(detail % (self.books.client.offset + 2))
            case 31:
                return self._seldom(generation, detail)
            case _:
                return events.LifeProved(generation)

    def _asks(self, detail: int) -> Event:
        options = SessionOptions(
            greet=detail % 2 == 0,
            framing="positioned",
            turn_detection=self.turn_detection,
            on_return=ON_RETURN[detail % 4],
        )
        return events.SessionAsked(options, "hf", "token", "epoch", f"e{detail % 3}")

    def _timer(self, detail: int) -> Event:
        """One of the deadlines that are set; those that end a session seldom."""
        names = sorted(self.books.timers if detail % 20 == 0 else self.books.timers - ENDS)
        if not names:
            return events.Pinged({})
        return events.TimerFired(names[detail % len(names)], (detail % 10) / 10)

    def _erred(self, generation: int, detail: int) -> Event:
        code, cause, is_benign = (
            ("conversation_already_has_active_response", "application.invalid_message", True),
            ("server_error", "provider.server_error", False),
            ("rate_limit_exceeded", "provider.rate_limited", False),
            ("invalid_value", "application.invalid_message", False),
        )[detail % 4]
        event_id = f"ask_{detail}" if detail % 3 else None
        return events.UpstreamErred(
            generation, fault(cause), code, "told so", event_id, is_benign, detail % 10 / 10
        )

    def _client_comes_or_goes(self, detail: int) -> Event:
        client, epoch = self.books.client, self.session.state.output.epoch
        if not client.is_there and detail % 6 == 1:
            return events.MemoryRanShort()
        if not epoch or (client.is_there and detail % 4) or (not client.is_there and detail % 3):
            return events.ClientGone(1006) if epoch and client.is_there else self._timer(detail)
        missed = (0, 0, 0, detail % 7 if client.is_fresh else 0, -10_000)[detail % 5]
        return events.ResumeAsked(
            FOREIGN[detail % 2] if detail % 13 == 0 else epoch, max(0, client.offset - missed), "token"
        )

    def _seldom(self, generation: int, detail: int) -> Event:
        match detail % 6:
            case 0:
                cause = None if self.books.is_degraded else fault("store.journal_unavailable")
                return events.JournalChanged(cause)
            case 1 if detail % 4 == 1:
                return events.DrainBegan(at_once=detail % 5 == 0)
            case 2 | 3 | 4:
                return events.UpstreamBreached(generation, "no JSON", (detail % 10) / 10)
            case 5 if detail % 4 == 1:
                return Unheard(generation, 2.0, (detail % 10) / 10)
            case _:
                return events.ResponseEnded(
                    generation, self._active() or "", "failed", fault=fault("provider.server_error")
                )

    def _audio(self, detail: int) -> Event:
        if detail % 9 == 1:
            return events.AudioDue()
        samples = 120 + detail % 2000
        start = self.position if detail % 4 else max(0, self.position + detail % 400 - 200)
        self.position = max(self.position, start + samples)
        is_positioned = self.session.state.link.is_attached and detail % 3
        return events.ClientAudio(pcm(samples), start if is_positioned else None)

    def _active(self) -> str | None:
        return self.session.state.turn.active


def _waiting(entries: Iterable[object]) -> list[tuple[int, int]]:
    found = [(one.start, one.start + len(one.pcm) // 2) for one in entries if isinstance(one, Append)]
    assert all(a[1] <= b[0] for a, b in pairwise(found)), "what waits is out of order"
    return found
