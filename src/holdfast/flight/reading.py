"""What a recording says to people: faults and whose they are, who the provider's sessions were.

What lives here: reading the recorded decisions. Pure.
What never will: running a core, a verdict (`holdfast.diagnosis`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from holdfast.core.faults import FAULTS, Party
from holdfast.flight.blanking import filler, is_placeholder
from holdfast.flight.recording import Recording, Step


@dataclass(frozen=True, slots=True)
class FaultSeen:
    """A fault that the session met, as it was noted."""

    step: int
    at: float
    """Seconds since 1970."""
    code: str
    party: Party
    moment: str
    """The log's name for when."""
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProviderSession:
    """One upstream's own id of the conversation, for its support."""

    step: int
    at: float
    generation: int
    upstream: str
    id: str
    model: str


def notes(recording: Recording) -> Iterator[tuple[Step, str, dict[str, Any]]]:
    """The log's key moments in order: step, moment, facts. Nothing of the level `debug`."""
    for step in recording.steps:
        for effect in step.due:
            if effect.get("is") == "effects.Note" and effect.get("level") != "debug":
                yield step, str(effect.get("moment")), _facts(effect.get("facts"))


def code_of(facts: Mapping[str, Any]) -> str:
    """The fault that a note tells of; empty where it tells of none that is known."""
    told = facts.get("fault")
    return told if isinstance(told, str) and told in FAULTS else ""


def evidence_of(facts: Mapping[str, Any]) -> tuple[str, ...]:
    """What it was recognised by."""
    told = facts.get("evidence")
    return tuple(map(str, told)) if isinstance(told, list) else ()


def faults(recording: Recording) -> list[FaultSeen]:
    """Every fault that was noted, in order."""
    return [
        FaultSeen(
            step.step,
            recording.clock(step),
            code,
            FAULTS[code].party,
            moment,
            evidence_of(facts),
        )
        for step, moment, facts in notes(recording)
        if (code := code_of(facts))
    ]


def provider_sessions(recording: Recording) -> list[ProviderSession]:
    """Every upstream that proved to be alive, in order."""
    names: dict[int, str] = {}
    found: list[ProviderSession] = []
    for step, moment, facts in notes(recording):
        generation = facts.get("generation")
        if not isinstance(generation, int):
            continue
        if moment == "upstream.connecting":
            names[generation] = str(facts.get("upstream", ""))
        if moment == "upstream.created":
            who, at = names.get(generation, ""), recording.clock(step)
            its_id, model = str(facts.get("upstream_session", "")), str(facts.get("model", ""))
            found.append(ProviderSession(step.step, at, generation, who, its_id, model))
    return found


def _facts(told: Any) -> dict[str, Any]:
    """Of a file that is a stranger's, or of another version, only what has the form of a fact."""
    pairs = told.get("map") if isinstance(told, dict) else None
    given = pairs if isinstance(pairs, list) else []
    return {str(_plain(one[0])): _plain(one[1]) for one in given if isinstance(one, list) and len(one) == 2}


def _plain(told: Any) -> Any:
    """As it was, as far as it was kept: a text that was not is empty."""
    if isinstance(told, dict):
        inner = told.get("list", told.get("map"))
        return [_plain(one) for one in inner] if isinstance(inner, list) else None
    if isinstance(told, str):
        return "" if is_placeholder(told) else filler(told)
    return told
