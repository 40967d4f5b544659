"""What must hold of a session at the gateway's door: its end, its bounds, its dials, its notes, its journal.

What lives here: rules over effects, step by step (reliability reference, B7 to B13, D1).
What never will: what callers and models were given (`judge`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from holdfast.core import effects, events, notices
from holdfast.core.faults import Fault
from tests.simulation.endpoints import DIALS_MAX, SECRET
from tests.simulation.truth import Violation

if TYPE_CHECKING:
    from tests.simulation.gateway import Runner
    from tests.simulation.upstream import Link

TOKEN: Final = "tok-"
EVERY_STEPS: Final = 48
SETTLED_S: Final = 5.0
LOOK_S: Final = 1.0
"""How often a session looks for the moment to rotate: shorter lives may end between two looks."""
_LISTED: Final = (notices.Error, notices.Status, notices.SessionEnded)


def _settles(kind: str, content: Mapping[str, Any]) -> int:
    """The input position before which nothing is needed again, as a line has it: by audio, or by words."""
    if kind == "progress":
        return int(content["settled"])
    return int(content.get("until") or 0) if kind == "item" else 0


class Watch:
    """The door of one session."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        self.was_taken_up = False
        self.left_at: float | None = None
        self.trouble_since: float | None = runner.clock.now
        self.trouble_is_told = False
        self.dials = 0
        self.ended: notices.SessionEnded | None = None
        self.error: notices.Error | None = None
        self.reason = ""
        self.started: set[str] = set()
        self.done: set[str] = set()
        self.tools: dict[str, bool] = {}
        self.recorded_to = self.durable = 0
        self.numbers: dict[str, int] = {}
        self.has_stumbled = False
        self.items: dict[str, str] = {}
        self.durable_items: dict[str, tuple[str, int | None]] = {}
        self.told_durable = 0
        self.live_at = 0.0
        self.ready: set[int] = set()
        """Links of which the gateway knows that they are."""
        self._steps = 0
        self._losses = 0

    # each step

    def happens(self, event: events.Event) -> None:
        """A step begins."""
        if isinstance(event, events.Recorded):
            self.durable = max(self.durable, event.number)
        elif isinstance(event, events.UpstreamConfigured):
            self.ready.add(event.generation)
        elif isinstance(event, events.JournalChanged):
            self.has_stumbled = True

    def stepped(self, event: events.Event, due: Sequence[effects.Effect]) -> None:
        """A step is over."""
        self._steps += 1
        if self._losses > 0 and not isinstance(event, events.ResumeAsked):
            raise Violation("I1", "a loss is in the log and the caller was not told")
        self._losses = 0
        self.error = None
        if self._steps % EVERY_STEPS == 0 or len(due) > 20:
            self._bounds()

    def _bounds(self) -> None:
        s, limits = self.runner.state, self.runner.world.limits
        held = round(24_000 * max(limits.input_held_s, limits.input_before_session_s))
        bounds = {
            "samples that wait": (s.kept.waiting, held),
            "samples that were given": (
                s.kept.given_samples,
                max(held, round(24_000 * limits.input_replayed_s)),
            ),
            "commands that wait": (s.kept.commands, limits.commands_held),
            "messages of the window": (len(s.window._texts), limits.window_messages),
            "audio of the window": (s.window.audio_bytes, limits.window_bytes),
            "items": (len(s.conversation.items), limits.conversation_items),
            "calls": (len(s.tools.calls), limits.tool_calls_remembered),
            "turns": (len(s.spoken.turns), 40),
            "aliases": (len(s.aliases._known), 200),
            "early events": (len(s.ordering.early), 200),
        }
        for name, (size, bound) in bounds.items():
            if size > bound:
                raise Violation("I8", f"{size} {name}, over {bound}")

    # what is said

    def told(self, effect: effects.Tell) -> None:
        """A message to the client."""
        if self.ended is not None:
            raise Violation("B10", f"{type(effect.notice).__name__} after session_ended")
        notice = effect.notice
        match notice:
            case notices.ResponseStarted(response_id=response_id):
                self.started.add(response_id)
            case notices.ResponseDone(response_id=response_id):
                self.done.add(response_id)
            case notices.ToolStarted(call_id=call_id):
                self.tools.setdefault(call_id, False)
            case notices.ToolDone(call_id=call_id):
                self.tools[call_id] = True
            case notices.AudioLost(direction="input"):
                self._losses -= 1
            case notices.AudioReceived(durable=durable) if durable > self.told_durable:
                self._tells_durable(durable)
            case notices.SessionResumed(recovered=recovered):
                if not recovered:
                    self.started.clear()
                    self.tools.clear()
            case notices.Snapshot(items=items) if self.durable_items:
                self._keeps_items({str(one["id"]): str(one.get("text", "")) for one in items})
            case notices.Error():
                self.error = notice
            case notices.Status(state="degraded" | "connecting"):
                self.trouble_is_told = True
            case notices.Status(state="live"):
                self.trouble_is_told = False
            case notices.Status(state="recovering"):
                self._tells_trouble()
            case notices.SessionEnded():
                self._ends(notice)
            case _:
                pass
        if isinstance(notice, _LISTED):
            self._keeps_secrets(notice)

    def _tells_trouble(self) -> None:
        since = self.trouble_since
        is_return = isinstance(self.runner.world.event, events.ResumeAsked)
        is_early = since is not None and self.runner.clock.now - since < 0.299
        if is_early and not is_return and not self.trouble_is_told:
            raise Violation("B9", "a trouble was told that may be over before it is noticed")
        self.trouble_is_told = True

    def _tells_durable(self, durable: int) -> None:
        self.told_durable = durable
        lines = self.runner.world.store.lines.get(self.runner.session_id, [])
        if not any(_settles(kind, content) >= durable for kind, content in lines):
            raise Violation("B1", f"{durable} was called durable and is not")

    def _keeps_items(self, shown: dict[str, str]) -> None:
        for item_id, (text, heard_chars) in self.durable_items.items():
            now = shown.get(item_id)
            if now is None or (now != text and (heard_chars is None or not text.startswith(now))):
                raise Violation("I6", f"item {item_id} was {text!r} and is {now!r}")
        self.durable_items = {}

    def _keeps_secrets(self, what: object) -> None:
        text = str(what)
        if TOKEN in text or SECRET in text:
            raise Violation("I11", f"a secret in {text[:200]}")

    def note(self, effect: effects.Note) -> None:
        """A line of the log."""
        self._keeps_secrets(effect.facts)
        runner, facts = self.runner, effect.facts
        match effect.moment:
            case "audio.lost":
                runner.judge.loses(facts["from_sample"], facts["to_sample"])
                self._losses += runner.state.link.is_listening and not runner.state.is_over
            case "session.ended":
                self.reason = str(facts["reason"])
            case "session.suspended":
                self.reason = "suspended"
                runner.world.store.flush(runner.session_id)
            case "turn.given_up":
                runner.judge.given_up = True
            case "session.failed":
                self._gives_up()
            case "upstream.rotated":
                runner.world.rotations += 1
            case _:
                pass

    def _gives_up(self) -> None:
        """Nobody gives up while an upstream is well."""
        since, now = self.trouble_since, self.runner.clock.now
        for endpoint in self.runner.world.endpoints:
            if since is not None and endpoint.is_well(since, now):
                raise Violation("B9", f"gave up though {endpoint.name} was well all the time")

    # the end

    def _ends(self, ended: notices.SessionEnded) -> None:
        self.ended = ended
        if self.started - self.done or not all(self.tools.values()):
            raise Violation(
                "B10", f"session_ended before the ends of {self.started - self.done} {self.tools}"
            )
        if ended.reason in {"upstream_lost", "not_started"}:
            error = self.error
            if error is None or error.code not in {"RECONNECT_FAILED", "SESSION_INITIALIZATION_FAILED"}:
                raise Violation("B10", f"session_ended ({ended.reason}) without its error before it")
            if error.retry_after_ms != ended.retry_after_ms or error.fault != ended.fault:
                raise Violation("B10", "the error and the end say different things")
        if ended.fault is not None:
            self._names_what_is_lost(ended)

    def _names_what_is_lost(self, ended: notices.SessionEnded) -> None:
        judge, end = self.runner.judge, self.runner.state.input_lane.end
        if self.was_taken_up:
            return  # what it took up by words is not lost
        first, last = (ended.lost or {}).get("input", (0, 0))
        for mark in judge.unanswered():
            about = [told.answer for told in judge.answers.values() if mark in told.answer.covers]
            if any(answer.samples or answer.id in self.done for answer in about):
                continue  # the caller heard of it, or is about to
            spoken = judge.truth.spoken.get(mark)
            if spoken is not None and spoken[1] <= end and not (first <= spoken[0] and spoken[1] <= last):
                raise Violation("B10", f"turn {mark} {spoken} is not answered, and lost is {ended.lost}")

    def closed(self, effect: effects.CloseClient) -> None:
        """The client is closed."""
        if self.ended is not None:
            expected = 1000 if self.ended.fault is None else self.ended.fault.row.close_code
            if effect.code != expected:
                raise Violation("B10", f"closed with {effect.code} instead of {expected}")

    def finished(self) -> None:
        """Everything is released."""
        if self.left_at is not None and self.reason == "not_resumed":
            absence_s = self.runner.clock.now - self.left_at
            if (
                absence_s < self.runner.world.limits.resume_window_s - 0.01
                and not self.runner.world.frees_memory
            ):
                raise Violation("B11", f"a session was given up after {absence_s:.1f} s")

    # the client's absence

    def client_left(self, code: int) -> None:
        """Its socket is over."""
        runner = self.runner
        if code == 1000 or self.left_at is not None or runner.is_finished:
            return
        self.left_at = left_at = runner.clock.now
        limits = runner.world.limits
        runner.clock.after(limits.upstream_alone_s + 1, self._is_alone, left_at)
        runner.clock.after(limits.resume_window_s + 1, self._is_parked, left_at)

    def client_returns(self) -> None:
        """It is back."""
        self.left_at = None

    def _is_alone(self, left_at: float) -> None:
        if self.left_at == left_at and self.runner.lines and not self.runner.is_dead:
            raise Violation("B11", "an upstream is kept for nobody")

    def _is_parked(self, left_at: float) -> None:
        if self.left_at == left_at and not self.runner.is_finished and not self.runner.is_dead:
            raise Violation("B11", "a session is kept for nobody")

    # upstreams

    def dialled(self, effect: effects.Dial) -> None:
        """A dial."""
        self.dials += 1
        if self.dials > DIALS_MAX:
            raise Violation("I9", f"{self.dials} dials and still not live")
        dialling = [link for link in self.runner.lines.values() if not link.is_live]
        if dialling:
            raise Violation("I9", f"two dials at a time: {effect.generation} beside {dialling[0].generation}")

    def lost(self, link: Link, cause: Fault) -> None:
        """A link is lost."""
        runner, now = self.runner, self.runner.clock.now
        endpoint = runner.world.endpoint_of(link)
        is_settled = link.is_live and now - self.live_at >= SETTLED_S
        if not is_settled or not cause.row.retryable:
            endpoint.has_failed(cause, now, was_live=link.is_live)
        if link in runner.judge.truth.expiries and link is runner.line:
            self._was_too_late(link)

    def _was_too_late(self, link: Link) -> None:
        """An upstream came to its end while it served, though a successor was ready, or could have been."""
        runner, now = self.runner, self.runner.clock.now
        life_s = link.lifetime_s or 0.0
        others = [one for one in runner.lines.values() if one is not link and one.is_live]
        if self.left_at is None and any(now - one.live_since > LOOK_S + link.lag_s + 0.1 for one in others):
            raise Violation("B13", f"an upstream of {life_s} s was kept to its end beside its successor")
        had_time = life_s * 0.05 >= LOOK_S and self.left_at is None and now - self.live_at > life_s * 0.6
        is_calm = now - runner.caller.mishaps.last_at > life_s and now - runner.caller.returned_at > life_s
        if had_time and is_calm and all(one.is_well(now - life_s, now) for one in runner.world.endpoints):
            raise Violation("B13", f"an upstream of {life_s} s was kept to its end")

    def hung_up(self, link: Link) -> None:
        """A line is left."""
        if link is self.runner.line:
            self.trouble_since = self.runner.clock.now
        elif link.generation not in self.ready:
            self.runner.world.endpoint_of(link).failed_at = self.runner.clock.now

    def adopted(self, effect: effects.Adopt) -> None:
        """Everything goes to this line from here on."""
        link = self.runner.lines.get(effect.generation)
        if link is None or not link.is_live:
            raise Violation("B13", f"line {effect.generation} took over before it was ready")
        self.trouble_since = None
        self.runner.world.endpoint_of(link).refused_at = float("-inf")
        self.dials = 0
        self.live_at = self.runner.clock.now

    # the journal

    def taken_up(self, lines: Sequence[tuple[str, Any]]) -> None:
        """A session from another process's journal."""
        self.was_taken_up = True
        self.recorded_to = self.durable = len(lines)
        self.client_left(1006)
        for kind, content in lines:
            if kind == "item" and content["final"] and content["role"] != "tool":
                self.durable_items[content["id"]] = (content["text"], content["heard_chars"])
        if self.runner.judge.truth.forgets:
            self.durable_items = {}

    def recorded(self, effect: effects.Record) -> None:
        """A line."""
        if effect.number != self.recorded_to + 1:
            raise Violation("I6", f"line {effect.number} after {self.recorded_to}")
        self.recorded_to = effect.number
        content = effect.content
        self._keeps_secrets(content)
        if effect.kind in {"call", "result"}:
            self.numbers[f"{effect.kind} {content['id']}"] = effect.number
        elif effect.kind == "item" and content["final"]:
            self._keeps_words(content["id"], content["text"])

    def _keeps_words(self, item_id: str, text: str) -> None:
        if self.items.setdefault(item_id, text) != text:
            raise Violation("I6", f"item {item_id} has other words now: {text!r}")

    def tool_starts(self, call_id: str) -> None:
        """A tool starts: its intent must be durable."""
        self._is_durable(f"call {call_id}")

    def result_goes(self, effect: effects.AddToolResult) -> None:
        """A result goes upstream: it must be durable."""
        self._is_durable(f"result {effect.call_id}")

    def _is_durable(self, what: str) -> None:
        number = self.numbers.get(what, 0)
        if self.runner.world.store.durability == "none" or self.has_stumbled:
            return
        if number > self.durable:
            raise Violation("B7", f"{what} is not durable yet")
