"""The reference page of prices, from the table that the package carries.

What lives here: that page. What never will: a price.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from holdfast.accounts import own_prices

_INTRODUCTION: Final = """\
What the package takes upstreams to cost, in US dollars: for a million tokens, input / cached / output, or for
a minute of audio. `[[price]]` in the settings goes before these rows. A dated name costs what its family
does; a model without a row has no price, and is never taken for free. The invoice decides."""
_HEAD: Final = "| model | as of | text | audio | image | a minute | source |\n|" + " --- |" * 7


def page(note: str) -> str:
    """The whole page."""
    rows = [
        f"| `{one.model}` | {one.as_of} | {_amounts(one.text_in, one.text_cached, one.text_out)} "
        f"| {_amounts(one.audio_in, one.audio_cached, one.audio_out)} "
        f"| {_amounts(one.image_in, one.image_cached)} | {one.per_minute or ''} | {one.source} |"
        for one in own_prices()
    ]
    return "\n\n".join(("# Prices", note, _INTRODUCTION, "\n".join([_HEAD, *rows])))


def _amounts(*amounts: Decimal) -> str:
    return " / ".join(map(str, amounts)) if any(amounts) else ""
