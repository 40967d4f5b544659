"""From what was used to what it costs, and how much of that was for a rebuild or for nobody's ears.

What lives here: the arithmetic of the protocol reference, 3.1, on decimals; one rounding for each amount.
What never will: where the numbers come from.

Cost = sum over the modalities of (input - cached) x price + cached x cached price, + output x price.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from holdfast.accounts.prices import Price
from holdfast.ports.charges import NANOS_PER_USD, Tokens

_PER_MILLION: Final = Decimal(NANOS_PER_USD) / Decimal(1_000_000)
_PER_MS: Final = Decimal(NANOS_PER_USD) / Decimal(60_000)
_WHOLE: Final = Decimal(1)


@dataclass(frozen=True, slots=True)
class Amounts:
    """Nano-dollars. `rebuild` and `wasted` are parts of `cost` that do not overlap."""

    cost: int
    rebuild: int = 0
    wasted: int = 0


def reading(tokens: Tokens, price: Price) -> Decimal:
    """What the input costs, in nano-dollars."""
    dollars = (
        (tokens.text_in - tokens.text_cached) * price.text_in
        + tokens.text_cached * price.text_cached
        + (tokens.audio_in - tokens.audio_cached) * price.audio_in
        + tokens.audio_cached * price.audio_cached
        + (tokens.image_in - tokens.image_cached) * price.image_in
        + tokens.image_cached * price.image_cached
    )
    return dollars * _PER_MILLION


def saying(tokens: Tokens, price: Price) -> Decimal:
    """What the output costs, in nano-dollars."""
    return (tokens.text_out * price.text_out + tokens.audio_out * price.audio_out) * _PER_MILLION


def whole(nanos: Decimal) -> int:
    """To the nearest nano-dollar."""
    return int(nanos.quantize(_WHOLE, ROUND_HALF_EVEN))


def told_again(tokens: Tokens, new_audio: int, new_text: int) -> Tokens:
    """Of the input of the first answer of a fresh upstream: what it was told again. All that is not the turn
    that it answers. What is cached is a beginning, so it was told again.
    """
    text, audio = max(0, tokens.text_in - new_text), max(0, tokens.audio_in - new_audio)
    return Tokens(
        text_in=text,
        text_cached=min(text, tokens.text_cached),
        audio_in=audio,
        audio_cached=min(audio, tokens.audio_cached),
        image_in=tokens.image_in,
        image_cached=tokens.image_cached,
    )


def unheard(tokens: Tokens, heard_audio: int) -> Tokens:
    """Of the output of a spoken answer: what nobody heard. Words go with the sound; begun ones were heard."""
    heard = min(tokens.audio_out, heard_audio)
    words = -(-tokens.text_out * heard // tokens.audio_out) if tokens.audio_out else tokens.text_out
    return Tokens(text_out=tokens.text_out - words, audio_out=tokens.audio_out - heard)


def of_response(
    tokens: Tokens, price: Price, again: Tokens, in_vain: Tokens, *, is_all_in_vain: bool
) -> Amounts:
    """What an answer costs. `again`: of its input, told again; `in_vain`: of its output, never heard;
    `is_all_in_vain`: nothing of it reached anybody, so that its question was read for nothing, too.
    """
    cost = whole(reading(tokens, price) + saying(tokens, price))
    rebuild = min(cost, whole(reading(again, price)))
    wasted = cost - rebuild if is_all_in_vain else min(cost - rebuild, whole(saying(in_vain, price)))
    return Amounts(cost, rebuild, wasted)


def of_minutes(ms: int, price: Price) -> Amounts:
    """What audio costs that is billed by duration."""
    return Amounts(whole(ms * _PER_MS * (price.per_minute or Decimal(0))))
