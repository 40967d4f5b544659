"""A relayed conversation's machines side by side, and the door through which effects leave.

What lives here: composition, the few facts that belong to no machine, what the hot path reads.
What never will: decisions. Those are in the other `relay_*` modules.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from holdfast.core.effects import Manner, Note
from holdfast.core.endpoints import Endpoints
from holdfast.core.faults import Fault
from holdfast.core.lanes import PlainRelayLane, RelayLane
from holdfast.core.limits import Limits
from holdfast.core.links import Linked, UpstreamFacts
from holdfast.core.recent import Recent
from holdfast.core.relay_effects import OWN_PREFIX, RelayEffect, SendDown, SendNews
from holdfast.core.relay_events import Begun, SessionFacts
from holdfast.core.relay_ids import RelayIds
from holdfast.core.relay_input import RelayInput
from holdfast.core.relay_mirror import Mirror, RelayItem
from holdfast.core.relay_responses import Responses, Wish
from holdfast.core.relay_window import RelayWindow
from holdfast.core.spoken import Spoken

EVENT_IDS_REMEMBERED = 16
TURNS_MAX = 64
"""Turns that nobody has answered: in a session that only listens they do not grow for ever."""
BASE64 = 4 / 3
MESSAGE_BYTES_PER_S = 66_000
"""Of audio messages: PCM16 at 24 kHz as base64, with its envelope."""


@dataclass(frozen=True, slots=True)
class RelaySurroundings:
    """What a relayed conversation is told about its world."""

    limits: Limits
    upstreams: tuple[UpstreamFacts, ...]
    """In the order of preference, as `endpoints` counts them."""
    endpoints: Endpoints
    measure: Callable[[bytes], int]
    """Bytes of audio in an audio message."""
    model: str = ""
    """The model that the client asked for when it connected, if it named one."""


@dataclass(slots=True)
class Config:
    """The session object, as far as it is the client's."""

    values: dict[str, object] = field(default_factory=dict)
    """What the client has set and an upstream has confirmed."""
    number: int = 0
    """Of the last change."""
    told: dict[int, int] = field(default_factory=dict)
    """By generation: the number of the settings it was told of; -1: only what is essential."""
    greeting: bytes = b""
    """The first `session.created`, kept while what the client's credential is bound to is being confirmed."""


@dataclass(slots=True)
class Watch:
    """Whether answers that are owed come."""

    now: float = 0.0
    """When the present step is."""
    asked_at: float = 0.0
    """When an answer was last asked for, or the last one ended."""
    moved_at: float = 0.0
    """When an event, audio that took the short way apart, last went down."""
    at_work_at: float = 0.0
    """When the upstream last said that it waits for a server of its own."""
    is_calling_out: bool = False
    """It waits for a tool of its own."""


class RelayState(Linked):
    """All machines of one relayed conversation. Effects collect in `out` until the step ends."""

    __slots__ = (
        "away_since",
        "base",
        "begun",
        "carry_on",
        "config",
        "counting",
        "event_ids",
        "facts",
        "fresh",
        "ids",
        "is_away",
        "is_draining",
        "is_full_told",
        "is_over",
        "kept",
        "lane",
        "leaving",
        "left_by",
        "mark",
        "messages",
        "mirror",
        "out",
        "own",
        "own_number",
        "removing",
        "responses",
        "restored",
        "seen",
        "spoken",
        "surroundings",
        "watch",
        "window",
    )

    def __init__(self, surroundings: RelaySurroundings) -> None:
        limits = surroundings.limits
        super().__init__(limits, surroundings.upstreams, surroundings.endpoints)
        self.surroundings = surroundings
        self.out: list[RelayEffect] = []
        # what the hot path reads and writes
        self.lane: RelayLane = PlainRelayLane()
        self.kept = RelayInput(
            surroundings.measure,
            round(limits.input_replayed_s * MESSAGE_BYTES_PER_S),
            round(limits.input_held_s * MESSAGE_BYTES_PER_S),
            limits.relay_held_bytes,
            limits.commands_remembered,
        )
        self.fresh = self.kept.fresh
        # the client
        self.begun = Begun("", "")
        self.window = RelayWindow(limits.window_bytes, limits.window_messages)
        self.is_away, self.away_since = False, 0.0
        self.left_by: Fault | None = None  # what drove the client away; None where it went on purpose
        self.messages = 0
        """Messages so far but for audio that took the short way."""
        self.seen = (0, 0)
        """What had come when it was last asked whether anybody is there."""
        self.is_over = False
        self.leaving: Fault | None = None  # why nothing more may be spent, once that is so
        self.is_draining = False
        self.is_full_told = False
        # the upstream
        self.ids = RelayIds()
        self.mark = ""
        """Set where an upstream counts its events as an earlier one did."""
        self.event_ids: Recent[str] = Recent(EVENT_IDS_REMEMBERED)
        """Of `session.created`, one for each upstream."""
        self.counting: frozenset[int] = frozenset()
        """Generations whose `session.created` bore an id that an earlier one had borne."""
        self.base = 0
        """Position in the session's input where the present upstream's clock began."""
        self.facts = SessionFacts()
        self.config = Config()
        self.own_number = 0
        self.own: dict[str, str] = {}
        """Messages of ours to the present upstream that it has not answered: by `event_id`, the item they are
        about, if any.
        """
        # the conversation
        self.mirror = Mirror(limits.conversation_items, limits.relay_held_bytes, limits.item_chars)
        self.restored: set[str] = set()
        """Items that the present upstream knows from us: what it says of them may be no news."""
        self.removing: list[str] = []
        """Items that we have taken from the present upstream, to be put back shorter."""
        self.spoken = Spoken()
        self.responses = Responses()
        self.carry_on: Wish | None = None
        """For the rest of an answer that was cut off with its upstream, or for another in its place."""
        self.watch = Watch()

    def may_try(self, manner: Manner) -> bool:
        """What the client chose is not altered. And a greeting, or settings confirmed, are proof of life."""
        if manner is Manner.OTHER_MODEL:
            return not self.has_own_wishes
        return manner is not Manner.MINIMAL_AUDIO

    @property
    def takes_more(self) -> bool:
        """Whether what the client sends goes up as it comes."""
        return self.upstream.is_live and not self.kept.is_pacing

    @property
    def can_return(self) -> bool:
        """Whether the client asked to be able to come back."""
        return self.begun.resume_token is not None

    @property
    def has_own_wishes(self) -> bool:
        """Whether the client chose the model."""
        return bool(self.surroundings.model)

    def refresh(self) -> None:
        """What the hot path may do from here on."""
        is_live = self.upstream.is_live and not self.is_over
        self.lane.is_passing = self.takes_more and not self.is_over
        is_plain = not self.ids.in_answer and not self.mark
        self.lane.voice = self.upstream.generation if is_live and is_plain else -1

    def note(self, moment: str, level: str = "info", **facts: object) -> None:
        """Log a key moment."""
        self.out.append(Note(moment, level, facts))  # type: ignore[arg-type] # callers pass literals

    def pass_down(self, raw: bytes, late_ms: int = 0) -> None:
        """An upstream's original, with the client's ids."""
        self.watch.moved_at = self.watch.now
        self.out.append(SendDown(self.ids.down(raw), late_ms, self.mark))

    def tell(self, name: str, **facts: object) -> None:
        """An event of our own dialect, if the client asked for them."""
        if self.can_return:
            self.out.append(SendNews(name, facts))  # type: ignore[arg-type] # callers pass literals

    def own_id(self, what: str) -> str:
        """An `event_id` for a message of ours to an upstream."""
        self.own_number += 1
        return f"{OWN_PREFIX}{what}_{self.own_number}"

    def own_item_id(self, item_id: str) -> str:
        """As `own_id`, for a message about an item, whose echo is waited for."""
        event_id = self.own_id("item")
        self.own[event_id] = item_id
        return event_id

    def own_answered(self, item_id: str) -> bool:
        """The oldest of ours about this item was answered; False when there is none. Empty: settings."""
        event_id = next((one for one, about in self.own.items() if about == item_id), None)
        if event_id is None:
            return False
        del self.own[event_id]
        return True

    def position(self, upstream_ms: int) -> int:
        """Where in the session's input that is; an upstream cannot have heard more than it was given."""
        return min(self.base + upstream_ms * self.facts.input_bytes_per_ms, self.kept.end)

    def cut(self, item: RelayItem, audio_end_ms: int) -> None:
        """The assistant's item was heard up to there."""
        item.cut(audio_end_ms * self.facts.output_bytes_per_ms * BASE64, self.lane.said)

    @property
    def late_ms(self) -> int:
        """How far the present upstream's clock is behind the client's."""
        return self.base // self.facts.input_bytes_per_ms

    @property
    def is_owed(self) -> bool:
        """Whether a turn is over that the upstream answers unasked, and nobody is answering it."""
        return self.facts.answers_turns and any(not turn.is_by_hand for turn in self.spoken.owed)

    @property
    def is_quiet(self) -> bool:
        """Whether nobody speaks, is about to, or waits for anything."""
        responses = self.responses
        return (
            not responses.open
            and not responses.asks
            and not self.kept.asked
            and self.spoken.open is None
            and not self.is_owed
            and self.carry_on is None
            and not self.kept.is_pacing
        )
