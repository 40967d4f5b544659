"""The session's machines side by side, and the one door through which effects leave.

What lives here: composition, and the few facts that belong to no machine.
What never will: decisions. Those are in the `*_side` modules, `barge_in`, `refusals`, `lifecycle`, `rebuild`
and `rotation`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from holdfast.core.aliases import Aliases
from holdfast.core.audio import SAMPLE_BYTES, SAMPLE_RATE_HZ, samples_of_seconds
from holdfast.core.client_close import LINE_BROKE
from holdfast.core.client_link import ClientLink
from holdfast.core.commands import CommandMemory
from holdfast.core.conversation import Conversation
from holdfast.core.effects import Effect, Note, Play, Record, StartTimer, Tell
from holdfast.core.endpoints import Endpoints
from holdfast.core.events import SessionAsked, SessionOptions
from holdfast.core.faults import Fault
from holdfast.core.journal_line import JournalLine
from holdfast.core.kept_input import KeptInput
from holdfast.core.lanes import InputLane, OutputLane, PlainInputLane, PlainOutputLane
from holdfast.core.limits import Limits
from holdfast.core.links import Linked, UpstreamFacts
from holdfast.core.losses import TELL_EVERY_S, Loss, Losses
from holdfast.core.notices import AudioLost, Error, Notice
from holdfast.core.observed import SilenceHeard
from holdfast.core.ordering import Ordering
from holdfast.core.output import ItemAudio, Output
from holdfast.core.rates import ErrorThrottle, FloodWatch, TokenBucket
from holdfast.core.spoken import Spoken
from holdfast.core.timeline import Timeline
from holdfast.core.tool_ledger import ToolLedger
from holdfast.core.turn import Turn
from holdfast.core.upstream_link import UpstreamLink, UpstreamPhase
from holdfast.core.window import ReplayWindow

TIMER_LOSSES = "losses"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the session is told about its world, once, when its connection comes."""

    limits: Limits
    customer_id: str
    upstreams: tuple[UpstreamFacts, ...]
    """In the order of preference, as `endpoints` counts them."""
    endpoints: Endpoints
    """Shared by all sessions of the process."""
    greeting: str = ""
    durability: Literal["none", "local", "shared"] = "none"
    idempotent_tools: frozenset[str] = frozenset()


@dataclass(slots=True)
class Leaving:
    """A session that ends because nothing more may be spent."""

    cause: Fault
    by: float
    """When it ends whatever is being said."""
    is_goodbye_said: bool = False


class State(Linked):
    """All machines of one session. Effects collect in `out` until the step ends."""

    __slots__ = (
        "acknowledged_at",
        "aliases",
        "asked",
        "audio",
        "away_since",
        "commands",
        "conversation",
        "errors",
        "flood",
        "inherited",
        "input_lane",
        "is_draining",
        "is_leaving",
        "is_over",
        "journal",
        "kept",
        "last_activity",
        "leaving",
        "left_by",
        "link",
        "losses",
        "messages",
        "options",
        "ordering",
        "out",
        "output",
        "output_lane",
        "received",
        "session_id",
        "spoken",
        "started_at",
        "surroundings",
        "timeline",
        "told",
        "tools",
        "turn",
        "typed",
        "warned_no_session",
        "window",
    )

    def __init__(self, surroundings: Surroundings) -> None:
        limits = surroundings.limits
        super().__init__(limits, surroundings.upstreams, surroundings.endpoints)
        self.surroundings = surroundings
        self.out: list[Effect] = []
        self.told: list[Notice | SilenceHeard] = []
        """What this step told the client, whether it is there or not, or the client told for no decision: for
        whoever watches.
        """
        self.session_id = ""
        self.options = SessionOptions()
        self.asked: SessionAsked | None = None
        """Wanted, and not begun: nobody can be reached, and a probe is about to tell whether that holds."""
        self.is_over = False
        self.is_leaving = False
        """A goodbye was said: the session ends when it has been heard."""
        self.leaving: Leaving | None = None  # nothing more may be spent
        self.is_draining = False
        """The process stops: the session is suspended when nobody is in the middle of a sentence."""
        self.started_at = self.last_activity = self.away_since = 0.0
        # the client
        self.link = ClientLink()
        self.left_by: Fault | None = LINE_BROKE
        """Why its socket was over last; None where it was closed, by somebody who left the page."""
        self.output = Output()
        self.output_lane: OutputLane = PlainOutputLane()
        seconds = int(limits.window_audio_s * SAMPLE_RATE_HZ * SAMPLE_BYTES)
        self.window = ReplayWindow(min(limits.window_bytes, seconds), limits.window_messages)
        self.commands = CommandMemory(limits.commands_remembered)
        self.errors = ErrorThrottle()
        self.losses = Losses()
        # the upstream
        self.aliases = Aliases()
        self.timeline = Timeline()
        # the conversation
        self.turn = Turn()
        self.ordering = Ordering()
        self.spoken = Spoken()
        self.conversation = Conversation(limits.conversation_items, limits.item_chars)
        self.tools = ToolLedger(limits.tool_calls_remembered)
        self.typed = 0
        """How many items of our own making there are."""
        self.journal = JournalLine(surroundings.durability)
        # the input's accounts
        self.input_lane: InputLane = PlainInputLane()
        self.kept = KeptInput(limits.input_before_session_s, limits.commands_held)
        self.kept.given_max = samples_of_seconds(limits.input_replayed_s)
        self.audio = TokenBucket(limits.audio_speed * SAMPLE_RATE_HZ, limits.audio_burst_s * SAMPLE_RATE_HZ)
        self.messages = TokenBucket(limits.client_messages_per_s, limits.client_messages_burst)
        self.flood = FloodWatch(limits.client_flood_s)
        self.received = 0
        """Samples kept so far: the position of the next one."""
        self.inherited = 0
        """What of it another process had kept: `received` as this one took the session up."""
        self.acknowledged_at = 0
        """`received` as the client was last told; earlier where somebody must look sooner."""
        self.warned_no_session = False

    @property
    def has_own_wishes(self) -> bool:
        """Whether the client chose the model."""
        return self.options.model is not None

    def hears(self, generation: int) -> bool:
        """Whether what this voice says of the conversation counts: only a live link's own does."""
        upstream = self.upstream
        if upstream.may_speak(generation) and upstream.phase is UpstreamPhase.LIVE:
            return True
        self.line.stale_count += 1
        return False

    def tell(self, notice: Notice) -> None:
        """Send the client a text message, numbered once a session exists, kept until it is acknowledged."""
        self.told.append(notice)
        message = Tell(notice, self.output.number())
        if message.offset is not None:
            self.window.tell(message.offset, message)
        if self.link.is_listening:
            self.out.append(message)

    def play(self, item: ItemAudio, pcm: bytes, samples: int) -> None:
        """Send audio to the client."""
        output = self.output
        start = output.add(item, samples)
        output.offset = offset = output.offset + 1
        self.window.play(offset, item.stream, start, pcm, [len(pcm)])
        if self.link.is_listening:
            self.out.append(Play(offset, item.stream, start, pcm))

    def note(self, moment: str, level: str = "info", **facts: object) -> None:
        """Log a key moment."""
        self.out.append(Note(moment, level, facts))  # type: ignore[arg-type] # callers pass literals

    def record(self, kind: str, content: dict[str, Any]) -> None:
        """Write a line of the journal."""
        self.out.append(Record(self.journal.next_number(), kind, content))

    def new_item_id(self) -> str:
        """An id for an item of our own: short enough for every service, never one of an upstream's."""
        self.typed += 1
        return f"{OWN_ITEM}{self.line.rebuilds}_{self.typed}"

    def lose(self, first: int, last: int, reason: str, now: float) -> None:
        """Enter a loss of input: named at once, or with its neighbours within a second."""
        for part_first, part_last in self.losses.fresh(first, last):
            self.tell_losses(self.losses.add(part_first, part_last, reason, now))
        if self.losses.pending is not None:
            self.out.append(StartTimer(TIMER_LOSSES, TELL_EVERY_S))

    def tell_losses(self, losses: Iterable[Loss]) -> None:
        """Name losses to the client and the log."""
        for loss in losses:
            self.tell(AudioLost("input", loss.first, loss.last, loss.reason))
            facts = {"from_sample": loss.first, "to_sample": loss.last, "reason": loss.reason}
            self.note("audio.lost", "warning", **facts)

    def facts_of(self, link: UpstreamLink) -> UpstreamFacts:
        """The upstream behind a link."""
        return self.upstreams[link.endpoint]

    def upstream_facts(self) -> dict[str, Any]:
        """Who answers, for the client."""
        facts = self.facts_of(self.upstream)
        model = self.upstream.model or facts.model
        if not self.turn.is_answered:
            model = self.transcription_model(facts)
        stages = {"stages": self.upstream.stages} if self.upstream.stages else {}
        return {"name": facts.name, "kind": facts.kind, "model": model, **stages}

    def transcription_model(self, facts: UpstreamFacts) -> str:
        """Who writes down what is said, there: the one that was asked for where it can be known."""
        asked = self.options.model if facts.kind == "openai" and not self.turn.is_answered else None
        return asked or facts.transcription_model or ""


OWN_ITEM = "item_hf"
"""Ids of items that we make begin like this."""


def error_of(
    code: str,
    fault: Fault,
    message: str = "",
    *,
    retry_after_ms: int | None = None,
    event_id: str | None = None,
) -> Error:
    """An error message of the browser protocol from a fault of the table."""
    words = message or fault.row.message
    return Error(code, words, fault.row.retryable, fault, retry_after_ms, event_id=event_id)
