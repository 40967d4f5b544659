"""The table `[recorder]` of the settings: what is kept of sessions' last steps, and where.

What lives here: its fields. What never will: bounds of what is in memory; those are limits.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, Field

from holdfast.config.basics import STRICT


class RecorderSettings(BaseModel):
    """The flight recorder: the last steps of every session, without audio, words and names."""

    model_config = STRICT

    steps: bool = True
    """Whether steps are kept in memory at all; without them there is nothing to write or to give out."""
    on_fault: bool = True
    """Whether a recording is written when an upstream or a session ends with a fault."""
    folder: Path = Path(".holdfast/recordings")
    keep: int = Field(default=100, ge=1, le=10_000)
    """How many files; the oldest goes first."""
