"""Steps about sound, in short: they come two or three times a second as long as anybody speaks.

What lives here: which events and which effects are told so, and what a file says of them.
What never will: any other step; those are told whole.

Of such a step the event's numbers are kept, and of its effects the kinds: what is in them follows from what
was kept. A replay compares the kinds, and every later step tells whether the numbers were right.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from holdfast.core.effects import Append, Effect, Play, Tell
from holdfast.core.events import Acknowledged, AudioDue, ClientAudio, OutputAudio, Played
from holdfast.core.notices import AudioReceived
from holdfast.flight.blanking import Blanking, size_of
from holdfast.flight.names import Named

Brief = Callable[[Any, Blanking], tuple[Any, ...]]
DUE: Final = (0,)

BRIEFS: Final[Mapping[type, Brief]] = {
    AudioDue: lambda event, _: DUE,  # noqa: ARG005 - all are called alike
    ClientAudio: lambda event, _: (1, len(event.pcm), event.start),
    OutputAudio: lambda event, blanking: (
        2,
        len(event.pcm),
        event.generation,
        blanking.text(event.response_id, "response_id"),
        blanking.text(event.item_id, "item_id"),
    ),
    Played: lambda event, blanking: (3, event.ms, blanking.text(event.item_id, "item_id")),
    Acknowledged: lambda event, _: (4, event.offset),
}
"""By the class of an event: what is kept of it."""
_EVENTS: Final[Sequence[tuple[str, tuple[str, ...]]]] = (
    ("events.AudioDue", ()),
    ("events.ClientAudio", ("pcm", "start")),
    ("events.OutputAudio", ("pcm", "generation", "response_id", "item_id")),
    ("events.Played", ("ms", "item_id")),
    ("events.Acknowledged", ("offset",)),
)
_TOLD: Final = {"is": "effects.Tell", "notice": {"is": "notices.AudioReceived"}}
_APPENDED: Final = {"is": "effects.Append"}
_PLAYED: Final = {"is": "effects.Play"}
_DUE_BY_NUMBER: Final = ((), (_TOLD,), (_APPENDED,), (_APPENDED, _TOLD), (_PLAYED,))
NONE_OF_THESE: Final = -1


def number_of(due: Sequence[Effect]) -> int:
    """Which effects these are; NONE_OF_THESE where the step must be told whole."""
    if not due:
        return 0
    last, count = due[-1], len(due)
    if type(last) is Tell and type(last.notice) is AudioReceived:
        return 1 if count == 1 else 3 if count == _BOTH and type(due[0]) is Append else NONE_OF_THESE
    if count > 1:
        return NONE_OF_THESE
    return 2 if type(last) is Append else 4 if type(last) is Play else NONE_OF_THESE


_BOTH: Final = 2


def event_of(brief: Sequence[Any]) -> Named:
    """The event as a file has it."""
    name, fields = _EVENTS[brief[0]]
    told = dict(zip(fields, brief[1:], strict=True))
    if "pcm" in told:
        told["pcm"] = size_of(told["pcm"])
    return {"is": name, **told}


def due_of(number: int) -> list[Named]:
    """The effects as a file has them."""
    return list(_DUE_BY_NUMBER[number])
