"""Lines of a session's timeline, kept as facts: hardly anybody ever looks at them.

What lives here: the forms of all lines, and how one is told when somebody asks.
What never will: which sighting makes which line (`reading`); words of users or assistants.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from holdfast.ledger.shapes import Entry, Lane

TEXT_CHARS_MAX: Final = 200


class Form(msgspec.Struct, frozen=True, gc=False):
    """What lines of one kind have in common. `text` has places for the values by their number; the first of
    these are facts, under `names`, and what follows them is for the text alone.
    """

    lane: Lane
    kind: str
    text: str
    names: tuple[str, ...] | None = ()
    """None: the values are names and facts in turn."""


class Line(msgspec.Struct, frozen=True, gc=False):
    """One line, `t_ms` after the session's beginning."""

    n: int
    t_ms: int
    form: Form
    values: tuple[Any, ...] = ()
    lasted_ms: int | None = None

    def told(self) -> Entry:
        """As the console has it."""
        form, values = self.form, self.values
        if form.names is None:
            data = dict(zip(values[::2], values[1::2], strict=True))
        else:
            data = dict(zip(form.names, values, strict=False))
        text = form.text.format(*values)[:TEXT_CHARS_MAX]
        return Entry(self.n, self.t_ms, form.lane, form.kind, text, self.lasted_ms, data or None)


BEGAN: Final = Form("client", "began", "The session began.", ("source", "mode"))
TAKEN_UP: Final = Form("client", "began", "The session was taken up from the journal.", ("source", "mode"))
AWAY: Final = Form("client", "away", "The client's socket closed ({0}).", ("code",))
BACK: Final[Mapping[bool, Form]] = {
    True: Form("client", "back", "The client came back, complete.", ("recovered",)),
    False: Form("client", "back", "The client came back, from a snapshot.", ("recovered",)),
}
ENDED: Final = Form("client", "ended", "The session ended: {0}.", ("reason",))
_LIVE: Final = ("upstream", "providerSession", "generation")
LIVE: Final[Mapping[str, Form]] = {
    "first": Form("upstream", "live", "{0} ({3}) serves.", _LIVE),
    "rebuilt": Form("upstream", "rebuilt", "{0} ({3}) serves again, told what was said.", _LIVE),
    "rotated": Form("upstream", "rotated", "{0} ({3}) took over.", _LIVE),
}
_WAITED: Final = (*_LIVE, "afterMs")
LIVE_AFTER: Final[Mapping[str, Form]] = {
    how: Form(form.lane, form.kind, form.text.replace("{3}", "{4}"), _WAITED) for how, form in LIVE.items()
}
"""The same where somebody had waited for it."""
LOST: Final = Form("upstream", "lost", "{2} was lost: {3}.", ("generation", "wasLive"))
TURN_BEGAN: Final = Form("user", "turn_began", "The user speaks.", ("sample", "turn"))
TURN: Final = Form("user", "turn", "The user spoke for {1:.1f} s.", ("turn",))
TYPED: Final = Form("user", "words", "{0} characters typed.", ("characters",))
HEARD_TO_SAY: Final = Form("user", "words", "{0} characters were heard to say.", ("characters",))
RESPONSE_BEGAN: Final = Form("assistant", "response_started", "An answer begins.", ("response",))
FIRST_SOUND: Final = Form(
    "assistant", "first_sound", "First sound, after {2:.0f} ms of silence.", ("turn", "response")
)
SILENCE_HEARD: Final = Form("user", "heard", "The user had heard nothing for {1:.0f} ms.", ("turn",))
SAID: Final = Form("assistant", "words", "{0} characters were said.", ("characters", "response"))
INTERRUPTED: Final = Form(
    "assistant", "interrupted", "Interrupted after {0} ms were heard.", ("heardMs", "sentMs")
)
ANSWER: Final = Form("assistant", "answer", "The answer is over: {0}{2}.", ("status", "response"))
TOOL_BEGAN: Final = Form("tool", "tool_began", "{2} runs.", ("name", "call"))
TOOL_ENDED: Final = Form("tool", "tool", "{3}: {2}.", ("name", "call", "status"))
AUDIO_LOST: Final = Form(
    "loss",
    "loss",
    "{5:.2f} s of {6} audio were lost: {1}.",
    ("direction", "reason", "from", "to", "lostMs"),
)
FAULT: Final = Form("fault", "fault", "{0}: {4}", ("code", "party", "evidence", "moment"))


_MOMENTS: Final[Mapping[str, tuple[Lane, str]]] = {
    "upstream.connecting": ("upstream", "An upstream is dialled."),
    "upstream.opened": ("upstream", "Its socket is open."),
    "upstream.created": ("upstream", "It lives."),
    "upstream.waiting": ("upstream", "Nothing is dialled for a while."),
    "upstream.rotating": ("upstream", "A successor is dialled."),
    "upstream.successor_lost": ("upstream", "The successor came to nothing."),
    "upstream.left_out": ("upstream", "Settings that it has no word for were left out."),
    "upstream.rested": ("upstream", "It is left on purpose: the client is away for long."),
    "upstream.error": ("upstream", "It reported an error."),
    "upstream.breach": ("upstream", "It sent what is no event."),
    "session.abridged": ("upstream", "It was told only the newest of the conversation."),
    "rebuild.refused": ("upstream", "It refused something that it was told."),
    "session.suspended": ("client", "The process stops; the journal keeps the session."),
    "session.shed": ("client", "Memory runs short: less is kept of what the client missed."),
    "client.too_slow": ("client", "The client does not read."),
    "client.refused": ("client", "A message of the client's was refused."),
    "turn.given_up": ("loss", "No upstream could answer the turn."),
    "response.stalled": ("assistant", "An answer was owed and did not come."),
    "response.asked_again": ("assistant", "The answer failed before it was heard: asked for again."),
    "relay.dropped": ("loss", "Messages that waited for an upstream found no room."),
    "tool.repeated": ("tool", "A call was made again and got its first result."),
    "tool.refused": ("tool", "A tool was not run."),
    "journal.degraded": ("client", "Nothing becomes durable at the moment."),
    "journal.healthy": ("client", "What is said becomes durable again."),
}

MOMENTS: Final[Mapping[str, Form]] = {
    moment: Form(lane, moment, text, None) for moment, (lane, text) in _MOMENTS.items()
}
"""Key moments that stand on the timeline beside what has a sighting of its own."""
