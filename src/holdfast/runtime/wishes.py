"""What a client wishes for its session, held against what there is.

What lives here: the model's name, the words of a consent.
What never will: identifiers, tokens (`session_runner`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from holdfast.core.events import MessageRefused, SessionOptions
from holdfast.core.faults import fault
from holdfast.core.models import Scribe, UnknownModel, resolve_model, resolve_transcription_model
from holdfast.ports.sound import Recordings
from holdfast.wire.browser import CreateSession, options_of

OTHER_WORDS = "`consent` must be the words that the configuration has under `recording`, as they were shown."
"""Who agreed to other words than those that must be shown did not agree."""


def options_asked(message: CreateSession, recordings: Recordings | None) -> SessionOptions | MessageRefused:
    """Its options with the model that is meant, or why there can be no such session."""
    options = options_of(message)
    if options.consent is not None and recordings is not None and options.consent != recordings.words:
        return MessageRefused("INVALID_MESSAGE", OTHER_WORDS, "consent", message.event_id)
    if message.model is None:
        return options
    model = model_of(message.model, options, message.event_id)
    return model if isinstance(model, MessageRefused) else replace(options, model=model)


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
