"""One process of the gateway: the production core, and around it what the runtime does for it.

What lives here: carrying out effects, timers, the journal, tools, sessions by id with their tokens, the end
of the process.
What never will: decisions; the core's are the ones on trial.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from holdfast.core import effects, events, notices
from holdfast.core.endpoints import Endpoints
from holdfast.core.events import Event
from holdfast.core.faults import Fault, fault
from holdfast.core.limits import Limits
from holdfast.core.session import Session
from holdfast.core.state import Surroundings
from holdfast.runtime.rounds import ROUND_S
from tests.simulation.clock import Entry
from tests.simulation.conversation import Known
from tests.simulation.matrix import At
from tests.simulation.script import IDEMPOTENT
from tests.simulation.tools import Tools
from tests.simulation.truth import Violation
from tests.simulation.upstream import Link
from tests.simulation.watch import Watch

if TYPE_CHECKING:
    from tests.simulation.caller import Caller
    from tests.simulation.socket import Socket
    from tests.simulation.world import World

TOKEN: Final = "tok-"
TOO_SLOW: Final = 1013
"""The line of a client that does not read is cut with this code; it may come back."""
TICK_S: Final = 1e-6
"""No clock is finer."""


class Process:
    """What dies with a kill -9."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.endpoints = Endpoints([one.name for one in world.endpoints], Limits())
        self.runners: dict[str, Runner] = {}
        self.is_alive = True
        self.takes_new = True

    def create(self, socket: Socket, caller: Caller) -> Runner:
        """A connection: it has a core at once."""
        return Runner(self, socket, caller)

    def find(self, session_id: str, caller: Caller) -> Runner | None:
        """A session that runs, or that another process left in the journal."""
        runner = self.runners.get(session_id)
        if runner is not None or not self.takes_new:
            return runner
        lines = self.world.store.unfinished(session_id)
        if lines is None:
            return None
        runner = Runner(self, None, caller)
        runner.take_up(session_id, lines)
        return runner

    def die(self) -> None:
        """Nothing of it is left."""
        self.is_alive = False
        for runner in [*self.runners.values()]:
            runner.die()
        self.runners.clear()

    def drain(self, at_once: bool) -> None:  # noqa: FBT001 - the clock passes positions
        """SIGTERM."""
        self.takes_new = False
        for runner in [*self.runners.values()]:
            runner.step(events.DrainBegan(at_once))


class Runner:
    """One session in its process."""

    def __init__(self, process: Process, socket: Socket | None, caller: Caller) -> None:
        world = process.world
        self.process, self.world, self.clock = process, world, world.clock
        self.caller, self.socket = caller, socket
        caller.runners.append(self)
        caller.truth.homes += 1
        self.judge, self.chance = caller.judge, caller.chance
        self.is_dead = self.is_finished = False
        self.session_id = ""
        self.tokens: tuple[str, ...] = ()
        self.timers: dict[str, Entry] = {}
        self.lines: dict[int, Link] = {}
        self.line: Link | None = None
        self.dialling: dict[int, Entry] = {}
        self.at = At.CN
        self.sent = self.doubts = 0
        self.lines_written = 0
        self.visited_at = 0.0
        self.session = Session(
            Surroundings(
                limits=world.limits,
                customer_id="C-1",
                upstreams=world.facts,
                endpoints=process.endpoints,
                greeting="Hello, I am here.",
                durability=world.store.durability,
                idempotent_tools=IDEMPOTENT,
            )
        )
        self.state = self.session.state
        self.watch = Watch(self)
        self.tools = Tools(self)
        self.perform: dict[type, Callable[[Any], None]] = {
            effects.Tell: self._tell,
            effects.Play: self._play,
            effects.CloseClient: self._close_client,
            effects.Dial: self._dial,
            effects.Adopt: self._adopt,
            effects.HangUp: self._hang_up,
            effects.Configure: self._configure,
            effects.ProveLife: self._prove_life,
            effects.Append: self._append,
            effects.AddToolResult: self._send_result,
            effects.RunTool: self.tools.run,
            effects.Record: self._record,
            effects.ForgetRecords: lambda _: world.store.forget(self.session_id),
            effects.StartTimer: self._start_timer,
            effects.StopTimer: self._stop_timer,
            effects.Note: self.watch.note,
            effects.Finish: lambda _: self._finish(),
        }
        for kind in (
            effects.CommitInput,
            effects.ClearInput,
            effects.AddText,
            effects.AddSpeech,
            effects.AddCall,
            effects.Respond,
            effects.CancelResponse,
            effects.Truncate,
        ):
            self.perform[kind] = self._send
        if socket is not None:
            self._carry_out(self.session.start())

    # the step

    def step(self, event: Event) -> None:
        """Everything that happens to the session passes here."""
        if self.is_dead:
            return
        self.watch.happens(event)
        due = self.session.receive(event, self.clock.now)
        self.world.trace(self, event, due)
        self._carry_out(due)
        self.watch.stepped(event, due)

    def _carry_out(self, due: list[effects.Effect]) -> None:
        perform = self.perform
        for effect in due:
            perform[type(effect)](effect)

    def take_up(self, session_id: str, lines: list[tuple[str, Any]]) -> None:
        """A session that another process left."""
        due = self.session.restart(lines, self.world.new("epoch"), self.clock.now)
        last = next(content for _, content in reversed(lines) if "tokens" in content)
        self.tokens = tuple(last["tokens"])
        self._settle_on(session_id)
        self.lines_written = len(lines)
        self.watch.taken_up(lines)
        kept = {one["id"]: one["text"] for kind, one in lines if kind == "item" and one["final"]}
        self.judge.begins_again(self.state.input_lane.end, kept)
        self._carry_out(due)

    def _settle_on(self, session_id: str) -> None:
        self.session_id = session_id
        self.process.runners[session_id] = self
        if self.world.journal_cause is not None:
            self.clock.after(0.0, self._hears_of_journal)

    def _hears_of_journal(self) -> None:
        if not self.is_finished:
            self.step(events.JournalChanged(self.world.journal_cause))

    def die(self) -> None:
        """kill -9: nothing is said to anybody."""
        self.is_dead = True
        for link in self.lines.values():
            link.hang_up()
        if self.socket is not None:
            self.socket.breaks()

    # the client

    def client_asks(self, event: Event) -> None:
        """`create_session` and every other command."""
        self.step(event)

    def client_audio(self, pcm: bytes, start: int | None = None) -> None:
        """A frame, with its position or without: the short way, when it may."""
        at = self.state.input_lane.end
        if self.line is not None and start in {None, at} and self.state.input_lane.take(pcm):
            self._append(effects.Append(pcm, at))
        else:
            self.step(events.ClientAudio(pcm, start))
        if self.clock.now >= self.visited_at + ROUND_S and not (self.is_dead or self.is_finished):
            self.visited_at = self.clock.now
            self.visit()

    def visit(self) -> None:
        """Tell what was received, as the runtime does."""
        lane = self.state.input_lane
        due = lane.due()
        if due == "booking":
            self.step(events.AudioDue())
        elif due == "telling" and (told := lane.tell(self.state.output_lane, self.clock.now)) is not None:
            self._tell(effects.Tell(notices.AudioReceived(told[0], self.state.journal.durable), told[1]))

    def client_gone(self, socket: Socket, code: int) -> None:
        """The socket is over."""
        if socket is self.socket and not self.is_dead:
            self.watch.client_left(code)
            self.step(events.ClientGone(code))

    def take(self, socket: Socket, epoch: str, offset: int, used: str) -> None:
        """This socket is the client's from here on."""
        token = self.world.new(TOKEN)
        self.tokens = (used, token)
        before, self.socket = self.socket, socket
        if before is not None and self.state.link.is_listening:
            before.closes(4409)
        self.watch.client_returns()
        self.step(events.ResumeAsked(epoch, offset, token))

    def _tell(self, effect: effects.Tell) -> None:
        notice = effect.notice
        if isinstance(notice, notices.SessionCreated):
            self.tokens = (notice.resume_token,)
            self._settle_on(notice.session_id)
        self.watch.told(effect)
        if self.socket is not None:
            self.socket.send(effect)

    def _play(self, effect: effects.Play) -> None:
        if self.socket is not None:
            self.socket.send(effect)

    def _close_client(self, effect: effects.CloseClient) -> None:
        self.watch.closed(effect)
        if effect.code == TOO_SLOW:
            self.watch.client_left(effect.code)
        if self.socket is not None:
            self.socket.closes(effect.code)

    # the upstream

    def _dial(self, effect: effects.Dial) -> None:
        endpoint = self.world.endpoints[effect.endpoint]
        self.watch.dialled(effect)
        endpoint.dialled(self.clock.now)
        link = self.world.new_link(self, effect)
        self.lines[effect.generation] = link
        self._stands_at_start(At.CN)
        outcome = endpoint.outcome(self.clock.now, self.caller.next_dial_fault())
        if not outcome.is_never:
            entry = self.clock.after(outcome.after_s, self._dialled, link, outcome.cause, outcome.is_in_band)
            self.dialling[effect.generation] = entry

    def _dialled(self, link: Link, cause: Fault | None, is_in_band: bool) -> None:  # noqa: FBT001 - the clock passes positions
        if self.dialling.pop(link.generation, None) is None or self.is_dead:
            return
        if cause is None:
            link.open()
        elif is_in_band:
            link.emit(events.UpstreamOpened(link.generation))
            link.emit(events.UpstreamErred(link.generation, cause, "invalid_api_key", "no"))
            link.end(fault("configuration.invalid_api_key", ["close code 3000"]))
        else:
            link.end(cause)

    def hears(self, link: Link, event: Any, *, is_again: bool) -> None:
        """One server event. One that bears the id of the last is dropped, as the runtime does."""
        if self.is_dead or self.is_finished or (is_again and link.uid % 2):
            return
        match event:
            case events.OutputAudio(generation=g, response_id=response_id, item_id=item_id, pcm=pcm):
                if is_again:
                    return  # without an id nobody could tell it from more of the same
                if self.state.output_lane.take(g, response_id, item_id, pcm, self.clock.now):
                    self._play(effects.Play(*self.state.output_lane.place_of_last(len(pcm)), pcm))
                    return
            case events.OutputTranscribed(final=False) if is_again:
                return  # the same
            case events.UpstreamOpened():
                self._stands_at_start(At.WC)
            case events.UpstreamErred():
                event = replace(event, chance=self.chance.random())
            case _:
                pass
        self.step(event)

    def loses(self, link: Link, cause: Fault) -> None:
        """The line is over."""
        if not self.is_dead:
            if self.lines.get(link.generation) is link:
                self.watch.lost(link, cause)
            self.step(events.UpstreamLost(link.generation, cause, self.chance.random()))

    def stands(self, at: At) -> None:
        """Where the session stands now, for faults that wait for it."""
        if at is At.ID and self.tools.running:
            at = At.TR
        self.at = at
        self.caller.mishaps.enter(at)

    def _stands_at_start(self, at: At) -> None:
        """The same, unless another link serves meanwhile."""
        if self.line is None:
            self.stands(at)

    def _adopt(self, effect: effects.Adopt) -> None:
        self.watch.adopted(effect)
        self._doubts()
        self.line = line = self.lines.get(effect.generation)
        if line is not None:
            line.known.collisions += self.doubts
            self.doubts = 0
        self.stands(At.ID)

    def _doubts(self) -> None:
        """A request that met a response goes on to the next line: nobody knows whether that one had heard."""
        if self.line is not None:
            self.doubts += self.line.known.collisions

    def _hang_up(self, effect: effects.HangUp) -> None:
        self.dialling.pop(effect.generation, None)
        link = self.lines.pop(effect.generation, None)
        if link is not None:
            self.watch.hung_up(link)
            link.hang_up()
            if link is self.line:
                self._doubts()
                self.line = None

    def _configure(self, effect: effects.Configure) -> None:
        if (link := self.lines.get(effect.generation)) is not None:
            self._stands_at_start(At.WU)
            link.configure()

    def _prove_life(self, effect: effects.ProveLife) -> None:
        if (link := self.lines.get(effect.generation)) is not None:
            link.take(effect, "")

    def _append(self, effect: effects.Append) -> None:
        if self.line is not None:
            self.line.take(effect, "")

    def _send_result(self, effect: effects.AddToolResult) -> None:
        self.watch.result_goes(effect)
        self._send(effect)

    def _send(self, effect: effects.Effect) -> None:
        self.sent += 1
        if self.line is None:
            raise Violation("I1", f"{type(effect).__name__} to nobody")
        event_id = f"ask_{self.sent}" if isinstance(effect, effects.Respond) else f"m_{self.sent}"
        self.line.take(effect, event_id)

    # time, journal, end

    def _start_timer(self, effect: effects.StartTimer) -> None:
        if (entry := self.timers.get(effect.name)) is not None:
            entry[2] = None
        seconds = max(effect.seconds, TICK_S)
        self.timers[effect.name] = self.clock.after(seconds, self._due, effect.name)

    def _stop_timer(self, effect: effects.StopTimer) -> None:
        if (entry := self.timers.pop(effect.name, None)) is not None:
            entry[2] = None

    def _due(self, name: str) -> None:
        self.timers.pop(name, None)
        self.step(events.TimerFired(name, self.chance.random()))

    def _record(self, effect: effects.Record) -> None:
        self.watch.recorded(effect)
        content = effect.content
        if effect.kind in {"opened", "attached"}:
            content = {**content, "tokens": self.tokens}
        self.world.store.write(self.session_id, effect, content, self._written)

    def _written(self, number: int) -> None:
        if not self.is_dead and not self.is_finished:
            self.step(events.Recorded(number))

    def _finish(self) -> None:
        self.is_finished = True
        self.stands(At.CL)
        for entry in self.timers.values():
            entry[2] = None
        self.timers.clear()
        for link in self.lines.values():
            link.hang_up()
        self.process.runners.pop(self.session_id, None)
        self.watch.finished()

    def known(self) -> Known:
        """A fresh upstream knows nothing but what turns mean."""
        return Known(self.caller.turns)
