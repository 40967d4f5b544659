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


FIELDS: Final[Mapping[str, str]] = {
    "session": "Our session, from its first line on: the id that its client was told.",
    "trace_id": "Of the session's trace, where traces are sent: the session's id without `hf_` or `rt_`.",
    "upstream_session": "The provider's own id of the session that serves: what its support asks for.",
    "customer": "Whose session it is, as a pseudonym: the same person, the same word. With `[auth] secret` "
    "it stays over restarts and is the same in all workers.",
    "call": "A call over WebRTC: the provider's id.",
    "call_id": "A call of a tool.",
    "upstream": "The name of an upstream.",
    "generation": "Which of a session's links to upstreams, counted from 1.",
    "worker": "The number of the process, with several workers.",
    "fault": "A code of the fault table.",
    "party": "At whose door that fault lies.",
    "evidence": "Short facts about it.",
}
"""What lines that belong together have in common, always under these names."""

MOMENTS: Final[Mapping[str, Moment]] = _table(
    Moment("server.listening", "server", "info", "The port is open."),
    Moment("server.draining", "server", "info", "Told to stop: no new sessions, running ones are closed."),
    Moment("worker.ready", "server", "info", "A worker takes sockets; how many sessions its journal holds."),
    Moment(
        "worker.lost",
        "server",
        "error",
        "A worker ended unasked: how many sessions it had; another takes its place and its journal.",
    ),
    Moment("worker.hung", "server", "error", "A worker said nothing for ten seconds and is ended."),
    Moment("worker.memo_odd", "server", "warning", "The line between two processes bore what is no memo."),
    Moment("http.failed", "server", "error", "A bug of ours while a request was answered; its traceback."),
    Moment("upgrade.failed", "server", "error", "The same while a socket was let in."),
    Moment("step.failed", "session", "error", "The same inside a conversation's step: it is ended by name."),
    Moment("task.failed", "session", "error", "The same in a task of a conversation."),
    Moment("watch.failed", "server", "error", "The same in one of those who watch: it cost a figure."),
    Moment("log.dropped", "server", "warning", "Lines could not be written; how many so far."),
    Moment("listening.off", "server", "warning", "Speech can't be told from noise: nobody listens any more."),
    Moment("load.joining", "server", "info", "How much audio goes into one append, for busyness' sake."),
    Moment("load.changed", "server", "warning", "Too busy for new sessions, or well again."),
    Moment(
        "descriptors.few",
        "server",
        "warning",
        "The system lets it open less than its bounds allow.",
    ),
    Moment("descriptors.low", "server", "warning", "Too few are left for new sessions, or enough again."),
    Moment("auth.refused", "auth", "info", "Somebody was not let in: why, which is not told them."),
    Moment("budget.near", "budget", "warning", "A cap is used to the share that [budget] warn_at names."),
    Moment("budget.spent", "budget", "warning", "A cap is reached: this session ends politely."),
    Moment("budget.refused", "budget", "info", "No session begins: nothing is left to spend today."),
    Moment("session.leaving", "session", "warning", "It ends when what is being said has been said."),
    Moment("cost.no_price", "budget", "warning", "An upstream's model has no price: see [[price]]."),
    Moment("cost.store_stumbles", "store", "warning", "Charges wait: the database does not take them."),
    Moment("cost.unwritten", "store", "error", "Charges were not kept; budgets counted them all the same."),
    Moment("audio.before_session", "audio", "warning", "Audio came before create_session; it is kept."),
    Moment("audio.lost", "audio", "warning", "Samples were lost: which, and why."),
    Moment("session.created", "session", "info", "A client's session was accepted: speech counts from here."),
    Moment("session.refused", "session", "warning", "A client asked for what it may not have."),
    Moment("session.turned_away", "session", "debug", "It was told at once that no upstream can be reached."),
    Moment("client.left_out", "client", "info", "An older client asked for what GA has no word for."),
    Moment("upstream.connecting", "upstream", "info", "An upstream is dialled; generation and attempt."),
    Moment("upstream.opened", "upstream", "info", "Its socket is open. That is no proof of life yet."),
    Moment(
        "upstream.address_kept",
        "upstream",
        "warning",
        "Its name cannot be looked up: the address is dialled at which it last answered.",
    ),
    Moment("upstream.created", "upstream", "info", "It sent session.created: it lives; its own session id."),
    Moment("upstream.error", "upstream", "warning", "It reported an error."),
    Moment(
        "upstream.reconnecting",
        "upstream",
        "warning",
        "It failed: whose fault, with evidence; another is looked for.",
    ),
    Moment(
        "upstream.waiting",
        "upstream",
        "info",
        "Nothing is dialled for a while: why, how long; `spread` is deliberate.",
    ),
    Moment(
        "upstream.breach",
        "upstream",
        "warning",
        "It sent what is no event; the third in a minute ends the link.",
    ),
    Moment(
        "upstream.rotating", "upstream", "info", "A successor is dialled while the present link still serves."
    ),
    Moment("upstream.rotated", "upstream", "info", "The successor took over; whether at a quiet moment."),
    Moment(
        "upstream.successor_lost",
        "upstream",
        "warning",
        "The successor came to nothing; the present link serves on.",
    ),
    Moment(
        "upstream.left_out", "upstream", "info", "Settings were not sent, because it has no word for them."
    ),
    Moment("upstream.warm_failed", "upstream", "info", "A link of the warm pool came to nothing."),
    Moment("upstream.warm_let_go", "upstream", "warning", "Memory runs short: the warm pool was emptied."),
    Moment(
        "upstream.rested", "upstream", "info", "The client is away for long: the upstream is left on purpose."
    ),
    Moment(
        "session.rebuilt",
        "session",
        "info",
        "A fresh upstream was told the conversation; speech flows again.",
    ),
    Moment(
        "session.abridged",
        "session",
        "warning",
        "A fresh upstream was told only the newest items: there was no room for more.",
    ),
    Moment("rebuild.refused", "rebuild", "warning", "A fresh upstream refused something that it was told."),
    Moment("session.parked", "session", "info", "The client's socket broke; the session waits for it."),
    Moment(
        "session.shed",
        "session",
        "warning",
        "Memory runs short: a session whose client is away keeps less of what it missed.",
    ),
    Moment(
        "session.resumed", "session", "info", "The client came back; whether everything could be made good."
    ),
    Moment("session.suspended", "session", "info", "The process stops; the journal keeps the session."),
    Moment("session.restored", "session", "info", "Taken up from the journal of an earlier process."),
    Moment(
        "session.unreadable",
        "session",
        "error",
        "The journal of an earlier process has lines of it that this one cannot read.",
    ),
    Moment(
        "sessions.left_behind", "session", "info", "How many sessions an earlier process left in the journal."
    ),
    Moment("engine.unavailable", "engine", "warning", "The embedded engine cannot start; why."),
    Moment("engine.worker_ready", "engine", "info", "One of its processes takes sessions; who does what."),
    Moment("engine.worker_ended", "engine", "warning", "One of them ended unasked; its last words."),
    Moment("engine.worker_given_up", "engine", "error", "One of them ends again and again."),
    Moment(
        "engine.stage_switched",
        "engine",
        "warning",
        "Somebody else does the work of a stage of the embedded engine: why its server failed, or that it is "
        "back.",
    ),
    Moment("turn.given_up", "turn", "warning", "No upstream could answer a turn: it is given up by name."),
    Moment(
        "upstream.unheard",
        "upstream",
        "warning",
        "The user spoke and the upstream told nothing of it: it is left, or where that did not help, named.",
    ),
    Moment(
        "response.stalled",
        "response",
        "warning",
        "An answer was owed and did not come, or stopped: the link is left.",
    ),
    Moment(
        "response.asked_again",
        "response",
        "warning",
        "A response failed before anything was told: once more.",
    ),
    Moment(
        "transcription.failed",
        "turn",
        "warning",
        "A turn could not be written down; the upstream's reason. Where nobody answers, a loss.",
    ),
    Moment("response.failed", "response", "warning", "A response failed at the provider; the reason."),
    Moment(
        "tool.repeated", "tool", "info", "A fresh upstream made a lost one's call again: it gets that result."
    ),
    Moment("tool.refused", "tool", "warning", "A tool was not run: too many steps, or no durable intent."),
    Moment(
        "tool.outcome_unknown",
        "tool",
        "warning",
        "A call was cut by the end of a process: it is not run again.",
    ),
    Moment(
        "recorder.not_written",
        "server",
        "warning",
        "A recording could not be written, and why; said once.",
    ),
    Moment(
        "recorder.stumbled",
        "server",
        "error",
        "A session's steps are not recorded any more, a bug of ours; said once. The session goes on.",
    ),
    Moment("journal.degraded", "store", "warning", "Nothing becomes durable at the moment; the cause."),
    Moment("journal.healthy", "store", "info", "The journal writes again."),
    Moment("journal.lines_lost", "store", "error", "Lines were not taken: too many wait already."),
    Moment("journal.line_unfit", "store", "error", "A line could not be written as it is: a bug of ours."),
    Moment("journal.not_taken_over", "store", "warning", "Another place's journal could not be read; why."),
    Moment("store.unavailable", "store", "warning", "The portal's database did not answer; why."),
    Moment("store.not_swept", "store", "warning", "Another place's file keeps what is old; why."),
    Moment(
        "transcripts.degraded", "store", "warning", "No transcript becomes durable at the moment; the cause."
    ),
    Moment("transcripts.healthy", "store", "info", "Transcripts are written again; lines lost so far."),
    Moment("transcripts.lines_lost", "store", "error", "The process ended before these lines were written."),
    Moment("transcripts.unfit", "store", "error", "A line could not be written as it is: a bug of ours."),
    Moment("sound.began", "session", "info", "A consent is kept; sound is recorded from here."),
    Moment("sound.ended", "session", "info", "A recording is whole: its length, what was lost."),
    Moment("sound.refused", "session", "warning", "A consent could not be kept: nothing is recorded."),
    Moment("sound.failed", "session", "warning", "A recording ends early: its file cannot be written."),
    Moment("sound.swept", "store", "info", "Recordings grew older than they may and were deleted."),
    Moment("transcripts.swept", "store", "info", "Transcripts grew older than they may and were deleted."),
    Moment("store.close_timeout", "store", "warning", "The store did not close in time."),
    Moment("resume.foreign", "session", "error", "A customer tried to resume another one's session."),
    Moment("session.ready", "session", "info", "The upstream confirmed our settings; held audio flows."),
    Moment("session.failed", "session", "error", "The session ends by a fault: code, evidence, what to do."),
    Moment("session.ended", "session", "info", "The session is over; the reason."),
    Moment("console.ended", "auth", "warning", "An operator ended a session; by which key."),
    Moment("console.no_words", "store", "warning", "Transcripts could not be read for the console; why."),
    Moment(
        "client.reported",
        "client",
        "info",
        "What the client says of its own end; with a fault that only it can see. At debug without one.",
    ),
    Moment("client.gone", "client", "info", "The client's socket is over; its close code."),
    Moment(
        "client.not_permitted", "client", "info", "It asked for more than its credential allows; for what."
    ),
    Moment("client.refused", "client", "info", "A message of its was refused: the error's code, the field."),
    Moment("client.too_slow", "client", "warning", "The client does not read; its socket is closed."),
    Moment("relay.dropped", "relay", "warning", "Messages that waited for an upstream found no room."),
    Moment("tool.fault", "tool", "warning", "A tool could not be run, or failed: the fault, and where."),
    Moment("tool.started", "tool", "info", "A tool runs; name and call id, never its arguments."),
    Moment("tool.done", "tool", "info", "A tool is over; its status."),
    Moment("client_secret.minted", "auth", "info", "A client secret was given out; how many are in use."),
    Moment("audio.upstream_failed", "upstream", "warning", "Speech or transcription: another is asked; why."),
    Moment("call.began", "call", "info", "A provider has taken a call over WebRTC; its id."),
    Moment("call.held", "call", "info", "Its sideband is open."),
    Moment("call.settings_altered", "call", "warning", "Somebody changed what is bound; it is set again."),
    Moment("call.tool", "call", "info", "A tool was run for it; its status."),
    Moment("call.lost", "call", "warning", "Its sideband cannot be had again: it is hung up."),
    Moment("call.hung_up", "call", "info", "The provider is told to end it; the reason."),
    Moment("call.hang_up_failed", "call", "warning", "The provider did not say that it is over."),
    Moment("call.ended", "call", "info", "It is over; how long it was, and the tokens of its answers."),
)
