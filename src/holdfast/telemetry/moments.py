"""The key moments of a session in the logs, as a table (brief, A15).

What lives here: the names operators search for and alert on, with their level and meaning. The reference
page of logs is generated from this table.
What never will: the code that logs them; each room logs its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True, slots=True)
class Moment:
    """One event name that is promised to stay."""

    event: str
    category: str
    level: Literal["debug", "info", "warning", "error"]
    meaning: str


def _table(*moments: Moment) -> Mapping[str, Moment]:
    return {moment.event: moment for moment in moments}


MOMENTS: Final[Mapping[str, Moment]] = _table(
    Moment("session.connecting", "session", "info", "A session was accepted; its upstream is being dialled."),
    Moment(
        "session.opened", "session", "info", "The upstream's socket is open. That is no proof of life yet."
    ),
    Moment("session.created", "session", "info", "The upstream sent session.created: it lives."),
    Moment("session.ready", "session", "info", "The upstream confirmed our settings; held audio flows."),
    Moment("session.ended", "session", "info", "The session is over; metadata names the reason."),
    Moment(
        "session.failed",
        "session",
        "error",
        "The session ended by a fault; metadata holds code and evidence.",
    ),
    Moment("audio.before_session", "audio", "warning", "Audio came before create_session; it is kept."),
    Moment(
        "audio.lost", "audio", "warning", "Samples were lost; metadata holds direction, range and reason."
    ),
    Moment("upstream.reconnecting", "upstream", "warning", "An upstream failed; the next dial has been set."),
    Moment("upstream.lost", "upstream", "error", "An upstream that was configured broke off."),
)
