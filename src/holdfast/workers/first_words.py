"""Whom the first message of a browser's socket is meant for, read before anybody has taken the socket in.

What lives here: looking through the frames that a client has sent so far (RFC 6455, 5.2), for
`resume_session`.
What never will: rules. Whatever is odd goes to any worker, which judges it as ever.
"""

from __future__ import annotations

from typing import Final

import msgspec

SEEN_BYTES_MAX: Final = 64 * 1024
"""So much is looked through; a client that sends more without a word is meant for anybody."""
_TEXT: Final = 1
_HEAD_BYTES_MAX: Final = 14
_WIDE: Final = {126: 2, 127: 8}
"""How many bytes of length follow."""
_PASSED_OVER: Final = frozenset({2, 9, 10})
"""Sound, pings and pongs."""


class _First(msgspec.Struct):
    type: str = ""
    sessionId: str = ""  # noqa: N815 - the wire's name


_read: Final = msgspec.json.Decoder(_First).decode


def meant_for(seen: bytes | bytearray) -> str | None:
    """The session that the client comes back to; "" for none; None while nobody can say."""
    at = 0
    while at < SEEN_BYTES_MAX:
        head = seen[at : at + _HEAD_BYTES_MAX]
        if len(head) < 2:
            return None
        kind, size, wide = head[0] & 0x0F, head[1] & 0x7F, _WIDE.get(head[1] & 0x7F, 0)
        if not _is_plain(head, kind):
            return ""
        body = at + 2 + wide + 4
        if wide:
            size = int.from_bytes(seen[at + 2 : at + 2 + wide])
        if len(seen) < body + size:
            return None if body + size <= SEEN_BYTES_MAX else ""
        if kind == _TEXT:
            return _session_in(_unmasked(seen[body : body + size], seen[body - 4 : body]))
        at = body + size
    return ""


def _is_plain(head: bytes | bytearray, kind: int) -> bool:
    """A whole, masked message without reserved bits, or a control frame that may be passed over."""
    return head[0] & 0xF0 == 0x80 and bool(head[1] & 0x80) and kind in {_TEXT, *_PASSED_OVER}


def _session_in(words: bytes) -> str:
    try:
        told = _read(words)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    return told.sessionId[:512] if told.type == "resume_session" else ""


def _unmasked(payload: bytes | bytearray, mask: bytes | bytearray) -> bytes:
    size = len(payload)
    key = (bytes(mask) * (size // 4 + 1))[:size]
    return (int.from_bytes(payload) ^ int.from_bytes(key)).to_bytes(size)
