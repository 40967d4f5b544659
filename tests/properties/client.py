"""What a client holds in its hands, message by message, and what it may expect of the next one.

What lives here: order, streams, beginnings and ends as the client sees them, over any number of returns.
What never will: what the session did to come to these messages.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from holdfast.core import notices
from holdfast.core.effects import Play, Tell

TERMINAL = frozenset({"RECONNECT_FAILED", "SESSION_INITIALIZATION_FAILED", "RESPONSE_FAILED"})


@dataclass
class Client:
    """One view of a session."""

    offset: int = 0
    is_there: bool = True
    open_response: str | None = None
    started: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    tools: Counter[str] = field(default_factory=Counter)
    streams: dict[int, int] = field(default_factory=dict)
    """The next sample of each; None after a fresh start, when anything may come."""
    stream_items: dict[int, str] = field(default_factory=dict)
    cut_items: set[str] = field(default_factory=set)
    holes: list[tuple[int, int, int]] = field(default_factory=list)
    """In streams, without a name so far."""
    errors: dict[str, float] = field(default_factory=dict)
    unnamed: int = 0
    """Audio that was left out of a tail, where only its number came: it is named in the same breath."""
    log: list[Tell | Play] = field(default_factory=list)
    is_fresh: bool = True
    """Whether it has everything since the session's beginning."""

    def back_to(self, offset: int) -> Client:
        """The view of a client that did not receive what came after `offset`."""
        if offset >= self.offset or not self.is_fresh:
            return self
        view = Client(is_there=self.is_there, errors=self.errors)
        for message in self.log:
            if (message.offset or 0) <= offset:
                view.receive(message, 0.0, is_tail=True)
        view.settle()
        return view

    def receive(self, message: Tell | Play, now: float, *, is_tail: bool) -> None:
        """The next message. `is_tail`: it is caught up with, so audio may be left out of it, by name."""
        self.log.append(message)
        self._numbered(message.offset, is_tail=is_tail)
        if isinstance(message, Play):
            self._played(message, is_tail=is_tail)
        else:
            self._told(message.notice, now, is_tail=is_tail)

    def resumed(self, answer: notices.SessionResumed) -> None:
        """The answer to `resume_session`."""
        if answer.recovered:
            assert answer.offset == self.offset, "a tail that begins elsewhere"
            return
        self.offset = answer.offset
        self.is_fresh = False
        self.open_response = None
        self.started.clear()
        self.done.clear()
        self.streams.clear()
        self.stream_items.clear()

    def _missed(self, stream: int, first: int, last: int) -> None:
        self.unnamed = 0
        self.holes = [
            hole for hole in self.holes if hole[0] != stream or not (first <= hole[1] and hole[2] <= last)
        ]
        if first <= self.streams.get(stream, 0) < last:
            self.streams[stream] = last

    def settle(self) -> None:
        """Nothing that was absent is to be named any more."""
        self.unnamed = 0
        self.holes.clear()

    def _numbered(self, offset: int | None, *, is_tail: bool) -> None:
        assert self.is_there or is_tail, "somebody who is away was told something"
        if offset is None:
            assert self.offset == 0, "an unnumbered message after session_created"
            return
        assert offset == self.offset + 1, "a hole in the order of messages"
        self.offset = offset

    def _played(self, play: Play, *, is_tail: bool) -> None:
        if not play.pcm:
            assert is_tail, "an empty message outside a tail"
            self.unnamed += 1
            return
        expected = self.streams.get(play.stream, 0 if self.is_fresh else play.start)
        if play.start != expected:
            assert is_tail, "a hole or a repeat in the audio"
            assert play.start > expected, "audio was given twice"
            self.holes.append((play.stream, expected, play.start))
        self.streams[play.stream] = play.start + len(play.pcm) // 2
        assert self.stream_items.get(play.stream) not in self.cut_items, "audio of a cut item"

    def _told(self, notice: notices.Notice, now: float, *, is_tail: bool) -> None:
        match notice:
            case notices.ResponseStarted(response_id=response_id):
                assert self.open_response is None, "two responses at once"
                assert not self.started[response_id], "a response began twice"
                self.open_response = response_id
                self.started[response_id] += 1
            case notices.ResponseDone(response_id=response_id):
                self.done[response_id] += 1
                assert self.done[response_id] == 1, "a response ended twice"
                assert self.started[response_id] or not self.is_fresh, "an end without a beginning"
                self.open_response = None
            case notices.ToolStarted(call_id=call_id):
                assert not self.tools[call_id], "a tool began twice"
                self.tools[call_id] = 1
            case notices.ToolDone(call_id=call_id):
                assert self.tools[call_id] == 1 or not self.is_fresh, "a tool ended twice, or never began"
                self.tools[call_id] = 2
            case notices.AudioStarted(item_id=item_id, stream=stream):
                self.stream_items[stream] = item_id
                self.cut_items.discard(item_id)
            case notices.Interrupted(item_id=item_id):
                self.cut_items.add(item_id)
            case notices.AudioLost(direction="output", stream=stream, from_sample=first, to_sample=last):
                self._missed(stream or 0, first, last)
            case notices.AudioReceived(received=received, durable=durable):
                assert durable <= received
            case notices.Error(code=code, fault=cause, suppressed=suppressed) if suppressed is None:
                assert cause is not None
                if code not in TERMINAL and not is_tail:
                    assert now - self.errors.get(code, -1.0) >= 1.0, "two errors of one code in a second"
                    self.errors[code] = now
            case _:
                pass
