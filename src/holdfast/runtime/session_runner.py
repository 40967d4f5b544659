"""One session of the browser protocol, run: socket callback -> step -> effects, inline.

What lives here: the table from an effect to the call that carries it out. Nothing here decides.
What never will: an `await` on the audio path.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Final

from pybase64 import b64encode

from holdfast.core import effects, events, notices
from holdfast.core.client_close import BREACH_ERRORS, fault_of_client_close
from holdfast.core.client_side import voice_of
from holdfast.core.effects import Effect
from holdfast.core.events import Event, MessageRefused, SessionAsked
from holdfast.core.faults import Fault
from holdfast.core.lanes import SHORT_AUDIO_BYTES, TELL_EVERY
from holdfast.core.limits import Limits
from holdfast.core.rates import TokenBucket
from holdfast.core.state import Surroundings
from holdfast.core.timers import TIMER_AWAY
from holdfast.express import CompiledInputLane, CompiledOutputLane, Leg, SessionDown, SessionUp, Way
from holdfast.ports import ClientLine, Principal
from holdfast.ports.journal import Journal
from holdfast.ports.sightings import Watched
from holdfast.runtime.assistant import Assistant
from holdfast.runtime.directory import Directory
from holdfast.runtime.eyes import BrowserEyes
from holdfast.runtime.record import SessionRecord
from holdfast.runtime.resumption import Tokens
from holdfast.runtime.shell import Shell, chance, now, timestamp
from holdfast.runtime.spoken_input import SessionInput
from holdfast.runtime.taping import record_sound
from holdfast.runtime.upstreams import Upstreams
from holdfast.runtime.wishes import options_asked
from holdfast.wire import browser, upstream
from holdfast.wire.session_settings import SessionSettings, session_update
from holdfast.wire.upstream import (
    APPEND_HEAD,
    APPEND_TAIL,
    AUDIO_DELTA,
    PEEK_ERRORS,
    BreachError,
    joined,
    server_event,
)

AUDIO_DUE: Final = events.AudioDue()


class SessionRunner(Shell):
    """Between a client of the browser protocol and an upstream. Fills the port `browser.Asking`."""

    def __init__(
        self,
        client: ClientLine,
        upstreams: Upstreams,
        directory: Directory,
        *,
        assistant: Assistant,
        principal: Principal,
        limits: Limits,
        journal: Journal,
        peer: str,
    ) -> None:
        super().__init__(client, upstreams, directory, "browser")
        self.principal = principal
        self.peer = peer
        self.tokens = Tokens()
        self.resumes = TokenBucket(limits.resumes_per_10_s / 10, limits.resumes_per_10_s)
        self._assistant = assistant
        self._limits = limits
        self._is_positioned = False
        self._sent = 0
        self._record = SessionRecord(journal, self.tokens, principal)
        self.session = directory.session_core(
            Surroundings(
                limits=limits,
                customer_id=principal.customer_id,
                upstreams=upstreams.facts,
                endpoints=upstreams.endpoints,
                greeting=assistant.greeting,
                durability=journal.durability,
                idempotent_tools=assistant.toolbox.idempotent,
            )
        )
        self._state = self.links = self.session.state
        self.input = SessionInput(self._state)
        self._eyes: BrowserEyes = BrowserEyes(
            directory.watches, Watched("", "browser", principal.customer_id), self._state
        )
        self._input_lane = self._state.input_lane
        self._output_lane = self._state.output_lane
        self._perform = self.PERFORM  # found sooner here than in the class

    # the client's side

    def start(self) -> None:
        """The client's socket is open."""
        self._carry_out(self.session.start())

    def ways(self, client: Leg, upstream: Leg, generation: int) -> tuple[Way, Way]:
        """See `Shell`."""
        placed = self._is_positioned
        state = self._state
        up = state.input_lane = self._input_lane = CompiledInputLane.instead_of(state.input_lane)
        down = state.output_lane = self._output_lane = CompiledOutputLane.instead_of(state.output_lane)
        return (
            SessionUp(up, upstream, self.received, placed, SHORT_AUDIO_BYTES),
            SessionDown(down, generation, client, up, self.received, TELL_EVERY, placed, SHORT_AUDIO_BYTES),
        )

    def client_text(self, payload: bytes) -> None:
        """One text message."""
        try:
            event = browser.decode_text(payload, self._limits, self)
        except Exception as error:  # noqa: BLE001 - a bug of ours must not reach picows, which would close 1011
            self._broke(error)
        else:
            if event is not None:
                self.step(event)

    def client_binary(self, payload: bytes) -> None:
        """One binary message: the hot path up."""
        lane, line, pcm = self._input_lane, self.line, payload
        if self._is_positioned:
            pcm = browser.continuing(payload, lane.end)
        if line is not None and lane.take(pcm):
            line.send_text(joined((APPEND_HEAD, b64encode(pcm), APPEND_TAIL)))
        elif self._is_positioned:
            self.step(browser.decode_audio(payload))
        else:
            self.step(events.ClientAudio(payload))

    def visit(self) -> None:
        """Tell what was received, or book it, if that is due."""
        try:
            due = self._input_lane.due()
            if due == "booking":
                self.step(AUDIO_DUE)
            elif due == "telling" and (told := self.received()) is not None:
                self.client.send_text(told)
            super().visit()
        except Exception as error:  # noqa: BLE001 - others are visited after this one
            self._broke(error)

    def received(self) -> bytes | None:
        """The message that tells what was received, and counts as sent; None where that is for a step."""
        try:
            told = self._input_lane.tell(self._output_lane, now())
            if told is None:
                return None
            self._record.contact()
            return browser.audio_received(*told, self._state.journal.durable, timestamp())
        except Exception as error:  # noqa: BLE001 - others share the express
            self._broke(error)
            return None

    def client_breached(self, code: int, reason: str) -> None:
        """It is told in words what the close code says in a number."""
        if code in BREACH_ERRORS and (cause := fault_of_client_close(code, reason)) is not None:
            self.step(MessageRefused(BREACH_ERRORS[code], cause.row.message, fault=cause))

    def client_closed(self, code: int, reason: str) -> None:
        """The client's socket is over; the core decides whether the session waits for it."""
        self.step(events.ClientGone(code, reason))
        self.directory.noticed(self)

    def client_stalled(self, waiting_bytes: int) -> None:
        """The client does not read."""
        self.step(events.ClientTooSlow(waiting_bytes))

    def drain(self, *, at_once: bool = False) -> None:
        """The process stops."""
        self.step(events.DrainBegan(at_once))

    @property
    def is_parked(self) -> bool:
        """Whether the client is away and the session waits for it."""
        return self._state.link.is_away

    def give_way(self) -> None:
        """End, if it is parked."""
        self.step(events.TimerFired(TIMER_AWAY))

    def shed(self) -> None:
        """Memory runs short: let go what can be had again."""
        self.step(events.MemoryRanShort())

    def journal_changed(self, cause: Fault | None) -> None:
        """The store stumbles, or is well again."""
        if cause is None:
            cause = self._record.write_again(self._recorded)
        self.step(events.JournalChanged(cause))

    # a client that comes back

    def resume(self, message: browser.ResumeSession) -> Event | None:
        """`resume_session` on a new socket: hand the socket over to its session, or say why not."""
        found = self.directory.resumption.find(message, self.principal, self.peer, now())
        if isinstance(found, MessageRefused):
            return found
        client = self.client
        self.step(events.ClientGone(1000, "handed over"))
        found.take(client, message)
        return None

    def take(self, client: ClientLine, message: browser.ResumeSession) -> None:
        """This socket is our client's from here on; another that it had is closed."""
        before = self.client
        token = self.tokens.renew(message.resume_token)
        if self.session.state.link.is_listening:
            before.hand_to(None)
            before.close(4409, "replaced by a newer connection")
        self.client = client
        client.hand_to(self)
        self.couple()
        self.step(events.ResumeAsked(message.epoch, message.offset, token))
        self.directory.noticed(self)

    def create(self, message: browser.CreateSession) -> Event:
        """Complete `create_session`: registry, identifiers. Nothing changes before the core has agreed."""
        options = options_asked(message, self.directory.recordings)
        if isinstance(options, MessageRefused):
            return options
        ids = f"hf_{secrets.token_hex(16)}", self.tokens.first(), secrets.token_hex(8)
        spent = self.directory.spent_by(self.principal.customer_id)
        return SessionAsked(options, *ids, message.event_id, chance(), spent)

    def _agreed(self, created: notices.SessionCreated) -> None:
        """The core took `create_session`: what was asked for holds from here on."""
        self._settle_on(created.session_id)
        if self._state.options.consent is not None:
            self.spawn(record_sound(self._state, self.directory.recordings, self.principal))

    def _settle_on(self, session_id: str) -> None:
        options = self.session.state.options
        self._is_positioned = options.framing == "positioned"
        if options.mode == "transcription":
            self.query = {"intent": "transcription"}  # and no model: that is set by `session.update`
        else:
            self.query = {} if options.model is None else {"model": options.model}
        self.log = self.log.bind(session=session_id, customer_id=self.principal.customer_id)
        self._record.session_id = session_id
        self.directory.name(self, session_id, self)

    def restart(self, session_id: str, lines: Sequence[tuple[str, Mapping[str, Any]]], began: float) -> None:
        """Take up a session that another process left in the journal; `began` is wall-clock seconds."""
        at = now()
        due = self.session.restart(lines, secrets.token_hex(8), at)
        self._settle_on(session_id)
        self._record.began = began
        self._eyes.restored(at, max(0.0, time.time() - began))
        self._carry_out(due)

    # the upstream's side

    def connected(self, generation: int) -> None:
        self._output_lane.last_event_id = None  # another upstream may count from one again
        self.step(events.UpstreamOpened(generation))

    def upstream_message(self, generation: int, raw: bytes) -> None:
        """One server event: the hot path down."""
        try:
            try:
                parsed = server_event(raw)
            except PEEK_ERRORS:
                parsed = upstream.parse(raw)  # says what is wrong with it, or does without what is odd in it
            event_id, lane = parsed.event_id, self._output_lane
            if event_id and event_id == lane.last_event_id:
                return  # said twice
            lane.last_event_id = event_id
            if parsed.type == AUDIO_DELTA:
                pcm = upstream.pcm_of(parsed.delta or "")
                if lane.take(generation, parsed.response_id, parsed.item_id, pcm, now()):
                    if self._is_positioned:
                        pcm = browser.positioned(*lane.place_of_last(len(pcm)), pcm)
                    self.client.send_binary(pcm)
                    return
            event = _dated(upstream.decode(parsed, generation), parsed)
        except BreachError as breach:
            event = events.UpstreamBreached(generation, str(breach), chance())
        if event is not None:
            self.step(event)

    def upstream_lost(self, generation: int, cause: Fault) -> None:
        self.step(events.UpstreamLost(generation, cause, chance()))

    def timer_fired(self, name: str) -> None:
        self.step(events.TimerFired(name, chance()))

    # the step

    def step(self, event: Event) -> None:
        """Everything that happens to the session passes here."""
        try:
            if (leg := self.client.leg) is not None:
                leg.flush()  # what it holds back was before this
            perform, at = self._perform, now()
            due = self.session.receive(event, at)
            told = self._state.told
            for effect in due:
                perform[type(effect)](self, effect)
            self._eyes.stepped(told, due, at)
        except Exception as error:  # noqa: BLE001 - one session's bug must not end the others
            self._broke(error)

    def _broke(self, error: Exception) -> None:
        """A bug of ours: end what can be ended by name, whatever state it left."""
        cause = self.broken(error)
        try:
            due = self.session.abort(cause)
            self._carry_out(due)
            self._eyes.stepped(self._state.told, due, now())
        except Exception as worse:  # noqa: BLE001 - as above
            self.broken(worse)
        self.client.close(cause.row.close_code, cause.code)
        self.finish()

    def _carry_out(self, due: Sequence[Effect]) -> None:
        perform = self._perform
        for effect in due:
            perform[type(effect)](self, effect)

    # effects

    def _append(self, effect: effects.Append) -> None:
        if self.line is not None:
            self.line.send_text(upstream.append(effect.pcm))

    def _play(self, effect: effects.Play) -> None:
        if self._is_positioned:
            self.client.send_binary(browser.encode_audio(effect))
        else:
            self.client.send_binary(effect.pcm)

    def _tell(self, effect: effects.Tell) -> None:
        if isinstance(effect.notice, notices.SessionCreated):
            self._agreed(effect.notice)
        self._record.contact()
        self.client.send_text(browser.encode_notice(effect.notice, effect.offset, timestamp()))

    def _send_upstream(self, effect: Effect) -> None:
        self._sent += 1
        if self.line is not None:
            self.line.send_text(upstream.encode(effect, self._sent))

    def _configure(self, effect: effects.Configure) -> None:
        state = self.session.state
        endpoint = state.starting.endpoint
        traits = self.upstreams.dialers[endpoint].traits
        settings = SessionSettings(
            instructions=self._assistant.instructions(self.principal, state.options.instructions),
            voice=voice_of(state, self.upstreams.facts[endpoint]),
            tools=self._assistant.tools(with_extensions=traits.knows_utterances),
            transcription_model=state.transcription_model(self.upstreams.facts[endpoint]) or None,
            manual_turns=state.options.turn_detection == "manual",
            silence_ms=self._assistant.silence_ms,
            language=state.options.language,
            prompt=state.options.prompt,
            is_answered=state.turn.is_answered,
        )
        if (line := self.lines.get(effect.generation)) is not None:
            line.send_large(session_update(settings))

    def _prove_life(self, effect: effects.ProveLife) -> None:
        if (line := self.lines.get(effect.generation)) is not None:
            line.send_text(upstream.encode(effect, 0))

    def _write_record(self, effect: effects.Record) -> None:
        self._record.write(effect, self._recorded)

    def _forget_records(self, effect: effects.ForgetRecords) -> None:  # noqa: ARG002 - it says only that
        self._record.forget()

    def _recorded(self, number: int) -> None:
        self._record.is_written(number)
        self.step(events.Recorded(number))

    def _run_tool(self, effect: effects.RunTool) -> None:
        self.spawn(self._call_tool(effect))

    async def _call_tool(self, effect: effects.RunTool) -> None:
        self.step(await self._assistant.call(effect, self.session.state.session_id, self.principal))

    PERFORM: ClassVar[Mapping[type, Callable[[SessionRunner, Any], None]]] = {
        **Shell.SHARED,
        effects.Append: _append,
        effects.Play: _play,
        effects.Tell: _tell,
        effects.CommitInput: _send_upstream,
        effects.ClearInput: _send_upstream,
        effects.AddText: _send_upstream,
        effects.AddSpeech: _send_upstream,
        effects.AddCall: _send_upstream,
        effects.ProveLife: _prove_life,
        effects.AddToolResult: _send_upstream,
        effects.Respond: _send_upstream,
        effects.CancelResponse: _send_upstream,
        effects.Truncate: _send_upstream,
        effects.Configure: _configure,
        effects.RunTool: _run_tool,
        effects.Record: _write_record,
        effects.ForgetRecords: _forget_records,
    }


def _dated(event: Event | None, parsed: upstream.ServerEvent) -> Event | None:
    """What the moment adds to an event of the upstream: how long the session has, the chance of an error."""
    if isinstance(event, events.UpstreamErred):
        return replace(event, chance=chance())
    if isinstance(event, events.UpstreamCreated) and (end := upstream.expires_at(parsed)) is not None:
        return replace(event, lifetime_s=max(0.0, end - time.time()))
    return event
