"""What a speech server answers, as wire audio: bare samples or a WAV file, at any usual rate.

What lives here: knowing what the bytes are before anybody hears them. What never will: requests (`remote`).

Bytes that are no samples are noise at full volume to whoever listens, so what is not known for sound is
refused: then what is built in says the words.
"""

from __future__ import annotations

from typing import Final

from holdfast.engine.resample import WIRE_RATE, Resampler, to_pcm, to_samples

_CHUNK: Final = WIRE_RATE // 10 * 2
_HEAD_MAX: Final = 64 * 1024
"""A WAV file comes to its samples within so many bytes."""
_MAGIC: Final = 4
"""So many bytes tell a WAV file, and other files, from samples."""
_RATES: Final = range(8_000, 192_001)
_PLAIN, _EXTENSIBLE = b"\x01\x00", b"\xfe\xff"
_FMT_BYTES: Final = 16
_OTHER_FILES: Final = {
    b"ID3": "an MP3 file",
    b"OggS": "an Ogg file",
    b"fLaC": "a FLAC file",
    b"\x1aE\xdf\xa3": "a WebM file",
}
_NO_SOUND: Final = ("text/", "application/json", "application/problem+json", "application/xml")


class NoSoundError(Exception):
    """What came is nothing that can be heard. The text says what it is."""


class ServedSound:
    """Bytes of one answer to wire audio, in pieces of 100 ms."""

    def __init__(self, rate: int, content_type: str = "", *, is_wav: bool = False) -> None:
        """`rate` is that of bare samples; a WAV file says its own, also where none was asked for (`is_wav`).
        Raises NoSoundError.
        """
        kind = content_type.partition(";")[0].strip().lower()
        if kind.startswith(_NO_SOUND):
            raise NoSoundError(f"the answer is {kind} and no sound")
        self._head: bytearray | None = bytearray()
        self._is_mp3 = kind in {"audio/mpeg", "audio/mp3"}
        self._is_wav = is_wav
        self._rate = rate
        self._resampler: Resampler | None = None
        self._odd = b""
        self._waiting = bytearray()
        self.has_sounded = False

    def feed(self, part: bytes) -> list[bytes]:
        """The next bytes; whole pieces come back. Raises NoSoundError."""
        if self._head is not None:
            self._head += part
            begun = self._begin(bytes(self._head))
            if begun is None:
                return []
            self._head, part = None, begun
        joined = self._odd + part
        whole = len(joined) & ~1
        self._odd = joined[whole:]
        self._take(joined[:whole], last=False)
        pieces = []
        while len(self._waiting) >= _CHUNK:
            pieces.append(bytes(self._waiting[:_CHUNK]))
            del self._waiting[:_CHUNK]
        return pieces

    def finish(self) -> list[bytes]:
        """What is left."""
        self._take(b"", last=True)
        return [bytes(self._waiting)] if self._waiting else []

    def _take(self, pcm: bytes, *, last: bool) -> None:
        self.has_sounded = self.has_sounded or bool(pcm)
        if self._resampler is not None:
            pcm = to_pcm(self._resampler.feed(to_samples(pcm), last=last))
        self._waiting += pcm

    def _begin(self, head: bytes) -> bytes | None:
        """The first samples; None until more has come."""
        if len(head) < _MAGIC:
            return None
        other = next((name for magic, name in _OTHER_FILES.items() if head.startswith(magic)), None)
        is_frame = head[0] == 0xFF and head[1] & 0xE0 == 0xE0
        if other is not None or (self._is_mp3 and is_frame):
            raise NoSoundError(f"the answer is {other or 'an MP3 file'}; pcm or wav is needed")
        if head.startswith(b"RIFF"):
            return self._begin_wav(head)
        if self._is_wav:
            raise NoSoundError("the answer is no WAV file")
        self._tune(self._rate)
        return head

    def _begin_wav(self, head: bytes) -> bytes | None:
        at, has_form = 12, False
        while at + 8 <= len(head):
            name, size = head[at : at + 4], int.from_bytes(head[at + 4 : at + 8], "little")
            if name == b"data":
                if not has_form:
                    break
                return head[at + 8 :]
            if name == b"fmt " and at + 8 + _FMT_BYTES > len(head):
                return None
            if name == b"fmt ":
                self._read_form(head[at + 8 : at + 8 + _FMT_BYTES])
                has_form = True
            at += 8 + size + size % 2
            if at > _HEAD_MAX:
                break
        else:
            if len(head) < _HEAD_MAX:
                return None
        raise NoSoundError("the answer is no WAV file that can be read")

    def _read_form(self, form: bytes) -> None:
        channels, bits = int.from_bytes(form[2:4], "little"), int.from_bytes(form[14:16], "little")
        rate = int.from_bytes(form[4:8], "little")
        if form[:2] not in {_PLAIN, _EXTENSIBLE} or channels != 1 or bits != 16 or rate not in _RATES:
            told = f"{channels} channels of {bits} bits at {rate} Hz"
            raise NoSoundError(f"the WAV file has {told}; one of 16 bits at 8 to 192 kHz is needed")
        self._tune(rate)

    def _tune(self, rate: int) -> None:
        self._resampler = None if rate == WIRE_RATE else Resampler(rate, WIRE_RATE)
