"""What conversations hold at this moment: their states, their buffers, the audio that passed.

What lives here: looking at them, a few at a time. What never will: a change to any.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from holdfast.core.audio import SAMPLE_BYTES, SAMPLE_RATE_HZ
from holdfast.core.links import Linked
from holdfast.core.upstream_link import UpstreamPhase
from holdfast.readings.uses import Uses
from holdfast.runtime.call_runner import CallRunner
from holdfast.runtime.directory import Directory, Running
from holdfast.runtime.relay_return import ReturnableLine
from holdfast.runtime.relay_runner import RelayRunner
from holdfast.runtime.session_runner import SessionRunner
from holdfast.sockets import MessageListener
from holdfast.telemetry.metrics import Reading

TOGETHER: Final = 32
"""So many conversations are read in a row: half a millisecond."""
_BASE64: Final = 3 / 4


@dataclass(slots=True)
class Passed:
    """Audio that passed through a conversation: samples and bytes, up and down."""

    up: int = 0
    up_bytes: int = 0
    down: int = 0
    down_bytes: int = 0

    def no_less_than(self, before: Passed) -> Passed:
        """What is reckoned may come out lower a moment later; a counter never does."""
        return Passed(
            max(self.up, before.up),
            max(self.up_bytes, before.up_bytes),
            max(self.down, before.down),
            max(self.down_bytes, before.down_bytes),
        )

    def plus(self, other: Passed) -> Passed:
        """Both."""
        return Passed(
            self.up + other.up,
            self.up_bytes + other.up_bytes,
            self.down + other.down,
            self.down_bytes + other.down_bytes,
        )


def passed(one: Running) -> Passed:
    """So far, in this process."""
    if isinstance(one, SessionRunner):
        s = one.session.state
        up, down = s.received - s.inherited, s.output.sounded
        return Passed(up, up * SAMPLE_BYTES, down, down * SAMPLE_BYTES)
    if isinstance(one, RelayRunner):
        r = one.relay.state
        up_bytes, down_bytes = r.kept.reckoned, round(r.lane.said * _BASE64)
        sample_bytes = r.facts.input_sample_bytes
        return Passed(up_bytes // sample_bytes, up_bytes, down_bytes // sample_bytes, down_bytes)
    return Passed()


@dataclass(slots=True)
class Conversations:
    """All of a process. `ended` hears of each that leaves: what passed there still counts."""

    directory: Directory
    _before: dict[str, Passed] = field(default_factory=dict)
    """By source, of those that have ended."""
    _told: dict[Running, Passed] = field(default_factory=dict)
    """Of those that run, as last read."""

    def ended(self, one: Running) -> None:
        """It is over."""
        self._look(one)
        its = self._told.pop(one, None)
        if its is not None:
            source = source_of(one)
            self._before[source] = self._before.get(source, Passed()).plus(its)

    def _look(self, one: Running) -> None:
        if isinstance(one, SessionRunner | RelayRunner):
            self._told[one] = passed(one).no_less_than(self._told.get(one, Passed()))

    async def read(self, uses: Uses) -> list[Reading]:
        """Sessions by state, what is in their buffers, and the audio that passed."""
        states: Counter[tuple[str, ...]] = Counter()
        for at, one in enumerate(self.directory.running):
            if at % TOGETHER == TOGETHER - 1:
                await asyncio.sleep(0)
            if is_ours(one):
                self._look(one)
                states[source_of(one), state_of(one)] += 1
                _buffers_of(one, uses)
        readings = [Reading("holdfast_sessions", count, labels) for labels, count in states.items()]
        return [*readings, *self._audio()]

    def _audio(self) -> Iterator[Reading]:
        """In one piece: who ends in between would be counted twice."""
        sums = dict(self._before)
        for one, its in self._told.items():
            source = source_of(one)
            sums[source] = sums.get(source, Passed()).plus(its)
        for source, total in sums.items():
            yield Reading("holdfast_audio_samples_total", total.up, (source, "up"))
            yield Reading("holdfast_audio_samples_total", total.down, (source, "down"))
            yield Reading("holdfast_audio_bytes_total", total.up_bytes, (source, "up"))
            yield Reading("holdfast_audio_bytes_total", total.down_bytes, (source, "down"))


def is_ours(one: Running) -> bool:
    """Whether it runs in this process: a stand-in for one elsewhere does not, nor does one that is over."""
    return isinstance(one, SessionRunner | RelayRunner | CallRunner) and not one.is_finished


def source_of(one: Running) -> str:
    """By which door its client came."""
    if isinstance(one, SessionRunner):
        return "browser"
    return "realtime" if isinstance(one, RelayRunner) else "call"


def state_of(one: Running) -> str:
    """As the label `state` has it."""
    if isinstance(one, SessionRunner):
        links: Linked = one.session.state
        if not one.is_parked and not one.session.state.link.is_attached:
            return "waiting"
    elif isinstance(one, RelayRunner):
        links = one.relay.state
    else:
        return "held"
    if one.is_parked:
        return "away"
    if links.upstream.phase is UpstreamPhase.LIVE:
        return "live"
    return "recovering" if links.line.is_ready_told else "starting"


def _buffers_of(one: Running, uses: Uses) -> None:
    if isinstance(one, SessionRunner):
        _of_session(one, uses)
    elif isinstance(one, RelayRunner):
        _of_relay(one, uses)
    else:
        return
    for buffer, line in (("client_outbox_bytes", _socket(one.client)), ("upstream_outbox_bytes", one.line)):
        if isinstance(line, MessageListener) and line.is_open:
            uses.add(buffer, line.send_buffer_bytes)


def _socket(client: object) -> object:
    return client.client if isinstance(client, ReturnableLine) else client


def _of_session(one: SessionRunner, uses: Uses) -> None:
    s = one.session.state
    limits, kept, window = s.limits, s.kept, s.window
    held = "input_held_s" if s.link.is_attached or one.is_parked else "input_before_session_s"
    uses.add(held, kept.waiting / SAMPLE_RATE_HZ, kept.waiting_s)
    uses.add("commands_held", kept.commands, kept.commands_max)
    uses.add("input_replayed_s", kept.given_samples / SAMPLE_RATE_HZ, kept.given_max / SAMPLE_RATE_HZ)
    uses.add("window_bytes", window.audio_bytes, window.audio_bytes_max)
    uses.add("window_messages", window.texts, window.messages_max)
    uses.add("conversation_items", len(s.conversation.items), limits.conversation_items)
    uses.add("commands_remembered", len(s.commands), limits.commands_remembered)
    uses.add("tool_calls_remembered", len(s.tools.calls), limits.tool_calls_remembered)


def _of_relay(one: RelayRunner, uses: Uses) -> None:
    s = one.relay.state
    kept, window = s.kept, s.window
    uses.add("relay_held_bytes", kept.waiting_size, kept.waiting_max)
    uses.add("commands_remembered", len(kept.asked), kept.asked_max)
    uses.add("window_bytes", window.size, window.bytes_max)
    uses.add("window_messages", window.messages, window.messages_max)
    uses.add("conversation_items", len(s.mirror.items), s.mirror.items_max)
