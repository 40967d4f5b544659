"""Writing a response: every event of sections 8.2 to 8.5, in order, exactly one `response.done`.

What lives here: `ResponseWriter` and `MessageWriter`, which turn "say this" into the dialect's events.
What never will: knowing what to say.

After its end a writer swallows whatever still comes: the voice of a cancelled response may be a few
buffers behind, and nobody downstream wants to hear it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

import pybase64

from holdfast.wire.realtime.events import (
    BYTES_PER_MS,
    Json,
    Outlet,
    function_call_item,
    message_item,
    response_usage,
)
from holdfast.wire.realtime.g711 import compressor_for
from holdfast.wire.realtime.items import Conversation

Status = Literal["completed", "cancelled", "incomplete", "failed"]

# The dialect's own status of an item, by the status of the response that ends with it open.
_ITEM_STATUS: Final[Mapping[Status, str]] = {
    "completed": "completed",
    "cancelled": "incomplete",
    "incomplete": "incomplete",
    "failed": "incomplete",
}

# The token limit we name in `rate_limits.updated`: nothing is limited here, so it never shrinks.
_TOKEN_LIMIT: Final = 1_000_000


def response_settings(
    session: Mapping[str, Any], asked: Mapping[str, Any], metadata: Mapping[str, str] | None
) -> Json:
    """What holds for one response: the session's settings under those of the request."""
    output = {**session["audio"]["output"], **asked.get("audio", {}).get("output", {})}
    return {
        "output_modalities": asked.get("output_modalities", session["output_modalities"]),
        "max_output_tokens": asked.get("max_output_tokens", session["max_output_tokens"]),
        "audio": {"output": {"format": output["format"], "voice": output["voice"]}},
        "metadata": dict(metadata) if metadata else asked.get("metadata"),
    }


class MessageWriter:
    """One assistant message with one part, spoken or written as the response's modality says."""

    def __init__(self, response: ResponseWriter, output_index: int) -> None:
        self._response = response
        self._outlet = response.outlet
        self._is_spoken = response.is_spoken
        self._words: list[str] = []
        self._ended = False
        self.audio_bytes = 0
        self.item_id = self._outlet.new_id("item")
        self._output_index = output_index
        self._in_part = {
            "response_id": response.id,
            "item_id": self.item_id,
            "output_index": output_index,
            "content_index": 0,
        }
        self._item = message_item(self.item_id, "assistant", [], "in_progress")
        response.item_added(output_index, self._item)
        self._outlet.send("response.content_part.added", **self._in_part, part=self._part(""))

    @property
    def words(self) -> str:
        """What was said or written so far."""
        return "".join(self._words)

    def transcript(self, delta: str) -> None:
        """Words that are spoken; written ones where the modality is text."""
        if self._ended or not delta:
            return
        self._words.append(delta)
        kind = "response.output_audio_transcript.delta" if self._is_spoken else "response.output_text.delta"
        self._outlet.send(kind, **self._in_part, delta=delta)

    text = transcript
    """The same verb: how words travel is the modality's business."""

    def audio(self, pcm: bytes) -> None:
        """Speech, PCM16 24 kHz. Nothing where the modality is text."""
        if self._ended or not self._is_spoken or not pcm:
            return
        self.audio_bytes += len(pcm)
        self._response.audio_sent(self.item_id, len(pcm))
        encoded = self._response.encode_audio(pcm)
        if encoded:
            delta = pybase64.b64encode_as_string(encoded)
            self._outlet.send("response.output_audio.delta", **self._in_part, delta=delta)

    def done(self, status: Status = "completed") -> None:
        """End the message. Twice is harmless."""
        if self._ended:
            return
        self._ended = True
        send, words = self._outlet.send, self.words
        if self._is_spoken:
            send("response.output_audio.done", **self._in_part)
            send("response.output_audio_transcript.done", **self._in_part, transcript=words)
        else:
            send("response.output_text.done", **self._in_part, text=words)
        send("response.content_part.done", **self._in_part, part=self._part(words))
        content = (
            {"type": "output_audio", "transcript": words}
            if self._is_spoken
            else {"type": "output_text", "text": words}
        )
        self._item["content"].append(content)
        self._item["status"] = _ITEM_STATUS[status]
        self._response.item_done(self._output_index, self._item)

    def _part(self, words: str) -> Json:
        return {"type": "audio", "transcript": words} if self._is_spoken else {"type": "text", "text": words}


class ResponseWriter:
    """One response, from `response.created` to `response.done`."""

    def __init__(
        self,
        *,
        outlet: Outlet,
        conversation: Conversation | None,
        settings: Mapping[str, Any],
        heard: Callable[[], tuple[int, int]],
        on_audio: Callable[[], None],
        on_done: Callable[[ResponseWriter], None],
    ) -> None:
        """`conversation` is None for an out-of-band response; `settings` are the effective
        `output_modalities`, `max_output_tokens`, `audio`, `metadata`; `heard` tells how many
        milliseconds of audio and characters of text the answer is based on.
        """
        self.outlet = outlet
        self.id = outlet.new_id("resp")
        self.is_done = False
        self.usage: Json | None = None
        """What it says that it used, instead of counting; empty for nothing at all."""
        self.status: Status | Literal["in_progress"] = "in_progress"
        self._conversation = conversation
        self._settings = settings
        self._heard = heard
        self._on_audio = on_audio
        self._on_done = on_done
        self._outputs: list[Json] = []
        self._output_count = 0
        self._spoken_bytes = 0
        self._compressor = compressor_for(settings["audio"]["output"]["format"])
        self._open: MessageWriter | None = None
        outlet.send("response.created", response=self._shape(None, None))

    @property
    def is_spoken(self) -> bool:
        """Whether the answer is speech; text otherwise."""
        return "audio" in self._settings["output_modalities"]

    @property
    def is_out_of_band(self) -> bool:
        """Whether the answer stays outside of the conversation."""
        return self._conversation is None

    @property
    def spoken_ms(self) -> int:
        """Speech that was given out: how long a listener hears it."""
        return self._spoken_bytes // BYTES_PER_MS

    @property
    def metadata(self) -> Mapping[str, str]:
        """What the client attached to its request."""
        return self._settings["metadata"] or {}

    def message(self) -> MessageWriter:
        """Begin a message; an open one is completed first."""
        assert not self.is_done, "a finished response says nothing more"
        if self._open is not None:
            self._open.done()
        self._open = MessageWriter(self, self._next_output())
        return self._open

    def function_call(self, name: str, arguments: str) -> str:
        """Call a tool. `arguments` is JSON text. Gives the call's id."""
        assert not self.is_done, "a finished response calls nothing more"
        if self._open is not None:
            self._open.done()
        call_id, item_id, index = self.outlet.new_id("call"), self.outlet.new_id("item"), self._next_output()
        item = function_call_item(item_id, call_id, name, "", "in_progress")
        self.item_added(index, item)
        where = {"response_id": self.id, "item_id": item_id, "output_index": index, "call_id": call_id}
        self.outlet.send("response.function_call_arguments.delta", **where, delta=arguments)
        self.outlet.send("response.function_call_arguments.done", **where, name=name, arguments=arguments)
        item |= {"arguments": arguments, "status": "completed"}
        self.item_done(index, item)
        return call_id

    def done(
        self,
        status: Status = "completed",
        reason: str | None = None,
        error: Json | None = None,
        usage: Json | None = None,
    ) -> None:
        """End the response: open parts, `response.done`, `rate_limits.updated`. Twice is harmless.

        `reason`: `turn_detected`, `client_cancelled`, `max_output_tokens` or `content_filter`; `error`:
        {type, code, message} of a failed one; `usage`: counted from what was written when not given.
        """
        if self.is_done:
            return
        if self._open is not None:
            self._open.done(status)
        self.is_done = True
        self.status = status
        details: Json | None = None
        if status != "completed":
            details = {"type": status}
            details |= {} if reason is None else {"reason": reason}
            details |= {} if error is None else {"error": error}
        self.outlet.send("response.done", response=self._shape(details, usage or self._used()))
        limit = {"name": "tokens", "limit": _TOKEN_LIMIT, "remaining": _TOKEN_LIMIT, "reset_seconds": 0.0}
        self.outlet.send("rate_limits.updated", rate_limits=[limit])
        self._on_done(self)

    # what a message asks of its response

    def encode_audio(self, pcm: bytes) -> bytes:
        """PCM16 24 kHz in the response's output format."""
        return pcm if self._compressor is None else self._compressor.feed(pcm)

    def item_added(self, output_index: int, item: Json) -> None:
        """An output item begins."""
        self.outlet.send(
            "response.output_item.added", response_id=self.id, output_index=output_index, item=item
        )
        if self._conversation is not None:
            previous = self._conversation.last_id
            self._conversation.append(item)
            self.outlet.send("conversation.item.added", previous_item_id=previous, item=item)

    def item_done(self, output_index: int, item: Json) -> None:
        """An output item is final."""
        self._outputs.append(item)
        if self._conversation is not None and self._conversation.find(item["id"]) is not None:
            previous = self._conversation.previous_of(item["id"])
            self.outlet.send("conversation.item.done", previous_item_id=previous, item=item)
        self.outlet.send(
            "response.output_item.done", response_id=self.id, output_index=output_index, item=item
        )

    def audio_sent(self, item_id: str, size: int) -> None:
        """`size` bytes of PCM are about to leave."""
        self._spoken_bytes += size
        self._on_audio()
        if self._conversation is not None:
            self._conversation.count_spoken(item_id, size)

    def _next_output(self) -> int:
        self._output_count += 1
        return self._output_count - 1

    def _used(self) -> Json | None:
        if self.usage is not None:
            return self.usage or None
        chars = 0
        for item in self._outputs:
            chars += len(item.get("arguments", ""))
            chars += sum(
                len(part.get("text", part.get("transcript", ""))) for part in item.get("content", ())
            )
        heard_ms, read_chars = self._heard()
        return response_usage(spoken_ms=self.spoken_ms, chars=chars, heard_ms=heard_ms, read_chars=read_chars)

    def _shape(self, details: Json | None, usage: Json | None) -> Json:
        return {
            "object": "realtime.response",
            "id": self.id,
            "status": self.status,
            "status_details": details,
            "output": self._outputs,
            "conversation_id": self._conversation.id if self._conversation is not None else None,
            **self._settings,
            "usage": usage,
        }
