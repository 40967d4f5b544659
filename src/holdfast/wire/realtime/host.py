"""The server role of the Realtime dialect, GA shape: client events in, server events out, in order.

What lives here: carrying out client events and the verbs by which a responder speaks (sections 6 to 9 of
the dialect).
What never will: sockets, clocks, tasks, understanding, speech. `receive` never raises for what a client
sent: whatever is wrong becomes one `error` event, and the session goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final

import pybase64

from holdfast.wire.realtime.audio_input import AudioInput
from holdfast.wire.realtime.client_events import checked, event_id_of, parse
from holdfast.wire.realtime.events import (
    BYTES_PER_MS,
    Json,
    Outlet,
    message_item,
    new_id,
    transcription_usage,
)
from holdfast.wire.realtime.items import Conversation
from holdfast.wire.realtime.requests import Requests
from holdfast.wire.realtime.responder import Responder
from holdfast.wire.realtime.response import ResponseWriter, response_settings
from holdfast.wire.realtime.rules import Refused
from holdfast.wire.realtime.session_config import Intent, SessionConfig

OUT_OF_BAND_MAX: Final = 16
"""Responses outside of the conversation that may run at once."""

_QUIET_AUDIO_MS: Final = 15_000
"""How far back a turn may begin while voice activity detection is on."""


class RealtimeHost:
    """One session of the dialect, seen from the server."""

    def __init__(
        self,
        *,
        model: str,
        responder: Responder,
        emit: Callable[[bytes], None],
        expires_at: int,
        session_id: str | None = None,
        ids: Callable[[str], str] = new_id,
        intent: Intent = "realtime",
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        """`emit` gets each server event as JSON; `expires_at` is in Unix seconds; `ids` makes an
        identifier from a prefix (`item`, `resp`, ...); `settings` hold from the start."""
        self._outlet = Outlet(emit, ids)
        self._responder = responder
        self._intent: Intent = intent
        self._config = SessionConfig(
            intent=intent, model=model, session_id=session_id or ids("sess"), expires_at=expires_at
        )
        if settings is not None:
            self._config.update(settings, voice_is_locked=False)
        self._conversation = Conversation(ids)
        self._input = AudioInput()
        self._unheard_bytes = 0
        self._coming: str | None = None  # id of the user item that is being spoken
        self._coming_from_ms: int | None = None
        self._coming_to_ms: int | None = None
        self._voice_is_locked = False
        self._heard_ms = 0
        self._requests = Requests()
        self._out_of_band: dict[str, ResponseWriter] = {}
        self.active: ResponseWriter | None = None
        responder.bind(self)

    @property
    def session(self) -> Mapping[str, Any]:
        """The effective session object. Read only."""
        return self._config.effective

    @property
    def items(self) -> list[Json]:
        """The conversation's items in order. Read only."""
        return self._conversation.items

    @property
    def audio_ms(self) -> int:
        """Audio received since the session began."""
        return self._input.total_ms

    def item_audio(self, item_id: str) -> bytes:
        """The user audio of an item, PCM16 24 kHz; empty when none is held."""
        return self._conversation.audio_of(item_id)

    def open(self) -> None:
        """Greet: `session.created`."""
        self._outlet.send("session.created", session=self.session)

    def receive(self, text: bytes) -> None:
        """Carry out one client event."""
        event_id = None
        try:
            event = parse(text)
            event_id = event_id_of(event)
            event = checked(event)
            self._VERBS[event["type"]](self, event)
        except Refused as refusal:
            self._outlet.refuse(refusal, event_id)

    def receive_binary(self) -> None:
        """Binary messages have no meaning in this dialect."""
        self._outlet.error(
            "invalid_request_error", "invalid_event", "Send events as JSON text, not as binary."
        )

    def fail(
        self,
        kind: str,
        code: str | None,
        message: str,
        *,
        param: str | None = None,
        event_id: str | None = None,
    ) -> None:
        """Emit an `error` of the responder's side (`server_error`, `session_expired`). `event_id` is the
        client event that caused it, if one did.
        """
        self._outlet.error(kind, code, message, param=param, event_id=event_id)

    # the responder's verbs: the user's side

    def speech_started(self, audio_start_ms: int) -> str:
        """Speech began; gives the id of the coming user item. Again within one turn: it goes on."""
        if self._coming is None:
            self._coming = self._outlet.new_id("item")
            self._coming_from_ms = audio_start_ms
        self._coming_to_ms = None
        self._outlet.send(
            "input_audio_buffer.speech_started", audio_start_ms=audio_start_ms, item_id=self._coming
        )
        return self._coming

    def speech_stopped(self, audio_end_ms: int) -> None:
        """Speech ended. `commit` follows, or speech again."""
        assert self._coming is not None, "speech that never started cannot stop"
        self._coming_to_ms = audio_end_ms
        self._outlet.send(
            "input_audio_buffer.speech_stopped", audio_end_ms=audio_end_ms, item_id=self._coming
        )

    def commit(self) -> str:
        """Make the user item from the audio of the turn; gives its id."""
        item_id = self._coming or self._outlet.new_id("item")
        pcm = self._input.take(self._coming_from_ms, self._coming_to_ms)
        self._forget_turn()
        self._heard_ms += len(pcm) // BYTES_PER_MS
        previous = self._conversation.last_id
        self._outlet.send("input_audio_buffer.committed", previous_item_id=previous, item_id=item_id)
        item = message_item(item_id, "user", [{"type": "input_audio", "transcript": None}])
        self._conversation.append(item)
        self._conversation.hold_audio(item_id, pcm)
        self._announce(item)
        self._shed()
        return item_id

    def forget_audio(self) -> None:
        """The connection is over: nobody asks for what was heard any more."""
        self._input.clear()
        self._conversation.forget_audio()

    def idle_timeout(self, audio_start_ms: int) -> str:
        """Nobody spoke since `audio_start_ms`: commit that silence as a turn; gives the user item's id."""
        assert self._coming is None, "who speaks is not idle"
        self._coming, self._coming_from_ms = self._outlet.new_id("item"), audio_start_ms
        self._outlet.send(
            "input_audio_buffer.timeout_triggered",
            audio_start_ms=audio_start_ms,
            audio_end_ms=self.audio_ms,
            item_id=self._coming,
        )
        return self.commit()

    def transcript_delta(self, item_id: str, delta: str) -> None:
        """A piece of the transcript of a user item. Silent where the session wants none."""
        if self._transcription_model() is not None:
            self._outlet.send(
                "conversation.item.input_audio_transcription.delta",
                item_id=item_id,
                content_index=0,
                delta=delta,
            )

    def transcript_completed(
        self, item_id: str, transcript: str, seconds: float, usage: Json | None = None
    ) -> None:
        """The whole transcript of a user item of `seconds` of audio. It stands at the first part that has
        audio; further ones were heard with it. `usage`: counted when not given, {} for none.
        """
        index = self._conversation.transcribed(item_id, transcript)
        model = self._transcription_model()
        if model is None:
            return
        self._outlet.send(
            "conversation.item.input_audio_transcription.completed",
            item_id=item_id,
            content_index=index,
            transcript=transcript,
            usage=transcription_usage(model, seconds, transcript) if usage is None else usage or None,
        )

    def transcript_failed(self, item_id: str, code: str, message: str) -> None:
        """The audio could not be transcribed; the turn itself goes on."""
        if self._transcription_model() is None:
            return
        error = {"type": "transcription_error", "code": code, "message": message, "param": None}
        self._outlet.send(
            "conversation.item.input_audio_transcription.failed",
            item_id=item_id,
            content_index=self._conversation.audio_part(item_id),
            error=error,
        )

    # the responder's verbs: the assistant's side

    def begin_response(
        self, *, metadata: Mapping[str, str] | None = None, request: Mapping[str, Any] | None = None
    ) -> ResponseWriter:
        """Begin to answer. Raises `RuntimeError` when a response of the conversation is active.

        `request` is what `response_requested` got; without it the last one that was not answered yet
        counts, and none means the session's own settings.
        """
        waited = self._requests.take(request)
        asked = waited.body
        outside = asked.get("conversation") == "none"
        if self.active is not None and not outside:
            raise RuntimeError(f"{self.active.id} is still active")
        writer = ResponseWriter(
            outlet=self._outlet,
            conversation=None if outside else self._conversation,
            settings=response_settings(self.session, asked, metadata),
            heard=lambda: (self._heard_ms, self._read_chars()),
            on_audio=self._lock_voice,
            on_done=self._response_done,
        )
        if outside:
            self._out_of_band[writer.id] = writer
        else:
            self.active = writer
        if waited.is_cancelled:
            writer.done("cancelled", "client_cancelled")
        return writer

    def decline_response(self, request: Mapping[str, Any] | None = None) -> None:
        """Refuse a request, or the last one, after all: before its turn came, another response began."""
        assert self.active is not None, "nothing stands in its way"
        self._outlet.refuse(_already_active(self.active), self._requests.take(request).event_id)

    # client events, one method each

    def _update_session(self, event: Json) -> None:
        self._config.update(event["session"], voice_is_locked=self._voice_is_locked)
        self._outlet.send("session.updated", session=self.session)
        self._responder.session_updated(event["session"])

    def _append_audio(self, event: Json) -> None:
        heard = self.session["audio"]["input"]
        before_ms = self._input.total_ms
        pcm = self._input.append(event["audio"], heard["format"])
        if self._coming is None and heard["turn_detection"] is not None:
            # Counted from where that begins which may not have been heard yet: this append, and what waited.
            self._input.forget_before(before_ms - self._unheard_bytes // BYTES_PER_MS - _QUIET_AUDIO_MS)
        if pcm:
            self._unheard_bytes = self._responder.audio(pcm)

    def _commit_audio(self, _event: Json) -> None:
        if not self._input.is_committable:
            raise Refused(
                "input_audio_buffer_commit_empty", "There is less than 100 ms of audio since the last commit."
            )
        self._responder.committed(self.commit())

    def _clear_audio(self, _event: Json) -> None:
        self._input.clear()
        self._forget_turn()
        self._outlet.send("input_audio_buffer.cleared")
        self._responder.audio_cleared()

    def _clear_output(self, _event: Json) -> None:
        raise Refused(
            "invalid_value",
            "Over WebSocket the client plays the audio itself; send 'response.cancel' and truncate the item.",
            param="type",
        )

    def _create_item(self, event: Json) -> None:
        heard = self.session["audio"]["input"]["format"]
        item = self._conversation.insert(event["item"], event.get("previous_item_id"), heard)
        self._heard_ms += len(self._conversation.audio_of(item["id"])) // BYTES_PER_MS
        self._announce(item)
        self._responder.item_created(item)

    def _retrieve_item(self, event: Json) -> None:
        item = self._conversation.find(event["item_id"])
        if item is None:
            raise _no_item("item_retrieve_invalid_item_id", event)
        pcm = self._conversation.audio_of(event["item_id"])
        if pcm:
            content = [dict(part) for part in item["content"]]
            heard = next(part for part in content if part["type"] == "input_audio")
            heard["audio"] = pybase64.b64encode_as_string(pcm)
            item = {**item, "content": content}
        self._outlet.send("conversation.item.retrieved", item=item)

    def _truncate_item(self, event: Json) -> None:
        item_id, end_ms = event["item_id"], event["audio_end_ms"]
        self._conversation.truncate(item_id, event["content_index"], end_ms)
        self._outlet.send(
            "conversation.item.truncated",
            item_id=item_id,
            content_index=event["content_index"],
            audio_end_ms=end_ms,
        )
        self._responder.truncated(item_id, end_ms)

    def _delete_item(self, event: Json) -> None:
        if not self._conversation.delete(event["item_id"]):
            raise _no_item("item_delete_invalid_item_id", event)
        self._outlet.send("conversation.item.deleted", item_id=event["item_id"])

    def _create_response(self, event: Json) -> None:
        request = self._conversation.referred(event.get("response") or {})
        if self._intent == "transcription":
            raise Refused("invalid_value", "A transcription session gives no responses.", param="type")
        outside = request.get("conversation") == "none"
        if not outside and self.active is not None:
            raise _already_active(self.active)
        if outside and len(self._out_of_band) >= OUT_OF_BAND_MAX:
            raise Refused(
                "rate_limit_exceeded", "Too many out-of-band responses at once.", kind="rate_limit_error"
            )
        self._requests.made(request, event_id_of(event))
        self._responder.response_requested(request)

    def _cancel_response(self, event: Json) -> None:
        wanted = event.get("response_id")
        writer = self.active if wanted is None else self._running(wanted)
        if writer is None and wanted is None and self._requests.cancel():
            return  # it ends as soon as it begins
        if writer is None:
            raise Refused("response_cancel_not_active", "Cancellation failed: no active response found.")
        self._responder.response_cancelled(writer)
        writer.done("cancelled", "client_cancelled")

    # which method carries out which event
    _VERBS: ClassVar[Mapping[str, Callable[[RealtimeHost, Json], None]]] = {
        "session.update": _update_session,
        "input_audio_buffer.append": _append_audio,
        "input_audio_buffer.commit": _commit_audio,
        "input_audio_buffer.clear": _clear_audio,
        "output_audio_buffer.clear": _clear_output,
        "conversation.item.create": _create_item,
        "conversation.item.retrieve": _retrieve_item,
        "conversation.item.truncate": _truncate_item,
        "conversation.item.delete": _delete_item,
        "response.create": _create_response,
        "response.cancel": _cancel_response,
    }

    # inside

    def _running(self, response_id: str) -> ResponseWriter | None:
        if self.active is not None and self.active.id == response_id:
            return self.active
        return self._out_of_band.get(response_id)

    def _announce(self, item: Json) -> None:
        previous = self._conversation.previous_of(item["id"])
        self._outlet.send("conversation.item.added", previous_item_id=previous, item=item)
        self._outlet.send("conversation.item.done", previous_item_id=previous, item=item)

    def _shed(self) -> None:
        """Forget the oldest item of a conversation beyond its bound, and say so."""
        oldest = self._conversation.oldest_beyond_bound()
        if oldest is not None:
            self._conversation.delete(oldest)
            self._outlet.send("conversation.item.deleted", item_id=oldest)

    def _forget_turn(self) -> None:
        self._coming = self._coming_from_ms = self._coming_to_ms = None

    def _transcription_model(self) -> str | None:
        asked = self.session["audio"]["input"]["transcription"]
        return None if asked is None else str(asked.get("model", ""))

    def _read_chars(self) -> int:
        return len(self.session.get("instructions", "")) + self._conversation.text_chars

    def _lock_voice(self) -> None:
        self._voice_is_locked = True

    def _response_done(self, writer: ResponseWriter) -> None:
        self._out_of_band.pop(writer.id, None)
        if self.active is writer:
            self.active = None
        self._shed()


def _no_item(code: str, event: Json) -> Refused:
    return Refused(code, f"There is no item '{event['item_id']}'.", param="item_id")


def _already_active(writer: ResponseWriter) -> Refused:
    return Refused(
        "conversation_already_has_active_response",
        f"Conversation already has an active response in progress: {writer.id}. "
        "Wait until it is finished before creating another one.",
    )
