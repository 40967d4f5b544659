"""A session core and short words to drive it: no loop, no socket, no mock."""

from __future__ import annotations

from dataclasses import dataclass, field

from holdfast.core import effects, events, notices
from holdfast.core.effects import Effect
from holdfast.core.endpoints import Endpoints
from holdfast.core.events import ClientAudio, Event, SessionOptions
from holdfast.core.faults import fault
from holdfast.core.limits import Limits
from holdfast.core.links import UpstreamFacts
from holdfast.core.session import Session
from holdfast.core.state import Surroundings

OPENAI = UpstreamFacts("openai", "openai", "gpt-realtime-2.1", ("marin", "cedar"), "marin")
LOCAL = UpstreamFacts("local", "local", "holdfast-local", ("marin", "cedar"), "cedar")


def surroundings(limits: Limits | None = None, **changes: object) -> Surroundings:
    limits = limits or Limits()
    world: dict[str, object] = {
        "limits": limits,
        "customer_id": "C-1",
        "upstreams": (OPENAI,),
        "endpoints": Endpoints(["openai"], limits),
        "greeting": "Hello.",
        **changes,
    }
    return Surroundings(**world)  # type: ignore[arg-type] # built from keywords


def pcm(samples: int, value: int = 1) -> bytes:
    return value.to_bytes(2, "little", signed=True) * samples


@dataclass
class World:
    """The core with a clock that the test moves, and everything it asked for."""

    session: Session
    now: float = 100.0
    effects: list[Effect] = field(default_factory=list)

    @classmethod
    def new(cls, limits: Limits | None = None, **changes: object) -> World:
        world = cls(Session(surroundings(limits, **changes)))
        world.effects += world.session.start()
        return world

    @classmethod
    def live(cls, options: SessionOptions | None = None, limits: Limits | None = None) -> World:
        world = cls.new(limits)
        world.create(options)
        world.go_live()
        world.effects.clear()
        return world

    def do(self, *what: Event, after: float = 0.0) -> list[Effect]:
        self.now += after
        new = [effect for event in what for effect in self.session.receive(event, self.now)]
        self.effects += new
        return new

    def create(self, options: SessionOptions | None = None, event_id: str | None = None) -> list[Effect]:
        return self.do(events.SessionAsked(options or SessionOptions(), "hf_1", "token", "epoch", event_id))

    @property
    def generation(self) -> int:
        return self.session.state.upstream.generation

    def go_live(self, lifetime_s: float | None = None) -> list[Effect]:
        return self.link_lives(self.generation, lifetime_s)

    def link_lives(self, g: int, lifetime_s: float | None = None) -> list[Effect]:
        """Everything that a fresh link says until it is live."""
        created = events.UpstreamCreated(g, f"sess_{g}", lifetime_s=lifetime_s)
        return self.do(events.UpstreamOpened(g), created, events.UpstreamConfigured(g))

    def lose(self, code: str = "provider.connection_lost", chance: float = 0.5) -> list[Effect]:
        return self.do(events.UpstreamLost(self.generation, fault(code), chance))

    def redial(self, chance: float = 0.0) -> list[Effect]:
        """Wait as long as the session wants to, until it dials or ends."""
        seen: list[Effect] = []
        while not self.has_ended() and self.session.state.upstream.phase.name == "BACKING_OFF":
            waits = [e for e in self.effects if isinstance(e, effects.StartTimer) and e.name == "retry"]
            seen += self.do(events.TimerFired("retry", chance), after=waits[-1].seconds)
        return seen

    def rebuild(self, code: str = "provider.connection_lost") -> list[Effect]:
        """Lose a link that was live for a while, and have the next one ready."""
        self.now += 10
        lost = self.lose(code)
        return lost + self.redial() + self.go_live()

    def respond(self, response_id: str = "resp_1", item_id: str = "item_1", samples: int = 2400) -> None:
        g = self.generation
        self.do(
            events.ResponseBegan(g, response_id), events.OutputAudio(g, response_id, item_id, pcm(samples))
        )

    def told(self, kind: type[notices.Notice]) -> list[notices.Notice]:
        return [e.notice for e in self.effects if isinstance(e, effects.Tell) and isinstance(e.notice, kind)]

    def asked(self, kind: type[Effect]) -> list[Effect]:
        return [effect for effect in self.effects if isinstance(effect, kind)]

    def has_ended(self) -> bool:
        return self.session.is_over

    def sent_audio(self) -> bytes:
        return b"".join(effect.pcm for effect in self.effects if isinstance(effect, effects.Append))


def speak(world: World, frames: int, value: int = 1) -> bytes:
    said = pcm(480, value) * frames
    for _ in range(frames):
        world.do(ClientAudio(pcm(480, value)), after=0.02)
    return said


def user_turn(world: World, item_id: str = "item_u", *, commit: bool = True) -> None:
    """Half a second of speech that begins now, as the upstream tells of it."""
    g = world.generation
    before = world.session.state.timeline.given // 24
    world.do(events.SpeechBegan(g, item_id, before))
    speak(world, 25, 7)
    if commit:
        world.do(events.SpeechEnded(g, item_id, before + 500), events.InputCommitted(g, item_id))


def taken_up(world: World) -> World:
    """The session as the next process takes it up from its journal, after this one was killed."""
    lines = [(e.kind, e.content) for e in world.effects if isinstance(e, effects.Record)]
    after = World.new(durability="local")
    after.effects += after.session.restart(lines, "epoch2", after.now)
    return after


def two(limits: Limits | None = None, options: SessionOptions | None = None) -> World:
    """A session with a second upstream to turn to, before the first is live."""
    endpoints = Endpoints(["openai", "local"], limits or Limits())
    world = World.new(limits, upstreams=(OPENAI, LOCAL), endpoints=endpoints)
    world.create(options)
    return world


# what one step asked for


def started(step: list[Effect]) -> dict[str, float]:
    """Deadlines that begin, in seconds."""
    return {e.name: e.seconds for e in step if isinstance(e, effects.StartTimer)}


def stopped(step: list[Effect]) -> set[str]:
    return {e.name for e in step if isinstance(e, effects.StopTimer)}


def told(step: list[Effect], kind: type[notices.Notice]) -> list[notices.Notice]:
    return [e.notice for e in step if isinstance(e, effects.Tell) and isinstance(e.notice, kind)]


def noted(step: list[Effect], moment: str) -> list[dict[str, object]]:
    """The facts of a key moment, each time it came."""
    return [e.facts for e in step if isinstance(e, effects.Note) and e.moment == moment]


def dials(step: list[Effect]) -> list[Effect]:
    return [e for e in step if isinstance(e, effects.Dial)]
