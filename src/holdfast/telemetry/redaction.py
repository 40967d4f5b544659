"""What may not stand in a log line is taken out of it here, whoever put it there.

What lives here: the shapes of secrets, the names of fields that hold them, escaping of control characters,
bounds on what one field may hold. Pure.
What never will: output.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

FIELD_BYTES_MAX: Final = 4096
ITEMS_MAX: Final = 50
DEPTH_MAX: Final = 6
_LOOKED_AT_MAX: Final = 4 * FIELD_BYTES_MAX  # characters of a field that are searched; the rest is cut off
_SECRET_CHARACTERS_MIN: Final = 6  # a shorter configured secret would blot out ordinary words

REDACTED: Final = "[redacted]"
TOLD_LAST: Final = "exception"
"""A field whose end says most: what was raised, and where, stands below all who called."""

_SECRET_FIELDS: Final = re.compile(
    r"(?:^|[-_.])(?:api[-_]?key|authorization|cookies?|set-cookie|csrf(?:[-_]?token)?|password|secret|ticket|"
    r"(?:access|bearer|resume|session)?[-_]?token)$",
    re.IGNORECASE,
)
_SHAPES: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), replacement)
    for pattern, replacement in (
        (r"\b(bearer|basic)\s+[\w.~+/=-]+", rf"\1 {REDACTED}"),
        (r"\b((?:set-)?cookie\s*[:=]\s*)[^\r\n]+", rf"\1{REDACTED}"),
        (r"\b(holdfast\.ticket|openai-insecure-api-key)\.[\w.~+/=-]+", rf"\1.{REDACTED}"),
        (r"\b(sk-|ek_)[\w-]{6,}", rf"\1{REDACTED}"),
        (r"\beyJ[\w-]{4,}\.[\w-]+(?:\.[\w-]*)?", REDACTED),
        (r"([?&](?:api[-_]?key|ticket|token|key)=)[^&\s\"']+", rf"\1{REDACTED}"),
        (r"(://)[^/\s:@]+:[^/\s@]+@", rf"\1{REDACTED}@"),
    )
)
# Nearly every field is an ordinary one, and after a mass loss there are thousands within a second: a text in
# which none of these stands (in lower case) needs none of the searches above. What is not ASCII is always
# searched: to a pattern that ignores case some of its letters are ours.
_MARKS: Final = (
    "bearer",
    "basic",
    "cookie",
    "holdfast.ticket",
    "openai-",
    "sk-",
    "ek_",
    "eyj",
    "?",
    "&",
    "://",
)
_NUMBERS: Final = (bool, int, float)
_NAMES_KEPT: Final = 1024
# C0, DEL, C1, and the two separators that some viewers break lines at
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_NAMED_ESCAPES: Final = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


class Redactor:
    """Cleans values for the log. `secrets` are the configured ones, known by value."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = sorted({s for s in secrets if len(s) >= _SECRET_CHARACTERS_MIN}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def clean(self, value: Any, *, field: str = "", depth: int = 0) -> Any:
        """`value` without secrets and control characters, bounded in size and depth."""
        if field and value not in (None, "") and _is_secret(field):
            return REDACTED
        if isinstance(value, str):
            return self.text(value, keeps_end=field == TOLD_LAST)
        if value is None or isinstance(value, _NUMBERS):
            return value
        if isinstance(value, bytes | bytearray | memoryview):
            return f"<{len(value)} bytes>"
        return "<too deep>" if depth >= DEPTH_MAX else self._container(value, depth)

    def _container(self, value: Any, depth: int) -> Any:
        if isinstance(value, Mapping):
            return {
                self.text(str(key)): self.clean(inner, field=str(key), depth=depth + 1)
                for key, inner in list(value.items())[:ITEMS_MAX]
            }
        if isinstance(value, list | tuple | set | frozenset):
            return [self.clean(inner, depth=depth + 1) for inner in list(value)[:ITEMS_MAX]]
        return self.text(str(value))

    def text(self, text: str, *, keeps_end: bool = False) -> str:
        """One line of at most FIELD_BYTES_MAX bytes that no terminal obeys and nobody can sign in with."""
        looked_at = text[-_LOOKED_AT_MAX:] if keeps_end else text[:_LOOKED_AT_MAX]
        return escape(cut(self.hide(looked_at), total=len(text), keeps_end=keeps_end))

    def hide(self, text: str) -> str:
        """`text` with what looks like a secret, or is a configured one, taken out."""
        if self._known is not None:
            text = self._known.sub(REDACTED, text)
        if text.isascii() and not any(map(text.lower().__contains__, _MARKS)):
            return text
        for shape, replacement in _SHAPES:
            text = shape.sub(replacement, text)
        return text


@lru_cache(_NAMES_KEPT)
def _is_secret(field: str) -> bool:
    """Whether what a field of this name holds is blotted out. Names come again and again."""
    return _SECRET_FIELDS.search(field) is not None


def escape(text: str) -> str:
    """`text` with control characters written out, so that a line stays one line."""
    if text.isprintable():
        return text
    return _CONTROL.sub(lambda found: _NAMED_ESCAPES.get(found[0], f"\\u{ord(found[0]):04x}"), text)


def cut(text: str, *, total: int, keeps_end: bool = False) -> str:
    """The first FIELD_BYTES_MAX bytes of `text`, or the last, with a word about how long the field was."""
    if text.isascii() and len(text) <= FIELD_BYTES_MAX:
        return text
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= FIELD_BYTES_MAX:
        return encoded.decode("utf-8")
    if keeps_end:
        return f"({total} characters) …" + encoded[-FIELD_BYTES_MAX:].decode("utf-8", "ignore")
    return encoded[:FIELD_BYTES_MAX].decode("utf-8", "ignore") + f"… ({total} characters)"
