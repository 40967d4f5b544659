"""What a recording says to people: faults and whose they are, who the provider's sessions were.

What lives here: reading the recorded decisions. Pure.
What never will: running a core, a verdict (`holdfast.diagnosis`).
"""

from __future__ import annotations

from collections.abc import Iterator
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
            if effect["is"] == "effects.Note" and effect["level"] != "debug":
                yield step, effect["moment"], _facts(effect["facts"])


def faults(recording: Recording) -> list[FaultSeen]:
    """Every fault that was noted, in order."""
    return [
        FaultSeen(
            step.step,
            recording.clock(step),
            facts["fault"],
            FAULTS[facts["fault"]].party,
            moment,
            tuple(facts.get("evidence") or ()),
        )
        for step, moment, facts in notes(recording)
        if facts.get("fault") in FAULTS
    ]


def provider_sessions(recording: Recording) -> list[ProviderSession]:
    """Every upstream that proved to be alive, in order."""
    names: dict[int, str] = {}
    found: list[ProviderSession] = []
    for step, moment, facts in notes(recording):
        if moment == "upstream.connecting":
            names[facts["generation"]] = facts["upstream"]
        if moment == "upstream.created":
            generation = facts["generation"]
            who = names.get(generation, "")
            at = recording.clock(step)
            found.append(
                ProviderSession(step.step, at, generation, who, facts["upstream_session"], facts["model"])
            )
    return found


def _facts(told: Any) -> dict[str, Any]:
    return {str(_plain(key)): _plain(value) for key, value in told["map"]}


def _plain(told: Any) -> Any:
    """As it was, as far as it was kept: a text that was not is empty."""
    if isinstance(told, dict):
        inner = told.get("list", told.get("map"))
        return None if inner is None else [_plain(one) for one in inner]
    if isinstance(told, str):
        return "" if is_placeholder(told) else filler(told)
    return told
