"""A client of either face that keeps what it is told, and reads the verdict out of it.

What lives here: one conversation by plan (typed, spoken, with a tool), and whose word counts.
What never will: mending anything; it is a client that goes on until it is told to stop.
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any, Final

from picows import ws_connect

from benchmarks.engine.speech import in_a_room, synthesised
from benchmarks.verdicts.house import Seen
from benchmarks.verdicts.truth import HEALTHY
from holdfast.core.faults import FAULTS
from holdfast.diagnosis.speech import Speech
from holdfast.ports import sightings as sight
from holdfast.providers import classify
from holdfast.sockets import MessageListener
from holdfast.wire.error_codes import fault_of_error
from holdfast.wire.upstream import BENIGN

ANSWER_S: Final = 9.0
READY_S: Final = 12.0
BREATH_S: Final = 0.2
TOOL: Final = "balance"
_HUMMED: Final = Speech.of(b"", 0.6).pcm
_FRAME: Final = 4800

Json = dict[str, Any]


class Caller(MessageListener):
    """One socket."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[Json] = []
        self.closed: tuple[int, str] | None = None
        self._news = asyncio.Event()

    @classmethod
    async def connect(cls, url: str, **more: Any) -> Caller:
        """Raises what picows raises."""
        _, made = await ws_connect(cls, url, **more)
        assert isinstance(made, Caller)
        return made

    def on_text(self, payload: bytes) -> None:
        self.told.append(json.loads(payload))
        self._news.set()

    def on_binary(self, payload: bytes) -> None:  # noqa: ARG002 - only that it came counts
        self._news.set()

    def on_closed(self, code: int, reason: str) -> None:
        self.closed = (code, reason)
        self._news.set()

    def say(self, kind: str, **fields: Any) -> None:
        """One text message."""
        self.send_text(json.dumps({"type": kind, **fields}).encode())

    def of(self, kind: str) -> list[Json]:
        """What was told of one type."""
        return [one for one in self.told if one.get("type") == kind]

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes."""
        return self.closed is not None or bool(self.of("session_ended"))

    async def until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Wait for it, or for the end; whether it came."""
        try:
            async with asyncio.timeout(seconds):
                while not condition() and not self.is_over:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return False
        return condition()


async def talk_as_page(caller: Caller, chance: random.Random, speech: bytes = _HUMMED) -> None:
    """A conversation of the browser protocol."""
    caller.say("create_session")
    if not await caller.until(lambda: bool(caller.of("session_ready")), READY_S):
        return
    await asyncio.sleep(BREATH_S)
    kinds = ["typed", "spoken"]
    chance.shuffle(kinds)
    for kind in (*kinds, "tool"):
        wanted = _answered(caller) + (2 if kind == "tool" else 1)
        is_answered = partial(_has_answered, caller, wanted)
        for patience_s in _patience(kind, speech):
            if kind == "spoken":
                for frame in _frames(speech):
                    caller.send_binary(frame)
            else:
                caller.say("input_text", text=f"call {TOOL} {{}}" if kind == "tool" else "Hello there.")
            if await caller.until(is_answered, patience_s):
                break
        if caller.is_over:
            return
        await asyncio.sleep(BREATH_S)
    caller.say("end_session")
    await caller.until(lambda: caller.closed is not None, 1.0)


def _patience(kind: str, speech: bytes) -> tuple[float, ...]:
    """How long it waits for an answer. Who spoke and was not heard says it again."""
    return (ANSWER_S / 2, ANSWER_S / 2) if kind == "spoken" and speech is not _HUMMED else (ANSWER_S,)


def _has_answered(caller: Caller, wanted: int) -> bool:
    return _answered(caller) >= wanted


def _has_done(caller: Caller, before: int) -> bool:
    return len(caller.of("response.done")) > before


def _answered(caller: Caller) -> int:
    return sum(one["status"] in {"completed", "incomplete", "failed"} for one in caller.of("response_done"))


async def talk_as_client(caller: Caller, chance: random.Random, speech: bytes = _HUMMED) -> None:
    """The same behind `/v1/realtime`."""
    if not await caller.until(lambda: bool(caller.of("session.created")), READY_S):
        return
    hears: Json = {"turn_detection": {"type": "server_vad", "silence_duration_ms": 400}}
    tool = {"type": "function", "name": TOOL, "parameters": {"type": "object"}}
    caller.say("session.update", session={"type": "realtime", "tools": [tool], "audio": {"input": hears}})
    if not await caller.until(lambda: bool(caller.of("session.updated")), READY_S):
        return
    await asyncio.sleep(BREATH_S)
    kinds = ["typed", "spoken"]
    chance.shuffle(kinds)
    for kind in (*kinds, "tool", "result"):
        before = len(caller.of("response.done"))
        if kind == "result" and not _calls(caller):
            continue
        for patience_s in _patience(kind, speech):
            _ask(caller, kind, speech)
            if await caller.until(partial(_has_done, caller, before), patience_s):
                break
        if caller.is_over:
            return
        await asyncio.sleep(BREATH_S)
    caller.close()
    await caller.until(lambda: caller.closed is not None, 1.0)


def _ask(caller: Caller, kind: str, speech: bytes) -> None:
    if kind == "spoken":
        for frame in _frames(speech):
            caller.say("input_audio_buffer.append", audio=base64.b64encode(frame).decode())
        return
    item: Json
    if kind == "result":
        item = {"type": "function_call_output", "call_id": _calls(caller)[-1], "output": "{}"}
    else:
        text = f"call {TOOL} {{}}" if kind == "tool" else "Hello there."
        item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
    caller.say("conversation.item.create", item=item)
    caller.say("response.create")


def _calls(caller: Caller) -> list[str]:
    items = [one["item"] for one in caller.of("response.output_item.done")]
    return [str(item["call_id"]) for item in items if item.get("call_id") and item["status"] == "completed"]


def _frames(speech: bytes) -> Iterator[bytes]:
    return (speech[at : at + _FRAME] for at in range(0, len(speech), _FRAME))


@cache
def speech_of(*, is_voiced: bool) -> bytes:
    """What is said: by one of the engine's voices, or hummed."""
    if not is_voiced:
        return _HUMMED
    return in_a_room(
        synthesised("Hello? Can you hear me? What is my balance?", "rms"), before_ms=100, after_ms=900
    )


# whose word counts


def verdict_of_page(caller: Caller, seen: Seen) -> str:
    """What the page was told: the end's fault, else the last error's, status', answer's; else what those who
    run the gateway saw of a trouble that was nobody's business.
    """
    for kind in ("session_ended", "error", "status", "response_done"):
        for one in reversed(caller.of(kind)):
            if isinstance(one.get("fault"), dict):
                return str(one["fault"]["code"])
    return verdict_of_watch(seen)


def verdict_of_client(caller: Caller, seen: Seen) -> str:
    """The same of a client of the dialect: an `error` with a code of ours, a close that bears one, an error
    that was passed on, an answer that failed.
    """
    errors = [one["error"] for one in reversed(caller.of("error")) if one["error"].get("code") not in BENIGN]
    own = [str(one.get("code")) for one in errors if one.get("code") in FAULTS]
    if own:
        return own[0]
    if caller.closed is not None and caller.closed[1].partition(".")[2] in FAULTS:
        return classify.of_close(*caller.closed).code
    if errors:
        return _named(errors[0])
    for one in reversed(caller.of("response.done")):
        details = (one["response"].get("status_details") or {}).get("error")
        if one["response"]["status"] in {"failed", "incomplete"} and details:
            return _named(details)
    return verdict_of_watch(seen)


def _named(error: Json) -> str:
    return fault_of_error(str(error.get("code") or ""), str(error.get("type") or ""), "").code


def verdict_of_watch(seen: Seen) -> str:
    """The last fault that was seen."""
    found = [one.fault for one in seen.sightings if isinstance(one, (sight.FaultMet, sight.UpstreamLost))]
    found += [one.fault for one in seen.sightings if isinstance(one, sight.Ended) and one.fault is not None]
    return found[-1].code if found else HEALTHY
