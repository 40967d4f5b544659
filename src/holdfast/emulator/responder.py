"""Who answers in an emulator: hears by loudness, echoes, plays its script, calls tools when told to.

What lives here: the emulator's side of the conversation.
What never will: faults; whoever watches may end a response that has begun, or let it stall.

How it answers, first match: `metadata.holdfast_say` word for word; the output of a tool (its `say`, else
the output); the script's turn, or its rest (`metadata.holdfast_carry_on`); `call NAME {json}` in the user's
words, when that tool is offered; some tool, where one is required; an echo of the words, or where there are
none of what the request for the answer told it.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import accumulate
from typing import Any, Final, Protocol

import msgspec

from holdfast.emulator.options import EmulatorOptions
from holdfast.emulator.reading import json_object
from holdfast.emulator.record import SessionRecord
from holdfast.emulator.script import Call, Turn
from holdfast.emulator.voice import DELTA_MS, Ear, deltas, spoken
from holdfast.wire.realtime import BYTES_PER_MS, MessageWriter, RealtimeHost, ResponseWriter
from holdfast.wire.realtime.events import TOKEN_CHARS, TOKEN_MS_OUT

_CALL: Final = re.compile(r"\bcall\s+([A-Za-z0-9_.-]{1,64})\s*(\{.*\})?", re.IGNORECASE | re.DOTALL)

_SEMANTIC_SILENCE_MS: Final = 500

OUTPUT_TOKENS_MAX: Final = 32_000
"""Of an answer that the client has not bounded: what the newest models give at most."""
NOTHING_LEFT: Final = "That was all."
"""The rest of an answer of which every word had been said."""


@dataclass(frozen=True, slots=True)
class _Question:
    """What a response answers: words, the outputs of tools, as the script's turn says."""

    asked: str | None
    outputs: list[str]
    turn: Turn | None = None


class Watcher(Protocol):
    """Who is told what happens between the events, and may interfere."""

    def begun(self, writer: ResponseWriter) -> None:
        """A response has begun and said nothing yet. May end it."""

    def heard(self, before_ms: int, now_ms: int) -> None:
        """So much audio of a turn had come, and has come now."""

    def stalls(self) -> bool:
        """Whether the response that has just said something says nothing more."""


class Nobody:
    """A watcher that lets everything pass."""

    def begun(self, writer: ResponseWriter) -> None:
        """Nothing to do."""

    def heard(self, before_ms: int, now_ms: int) -> None:
        """Nothing to do."""

    def stalls(self) -> bool:
        """Never."""
        return False


class EmulatedResponder:
    """Fills the port `Responder`."""

    host: RealtimeHost

    def __init__(
        self, options: EmulatorOptions, record: SessionRecord, watcher: Watcher | None = None
    ) -> None:
        self._options = options
        self._record = record
        self._watcher = watcher or Nobody()
        self._ear = Ear()
        self._turn_bytes = 0
        self._pump: asyncio.TimerHandle | None = None
        self._outputs: list[str] = []
        self._asked: str | None = None
        self._answered: tuple[str | None, list[str]] = (None, [])
        """What the assistant's restored words were an answer to; their rest may be asked for."""
        self._turn: Turn | None = None

    # the port

    def bind(self, host: RealtimeHost) -> None:
        self.host = host

    def session_updated(self, changed: Mapping[str, Any]) -> None:  # noqa: ARG002 - the port's signature
        if self._turn_detection() is None:
            self._ear.forget_turn()

    def audio(self, pcm: bytes) -> int:
        self._record.audio(pcm)
        detection = self._turn_detection()
        if detection is None:
            self._ear.pass_over(pcm)
        else:
            self._listen(pcm, detection)
        if detection is None or self._ear.is_speaking:
            before_ms = self._turn_bytes // BYTES_PER_MS
            self._turn_bytes += len(pcm)
            self._watcher.heard(before_ms, self._turn_bytes // BYTES_PER_MS)
        return 0

    def _listen(self, pcm: bytes, detection: Mapping[str, Any]) -> None:
        silence_ms = detection.get("silence_duration_ms", _SEMANTIC_SILENCE_MS)
        for edge in self._ear.feed(
            pcm, prefix_ms=detection.get("prefix_padding_ms", 0), silence_ms=silence_ms
        ):
            if edge.kind == "started":
                self._turn_bytes = 0
                self.host.speech_started(edge.ms)
                self._barge_in(detection)
            else:
                self._turn_ended(edge.ms, detection)

    def audio_cleared(self) -> None:
        self._ear.forget_turn()
        self._turn_bytes = 0

    def committed(self, item_id: str) -> None:
        self._ear.forget_turn()
        self._turn_bytes = 0
        self._understand(item_id)

    def item_created(self, item: dict[str, Any]) -> None:
        self._record.item(item, self.host.item_audio(item["id"]))
        if item["type"] == "function_call_output":
            self._outputs.append(item["output"])
        elif item["type"] == "message" and item["role"] == "user":
            self._take_turn(_words_of(item) or self._words_heard(item["id"]))
        elif item["type"] == "message" and item["role"] == "assistant":
            # History that is being restored: whatever was asked before this was answered.
            self._answered = self._asked, self._outputs
            self._asked, self._outputs = None, []

    def response_requested(self, request: dict[str, Any]) -> None:
        self._respond(request)

    def response_cancelled(self, writer: ResponseWriter) -> None:  # noqa: ARG002 - the port's signature
        self._stop_pump()

    def truncated(self, item_id: str, audio_end_ms: int) -> None:
        """Nothing to do: what was said is not used again."""

    def close(self) -> None:
        """The connection is gone; say nothing more."""
        self._stop_pump()

    # hearing

    def _turn_detection(self) -> Mapping[str, Any] | None:
        found: Mapping[str, Any] | None = self.host.session["audio"]["input"]["turn_detection"]
        return found

    def _barge_in(self, detection: Mapping[str, Any]) -> None:
        if self.host.active is not None and detection.get("interrupt_response", True):
            self._stop_pump()
            self.host.active.done("cancelled", "turn_detected")

    def _turn_ended(self, ms: int, detection: Mapping[str, Any]) -> None:
        self.host.speech_stopped(ms)
        self._understand(self.host.commit())
        conversation = self.host.session["type"] == "realtime"
        if conversation and detection.get("create_response", True) and self.host.active is None:
            self._respond({})

    def _understand(self, item_id: str) -> None:
        words = self._words_heard(item_id)
        for piece in _pieces(words):
            self.host.transcript_delta(item_id, piece)
        ms = len(self.host.item_audio(item_id)) // BYTES_PER_MS
        turn = self._scripted()
        self.host.transcript_completed(item_id, words, ms / 1000, None if turn is None else turn.hear_usage)
        self._take_turn(words)

    def _words_heard(self, item_id: str) -> str:
        """What the audio of a user item says: the script's words, or its length."""
        turn = self._scripted()
        if turn is not None and turn.hear is not None:
            return turn.hear
        ms = len(self.host.item_audio(item_id)) // BYTES_PER_MS
        return f"({ms} ms of speech)" if ms else ""

    def _take_turn(self, words: str) -> None:
        self._asked = words
        self._turn = self._scripted()
        self._record.understood(words)

    def _scripted(self) -> Turn | None:
        """The script's turn for the newest user message. Counted in the conversation, so that a session
        that was restored goes on where the old one stopped."""
        users = sum(item["type"] == "message" and item["role"] == "user" for item in self.host.items)
        script = self._options.script
        return script[users - 1] if 0 < users <= len(script) else None

    # answering

    def _respond(self, request: Mapping[str, Any]) -> None:
        writer = self.host.begin_response(request=request)
        question = self._question(request)
        writer.usage = None if question.turn is None else question.turn.usage
        self._watcher.begun(writer)
        if writer.is_done:
            return
        verbatim = writer.metadata.get("holdfast_say")
        heard = writer.metadata.get("holdfast_carry_on")
        call = None if verbatim or heard else self._call_due(request, question)
        if call is not None:
            writer.function_call(call.name, msgspec.json.encode(call.arguments).decode())
            writer.done()
            return
        if heard and question.asked is None and not question.outputs:
            asked, outputs = self._answered
            question = replace(question, asked=asked, outputs=outputs)
        whole = verbatim or _rest_of(_answer(request, question, is_rest=heard is not None), heard)
        answer = whole[: self._chars_max(request, is_spoken=writer.is_spoken)]
        is_cut = len(answer) < len(whole)
        if writer.is_out_of_band:
            # Beside the conversation there is one pump only, and it belongs to the conversation; as does
            # what waits for an answer there.
            self._say_at_once(writer, answer, is_cut=is_cut)
            return
        if not verbatim:
            self._asked, self._outputs = None, []
        speech = self._speech(writer.message(), answer, is_spoken=writer.is_spoken)
        self._step(writer, speech, is_cut=is_cut)

    def _chars_max(self, request: Mapping[str, Any], *, is_spoken: bool) -> int:
        """How many characters of an answer `max_output_tokens` leaves, as its usage is counted."""
        told = request.get("max_output_tokens", self.host.session["max_output_tokens"])
        tokens = OUTPUT_TOKENS_MAX if told == "inf" else told
        if not is_spoken:
            return int(tokens * TOKEN_CHARS)
        return int((tokens - 1) / (1 / TOKEN_CHARS + self._options.char_ms / TOKEN_MS_OUT))

    def _question(self, request: Mapping[str, Any]) -> _Question:
        """What is to be answered. A request that brings its own input is about nothing else."""
        given = request.get("input")
        if given is None:
            return _Question(self._asked, self._outputs, self._turn)
        words = " ".join(_words_of(item) for item in given if item["type"] == "message")
        outputs = [item["output"] for item in given if item["type"] == "function_call_output"]
        return _Question(words or None, outputs)

    def _call_due(self, request: Mapping[str, Any], question: _Question) -> Call | None:
        if question.outputs or question.asked is None:
            return None
        if question.turn is not None:
            return question.turn.call
        offered = {
            tool.get("name") for tool in request.get("tools", self.host.session["tools"]) if "name" in tool
        }
        choice = request.get("tool_choice", self.host.session["tool_choice"])
        if choice == "none":
            return None
        found = _CALL.search(question.asked)
        if found is not None and found[1] in offered:
            return Call(found[1], _arguments(found[2]))
        if isinstance(choice, dict) and choice.get("name") in offered:
            return Call(str(choice["name"]))
        return Call(min(offered)) if choice == "required" and offered else None

    def _say_at_once(self, writer: ResponseWriter, text: str, *, is_cut: bool) -> None:
        for _ in self._speech(writer.message(), text, is_spoken=writer.is_spoken):
            pass
        _end(writer, is_cut=is_cut)

    def _speech(self, message: MessageWriter, text: str, *, is_spoken: bool) -> Iterator[None]:
        """Write the answer piece by piece: words as they are spoken, audio in deltas of 100 ms."""
        words = _pieces(text)
        if not is_spoken:
            for word in words:
                message.text(word)
                yield
            return
        begins_ms = accumulate((len(word.strip()) * self._options.char_ms for word in words), initial=0)
        untold = deque(zip(words, begins_ms, strict=False))
        audio = list(deltas(spoken(text, char_ms=self._options.char_ms)))
        for number, piece in enumerate(audio, 1):
            due = []
            while untold and (untold[0][1] < number * DELTA_MS or number == len(audio)):
                due.append(untold.popleft()[0])
            if due:
                message.transcript("".join(due))
            message.audio(piece)
            yield

    def _step(self, writer: ResponseWriter, speech: Iterator[None], *, is_cut: bool) -> None:
        """One delta now, the next when it is due; at speed 0 all of them now."""
        self._pump = None
        for _ in speech:
            if writer.is_done or self._watcher.stalls():
                return
            if self._options.speed > 0:
                delay_s = DELTA_MS / 1000 / self._options.speed
                loop = asyncio.get_running_loop()
                step = partial(self._step, writer, speech, is_cut=is_cut)
                self._pump = loop.call_later(delay_s, step)
                return
        _end(writer, is_cut=is_cut)

    def _stop_pump(self) -> None:
        if self._pump is not None:
            self._pump.cancel()
            self._pump = None


def _end(writer: ResponseWriter, *, is_cut: bool) -> None:
    if is_cut:
        writer.done("incomplete", "max_output_tokens")
    else:
        writer.done()


def _answer(request: Mapping[str, Any], question: _Question, *, is_rest: bool) -> str:
    """The words of an answer; of which only the rest is wanted with `is_rest`."""
    if question.turn is not None and question.turn.say is not None:
        return question.turn.say
    if question.outputs:
        return " ".join(say_of(output) for output in question.outputs)
    if question.asked is not None:
        return f"You said: {question.asked}"
    told = None if is_rest else request.get("instructions")
    return f"I was told: {told}" if told else "I am listening."


def _words_of(item: Mapping[str, Any]) -> str:
    parts = item["content"]
    return " ".join(filter(None, (part.get("text") or part.get("transcript") for part in parts)))


def _pieces(text: str) -> Sequence[str]:
    """A text in words that join to it again."""
    return re.findall(r"\S+\s*|\s+", text)


def _rest_of(text: str, heard: str | None) -> str:
    """What is left to say to somebody who heard the beginning; all of it, if it began otherwise."""
    _, found, rest = text.partition(heard) if heard else ("", "", "")
    return (rest.strip() or NOTHING_LEFT) if found else text


def _arguments(text: str | None) -> dict[str, Any]:
    if text is None:
        return {}
    try:
        return json_object(text)
    except ValueError:
        return {}


def say_of(output: str) -> str:
    """The sentence a tool prepared, or its output as it is."""
    try:
        said = json_object(output).get("say")
    except ValueError:
        return output
    return said if isinstance(said, str) else output
