"""Bugs planted into the core, one for each checker: each must be seen by the checker of its rule.

What lives here: replacements of single functions of the core, and the rule that each breaks.
What never will: the core's own files.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from holdfast.core import ending, journal_side, rebuild, return_side, rotation, session, timers, tool_side
from holdfast.core.commands import CommandMemory
from holdfast.core.conversation import Conversation, Item
from holdfast.core.effects import Append, Play, Respond, Tell
from holdfast.core.journal_line import JournalLine
from holdfast.core.kept_input import KeptInput
from holdfast.core.notices import AssistantTranscript, UserTranscript
from holdfast.core.output import ItemAudio, Output
from holdfast.core.state import State
from holdfast.core.tool_ledger import Call, ToolLedger
from holdfast.core.turn import Turn
from holdfast.core.window import ReplayWindow


@dataclass(frozen=True, slots=True)
class Bug:
    """`rule`: the one that it breaks, and whose checker must see it."""

    rule: str
    owner: Any
    name: str
    replacement: Callable[..., Any]


_RELEASE, _AFTER, _ADD, _NOTE = KeptInput.release, ReplayWindow.after, Output.add, State.note
_ITEM = Conversation.item
_END, _ITEMS, _POSITION = Turn.end, return_side._items, JournalLine.position
_INTENT, _ASK = journal_side.record_intent, rebuild._ask_for_what_is_owed


def _swallow(self: KeptInput, samples: int | None = None) -> list[Any]:
    return [one for one in _RELEASE(self, samples) if not isinstance(one, Append) or one.start % 48_000]


def _skip_one(self: ReplayWindow, offset: int) -> list[Tell | Play]:
    def is_kept(one: Tell | Play) -> bool:
        return not isinstance(one, Tell) or not isinstance(one.notice, (AssistantTranscript, UserTranscript))

    return [one for one in _AFTER(self, offset) if is_kept(one)]


def _end_twice(self: Turn, response_id: str) -> bool:
    active = self.active
    ended = _END(self, response_id)
    if ended and self.reasked == 0 and hash(response_id[-1:]) is not None:
        self.active = active if response_id.endswith("2") else None
    return ended


def _no_twin(self: ToolLedger, call: Any) -> None:
    return None


def _count_less(self: Output, item: ItemAudio, samples: int) -> int:
    start = _ADD(self, item, samples)
    item.sent -= 2
    return start


def _other_words(s: State) -> list[dict[str, object]]:
    return [{**one, "text": str(one.get("text", "")).upper()} for one in _ITEMS(s)]


def _keep_all(self: Conversation, item_id: str, role: Any) -> Item:
    self.items_max = 10_000
    return _ITEM(self, item_id, role)


def _no_trouble(cause: Any, *, has_own_wishes: bool) -> None:
    return None


def _nothing(*_: Any, **__: Any) -> None:
    return None


def _tell_secret(self: State, moment: str, level: str = "info", **facts: object) -> None:
    _NOTE(self, moment, level, **facts, token="tok-1")


def _by_chance(failures: int, chance: float, base_s: float, cap_s: float) -> float:
    bound_s = min(cap_s, base_s * float(2 ** min(failures - 1, 32)))
    return random.SystemRandom().random() * bound_s + 0.0 * chance


def _never_seen(self: CommandMemory, event_id: str | None) -> None:
    return None


def _never_said(self: Conversation, response_id: str) -> str:
    return "never said"


def _at_once(s: State, call: Call) -> None:
    _INTENT(s, call)
    tool_side._start(s, call.id)


def _ask_always(s: State) -> None:
    _ASK(s)
    if not s.turn.owes and not s.tools.running:
        s.turn.ask(Respond())


def _called_durable(self: JournalLine, position: int) -> None:
    _POSITION(self, position)
    self.durable = position


def _not_ended(s: State, *_: Any) -> None:
    s.turn.active = None


BUGS = (
    Bug("I1", KeptInput, "release", _swallow),
    Bug("I2", ReplayWindow, "after", _skip_one),
    Bug("I3", Turn, "end", _end_twice),
    Bug("I4", ToolLedger, "_twin", _no_twin),
    Bug("I5", Output, "add", _count_less),
    Bug("I6", return_side, "_items", _other_words),
    Bug("I8", Conversation, "item", _keep_all),
    Bug("I9", "holdfast.core.endpoints", "trouble_of_dial", _no_trouble),
    Bug("I10", session._TIMERS, timers.TIMER_RESPONSE, _nothing),
    Bug("I11", State, "note", _tell_secret),
    Bug("I12", "holdfast.core.endpoints", "backoff_s", _by_chance),
    Bug("B1", JournalLine, "position", _called_durable),
    Bug("B4", CommandMemory, "answer_to", _never_seen),
    Bug("B5", Conversation, "heard_of", _never_said),
    Bug("B6", rebuild, "_ask_for_what_is_owed", _ask_always),
    Bug("B7", tool_side, "record_intent", _at_once),
    Bug("B10", ending, "close_all", _not_ended),
    Bug("B11", session._TIMERS, timers.TIMER_ALONE, _nothing),
    Bug("B13", rotation, "switch_when_quiet", _nothing),
)
