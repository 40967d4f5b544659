"""What a session of the engine is made with.

What lives here: the process's stages, ready for use. What never will: putting them together (`assembly`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from holdfast.engine.ahead import Ahead
from holdfast.engine.knowledge import Knowledge, Library
from holdfast.engine.remote import Chat, Transcriber
from holdfast.engine.speaking import Speaker
from holdfast.engine.stages import Recogniser, TurnJudge, Vad


@dataclass(frozen=True, slots=True)
class Stages:
    """The process's stages: makers of what each session owns, and what all share."""

    vad: Callable[[], Vad]
    """Of a live stream, which is judged when the event loop comes round."""
    reading_vad: Callable[[], Vad]
    """Of a recording, which is judged at once."""
    recogniser: Callable[[Knowledge], Recogniser]
    library: Library
    mouth: Speaker
    transcriber: Transcriber | None = None
    """Who writes a turn down when it is over; what is built in listens all the same, and finds the turns."""
    chat: Chat | None = None
    """Who answers, before the dialogue that is built in."""
    ahead: Ahead | None = None
    """Who makes an answer's beginning ready before it is due; None: nobody."""
    turn_judge: TurnJudge | None = None
    """Who says whether somebody who paused has finished; None: silence alone ends a turn."""
