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
    Moment("server.listening", "server", "info", "The port is open."),
    Moment("server.draining", "server", "info", "Told to stop: no new sessions, running ones are closed."),
    Moment("audio.before_session", "audio", "warning", "Audio came before create_session; it is kept."),
    Moment("audio.lost", "audio", "warning", "Samples were lost: which, and why."),
    Moment("session.created", "session", "info", "A client's session was accepted: speech counts from here."),
    Moment("session.refused", "session", "warning", "A client asked for what it may not have."),
    Moment("upstream.connecting", "upstream", "info", "An upstream is dialled; generation and attempt."),
    Moment("upstream.opened", "upstream", "info", "Its socket is open. That is no proof of life yet."),
    Moment("upstream.created", "upstream", "info", "It sent session.created: it lives; its own session id."),
    Moment("upstream.error", "upstream", "warning", "It reported an error."),
    Moment("upstream.reconnecting", "upstream", "warning", "It failed; the next dial is set; the fault."),
    Moment("session.ready", "session", "info", "The upstream confirmed our settings; held audio flows."),
    Moment("session.failed", "session", "error", "The session ends by a fault: code and evidence."),
    Moment("session.ended", "session", "info", "The session is over; the reason."),
    Moment("client.gone", "client", "info", "The client's socket is over; its close code."),
    Moment("tool.started", "tool", "info", "A tool runs; name and call id, never its arguments."),
    Moment("tool.done", "tool", "info", "A tool is over; its status."),
)
