"""A model of a caller: a microphone, a ring, a loudspeaker, a page that comes back.

What lives here: what a client of the browser protocol does by the contract, step by step of its clock.
What never will: faults by name (`mishaps`), rules (`judge`, `watch`, the view).
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Literal

from holdfast.core import events, notices
from holdfast.core.audio import SAMPLE_RATE_HZ
from holdfast.core.effects import Play, Tell
from tests.properties.client import Client
from tests.simulation.judge import Judge
from tests.simulation.loudspeaker import Loudspeaker
from tests.simulation.mishaps import Mishaps
from tests.simulation.script import Script
from tests.simulation.socket import Closed, Socket
from tests.simulation.talk import Talk
from tests.simulation.truth import Truth, Violation

if TYPE_CHECKING:
    from tests.simulation.gateway import Runner
    from tests.simulation.world import World

RING = 45 * SAMPLE_RATE_HZ
CATCH_UP = 8
"""Times real time, after a gap."""
FINAL_CLOSES = frozenset({1000, 1013, 4400, 4401, 4403, 4404, 4408, 4409, 4429, 4502, 4503, 4507})
Phase = Literal["away", "asking", "attached", "over"]


class Caller:
    """One person with one page."""

    def __init__(self, world: World, script: Script, number: int) -> None:
        self.world, self.script, self.number = world, script, number
        self.clock = world.clock
        self.chance: Random = script.chance
        self.truth = Truth(script.options, forgets=world.is_tight)
        self.judge = Judge(self.truth)
        self.view = Client()
        self.talk = Talk(self)
        self.loudspeaker = Loudspeaker()
        self.mishaps = Mishaps(self)
        self.socket: Socket | None = None
        self.phase: Phase = "away"
        self.session_id = self.token = self.epoch = ""
        self.frame = round(script.frame_s * SAMPLE_RATE_HZ)
        self.sent_to = 0
        self.ring_from = 0
        self.durability = "none"
        self.comes_back_at = 0.0
        self.is_welcome = False
        """Whether it knows that it has a session."""
        self.returned_at = float("-inf")
        self.stays_away = False
        self.older = 0
        self.owes_commands = False
        self.dial_wishes: list[str] = []
        self.responses: dict[str, set[str]] = {}
        self.turns = {turn.mark: turn for turn in script.turns}
        self.runners: list[Runner] = []
        """Its session's homes, one for each process."""
        self.was_unborn = False
        """The process was killed before the session, or the token that the caller has, was in the journal."""
        self.pending: dict[str, events.Event] = {}
        """Commands that were not answered: sent again after a return."""
        self.places: dict[str, int] = {}
        """Where in its audio each of them was sent first."""
        self.sent_again: set[str] = set()
        """Those that were, since the last return."""
        self.answered: dict[str, int] = {}
        """Commands that were, and how far the view had come by then."""
        self.whole: list[str] = []
        """Items whose end has just come."""
        self.has_ended = False
        self.tells_at = 0.0
        self.acknowledged = 0
        self.clock.after(script.starts_s, self._start)

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come of it."""
        return self.phase == "over"

    def next_dial_fault(self) -> str | None:
        """What is to become of the next dial of this caller's session."""
        return self.dial_wishes.pop(0) if self.dial_wishes else None

    def _start(self) -> None:
        process = self.world.process
        if process is None or not process.takes_new:
            self.clock.after(0.5, self._start)
            return
        self.socket = socket = Socket(self)
        socket.runner = process.create(socket, self)
        self.phase = "asking"
        if self.script.speaks_early:
            for _ in range(4):
                self._capture(0)
                socket.runner.client_audio(self.truth.pcm(self.sent_to, self.sent_to + self.frame))
                self.sent_to += self.frame
        self.session_id, self.token, self.epoch = (
            self.world.new("hf"),
            self.world.new("tok-"),
            self.world.new("epoch"),
        )
        asked = events.SessionAsked(self.script.options, self.session_id, self.token, self.epoch, "create")
        socket.runner.client_asks(asked)
        self._tick()

    # one step of the clock

    def _tick(self) -> None:
        self._receive()
        if self.is_over:
            return
        if self.phase == "away" and self.clock.now >= self.comes_back_at:
            self._come_back()
        self._capture(self.talk.mark())
        self.loudspeaker.plays(self.script.frame_s)
        if self.phase == "attached":
            self._send_audio()
            self._send_again()
            self._report()
            self.talk.act()
        if not self.is_over:
            self.clock.after(self.script.frame_s, self._tick)

    def _capture(self, mark: int) -> None:
        truth = self.truth
        first = truth.position
        truth.position = first + self.frame
        if mark:
            begin, _ = truth.spoken.get(mark, (first, first))
            truth.spoken[mark] = (begin, truth.position)

    def _send_audio(self) -> None:
        runner = self.runner_now()
        if runner is None:
            return
        self.sent_to = max(self.sent_to, self.truth.position - RING)
        for _ in range(CATCH_UP):
            first = self.sent_to
            self._end_again(first)
            last = min(first + self.frame, self.truth.position)
            if first == last:
                return
            self.sent_to = last
            pcm = self.truth.pcm(first, last)
            if self.script.options.framing == "raw":
                runner.client_audio(pcm)
            else:
                runner.client_audio(pcm, first)

    def _end_again(self, position: int) -> None:
        """After a return: a turn ends again where it ended, whatever was said since."""
        if not self.owes_commands:
            return
        for event_id, event in [*self.pending.items()]:
            is_commit = isinstance(event, events.CommitAsked) and event_id not in self.sent_again
            if is_commit and self.places[event_id] <= position:
                self.sent_again.add(event_id)
                self.command(event, None)

    def _send_again(self) -> None:
        """After a return: what was not answered, when the audio before it is there."""
        if self.owes_commands and self.sent_to >= self.truth.position - self.frame:
            self.owes_commands = False
            for event_id, event in [*self.pending.items()]:
                if event_id not in self.sent_again:
                    self.command(event, None)

    def _report(self) -> None:
        runner = self.runner_now()
        if runner is None or self.clock.now < self.tells_at:
            return
        self.tells_at = self.clock.now + 0.2
        if (playing := self.loudspeaker.playing()) is not None:
            self.judge.reports(*playing)
            runner.step(events.Played(*playing))
        if self.view.offset > self.acknowledged + 10:
            self.acknowledged = self.view.offset
            runner.step(events.Acknowledged(self.acknowledged))

    def runner_now(self) -> Runner | None:
        """The session at the other end, if what is sent arrives there."""
        socket = self.socket
        if socket is None or socket.is_dead or socket.is_closed or socket.runner is None:
            return None
        return None if socket.runner.is_dead else socket.runner

    def command(self, event: events.Event, event_id: str | None) -> None:
        """Send a command; one with an id is kept until it is answered."""
        if event_id is not None:
            self.pending[event_id] = event
            self.places.setdefault(event_id, self.sent_to)
        if (runner := self.runner_now()) is not None:
            runner.step(event)

    # what comes

    def _receive(self) -> None:
        socket = self.socket
        if socket is None:
            return
        inbox, now, view = socket.inbox, self.clock.now, self.view
        while inbox and inbox[0][0] <= now:
            _, message, is_tail = inbox.popleft()
            if isinstance(message, Closed):
                self._closed(socket, message.code)
                return
            self._take(message, now, is_tail=is_tail)
        if view.holes or view.unnamed:
            raise Violation("I2", f"missing without a name: {view.holes} {view.unnamed}")
        for item_id in self.whole:
            self.judge.is_whole(item_id, view)
        self.whole.clear()

    def _take(self, message: Tell | Play, now: float, *, is_tail: bool) -> None:
        if isinstance(message, Tell) and isinstance(message.notice, notices.SessionResumed):
            self._resumed(message.notice)
            return
        try:
            self.view.receive(message, now, is_tail=is_tail)
        except Violation:
            raise
        except AssertionError as broken:
            raise Violation(_rule(str(broken)), str(broken)) from None
        if isinstance(message, Play):
            item_id = self.view.stream_items.get(message.stream)
            if item_id is not None and message.pcm:
                self.judge.sounds(item_id, message.start, message.pcm)
                self.loudspeaker.takes(item_id, len(message.pcm) // 2)
            return
        self._told(message.notice)

    def _told(self, notice: notices.Notice) -> None:
        judge = self.judge
        match notice:
            case notices.SessionCreated(duplicate=duplicate):
                if not duplicate:
                    self.phase, self.durability, self.is_welcome = "attached", notice.durability, True
                    self.view.offset = 0
            case notices.SpeechStopped(item_id=item_id):
                judge.mentions(item_id)
            case notices.AudioStarted(response_id=response_id, item_id=item_id):
                judge.mentions(item_id)
                self.responses.setdefault(response_id, set()).add(item_id)
            case notices.AssistantTranscript(
                response_id=response_id, item_id=item_id, text=text, final=final
            ):
                self.responses.setdefault(response_id, set()).add(item_id)
                judge.mentions(item_id)
                if final:
                    judge.finals.append((item_id, "assistant", text))
            case notices.UserTranscript(item_id=item_id, text=text, final=True):
                if text:
                    judge.finals.append((item_id, "user", text))
            case notices.ResponseDone(response_id=response_id, status=status):
                self._ended(response_id, status)
            case notices.Interrupted(item_id=item_id):
                self.loudspeaker.flush()
                if item_id in judge.answers:
                    judge.answers[item_id].is_cut = True
            case notices.AudioReceived(received=received, durable=durable):
                self.ring_from = max(self.ring_from, received if self.durability == "none" else durable)
            case notices.Accepted(event_id=event_id, duplicate=duplicate):
                self._accepted(event_id, is_again=bool(duplicate))
            case notices.Error(code=code, event_id=event_id):
                self._refused(code, event_id)
            case notices.SessionEnded():
                self.has_ended = True
            case _:
                pass

    def _ended(self, response_id: str, status: str) -> None:
        answers = self.judge.answers
        for told in answers.values():
            # Of one with words something was told, or what ended under its id is another's.
            if told.answer.id == response_id and (status != "completed" or not told.answer.samples):
                told.status = status
        for item_id in self.responses.get(response_id, ()):
            if item_id in answers:
                answers[item_id].status = status
                self.whole.append(item_id)

    def _accepted(self, event_id: str, *, is_again: bool) -> None:
        if event_id in self.answered and not is_again and not self.truth.killed:
            raise Violation("B4", f"{event_id} was accepted twice")
        self.answered[event_id] = self.view.offset
        self.pending.pop(event_id, None)

    def _refused(self, code: str, event_id: str | None) -> None:
        if event_id is not None and event_id in self.pending:
            del self.pending[event_id]
            self.answered[event_id] = self.view.offset
            self.talk.refused(event_id)
        if code == "RESPONSE_FAILED":
            self.truth.refused.update(self.judge.unanswered())

    # leaving and returning

    def _closed(self, socket: Socket, code: int) -> None:
        if socket is not self.socket:
            return
        self.socket = None
        if self.has_ended or self.stays_away or not self.is_welcome or self.script.options.framing == "raw":
            self.phase = "over"
            return
        if code in FINAL_CLOSES and code != 1013:
            raise Violation("B10", f"closed with {code} and not told why")
        self.leaves(self.script.away_s)

    def leaves(self, seconds: float) -> None:
        """No connection for so long."""
        self.phase = "away"
        self.comes_back_at = self.clock.now + seconds
        self.loudspeaker.flush()

    def _come_back(self) -> None:
        process = self.world.process
        if process is None:
            self.comes_back_at = self.clock.now + 0.3
            return
        self.socket = socket = Socket(self)
        self.phase = "asking"
        runner = process.find(self.session_id, self)
        if runner is None:
            self.world.was_refused(self)
            self.phase = "over"
            return
        if self.token not in runner.tokens:
            if not self.was_unborn:
                raise Violation("B11", "the token that was given is not accepted")
            self.phase = "over"
            return
        socket.runner = runner
        self.returned_at = self.clock.now
        offset = max(0, self.view.offset - self.older) if self.view.is_fresh else self.view.offset
        self.view = self.view.back_to(offset)
        self.answered = {one: at for one, at in self.answered.items() if at <= offset}
        self.older = 0
        self.acknowledged = 0
        runner.take(socket, self.epoch, offset, self.token)

    def opens_second_window(self, older: int) -> None:
        """Another page of the same person, with the same token; the first is told to stop."""
        if self.phase == "attached":
            self.older = older
            self.loudspeaker.flush()
            self._come_back()

    def _resumed(self, answer: notices.SessionResumed) -> None:
        try:
            self.view.resumed(answer)
        except AssertionError as broken:
            raise Violation("I2", str(broken)) from None
        self.view.is_there = True
        self.durability = answer.durability
        self.token, self.epoch, self.phase = answer.resume_token, answer.epoch, "attached"
        if not answer.recovered:
            self.judge.starts_over()
            self.answered = dict.fromkeys(self.answered, 0)
        if answer.received < self.ring_from:
            raise Violation(
                "B1", f"needs {answer.received}.. again, the caller was let forget up to {self.ring_from}"
            )
        self.sent_to = max(answer.received, self.truth.position - RING)
        self.owes_commands = True
        self.sent_again.clear()

    def ended_reason(self) -> str | None:
        """Why the session ended, as the gateway's log has it."""
        return next((one.watch.reason for one in reversed(self.runners) if one.watch.reason), None)

    def is_quiet(self) -> bool:
        """Whether nobody owes anybody anything."""
        return (
            self.phase == "attached"
            and not self.pending
            and self.sent_to >= self.truth.position - 4 * self.frame
        )

    def ends(self) -> None:
        """Goodbye, in one way or another."""
        if self.runner_now() is None or self.socket is None or self.stays_away:
            return
        match self.script.ending:
            case "close":
                self.socket.hangs_up(1000)
                self.phase = "over"
            case "vanish":
                self.stays_away = True
                self.socket.breaks()
                self.phase = "over"
                self.world.lingers(self.world.limits.resume_window_s + 2)
            case _:
                self.stays_away = True
                self.command(events.EndAsked("end"), "end")


def _rule(broken: str) -> str:
    """The rule that a checker of the view stands for."""
    rules = {
        "order of messages": "I2",
        "told something": "I2",
        "unnumbered": "I2",
        "response": "I3",
        "an end": "I3",
        "tool": "I3",
        "audio": "I5",
        "errors of one code": "B14",
    }
    return next((rule for words, rule in rules.items() if words in broken), "I2")
