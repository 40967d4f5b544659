"""A relayed conversation's core and short words to drive it: no loop, no socket, no JSON, no mock.

An original is `what it is "id"`: ids stand in quotes, as in JSON. An audio message is `a` and its bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from holdfast.core import events, relay_effects
from holdfast.core import relay_events as heard
from holdfast.core.effects import Manner, Note
from holdfast.core.endpoints import Endpoints
from holdfast.core.faults import fault
from holdfast.core.limits import Limits
from holdfast.core.relay import Relay
from holdfast.core.relay_effects import RelayEffect, SendTerminal
from holdfast.core.relay_events import RelayEvent, SessionFacts
from holdfast.core.relay_input import FRESH_MAX, Asked
from holdfast.core.relay_mirror import RelayItem
from holdfast.core.relay_state import RelayState, RelaySurroundings
from tests.core.world import LOCAL, OPENAI

MS = 48
"""Bytes of audio in a millisecond."""
APPEND_MS = 20
MANUAL = SessionFacts(hears_turns=False, answers_turns=False, interrupts=False)


def append(number: int, ms: int = APPEND_MS) -> bytes:
    """An audio message that can be told apart."""
    return b"a%06d" % number + bytes(ms * MS - 7)


def measure(raw: bytes) -> int:
    return len(raw) if raw.startswith(b"a") else 0


def surroundings(
    limits: Limits | None = None,
    names: int = 1,
    workarounds: tuple[Manner, ...] = (),
    *,
    has_own_model: bool = False,
) -> RelaySurroundings:
    limits = limits or Limits()
    upstreams = (replace(OPENAI, workarounds=workarounds), *[LOCAL] * (names - 1))
    endpoints = Endpoints([f"{one.name}{at}" for at, one in enumerate(upstreams)], limits)
    return RelaySurroundings(
        limits, upstreams, endpoints, measure, "gpt-realtime-2.1" if has_own_model else ""
    )


@dataclass
class RelayWorld:
    """The core with a clock that the test moves, and everything it asked for."""

    relay: Relay
    now: float = 100.0
    effects: list[RelayEffect] = field(default_factory=list)
    appended: int = 0

    @classmethod
    def new(
        cls,
        limits: Limits | None = None,
        *,
        names: int = 1,
        can_return: bool = False,
        on_loss: str | None = None,
        workarounds: tuple[Manner, ...] = (),
        has_own_model: bool = False,
    ) -> RelayWorld:
        around = surroundings(limits, names, workarounds, has_own_model=has_own_model)
        world = cls(Relay(around))
        world.do(heard.Begun("rt_1", "epoch", "token" if can_return else None, on_loss))  # type: ignore[arg-type] # tests pass literals
        return world

    @classmethod
    def live(cls, facts: SessionFacts | None = None, **options: object) -> RelayWorld:
        world = cls.new(**options)  # type: ignore[arg-type] # passed on
        world.open(facts)
        world.effects.clear()
        return world

    # what happens

    def do(self, *what: RelayEvent, after: float = 0.0) -> list[RelayEffect]:
        self.now += after
        new = [effect for event in what for effect in self.relay.receive(event, self.now)]
        self.effects += new
        return new

    def open(
        self, facts: SessionFacts | None = None, *, event_id: str = "", lifetime_s: float | None = None
    ) -> list[RelayEffect]:
        """The upstream that is dialled opens and greets."""
        g = self.state.starting.generation
        created = heard.SessionCreated(
            g,
            b"session.created",
            f"sess_{g}",
            "m",
            lifetime_s,
            event_id or f"event_{g}",
            facts or SessionFacts(),
        )
        return self.do(events.UpstreamOpened(g), created)

    def lose(self, code: str = "provider.connection_lost") -> list[RelayEffect]:
        return self.do(events.UpstreamLost(self.generation, fault(code), 0.5))

    def rebuild(self) -> list[RelayEffect]:
        """A settled upstream is lost; another opens, greets, and confirms settings if it is told any."""
        before = len(self.effects)
        self.now += 60.0
        self.lose()
        self.open()
        if self.state.upstream.is_starting:
            self.do(heard.SessionUpdated(self.generation, b"session.updated", SessionFacts()))
        assert self.state.upstream.is_live
        return self.effects[before:]

    def speak(self, count: int = 1) -> list[bytes]:
        """The client sends audio, by the short way where that is open."""
        sent = []
        for _ in range(count):
            raw = append(self.appended)
            self.appended += 1
            sent.append(raw)
            if self.state.lane.is_passing:
                self.state.fresh.append(raw)
                if len(self.state.fresh) >= FRESH_MAX:
                    self.state.kept.book()
                self.effects.append(relay_effects.SendUp(raw))
            else:
                self.do(heard.ClientAudioSent(raw))
        return sent

    def say(self, kind: str, event_id: str | None = None, **fields: object) -> Asked:
        """The client sends anything else."""
        item_id = fields.get("item_id", "")
        cancels = fields.pop("cancels", None)
        asked = Asked(kind, f'{kind} {event_id} "{item_id}"'.encode(), event_id=event_id, **fields)  # type: ignore[arg-type] # tests pass fields
        self.do(heard.ClientAsked(asked, cancels))  # type: ignore[arg-type] # a string or None
        return asked

    def begin_speech(self, item_id: str, ms: int) -> None:
        raw = f'speech_started "{item_id}"'.encode()
        self.do(heard.SpeechBegan(self.generation, raw, item_id, ms))

    def end_speech(self, item_id: str, ms: int) -> None:
        g = self.generation
        self.do(heard.SpeechEnded(g, f'speech_stopped "{item_id}"'.encode(), item_id, ms))

    def commit(self, item_id: str) -> None:
        g = self.generation
        self.do(heard.InputCommitted(g, f'committed "{item_id}"'.encode(), item_id))
        self.add_item(item_id, "user")

    def turn(self, item_id: str, first_ms: int, last_ms: int) -> None:
        """A whole spoken turn, as the upstream tells of it."""
        self.begin_speech(item_id, first_ms)
        self.end_speech(item_id, last_ms)
        self.commit(item_id)

    def add_item(
        self, item_id: str, role: str, kind: str = "message", text: str = "", **fields: object
    ) -> None:
        for event_type in ("conversation.item.added", "conversation.item.done"):
            self.tell_item(event_type, item_id, role, kind, text, **fields)

    def tell_item(
        self,
        event_type: str,
        item_id: str,
        role: str,
        kind: str = "message",
        text: str = "",
        **fields: object,
    ) -> None:
        item = RelayItem(item_id, kind, role, b"{}", text, **fields)  # type: ignore[arg-type] # tests pass fields
        raw = f'{event_type} "{item_id}"'.encode()
        self.do(heard.ItemTold(self.generation, raw, event_type, None, item))

    def respond(self, response_id: str, *, is_beside: bool | None = False, conversation_id: str = "") -> None:
        within = f' "{conversation_id}"' if conversation_id else ""
        raw = f'response.created "{response_id}"{within}'.encode()
        self.do(heard.ResponseBegan(self.generation, raw, response_id, is_beside, conversation_id, raw))

    def output(self, response_id: str, item_id: str, kind: str = "message") -> None:
        """The frames before an answer's first word."""
        g = self.generation
        raw = f'output_item.added "{response_id}" "{item_id}"'.encode()
        self.do(heard.OutputItemBegan(g, raw, response_id, item_id, kind, ""))
        self.tell_item("conversation.item.added", item_id, "assistant", kind)
        part = f'content_part.added "{response_id}" "{item_id}"'.encode()
        self.do(heard.PartBegan(g, part, response_id, item_id))

    def word(self, response_id: str, item_id: str, text: str, *, audio: bool = True) -> None:
        g = self.generation
        raw = f'transcript.delta "{response_id}" "{item_id}" {text}'.encode()
        self.do(heard.Said(g, raw, response_id, item_id, text, final=False))
        if audio:
            self.sound(response_id, item_id, text)

    def sound(self, response_id: str, item_id: str, what: str = "x") -> None:
        raw = f'audio.delta "{response_id}" "{item_id}" {what}'.encode()
        self.do(heard.AudioPassed(self.generation, raw))

    def done(self, response_id: str, status: str = "completed", code: str | None = None) -> None:
        raw = f'response.done "{response_id}" {status}'.encode()
        cause = None if code is None else fault(code)
        self.do(heard.ResponseEnded(self.generation, raw, response_id, status, cause))

    def err(
        self,
        code: str,
        event_id: str | None = None,
        name: str = "application.invalid_message",
        param: str = "",
    ) -> None:
        raw = f"error {code} {event_id}".encode()
        self.do(heard.Erred(self.generation, raw, fault(name), code, code, event_id, param=param))

    def timer(self, name: str, after: float = 0.0) -> list[RelayEffect]:
        return self.do(events.TimerFired(name, 0.5), after=after)

    # what came of it

    @property
    def state(self) -> RelayState:
        return self.relay.state

    @property
    def generation(self) -> int:
        return self.state.upstream.generation

    def asked(self, kind: type[RelayEffect]) -> list[RelayEffect]:
        return [effect for effect in self.effects if isinstance(effect, kind)]

    @property
    def down(self) -> list[str]:
        """What the client got."""
        return [bytes(one.raw).decode() for one in self.effects if isinstance(one, relay_effects.SendDown)]

    @property
    def up(self) -> list[bytes]:
        """What upstreams got of the client's."""
        return [one.raw for one in self.effects if isinstance(one, relay_effects.SendUp)]

    def has_ended(self) -> bool:
        return self.state.is_over

    def noted(self, moment: str) -> list[Note]:
        return [one for one in self.effects if isinstance(one, Note) and one.moment == moment]


def ends(world: RelayWorld) -> list[tuple[str, str, str]]:
    found = [one for one in world.effects if isinstance(one, SendTerminal)]
    return [(one.response_id, one.status, one.reason) for one in found]
