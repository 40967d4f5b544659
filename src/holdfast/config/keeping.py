"""Settings of what outlives a conversation.

What lives here: the tables `[journal]`, `[transcripts]` and `[recording]`.
What never will: what is kept.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field

from holdfast.config.basics import STRICT, listed


class JournalSettings(BaseModel):
    """What outlives the process. `memory` keeps nothing; `sqlite` keeps running sessions over a restart."""

    model_config = STRICT

    kind: Literal["sqlite", "memory"] = "sqlite"
    database: Path = Path(".holdfast/holdfast.sqlite3")


PersonalKind = Literal["card", "iban", "phone", "mail", "digits"]
"""What can be taken out of a transcript before it is written; `digits`: any number of six digits and more."""


class TranscriptSettings(BaseModel):
    """What was said, in the journal's database; `kind = "memory"` there keeps no transcripts either."""

    model_config = STRICT

    enabled: bool = True
    redact: Annotated[tuple[PersonalKind, ...], BeforeValidator(listed)] = ("card", "iban", "phone", "mail")
    """What is taken out of the words before they are written."""
    phone_regions: Annotated[
        tuple[Annotated[str, Field(pattern="^[A-Z]{2}$")], ...], BeforeValidator(listed)
    ] = ("US", "GB", "DE")
    """Countries (ISO 3166) whose telephone numbers are known without the country's code."""
    keep_days: float = Field(default=30.0, gt=0, le=36_500)
    """Of a session, after its last entry; then it is deleted."""


class RecordingSettings(BaseModel):
    """The sound of conversations whose speakers agreed to be recorded, in a folder beside the journal."""

    model_config = STRICT

    enabled: bool = False
    words: str = Field(default="", max_length=1_000)
    """What a person must have been shown and agreed to; without it nothing is recorded."""
    keep_days: float = Field(default=30.0, gt=0, le=36_500)
    """After its last second; then the file is deleted."""
