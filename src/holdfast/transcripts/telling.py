"""Transcripts as people and programs read them.

What lives here: an entry or a session as a JSON object, JSON lines, readable text.
What never will: reading from a disk; anything that was taken out before it was written.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from holdfast.ports.transcripts import Entry, Transcript


def instant(microseconds: int) -> str:
    """RFC 3339."""
    at = datetime.fromtimestamp(microseconds / 1e6, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def as_object(transcript: Transcript) -> dict[str, Any]:
    """A session for a program, without its entries."""
    return {
        "sessionId": transcript.session_id,
        "customerId": transcript.customer_id,
        "source": transcript.source,
        "mode": transcript.mode,
        "began": instant(transcript.began),
        "last": instant(transcript.last),
        "ended": transcript.ended,
        "entries": transcript.count,
    }


def entry_object(entry: Entry) -> dict[str, Any]:
    """An entry for a program."""
    told: dict[str, Any] = {"at": instant(entry.at), "kind": entry.kind}
    if entry.item_id:
        told["callId" if entry.kind == "tool" else "itemId"] = entry.item_id
    if entry.text:
        told["text"] = entry.text
    if entry.heard is not None:
        told["heard"] = entry.heard
    return {**told, **entry.facts}


def as_document(transcript: Transcript) -> dict[str, Any]:
    """A session for a program, whole."""
    return {**as_object(transcript), "entries": [entry_object(one) for one in transcript.entries]}


def as_lines(transcripts: Iterable[Transcript]) -> Iterator[str]:
    """JSON lines: each entry one, with its session and customer."""
    for one in transcripts:
        whose = {"sessionId": one.session_id, "customerId": one.customer_id}
        for entry in one.entries:
            yield json.dumps({**whose, **entry_object(entry)}, ensure_ascii=False)


def as_text(transcript: Transcript) -> str:
    """One session for people: a line for each entry, whatever somebody typed."""
    head = (
        f"Session {transcript.session_id}, customer {transcript.customer_id or 'unknown'}, "
        f"{transcript.source}, {instant(transcript.began)}"
    )
    entries = (f"  {_clock(one.at)}  {_SAYINGS[one.kind](one)}" for one in transcript.entries)
    return "\n".join(map(_on_one_line, [head, *entries]))


def _on_one_line(text: str) -> str:
    """Without what ends a line or commands a terminal: nobody shall put words into another's mouth."""
    return text if text.isprintable() else "".join(one if one.isprintable() else " " for one in text)


def _clock(at: int) -> str:
    return instant(at)[11:19]


def _cut(entry: Entry) -> str:
    if entry.heard is None:
        return f"(cut after {entry.facts.get('heardMs', 0)} ms)"
    return f"(cut: only this was heard: {entry.heard or 'nothing'})"


def _loss(entry: Entry) -> str:
    facts = entry.facts
    which = f"samples {facts.get('from')} to {facts.get('to')}"
    return f"({facts.get('direction')} lost, {which}: {facts.get('reason')})"


_SAYINGS: Final[Mapping[str, Callable[[Entry], str]]] = {
    "began": lambda one: "(taken up again after a restart)" if one.facts.get("restored") else "(begins)",
    "upstream": lambda one: f"({one.facts.get('name')} answers, model {one.facts.get('model')})",
    "user": lambda one: f"Customer:  {one.text}",
    "assistant": lambda one: f"Assistant: {one.text}",
    "cut": _cut,
    "tool": lambda one: f"(tool {one.facts.get('name') or one.item_id}: {one.facts.get('status')})",
    "fault": lambda one: f"(fault {one.facts.get('code')}, {one.facts.get('party')})",
    "loss": _loss,
    "gap": lambda one: f"({one.facts.get('lines')} entries could not be kept)",
    "ended": lambda one: f"(ends: {one.facts.get('reason')})",
}
