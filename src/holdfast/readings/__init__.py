"""What a process holds when it is scraped, read from every room: sessions, buffers, audio, upstreams, load.

What lives here: reading, and the names under which it is told (`telemetry.meters`).
What never will: counting as things happen (`telemetry.sighted`), deciding.

Rooms count for themselves what they need to know anyway; here it is only looked at, so that nothing is done
for a message. Conversations are read a few at a time, so that nobody's audio waits for a scrape.
"""

from holdfast.readings.figures import Figures
from holdfast.readings.rooms import (
    of_books,
    of_door,
    of_engine,
    of_journal,
    of_ledger,
    of_listening,
    of_recorder,
    of_sound,
    of_spans,
    of_transcripts,
    of_upstreams,
    version,
)

__all__ = [
    "Figures",
    "of_books",
    "of_door",
    "of_engine",
    "of_journal",
    "of_ledger",
    "of_listening",
    "of_recorder",
    "of_sound",
    "of_spans",
    "of_transcripts",
    "of_upstreams",
    "version",
]
