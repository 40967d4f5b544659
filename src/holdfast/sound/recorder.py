"""A file of sound for each session that may be recorded.

What lives here: who is recorded, tapes, a task for each that gives what was heard to a thread once a second.
Files are FLAC, two channels, for their user only.
What never will: where a sound belongs (`sheet`); a consent's row (`store`); deletion by age (`retention`).
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import structlog

from holdfast.core.audio import SAMPLE_RATE_HZ
from holdfast.ports.sightings import Ended, Interrupted, Sighting, Watched
from holdfast.ports.sound import Consent, ConsentBook, Tape
from holdfast.sound.retention import SUFFIX
from holdfast.sound.sheet import Page, Sheet

log = structlog.get_logger()

LIBRARY: Final = "soundfile"


def is_possible() -> bool:
    """Whether the library that writes the files is installed."""
    return importlib.util.find_spec(LIBRARY) is not None


@dataclass(frozen=True, slots=True)
class RecordingOptions:
    """Where, under which words, how much may wait for the disk."""

    folder: Path
    words: str
    bytes_max: int = 16 * 1024 * 1024
    write_every_s: float = 1.0
    held_back_s: float = 2.0
    """A cut that is told so late still takes back what was not heard."""


@dataclass(slots=True, eq=False)
class _StereoTape:
    """A `Tape`, and the task that writes it."""

    sheet: Sheet
    clock: Callable[[], float]
    began: float
    over: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None

    @property
    def now(self) -> int:
        """Samples since it began."""
        return round((self.clock() - self.began) * SAMPLE_RATE_HZ)

    def heard(self, pcm: bytes, position: int) -> None:
        """See `Tape`."""
        if not self.over.is_set():
            self.sheet.heard(pcm, position, self.now)

    def said(self, stream: int, start: int, pcm: bytes) -> None:
        """See `Tape`."""
        if not self.over.is_set():
            self.sheet.said(stream, start, pcm, self.now)


class StereoRecordings:
    """`Recordings`, and a `Watch` that ends them. Close it before the store of the consents."""

    def __init__(
        self, options: RecordingOptions, consents: ConsentBook, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._options = options
        self._consents = consents
        self._clock = clock
        self._tapes: dict[str, _StereoTape] = {}
        self._library: Any = importlib.import_module(LIBRARY)

    @property
    def words(self) -> str:
        """See `Recordings`."""
        return self._options.words

    @property
    def running(self) -> int:
        """See `Recordings`."""
        return len(self._tapes)

    @property
    def waiting_bytes(self) -> int:
        """See `Recordings`."""
        sheets = [tape.sheet for tape in self._tapes.values()]
        return max((sheet.user.size + sheet.assistant.size for sheet in sheets), default=0)

    def start(self) -> None:
        """Make the folder."""
        self._options.folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    async def begin(self, consent: Consent) -> Tape | None:
        """See `Recordings`."""
        session_id = consent.session_id
        if session_id in self._tapes:
            return self._tapes[session_id]
        try:
            await self._consents.enter(consent)
        except Exception as error:  # noqa: BLE001 - whatever the store has: without a consent nobody is recorded
            why = type(error).__name__
            log.warning("sound.refused", category="session", source="sound", session=session_id, reason=why)
            return None
        sheet = Sheet(self._options.bytes_max)
        tape = self._tapes[session_id] = _StereoTape(sheet, self._clock, self._clock())
        tape.task = asyncio.create_task(self._write(session_id, tape), name="recording")
        log.info("sound.began", category="session", source="sound", session=session_id)
        return tape

    sees = frozenset({Interrupted, Ended})

    def saw(self, session: Watched, sighting: Sighting, at: float) -> None:  # noqa: ARG002 - by our own clock
        """See `Watch`."""
        tape = self._tapes.get(session.id)
        if tape is None:
            return
        if isinstance(sighting, Interrupted):
            tape.sheet.cut(sighting.heard_ms * SAMPLE_RATE_HZ // 1_000)
        elif isinstance(sighting, Ended):
            tape.over.set()

    async def close(self) -> None:
        """Write what there is. Twice is harmless."""
        for tape in self._tapes.values():
            tape.over.set()
        tasks = [tape.task for tape in self._tapes.values() if tape.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=5.0)

    async def _write(self, session_id: str, tape: _StereoTape) -> None:
        path = self._options.folder / f"{session_id}{SUFFIX}"
        try:
            file = await asyncio.to_thread(self._open, path)
            try:
                await self._write_pages(file, tape)
            finally:
                await asyncio.to_thread(file.close)
        except Exception as error:  # noqa: BLE001 - a full disk ends a recording, and no conversation
            tape.over.set()
            why = f"{type(error).__name__}: {error}"
            log.warning("sound.failed", category="session", source="sound", session=session_id, reason=why)
        else:
            lost_ms = tape.sheet.lost * 1_000 // (2 * SAMPLE_RATE_HZ)
            told = {"seconds": tape.sheet.given // SAMPLE_RATE_HZ, "lost_ms": lost_ms}
            log.info("sound.ended", category="session", source="sound", session=session_id, **told)
        finally:
            self._tapes.pop(session_id, None)

    async def _write_pages(self, file: Any, tape: _StereoTape) -> None:
        held_back = round(self._options.held_back_s * SAMPLE_RATE_HZ)
        while not tape.over.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(self._options.write_every_s):
                    await tape.over.wait()
            until = tape.now if tape.over.is_set() else tape.now - held_back
            await asyncio.to_thread(_put, file, tape.sheet.page(until))

    def _open(self, path: Path) -> Any:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        return self._library.SoundFile(
            descriptor, "w", SAMPLE_RATE_HZ, channels=2, subtype="PCM_16", format="FLAC"
        )


def _put(file: Any, page: Page) -> None:
    """Both sides beside each other; where nobody spoke is silence."""
    both = np.zeros((page.last - page.first, 2), np.int16)
    for side, pieces in enumerate((page.user, page.assistant)):
        for start, pcm in pieces:
            sound = np.frombuffer(pcm, "<i2")
            at = start - page.first
            both[at : at + len(sound), side] = sound
    file.write(both)
