"""What is kept of conversations: who said what, what became of it.

What lives here: from what was seen of a session to the lines that are kept; from what was kept to what people
and programs read.
What never will: writing to a disk (`store`), what is taken out of words (`redaction`), audio.
"""

from holdfast.transcripts.archive import Archive
from holdfast.transcripts.telling import as_document, as_lines, as_object, as_text, instant
from holdfast.transcripts.watch import TranscriptWatch

__all__ = ["Archive", "TranscriptWatch", "as_document", "as_lines", "as_object", "as_text", "instant"]
