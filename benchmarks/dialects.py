"""What the translation of one message costs: `python -m benchmarks.dialects`.

What lives here: one link of a few dialects and the messages of which there are many.
What never will: GA, which has no translation.
"""

from __future__ import annotations

import base64
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from benchmarks.rig.report import progress
from holdfast.wire.dialects import BETA, DIALECTS, Own, link_of

ROUNDS: Final = 5
MESSAGES: Final = 10_000
SOUND: Final = base64.b64encode(os.urandom(4800)).decode()
"""A tenth of a second."""
PLACE: Final = {
    "event_id": "event_0123456789",
    "response_id": "resp_0123456789",
    "item_id": "item_0123456789",
    "output_index": 0,
    "content_index": 0,
}


def cases() -> Iterator[tuple[str, Callable[[bytes], Sequence[bytes]], bytes]]:
    """Name, the way it goes, message."""
    links = {name: link_of(DIALECTS[name], Own(), lambda _left: None) for name in ("speaches", "localai")}
    older = link_of(BETA, Own(), lambda _left: None)
    yield "audio down, beta", older.down, _event("response.audio.delta", delta=SOUND)
    last = json.dumps({**PLACE, "delta": SOUND, "type": "response.audio.delta"}).encode()
    yield "audio down, its type last (Speaches)", links["speaches"].down, last
    yield (
        "audio down, an event id made (LocalAI)",
        links["localai"].down,
        _event("response.output_audio.delta", delta=SOUND),
    )
    yield "a transcript's delta, beta", older.down, _event("response.audio_transcript.delta", delta="hello")
    yield "audio up, beta", older.up, _event("input_audio_buffer.append", audio=SOUND[:1280])


def _event(kind: str, **fields: Any) -> bytes:
    return json.dumps({"type": kind, **PLACE, **fields}).encode()


def main() -> None:
    """Print a line for each case."""
    for name, way, raw in cases():
        best = min(_round(way, raw) for _ in range(ROUNDS))
        progress(f"{name:40} {best * 1e6:6.2f} us a message of {len(raw)} bytes")


def _round(way: Callable[[bytes], Sequence[bytes]], raw: bytes) -> float:
    begun = time.perf_counter()
    for _ in range(MESSAGES):
        way(raw)
    return (time.perf_counter() - begun) / MESSAGES


if __name__ == "__main__":
    main()
