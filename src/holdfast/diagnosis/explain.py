"""What was wrong with a session: ranked causes with evidence, from its document alone.

What lives here: rules over the document that the console shows (`ledger.Ledger.document`, as JSON), so that
the console, `holdfast doctor --session` and a bundle say the same.
What never will: asking anybody; the meaning of a code (`core.faults`).

A fault that ended the session outweighs one that took its upstream away, and that one outweighs what a user
may not have noticed. Facts that are no fault by themselves (silence from the microphone, a slow line, samples
lost) are turned into causes of the same table, with less weight than what was met by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from statistics import median
from typing import Any, Final

from holdfast.core.client_close import fault_of_client_close
from holdfast.core.faults import FAULTS

Document = Mapping[str, Any]

SLOW_ANSWER_MS: Final = 2_500.0
SILENT_MS: Final = 10_000.0
RTT_BAD_MS: Final = 1_000.0
UNDERRUNS_BAD: Final = 5.0
NO_INPUT_MS: Final = 10_000
_NUMBER_MAX: Final = 1e14
"""As a moment in milliseconds: three thousand years from now."""
_EVIDENCE_MAX: Final = 8
_REPEATED: Final = 4
_REPEATED_MAX: Final = 12

_WEIGHTS: Final[Mapping[str, int]] = {
    "session.failed": 90,
    "session.ended": 90,
    "turn.given_up": 70,
    "upstream.lost": 60,
    "upstream.reconnecting": 60,
    "upstream.unheard": 60,
    "response.ended": 55,
    "response.failed": 55,
    "response.stalled": 55,
    "upstream.successor_lost": 30,
    "response.asked_again": 30,
    "transcription.failed": 35,
    "client.too_slow": 55,
}
"""By the moment at which a fault was met; any other weighs `_OTHER`."""
_OTHER: Final = 40
_ENDED: Final = 100
_NOT_MENDED: Final = 25

_LOSSES: Final[Mapping[str, str]] = {
    "gap_in_client_positions": "user_network.connection_lost",
    "too_fast": "application.rate_limited",
    "no_session": "application.no_session",
    "held_too_long": "provider.unavailable",
}
"""Why samples were lost, and whose doing that usually is."""
_SEGMENT_PARTS: Final[Mapping[str, str]] = {
    "endpointing": "provider.stalled",
    "thinking": "provider.stalled",
    "speaking": "provider.stalled",
    "gateway": "gateway.overloaded",
}
"""Whose part of the silence is whose; any other is the user's line and player."""
_LOSSES_OF_UPSTREAM: Final = frozenset({"upstream.lost", "upstream.reconnecting"})
"""Behind other moments of an upstream it may still serve."""
_SERVES: Final = frozenset({"live", "rebuilt", "rotated"})
_PARTIES: Final[Mapping[str, str]] = {
    "user_device": "The user's device",
    "user_network": "The user's network",
    "application": "The application",
    "configuration": "The set-up",
    "gateway": "The gateway",
    "tool": "A tool",
    "provider": "The provider",
    "store": "The store",
}


@dataclass(frozen=True, slots=True)
class Cause:
    """One possible cause. `weight` from 0 to 100 orders them; `remedy` is for the operator."""

    code: str
    weight: int
    what: str
    evidence: tuple[str, ...] = ()

    @property
    def party(self) -> str:
        """At whose door it lies."""
        return str(FAULTS[self.code].party) if self.code in FAULTS else self.code.partition(".")[0]

    @property
    def remedy(self) -> str:
        """What to do."""
        return FAULTS[self.code].remedy if self.code in FAULTS else ""

    @property
    def sentence(self) -> str:
        """The cause in one sentence."""
        return f"{_PARTIES.get(self.party, self.party)} ({self.code}): {self.what}"

    def as_object(self) -> dict[str, Any]:
        """As the console has it."""
        told = {"code": self.code, "party": self.party, "weight": self.weight}
        return {**told, "sentence": self.sentence, "evidence": list(self.evidence)}


@dataclass(frozen=True, slots=True)
class Explanation:
    """The verdict on a session: its first cause, if there is any."""

    sentence: str
    next: str
    support: str
    ranked: tuple[Cause, ...] = field(default_factory=tuple)

    @property
    def first(self) -> Cause | None:
        """The cause; None when nothing was wrong."""
        return self.ranked[0] if self.ranked else None

    def verdict(self) -> dict[str, Any]:
        """The short form, which stands in the session's document."""
        first = self.first
        code, party = (None, None) if first is None else (first.code, first.party)
        return {"sentence": self.sentence, "party": party, "code": code}

    def as_object(self) -> dict[str, Any]:
        """As the console has it."""
        first = self.first
        return {
            **self.verdict(),
            "evidence": [] if first is None else list(first.evidence),
            "ranked": [cause.as_object() for cause in self.ranked],
            "next": self.next,
            "support": {"text": self.support},
        }


def explain(document: Document) -> Explanation:
    """Judge a session by its document. Unknown or missing parts of it say nothing and never fail."""
    causes: dict[str, Cause] = {}
    for rule in RULES:
        for cause in rule(document):
            known = causes.get(cause.code)
            if known is None:
                causes[cause.code] = cause
            else:
                first, second = (known, cause) if known.weight >= cause.weight else (cause, known)
                causes[cause.code] = Cause(
                    first.code, first.weight, first.what, (*first.evidence, *second.evidence)[:_EVIDENCE_MAX]
                )
    ranked = tuple(sorted(causes.values(), key=lambda cause: -cause.weight))
    if not ranked:
        return Explanation(_healthy(document), "Nothing to do.", _support(document, ranked))
    return Explanation(ranked[0].sentence, ranked[0].remedy, _support(document, ranked), ranked)


# the rules


def _by_name(document: Document) -> Iterator[Cause]:
    """Faults that were met, each code once."""
    by_code: dict[str, list[Mapping[str, Any]]] = {}
    for one in listed(document, "faults"):
        by_code.setdefault(str(one.get("code", "")), []).append(one)
    for code, met in by_code.items():
        if code not in FAULTS:
            continue
        weights = [
            _ENDED if one.get("ended") else _WEIGHTS.get(str(one.get("moment")), _OTHER) for one in met
        ]
        weight = min(_ENDED, max(weights) + min(_REPEATED_MAX, _REPEATED * (len(met) - 1)))
        if FAULTS[code].party == "tool":
            weight = min(weight, _OTHER)
        is_lost = any(str(one.get("moment")).startswith("upstream.") for one in met)
        if is_lost and not _was_mended(document, met):
            weight = min(_ENDED - 1, weight + _NOT_MENDED)
        yield Cause(code, weight, _how(document, met), _evidence_of(met))


def _how(document: Document, met: Sequence[Mapping[str, Any]]) -> str:
    """What the user was told, without the advice, and how it went on."""
    words = FAULTS[str(met[0]["code"])].message.rstrip(".").partition(". ")[0]
    if any(one.get("ended") for one in met):
        return f"{words}; this ended the session."
    often = "" if len(met) == 1 else f" ({len(met)} times)"
    if not any(str(one.get("moment")) in _LOSSES_OF_UPSTREAM for one in met):
        return f"{words}{often}."
    mended = _was_mended(document, met)
    return f"{words}{often}; {'the session recovered' if mended else 'no upstream has served since'}."


def _was_mended(document: Document, met: Sequence[Mapping[str, Any]]) -> bool:
    """Whether an upstream served again behind the last of these."""
    timeline = listed(document, "timeline")
    code = met[0].get("code")
    ours = [place for place, one in enumerate(timeline) if part(one, "data").get("code") == code]
    behind = timeline[ours[-1] + 1 :] if ours else timeline  # the ring has forgotten it
    return any(one.get("lane") == "upstream" and str(one.get("kind")) in _SERVES for one in behind)


def _evidence_of(met: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """A line for each time. The same facts are told once."""
    lines: list[str] = []
    before = ""
    for one in met:
        facts = one.get("evidence") or ()
        told = "; ".join(str(fact) for fact in facts) if isinstance(facts, list | tuple) else str(facts)
        told, before = ("" if told == before else told), told
        at = f"{number(one.get('t_ms')) / 1000:.1f} s"
        lines.append(f"{at}: {one.get('moment', '')}: {told}".rstrip(": "))
    return tuple(lines[:_EVIDENCE_MAX])


def _microphone(document: Document) -> Iterator[Cause]:
    silent = number(part(document, "report").get("silentMs"))
    if silent >= SILENT_MS and not listed(document, "turns"):
        what = "the microphone gives silence: it is muted, covered, or not the one that is meant."
        yield Cause(
            "user_device.microphone_silent", 65, what, (f"digital silence for {silent / 1000:.0f} s",)
        )
        return
    row = part(document, "row")
    lasted = number(document.get("at")) - number(row.get("beganAt"))
    is_typed = any(turn.get("isTyped") for turn in listed(document, "turns"))
    has_come = row.get("lastIn_ms") is not None or bool(listed(document, "turns"))
    if row.get("state") == "live" and not has_come and not is_typed and lasted >= NO_INPUT_MS:
        what = "no audio has come from the client."
        yield Cause("user_device.microphone_silent", 30, what, (f"none within {lasted / 1000:.0f} s",))


def _line(document: Document) -> Iterator[Cause]:
    report = part(document, "report")
    rtt, underruns = number(report.get("rttMs")), number(report.get("underruns"))
    if rtt >= RTT_BAD_MS:
        yield Cause("user_network.slow", 45, "the way there and back is long.", (f"{rtt:.0f} ms",))
    if underruns >= UNDERRUNS_BAD:
        what = "the answer came more slowly than it was played."
        yield Cause("user_network.slow", 40, what, (f"the player ran dry {underruns:.0f} times",))


def _gone(document: Document) -> Iterator[Cause]:
    """Clients that went without a word; who closes a page says 1000 or 1001."""
    away = [
        entry
        for entry in listed(document, "timeline")
        if entry.get("kind") == "away" and number(part(entry, "data").get("code")) not in {1000, 1001}
    ]
    by_code: dict[str, list[Mapping[str, Any]]] = {}
    for entry in away:
        found = fault_of_client_close(int(number(part(entry, "data").get("code"))), "")
        by_code.setdefault("user_network.connection_lost" if found is None else found.code, []).append(entry)
    back = sum(entry.get("kind") == "back" for entry in listed(document, "timeline"))
    for code, entries in by_code.items():
        what = f"the client's connection broke {_times(len(entries))}"
        what += " and it did not come back." if back < len(away) else "; it came back each time."
        facts = tuple(f"{number(one.get('t_ms')) / 1000:.1f} s: {one.get('text', '')}" for one in entries)
        yield Cause(code, 60 if back < len(away) else 35, what, facts[:_EVIDENCE_MAX])


def _losses(document: Document) -> Iterator[Cause]:
    lost: dict[str, list[Mapping[str, Any]]] = {}
    for entry in listed(document, "timeline"):
        if entry.get("kind") == "loss":
            reason = str(part(entry, "data").get("reason"))
            lost.setdefault(_LOSSES.get(reason, "gateway.internal"), []).append(entry)
    for code, entries in lost.items():
        seconds = sum(number(part(entry, "data").get("lostMs")) for entry in entries) / 1000
        facts = tuple(f"{number(one.get('t_ms')) / 1000:.1f} s: {one.get('text', '')}" for one in entries)
        yield Cause(code, 42, f"{seconds:.1f} s of audio were lost.", facts[:_EVIDENCE_MAX])


def _slow(document: Document) -> Iterator[Cause]:
    """Answers that come late: whose part of the silence was the largest."""
    slow = [turn for turn in listed(document, "turns") if number(turn.get("silenceMs")) >= SLOW_ANSWER_MS]
    parts: dict[str, float] = {}
    for turn in slow:
        for one in listed(turn, "segments"):
            name = str(one.get("name", ""))
            parts[name] = parts.get(name, 0.0) + number(one.get("ms"))
    if not parts:
        return
    largest = max(parts, key=lambda name: parts[name])
    share = parts[largest] / max(1.0, sum(parts.values()))
    answers = "1 answer" if len(slow) == 1 else f"{len(slow)} answers"
    what = f"{answers} began late; {share:.0%} of the wait: {largest}."
    waits = ((turn.get("n"), number(turn.get("silenceMs")) / 1000) for turn in slow[:_EVIDENCE_MAX])
    facts = tuple(f"turn {n}: {seconds:.1f} s" for n, seconds in waits)
    yield Cause(_SEGMENT_PARTS.get(largest, "user_network.slow"), 25, what, facts)


RULES: Final[tuple[Callable[[Document], Iterator[Cause]], ...]] = (
    _by_name,
    _microphone,
    _line,
    _gone,
    _losses,
    _slow,
)


# words


def _healthy(document: Document) -> str:
    waited = [
        number(turn.get("silenceMs"))
        for turn in listed(document, "turns")
        if turn.get("silenceMs") is not None
    ]
    turns = int(number(part(document, "row").get("turns")))
    if not waited:
        return f"Nothing went wrong: {turns} {'turn' if turns == 1 else 'turns'}."
    middle = f"{median(waited) / 1000:.1f} s"
    if turns == 1:
        return f"Nothing went wrong: 1 turn, the user waited {middle}."
    return f"Nothing went wrong: {turns} turns, the user waited {middle} in the middle."


def _support(document: Document, ranked: Sequence[Cause]) -> str:
    """A block to paste into a ticket: ids and facts, no words of anybody."""
    row = part(document, "row")
    upstream = part(row, "upstream")
    began = datetime.fromtimestamp(number(row.get("beganAt")) / 1000, UTC).isoformat(timespec="seconds")
    who = " ".join(str(upstream.get(name, "")) for name in ("name", "kind", "model")).strip()
    lines = [f"Session: {row.get('id', '')} (began {began})", f"Upstream: {who or 'none was reached'}"]
    lines += [f"Provider session: {one}" for one in texts(document, "providerSessions")]
    for cause in ranked[:3]:
        lines.append(f"{cause.code} (weight {cause.weight}): {cause.what}")
        lines += [f"  {fact}" for fact in cause.evidence]
    return "\n".join(lines)


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


# what a document says, as far as it is what it should be: it may be a stranger's


def listed(document: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """The objects of a list; none where there is no list."""
    found = document.get(name)
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list | tuple) else []


def part(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """An object; an empty one where there is none."""
    found = document.get(name)
    return found if isinstance(found, Mapping) else {}


def number(value: Any) -> float:
    """A number; 0 where it is none, or none that anything here can be."""
    return float(value) if isinstance(value, int | float) and 0 <= value <= _NUMBER_MAX else 0.0


def texts(document: Mapping[str, Any], name: str) -> list[str]:
    """The texts of a list; none where there is no list."""
    found = document.get(name)
    return [one for one in found if isinstance(one, str)] if isinstance(found, list | tuple) else []
