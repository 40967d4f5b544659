"""A model of a Realtime server, on the relay's own words: hears turns, answers, forgets all when it dies.

What lives here: what a server does with each message, one event at a time; its books.
What never will: knowing the relay. It reads what a socket would carry: originals, and our own messages.

An original of the client's is `kind|event_id|"item_id"`; audio is `a`, a number, and `s` for speech.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from holdfast.core import relay_events as heard
from holdfast.core.faults import fault
from holdfast.core.relay_effects import AddItem, AddSpeech, Ask, Configure, RelayEffect, RemoveItem, SendUp
from holdfast.core.relay_events import Original, SessionFacts
from holdfast.core.relay_mirror import RelayItem

MS = 48
APPEND_MS = 20
FACTS = SessionFacts()
MANUAL = SessionFacts(hears_turns=False, answers_turns=False, interrupts=False)


def number_of(append: bytes) -> int:
    return int(append[1:7])


@dataclass
class Answer:
    """A response that is being given, step by step."""

    id: str
    steps: Iterator[Original]
    hears: frozenset[int]
    """The speech it answers."""


@dataclass
class Server:
    """One connection's server."""

    generation: int
    is_manual: bool
    made: list[int]
    """How many ids were made, by all servers of a world: ids never repeat."""
    inbox: deque[RelayEffect] = field(default_factory=deque)
    outbox: deque[Original] = field(default_factory=deque)
    items: dict[str, frozenset[int]] = field(default_factory=dict)
    buffer: list[bytes] = field(default_factory=list)
    clock_ms: int = 0
    coming: str | None = None
    active: Answer | None = None
    answered: set[int] = field(default_factory=set)
    """Speech that an answer of this server was about, told to its end."""
    calls_next: bool = False
    fails_next: bool = False

    def new_id(self, prefix: str) -> str:
        self.made[0] += 1
        return f"{prefix}_{self.made[0]}"

    # what it is told

    def work(self) -> bool:
        """Carry out one message; else give the next piece of an answer."""
        if self.inbox:
            self._carry_out(self.inbox.popleft())
            return True
        if self.active is not None:
            step = next(self.active.steps, None)
            if step is not None:
                self.outbox.append(step)
            return True
        return False

    def _carry_out(self, effect: RelayEffect) -> None:
        match effect:
            case Configure():
                self._say(heard.SessionUpdated, b"session.updated", facts=self._facts)
            case AddItem(item=item, event_id=event_id):
                self._restore(item.id, frozenset(), event_id)
            case AddSpeech(item_id=item_id, event_id=event_id, appends=appends):
                self._restore(item_id, frozenset(map(number_of, filter(_is_speech, appends))), event_id)
            case RemoveItem(item_id=item_id):
                self._delete(item_id, None)
            case Ask(event_id=event_id):
                self._respond(event_id)
            case SendUp(raw=raw) if raw.startswith(b"a"):
                self._hear(raw)
            case SendUp(raw=raw):
                self._asked(raw)

    @property
    def _facts(self) -> SessionFacts:
        return MANUAL if self.is_manual else FACTS

    def _asked(self, raw: bytes) -> None:
        kind, event_id, item_id = raw.decode().split("|")
        item_id = item_id.strip('"')
        match kind:
            case "session.update":
                self._say(heard.SessionUpdated, f"session.updated {event_id}".encode(), facts=self._facts)
            case "conversation.item.create":
                if item_id in self.items:
                    self._err("invalid_value", event_id)
                else:
                    self.items[item_id] = frozenset()
                    self._tell_item(item_id, "user", event_id)
            case "conversation.item.delete":
                self._delete(item_id, event_id)
            case "conversation.item.retrieve":
                if item_id in self.items:
                    self._say(
                        heard.ItemRetrieved, f'retrieved {event_id} "{item_id}"'.encode(), item_id=item_id
                    )
                else:
                    self._err("item_retrieve_invalid_item_id", event_id)
            case "input_audio_buffer.commit":
                self._commit(event_id)
            case "input_audio_buffer.clear":
                self.buffer.clear()
                self.coming = None
                self._say(heard.InputCleared, f"cleared {event_id}".encode())
            case "response.create":
                self._respond(event_id)
            case "response.cancel":
                if self.active is None:
                    self._err("response_cancel_not_active", event_id)
                else:
                    self._end("cancelled")

    def _restore(self, item_id: str, speech: frozenset[int], event_id: str) -> None:
        if item_id in self.items:
            self._err("invalid_value", event_id)
            return
        self.items[item_id] = speech
        self._tell_item(item_id, "user", "")

    def _delete(self, item_id: str, event_id: str | None) -> None:
        if self.items.pop(item_id, None) is None:
            self._err("item_delete_invalid_item_id", event_id)
        else:
            self._say(heard.ItemDeleted, f'deleted {event_id} "{item_id}"'.encode(), item_id=item_id)

    # hearing

    def _hear(self, raw: bytes) -> None:
        self.buffer.append(raw)
        self.clock_ms += APPEND_MS
        if self.is_manual:
            return
        if _is_speech(raw) and self.coming is None:
            self.coming = self.new_id("item")
            line = f'speech_started "{self.coming}"'.encode()
            self._say(heard.SpeechBegan, line, item_id=self.coming, audio_ms=self.clock_ms - APPEND_MS)
            if self.active is not None:
                self._end("cancelled")
        elif not _is_speech(raw) and self.coming is not None:
            line = f'speech_stopped "{self.coming}"'.encode()
            self._say(heard.SpeechEnded, line, item_id=self.coming, audio_ms=self.clock_ms - APPEND_MS)
            self._commit(None)
            if self.active is None:
                self._respond(None)

    def _commit(self, event_id: str | None) -> None:
        speech = frozenset(number_of(raw) for raw in self.buffer if _is_speech(raw))
        if not self.buffer:
            self._err("input_audio_buffer_commit_empty", event_id)
            return
        self.buffer.clear()
        item_id, self.coming = self.coming or self.new_id("item"), None
        self.items[item_id] = speech
        self._say(heard.InputCommitted, f'committed {event_id} "{item_id}"'.encode(), item_id=item_id)
        self._tell_item(item_id, "user", "")

    # answering

    def _respond(self, event_id: str | None) -> None:
        if self.active is not None:
            self._err("conversation_already_has_active_response", event_id)
            return
        response_id = self.new_id("resp")
        heard_here = frozenset(number for speech in self.items.values() for number in speech)
        self.active = Answer(response_id, self._steps(response_id), heard_here)
        self.outbox.append(next(self.active.steps))

    def _steps(self, response_id: str) -> Iterator[Original]:
        g = self.generation
        yield heard.ResponseBegan(g, f'response.created "{response_id}"'.encode(), response_id, False)
        if self.fails_next:
            self.fails_next = False
            self.active = None
            cause = fault("provider.server_error")
            yield heard.ResponseEnded(
                g, f'response.done "{response_id}"'.encode(), response_id, "failed", cause
            )
            return
        item_id, kind = self.new_id("item"), "function_call" if self.calls_next else "message"
        self.calls_next = False
        self.items[item_id] = frozenset()
        ids = f'"{response_id}" "{item_id}"'
        added = f"output_item.added {ids}".encode()
        yield heard.OutputItemBegan(g, added, response_id, item_id, kind, "")
        yield self._item_event("conversation.item.added", item_id, "assistant", kind, is_done=False)
        yield heard.PartBegan(g, f"content_part.added {ids}".encode(), response_id, item_id)
        for word in range(3):
            told = self.new_id("word")
            line = f"said {ids} {told}".encode()
            yield heard.Said(g, line, response_id, item_id, f"word{word} ", False)
            yield heard.AudioPassed(g, f"audio {ids} {told}".encode())
        yield self._item_event("conversation.item.done", item_id, "assistant", kind, is_done=True)
        yield self._item_event("response.output_item.done", item_id, "assistant", kind, is_done=True)
        self._end("completed")

    def _end(self, status: str) -> None:
        assert self.active is not None
        response_id = self.active.id
        if status == "completed":
            self.answered |= self.active.hears
        self.active = None
        line = f'response.done "{response_id}"'.encode()
        self.outbox.append(heard.ResponseEnded(self.generation, line, response_id, status, None))

    # telling

    def _say(self, kind: type, raw: bytes, **fields: object) -> None:
        self.outbox.append(kind(self.generation, raw, **fields))

    def _err(self, code: str, event_id: str | None) -> None:
        named = None if event_id in {None, "None", ""} else event_id
        line = f"error {code} {named}".encode()
        self._say(
            heard.Erred,
            line,
            fault=fault("application.invalid_message"),
            code=code,
            message="",
            event_id=named,
        )

    def _tell_item(self, item_id: str, role: str, event_id: str) -> None:
        for kind in ("conversation.item.added", "conversation.item.done"):
            self.outbox.append(self._item_event(kind, item_id, role, "message", is_done=True, mark=event_id))

    def _item_event(
        self, event: str, item_id: str, role: str, kind: str, *, is_done: bool, mark: str = ""
    ) -> Original:
        item = RelayItem(item_id, kind, role, b"{}", "text" if is_done else "", is_done=is_done)
        return heard.ItemTold(self.generation, f'{event} {mark} "{item_id}"'.encode(), event, None, item)


def _is_speech(raw: bytes) -> bool:
    return raw[7:8] == b"s"
