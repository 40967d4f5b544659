"""How the tests talk to a worker: opening a line, asking, restoring a conversation, gathering events.

What lives here: the client's side of several tests. What never will: a test, or what is right.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pybase64
from benchmarks.engine.line import EngineLine, Event
from benchmarks.engine.speech import in_a_room, synthesised

from holdfast.engine.pool import EnginePool
from tests.engine.conftest import Tool

# `session.created` and `.updated` are typed as the request for a session; the service adds these three.
UNDECLARED: Final = {
    f"session.{step}.session.{name}"
    for step in ("created", "updated")
    for name in ("id", "object", "expires_at")
}


async def opened(pool: EnginePool, tools: Sequence[Tool], **audio_input: Any) -> EngineLine:
    """A configured session with server VAD."""
    vad = {"type": "server_vad", "silence_duration_ms": 300, **audio_input.pop("turn_detection", {})}
    heard = {"transcription": {"model": "holdfast-local"}, "turn_detection": vad, **audio_input}
    return await EngineLine.open(pool.address(), {"tools": tools, "audio": {"input": heard}})


async def ended(line: EngineLine) -> None:
    """Hang up and wait until the worker has let go."""
    line.close()
    async with asyncio.timeout(5):
        while (await line.events.get()).kind != "closed":
            pass


async def up_to(line: EngineLine, kind: str) -> list[Event]:
    """Every event up to the first of that type."""
    found = [await line.next()]
    while found[-1].kind != kind:
        found.append(await line.next())
    return found


def kinds(events: Sequence[Event]) -> list[str]:
    """Types in order, repetitions of deltas folded."""
    found = [event.kind for event in events]
    return [kind for at, kind in enumerate(found) if at == 0 or kind != found[at - 1]]


def spoken_words(events: Sequence[Event]) -> str:
    """What was said, by the transcript of the audio."""
    return "".join(event.body["delta"] for event in events if event.kind.endswith("audio_transcript.delta"))


def wire(text: str, voice: str = "rms") -> bytes:
    """A sentence in a quiet room, as wire audio."""
    return in_a_room(synthesised(text, voice), before_ms=400, after_ms=700)


def ask(line: EngineLine, text: str) -> None:
    """A written question."""
    content = [{"type": "input_text", "text": text}]
    line.tell(type="conversation.item.create", item={"type": "message", "role": "user", "content": content})
    line.tell(type="response.create")


def answer_call(line: EngineLine, call_id: str, output: Mapping[str, Any]) -> None:
    """A tool's result, and the request to go on."""
    item = {"type": "function_call_output", "call_id": call_id, "output": json.dumps(output)}
    line.tell(type="conversation.item.create", item=item)
    line.tell(type="response.create")


# items of a conversation that is restored, with ids of the client's own


def recording(item_id: str, pcm: bytes, **part: Any) -> dict[str, Any]:
    """What the user said, as audio."""
    heard = {"type": "input_audio", "audio": pybase64.b64encode_as_string(pcm), **part}
    return {"id": item_id, "type": "message", "role": "user", "content": [heard]}


def written(item_id: str, text: str, role: str = "user") -> dict[str, Any]:
    """What somebody said, as text."""
    kind = "output_text" if role == "assistant" else "input_text"
    return {"id": item_id, "type": "message", "role": role, "content": [{"type": kind, "text": text}]}


def called(item_id: str, name: str, say: str) -> list[dict[str, Any]]:
    """A call and its result."""
    call_id = f"call_{item_id}"
    call = {"id": item_id, "type": "function_call", "call_id": call_id, "name": name, "arguments": "{}"}
    output = json.dumps({"say": say})
    result = {"id": f"{item_id}_r", "type": "function_call_output", "call_id": call_id, "output": output}
    return [call, result]


def restore(line: EngineLine, *items: Mapping[str, Any]) -> None:
    """Tell a fresh session what was said before, chained by the items' ids."""
    previous = None
    for item in items:
        line.tell(type="conversation.item.create", item=item, previous_item_id=previous)
        previous = item["id"]
