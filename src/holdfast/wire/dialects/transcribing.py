"""A server that only writes down what it hears: append, commit, and text that comes back.

What lives here: a transcription session of GA over it (vLLM's shape): its audio at 16 kHz, a turn's beginning
and end as two commits, items that the server does not know of.
What never will: a conversation. What such a session does not have is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import pybase64
import soxr

from holdfast.wire.dialects.bodies import session_for
from holdfast.wire.dialects.memory import Own, as_object, decode, encode
from holdfast.wire.dialects.table import Dialect, Json, Reply
from holdfast.wire.dialects.upward import APPEND
from holdfast.wire.realtime import new_id

_RATE_GA: Final = 24_000
_RATE_THEIRS: Final = 16_000
_HEARD: Final = "conversation.item.input_audio_transcription"


class TranscribingServer:
    """One link. Fills `Link`."""

    def __init__(
        self,
        dialect: Dialect,
        own: Own,
        *,
        on_left_out: Callable[[Sequence[str]], None] = lambda _left: None,
        ids: Callable[[str], str] = new_id,
    ) -> None:
        self.dialect = dialect
        self.back: list[bytes] = []
        self._own = own
        self._on_left_out = on_left_out
        self._ids = ids
        pcm = {"type": "audio/pcm", "rate": _RATE_GA}
        heard = {"format": pcm, "transcription": {"model": own.model}, "turn_detection": None}
        shape = "realtime.transcription_session"
        self._session: Json = {"type": "transcription", "object": shape, "audio": {"input": heard}}
        self._is_configured = False
        self._is_hearing = False
        self._odd = b""
        self._resampler = soxr.ResampleStream(_RATE_GA, _RATE_THEIRS, 1, dtype="int16")
        self._items: list[str] = []
        """Committed turns whose text is still to come."""
        self._last: str | None = None
        self._coming = ids("item")

    # to the upstream

    def up(self, raw: bytes) -> Sequence[bytes]:
        """A client event as it understands it."""
        event = decode(raw)
        if event is None:
            return (raw,)
        kind = str(event.get("type"))
        if kind == APPEND:
            return self._append(str(event.get("audio", "")))
        if kind == "session.update":
            return self._update(event)
        if kind == "input_audio_buffer.commit":
            return self._commit(event)
        reply = self.dialect.client_events.get(kind, Reply.REFUSED)
        if kind == "input_audio_buffer.clear":
            self._say("input_audio_buffer.cleared")
        elif reply is Reply.REFUSED:
            self._refuse(
                event, "not_offered_by_upstream", f"`{kind}` has no meaning where only text is made."
            )
        elif reply is Reply.MISSING:
            self._refuse(event, "item_retrieve_invalid_item_id", "This upstream tells of no item again.")
        return ()

    def _append(self, audio: str) -> Sequence[bytes]:
        try:
            pcm = self._odd + pybase64.b64decode(audio, validate=True)
        except ValueError:
            self._refuse({}, "invalid_value", "The audio is not base64.")
            return ()
        whole = len(pcm) - len(pcm) % 2
        self._odd = pcm[whole:]
        heard = self._resampler.resample_chunk(np.frombuffer(pcm[:whole], dtype=np.int16))
        if not len(heard):
            return ()
        told = {"type": APPEND, "audio": pybase64.b64encode(heard.tobytes()).decode()}
        return (*self._begun(), encode(told))

    def _begun(self) -> Sequence[bytes]:
        """The commit by which it begins to write; before it a model must have been named."""
        if self._is_hearing:
            return ()
        self._is_hearing = True
        start = encode({"type": "input_audio_buffer.commit", "final": False})
        return (start,) if self._is_configured else (self._configured(), start)

    def _configured(self) -> bytes:
        self._is_configured = True
        return encode({"type": "session.update", "model": self._own.model})

    def _update(self, event: Json) -> Sequence[bytes]:
        _, left = session_for(self.dialect, as_object(event.get("session")))
        if left:
            named = [f"session.{path}" for path in left]
            self._on_left_out(named)
            self._session["holdfast"] = {"left_out": named}
        first = () if self._is_configured else (self._configured(),)
        self._say("session.updated", session=self._session)
        return first

    def _commit(self, event: Json) -> Sequence[bytes]:
        if not self._is_hearing:
            self._refuse(event, "input_audio_buffer_commit_empty", "Nothing was heard since the last commit.")
            return ()
        self._is_hearing = False
        tail = self._resampler.resample_chunk(np.empty(0, dtype=np.int16), last=True)
        self._resampler.clear()
        item_id, before = self._coming, self._last
        self._coming, self._last = self._ids("item"), item_id
        self._items.append(item_id)
        item = {"id": item_id, "object": "realtime.item", "type": "message", "status": "completed"}
        item |= {"role": "user", "content": [{"type": "input_audio", "transcript": None}]}  # type: ignore[dict-item] # JSON
        self._say("input_audio_buffer.committed", previous_item_id=before, item_id=item_id)
        self._say("conversation.item.added", previous_item_id=before, item=item)
        self._say("conversation.item.done", previous_item_id=before, item=item)
        end = encode({"type": "input_audio_buffer.commit", "final": True})
        if not len(tail):
            return (end,)
        return (encode({"type": APPEND, "audio": pybase64.b64encode(tail.tobytes()).decode()}), end)

    # from the upstream

    def down(self, raw: bytes) -> Sequence[bytes]:
        """A server event in GA's words."""
        event = decode(raw)
        if event is None:
            return (raw,)
        match event.get("type"):
            case "session.created":
                self._session["id"] = event.get("id") or self._ids("sess")
                return (self._event("session.created", session=self._session),)
            case "transcription.delta":
                return (self._text("delta", delta=str(event.get("delta", ""))),)
            case "transcription.done":
                return (self._written(event),)
            case "error":
                return (self._erred(event),)
        return ()

    def _text(self, kind: str, **fields: Any) -> bytes:
        """Text belongs to the oldest turn that has none yet, or to the one that is being heard."""
        item_id = self._items[0] if self._items else self._coming
        return self._event(f"{_HEARD}.{kind}", item_id=item_id, content_index=0, **fields)

    def _written(self, event: Json) -> bytes:
        told = event.get("usage")
        used = told if isinstance(told, dict) else {}
        usage = {
            "type": "tokens",
            "input_tokens": used.get("prompt_tokens", 0),
            "output_tokens": used.get("completion_tokens", 0),
            "total_tokens": used.get("total_tokens", 0),
        }
        done = self._text("completed", transcript=str(event.get("text", "")), usage=usage)
        if self._items:
            del self._items[0]
        return done

    def _erred(self, event: Json) -> bytes:
        told = event.get("error")
        message = str(as_object(told).get("message", "")) if not isinstance(told, str) else told
        code = event.get("code")
        kind = "server_error" if code == "processing_error" else "invalid_request_error"
        error = {"type": kind, "code": code, "message": message, "param": None, "event_id": None}
        return self._event("error", error=error)

    # inside

    def _refuse(self, event: Json, code: str, message: str) -> None:
        error = {"type": "invalid_request_error", "code": code, "message": message, "param": None}
        self._say("error", error={**error, "event_id": event.get("event_id")})

    def _say(self, kind: str, **fields: Any) -> None:
        self.back.append(self._event(kind, **fields))

    def _event(self, kind: str, **fields: Any) -> bytes:
        return encode({"type": kind, "event_id": self._ids("event"), **fields})
