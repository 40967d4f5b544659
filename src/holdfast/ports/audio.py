"""What the audio routes of `/v1` ask of an upstream: to speak and listen here, or to be asked itself.

What lives here: the two shapes that providers fill in.
What never will: an implementation, HTTP's own words.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


class AudioFailedError(Exception):
    """An upstream cannot do it: another may be asked."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        self.code, self.message = code, message


@dataclass(frozen=True, slots=True)
class Body:
    """What goes up: pieces of known size, or of none that is known (`length` None)."""

    pieces: AsyncIterator[bytes]
    length: int | None = None


@runtime_checkable
class Speaker(Protocol):
    """Speaks and listens on this machine. Audio is PCM16, 24 kHz, mono."""

    name: str
    model: str

    def voice(self, wanted: str) -> str:
        """The voice that will speak: the wanted one where there is such a one."""
        ...

    def speak(self, text: str, voice: str, speed: float) -> AsyncGenerator[bytes, None]:
        """The text as audio, piece by piece. Raises AudioFailedError."""
        ...

    def hear(self, pcm: bytes, prompt: str) -> AsyncGenerator[str, None]:
        """What was said, utterance by utterance. Raises AudioFailedError."""
        ...


class Forwarded(Protocol):
    """An upstream's answer, whose body comes while it is read."""

    @property
    def status(self) -> int:
        """HTTP's status."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers that may be told on."""
        ...

    def pieces(self) -> AsyncIterator[bytes]:
        """The body. Raises AudioFailedError where it breaks off."""
        ...

    async def refusal(self) -> bytes:
        """The body of a refusal, within bounds and without our credential."""
        ...

    async def close(self) -> None:
        """Hang up. Twice is harmless."""
        ...


@runtime_checkable
class Forwarder(Protocol):
    """Asks a provider, with our credential."""

    name: str

    async def forward(self, method: str, path: str, headers: Mapping[str, str], body: Body) -> Forwarded:
        """Ask `path` (such as `/audio/speech`). Raises AudioFailedError when nobody answers."""
        ...
