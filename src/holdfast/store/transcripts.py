"""Transcripts in the product's database file.

What lives here: lines that wait, their bounds and what is told when these are reached; one task that gathers
lines, has them cleaned in a thread of its own and written in the database's; retries; deletion by age.
What never will: SQL; what is taken out of words (`redaction`); reading (`visit`).

Nobody waits for a line: it is committed when it can be read. So lines gather longer than the journal's, whose
thread they share.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final

import structlog

from holdfast.ports.transcripts import Line, Talk, TranscriptCounts
from holdfast.redaction import Redaction
from holdfast.store import erasure, transcript_rows
from holdfast.store.apart import write_apart
from holdfast.store.database import Database
from holdfast.store.errors import StoreError, StoreUnavailableError
from holdfast.store.left_over import sweep_each
from holdfast.store.thread import WriterThread
from holdfast.store.transcript_rows import Clean
from holdfast.store.waits import set_within

log = structlog.get_logger()

DAY_US: Final = 86_400_000_000


@dataclass(frozen=True, slots=True)
class TranscriptOptions:
    """How lines wait, retry and grow old."""

    lines_max: int = 10_000
    bytes_max: int = 16 * 1024 * 1024
    keep_days: float = 30.0
    gather_s: float = 0.25
    batch_lines_max: int = 200
    retry_base_s: float = 0.25
    retry_cap_s: float = 5.0
    sweep_every_s: float = 3_600.0
    close_s: float = 5.0


@dataclass(slots=True)
class _Gap:
    """Lines of a session that were not taken."""

    talk: Talk
    last: int
    lines: int = 0

    def line(self) -> Line:
        return Line(self.talk, self.last, "gap", facts={"lines": self.lines})


class SqliteTranscripts:
    """A `TranscriptStore`. The database is whoever's made it: close this first. `clock`: wall-clock s."""

    def __init__(
        self,
        database: Database,
        redaction: Redaction,
        options: TranscriptOptions | None = None,
        clock: Callable[[], float] = time.time,
        left_over: Sequence[Path] = (),
    ) -> None:
        """`left_over`: files of processes that are no more; they grow old too."""
        self._database = database
        self._left_over = left_over
        self._redaction = redaction
        self._options = options or TranscriptOptions()
        self._clock = clock
        self._waiting: deque[Line] = deque()
        self._gaps: dict[str, _Gap] = {}
        self._bytes = self._written = self._lost = self._batches = 0
        self._taken_out: Counter[str] = Counter()
        self._failures = 0
        self._sweep_at = 0.0
        self._deleted = False
        self._wake = asyncio.Event()
        self._closing = asyncio.Event()
        self._cleaner: WriterThread | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def counts(self) -> TranscriptCounts:
        """Figures so far."""
        return TranscriptCounts(
            len(self._waiting),
            self._bytes,
            self._written,
            self._lost,
            self._batches,
            self._failures > 0,
            dict(self._taken_out),
        )

    async def start(self) -> None:
        """Begin to write. A database that cannot be opened now is tried again and again."""
        self._cleaner = WriterThread("transcript-cleaner")
        self._task = asyncio.create_task(self._run(), name="transcripts")

    def put(self, line: Line) -> None:
        """See `TranscriptStore`."""
        if self._closing.is_set():
            return
        if self._is_full(line):
            self._lose(line)
            return
        self._waiting.append(line)
        self._bytes += line.size
        self._wake.set()

    def _lose(self, line: Line) -> None:
        self._lost += 1
        if line.talk.id in self._gaps or len(self._gaps) < self._options.lines_max:
            gap = self._gaps.setdefault(line.talk.id, _Gap(line.talk, line.at))
            gap.lines, gap.last = gap.lines + 1, line.at

    def _is_full(self, line: Line) -> bool:
        """What a session said after its gap waits for the gap's line, or the order would be wrong."""
        options = self._options
        full = len(self._waiting) >= options.lines_max or self._bytes + line.size > options.bytes_max
        return full or line.talk.id in self._gaps

    async def close(self) -> None:
        """Write what waits, for at most `close_s`, then take nothing more. Twice is harmless."""
        self._closing.set()
        self._wake.set()
        task, self._task = self._task, None
        if task is None:
            return
        done, _ = await asyncio.wait({task}, timeout=self._options.close_s)
        if not done:
            task.cancel()
            await asyncio.wait({task})
        if self._cleaner is not None:
            self._cleaner.stop()
        lines = len(self._waiting) + sum(gap.lines for gap in self._gaps.values())
        if lines:
            log.error("transcripts.lines_lost", category="store", source="transcripts", lines=lines)

    async def _run(self) -> None:
        while not (self._closing.is_set() and not self._waiting and not self._gaps):
            loop = asyncio.get_running_loop()
            # Where nothing waits to be written, another sweep tells whether the store is well again.
            is_asking = self._failures and not self._waiting and not self._gaps
            if loop.time() >= self._sweep_at or is_asking:
                self._sweep_at = loop.time() + self._options.sweep_every_s
                await self._attempt(self._sweep)
            await self._something_to_do()
            if self._waiting or self._gaps:
                await self._attempt(self._write)

    async def _something_to_do(self) -> None:
        options = self._options
        if self._failures:
            await set_within(
                self._closing,
                min(options.retry_base_s * 2 ** min(self._failures - 1, 16), options.retry_cap_s),
            )
            if self._closing.is_set():
                await asyncio.sleep(options.retry_base_s)
            return
        if not self._waiting:
            self._wake.clear()
            await set_within(self._wake, options.sweep_every_s)
        await set_within(self._closing, options.gather_s)

    async def _attempt(self, work: Callable[[], Awaitable[None]]) -> None:
        """Whatever goes wrong is said once, and tried again: nothing that a store does ends a session."""
        try:
            await work()
        except StoreUnavailableError as error:
            self._failed(error.cause, error.detail)
        except StoreError as error:
            self._failed("refused", str(error))
        except Exception as error:  # noqa: BLE001 - same
            self._failed("failing", type(error).__name__)
        else:
            if self._failures:
                self._failures = 0
                log.info("transcripts.healthy", category="store", source="transcripts", lost=self._lost)

    def _failed(self, cause: str, detail: str) -> None:
        self._failures += 1
        if self._failures == 1:
            facts = {"cause": cause, "detail": detail, "waiting": len(self._waiting)}
            log.warning("transcripts.degraded", category="store", source="transcripts", **facts)

    async def _write(self) -> None:
        """One batch: cleaned, then written; it waits on until it is."""
        if batch := list(islice(self._waiting, self._options.batch_lines_max)):
            await write_apart(batch, self._put, self._settle, self._unfit)
        self._tell_gaps()

    async def _put(self, batch: Sequence[Line]) -> Counter[str]:
        assert self._cleaner is not None, "start comes first"
        clean, found = await self._cleaner.run(partial(cleaned, batch, self._redaction))
        await self._database.transact(partial(transcript_rows.write, batch=clean))
        return found

    def _settle(self, batch: Sequence[Line], found: Counter[str]) -> None:
        self._drop(batch)
        self._written += len(batch)
        self._batches += 1
        self._taken_out.update(found)

    def _unfit(self, line: Line, error: str) -> None:
        log.error("transcripts.unfit", category="store", source="transcripts", error=error)
        self._drop([line])
        self._lose(line)

    def _drop(self, batch: Sequence[Line]) -> None:
        for line in batch:
            self._waiting.popleft()
            self._bytes -= line.size

    def _tell_gaps(self) -> None:
        """There is room again, not just for one line: what is missing gets its line."""
        options = self._options
        if len(self._waiting) <= options.lines_max // 2 and self._bytes <= options.bytes_max // 2:
            for gap in self._gaps.values():
                line = gap.line()
                self._waiting.append(line)
                self._bytes += line.size
            self._gaps.clear()

    async def _sweep(self) -> None:
        """Delete what is older than it may be, and leave no copy of it in the write-ahead log."""
        at = int(self._clock() * 1e6)
        before = at - int(self._options.keep_days * DAY_US)
        gone = await self._database.transact(partial(erasure.sweep, before=before, at=at))
        self._deleted = self._deleted or bool(gone)
        if self._deleted:  # until nobody was in the way
            self._deleted = not await self._database.checkpoint()
        assert self._cleaner is not None, "start comes first"
        cleaner = self._cleaner
        gone += await sweep_each(
            self._left_over, lambda visit: cleaner.run(partial(visit.sweep, before=before, at=at))
        )
        if gone:
            facts = {"sessions": gone, "keep_days": self._options.keep_days}
            log.info("transcripts.swept", category="store", source="transcripts", **facts)


def cleaned(batch: Sequence[Line], redaction: Redaction) -> tuple[list[Clean], Counter[str]]:
    """The lines as they may be written, and what was taken out."""
    found: Counter[str] = Counter()
    lines = []
    for line in batch:
        if not line.text:
            lines.append(Clean(line, "", None))
            continue
        clean = redaction.clean(line.text)
        if line.heard is None:
            found.update(map(str, clean.found))
            lines.append(Clean(line, clean.text, None))
        else:  # a cut: the words themselves stand in the answer's own line
            lines.append(Clean(replace(line, text=""), "", heard_words(clean.text, line.heard)))
    return lines, found


def heard_words(text: str, share: float) -> str:
    """The words of the first part of a text: whole ones only, as the conversation's mirror counts them."""
    chars = round(len(text) * share)
    return text if chars >= len(text) else text[:chars].rpartition(" ")[0]
