"""From a sighting to facts and lines of an account, by a table.

What lives here: one small function for each sighting, and which key moments of the log stand on a timeline.
What never will: words of users or assistants (they are counted), judging.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from holdfast.core.audio import SAMPLE_RATE_HZ
from holdfast.core.client_close import fault_of_client_close
from holdfast.ledger.account import TEXT_CHARS_MAX, Account
from holdfast.ledger.shapes import Lane, UpstreamTold
from holdfast.ledger.turns import RESPONSES_MAX, Turn
from holdfast.ports import sightings as seen

PROVIDER_SESSIONS_MAX: Final = 16
_FACTS_MAX: Final = 12


def read(account: Account, sighting: seen.Sighting, at: float) -> None:
    """Something was seen of a session: into its account."""
    book = _BOOKS.get(type(sighting))
    if book is not None:
        book(account, sighting, at)


_HOW: Final = {
    "first": ("live", "serves"),
    "rebuilt": ("rebuilt", "serves again, told what was said"),
    "rotated": ("rotated", "took over"),
}


def _began(a: Account, one: seen.Began, at: float) -> None:
    text = "The session was taken up from the journal." if one.is_restored else "The session began."
    a.write("client", "began", text, at, source=a.source, mode=a.mode)


def _away(a: Account, one: seen.ClientAway, at: float) -> None:
    a.away_since = at
    a.left = fault_of_client_close(one.code, "") is None
    a.write("client", "away", f"The client's socket closed ({one.code}).", at, code=one.code)
    if a.is_live:
        a.becomes("away", at)


def _back(a: Account, one: seen.ClientBack, at: float) -> None:
    gone_s = None if a.away_since is None else at - a.away_since
    what = "complete" if one.recovered else "from a snapshot"
    text = f"The client came back, {what}."
    a.write("client", "back", text, at, lasted_s=gone_s, recovered=one.recovered)
    a.away_since = None
    a.becomes("live" if a.serves else "recovering" if a.upstream.name else "connecting", at)


def _ended(a: Account, one: seen.Ended, at: float) -> None:
    if one.fault is not None:
        a.meet(one.fault, at, "session.ended").ended = True
    a.ended, a.end_reason, a.waits_since = at, one.reason, None
    a.running.clear()
    a.write("client", "ended", f"The session ended: {one.reason}.", at, reason=one.reason)
    a.becomes("ended", at)


def _live(a: Account, one: seen.UpstreamLive, at: float) -> None:
    waited_s = at - a.state_since if a.state in {"connecting", "recovering"} else None
    a.upstream, a.serves = UpstreamTold(one.name, one.kind, one.model), True
    if one.provider_session and one.provider_session not in a.provider_sessions:
        a.provider_sessions = _first_and_newest([*a.provider_sessions, one.provider_session])
    kind, how = _HOW[one.how]
    text = f"{one.name} ({one.model or one.kind}) {how}."
    facts: dict[str, Any] = {
        "upstream": one.name,
        "providerSession": one.provider_session,
        "generation": one.generation,
    }
    if waited_s is not None:
        facts["afterMs"] = round(waited_s * 1000)
    a.write("upstream", kind, text, at, **facts)
    if a.is_live and a.away_since is None:
        a.becomes("live", at)


def _first_and_newest(sessions: list[str]) -> list[str]:
    """Where they are too many: where it began and how it is now, for the provider's support."""
    return sessions if len(sessions) <= PROVIDER_SESSIONS_MAX else [sessions[0], *sessions[2:]]


def _lost(a: Account, one: seen.UpstreamLost, at: float) -> None:
    text = f"{a.upstream.name or 'The upstream'} was lost: {one.fault.code}."
    a.write("upstream", "lost", text, at, generation=one.generation, wasLive=one.was_live)
    a.meet(one.fault, at, "upstream.lost")
    a.serves = a.serves and not one.was_live
    if a.is_live and a.away_since is None and a.state != "connecting":
        a.becomes("recovering", at)


def _turn_began(a: Account, one: seen.TurnBegan, at: float) -> None:
    a.turn_count += 1
    a.turns.append(Turn(a.turn_count, at, begin_sample=one.sample))
    a.waits_since = None
    a.write("user", "turn_began", "The user speaks.", at, sample=one.sample, turn=a.turn_count)


def _turn_ended(a: Account, one: seen.TurnEnded, at: float) -> None:
    turn = a.turn
    if turn is None or turn.ended is not None:  # its beginning was another upstream's, or told twice
        a.turn_count += 1
        turn = Turn(a.turn_count, at)
        a.turns.append(turn)
    turn.ended, turn.end_sample, turn.received = at, one.sample, one.received
    a.waits_since = at if a.mode == "conversation" else None
    spoke_s = turn.speech_s if turn.speech_s is not None else at - turn.began
    told_s = at - turn.began  # with the time it took to notice the end
    a.write("user", "turn", f"The user spoke for {spoke_s:.1f} s.", at, lasted_s=told_s, turn=turn.n)


def _user_words(a: Account, one: seen.WordsOfUser, at: float) -> None:
    if one.is_typed:
        a.turn_count += 1
        a.turns.append(Turn(a.turn_count, at, ended=at, is_typed=True))
        a.waits_since = at if a.mode == "conversation" else None
    what = "typed" if one.is_typed else "were heard to say"
    a.write("user", "words", f"{len(one.text)} characters {what}.", at, characters=len(one.text))


def _response_began(a: Account, one: seen.ResponseBegan, at: float) -> None:
    turn, a.answers = a.turn, a.answers + 1
    if turn is not None:
        turn.answered = turn.answered or at
        if len(turn.response_ids) < RESPONSES_MAX:
            turn.response_ids.append(one.response_id)
    a.write("assistant", "response_started", "An answer begins.", at, response=one.response_id)


def _first_sound(a: Account, one: seen.FirstSound, at: float) -> None:
    turn, a.waits_since = a.turn, None
    a.sounds_since = a.sounds_since or at
    if turn is None or turn.sounded is not None or turn.ended is None:
        return
    turn.sound(one.item_id, at)
    a.waited_ms = silence = turn.silence_ms or 0.0
    a.write(
        "assistant",
        "first_sound",
        f"First sound, after {silence:.0f} ms of silence.",
        at,
        turn=turn.n,
        response=one.response_id,
    )


def _silence_heard(a: Account, one: seen.SilenceHeard, at: float) -> None:
    turn = a.turn_heard(one.item_id)
    if turn is None or not turn.hear(one):
        return
    a.waited_ms = silence = turn.silence_ms or 0.0
    a.write("user", "heard", f"The user had heard nothing for {silence:.0f} ms.", at, turn=turn.n)


def _assistant_words(a: Account, one: seen.WordsOfAssistant, at: float) -> None:
    text = f"{len(one.text)} characters were said."
    a.write("assistant", "words", text, at, characters=len(one.text), response=one.response_id)


def _interrupted(a: Account, one: seen.Interrupted, at: float) -> None:
    if (turn := a.turn_of(one.response_id)) is not None:
        turn.interrupted_after_ms = one.heard_ms
    text = f"Interrupted after {one.heard_ms} ms were heard."
    a.write("assistant", "interrupted", text, at, heardMs=one.heard_ms, sentMs=one.sent_ms)


def _response_ended(a: Account, one: seen.ResponseEnded, at: float) -> None:
    a.waits_since, a.answers = None, max(0, a.answers - 1)
    if one.fault is not None:
        a.meet(one.fault, at, "response.ended")
    why = f" ({one.reason})" if one.reason else ""
    text = f"The answer is over: {one.status}{why}."
    sounded_s = None if a.sounds_since is None else at - a.sounds_since
    a.write("assistant", "answer", text, at, lasted_s=sounded_s, status=one.status, response=one.response_id)
    a.sounds_since = None


def _tool_began(a: Account, one: seen.ToolBegan, at: float) -> None:
    if len(a.running) < RESPONSES_MAX:
        a.running[one.call_id] = at
    a.write("tool", "tool_began", f"{one.name or 'A tool'} runs.", at, name=one.name, call=one.call_id)


def _tool_ended(a: Account, one: seen.ToolEnded, at: float) -> None:
    began = a.running.pop(one.call_id, None)
    if one.status not in {"ok", "running"}:
        a.tools_failed_at = at
    a.write(
        "tool",
        "tool",
        f"{one.name or 'The tool'}: {one.status}.",
        at,
        lasted_s=None if began is None else at - began,
        name=one.name,
        call=one.call_id,
        status=one.status,
    )


def _fault_met(a: Account, one: seen.FaultMet, at: float) -> None:
    a.meet(one.fault, at, one.moment)


def _audio_lost(a: Account, one: seen.AudioWasLost, at: float) -> None:
    samples = max(0, one.last - one.first)
    a.losses += samples
    a.last_loss = at
    lost_s = samples / SAMPLE_RATE_HZ
    whose = "the user's" if one.direction == "input" else "the assistant's"
    text = f"{lost_s:.2f} s of {whose} audio were lost: {one.reason}."
    facts = {"from": one.first, "to": one.last, "lostMs": round(lost_s * 1000)}
    a.write("loss", "loss", text, at, direction=one.direction, reason=one.reason, **facts)


def _noted(a: Account, one: seen.Noted, at: float) -> None:
    told = _MOMENTS.get(one.moment)
    if told is not None:
        plain = [(key, fact) for key, fact in one.facts.items() if isinstance(fact, bool | int | float | str)]
        a.write(told[0], one.moment, told[1], at, **{key: _short(fact) for key, fact in plain[:_FACTS_MAX]})
    if one.moment == "upstream.rested":
        a.serves = False
    if one.moment == "client.reported":
        figures = {_REPORTED[name]: float(value) for name, value in _figures(one.facts)}
        a.report = {**a.report, **figures}
    if one.moment == "journal.degraded" and a.state == "live":
        a.becomes("degraded", at)
    elif one.moment == "journal.healthy" and a.state == "degraded":
        a.becomes("live", at)


def _figures(facts: Mapping[str, object]) -> Iterator[tuple[str, float]]:
    for name, value in facts.items():
        if name in _REPORTED and isinstance(value, bool | int | float):
            yield name, value


def _short(fact: float | str) -> Any:
    return fact[:TEXT_CHARS_MAX] if isinstance(fact, str) else fact


_REPORTED: Final = {
    "silent_ms": "silentMs",
    "rtt_ms": "rttMs",
    "underruns": "underruns",
    "blocked": "blocked",
}
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
"""Key moments that stand on the timeline beside what has a sighting of its own."""

_BOOKS: Final[Mapping[type, Callable[[Account, Any, float], None]]] = {
    seen.Began: _began,
    seen.ClientAway: _away,
    seen.ClientBack: _back,
    seen.Ended: _ended,
    seen.UpstreamLive: _live,
    seen.UpstreamLost: _lost,
    seen.TurnBegan: _turn_began,
    seen.TurnEnded: _turn_ended,
    seen.WordsOfUser: _user_words,
    seen.ResponseBegan: _response_began,
    seen.FirstSound: _first_sound,
    seen.SilenceHeard: _silence_heard,
    seen.WordsOfAssistant: _assistant_words,
    seen.Interrupted: _interrupted,
    seen.ResponseEnded: _response_ended,
    seen.ToolBegan: _tool_began,
    seen.ToolEnded: _tool_ended,
    seen.FaultMet: _fault_met,
    seen.AudioWasLost: _audio_lost,
    seen.Noted: _noted,
}
