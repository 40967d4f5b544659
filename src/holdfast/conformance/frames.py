"""Checks of the socket itself: pings, closes, sizes, fragments, frames that are wrong.

What lives here: the group `frame`.
What never will: what an event means.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import Final

from picows import WSMsgType

from holdfast.conformance.caller import Caller
from holdfast.conformance.talking import LONG, SPOKEN, TEXT, ask, begin, field
from holdfast.conformance.verdict import Check, expect
from holdfast.conformance.visit import Visit

_CLEAR: Final = b'{"type":"input_audio_buffer.clear","event_id":"in_pieces"}'
_MIB: Final = 1024 * 1024
_OVERSIZED: Final = 33 * _MIB
_FRAGMENTS: Final = 12


async def _ping(caller: Caller) -> str:
    payload = os.urandom(16)
    caller.transport.send_ping(payload)
    await caller.wait(lambda: payload in caller.pongs, "pong with the ping's payload")
    return "answered with the same 16 bytes"


async def _close(caller: Caller) -> str:
    caller.close(1000, "done")
    await caller.end()
    expect(caller.close_received is not None, "the connection ended without a close frame")
    expect(caller.close_received == 1000, f"the close was answered with {caller.close_received}")
    return "1000 was answered with 1000"


async def _let_go(caller: Caller) -> str:
    caller.write("Please count from one to two hundred.")
    await begin(caller, **SPOKEN, **LONG)
    return await _close(caller)


async def _fragments(caller: Caller) -> str:
    step = -(-len(_CLEAR) // _FRAGMENTS)
    pieces = [_CLEAR[start : start + step] for start in range(0, len(_CLEAR), step)]
    for index, piece in enumerate(pieces):
        kind = WSMsgType.TEXT if index == 0 else WSMsgType.CONTINUATION
        caller.transport.send(kind, piece, index == len(pieces) - 1)
        if index == 3:
            caller.transport.send_ping(b"between")
    await caller.until("input_audio_buffer.cleared")
    await caller.wait(lambda: b"between" in caller.pongs, "pong to a ping between fragments")
    return f"one event in {len(pieces)} fragments, a ping between them"


async def _binary(caller: Caller) -> str:
    caller.send_binary(bytes(960))
    await caller.wait(lambda: "error" in caller.kinds or caller.ended is not None, "error, or a close")
    if caller.ended is not None:
        expect(caller.ended[0] in (1003, 1008), f"closed with {caller.ended}")
        return f"closed with {caller.ended[0]}"
    caller.send("input_audio_buffer.clear")
    await caller.wait(lambda: "input_audio_buffer.cleared" in caller.kinds, "answer after the binary message")
    return f"refused: {field(caller.of('error')[0], 'error.code')}, and the session goes on"


async def _unicode(caller: Caller) -> str:
    caller.send_bytes(_frame(0x81, b'{"type":"\xc3\x28"}'))
    return await _ended_with(caller, 1007)


async def _reserved_bit(caller: Caller) -> str:
    caller.send_bytes(_frame(0xC1, _CLEAR))
    return await _ended_with(caller, 1002)


async def _unknown_opcode(caller: Caller) -> str:
    caller.send_bytes(_frame(0x83, _CLEAR))
    return await _ended_with(caller, 1002)


async def _lone_continuation(caller: Caller) -> str:
    caller.send_bytes(_frame(0x80, _CLEAR))
    return await _ended_with(caller, 1002)


async def _unmasked(caller: Caller) -> str:
    caller.send_bytes(bytes([0x81, len(_CLEAR)]) + _CLEAR)
    return await _ended_with(caller, 1002)


async def _oversized(caller: Caller) -> str:
    caller.send_text(b'{"type":"input_audio_buffer.append","audio":"' + b"A" * _OVERSIZED + b'"}')
    await caller.wait(
        lambda: "error" in caller.kinds or caller.ended is not None,
        "error, or a close",
        6 * caller.patience_s,
    )
    if caller.ended is not None:
        expect(caller.ended[0] in (1009, 1006), f"closed with {caller.ended}")
        return f"{_OVERSIZED // _MIB} MiB: closed with {caller.ended[0]}"
    return f"{_OVERSIZED // _MIB} MiB: {field(caller.of('error')[0], 'error.code')}"


async def _ended_with(caller: Caller, code: int) -> str:
    """The server closes with that code; one that drops the connection without a word is taken, too."""
    seen = await caller.end()
    if caller.close_received is not None:
        expect(caller.close_received == code, f"closed with {caller.close_received}, not {code}")
        return f"closed with {code}"
    expect(seen[0] == 1006, f"ended with {seen}")
    return "the connection was dropped"


def _frame(first: int, payload: bytes) -> bytes:
    """A masked frame with any first byte."""
    mask = b"\x01\x02\x03\x04"
    masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
    return bytes([first, 0x80 | len(payload)]) + mask + masked


def _lively(
    name: str,
    sentence: str,
    section: str,
    look: Callable[[Caller], Awaitable[str]],
    *,
    is_whole: bool = True,
) -> Check:
    async def run(visit: Visit) -> str:
        async with visit.session(whole=is_whole) as caller:
            return await look(caller)

    return Check(f"frame.{name}", sentence, section, run)


def _deadly(name: str, sentence: str, section: str, look: Callable[[Caller], Awaitable[str]]) -> Check:
    """After it a new session must be served, whatever became of the first."""

    async def run(visit: Visit) -> str:
        async with visit.session(whole=False) as caller:
            evidence = await look(caller)
        async with visit.session() as another:
            await ask(another, **TEXT)
        return evidence

    return Check(f"frame.{name}", sentence, section, run)


CHECKS: Final = (
    _lively("ping", "A ping is answered with its payload.", "RFC 5.5.2", _ping),
    _lively("close", "A close is answered with its code.", "RFC 5.5.1", _close),
    _lively(
        "let_go", "Who closes in the middle of an answer is let go.", "RFC 5.5.1", _let_go, is_whole=False
    ),
    _lively("fragments", "A message may come in fragments, with pings between.", "RFC 5.4", _fragments),
    _lively("binary", "A binary message is refused.", "9.4", _binary),
    _deadly("unicode", "Text that is no UTF-8 ends the connection (1007).", "RFC 8.1", _unicode),
    _deadly("reserved_bit", "A reserved bit ends the connection (1002).", "RFC 5.2", _reserved_bit),
    _deadly("unknown_opcode", "An unknown opcode ends the connection (1002).", "RFC 5.2", _unknown_opcode),
    _deadly(
        "continuation", "A continuation of nothing ends the connection (1002).", "RFC 5.4", _lone_continuation
    ),
    _deadly("unmasked", "An unmasked frame ends the connection (1002).", "RFC 5.1", _unmasked),
    _deadly("oversized", "A message beyond all bounds is refused; others are served.", "2.4", _oversized),
)
