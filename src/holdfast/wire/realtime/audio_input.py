"""The input audio buffer: decoding, odd bytes, and which samples belong to the coming user item.

What lives here: bytes and sample positions.
What never will: deciding where speech begins or ends.
"""

from __future__ import annotations

import binascii
from collections.abc import Mapping
from typing import Final

import pybase64

from holdfast.wire.realtime.events import BYTES_PER_MS
from holdfast.wire.realtime.g711 import PCM_GROWTH, Expander, expander_for
from holdfast.wire.realtime.rules import Refused

APPEND_BYTES_MAX: Final = 15 * 1024 * 1024
"""Audio in one `input_audio_buffer.append` (section 2.4)."""

BUFFER_BYTES_MAX: Final = APPEND_BYTES_MAX + 1024 * 1024
"""Audio kept between commits; what is older falls out."""

COMMIT_MS_MIN: Final = 100


def decode_base64(encoded: str, path: str) -> bytes:
    """Base64 to bytes, strictly; raises `Refused`."""
    if len(encoded) > APPEND_BYTES_MAX * 4 // 3 + 4:
        raise Refused("string_above_max_length", f"'{path}' holds more than 15 MiB of audio.", param=path)
    try:
        return pybase64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as broken:
        raise Refused("invalid_value", f"'{path}' is not base64.", param=path) from broken


def decode_whole(encoded: str, audio_format: Mapping[str, object], path: str) -> bytes:
    """Audio that stands by itself (in an item), to PCM16 24 kHz; raises `Refused`."""
    chunk = decode_base64(encoded, path)
    expander = expander_for(audio_format)
    if expander is None:
        return chunk[: len(chunk) & ~1]
    return expander.feed(_bounded(chunk, path))


def _bounded(chunk: bytes, path: str) -> bytes:
    """G.711 that is small enough as PCM, too."""
    if len(chunk) * PCM_GROWTH > APPEND_BYTES_MAX:
        raise Refused(
            "string_above_max_length", f"'{path}' holds more than five minutes of audio.", param=path
        )
    return chunk


class AudioInput:
    """PCM16 that has arrived and was not committed yet. Positions count from the session's first sample."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._held_from = 0  # position of the first held byte
        self._odd = b""
        self._since_commit = 0
        self._format: Mapping[str, object] = {"type": "audio/pcm"}
        self._expander: Expander | None = None

    @property
    def total_ms(self) -> int:
        """Audio received since the session began."""
        return (self._held_from + len(self._held)) // BYTES_PER_MS

    @property
    def is_committable(self) -> bool:
        """Whether at least 100 ms arrived since the last commit or clear."""
        return self._since_commit >= COMMIT_MS_MIN * BYTES_PER_MS

    def append(self, encoded: str, audio_format: Mapping[str, object]) -> bytes:
        """Take base64 of a chunk of any length in the session's input format; gives PCM16 24 kHz, whole
        samples, keeping an odd byte for the next chunk. Raises `Refused`.
        """
        chunk = decode_base64(encoded, "audio")
        if audio_format != self._format:
            self._format, self._expander, self._odd = audio_format, expander_for(audio_format), b""
        if self._expander is not None:
            pcm = self._expander.feed(_bounded(chunk, "audio"))
        else:
            joined = self._odd + chunk if self._odd else chunk
            whole = len(joined) & ~1
            pcm, self._odd = (joined, b"") if whole == len(joined) else (joined[:whole], joined[whole:])
        self._held += pcm
        self._since_commit += len(pcm)
        surplus = len(self._held) - BUFFER_BYTES_MAX
        if surplus > 0:
            self._drop(surplus)
        return pcm

    def take(self, start_ms: int | None, end_ms: int | None) -> bytes:
        """Commit: cut out the audio from `start_ms` to `end_ms` (None: all there is) and what lies before."""
        first = 0 if start_ms is None else max(0, start_ms * BYTES_PER_MS - self._held_from)
        after = len(self._held) if end_ms is None else max(0, end_ms * BYTES_PER_MS - self._held_from)
        pcm = bytes(self._held[first:after])
        self._drop(min(after, len(self._held)))
        self._since_commit = 0
        return pcm

    def clear(self) -> None:
        """Drop what was not committed."""
        self._drop(len(self._held))
        self._odd = b""
        self._since_commit = 0

    def forget_before(self, ms: int) -> None:
        """No turn can begin before `ms` any more; free the audio."""
        surplus = ms * BYTES_PER_MS - self._held_from
        if surplus > 0:
            self._drop(min(surplus, len(self._held)))

    def _drop(self, size: int) -> None:
        del self._held[:size]
        self._held_from += size
