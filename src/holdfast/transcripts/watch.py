"""From what was seen of a session to the lines that are kept of it.

What lives here: one small function per sighting; what must be remembered between two of them, bounded.
What never will: waiting; a decision about the conversation.

An answer's words and where it was cut come in any order: the cut is a line of its own that bears the words,
so that nothing that was written need be changed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from holdfast.core.faults import Fault
from holdfast.core.limits import Limits
from holdfast.ports import sightings as seen
from holdfast.ports.sightings import Sighting, Watched
from holdfast.ports.transcripts import Fact, Line, LineKind, Talk, TranscriptStore

ITEMS_REMEMBERED: Final = 8
"""Of a session: answers whose words or whose cut may still come."""


@dataclass(frozen=True, slots=True)
class _Draft:
    """A line without its time and its session."""

    kind: LineKind
    item_id: str = ""
    text: str = ""
    heard: float | None = None
    facts: Mapping[str, Fact] = field(default_factory=dict)


_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


def _with(kept: Mapping[str, Any], key: str, value: object) -> Mapping[str, Any]:
    """The newest few. Most sessions never have one."""
    others = [one for one in kept.items() if one[0] != key]
    return dict([*others[1 - ITEMS_REMEMBERED :], (key, value)])


class _Memory:
    """What is remembered of a running session."""

    __slots__ = ("cuts", "met", "talk", "words")

    def __init__(self, talk: Talk) -> None:
        self.talk = talk
        self.words: Mapping[str, str] = _NOTHING
        self.cuts: Mapping[str, seen.Interrupted] = _NOTHING
        self.met: tuple[float, object] | None = None
        """The last fault: its step's time, and its code."""

    def knows(self, at: float, draft: _Draft) -> bool:
        """Whether this fault was told in the same step; the moments of one step name it again."""
        before, self.met = self.met, (at, draft.facts.get("code"))
        return before == self.met


class TranscriptWatch:
    """A `Watch` that writes transcripts. `now` is wall-clock nanoseconds."""

    def __init__(self, store: TranscriptStore, limits: Limits, now: Callable[[], int] = time.time_ns) -> None:
        self._store = store
        self._limits = limits
        self._now = now
        self._last = 0
        self._sessions: dict[Watched, _Memory] = {}

    @property
    def sees(self) -> Collection[type | str]:
        """See `Watch`."""
        return _LOOKS.keys()

    def saw(self, session: Watched, sighting: Sighting, at: float) -> None:
        """See `Watch`. `at` says what happened in one step; a transcript has the wall's time."""
        look = _LOOKS.get(type(sighting))
        if look is None:
            return
        memory = self._sessions.get(session)
        if memory is None:
            talk = Talk(session.id, session.customer_id, session.source, session.mode)
            memory = self._sessions[session] = _Memory(talk)
        for draft in look(memory, sighting):
            if draft.kind == "fault" and memory.knows(at, draft):
                continue
            text = draft.text[: self._limits.item_chars]
            line = Line(
                memory.talk, self._moment(), draft.kind, draft.item_id, text, draft.heard, draft.facts
            )
            self._store.put(line)
        if isinstance(sighting, seen.Ended):
            del self._sessions[session]

    def _moment(self) -> int:
        """Microseconds, later than every one before."""
        self._last = max(self._last + 1, self._now() // 1_000)
        return self._last


def _began(_: _Memory, sighting: seen.Began) -> Iterator[_Draft]:
    yield _Draft("began", facts={"restored": True} if sighting.is_restored else {})


def _upstream(_: _Memory, sighting: seen.UpstreamLive) -> Iterator[_Draft]:
    facts: dict[str, Fact] = {"name": sighting.name, "model": sighting.model, "how": sighting.how}
    yield _Draft("upstream", facts=facts)


def _user(memory: _Memory, sighting: seen.WordsOfUser) -> Iterator[_Draft]:
    if not sighting.text or memory.words.get(sighting.item_id) == sighting.text:
        return  # nothing was understood, or it is told a second time
    memory.words = _with(memory.words, sighting.item_id, sighting.text)
    yield _Draft("user", sighting.item_id, sighting.text, facts={"typed": True} if sighting.is_typed else {})


def _assistant(memory: _Memory, sighting: seen.WordsOfAssistant) -> Iterator[_Draft]:
    if not sighting.text or memory.words.get(sighting.item_id) == sighting.text:
        return
    memory.words = _with(memory.words, sighting.item_id, sighting.text)
    yield _Draft("assistant", sighting.item_id, sighting.text)
    cut = memory.cuts.get(sighting.item_id)
    if cut is not None:
        memory.cuts = {item_id: one for item_id, one in memory.cuts.items() if one is not cut}
        yield _cut(cut, sighting.text)


def _interrupted(memory: _Memory, sighting: seen.Interrupted) -> Iterator[_Draft]:
    words = memory.words.get(sighting.item_id)
    if words is None:
        memory.cuts = _with(memory.cuts, sighting.item_id, sighting)
    else:
        yield _cut(sighting, words)


def _cut(cut: seen.Interrupted, words: str) -> _Draft:
    """By time: the share of what was sent that was heard. Without it nobody knows which words these were."""
    facts: dict[str, Fact] = {"heardMs": cut.heard_ms}
    if not cut.sent_ms:
        return _Draft("cut", cut.item_id, facts=facts)
    facts["sentMs"] = cut.sent_ms
    return _Draft("cut", cut.item_id, words, min(1.0, cut.heard_ms / cut.sent_ms), facts)


def _tool_began(_: _Memory, sighting: seen.ToolBegan) -> Iterator[_Draft]:
    yield _Draft("tool", sighting.call_id, facts={"name": sighting.name, "status": "began"})


def _tool_ended(_: _Memory, sighting: seen.ToolEnded) -> Iterator[_Draft]:
    yield _Draft("tool", sighting.call_id, facts={"name": sighting.name, "status": sighting.status})


def _fault_met(_: _Memory, sighting: seen.FaultMet) -> Iterator[_Draft]:
    yield _Draft("fault", facts=_named(sighting.fault))


def _answer_failed(_: _Memory, sighting: seen.ResponseEnded) -> Iterator[_Draft]:
    if sighting.fault is not None:
        yield _Draft("fault", facts=_named(sighting.fault))


def _lost(_: _Memory, sighting: seen.AudioWasLost) -> Iterator[_Draft]:
    facts: dict[str, Fact] = {
        "direction": sighting.direction,
        "from": sighting.first,
        "to": sighting.last,
        "reason": sighting.reason,
    }
    yield _Draft("loss", facts=facts)


def _ended(memory: _Memory, sighting: seen.Ended) -> Iterator[_Draft]:
    for item_id, cut in memory.cuts.items():  # whose words never came
        yield _Draft("cut", item_id, facts={"heardMs": cut.heard_ms})
    named = {} if sighting.fault is None else _named(sighting.fault)
    yield _Draft("ended", facts={"reason": sighting.reason, **named})


def _named(cause: Fault) -> dict[str, Fact]:
    return {"code": cause.code, "party": str(cause.row.party)}


_LOOKS: Final[Mapping[type, Callable[[_Memory, Any], Iterator[_Draft]]]] = {
    seen.Began: _began,
    seen.UpstreamLive: _upstream,
    seen.WordsOfUser: _user,
    seen.WordsOfAssistant: _assistant,
    seen.Interrupted: _interrupted,
    seen.ToolBegan: _tool_began,
    seen.ToolEnded: _tool_ended,
    seen.FaultMet: _fault_met,
    seen.ResponseEnded: _answer_failed,
    seen.AudioWasLost: _lost,
    seen.Ended: _ended,
}
