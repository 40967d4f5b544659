"""The moments of a session at which something can be broken, and where a session stands between them.

What lives here: one table of moments, each in its state of the fault matrix; reading the state off the
events that went out.
What never will: breaking anything; that is `acts`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

IDLE_AFTER_S: Final = 0.05
"""So long after the last answer nothing is going on, and the moment `idle` has come."""


class State(StrEnum):
    """Where a session stands: the columns of the fault matrix."""

    CONNECTING = "connecting"
    AWAITING_CREATED = "awaiting created"
    AWAITING_UPDATED = "awaiting updated"
    IDLE = "idle"
    USER_SPEAKING = "user speaking"
    COMMITTED = "committed"
    STREAMING = "response streaming"
    TOOL_RUNNING = "tool running"
    CLOSING = "closing"


@dataclass(frozen=True, slots=True)
class Moment:
    """A row of the table. `counts`: what its number counts, where it takes one; `default`: that number
    where it may be left out.
    """

    name: str
    state: State
    meaning: str
    counts: str = ""
    default: int | None = None

    @property
    def form(self) -> str:
        """How it is written."""
        if not self.counts:
            return self.name
        return f"{self.name}={self.counts}" if self.default is None else f"{self.name}[={self.counts}]"


_ROWS: Final = (
    Moment("connecting", State.CONNECTING, "when the upgrade is to be answered"),
    Moment("created", State.AWAITING_CREATED, "when session.created is due"),
    Moment("updated", State.AWAITING_UPDATED, "when session.updated is due"),
    Moment("idle", State.IDLE, "when the session is configured, or an answer is over, and nothing goes on"),
    Moment("speech", State.USER_SPEAKING, "when input_audio_buffer.speech_started is due"),
    Moment("speaking", State.USER_SPEAKING, "when so much audio of a turn has come", "MS", 200),
    Moment("committed", State.COMMITTED, "when a turn waits for its answer: response.created is due"),
    Moment("words", State.COMMITTED, "when words of a turn are due: where nobody answers, the only ones"),
    Moment("begun", State.STREAMING, "when a response has begun and nothing of it was said yet"),
    Moment("response", State.STREAMING, "in the middle of a response, after its first delta"),
    Moment("delta", State.STREAMING, "in the middle of a response, after so many deltas", "N"),
    Moment("call", State.STREAMING, "in the middle of a tool call, before its arguments are whole"),
    Moment("tool", State.TOOL_RUNNING, "when a response that called a tool is done"),
    Moment("closing", State.CLOSING, "when the client has said that it closes"),
)

MOMENTS: Final[Mapping[str, Moment]] = {row.name: row for row in _ROWS}
"""Moments of a connection by name. A plain number, the number of a client message, is one, too."""

NOT_OF_A_SOCKET: Final = ("connecting",)
"""Moments before there is a socket that could say anything."""
NOT_OF_A_TALK: Final = ("connecting", "closing")
"""Moments at which no event can be said any more, or not yet."""

DELTAS: Final = frozenset({"response.output_audio.delta", "response.output_text.delta"})

_DUE: Final[Mapping[str, str]] = {
    "session.created": "created",
    "session.updated": "updated",
    "input_audio_buffer.speech_started": "speech",
    "response.created": "committed",
    "conversation.item.input_audio_transcription.delta": "words",
}

_STATES: Final[Mapping[str, State]] = {
    "session.created": State.AWAITING_UPDATED,
    "input_audio_buffer.speech_started": State.USER_SPEAKING,
    "input_audio_buffer.committed": State.COMMITTED,
    "response.created": State.STREAMING,
}

_SPEECH: Final[Mapping[str, bool]] = {
    "input_audio_buffer.speech_started": True,
    "input_audio_buffer.committed": False,
    "input_audio_buffer.cleared": False,
}


@dataclass(slots=True)
class Progress:
    """What the events that went out say about where the session stands."""

    state: State = State.AWAITING_CREATED
    deltas: int = 0
    _has_called: bool = False
    _hears_speech: bool = False

    def due(self, kind: str) -> str | None:
        """The moment that has come when an event of this type is due."""
        return _DUE.get(kind)

    def sent(self, kind: str) -> list[str]:
        """Move on; gives the moments that have come now that an event of this type went out. The moment
        `delta` comes with each delta: `deltas` says which.
        """
        self.state = _STATES.get(kind, self.state)
        if kind in DELTAS:
            self.deltas += 1
            return ["response", "delta"] if self.deltas == 1 else ["delta"]
        if kind == "session.updated" and self.state is State.AWAITING_UPDATED:
            self.state = State.IDLE
        elif kind == "response.created":
            self.deltas, self._has_called = 0, False
        elif kind == "response.function_call_arguments.delta":
            return ["call"]
        elif kind == "response.function_call_arguments.done":
            self._has_called = True
        elif kind == "response.done":
            self.state = self._rest()
            return ["tool"] if self._has_called else []
        elif kind in _SPEECH:
            self._hears_speech = _SPEECH[kind]
            if kind == "input_audio_buffer.cleared":
                self.state = State.IDLE
        return []

    def _rest(self) -> State:
        """Where a session stands when an answer is over."""
        if self._has_called:
            return State.TOOL_RUNNING
        return State.USER_SPEAKING if self._hears_speech else State.IDLE
