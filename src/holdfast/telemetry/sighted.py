"""From what is seen of a session to what is counted: a watch of the sightings.

What lives here: which sighting moves which figure, and the few moments of each session that a duration needs.
What never will: names and meanings (`meters`), figures that rooms have themselves (`holdfast.readings`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, Final

from holdfast.core.audio import SAMPLE_RATE_HZ, samples_of_ms
from holdfast.core.faults import FAULTS, Fault, Party
from holdfast.ports import sightings as seen
from holdfast.ports.sightings import Sighting, Watched
from holdfast.telemetry.metrics import Metrics

OPEN_MAX: Final = 64
"""So many dials, answers and calls of one session are under way at once, as far as durations go."""
WAIT_S_MAX: Final = 60.0
"""Nobody waits longer; a client that says so is not believed."""
_INPUT: Final = {
    "text_tokens": "input_text",
    "audio_tokens": "input_audio",
    "image_tokens": "input_image",
    "cached_tokens": "input_cached",
}
_OUTPUT: Final = {"text_tokens": "output_text", "audio_tokens": "output_audio"}
_WRITTEN: Final = {"input_tokens": "transcription_input", "output_tokens": "transcription_output"}

_REASONS: Final = {
    "session.ended": "fault",
    "session.failed": "fault",
    "session.suspended": "suspended",
    "closed": "client_gone",
}
"""Where an end has no word of its own but the log's."""

Open = tuple[tuple[Any, str, float], ...]
"""What is under way, the oldest first: its key, whose it is, and since when. Seldom more than one."""


def _open(kept: Open, key: Any, whose: str, at: float) -> Open:
    _, others = _close(kept, key)
    return (*others[1 - OPEN_MAX :], (key, whose, at))


def _close(kept: Open, key: Any) -> tuple[tuple[str, float] | None, Open]:
    """Whose it was and since when; None where it was not under way. And what still is."""
    for at, one in enumerate(kept):
        if one[0] == key:
            return one[1:], kept[:at] + kept[at + 1 :]
    return None, kept


def _codes(cause: Fault | None) -> tuple[str, str]:
    return ("none", "none") if cause is None else (cause.code, str(cause.row.party))


@dataclass(slots=True)
class _Seen:
    """One session: since when what goes on. Each method takes one kind of sighting, which came `at`."""

    metrics: Metrics
    source: str
    began_at: float
    at: float = 0.0
    upstream: str = ""
    lost_at: float | None = None
    away_at: float | None = None
    turn_ended_at: float | None = None
    answered_at: float | None = None
    """When the first response after that turn began."""
    received: int | None = None
    """Samples that had come when that turn ended."""
    sounded: tuple[str, float] | None = None
    """The item that answered the last turn, and how long it took here; None once its client has said more."""
    dials: Open = ()
    responses: Open = ()
    tools: Open = ()
    met: tuple[str, float] = "", 0.0
    """The last fault, and when: what ends a session is told by each of its last moments."""

    # the session

    def began(self, sighting: seen.Began) -> None:
        if not sighting.is_restored:
            self.metrics.count("holdfast_sessions_began_total", self.source)

    def ended(self, sighting: seen.Ended) -> None:
        code, _ = _codes(sighting.fault)
        reason = _REASONS.get(sighting.reason, sighting.reason)
        self.metrics.count("holdfast_sessions_ended_total", self.source, reason, code)
        self.metrics.observe("holdfast_session_seconds", self.at - self.began_at, self.source)

    def away(self, _: seen.ClientAway) -> None:
        self.away_at = self.at

    def parked(self, _: seen.Noted) -> None:
        """Who only hangs up when all is said has dropped nothing."""
        self.metrics.count("holdfast_client_drops_total", self.source)

    def back(self, sighting: seen.ClientBack) -> None:
        self.metrics.count("holdfast_resumes_total", self.source, "yes" if sighting.recovered else "no")
        if self.away_at is not None:
            self.metrics.observe("holdfast_away_seconds", self.at - self.away_at, self.source)
            self.away_at = None

    # its upstreams

    def connecting(self, sighting: seen.Noted) -> None:
        facts = sighting.facts
        self.dials = _open(self.dials, facts.get("generation"), str(facts.get("upstream")), self.at)

    def successor_lost(self, sighting: seen.Noted) -> None:
        if self.dials:
            *others, (_, upstream, _) = self.dials
            self.dials = tuple(others)
            self.metrics.count("holdfast_dials_total", upstream, str(sighting.facts.get("fault")))

    def audio_noted(self, sighting: seen.Noted) -> None:
        """A relay's client is told only if it asked for such news; the log always is."""
        if self.source == "realtime":
            facts = sighting.facts
            samples = samples_of_ms(int(str(facts["to_ms"])) - int(str(facts["from_ms"])))
            self._lost_audio("up", samples, str(facts.get("reason")))

    def live(self, sighting: seen.UpstreamLive) -> None:
        self.upstream = sighting.name
        self.metrics.count("holdfast_dials_total", sighting.name, "none")
        dial, self.dials = _close(self.dials, sighting.generation)
        if sighting.how == "rotated":  # it was ready long before, and waited for a quiet moment
            return
        if dial is not None:
            self.metrics.observe("holdfast_dial_seconds", self.at - dial[1], sighting.name)
        if self.lost_at is not None:
            self.metrics.observe("holdfast_rebuild_seconds", self.at - self.lost_at, sighting.name)
            self.lost_at = None

    def lost(self, sighting: seen.UpstreamLost) -> None:
        code, party = _codes(sighting.fault)
        dial, self.dials = _close(self.dials, sighting.generation)
        upstream = self.upstream if dial is None else dial[0]
        if not sighting.was_live:
            self.metrics.count("holdfast_dials_total", upstream, code)
            return
        self.metrics.count("holdfast_upstream_lost_total", upstream, code, party)
        self.lost_at = self.at

    # the conversation

    def turn_began(self, _: seen.TurnBegan) -> None:
        self.turn_ended_at = self.answered_at = None  # who goes on speaking was not waiting

    def turn_ended(self, sighting: seen.TurnEnded) -> None:
        self.metrics.count("holdfast_turns_total", self.source)
        self.turn_ended_at, self.answered_at, self.received = self.at, None, sighting.received

    def response_began(self, sighting: seen.ResponseBegan) -> None:
        self.responses = _open(self.responses, sighting.response_id, "", self.at)
        if self.turn_ended_at is not None and self.answered_at is None:
            self.answered_at = self.at

    def first_sound(self, sighting: seen.FirstSound) -> None:
        ended_at, answered_at = self.turn_ended_at, self.answered_at
        if ended_at is None or answered_at is None:
            return
        for segment, seconds in (
            ("thinking", answered_at - ended_at),
            ("speaking", self.at - answered_at),
            ("whole", self.at - ended_at),
        ):
            self.metrics.observe("holdfast_turn_seconds", seconds, self.source, segment)
        self.sounded = sighting.item_id, self.at - ended_at
        self.turn_ended_at = self.answered_at = None

    def silence_heard(self, sighting: seen.SilenceHeard) -> None:
        """What the client measured: a stranger's word, once for each turn and as far as it can be true."""
        sounded, received = self.sounded, self.received
        if sounded is None or received is None or sounded[0] != sighting.item_id:
            return
        whole = (sighting.heard_at - sighting.spoke_until) / SAMPLE_RATE_HZ
        endpointing = (received - sighting.spoke_until) / SAMPLE_RATE_HZ
        if not 0 <= whole <= WAIT_S_MAX or not 0 <= endpointing <= whole:
            return
        self.sounded = None
        playback = min(max(0.0, (sighting.heard_at - sighting.received_at) / SAMPLE_RATE_HZ), whole)
        for segment, seconds in (
            ("endpointing", endpointing),
            ("network", max(0.0, whole - endpointing - sounded[1] - playback)),
            ("playback", playback),
            ("heard", whole),
        ):
            self.metrics.observe("holdfast_turn_seconds", seconds, self.source, segment)

    def response_ended(self, sighting: seen.ResponseEnded) -> None:
        self.metrics.count("holdfast_responses_total", self.source, sighting.status)
        began, self.responses = _close(self.responses, sighting.response_id)
        if began is not None:
            seconds = self.at - began[1]
            self.metrics.observe("holdfast_response_seconds", seconds, self.source, sighting.status)
        if sighting.usage is not None:
            self._used(_INPUT, sighting.usage.get("input_token_details"))
            self._used(_OUTPUT, sighting.usage.get("output_token_details"))

    def words(self, sighting: seen.WordsOfUser) -> None:
        self._used(_WRITTEN, sighting.usage)

    def _used(self, kinds: Mapping[str, str], told: object) -> None:
        """What an upstream says is a stranger's word: only whole numbers above 0 count."""
        if not isinstance(told, Mapping):
            return
        for name, kind in kinds.items():
            tokens = told.get(name)
            if isinstance(tokens, int) and tokens > 0:
                self.metrics.count("holdfast_tokens_total", self.upstream, kind, by=tokens)

    def interrupted(self, _: seen.Interrupted) -> None:
        self.metrics.count("holdfast_interruptions_total", self.source)

    def tool_began(self, sighting: seen.ToolBegan) -> None:
        if sighting.name:  # else the client runs it
            self.tools = _open(self.tools, sighting.call_id, sighting.name, self.at)

    def tool_ended(self, sighting: seen.ToolEnded) -> None:
        self.metrics.count("holdfast_tool_calls_total", sighting.name, sighting.status)
        began, self.tools = _close(self.tools, sighting.call_id)
        if began is not None:
            self.metrics.observe("holdfast_tool_seconds", self.at - began[1], sighting.name)

    # what went wrong

    def fault(self, sighting: seen.FaultMet) -> None:
        """The same one told twice within one step is one, as in the console."""
        met = sighting.fault.code, self.at
        if met != self.met:
            self.metrics.count("holdfast_faults_total", *_codes(sighting.fault))
        self.met = met

    def audio_lost(self, sighting: seen.AudioWasLost) -> None:
        if self.source == "browser":
            direction = "up" if sighting.direction == "input" else "down"
            self._lost_audio(direction, sighting.last - sighting.first, sighting.reason)

    def _lost_audio(self, direction: str, samples: int, reason: str) -> None:
        self.metrics.count("holdfast_audio_lost_samples_total", direction, reason, by=max(0, samples))


_LOOKS: Final[Mapping[type | str, Callable[[_Seen, Any], None]]] = {
    seen.Began: _Seen.began,
    seen.Ended: _Seen.ended,
    seen.ClientAway: _Seen.away,
    "session.parked": _Seen.parked,
    seen.ClientBack: _Seen.back,
    "upstream.connecting": _Seen.connecting,
    "upstream.successor_lost": _Seen.successor_lost,
    "audio.lost": _Seen.audio_noted,
    seen.UpstreamLive: _Seen.live,
    seen.UpstreamLost: _Seen.lost,
    seen.TurnBegan: _Seen.turn_began,
    seen.TurnEnded: _Seen.turn_ended,
    seen.WordsOfUser: _Seen.words,
    seen.ResponseBegan: _Seen.response_began,
    seen.FirstSound: _Seen.first_sound,
    seen.SilenceHeard: _Seen.silence_heard,
    seen.ResponseEnded: _Seen.response_ended,
    seen.Interrupted: _Seen.interrupted,
    seen.ToolBegan: _Seen.tool_began,
    seen.ToolEnded: _Seen.tool_ended,
    seen.FaultMet: _Seen.fault,
    seen.AudioWasLost: _Seen.audio_lost,
}


def _from_the_start(metrics: Metrics) -> Iterator[tuple[str, ...]]:
    """What alerts wait for: they see only what grows, not what appears, and the first may be many at once."""
    for row in FAULTS.values():
        yield "holdfast_faults_total", row.code, str(row.party)
        if row.party is Party.PROVIDER:
            for upstream in metrics.values_of("upstream"):
                yield "holdfast_upstream_lost_total", upstream, row.code, str(row.party)
    for source in ("browser", "realtime"):
        yield "holdfast_responses_total", source, "failed"
    for tool, status in product(metrics.values_of("tool"), ("failed", "timeout")):
        yield "holdfast_tool_calls_total", tool, status
    for direction, reason in product(("up", "down"), ("held_too_long", "upstream_lost", "window_full")):
        yield "holdfast_audio_lost_samples_total", direction, reason


class MetricsWatch:
    """Fills the port `Watch`."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        for name, *labels in _from_the_start(metrics):
            metrics.count(name, *labels, by=0)
        self._seen: dict[Watched, _Seen] = {}

    def __len__(self) -> int:
        """Sessions that something is remembered of."""
        return len(self._seen)

    @property
    def sees(self) -> Collection[type | str]:
        """See `Watch`."""
        return _LOOKS.keys()

    def saw(self, session: Watched, sighting: Sighting, at: float) -> None:
        """See `Watch`."""
        look = _LOOKS.get(sighting.moment if type(sighting) is seen.Noted else type(sighting))
        if look is None:
            return
        its = self._seen.get(session)
        if its is None:
            its = self._seen[session] = _Seen(self._metrics, session.source, at)
        its.at = at
        look(its, sighting)
        if type(sighting) is seen.Ended:
            del self._seen[session]
