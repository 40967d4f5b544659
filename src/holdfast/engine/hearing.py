"""A session's ears: wire audio in, turns and words out; and a recorded turn, heard by itself.

What lives here: resampling, framing, voice activity, pre-roll, the recogniser, in step with positions.
What never will: the dialect, or an answer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import numpy as np

from holdfast.engine.endpointer import (
    LONGEST_TURN_MS,
    Endpointer,
    SpeechPaused,
    SpeechStarted,
    SpeechStopped,
    TurnSettings,
)
from holdfast.engine.resample import down, to_pcm, to_samples
from holdfast.engine.stages import FRAME, RATE, Recogniser, Samples, Teachable, TurnJudge, Vad

PREROLL_MS: Final = 300
"""What the recogniser hears from before the first frame of speech, or it loses the first word."""
_PREROLL_FRAMES: Final = -(-PREROLL_MS * RATE // 1000 // FRAME)
_PARTIAL_FRAMES: Final = 4
"""A look at the words so far every so many frames (128 ms). While somebody speaks the recogniser gets as many
at once: each session's models push the others' out of the caches, and fetching them is much of what it costs.
In a pause that may soon be the end it gets each frame as it comes: nothing is left to do when it is known.
"""
_PAUSE_HEARD_MS: Final = 256
"""So much of a pause the recogniser hears: a word has faded away by then. Of what follows it hears the last
`_KEPT_FRAMES` if speech goes on; if not, there is nothing in it. (With 160 ms one of 198 questions that are
none of its business was acted on.)
"""
_KEPT_FRAMES: Final = 6
_HASTE_MS: Final = 64
"""Where a turn may end so soon after that, the recogniser gets each frame of a pause as it comes."""
_JUDGED_FRAMES: Final = 8 * RATE // FRAME
"""What a judge of pauses hears: the last 8 s."""
_LONG_FRAMES: Final = LONGEST_TURN_MS * RATE // 1000 // FRAME
_LONGEST_FRAMES: Final = _LONG_FRAMES * 5 // 4
_LOW: Final = 0.02
"""What a client never ends is heard in parts, cut where it is this quiet or in the end anywhere: a recogniser
keeps some 15 MB for each minute of an utterance.
"""
_WIRE_BYTES: Final = 3
"""Bytes on the wire for one sample in here: two at 24 kHz, of which three make two."""
_QUIET: Final = bytes(RATE * _WIRE_BYTES // 1000 * PREROLL_MS)
"""Silence on the wire around a recorded turn, which may have been cut close."""


class Listener(Protocol):
    """Who is told what was heard."""

    def speech_started(self, at_ms: int) -> None:
        """A turn begins."""
        ...

    def words_so_far(self, text: str) -> None:
        """The recogniser's present opinion of the running turn."""
        ...

    def speech_paused(self, text: str) -> None:
        """The turn may be over in a moment, with the words `text`; or it goes on, and nothing tells so."""
        ...

    def speech_stopped(self, at_ms: int, text: str, seconds: float) -> None:
        """The turn is over; `text` is what was heard in `seconds` of speech."""
        ...


class Hearing:
    """One stream of audio. Without turn settings it listens until `take` is called."""

    def __init__(
        self, vad: Vad, recogniser: Recogniser, listener: Listener, judge: TurnJudge | None = None
    ) -> None:
        """`judge` says whether who paused has finished, where the settings want to know."""
        self._vad = vad
        self._judge = judge
        self._turn: deque[Samples] = deque(maxlen=0 if judge is None else _JUDGED_FRAMES)
        self._recogniser = recogniser
        self._listener = listener
        self._claims = 0
        self._claimed = _Parts()
        self._down = down()
        self._rest = np.zeros(0, dtype=np.float32)
        self._endpointer: Endpointer | None = Endpointer(TurnSettings())
        self._before: deque[Samples] = deque(maxlen=_PREROLL_FRAMES)
        self._unheard: list[Samples] = []
        self._pause: deque[Samples] = deque(maxlen=_KEPT_FRAMES)
        self._is_open = False
        self._frames = 0
        self._position = 0
        self._lesson: Teachable | None = None
        self._is_closed = False

    @property
    def turn_settings(self) -> TurnSettings | None:
        """How turns are found; None when the client ends them."""
        return None if self._endpointer is None else self._endpointer.settings

    @turn_settings.setter
    def turn_settings(self, settings: TurnSettings | None) -> None:
        if settings is None:
            self._endpointer = None
        elif self._endpointer is None:
            self._endpointer = Endpointer(settings, self._position)
        else:
            self._endpointer.settings = settings

    @property
    def silence_s(self) -> float:
        """How long the silence was that ended the last turn; 0 where the client ends them."""
        return 0.0 if self._endpointer is None else self._endpointer.silence_ms / 1000

    def teach(self, knowledge: Teachable) -> None:
        """Another vocabulary, from the next turn on: one that runs is heard to its end as it began."""
        if self._is_open:
            self._lesson = knowledge
        else:
            self._recogniser.teach(knowledge)

    def feed(self, pcm: bytes, then: Callable[[], None] = lambda: None) -> None:
        """PCM16 at 24 kHz. `then` is called when it was heard, which may be when the event loop comes round;
        nothing else may be asked of these ears before.
        """
        self._rest = np.concatenate((self._rest, self._down.feed(to_samples(pcm))))
        count = len(self._rest) // FRAME
        if not count:
            then()
            return
        frames = self._rest[: count * FRAME].reshape(count, FRAME)
        self._rest = self._rest[count * FRAME :]
        if self._endpointer is None:
            try:
                self._listen(frames)
            finally:
                then()
        else:
            self._vad.judge(frames, lambda found: self._judged(frames, found, then))

    def close(self) -> None:
        """The session is over: nobody is told anything any more."""
        self._is_closed = True

    def claim(self) -> None:
        """The client ends the turn itself; `take` or `drop` follows, once for each time, when all before was
        heard. Until then what is found to begin or to end is part of that turn, and nobody is told of it.
        """
        self._claims += 1

    def take(self) -> tuple[str, float]:
        """End the turn from outside: what was heard, and in how many seconds."""
        if self._endpointer is not None:
            self._endpointer.abandon()
        self._claims = max(0, self._claims - 1)
        claimed, self._claimed = self._claimed, _Parts()
        if self._is_open and not self._pause:
            # What makes no frame yet: a word may end in it. The next turn begins with it, too.
            self._rest = np.concatenate((self._rest, self._down.feed(self._rest[:0], last=True)))
            self._down.reset()
            self._unheard.append(self._rest)
        text, seconds = self._close()
        return " ".join(filter(None, (*claimed.texts, text))), claimed.seconds + seconds

    def drop(self) -> None:
        """Forget what was heard of the turn."""
        self.take()
        self._before.clear()

    def skip(self, size: int) -> None:
        """`size` bytes of the wire were thrown away unheard; what follows keeps its position."""
        frames, rest = divmod(size // _WIRE_BYTES, FRAME)
        self._position += frames * FRAME
        if self._endpointer is not None:
            self._endpointer.skip(frames * FRAME)
        self._rest = np.concatenate((self._rest, np.zeros(rest, dtype=np.float32)))

    def _listen(self, frames: Samples) -> None:
        """The client ends this turn: all of it is heard."""
        for frame in frames:
            self._position += FRAME
            self._open()
            self._hear(frame, is_pause=False)
            if self._frames >= _LONG_FRAMES and (
                self._frames >= _LONGEST_FRAMES or float(np.abs(frame).max()) < _LOW
            ):
                text, seconds = self._close()
                self._claimed.speech_stopped(0, text, seconds)

    def _judged(self, frames: Samples, found: Sequence[float], then: Callable[[], None]) -> None:
        if self._is_closed:
            return
        try:
            for frame, probability in zip(frames, found, strict=True):
                self._frame(frame, probability)
        finally:
            then()

    @property
    def _told(self) -> Listener:
        return self._claimed if self._claims else self._listener

    def _frame(self, frame: Samples, probability: float) -> None:
        assert self._endpointer is not None, "turns are found here"
        self._position += FRAME
        event = self._endpointer.push(probability)
        if isinstance(event, SpeechStarted):
            self._told.speech_started(event.at_ms)
            self._open()
        if not self._is_open:
            self._before.append(frame)
            return
        self._hear(frame, is_pause=probability < self._endpointer.settings.threshold)
        if isinstance(event, SpeechPaused):
            self._recognise()
            self._ask_judge(event.since)
            self._told.speech_paused(self._recogniser.partial())
        elif isinstance(event, SpeechStopped):
            text, seconds = self._close()
            self._told.speech_stopped(event.at_ms, text, seconds)

    def _ask_judge(self, since: int) -> None:
        if self._judge is None or self.turn_settings is None or not self.turn_settings.longest_silence_ms:
            return

        def then(likelihood: float) -> None:
            settings = self.turn_settings
            if self._endpointer is not None and settings is not None and likelihood >= settings.sure_from:
                self._endpointer.finished(since)

        self._judge.ask(np.concatenate(self._turn), then)

    def _open(self) -> None:
        if self._is_open:
            return
        self._is_open = True
        self._turn.clear()
        self._turn.extend(self._before)
        self._frames = 0
        self._recogniser.start()
        self._unheard = list(self._before)
        self._before.clear()
        self._pause.clear()

    def _hear(self, frame: Samples, *, is_pause: bool) -> None:
        self._turn.append(frame)
        self._frames += 1
        is_over = self._endpointer is not None and self._endpointer.silence_ms > _PAUSE_HEARD_MS
        if is_over:
            self._pause.append(frame)
        else:
            self._unheard += (*self._pause, frame)
            self._pause.clear()
        is_look = self._frames % _PARTIAL_FRAMES == 0
        if is_look or is_over or (is_pause and self._is_hasty):
            self._recognise()
        if is_look:
            self._told.words_so_far(self._recogniser.partial())

    @property
    def _is_hasty(self) -> bool:
        """Whether the end may come before all that is heard of a pause was given in handfuls."""
        settings = self.turn_settings
        return settings is not None and settings.silence_duration_ms < _PAUSE_HEARD_MS + _HASTE_MS

    def _recognise(self) -> None:
        """The recogniser gets what waits for it."""
        if self._unheard:
            self._recogniser.feed(to_pcm(np.concatenate(self._unheard)))
            self._unheard.clear()

    def _close(self) -> tuple[str, float]:
        if not self._is_open:
            return "", 0.0
        self._is_open = False
        self._recognise()
        text = self._recogniser.finish()
        if self._lesson is not None:
            lesson, self._lesson = self._lesson, None
            self._recogniser.teach(lesson)
        return text, self._frames * FRAME / RATE


class _Parts:
    """Turns that are found within one whose end somebody else knows: its parts, of which nobody is told."""

    def __init__(self) -> None:
        self.has_speech = False
        self.texts: list[str] = []
        self.seconds = 0.0

    def speech_started(self, at_ms: int) -> None:  # noqa: ARG002 - a listener's
        """There is an item already."""
        self.has_speech = True

    def words_so_far(self, text: str) -> None:
        """Of no interest: the whole is at hand in a moment."""

    def speech_paused(self, text: str) -> None:
        """Nobody answers before the end."""

    def speech_stopped(self, at_ms: int, text: str, seconds: float) -> None:  # noqa: ARG002 - a listener's
        """A pause within it."""
        self.texts.append(text)
        self.seconds += seconds


class Reading:
    """A recorded turn, heard with ears of its own: nothing of the session's stream is touched by it."""

    def __init__(self, vad: Vad, recogniser: Recogniser) -> None:
        self._parts = _Parts()
        self._ears = Hearing(vad, recogniser, self._parts)
        self._ears.feed(_QUIET)

    @property
    def has_speech(self) -> bool:
        """Whether anybody spoke in it."""
        return self._parts.has_speech

    def feed(self, pcm: bytes) -> None:
        """PCM16 at 24 kHz."""
        self._ears.feed(pcm)

    def finish(self) -> str:
        """What was said; empty when there was no speech, or no word in it."""
        self._ears.feed(_QUIET)
        text, _ = self._ears.take()
        return " ".join(filter(None, (*self._parts.texts, text)))
