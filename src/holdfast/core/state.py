"""The session's machines side by side, and the one door through which effects leave.

What lives here: composition, and the few facts that belong to no machine.
What never will: decisions. Those are in the `*_side` modules, `barge_in`, `refusals` and `lifecycle`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from holdfast.core.audio import SAMPLE_RATE_HZ
from holdfast.core.client_link import ClientLink
from holdfast.core.commands import CommandMemory
from holdfast.core.conversation import Conversation
from holdfast.core.effects import Effect, Note, Play, StartTimer, Tell
from holdfast.core.events import SessionOptions
from holdfast.core.faults import Fault
from holdfast.core.held_input import HeldInput
from holdfast.core.limits import Limits
from holdfast.core.losses import TELL_EVERY_S, Loss, Losses
from holdfast.core.notices import AudioLost, Error, Notice
from holdfast.core.output import ItemAudio, Output
from holdfast.core.rates import ErrorThrottle, FloodWatch, TokenBucket
from holdfast.core.timeline import Timeline
from holdfast.core.tool_ledger import ToolLedger
from holdfast.core.turn import Turn
from holdfast.core.upstream_link import UpstreamLink

TIMER_LOSSES = "losses"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the session is told about its world, once, when its connection comes."""

    limits: Limits
    customer_id: str
    upstream_name: str
    upstream_kind: str
    upstream_model: str
    voices: tuple[str, ...]
    default_voice: str
    greeting: str = ""


class State:
    """All machines of one session. Effects collect in `out` until the step ends."""

    __slots__ = (
        "acknowledged_at",
        "audio",
        "commands",
        "conversation",
        "errors",
        "flood",
        "held",
        "is_leaving",
        "is_over",
        "last_activity",
        "link",
        "losses",
        "messages",
        "options",
        "out",
        "output",
        "received",
        "session_id",
        "speech",
        "started_at",
        "surroundings",
        "timeline",
        "tools",
        "turn",
        "upstream",
        "warned_no_session",
    )

    def __init__(self, surroundings: Surroundings) -> None:
        limits = surroundings.limits
        self.surroundings = surroundings
        self.out: list[Effect] = []
        self.session_id = ""
        self.options = SessionOptions()
        self.is_over = False
        self.is_leaving = False
        """A goodbye was said: the session ends when it has been heard."""
        self.started_at = 0.0
        self.last_activity = 0.0
        # the machines
        self.link = ClientLink()
        self.upstream = UpstreamLink()
        self.turn = Turn()
        self.output = Output()
        self.conversation = Conversation(limits.conversation_items, limits.item_chars)
        self.tools = ToolLedger(limits.tool_calls_remembered)
        self.held = HeldInput(limits.input_before_session_s, limits.commands_held)
        self.commands = CommandMemory(limits.commands_remembered)
        self.errors = ErrorThrottle()
        self.losses = Losses()
        self.timeline = Timeline()
        # the input's accounts
        self.audio = TokenBucket(limits.audio_speed * SAMPLE_RATE_HZ, limits.audio_burst_s * SAMPLE_RATE_HZ)
        self.messages = TokenBucket(limits.client_messages_per_s, limits.client_messages_burst)
        self.flood = FloodWatch(limits.client_flood_s)
        self.received = 0
        """Samples kept so far: the position of the next one."""
        self.acknowledged_at = 0
        """`received` as the client was last told."""
        self.speech: dict[str, int] = {}
        self.warned_no_session = False

    @property
    def limits(self) -> Limits:
        """The bounds."""
        return self.surroundings.limits

    def tell(self, notice: Notice) -> None:
        """Send a text message to the client, numbered once a session exists."""
        if not self.link.is_gone:
            self.out.append(Tell(notice, self.output.number()))

    def play(self, item: ItemAudio, pcm: bytes, samples: int) -> None:
        """Send audio to the client."""
        output = self.output
        start = output.add(item, samples)
        if not self.link.is_gone:
            output.offset = offset = output.offset + 1
            self.out.append(Play(offset, item.stream, start, pcm))

    def note(self, moment: str, level: str = "info", **facts: object) -> None:
        """Log a key moment."""
        self.out.append(Note(moment, level, facts))  # type: ignore[arg-type] # callers pass literals

    def lose(self, first: int, last: int, reason: str, now: float) -> None:
        """Enter a loss of input: named at once, or with its neighbours within a second."""
        self.tell_losses(self.losses.add(first, last, reason, now))
        if self.losses.pending is not None:
            self.out.append(StartTimer(TIMER_LOSSES, TELL_EVERY_S))

    def tell_losses(self, losses: Iterable[Loss]) -> None:
        """Name losses to the client and the log."""
        for loss in losses:
            self.tell(AudioLost("input", loss.first, loss.last, loss.reason))
            facts = {"from_sample": loss.first, "to_sample": loss.last, "reason": loss.reason}
            self.note("audio.lost", "warning", **facts)

    def upstream_facts(self) -> dict[str, str]:
        """Who answers, for the client."""
        world = self.surroundings
        return {
            "name": world.upstream_name,
            "kind": world.upstream_kind,
            "model": self.upstream.model or world.upstream_model,
        }


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
