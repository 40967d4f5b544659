"""What an upstream says it used, read from its own words; and what it must have used when it says nothing.

What lives here: the two shapes of the protocol (reference, 3.1 and 3.2), the rates of an estimate (3.4).
What never will: prices.

Servers leave fields out, and some of them send what is no number: what cannot be read counts as not told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from holdfast.ports.charges import Tokens

MS_PER_TOKEN_IN: Final = 100
"""Of the user's audio."""
MS_PER_TOKEN_OUT: Final = 50
"""Of the assistant's."""
CHARS_PER_TOKEN: Final = 4
"""Of text; no price rests on it but that of a typed question behind a rebuild."""


def tokens_of_ms(ms: int, ms_per_token: int) -> int:
    """Begun tokens count."""
    return -(-max(0, ms) // ms_per_token)


def response_tokens(usage: Mapping[str, Any] | None) -> Tokens | None:
    """Of `response.done`; None where nothing is told, or nothing but zeros.

    What stands in the total and in no modality is text; what is cached of no modality is text first.
    """
    if usage is None:
        return None
    read, written = _part(usage, "input_token_details"), _part(usage, "output_token_details")
    cached = _part(read, "cached_tokens_details")
    audio_in, image_in = _count(read, "audio_tokens"), _count(read, "image_tokens")
    text_in = max(_count(read, "text_tokens"), _count(usage, "input_tokens") - audio_in - image_in)
    audio_out = _count(written, "audio_tokens")
    text_out = max(_count(written, "text_tokens"), _count(usage, "output_tokens") - audio_out)
    kinds = ("text", text_in), ("audio", audio_in), ("image", image_in)
    parts = [min(_count(cached, f"{kind}_tokens"), most) for kind, most in kinds]
    left = _count(read, "cached_tokens") - sum(parts)
    for at, (_, most) in enumerate(kinds):
        more = max(0, min(left, most - parts[at]))
        parts[at] += more
        left -= more
    tokens = Tokens(text_in, parts[0], audio_in, parts[1], image_in, parts[2], text_out, audio_out)
    return tokens or None


@dataclass(frozen=True, slots=True)
class Writing:
    """What writing down a turn used: tokens, or so much audio."""

    tokens: Tokens = field(default_factory=Tokens)
    ms: int | None = None


def writing_of(usage: Mapping[str, Any] | None) -> Writing | None:
    """Of `...input_audio_transcription.completed`; None where nothing is told."""
    if usage is None:
        return None
    seconds = usage.get("seconds")
    if usage.get("type") == "duration" or (seconds is not None and "input_tokens" not in usage):
        if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not 0 < seconds < _MUCH:
            return None
        return Writing(ms=round(seconds * 1000))
    read = _part(usage, "input_token_details")
    audio_in = _count(read, "audio_tokens")
    text_in = max(_count(read, "text_tokens"), _count(usage, "input_tokens") - audio_in)
    tokens = Tokens(text_in=text_in, audio_in=audio_in, text_out=_count(usage, "output_tokens"))
    return Writing(tokens) if tokens else None


_MUCH: Final = 10**9
"""More than any session can use: whoever says so says nothing."""


def _part(whole: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = whole.get(name)
    return part if isinstance(part, Mapping) else {}


def _count(whole: Mapping[str, Any], name: str) -> int:
    value = whole.get(name)
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MUCH
    return value if is_count else 0  # type: ignore[return-value] # an int, as was asked
