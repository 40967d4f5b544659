"""What may stand in a recording, and what becomes of the rest.

What lives here: which strings are ids and codes and stay; placeholders for all others, and the filler that a
replay puts in their place. What is not named here does not stay.
What never will: the shape of an event or an effect (`forms`).

A placeholder tells how long a text was and where its first words part, because the core asks that much of it,
and bears a keyed hash (Python's own, which the process keys, and the session besides): the same text in the
same session has the same placeholder, and nobody can guess it.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from typing import Final

IDS: Final = frozenset(
    [
        "session_id",
        "sessionId",
        "epoch",
        "event_id",
        "item_id",
        "response_id",
        "call_id",
        "conversation_id",
        "previous_id",
        "upstream_id",
        "id",
        "after",
        "cancels",
        "code",
        "error",
        "field",
        "param",
        "reason",
        "status",
        "state",
        "kind",
        "type",
        "name",
        "model",
        "moment",
        "mode",
        "role",
        "direction",
        "durability",
        "language",
        "voice",
        "voices",
        "default_voice",
        "transcription_model",
        "left_out",
        "stages",
        "upstream",
        "upstream_session",
        "party",
        "fault",
        "manner",
        "framing",
        "turn_detection",
        "session",
        "conversation",
        "mark",
        "active",
        "silenced",
        "reopened",
        "open_item",
        "called_by",
        "missed_by",
        "repeats",
        "leaves",
        "items",
        "order",
        "forgotten",
        "removing",
        "restored",
        "event_ids",
        "own",
        "in_answer",
        "_known",
        "_upstream",
        "_lasting",
        "parts",
        "untaken",
        "unended",
        "asks",
        "open",
        "ended",
        "_ended",
        "_calls",
        "_answers",
        "_held",
        "told",
        "calls",
        "ends",
        "epochs",
        "call_name",
        "from_state",
        "limits",
        "audio",
        "options",
        "usage",
        "facts",
        "settings",
        "values",
        "content",
        "tries",
        "lost",
        "response",
        "call",
        "suggestion",
        "idempotent_tools",
    ]
)
"""Names of fields whose strings, and the keys of whose mappings, are ids or codes."""
TREATED_AS: Final = {
    ("events.ClientGone", "reason"): "anything",
    ("effects.CloseClient", "reason"): "anything",
    ("events.MessageRefused", "message"): "evidence",
    ("events.UpstreamBreached", "reason"): "evidence",
    ("events.UpstreamErred", "message"): "evidence",
    ("relay_events.Erred", "message"): "evidence",
    ("recovery.WaitFor", "reason"): "our words",
    ("recovery.NoHope", "reason"): "our words",
}
"""Fields whose name says something else than what they hold: a peer's own words, what becomes evidence, the
core's sentences.
"""
OWN: Final = frozenset(
    {
        ("effects.StartTimer", "name"),
        ("effects.StopTimer", "name"),
        ("events.TimerFired", "name"),
        ("effects.Note", "moment"),
        ("effects.Record", "kind"),
    }
)
"""Words of the core's own: nobody outside can set them, so nobody has to look."""
EVIDENCE: Final = "evidence"
"""The name under which short facts of a fault stand: cleaned like a line of the log."""

_ID: Final = re.compile(r"(?!sk-|ek_|eyJ)(?!\d{12})[A-Za-z0-9_][A-Za-z0-9_.:/+-]{0,127}")
_LONG_NUMBER: Final = re.compile(r"\d(?:[ -]?\d){7,}")
_ADDRESS: Final = re.compile(r"[\w.+-]+@[\w-]+\.\w+")
_QUOTED: Final = re.compile(r"""(["'])(?:(?!\1).)*\s(?:(?!\1).)*\1""")
_PLACEHOLDER: Final = re.compile(r"~(\d+)\.(-?\d+)(_?)~([0-9a-f]{8})")
_QUOTE: Final = "="
"""Before a text that stays although it looks like no id."""
EVIDENCE_CHARS_MAX: Final = 200


class Blanking:
    """What one session's texts become. The key is forgotten with the session."""

    __slots__ = ("_hide", "key")

    def __init__(self, hide: Callable[[str], str] = str, key: int = 0) -> None:
        """`hide` takes out of evidence what looks like a secret. `key`: of the same session's earlier one."""
        self.key = key or secrets.randbits(63)
        self._hide = hide

    def text(self, text: str, name: str) -> str:
        """What stands for `text`, which was found in a field called `name`."""
        if name in IDS and is_id(text):
            return text
        if name == EVIDENCE:
            return self.fact(text)
        return self.placeholder(text)

    def fact(self, text: str) -> str:
        """A piece of evidence without secrets, numbers of cards, addresses, and sentences that it quotes."""
        cut = _QUOTED.sub(r"\1...\1", _LONG_NUMBER.sub("...", self._hide(text[: 4 * EVIDENCE_CHARS_MAX])))
        cut = _ADDRESS.sub("...@...", cut)
        return quoted(cut[:EVIDENCE_CHARS_MAX])

    def placeholder(self, text: str) -> str:
        """Its length, and what makes it the same as another."""
        if not text:
            return ""
        told = hash((self.key, text)) & _HASH
        lead = "_" if text[0] == " " else ""
        return f"~{len(text)}.{text.find(' ', 1)}{lead}~{told:08x}"


def is_id(text: str) -> bool:
    """Whether a text looks like an id or a code. Codes come again and again, so they are remembered."""
    if len(text) > _CODE_CHARS:
        return _ID.fullmatch(text) is not None
    known = _CODES.get(text)
    if known is None:
        if len(_CODES) >= _CODES_MAX:
            _CODES.clear()
        known = _CODES[text] = _ID.fullmatch(text) is not None
    return known


_CODE_CHARS: Final = 24
_CODES_MAX: Final = 1_000
_CODES: Final[dict[str, bool]] = {}


def quoted(text: str) -> str:
    """A text that stays as it is."""
    return _QUOTE + text


def size_of(count: int) -> str:
    """What stands for so many bytes."""
    return f"#{count}"


def bytes_in(told: str) -> int:
    """The number of bytes that `told` stands for. Raises ValueError."""
    return int(told[1:])


def is_bytes(told: str) -> bool:
    """Whether it stands for bytes."""
    return told.startswith("#")


def is_placeholder(told: str) -> bool:
    """Whether it stands for a text that is not here."""
    return told.startswith("~")


def filler(told: str) -> str:
    """A text for `told`: itself, or as long as the one that it stands for. Raises ValueError."""
    if told.startswith(_QUOTE):
        return told[1:]
    if not is_placeholder(told):
        return told
    found = _PLACEHOLDER.fullmatch(told)
    if found is None:
        raise ValueError(f"{told[:40]!r} is no placeholder")
    length, first_space = int(found[1]), int(found[2])
    if length > _FILLER_MAX or first_space >= length:
        raise ValueError(f"{told[:40]!r} stands for no text that was recorded")
    letters = list((found[4] * (length // 8 + 1))[:length])
    if found[3]:
        letters[0] = " "
    if first_space > 0:
        letters[first_space] = " "
    return "".join(letters)


_HASH: Final = 0xFFFFFFFF
_FILLER_MAX: Final = 64 * 1024 * 1024
