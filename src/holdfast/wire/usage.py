"""What an upstream's message says that it used.

What lives here: one narrow look at an original. What never will: prices.
"""

from __future__ import annotations

from typing import Any

import msgspec

from holdfast.wire.upstream import PEEK_ERRORS


class _Billed(msgspec.Struct, gc=False):
    usage: dict[str, Any] | None = None


class _Bill(_Billed, gc=False):
    response: _Billed | None = None


_bill = msgspec.json.Decoder(_Bill).decode


def usage_of(raw: bytes) -> dict[str, Any] | None:
    """What `response.done` or a transcription says that it used (protocol reference, 3.1 and 3.2); None when
    it says nothing, or nothing that can be read.
    """
    try:
        told = _bill(raw)
    except PEEK_ERRORS:
        return None
    return told.usage or (told.response.usage if told.response is not None else None)
