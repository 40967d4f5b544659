"""A world that breaks a relayed conversation at any moment, and books that show that nobody noticed.

What lives here: a client that knows nothing of us, servers that forget all when they die, a clock, a seed,
and the rules between what went in and what came out.
What never will: knowing why the core decides as it does.
"""

from __future__ import annotations

import random
import re
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

from holdfast.core import effects, events, relay_effects
from holdfast.core import relay_events as heard
from holdfast.core.faults import fault
from holdfast.core.limits import Limits
from holdfast.core.relay import Relay
from holdfast.core.relay_effects import RelayEffect
from holdfast.core.relay_events import RelayEvent
from holdfast.core.relay_input import FRESH_MAX, Asked
from tests.core.relay_world import surroundings
from tests.properties.relay_upstream import FACTS, MANUAL, Server, number_of

LIMITS = Limits(
    recovery_budget_s=3000.0,
    start_budget_s=3000.0,
    idle_s=1e6,
    session_s=1e6,
    retry_cap_s=0.5,
    upstream_life_s=8.0,
    resume_window_s=1e6,
    upstream_alone_s=2.0,
)
IDS = re.compile(rb'"([^"]+)"')
LOSSES = ("provider.connection_lost", "provider.closed", "provider.server_error", "provider.session_expired")


@dataclass
class Books:
    """What the client was told, and the rules it may count on."""

    begun: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)
    added: Counter[str] = field(default_factory=Counter)
    once: Counter[bytes] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    named: int = 0
    items: set[str] = field(default_factory=set)

    def enter(self, raw: bytes) -> None:
        """The client got an original."""
        ids = [one.decode() for one in IDS.findall(raw)]
        kind, *rest = raw.decode().split(" ")
        match kind:
            case "response.created":
                self.begun[ids[0]] += 1
            case "response.done":
                self._end(ids[0])
            case "conversation.item.added":
                self.added[ids[0]] += 1
                assert self.added[ids[0]] == 1, "an item was told twice"
                self.items.add(ids[0])
            case "output_item.added":
                self._within(ids[0])
                self.items.add(ids[1])
            case "said" | "audio" | "content_part.added":
                self._within(ids[0])
                assert ids[1] in self.items, "words of an item that the client does not know"
                self._only_once(raw)
            case "speech_started" | "speech_stopped" | "committed" | "deleted":
                self._only_once(f"{kind} {ids[0]}".encode())
            case "session.created":
                self._only_once(raw)
        if kind in {"session.updated", "retrieved", "cleared", "committed", "deleted"}:
            self.answers[rest[0]] += 1
        if kind == "error":
            self.answers[rest[1]] += 1

    def _within(self, response_id: str) -> None:
        is_running = self.begun[response_id] == 1 and not self.ended[response_id]
        assert is_running, "words of a response that is not running"

    def _only_once(self, what: bytes) -> None:
        self.once[what] += 1
        assert self.once[what] == 1, f"told twice: {what!r}"

    def _end(self, response_id: str) -> None:
        self.ended[response_id] += 1
        assert self.begun[response_id] == 1, "an end without a beginning"
        assert self.ended[response_id] == 1, "two ends"


class RelayChaos:
    """One conversation in a world driven by a seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.is_manual = self.random.random() < 0.3
        self.can_return = self.random.random() < 0.5
        self.danger = self.random.choice([0.1, 0.5])
        self.is_here = True
        self.on_the_way: deque[bytes] = deque()
        """Sent to the client and not received yet."""
        self.received = 0
        self.relay = Relay(surroundings(LIMITS))
        self.books = Books()
        self.now = 100.0
        self.made = [0]
        self.servers: dict[int, Server] = {}
        self.line: Server | None = None
        self.timers: dict[str, float] = {}
        self.steps = 0
        self.appended = 0
        self.spoken: set[int] = set()
        self.is_speaking = False
        self.answered: set[int] = set()
        self.hears: dict[str, frozenset[int]] = {}
        self.about: dict[str, frozenset[int]] = {}
        """By response as the client knows it: the speech that it answers."""
        self.questions: Counter[str] = Counter()
        self.worded: set[str] = set()
        """Responses of which the client was sent words."""
        self.created: set[str] = set()
        self.words_of: dict[str, frozenset[int]] = {}
        """The speech of each item: deleted by its client, it needs no answer."""

    def run(self, length: int) -> None:
        """Live, let everything calm down, balance the books."""
        self.give(heard.Begun("rt", "epoch", "token" if self.can_return else None, None))
        for _ in range(length):
            self.act()
            for server in self.servers.values():
                known = self.relay.state.ids.known
                self.words_of.update({known(item_id): said for item_id, said in server.items.items() if said})
        self.calm()
        self.balance()

    # what may happen

    def act(self) -> None:
        """One thing, by chance."""
        acts = (self.speak, self.ask, self.work, self.deliver, self.wait, self.lose, self.read, self.leave)
        self.random.choices(acts, (6, 2, 8, 8, 1, self.danger, 12, 0.3))[0]()
        self.bounds()

    def speak(self) -> None:
        """A frame of the client's."""
        if not self.is_here:
            return
        if self.random.random() < 0.2:
            self.is_speaking = not self.is_speaking
        self._append(b"s" if self.is_speaking else b".")

    def _append(self, mark: bytes) -> None:
        raw = b"a%06d%s" % (self.appended, mark) + bytes(952)
        if mark == b"s":
            self.spoken.add(self.appended)
        self.appended += 1
        state = self.relay.state
        if state.lane.is_passing and self.random.random() < 0.8:  # the short way, as the runner goes it
            state.fresh.append(raw)
            if len(state.fresh) >= FRESH_MAX:
                state.kept.book()
            self._carry_out([relay_effects.SendUp(raw)])
        else:
            self.give(heard.ClientAudioSent(raw))

    def ask(self) -> None:
        """Something else of the client's."""
        if not self.is_here or sum(self.questions.values()) - sum(self.books.answers.values()) > 20:
            return
        kinds = ["session.update", "conversation.item.create", "conversation.item.delete"]
        kinds += ["conversation.item.retrieve", "response.create", "response.cancel"]
        if self.is_manual:
            kinds += ["input_audio_buffer.commit", "response.create"] * 2 + ["input_audio_buffer.clear"]
        self.say(self.random.choice(kinds))

    def say(self, kind: str) -> None:
        """One message, with an id of its own."""
        event_id = f"e{self.steps}"
        item_id = ""
        if kind == "conversation.item.create":
            item_id = f"mine_{self.steps}"
            self.created.add(item_id)
        elif kind.startswith("conversation.item"):
            item_id = self.random.choice(sorted(self.books.added) or ["nobody"])
        elif kind == "input_audio_buffer.clear":
            self.spoken -= {n for n in self.spoken if not self._is_committed(n)}
        if kind == "conversation.item.delete":
            self.spoken -= self.words_of.get(item_id, frozenset())
        if kind not in {"response.create", "response.cancel", "conversation.item.create"}:
            self.questions[event_id] += 1
        raw = f'{kind}|{event_id}|"{item_id}"'.encode()
        settings: dict[str, object] | None = {"instructions": event_id} if kind == "session.update" else None
        asked = Asked(kind, raw, event_id=event_id, item_id=item_id, settings=settings)
        self.give(heard.ClientAsked(asked, "" if kind == "response.cancel" else None))

    def _is_committed(self, number: int) -> bool:
        return any(number in speech for server in self.servers.values() for speech in server.items.values())

    def work(self) -> None:
        """Servers do something."""
        for server in list(self.servers.values()):
            server.calls_next = server.calls_next or self.random.random() < 0.02
            server.fails_next = server.fails_next or self.random.random() < 0.01
            server.work()
            if server.active is not None:
                self.hears[server.active.id] = server.active.hears

    def deliver(self) -> None:
        """The next event of each server arrives."""
        for server in list(self.servers.values()):
            if server.outbox:
                self._arrive(server, server.outbox.popleft())

    def _arrive(self, server: Server, event: RelayEvent) -> None:
        if isinstance(event, heard.SessionCreated):
            self.give(events.UpstreamOpened(server.generation))
        self.give(event)
        if isinstance(event, heard.ResponseBegan):
            known = self.relay.state.ids.known(event.response_id)
            self.about[known] = self.hears.get(event.response_id, frozenset())

    def wait(self) -> None:
        """Time passes; deadlines come."""
        self._pass(self.random.choice([0.01, 0.3, 1.0, 4.0]))

    def _pass(self, seconds: float) -> None:
        self.now += seconds
        for name, at in sorted(self.timers.items(), key=lambda one: one[1]):
            if at <= self.now and self.timers.pop(name, None) is not None:
                self.give(events.TimerFired(name, self.random.random()))

    def lose(self) -> None:
        """A server dies, with all it was told and all it had to say."""
        if self.servers:
            generation = self.random.choice(sorted(self.servers))
            cause = fault(self.random.choice(LOSSES))
            death = events.UpstreamLost(generation, cause, self.random.random())
            self.give(death)
            assert not self.relay.receive(death, self.now), "a dead link was heard: its writer reports too"

    def read(self) -> None:
        """The client receives what is on its way."""
        if self.on_the_way:
            self.received += 1
            self.books.enter(self.on_the_way.popleft())

    def leave(self) -> None:
        """The client's socket breaks, with what was on its way; or it is back."""
        if not self.can_return or not self.relay.state.line.is_ready_told:
            return
        self.is_here = not self.is_here
        if self.is_here:
            self.give(heard.ClientReturned("epoch", self.received, "token"))
        else:
            self.on_the_way.clear()
            self.give(events.ClientGone(1006))

    def _tell(self, raw: bytes) -> None:
        self.relay.state.window.keep(raw)
        if self.is_here:
            self.on_the_way.append(raw)

    # the machine around the core

    def give(self, event: RelayEvent) -> None:
        """One step."""
        self.steps += 1
        self._carry_out(self.relay.receive(event, self.now))

    def _carry_out(self, due: list[RelayEffect]) -> None:
        for effect in due:
            match effect:
                case effects.Dial(generation=g):
                    server = self.servers[g] = Server(g, self.is_manual, self.made)
                    facts = MANUAL if self.is_manual else FACTS
                    server.outbox.append(
                        heard.SessionCreated(g, b"session.created", "s", "m", None, f"event_{g}", facts)
                    )
                case effects.Adopt(generation=g):
                    self.line = self.servers[g]
                case effects.HangUp(generation=g):
                    if self.servers.pop(g, None) is self.line:
                        self.line = None
                case relay_effects.Configure(generation=g):
                    self.servers[g].inbox.append(effect)
                case effects.StartTimer(name=name, seconds=seconds):
                    self.timers[name] = self.now + seconds
                case effects.StopTimer(name=name):
                    self.timers.pop(name, None)
                case relay_effects.SendDown(raw=raw):
                    self._tell(raw)
                    if raw.startswith(b"said"):
                        self.worded.add(IDS.findall(raw)[0].decode())
                    if raw.startswith(b"response.done"):
                        self.answered |= self.about.get(IDS.findall(raw)[0].decode(), frozenset())
                case relay_effects.SendTerminal(response_id=response_id, status=status):
                    self._tell(f'response.done "{response_id}"'.encode())
                    if status == "cancelled" or response_id in self.worded:
                        self.answered |= self.about.get(response_id, frozenset())
                case relay_effects.SendCommitted(item_id=item_id):
                    self._tell(f'committed None "{item_id}"'.encode())
                case relay_effects.SendDeleted(item_id=item_id):
                    self._tell(f'deleted None "{item_id}"'.encode())
                case relay_effects.SendAgain(raw=raw):
                    self.on_the_way.append(raw)
                case relay_effects.SendNews(name=name):
                    if name != "resumed":
                        self._tell(f"holdfast.{name}".encode())
                case relay_effects.SendError(event_id=event_id, code=code):
                    self._tell(f"error {code} {event_id}".encode())
                    self.books.named += code in {"audio_lost", "provider.response_failed"}
                case effects.Note() | effects.CloseClient() | effects.Finish():
                    pass
                case _:
                    assert self.line is not None, f"{effect} for nobody"
                    self.line.inbox.append(effect)

    # the end

    def calm(self) -> None:
        """No more faults: the client finishes what it says, and everybody has time."""
        if not self.is_here:
            self.leave()
        self._settle()
        if self.is_manual:
            for kind in ("input_audio_buffer.commit", "response.create"):
                self.say(kind)
                self._settle()
        for _ in range(3):
            self._append(b".")
        self._settle()

    def _settle(self) -> None:
        for _ in range(3000):
            while self.on_the_way:
                self.read()
            if self.relay.state.is_over:
                return
            for server in list(self.servers.values()):
                server.work()
                server.calls_next = server.fails_next = False
                if server.active is not None:
                    self.hears[server.active.id] = server.active.hears
                while server.outbox and server.generation in self.servers:
                    self._arrive(server, server.outbox.popleft())
            if not any(one.inbox or one.outbox or one.active for one in self.servers.values()):
                soonest = min((at for name, at in self.timers.items() if name in SOON), default=None)
                if soonest is None:
                    return
                self._pass(max(0.0, soonest - self.now))
        raise AssertionError("it never comes to rest")

    def bounds(self) -> None:
        """No buffer is beyond its bound."""
        kept = self.relay.state.kept
        assert kept.size <= kept.wide_max
        assert kept.size == sum(map(len, kept.given)), "its size is not what it holds"
        assert kept.waiting_size <= kept.waiting_max + kept.wide_max
        assert len(kept.asked) <= kept.asked_max
        assert self.relay.state.surroundings.endpoints.live <= 2

    def balance(self) -> None:
        """What the client may count on when all is calm."""
        books = self.books
        assert not self.relay.state.is_over, "it gave up"
        assert books.begun == books.ended, "a response without its end"
        for event_id in self.questions:
            assert books.answers[event_id] == 1, f"{event_id} was answered {books.answers[event_id]} times"
        for item_id in self.created:
            told = books.added[item_id] + books.answers[item_id.replace("mine_", "e")]
            assert told >= 1, f"{item_id} was never told"
        unanswered = self.spoken - self.answered
        assert not unanswered or books.named, f"nobody answered {sorted(unanswered)[:5]}"
        assert self.relay.state.surroundings.endpoints.live == 1 + (self.relay.state.successor is not None)


SOON = frozenset({"retry", "reask", "response", "dial", "created", "updated", "dial_patience"})


def number(append: bytes) -> int:
    """Which frame it is."""
    return number_of(append)


def live(seed: int, length: int = 400) -> RelayChaos:
    """A life from a seed."""
    world = RelayChaos(seed)
    world.run(length)
    return world


def name_of(bug: Any) -> str:
    """For the report."""
    return getattr(bug, "__name__", str(bug))
