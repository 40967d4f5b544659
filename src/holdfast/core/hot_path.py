"""The two messages that come fifty times a second and session, without an event, an effect or a dispatch.

What lives here: the common case of `audio_side.audio` and `upstream_side.output_audio`, when nothing else is
to be decided. Each answers whether it was that case; if not, nothing has changed and the event goes the
ordinary way. The property tests drive sessions through both doors.
What never will: a decision.

Why it exists: the ordinary way costs 1.2 us warm, and three times that in a process whose caches the kernel
has just emptied, which is how a relay lives (`holdfast bench`).
"""

from __future__ import annotations

from holdfast.core.audio import SAMPLE_BYTES
from holdfast.core.audio_side import ACKNOWLEDGE_EVERY, SHORT_AUDIO_BYTES
from holdfast.core.output import ItemAudio
from holdfast.core.state import State


def hear(s: State, pcm: bytes, now: float) -> bool:
    """Input audio without positions: True when it is to be given to the upstream as it is."""
    size = len(pcm)
    if not s.upstream.is_live or size < SHORT_AUDIO_BYTES or size & 1 or s.losses.pending is not None:
        return False
    samples = size // SAMPLE_BYTES
    start = s.received
    if start + samples - s.acknowledged_at >= ACKNOWLEDGE_EVERY or not s.audio.take(samples, now):
        return False
    s.received = start + samples
    timeline, kept = s.timeline, s.kept
    if start == timeline.expected == kept.end:
        timeline.given += samples
        timeline.expected = kept.end = start + samples
        kept.given.append(pcm)
        kept.given_samples += samples
        if kept.given_samples > kept.given_max:
            kept.trim()
    else:
        timeline.advance(start, samples)
        kept.give(pcm, start)
    return True


def speak(  # noqa: PLR0917 - keywords cost time, and this is the hot path
    s: State, generation: int, response_id: str, item_id: str, pcm: bytes, now: float
) -> ItemAudio | None:
    """Output audio: its item when it is to be played as it is, counted, numbered and kept."""
    turn, item = s.turn, s.output.current
    size = len(pcm)
    if (
        item is None
        or generation != s.upstream.voice
        or not s.upstream.is_live
        or response_id != turn.active
        or item_id != item.item_id
        or item.is_cut
        or item.tail
        or size & 1
        or turn.silenced == response_id
        or not s.link.is_listening
    ):
        return None
    turn.last_event_at = now
    output = s.output
    output.offset += 1
    s.window.play(output.offset, item.stream, item.sent, pcm)
    item.sent += size // SAMPLE_BYTES
    return item
