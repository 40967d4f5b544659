"""Faults by name, done to one session when it stands where they are meant to hit.

What lives here: waiting for the state, and what each kind of fault does to the models.
What never will: how a session recovers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.core import events
from holdfast.core.faults import fault
from holdfast.core.timers import TIMER_AWAY
from tests.simulation.endpoints import closing
from tests.simulation.matrix import At, Kind
from tests.simulation.script import Mishap
from tests.simulation.truth import Violation
from tests.simulation.upstream import Link
from tests.simulation.voice import spoken

if TYPE_CHECKING:
    from tests.simulation.caller import Caller
    from tests.simulation.gateway import Runner

PAIR_S = 25.0
"""The second of a pair hits while the session is on its way back from the first."""
PING_S = (10.0, 15.0)
AT_ONCE = frozenset({Kind.DIAL, Kind.LATE})
IN_CONVERSATION = frozenset({At.US, At.CM, At.RS, At.TR})


class Mishaps:
    """What still waits to go wrong for one caller."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.clock = caller.clock
        self.waiting = list(caller.script.mishaps)
        self.last_at = float("-inf")

    def enter(self, at: At) -> None:
        """The session stands here now."""
        for mishap in [one for one in self.waiting if one.state is at]:
            if mishap.after is not None and not self._is_on_its_way_back(mishap.after):
                continue
            if mishap.fault.kind in AT_ONCE:
                self._hit(mishap, at)
            else:
                self.clock.after(mishap.delay_s, self._try, mishap)

    def _is_on_its_way_back(self, first: Mishap) -> bool:
        return first.hit_at is not None and self.clock.now - first.hit_at < PAIR_S

    def _try(self, mishap: Mishap) -> None:
        runner = self._runner()
        if runner is None or mishap not in self.waiting or runner.at is not mishap.state:
            return
        link = self._link(runner)
        if mishap.state is At.WU and link is not None and link.is_live:
            return  # its word that it is ready is under way already
        self._hit(mishap, mishap.state)

    def _runner(self) -> Runner | None:
        process = self.caller.world.process
        return None if process is None else process.runners.get(self.caller.session_id, self._unnamed())

    def _unnamed(self) -> Runner | None:
        socket = self.caller.socket
        return None if socket is None else socket.runner

    def needs(self) -> At | None:
        """Where a fault waits that could come about, if the caller went on talking."""
        return next(
            (one.state for one in self.waiting if one.state in IN_CONVERSATION and one.after is None), None
        )

    def is_waiting(self, waited_s: float) -> bool:
        """Whether one may hit any moment now."""
        return waited_s < 3.0 and any(one.state is At.ID and one.after is None for one in self.waiting)

    def _hit(self, mishap: Mishap, at: At) -> None:
        caller, now = self.caller, self.clock.now
        runner = self._runner()
        if runner is None or (runner.is_dead and at is not At.CL):
            return
        self.waiting.remove(mishap)
        mishap.hit_at = self.last_at = now
        first = None if mishap.after is None else mishap.after.state
        caller.world.hit(mishap.fault, at, first)
        link = self._link(runner)
        kind, argument = mishap.fault.kind, mishap.fault.argument
        if kind in {Kind.CLIENT, Kind.PROCESS, Kind.STORE}:
            _OF_OTHERS[kind](self, runner, argument)
        elif kind is Kind.DIAL:
            self._dials_fail(runner, at, argument)
        elif link is not None:
            _OF_LINK[kind](self, link, at, argument)

    def _link(self, runner: Runner) -> Link | None:
        if runner.line is not None:
            return runner.line
        links = [link for link in runner.lines.values() if not link.is_dead]
        return links[-1] if links else None

    # the upstream

    def _reset(self, link: Link, at: At, argument: str) -> None:
        del argument
        code = "provider.unreachable" if at is At.CN else "provider.connection_lost"
        link.end(fault(code, ["reset"]))

    def _close(self, link: Link, at: At, argument: str) -> None:
        del at
        link.end(closing(argument))

    def _silence(self, link: Link, at: At, argument: str) -> None:
        link.is_mute = True
        if argument == "half-open":
            link.is_deaf = True
            seconds = link.chance.uniform(*PING_S)
            self.last_at += seconds
            self.clock.after(seconds, link.end, fault("provider.connection_lost", ["no pong"]))
        del at

    def _dials_fail(self, runner: Runner, at: At, argument: str) -> None:
        count = (
            1
            if argument in {"401", "403", "404", "never", "in band"}
            else self.caller.chance.choice((1, 1, 2, 3))
        )
        self.caller.dial_wishes += [argument] * count
        if at is not At.CN and (link := self._link(runner)) is not None:
            link.end(fault("provider.connection_lost", ["reset"]))

    def _says(self, link: Link, at: At, argument: str) -> None:
        what, _, times = argument.partition("*")
        g = link.generation
        for _ in range(int(times or 1)):
            match what:
                case "server_error":
                    cause = fault("provider.server_error", ["had an error"])
                    link.emit(events.UpstreamErred(g, cause, "server_error", "had an error"))
                case "invalid":
                    cause = fault("application.invalid_message", ["no"])
                    link.emit(events.UpstreamErred(g, cause, "invalid_value", "no", "m_1"))
                case "rate":
                    cause = fault("provider.rate_limited", ["slow down"])
                    link.emit(events.UpstreamErred(g, cause, "rate_limit_exceeded", "slow down"))
                case "malformed":
                    link.emit(events.UpstreamBreached(g, "not JSON", link.chance.random()))
                case "expired":
                    cause = fault("provider.session_expired", ["60 minutes"])
                    link.emit(events.UpstreamErred(g, cause, "session_expired", "60 minutes"))
                    link.end(closing("1001 "))
                case "duplicate":
                    link.doubled = 4
                case "stray":
                    link.emit(events.OutputAudio(g, "resp_stray", "item_stray", spoken(0, 2400, 255)))
                case "oversized":
                    link.end(closing("1009 "))
                case "early" | "premature":
                    link.disorder = what
        del at

    def _spoils(self, link: Link, at: At, argument: str) -> None:
        link.spoilt = argument
        if at is At.RS and link.active is not None and link.active.said:
            link.spoil()

    def _late(self, link: Link, at: At, argument: str) -> None:
        if at is At.CM:
            link.late_answer_s = float(argument)
        else:
            link.late_s += float(argument)
        self.last_at += float(argument)

    # the client

    def _client(self, runner: Runner, argument: str) -> None:
        caller, socket = self.caller, self.caller.socket
        if socket is None:
            return
        match argument:
            case "drop":
                socket.breaks(caller.script.notices_s)
            case "half-open":
                socket.breaks(caller.script.notices_s, caller.chance.uniform(0.0, 6.0))
            case "long":
                caller.script.away_s = caller.chance.choice((20.0, 35.0, 60.0))
                socket.breaks()
            case "slow":
                runner.step(events.ClientTooSlow(9_000_000))
            case "malformed":
                runner.step(events.MessageRefused("INVALID_MESSAGE", "bad", "type", "bad-1"))
            case "second":
                caller.opens_second_window(0)
            case "older":
                caller.older = caller.chance.randrange(1, 12)
                socket.breaks(caller.script.notices_s)
            case "wrong":
                self._tries_wrong_token(runner)

    @staticmethod
    def _tries_wrong_token(runner: Runner) -> None:
        if "tok-of-somebody" in runner.tokens:
            raise Violation("B11", "a token that was never given is accepted")

    def _process(self, runner: Runner, argument: str) -> None:
        world, chance = self.caller.world, self.caller.chance
        match argument:
            case "kill":
                world.kill(chance.uniform(0.2, 3.0))
            case "drain":
                world.drain(chance.uniform(0.0, 1.0), twice=False)
            case "drain twice":
                world.drain(chance.uniform(0.0, 1.0), twice=True)
            case "stall":
                self.last_at += 2.0
                world.stall(2.0)
            case "memory":
                if self.caller.socket is not None:
                    world.frees_memory = True
                    self.caller.socket.breaks()
                    self.clock.after(0.5, self._gives_way, runner)

    @staticmethod
    def _gives_way(runner: Runner) -> None:
        if runner.state.link.is_away:
            runner.step(events.TimerFired(TIMER_AWAY))

    def _store(self, runner: Runner, argument: str) -> None:
        del runner
        world, chance = self.caller.world, self.caller.chance
        seconds = chance.uniform(0.5, 6.0)
        self.last_at += seconds
        if argument == "slow":
            world.slows_journal(1.5, seconds)
            return
        world.breaks_journal(seconds)
        if argument == "down kill":
            world.kill(chance.uniform(0.2, 3.0))


_OF_LINK = {
    Kind.RESET: Mishaps._reset,
    Kind.CLOSE: Mishaps._close,
    Kind.SILENCE: Mishaps._silence,
    Kind.EVENT: Mishaps._says,
    Kind.ANSWER: Mishaps._spoils,
    Kind.LATE: Mishaps._late,
}
_OF_OTHERS = {Kind.CLIENT: Mishaps._client, Kind.PROCESS: Mishaps._process, Kind.STORE: Mishaps._store}
