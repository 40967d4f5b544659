"""What is asked of whoever records the sound of a conversation, and of the book of consents.

What lives here: who agreed to which words; a tape that hears both sides; whoever hands out tapes.
What never will: an implementation; recording without a consent that stands in the book.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Consent:
    """Somebody agreed to be recorded: these words were shown, and who says that they were agreed to."""

    session_id: str
    customer_id: str
    words: str
    given_by: str


class ConsentBook(Protocol):
    """Keeps consents."""

    async def enter(self, consent: Consent) -> None:
        """On return it is on the disk. Raises what the store raises: then nobody is recorded."""
        ...


class Tape(Protocol):
    """One session's. Synchronous, called on the event loop, never raises."""

    def heard(self, pcm: bytes, position: int) -> None:
        """The user, from this sample of the session's input on. What was heard before may come again."""
        ...

    def said(self, stream: int, start: int, pcm: bytes) -> None:
        """The assistant: from this sample of the stream on."""
        ...


class Recordings(Protocol):
    """Who hands out tapes."""

    @property
    def words(self) -> str:
        """What a person must have agreed to."""
        ...

    @property
    def running(self) -> int:
        """How many are recorded now."""
        ...

    @property
    def waiting_bytes(self) -> int:
        """Of the fullest: what is not written yet."""
        ...

    async def begin(self, consent: Consent) -> Tape | None:
        """A tape, once the consent stands in the book; None where it could not be entered. Never raises."""
        ...
