"""What is kept of conversations, put together from settings: words, and sound where somebody agreed to it.

What lives here: building both, beside the journal's database, and letting them watch.
What never will: what they do; which process has which file (`node`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

from holdfast.config import Settings
from holdfast.redaction import Kind, Redaction
from holdfast.runtime.directory import Directory
from holdfast.sound import RecordingOptions, Retention, StereoRecordings
from holdfast.store import (
    Database,
    SqliteConsents,
    SqliteTranscripts,
    TranscriptOptions,
    sound_beside,
)
from holdfast.transcripts import TranscriptWatch


async def keep_words(
    settings: Settings,
    directory: Directory,
    database: Database | None,
    left_over: Sequence[Path],
    stack: contextlib.AsyncExitStack,
) -> SqliteTranscripts | None:
    """From here on what is said is kept, if that is wished; what was kept before grows old in any case.
    `left_over`: files of processes that are no more.
    """
    chosen, limits = settings.transcripts, settings.limits
    if database is None:
        return None
    options = TranscriptOptions(
        lines_max=limits.transcript_lines,
        bytes_max=limits.transcript_bytes,
        keep_days=chosen.keep_days,
        close_s=limits.journal_close_s,
    )
    redaction = Redaction([Kind(kind) for kind in chosen.redact], chosen.phone_regions)
    transcripts = SqliteTranscripts(database, redaction, options, left_over=left_over)
    await transcripts.start()
    stack.push_async_callback(transcripts.close)
    if not chosen.enabled:
        return None
    directory.watches.add(TranscriptWatch(transcripts, limits))
    return transcripts


def keep_sound(
    settings: Settings,
    directory: Directory,
    database: Database | None,
    stack: contextlib.AsyncExitStack,
) -> StereoRecordings | None:
    """From here on who agrees to it is recorded, where the operator wants that; what was recorded before
    grows old in any case.
    """
    chosen = settings.recording
    if database is None:
        return None
    folder = sound_beside(database.path)
    retention = Retention(folder, chosen.keep_days)
    retention.start()
    stack.callback(retention.close)
    if not chosen.enabled:
        return None
    options = RecordingOptions(folder, chosen.words, settings.limits.sound_bytes)
    recordings = StereoRecordings(options, SqliteConsents(database))
    recordings.start()
    stack.push_async_callback(recordings.close)
    directory.recordings = recordings
    directory.watches.add(recordings)
    return recordings
