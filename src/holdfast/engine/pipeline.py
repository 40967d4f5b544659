"""Who answers in the engine: turns in, tool calls and sentences out, through the dialect's verbs.

What lives here: one session's flow between hearing, dialogue and speaking, and its interruptions.
What never will: sockets, the dialect's shapes, a fact that no tool returned.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Final

from holdfast.engine.agenda import Agenda
from holdfast.engine.answering import Answer, Connection, Telling, relate, speak
from holdfast.engine.chatting import request_of, text_of
from holdfast.engine.dialogue import Act, Dialogue, Say
from holdfast.engine.endpointer import TurnSettings
from holdfast.engine.foresight import Foresight, first_words
from holdfast.engine.hearing import Hearing, Reading
from holdfast.engine.inbox import Inbox
from holdfast.engine.kit import Stages
from holdfast.engine.knowledge import Knowledge, words_named_in
from holdfast.engine.patience import Patience
from holdfast.engine.remote import Chat, Transcriber
from holdfast.engine.speaking import Manner, manner_of
from holdfast.engine.stages import SpeechError
from holdfast.engine.switch import StageError
from holdfast.engine.words import common_beginning
from holdfast.wire.realtime import BYTES_PER_MS, RealtimeHost, ResponseWriter

SAY_KEY: Final = "holdfast_say"
"""Metadata of a `response.create` that makes the engine say exactly this text."""
CARRY_ON_KEY: Final = "holdfast_carry_on"
"""Metadata of a `response.create`: so much of the answer was heard before, say the rest."""
_LONGEST_SAY: Final = 20_000
_MAY_NOT_ACT: Final = "I can't look that up just now."
_NOISE_S: Final = 0.25
"""Speech shorter than this in which no word was heard is a noise."""


class Assistant:
    """One session: the `Responder` of its host and the `Listener` of its ears."""

    def __init__(self, stages: Stages, connection: Connection) -> None:
        self._stages = stages
        self._connection = connection
        self._knowledge = stages.library.build([], "")
        self._dialogue = Dialogue(self._knowledge)
        self._foresight = Foresight(stages.ahead, self._first_words)
        recogniser = stages.recogniser(self._knowledge)
        self._hearing = Hearing(stages.vad(), recogniser, self, stages.turn_judge)
        self._inbox = Inbox(self._hear, lambda full: connection.pause_reading(paused=full))
        self._host: RealtimeHost
        self._answers: dict[str, Answer] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._agenda = Agenda()
        self._reading: Reading | None = None
        self._patience = Patience(self._inbox.then)
        self._coming: str | None = None
        self._told: list[str] = []
        self._looked: list[str] = []

    @property
    def is_at_work(self) -> bool:
        """Whether something is under way in this session that takes its time."""
        return bool(self._tasks or self._answers)

    # the dialect's side

    def bind(self, host: RealtimeHost) -> None:
        self._host = host
        self._follow_turn_settings()

    def session_updated(self, changed: Mapping[str, Any]) -> None:
        self._inbox.then(self._follow_turn_settings)
        if "tools" in changed or "instructions" in changed or words_named_in(changed):
            self._learn()

    def audio(self, pcm: bytes) -> int:
        self._inbox.audio(pcm)
        return self._inbox.waiting_bytes

    def audio_cleared(self) -> None:
        self._hearing.claim()
        dropped = self._inbox.drop_audio()
        self._inbox.then(lambda: self._drop_turn(dropped))

    def committed(self, item_id: str) -> None:
        self._hearing.claim()
        self._inbox.then(lambda: self._take_turn(item_id), keeps=True)

    def item_created(self, item: dict[str, Any]) -> None:
        pcm = self._host.item_audio(item["id"])
        if pcm and not any(part.get("transcript") for part in item["content"]):
            self._inbox.recording(pcm, self._read)
            self._inbox.then(lambda: self._has_read(item, pcm))
        self._inbox.then(lambda: self._note(item))

    def response_requested(self, request: dict[str, Any]) -> None:
        self._inbox.then(lambda: self._respond(request))

    def response_cancelled(self, writer: ResponseWriter) -> None:
        self._cease(writer)

    def truncated(self, item_id: str, audio_end_ms: int) -> None:
        """What the user heard of an answer changes nothing for us: each answer stands alone."""

    def close(self) -> None:
        """The session is over."""
        self._inbox.close()
        self._hearing.close()
        self._patience.forget()
        for task in self._tasks:
            task.cancel()
        for answer in list(self._answers.values()):
            answer.cease()

    # the ears' side

    def speech_started(self, at_ms: int) -> None:
        self._patience.forget()
        self._coming = self._host.speech_started(at_ms)
        self._told, self._looked = [], []
        if (active := self._host.active) is not None and self._turn_setting("interrupt_response"):
            self._cease(active)
            active.done("cancelled", reason="turn_detected")

    def words_so_far(self, text: str) -> None:
        """Words that two looks agree on are told; the recogniser hardly ever takes those back."""
        writer = self._stages.transcriber
        if self._coming is None or (writer is not None and writer.server.switch.is_on):
            return
        words = text.split()
        agreed = common_beginning(words, self._looked)
        self._looked = words
        if len(agreed) > len(self._told) and agreed[: len(self._told)] == self._told:
            fresh = agreed[len(self._told) :]
            lead = " " if self._told else ""
            self._told = agreed
            self._host.transcript_delta(self._coming, lead + " ".join(fresh))

    def speech_paused(self, text: str) -> None:
        """The beginning of what seems to be the answer is made ready; nobody is told anything."""
        if self._turn_setting("create_response") and self._host.active is None and not self._inbox.is_behind:
            self._foresight.guess(lambda: self._agenda.foreseen(self._dialogue, text))

    def speech_stopped(self, at_ms: int, text: str, seconds: float) -> None:
        self._host.speech_stopped(at_ms)
        item_id = self._host.commit()
        self._coming = None
        if not text and seconds < _NOISE_S + self._hearing.silence_s:
            # A cough or a click: an answer to it would only be in the way.
            self._host.transcript_completed(item_id, text, seconds)
            return
        self._write_down(item_id, text, seconds, self._turn_is_over)

    def _turn_is_over(self, text: str) -> None:
        self._agenda.asked(text, is_live=True)
        if self._turn_setting("create_response") and self._host.active is None:
            self._respond({})

    # inside: the user's turn

    def _follow_turn_settings(self) -> None:
        asked = self._host.session["audio"]["input"]["turn_detection"]
        is_judged = self._stages.turn_judge is not None
        self._hearing.turn_settings = None if asked is None else TurnSettings.of(asked, is_judged=is_judged)

    def _turn_setting(self, name: str) -> bool:
        asked = self._host.session["audio"]["input"]["turn_detection"] or {}
        default = self._host.session["type"] == "realtime"
        return bool(asked.get(name, default))

    def _hear(self, pcm: bytes) -> None:
        """The client's audio; what came after it waits until it was judged."""
        self._inbox.hold()
        self._hearing.feed(pcm, self._inbox.release)

    def _drop_turn(self, dropped_bytes: int) -> None:
        self._hearing.drop()
        self._hearing.skip(dropped_bytes)
        self._coming = None

    def _take_turn(self, item_id: str) -> None:
        text, seconds = self._hearing.take()
        self._coming = None
        self._write_down(item_id, text, seconds, lambda words: self._agenda.asked(words, is_live=False))

    def _write_down(self, item_id: str, text: str, seconds: float, then: Callable[[str], None]) -> None:
        """The words of a turn: as `text`, which was heard in here, or as the server says. Nothing else goes
        on in this session until they are known.
        """
        writer, pcm = self._stages.transcriber, self._host.item_audio(item_id)
        if writer is None or not pcm or not writer.server.may_try():
            self._host.transcript_completed(item_id, text, seconds)
            then(text)
            return
        self._inbox.hold()
        self._go(self._have_written(writer, pcm, item_id, text, seconds, then))

    async def _have_written(  # noqa: PLR0917 - what `_write_down` has, and who does it
        self,
        writer: Transcriber,
        pcm: bytes,
        item_id: str,
        text: str,
        seconds: float,
        then: Callable[[str], None],
    ) -> None:
        wish = self._host.session["audio"]["input"]["transcription"] or {}
        try:
            with contextlib.suppress(StageError):  # the switch has told it; `text` is what there is
                text = await writer.write(pcm, language=wish.get("language"), prompt=wish.get("prompt"))
            self._host.transcript_completed(item_id, text, seconds)
            then(text)
        finally:
            self._inbox.release()

    def _read(self, pcm: bytes) -> None:
        """The next of a turn that the client has a recording of."""
        if self._reading is None:
            self._reading = Reading(self._stages.reading_vad(), self._stages.recogniser(self._knowledge))
        self._reading.feed(pcm)

    def _has_read(self, item: Mapping[str, Any], pcm: bytes) -> None:
        assert self._reading is not None, "there was something to read"
        text, has_speech = self._reading.finish(), self._reading.has_speech
        self._reading = None
        seconds = len(pcm) / BYTES_PER_MS / 1000
        if not has_speech:
            self._host.transcript_completed(item["id"], text, seconds)
            return
        self._write_down(item["id"], text, seconds, lambda _words: None)  # the item has them

    def _note(self, item: Mapping[str, Any]) -> None:
        """An item that the client added: something to answer, or history."""
        if item["type"] == "function_call":
            self._agenda.called()
        elif item["type"] == "function_call_output":
            self._agenda.returned(str(item.get("output", "")))
        elif item["type"] == "message" and item.get("role") == "user":
            self._agenda.asked(text_of(item), is_live=False)
        elif item["type"] == "message" and item.get("role") == "assistant":
            self._agenda.replied(text_of(item))

    # inside: the answer

    def _respond(self, request: dict[str, Any], say: str | None = None) -> None:
        outside = request.get("conversation") == "none"
        if self._host.active is not None and not outside:
            self._host.decline_response(request)
            return
        self._patience.forget()
        writer = self._host.begin_response(request=request)
        if writer.is_done:
            return  # it was cancelled before its turn came
        chat = self._stages.chat
        is_free = not say and SAY_KEY not in writer.metadata
        if chat is not None and is_free and chat.server.may_try():
            answer = self._begin(writer)
            asked = request_of(self._host.session, self._host.items, request)
            answer.errand = None if writer.is_out_of_band else self._agenda.given_away()
            answer.begin(self._converse(answer, chat, request, asked))
            return
        step = self._own_step(writer, request, say)
        if isinstance(step, Act):
            writer.function_call(step.tool, json.dumps(step.arguments))
            writer.done()
            self._foresight.make_ready(step)  # while the tool works
            return
        answer = self._begin(writer)
        answer.begin(self._speak(answer, step.text, self._manner(request)))

    def _begin(self, writer: ResponseWriter) -> Answer:
        answer = self._answers[writer.id] = Answer(writer, threading.Event())
        return answer

    def _own_step(self, writer: ResponseWriter, request: Mapping[str, Any], say: str | None) -> Act | Say:
        """What is built in does about it."""
        step = Say(say) if say else self._next_step(writer, request)
        self._foresight.turned_out(step)
        return self._permitted(step, request)

    def _permitted(self, step: Act | Say, request: Mapping[str, Any]) -> Act | Say:
        choice = request.get("tool_choice", self._host.session.get("tool_choice"))
        return Say(_MAY_NOT_ACT) if isinstance(step, Act) and choice == "none" else step

    def _first_words(self, step: Act | Say) -> tuple[Sequence[str], Manner]:
        """How an answer by this step may begin, and how it would be said; no words where none are spoken."""
        is_spoken = "audio" in self._host.session.get("output_modalities", ())
        texts = first_words(self._permitted(step, {}), self._knowledge) if is_spoken else ()
        return texts, self._manner({})

    def _next_step(self, writer: ResponseWriter, request: Mapping[str, Any]) -> Act | Say:
        verbatim = writer.metadata.get(SAY_KEY)
        if request.get("input") and not verbatim:
            # It stands beside the conversation, and so does what we make of it.
            texts = [text_of(item) for item in request["input"] if isinstance(item, Mapping)]
            return Dialogue(self._knowledge).decide(texts[-1] if texts else "")
        return self._agenda.next_step(
            self._dialogue,
            verbatim=verbatim and verbatim[:_LONGEST_SAY],
            heard=writer.metadata.get(CARRY_ON_KEY),
        )

    async def _converse(
        self, answer: Answer, chat: Chat, request: dict[str, Any], asked: dict[str, Any]
    ) -> None:
        """The chat server's answer, said as it comes; what is built in answers when nothing comes of it."""
        writer, manner = answer.writer, self._manner(request)
        told = Telling(answer, manner, self._stages, self._connection)
        try:
            if await relate(chat, asked, told, writer) and answer.errand is not None:
                self._agenda.settled(answer.errand)
        except StageError as failed:
            if told.has_begun:
                error = {"type": "server_error", "code": "chat_failed", "message": str(failed)}
                writer.done("failed", error=error)
            else:
                await self._answer_instead(answer, request, manner)
                return
        finally:
            self._answers.pop(writer.id, None)
        self._has_answered(writer)

    async def _answer_instead(self, answer: Answer, request: dict[str, Any], manner: Manner) -> None:
        step = self._own_step(answer.writer, request, None)
        if isinstance(step, Act):
            answer.writer.function_call(step.tool, json.dumps(step.arguments))
            answer.writer.done()
        else:
            await self._speak(answer, step.text, manner)

    async def _speak(self, answer: Answer, text: str, manner: Manner) -> None:
        writer = answer.writer
        try:
            await speak(answer, text, manner, self._stages, self._connection)
        finally:
            self._answers.pop(writer.id, None)
        self._has_answered(writer)

    def _has_answered(self, writer: ResponseWriter) -> None:
        if self._agenda.is_waiting and self._turn_setting("create_response") and self._host.active is None:
            # The user spoke into an answer that was not to be interrupted: now it is their turn.
            self._respond({})
        elif writer.status == "completed" and not writer.is_out_of_band:
            self._grow_tired(writer.spoken_ms)

    def _cease(self, writer: ResponseWriter) -> None:
        answer = self._answers.pop(writer.id, None)
        if answer is not None:
            answer.cease()

    def _manner(self, request: Mapping[str, Any]) -> Manner:
        output = {**self._host.session["audio"]["output"], **request.get("audio", {}).get("output", {})}
        return manner_of(output, self._stages.mouth.voices)

    # inside: silence

    def _grow_tired(self, playing_ms: int) -> None:
        """Arm the session's idle timeout: so long after the answer was played to its end."""
        idle_ms = self._idle_ms()
        if idle_ms is not None:
            from_ms = self._host.audio_ms
            self._patience.wait((playing_ms + idle_ms) / 1000, lambda: self._is_tired(from_ms))

    def _is_tired(self, from_ms: int) -> None:
        """Nobody spoke after an answer that was given when the input stood at `from_ms`."""
        idle_ms, now_ms = self._idle_ms(), self._host.audio_ms
        if idle_ms is None or self._coming is not None or self._host.active is not None:
            return
        start_ms = max(from_ms, now_ms - idle_ms)
        item_id = self._host.idle_timeout(start_ms)
        self._host.transcript_completed(item_id, "", (now_ms - start_ms) / 1000)
        self._respond({}, self._dialogue.nudge())

    def _idle_ms(self) -> int | None:
        asked = self._host.session["audio"]["input"]["turn_detection"] or {}
        found: int | None = asked.get("idle_timeout_ms")
        return found

    def _go(self, work: Coroutine[Any, Any, None]) -> None:
        """Do it in a task of this session."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # inside: learning

    def _learn(self) -> None:
        session = self._host.session
        tools = session.get("tools", [])
        instructions = session.get("instructions", "") + words_named_in(session)
        known = self._stages.library.get(tools, instructions)
        if known is not None:
            self._inbox.then(lambda: self._taught(known))
            return
        self._inbox.hold()
        self._go(self._build(tools, instructions))

    async def _build(self, tools: list[Mapping[str, Any]], instructions: str) -> None:
        try:
            knowledge = await asyncio.to_thread(self._stages.library.build, tools, instructions)
            self._taught(knowledge)
        except SpeechError as fault:
            self._host.fail("server_error", "engine_failed", str(fault))
        finally:
            self._inbox.release()

    def _taught(self, knowledge: Knowledge) -> None:
        if knowledge is self._knowledge:
            return
        self._knowledge = knowledge
        self._dialogue.learn(knowledge)
        self._hearing.teach(knowledge)
