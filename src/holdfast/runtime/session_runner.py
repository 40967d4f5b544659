"""One session of the browser protocol, run: socket callback -> step -> effects, inline.

What lives here: the table from an effect to the call that carries it out. Nothing here decides.
What never will: an `await` on the audio path.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from holdfast.core import effects, events, notices
from holdfast.core.audio import samples_of_bytes
from holdfast.core.client_side import voice_of
from holdfast.core.effects import Effect
from holdfast.core.events import Event, MessageRefused, SessionAsked, ToolReturned
from holdfast.core.faults import Fault, fault
from holdfast.core.hot_path import hear, speak
from holdfast.core.limits import Limits
from holdfast.core.models import UnknownModel, resolve_model
from holdfast.core.session import Session
from holdfast.core.state import Surroundings
from holdfast.ports import ClientLine, Principal, Toolbox, ToolContext, UpstreamDialer
from holdfast.runtime.directory import Directory
from holdfast.runtime.shell import Shell, chance, now, timestamp
from holdfast.tools import without_extensions
from holdfast.wire import browser, upstream
from holdfast.wire.upstream import BreachError, SessionSettings


@dataclass(frozen=True, slots=True)
class Assistant:
    """The application behind the sessions: words and tools."""

    greeting: str
    instructions: Callable[[Principal, str | None], str]
    """The instructions for a customer, with what the client asked to add."""
    toolbox: Toolbox
    silence_ms: int = 500


class SessionRunner(Shell):
    """Between a client of the browser protocol and an upstream."""

    def __init__(
        self,
        client: ClientLine,
        dialer: UpstreamDialer,
        directory: Directory,
        *,
        assistant: Assistant,
        principal: Principal,
        limits: Limits,
    ) -> None:
        super().__init__(client, dialer, directory, "browser")
        traits = dialer.traits
        self.principal = principal
        self._assistant = assistant
        self._limits = limits
        self._is_positioned = False
        self._sent = 0
        self.session = Session(
            Surroundings(
                limits=limits,
                customer_id=principal.customer_id,
                upstream_name=traits.name,
                upstream_kind=traits.kind,
                upstream_model=traits.model,
                voices=traits.voices,
                default_voice=traits.default_voice,
                greeting=assistant.greeting,
            )
        )
        self._state = self.session.state
        self._perform: Mapping[type, Callable[[Any], None]] = {
            effects.Append: self._append,
            effects.Play: self._play,
            effects.Tell: self._tell,
            effects.CommitInput: self._send_upstream,
            effects.ClearInput: self._send_upstream,
            effects.AddText: self._send_upstream,
            effects.AddToolResult: self._send_upstream,
            effects.Respond: self._send_upstream,
            effects.CancelResponse: self._send_upstream,
            effects.Truncate: self._send_upstream,
            effects.Configure: self._configure,
            effects.RunTool: self._run_tool,
            effects.Dial: self.dial,
            effects.HangUp: self.hang_up,
            effects.CloseClient: self.close_client,
            effects.StartTimer: self.start_timer,
            effects.StopTimer: self.stop_timer,
            effects.Note: self.note,
            effects.Finish: lambda _: self.finish(),
        }

    # the client's side

    def start(self) -> None:
        """The client's socket is open."""
        self._carry_out(self.session.start())

    def client_text(self, payload: bytes) -> None:
        """One text message."""
        try:
            event = browser.decode_text(payload, self._limits, self._asked)
        except Exception as error:  # noqa: BLE001 - a bug of ours must not reach picows, which would close 1011
            self._broke(error)
        else:
            self.step(event)

    def client_binary(self, payload: bytes) -> None:
        """One binary message: the hot path up."""
        if self._is_positioned:
            self.step(browser.decode_audio(payload))
        elif (line := self.line) is not None and hear(self._state, payload, now()):
            line.send_text(upstream.append(payload))
        else:
            self.step(events.ClientAudio(payload))

    def client_closed(self, code: int, reason: str) -> None:
        """The client's socket is over."""
        self.step(events.ClientGone(code, reason))
        self.finish()

    def client_stalled(self, waiting_bytes: int) -> None:
        """The client does not read."""
        self.step(events.ClientTooSlow(waiting_bytes))

    def drain(self) -> None:
        """The process stops."""
        self.step(events.DrainBegan())

    def _asked(self, message: browser.CreateSession) -> Event:
        """Complete `create_session`: registry, identifiers. Nothing changes before the core has agreed."""
        options = browser.options_of(message)
        if message.model is not None:
            model = resolve_model(message.model, datetime.now(UTC).date())
            if isinstance(model, UnknownModel):
                cause = fault("application.unsupported_model", [model.message])
                return MessageRefused("UNSUPPORTED_MODEL", model.message, "model", message.event_id, cause)
            options = replace(options, model=model.id)
        session_id = f"hf_{secrets.token_hex(16)}"
        token = secrets.token_urlsafe(32)
        return SessionAsked(options, session_id, token, secrets.token_hex(8), message.event_id)

    def _agreed(self, created: notices.SessionCreated) -> None:
        """The core took `create_session`: what was asked for holds from here on."""
        options = self.session.state.options
        self._is_positioned = options.framing == "positioned"
        self.query = {} if options.model is None else {"model": options.model}
        self.log = self.log.bind(session=created.session_id)

    # the upstream's side

    def connected(self, generation: int) -> None:
        self.step(events.UpstreamOpened(generation))

    def upstream_message(self, generation: int, raw: bytes) -> None:
        """One server event: the hot path down."""
        try:
            parsed = upstream.parse(raw)
            if parsed is None:
                return
            if parsed.type == upstream.AUDIO_DELTA:
                self._output_audio(generation, parsed)
                return
            event = upstream.decode(parsed, generation)
        except BreachError as breach:
            event = events.UpstreamBreached(generation, str(breach), chance())
        if event is not None:
            self.step(event)

    def _output_audio(self, generation: int, parsed: upstream.ServerEvent) -> None:
        pcm = upstream.pcm_of(parsed.delta or "")
        response_id, item_id = parsed.response_id or "", parsed.item_id or ""
        item = speak(self._state, generation, response_id, item_id, size=len(pcm), now=now())
        if item is None:
            self.step(events.OutputAudio(generation, response_id, item_id, pcm))
        elif self._is_positioned:
            start = item.sent - samples_of_bytes(len(pcm))
            play = effects.Play(self._state.output.offset, item.stream, start, pcm)
            self.client.send_binary(browser.encode_audio(play))
        else:
            self.client.send_binary(pcm)

    def upstream_lost(self, generation: int, cause: Fault) -> None:
        self.step(events.UpstreamLost(generation, cause, chance()))

    def timer_fired(self, name: str) -> None:
        self.step(events.TimerFired(name, chance()))

    # the step

    def step(self, event: Event) -> None:
        """Everything that happens to the session passes here."""
        try:
            perform = self._perform
            for effect in self.session.receive(event, now()):
                perform[type(effect)](effect)
        except Exception as error:  # noqa: BLE001 - one session's bug must not end the others
            self._broke(error)

    def _broke(self, error: Exception) -> None:
        """A bug of ours: end what can be ended by name, whatever state it left."""
        cause = self.broken(error)
        try:
            self._carry_out(self.session.abort(cause))
        except Exception as worse:  # noqa: BLE001 - as above
            self.broken(worse)
        self.client.close(cause.row.close_code, cause.code)
        self.finish()

    def _carry_out(self, due: Sequence[Effect]) -> None:
        perform = self._perform
        for effect in due:
            perform[type(effect)](effect)

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
        self.client.send_text(browser.encode_notice(effect.notice, effect.offset, timestamp()))

    def _send_upstream(self, effect: Effect) -> None:
        self._sent += 1
        if self.line is not None:
            self.line.send_text(upstream.encode(effect, self._sent))

    def _configure(self, effect: effects.Configure) -> None:  # noqa: ARG002 - the fence is in the core
        traits = self.dialer.traits
        state = self.session.state
        settings = SessionSettings(
            instructions=self._assistant.instructions(self.principal, state.options.instructions),
            voice=voice_of(state),
            tools=[
                tool if traits.knows_utterances else without_extensions(tool)
                for tool in self._assistant.toolbox.definitions()
            ],
            transcription_model=traits.transcription_model,
            manual_turns=state.options.turn_detection == "manual",
            silence_ms=self._assistant.silence_ms,
        )
        if self.line is not None:
            self.line.send_text(upstream.session_update(settings))

    def _run_tool(self, effect: effects.RunTool) -> None:
        self.spawn(self._call_tool(effect))

    async def _call_tool(self, effect: effects.RunTool) -> None:
        context = ToolContext(
            session_id=self.session.state.session_id,
            call_id=effect.call_id,
            customer_id=self.principal.customer_id,
            customer_name=self.principal.customer_name,
            last_reply=effect.last_reply,
        )
        outcome = await self._assistant.toolbox.call(effect.name, effect.arguments, context)
        action = outcome.client_action
        self.step(
            ToolReturned(
                effect.call_id,
                outcome.output,
                outcome.status,
                None if action is None else (action.action, action.target, action.arguments),
                outcome.end_session,
                None if outcome.fault is None else fault(outcome.fault),
            )
        )
