"""What a client wishes for its session, held against what there is.

What lives here: the model's name. What never will: identifiers, tokens (`session_runner`).
"""

from __future__ import annotations

from datetime import UTC, datetime

from holdfast.core.events import MessageRefused, SessionOptions
from holdfast.core.faults import fault
from holdfast.core.models import Scribe, UnknownModel, resolve_model, resolve_transcription_model


def model_of(name: str, options: SessionOptions, event_id: str | None) -> str | MessageRefused:
    """The id of the model that is meant, or why there is none for such a session."""
    resolve = resolve_transcription_model if options.mode == "transcription" else resolve_model
    model = resolve(name, datetime.now(UTC).date())
    why = ""
    if isinstance(model, UnknownModel):
        why = model.message
    elif isinstance(model, Scribe) and not model.hears_turns and options.turn_detection == "auto":
        why = f"{model.id!r} finds no turns by itself: ask for `turnDetection` 'manual' with it."
    if why or isinstance(model, UnknownModel):
        cause = fault("application.unsupported_model", [why])
        return MessageRefused("UNSUPPORTED_MODEL", why, "model", event_id, cause)
    return model.id
