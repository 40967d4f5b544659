"""One relayed conversation of `/v1/realtime`, run: originals go through, only their type is looked at.

What lives here: the short way of audio, and the table from an effect to a call.
What never will: a second parse of an audio message; deciding.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

from holdfast.core import effects, events, relay_effects
from holdfast.core import relay_events as heard
from holdfast.core.client_close import BREACH_ERRORS, fault_of_client_close
from holdfast.core.effects import Dial
from holdfast.core.events import MessageRefused
from holdfast.core.faults import Fault, fault
from holdfast.core.limits import Limits
from holdfast.core.rates import FloodWatch, TokenBucket
from holdfast.core.relay_effects import RelayEffect
from holdfast.core.relay_events import RelayEvent
from holdfast.core.relay_input import FRESH_BYTES, FRESH_MAX
from holdfast.core.relay_state import RelaySurroundings
from holdfast.core.rights import Rights, overreach
from holdfast.core.timers import TIMER_AWAY
from holdfast.express import CompiledRelayLane, Leg, RelayDown, RelayUp, Way
from holdfast.ports import ClientLine, Principal
from holdfast.ports.sightings import Watched
from holdfast.runtime.directory import Directory
from holdfast.runtime.eyes import RelayEyes
from holdfast.runtime.relay_return import RelayWish, ReturnableLine, ReturnToRelay
from holdfast.runtime.resumption import Tokens
from holdfast.runtime.shell import Shell, chance, now
from holdfast.runtime.spoken_input import RelayedInput
from holdfast.runtime.upstreams import Upstreams
from holdfast.wire import relay_words, relayed, upstream
from holdfast.wire.browser import ResumeSession
from holdfast.wire.dialects import cure_of
from holdfast.wire.realtime import Refused
from holdfast.wire.realtime.client_events import checked, event_id_of, parse
from holdfast.wire.relayed import APPEND, DELTAS
from holdfast.wire.upstream import PEEK_ERRORS, BreachError, peek

ERRORS_PER_S: Final = 1.0
ERRORS_BURST: Final = 20.0
LARGE_BYTES: Final = 1024 * 1024
"""Only what a client asks to read back is as large as this."""
OLDER_MAY_BE: Final = frozenset({"session.update", "transcription_session.update", "response.create"})
"""Where a client of the shape before GA gives itself away; the service would refuse it without a cure."""


class RelayRunner(Shell):
    """Between a client of the Realtime dialect and an upstream."""

    def __init__(
        self,
        client: ClientLine,
        upstreams: Upstreams,
        directory: Directory,
        limits: Limits,
        wish: RelayWish,
        *,
        principal: Principal,
        peer: str,
        rights: Rights = Rights.FULL,
    ) -> None:
        self._session_id = f"rt_{secrets.token_hex(16)}"
        known = {"session": self._session_id, "customer_id": principal.customer_id}
        super().__init__(client, upstreams, directory, "realtime", **known)
        self.principal = principal
        self.peer = peer
        self.tokens = Tokens()
        self.resumes = TokenBucket(limits.resumes_per_10_s / 10, limits.resumes_per_10_s)
        self._wish = wish
        self._rights = rights
        self._errors = TokenBucket(ERRORS_PER_S, ERRORS_BURST)
        self._flood = FloodWatch(limits.client_flood_s)
        self.relay = directory.relay_core(
            RelaySurroundings(
                limits=limits,
                upstreams=upstreams.facts,
                endpoints=upstreams.endpoints,
                measure=relayed.audio_bytes,
                model=wish.query.get("model", ""),
            )
        )
        self._state = self.links = self.relay.state
        self.input = RelayedInput(self._state)
        watched = Watched(self._session_id, "realtime", principal.customer_id)
        self._eyes: RelayEyes = RelayEyes(directory.watches, watched, self._state)
        self._perform = self.PERFORM  # found sooner here than in the class

    # the client's side

    def start(self) -> None:
        """The client's socket is open."""
        if self._wish.returning is not None:
            self._return(self._wish.returning)
            return
        token = None
        if self._wish.can_return:
            token = self.tokens.first()
            self.client = ReturnableLine(self.client, self._state.window)
            self.directory.name(self, self._session_id, self)
        epoch = secrets.token_hex(8)
        settings = self.principal.session or {}
        spent = self.directory.spent_by(self.principal.customer_id)
        self.step(heard.Begun(self._session_id, epoch, token, self._wish.on_loss, chance(), settings, spent))

    def ways(self, client: Leg, upstream: Leg, generation: int) -> tuple[Way, Way]:
        """See `Shell`."""
        state = self._state
        lane = state.lane = CompiledRelayLane.instead_of(state.lane)
        window = state.window if state.can_return else None
        return (
            RelayUp(lane, upstream, state.kept, FRESH_MAX),
            RelayDown(lane, generation, client, window, FRESH_MAX),
        )

    def client_text(self, payload: bytes) -> None:
        """One client event: the hot path up for audio, whose type alone is looked at."""
        try:
            kind = peek(payload).type
        except PEEK_ERRORS:
            self._no_event(payload)
            return
        if kind != APPEND:
            self._client_asked(payload, kind)
            return
        state, line = self._state, self.line
        if state.lane.is_passing and line is not None and len(payload) <= FRESH_BYTES:
            line.send_text(payload)
            fresh = state.fresh
            fresh.append(payload)
            if len(fresh) >= FRESH_MAX:
                state.kept.book()
        else:
            self.step(heard.ClientAudioSent(payload))

    def _client_asked(self, payload: bytes, kind: str) -> None:
        if self._rights is Rights.NARROW:
            permitted = self._permitted(payload)
            if permitted is None:
                return
            payload = permitted
        if kind in OLDER_MAY_BE and (found := cure_of(payload)) is not None:
            self._tell(relay_words.older_shape(*found, _event_id()))
            return
        event = relayed.read_client(payload, kind)
        if self._state.can_return or not isinstance(event, heard.ClientAcknowledged):
            self.step(event)
        else:
            self._refuse("invalid_event", f"{kind} is for those who connected with holdfast_resume=1.")

    def _permitted(self, payload: bytes) -> bytes | None:
        """A message of a client with narrow rights, as we read it: nobody is to read it in another way."""
        try:
            event = parse(payload)
        except Refused as refused:
            self._refuse(refused.code, refused.message)
            return None
        over = overreach(event, self.principal.session or {})
        if over is None:
            return relay_words.written(event)
        self.log.info("client.not_permitted", category="client", param=over.param)
        self._refuse("insufficient_permissions", over.message, over.param, event_id_of(event))
        return None

    def _no_event(self, payload: bytes) -> None:
        """Say what is wrong with a message that has no type that can be read."""
        event_id = None
        try:
            event = parse(payload)
            event_id = event_id_of(event)
            checked(event)
        except Refused as refused:
            self._refuse(refused.code, refused.message, refused.param, event_id)

    def client_binary(self, payload: bytes) -> None:
        """This dialect is text only."""
        words = f"A binary message of {len(payload)} bytes: send base64 in {APPEND}."
        self._refuse("invalid_event", words)

    def _refuse(
        self, code: str | None, message: str, param: str | None = None, event_id: str | None = None
    ) -> None:
        """Say what is wrong, within a rate; who goes on for too long is told goodbye."""
        at = now()
        if self._errors.take(1, at):
            kind = "invalid_request_error"
            told = upstream.error_event(code or kind, message, kind, event_id, _event_id(), param=param)
            self._tell(told)
        elif self._flood.refused(at):
            self.step(heard.ClientFlooded())

    def client_breached(self, code: int, reason: str) -> None:
        """It is told in words what the close code says in a number."""
        if code in BREACH_ERRORS and (cause := fault_of_client_close(code, reason)) is not None:
            self._refuse(cause.code, f"{cause.row.message} {cause.row.remedy}")

    def client_closed(self, code: int, reason: str) -> None:
        """The client's socket is over; the core decides whether the conversation waits for it."""
        if isinstance(self.client, ReturnableLine):
            self.client.client = None
        self.step(events.ClientGone(code, reason))
        self.directory.noticed(self)

    def client_stalled(self, waiting_bytes: int) -> None:
        """The client does not read."""
        self.step(events.ClientTooSlow(waiting_bytes))

    @property
    def is_parked(self) -> bool:
        """Whether the client is away and the conversation waits for it."""
        return self._state.is_away

    def give_way(self) -> None:
        """End, if it is parked."""
        self.step(events.TimerFired(TIMER_AWAY))

    def drain(self, *, at_once: bool = False) -> None:
        """The process stops."""
        self.step(events.DrainBegan(at_once))

    def shed(self) -> None:
        """Memory runs short: let go what can be had again."""
        self.step(events.MemoryRanShort())

    def journal_changed(self, cause: Fault | None) -> None:
        """Relayed conversations are kept in no store."""

    # a client that comes back

    def _return(self, wish: ReturnToRelay) -> None:
        """Hand the socket over to its conversation, or say why not."""
        found = self.directory.resumption.find(wish, self.principal, self.peer, now())
        if isinstance(found, RelayRunner):
            client = self.client
            self.finish()
            found.take(client, wish)
            return
        cause = found.fault if isinstance(found, MessageRefused) else None
        self._carry_out(self.relay.abort(cause or fault("application.unknown_session")))

    def take(self, client: ClientLine, message: ResumeSession) -> None:
        """This socket is our client's from here on; another that it had is closed."""
        line = self.client
        if not isinstance(message, ReturnToRelay) or not isinstance(line, ReturnableLine):
            cause = fault("application.unknown_session")
            client.close(cause.row.close_code, cause.code)
            return
        if (before := line.client) is not None:
            before.hand_to(None)
            before.close(4409, "replaced by a newer connection")
        line.client = client
        client.hand_to(self)
        self.couple()
        token = self.tokens.renew(message.resume_token)
        self.step(heard.ClientReturned(message.epoch, message.offset, token))
        self.directory.noticed(self)

    # the upstream's side

    def connected(self, generation: int) -> None:
        self.step(events.UpstreamOpened(generation))

    def upstream_message(self, generation: int, raw: bytes) -> None:
        """One server event: the hot path down for audio, whose type alone is looked at."""
        try:
            kind = peek(raw).type
            if kind in DELTAS:
                lane = self._state.lane
                if generation == lane.voice:
                    lane.said += len(raw)
                    lane.said_at = now()
                    self.client.send_text(raw)
                    return
                event: RelayEvent = heard.AudioPassed(generation, raw)
            else:
                event = relayed.read(raw, kind, generation, relayed.Moment(time.time(), chance()))
        except (BreachError, *PEEK_ERRORS) as breach:
            event = events.UpstreamBreached(generation, str(breach), chance())
        self.step(event)

    def upstream_lost(self, generation: int, cause: Fault) -> None:
        self.step(events.UpstreamLost(generation, cause, chance()))

    def timer_fired(self, name: str) -> None:
        self.step(events.TimerFired(name, chance()))

    # the step

    def step(self, event: RelayEvent) -> None:
        """Everything but audio passes here."""
        try:
            if (leg := self.client.leg) is not None:
                leg.flush()  # what it holds back was before this
            at = now()
            due = self.relay.receive(event, at)
            self._carry_out(due)
            self._eyes.stepped(event, due, at)
        except Exception as error:  # noqa: BLE001 - one conversation's bug must not end the others
            self._broke(error)

    def _broke(self, error: Exception) -> None:
        """A bug of ours: end what can be ended by name, whatever state it left."""
        cause = self.broken(error)
        try:
            due = self.relay.abort(cause)
            self._carry_out(due)
            self._eyes.carried(due, now())
        except Exception as worse:  # noqa: BLE001 - as above
            self.broken(worse)
        self.client.close(cause.row.close_code, cause.code)
        self.finish()

    def _carry_out(self, due: Sequence[RelayEffect]) -> None:
        perform = self._perform
        for effect in due:
            perform[type(effect)](self, effect)

    # effects

    def dial(self, effect: Dial) -> None:
        """Dial as the client asked; another kind of upstream does not know the client's model."""
        facts = self.upstreams.facts
        query = dict(self._wish.query)
        if facts[effect.endpoint].kind != facts[self._state.line.first_endpoint].kind:
            query.pop("model", None)
        self.query = query
        super().dial(effect)

    def _say(self, raw: bytes) -> None:
        if self.line is not None:
            self.line.send_text(raw)

    def _tell(self, raw: bytes) -> None:
        self.client.send_text(raw)

    def _send_up(self, effect: relay_effects.SendUp) -> None:
        self._say(effect.raw)

    def _send_down(self, effect: relay_effects.SendDown) -> None:
        raw = effect.raw
        if effect.late_ms or effect.mark:
            raw = relay_words.altered(raw, effect.late_ms, effect.mark)
        if len(raw) > LARGE_BYTES:
            self.client.make_room(len(raw))
        self._tell(raw)

    def _send_again(self, effect: relay_effects.SendAgain) -> None:
        if isinstance(self.client, ReturnableLine):
            self.client.send_uncounted(effect.raw)

    def _send_error(self, effect: relay_effects.SendError) -> None:
        self._tell(relay_words.error(effect, _event_id()))

    def _send_terminal(self, effect: relay_effects.SendTerminal) -> None:
        for raw in relay_words.terminal(effect, _event_ids()):
            self._tell(raw)

    def _send_news(self, effect: relay_effects.SendNews) -> None:
        raw = relay_words.news(effect, _event_id())
        if effect.name == "resumed" and isinstance(self.client, ReturnableLine):
            self.client.send_uncounted(raw)
        else:
            self._tell(raw)

    def _configure(self, effect: relay_effects.Configure) -> None:
        line = self.lines.get(effect.generation)
        if line is None:
            return
        traits = self.upstreams.dialers[effect.endpoint].traits
        line.send_text(relay_words.session_update(effect, traits.voices, traits.transcription_model))

    PERFORM: ClassVar[Mapping[type, Callable[[RelayRunner, Any], None]]] = {
        **Shell.SHARED,
        effects.Dial: dial,
        relay_effects.SendUp: _send_up,
        relay_effects.SendSettings: lambda self, e: self._say(relay_words.without_model(e.raw)),
        relay_effects.SendDown: _send_down,
        relay_effects.SendGreeting: lambda self, e: self._tell(relay_words.greeting(e)),
        relay_effects.SendAgain: _send_again,
        relay_effects.SendError: _send_error,
        relay_effects.SendTerminal: _send_terminal,
        relay_effects.SendCommitted: lambda self, e: self._tell(relay_words.committed(e, _event_id())),
        relay_effects.SendDeleted: lambda self, e: self._tell(relay_words.deleted(e, _event_id())),
        relay_effects.SendTruncated: lambda self, e: self._tell(relay_words.truncated(e, _event_id())),
        relay_effects.SendNews: _send_news,
        relay_effects.Configure: _configure,
        relay_effects.AddItem: lambda self, e: self._say(relay_words.add_item(e)),
        relay_effects.RemoveItem: lambda self, e: self._say(relay_words.remove_item(e)),
        relay_effects.PadAudio: lambda self, e: self._say(relay_words.pad_audio(e)),
        relay_effects.AddSpeech: lambda self, e: self._say(relay_words.add_speech(e)),
        relay_effects.Ask: lambda self, e: self._say(relay_words.ask(e)),
    }


def _event_id() -> str:
    return f"event_{secrets.token_hex(12)}"


def _event_ids() -> Iterator[str]:
    while True:
        yield _event_id()
