"""Checks of what a bad client does to the others: nothing.

What lives here: the group `chaos`. In each check somebody else has a session that must be served meanwhile,
and a newcomer must be served after.
What never will: breaking the server's own upstream (`upstream`).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urlsplit

from picows import WSMsgType

from holdfast.conformance import rules
from holdfast.conformance.caller import Refused
from holdfast.conformance.talking import LONG, SPOKEN, TEXT, TOOL, TOOL_QUESTION, answer, ask, begin, finish
from holdfast.conformance.verdict import Check, Failed, expect
from holdfast.conformance.visit import Visit, hang_up

FLOOD: Final = 1_000
_SPEECH_MS: Final = 300
_PAUSE_S: Final = 0.3
_CLOSED_FOR_A_FLOOD: Final = (1008, 1013, 1009, 4429)


async def _reset_after_created(visit: Visit) -> str:
    async with visit.session(whole=False) as caller:
        caller.drop()
    return "reset after session.created"


async def _reset_in_the_handshake(visit: Visit) -> str:
    parts = urlsplit(visit.target.address())
    trust = visit.target.trust
    port = parts.port or (443 if trust else 80)
    for head in (b"", b"GET /v1/realtime HTTP/1.1\r\nHost: x\r\nUpg", os.urandom(200) + b"\r\n\r\n"):
        _, writer = await asyncio.open_connection(parts.hostname, port, ssl=trust)
        writer.write(head)
        writer.transport.abort()
    return "gone before a word, in the middle of a header, after garbage"


async def _reset_while_speaking(visit: Visit) -> str:
    async with visit.session(whole=False) as caller:
        caller.append((visit.target.speech or os.urandom(48 * _SPEECH_MS * 2))[: 48 * _SPEECH_MS * 2])
        await asyncio.sleep(0)
        caller.drop()
    return "reset in the middle of a spoken turn"


async def _reset_while_answering(visit: Visit) -> str:
    async with visit.session(whole=False) as caller:
        caller.write("Please count from one to two hundred.")
        await begin(caller, **SPOKEN, **LONG)
        caller.drop()
    return "reset while an answer streams"


async def _reset_in_a_tool_call(visit: Visit) -> str:
    async with visit.session(whole=False, tools=[TOOL]) as caller:
        caller.write(TOOL_QUESTION)
        await answer(caller, **TEXT, tool_choice="required")
        caller.drop()
    return "reset while the tool runs"


async def _reset_while_closing(visit: Visit) -> str:
    async with visit.session(whole=False) as caller:
        caller.close(1000)
        caller.drop()
    return "reset right after the close frame"


async def _flood(visit: Visit) -> str:
    async with visit.session(whole=False) as caller:
        for _ in range(FLOOD):
            caller.send("input_audio_buffer.clear")
        answers = ("input_audio_buffer.cleared", "error")
        await caller.wait(
            lambda: sum(kind in answers for kind in caller.kinds) >= FLOOD or caller.ended is not None,
            f"answer to each of {FLOOD} messages, or a close",
            3 * caller.patience_s,
        )
        if caller.ended is not None:
            expect(caller.ended[0] in _CLOSED_FOR_A_FLOOD, f"closed with {caller.ended}")
            return f"{FLOOD} messages at once: closed with {caller.ended[0]}"
        served = caller.kinds.count("input_audio_buffer.cleared")
    return f"{FLOOD} messages at once: {served} carried out, {FLOOD - served} refused"


async def _half_a_message(visit: Visit) -> str:
    async with visit.session(whole=False) as caller:
        caller.send_bytes(bytes([0x81, 0xFE]) + (5_000).to_bytes(2, "big") + bytes(4) + b"x" * 100)
        await asyncio.sleep(_PAUSE_S)
        expect(caller.ended is None, f"a message that is still coming was closed with {caller.ended}")
        caller.drop()
    return "100 of 5 000 bytes, a pause, gone"


async def _fragments_without_end(visit: Visit) -> str:
    async with visit.session(whole=False) as caller:
        caller.transport.send(WSMsgType.TEXT, b'{"type":"', False)
        for _ in range(2_000):
            caller.transport.send(WSMsgType.CONTINUATION, b"x", False)
            if caller.ended is not None:
                break
        caller.transport.send(WSMsgType.CONTINUATION, b'"}', True)
        await caller.wait(
            lambda: "error" in caller.kinds or caller.ended is not None,
            "error, or a close, for 2 000 fragments",
        )
        return f"2 000 fragments: {'an error' if caller.ended is None else f'closed with {caller.ended[0]}'}"


async def _garbage(visit: Visit) -> str:
    async with visit.session(whole=False) as caller:
        caller.send_bytes(b"\xff" * 2_000)
        code, _ = await caller.end()
    return f"2 000 bytes that are no frames: ended with {code}"


async def _slow_reader(visit: Visit) -> str:
    async with visit.session(whole=False) as caller:
        caller.write("Please count from one to two hundred.")
        response_id = await begin(caller, **SPOKEN, **LONG)
        caller.transport.underlying_transport.pause_reading()
        await asyncio.sleep(_PAUSE_S)
        async with visit.session() as other:
            await ask(other, **TEXT)
        caller.transport.underlying_transport.resume_reading()
        try:
            given = await finish(caller, response_id, timeout_s=6 * caller.patience_s)
        except Failed:
            expect(caller.ended is not None and caller.ended[0] in _CLOSED_FOR_A_FLOOD, caller.trail)
            return f"who did not read was closed with {caller.ended}"
        wrong = rules.one_end_each(caller.events) + rules.spoken_turn_order(given.events)
        expect(not wrong, "; ".join(wrong))
    return f"the whole answer came later, {len(given.events)} events in order"


async def _ping_flood(visit: Visit) -> str:
    async with visit.session(whole=False) as caller:
        for number in range(FLOOD):
            caller.transport.send_ping(str(number).encode())
        await caller.wait(
            lambda: caller.ended is not None or str(FLOOD - 1).encode() in caller.pongs,
            "pong to the last ping, or a close",
        )
        if caller.ended is not None:
            expect(caller.ended[0] in _CLOSED_FOR_A_FLOOD, f"closed with {caller.ended}")
            return f"{FLOOD} pings: closed with {caller.ended[0]}"
    return f"{FLOOD} pings: {len(caller.pongs)} pongs"


async def _many(visit: Visit) -> str:
    served: list[str] = []
    refused: list[str] = []

    async def one() -> None:
        try:
            caller = await visit.dial()
        except Refused as answer_of_http:
            expect(answer_of_http.status in (429, 503), str(answer_of_http))
            refused.append(f"HTTP {answer_of_http.status}")
            return
        try:
            came = await caller.until("session.created", timeout_s=3 * caller.patience_s)
            caller.patience_s *= 3
            await ask(caller, **TEXT)
            served.append(came["session"]["id"])
        except Failed as failed:
            is_polite = caller.ended is not None and caller.ended[0] in (1013, 4429)
            if not is_polite:
                raise failed from None
            refused.append(f"close {caller.ended}")
        finally:
            await hang_up(caller)

    ends = await asyncio.gather(*(one() for _ in range(visit.target.many)), return_exceptions=True)
    for failed in ends:
        if failed is not None:
            raise failed
    expect(served, f"nobody was served: {refused[:3]}")
    expect(len(set(served)) == len(served), "two sessions have one id")
    politely = f", {len(refused)} refused politely with {', '.join(sorted(set(refused)))}" if refused else ""
    return f"{len(served)} of {visit.target.many} served at once{politely}"


def _check(name: str, sentence: str, section: str, look: Callable[[Visit], Awaitable[str]]) -> Check:
    async def run(visit: Visit) -> str:
        async with visit.session() as bystander:
            await ask(bystander, **TEXT)
            evidence = await look(visit)
            try:
                await ask(bystander, "And now?", **TEXT)
            except Failed as failed:
                raise Failed(f"{evidence}; then somebody else was not served: {failed}") from failed
        try:
            async with visit.session() as newcomer:
                await ask(newcomer, **TEXT)
        except Failed as failed:
            raise Failed(f"{evidence}; then a newcomer was not served: {failed}") from failed
        return evidence

    return Check(f"chaos.{name}", sentence, section, run)


CHECKS: Final = (
    _check(
        "reset_handshake", "A client that goes in the handshake harms nobody.", "C", _reset_in_the_handshake
    ),
    _check(
        "reset_created", "A client that goes after session.created harms nobody.", "C", _reset_after_created
    ),
    _check("reset_speaking", "A client that goes while speaking harms nobody.", "C", _reset_while_speaking),
    _check(
        "reset_answering", "A client that goes during an answer harms nobody.", "C", _reset_while_answering
    ),
    _check("reset_tool", "A client that goes while a tool runs harms nobody.", "C", _reset_in_a_tool_call),
    _check("reset_closing", "A client that goes while closing harms nobody.", "C", _reset_while_closing),
    _check("flood", "A flood of messages is borne or closed by name.", "F", _flood),
    _check("ping_flood", "A flood of pings is borne or closed by name.", "E S25", _ping_flood),
    _check("half_message", "Half a message harms nobody.", "E S11", _half_a_message),
    _check("fragments", "A message in 2 000 fragments is borne or refused.", "E S25", _fragments_without_end),
    _check("garbage", "Bytes that are no frames end that connection only.", "G", _garbage),
    _check(
        "slow_reader",
        "A slow reader gets it all, or is closed by name; others are served.",
        "B14",
        _slow_reader,
    ),
    _check("many", "Many at once are served, or refused politely.", "B14", _many),
)
