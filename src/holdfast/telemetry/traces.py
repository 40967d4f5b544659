"""From what is seen of a session to spans of OpenTelemetry: session, dial, rebuild, turn, response, tool.

What lives here: a watch of the sightings, and the way to a receiver. Its libraries are an extra
(`holdfast[otel]`), so only who sends traces imports this module.
What never will: words, audio, arguments and results of tools, secrets, who the customer is.

A session is one trace, and the trace's id is the session's: both are 128 random bits.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer, set_span_in_context

from holdfast.core.faults import Fault
from holdfast.ports import sightings as seen
from holdfast.ports.sightings import Sighting, Watched
from holdfast.telemetry.identity import Pseudonyms, trace_id_of

OPEN_MAX: Final = 64
"""So many spans of a kind are under way in one session; the oldest is ended for a new one."""
QUEUE_MAX: Final = 4_096
"""Spans that wait to be sent; more are dropped, and counted."""
SEND_EVERY_MS: Final = 1_000
SEND_S: Final = 5.0
"""A receiver may take so long to take a batch."""
CLOSE_S: Final = 8.0
_TOKENS: Final = ("input_tokens", "output_tokens", "total_tokens")


@dataclass(frozen=True, slots=True)
class TracesOptions:
    """Where spans go. `share`: of sessions; `headers` for the receiver; `instance`: which process this is."""

    endpoint: str
    headers: Mapping[str, str]
    share: float
    version: str
    instance: str


class _Ids(RandomIdGenerator):
    """The next trace gets the id of its session."""

    def __init__(self) -> None:
        self.session_id = ""

    def generate_trace_id(self) -> int:
        told = trace_id_of(self.session_id)
        return int(told, 16) or super().generate_trace_id() if told else super().generate_trace_id()


class _Counted(SpanExporter):
    """Sends, and counts what became of it."""

    def __init__(self, inner: SpanExporter, counts: Counter[str]) -> None:
        self._inner = inner
        self._counts = counts

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._inner.export(spans)
        self._counts["sent" if result is SpanExportResult.SUCCESS else "failed"] += len(spans)
        return result

    def shutdown(self) -> None:
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._inner.force_flush(timeout_millis)


class Traces:
    """Fills the port `Watch`. `counts`: spans that were `made`, `sent`, `failed`."""

    def __init__(self, options: TracesOptions, pseudonyms: Pseudonyms) -> None:
        self.counts: Counter[str] = Counter()
        exporter = OTLPSpanExporter(options.endpoint, headers=dict(options.headers), timeout=SEND_S)
        self._ids = _Ids()
        self._provider = TracerProvider(
            sampler=TraceIdRatioBased(options.share),
            resource=Resource(
                {
                    "service.name": "holdfast",
                    "service.version": options.version,
                    "service.instance.id": options.instance,
                }
            ),
            id_generator=self._ids,
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(
            BatchSpanProcessor(_Counted(exporter, self.counts), QUEUE_MAX, SEND_EVERY_MS)
        )
        self._tracer = self._provider.get_tracer("holdfast", options.version)
        self._pseudonyms = pseudonyms
        self._traced: dict[Watched, _Traced] = {}

    @property
    def sees(self) -> Collection[type | str]:
        """See `Watch`."""
        return _LOOKS.keys()

    def saw(self, session: Watched, sighting: Sighting, at: float) -> None:
        """See `Watch`."""
        its = self._traced.get(session)
        if its is None:
            self._ids.session_id = session.id
            pseudonym = self._pseudonyms.of(session.customer_id)
            its = _Traced.began(self._tracer, self.counts, session, pseudonym, _wall_ns(at))
            self._traced[session] = its
        look = _LOOKS.get(sighting.moment if type(sighting) is seen.Noted else type(sighting))
        if look is not None:
            its.at = _wall_ns(at)
            look(its, sighting)
        if type(sighting) is seen.Ended:
            del self._traced[session]

    async def close(self) -> None:
        """End what is open and send what waits, for a while: a receiver that hangs keeps no process."""
        for its in self._traced.values():
            its.at = time.time_ns()
            its.end_all()
        self._traced.clear()
        loop, closed = asyncio.get_running_loop(), asyncio.Event()

        def shut_down() -> None:
            self._provider.shutdown()
            with contextlib.suppress(RuntimeError):  # nobody waits any more
                loop.call_soon_threadsafe(closed.set)

        # A thread of the loop's would be waited for when the loop ends, however long it takes.
        threading.Thread(target=shut_down, name="traces-close", daemon=True).start()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await closed.wait()


def _wall_ns(at: float) -> int:
    """A moment of the loop's clock as receivers have it: nanoseconds since 1970."""
    return time.time_ns() - round((time.monotonic() - at) * 1e9)


def _fault(span: Span, cause: Fault | None) -> None:
    if cause is not None:
        span.set_attributes({"holdfast.fault": cause.code, "holdfast.party": str(cause.row.party)})
        span.set_status(StatusCode.ERROR, cause.code)


@dataclass(slots=True)
class _Traced:
    """One session's spans. Each method takes one kind of sighting, which came `at`."""

    tracer: Tracer
    counts: Counter[str]
    root: Span
    at: int
    dials: dict[Any, Span] = field(default_factory=dict)
    turns: dict[Any, Span] = field(default_factory=dict)
    responses: dict[Any, Span] = field(default_factory=dict)
    tools: dict[Any, Span] = field(default_factory=dict)
    rebuilds: dict[Any, Span] = field(default_factory=dict)
    begun: dict[str, int] = field(default_factory=dict)
    """When each response under way began that has not sounded."""

    @classmethod
    def began(
        cls, tracer: Tracer, counts: Counter[str], session: Watched, pseudonym: str, at: int
    ) -> _Traced:
        attributes = {
            "holdfast.session": session.id,
            "holdfast.source": session.source,
            "holdfast.mode": session.mode,
            "holdfast.customer": pseudonym,
        }
        root = tracer.start_span("session", kind=SpanKind.SERVER, attributes=attributes, start_time=at)
        return cls(tracer, counts, root, at)

    def _start(self, kept: dict[Any, Span], key: Any, name: str, **attributes: Any) -> None:
        if len(kept) >= OPEN_MAX:
            self._end(kept, next(iter(kept)))
        told = {f"holdfast.{label}": value for label, value in attributes.items() if value is not None}
        context = set_span_in_context(self.root)
        kept[key] = self.tracer.start_span(name, context=context, attributes=told, start_time=self.at)

    def _end(self, kept: dict[Any, Span], key: Any, **attributes: Any) -> None:
        span = kept.pop(key, None)
        if span is not None:
            told = {f"holdfast.{label}": value for label, value in attributes.items() if value is not None}
            span.set_attributes(told)
            self._over(span)

    def _over(self, span: Span) -> None:
        self.counts["made"] += span.is_recording()
        span.end(self.at)

    def _event(self, name: str, **attributes: Any) -> None:
        told = {f"holdfast.{label}": value for label, value in attributes.items()}
        self.root.add_event(name, told, self.at)

    def end_all(self) -> None:
        """Nothing more will be seen."""
        for kept in (self.dials, self.turns, self.responses, self.tools, self.rebuilds):
            for key in list(kept):
                self._end(kept, key)
        self._over(self.root)

    # the session

    def ended(self, sighting: seen.Ended) -> None:
        self.root.set_attribute("holdfast.reason", sighting.reason)
        _fault(self.root, sighting.fault)
        self.end_all()

    def restored(self, sighting: seen.Began) -> None:
        self.root.set_attribute("holdfast.is_restored", sighting.is_restored)

    def away(self, sighting: seen.ClientAway) -> None:
        self._event("client_away", code=sighting.code)

    def back(self, sighting: seen.ClientBack) -> None:
        self._event("client_back", recovered=sighting.recovered)

    # its upstreams

    def connecting(self, sighting: seen.Noted) -> None:
        facts = sighting.facts
        generation, upstream = facts.get("generation"), str(facts.get("upstream"))
        manner = str(facts.get("manner"))
        self._start(self.dials, generation, "dial", generation=generation, upstream=upstream, manner=manner)

    def successor_lost(self, sighting: seen.Noted) -> None:
        if self.dials:
            self._end(self.dials, next(reversed(self.dials)), fault=str(sighting.facts.get("fault")))

    def live(self, sighting: seen.UpstreamLive) -> None:
        told = {"upstream_session": sighting.provider_session, "model": sighting.model, "how": sighting.how}
        self._end(self.dials, sighting.generation, **told)
        for key in list(self.rebuilds):
            self._end(self.rebuilds, key, upstream=sighting.name)

    def lost(self, sighting: seen.UpstreamLost) -> None:
        if (dial := self.dials.get(sighting.generation)) is not None:
            _fault(dial, sighting.fault)
            self._end(self.dials, sighting.generation)
        if sighting.was_live:
            cause = sighting.fault
            self._start(
                self.rebuilds, sighting.generation, "rebuild", fault=cause.code, party=str(cause.row.party)
            )

    # the conversation

    def turn_began(self, sighting: seen.TurnBegan) -> None:
        self._start(self.turns, sighting.item_id, "turn", item=sighting.item_id)

    def turn_ended(self, sighting: seen.TurnEnded) -> None:
        self._end(self.turns, sighting.item_id)

    def response_began(self, sighting: seen.ResponseBegan) -> None:
        self._start(self.responses, sighting.response_id, "response", response=sighting.response_id)
        while len(self.begun) >= OPEN_MAX:
            del self.begun[next(iter(self.begun))]
        self.begun[sighting.response_id] = self.at

    def first_sound(self, sighting: seen.FirstSound) -> None:
        span, began = self.responses.get(sighting.response_id), self.begun.pop(sighting.response_id, None)
        if span is not None and began is not None:
            span.set_attribute("holdfast.first_sound_ms", (self.at - began) / 1e6)

    def response_ended(self, sighting: seen.ResponseEnded) -> None:
        self.begun.pop(sighting.response_id, None)
        if (span := self.responses.get(sighting.response_id)) is not None:
            _fault(span, sighting.fault)
        usage = sighting.usage or {}
        tokens = {name: usage[name] for name in _TOKENS if isinstance(usage.get(name), int)}
        self._end(self.responses, sighting.response_id, status=sighting.status, **tokens)

    def interrupted(self, sighting: seen.Interrupted) -> None:
        self._event("interrupted", response=sighting.response_id, heard_ms=sighting.heard_ms)

    def tool_began(self, sighting: seen.ToolBegan) -> None:
        if sighting.name:  # else the client runs it
            self._start(self.tools, sighting.call_id, "tool", tool=sighting.name, call_id=sighting.call_id)

    def tool_ended(self, sighting: seen.ToolEnded) -> None:
        self._end(self.tools, sighting.call_id, status=sighting.status)

    # what went wrong

    def fault(self, sighting: seen.FaultMet) -> None:
        cause = sighting.fault
        self._event("fault", fault=cause.code, party=str(cause.row.party), moment=sighting.moment)

    def audio_lost(self, sighting: seen.AudioWasLost) -> None:
        samples = sighting.last - sighting.first
        self._event("audio_lost", direction=sighting.direction, samples=samples, reason=sighting.reason)


_LOOKS: Final[Mapping[type | str, Callable[[_Traced, Any], None]]] = {
    seen.Began: _Traced.restored,
    seen.Ended: _Traced.ended,
    seen.ClientAway: _Traced.away,
    seen.ClientBack: _Traced.back,
    "upstream.connecting": _Traced.connecting,
    "upstream.successor_lost": _Traced.successor_lost,
    seen.UpstreamLive: _Traced.live,
    seen.UpstreamLost: _Traced.lost,
    seen.TurnBegan: _Traced.turn_began,
    seen.TurnEnded: _Traced.turn_ended,
    seen.ResponseBegan: _Traced.response_began,
    seen.FirstSound: _Traced.first_sound,
    seen.ResponseEnded: _Traced.response_ended,
    seen.Interrupted: _Traced.interrupted,
    seen.ToolBegan: _Traced.tool_began,
    seen.ToolEnded: _Traced.tool_ended,
    seen.FaultMet: _Traced.fault,
    seen.AudioWasLost: _Traced.audio_lost,
}
