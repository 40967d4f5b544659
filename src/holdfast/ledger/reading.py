"""From a sighting to facts and lines of an account, by a table.

What lives here: one small function for each sighting.
What never will: words of users or assistants (they are counted), what a line says (`lines`), judging.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

from holdfast.core.audio import SAMPLE_RATE_HZ
from holdfast.core.client_close import fault_of_client_close
from holdfast.ledger import lines
from holdfast.ledger.account import Account
from holdfast.ledger.shapes import UpstreamTold
from holdfast.ledger.turns import RESPONSES_MAX, Turn
from holdfast.ports import sightings as seen

PROVIDER_SESSIONS_MAX: Final = 16
UPSTREAMS_TOLD_MAX: Final = 64
_FACTS_MAX: Final = 12


def read(account: Account, sighting: seen.Sighting, at: float) -> None:
    """Something was seen of a session: into its account."""
    book = BOOKS.get(sighting.moment if type(sighting) is seen.Noted else type(sighting))
    if book is not None:
        book(account, sighting, at)


def _began(a: Account, one: seen.Began, at: float) -> None:
    a.write(lines.TAKEN_UP if one.is_restored else lines.BEGAN, at, (a.source, a.mode))


def _away(a: Account, one: seen.ClientAway, at: float) -> None:
    a.away_since = at
    a.left = fault_of_client_close(one.code, "") is None
    a.write(lines.AWAY, at, (one.code,))
    if a.ended is None:
        a.becomes("away", at)


def _back(a: Account, one: seen.ClientBack, at: float) -> None:
    gone_s = None if a.away_since is None else at - a.away_since
    a.write(lines.BACK[one.recovered], at, (one.recovered,), gone_s)
    a.away_since = None
    a.becomes("live" if a.serves else "recovering" if a.upstream.name else "connecting", at)


def _ended(a: Account, one: seen.Ended, at: float) -> None:
    if one.fault is not None:
        a.meet(one.fault, at, "session.ended").ended = True
    a.ended, a.end_reason, a.waits_since = at, one.reason, None
    a.running = {}
    a.write(lines.ENDED, at, (one.reason,))
    a.becomes("ended", at)


def _live(a: Account, one: seen.UpstreamLive, at: float) -> None:
    waited_s = at - a.state_since if a.state in {"connecting", "recovering"} else None
    a.upstream, a.serves = _told(one.name, one.kind, one.model), True
    session = one.provider_session
    if session and session not in a.provider_sessions:
        a.provider_sessions = _first_and_newest((*a.provider_sessions, session))
    facts, model = (one.name, session, one.generation), one.model or one.kind
    if waited_s is None:
        a.write(lines.LIVE[one.how], at, (*facts, model))
    else:
        a.write(lines.LIVE_AFTER[one.how], at, (*facts, round(waited_s * 1000), model))
    if a.ended is None and a.away_since is None:
        a.becomes("live", at)


_told = lru_cache(UPSTREAMS_TOLD_MAX)(UpstreamTold)
"""One for all sessions that the same upstream serves."""


def _first_and_newest(sessions: tuple[str, ...]) -> tuple[str, ...]:
    """Where they are too many: where it began and how it is now, for the provider's support."""
    return sessions if len(sessions) <= PROVIDER_SESSIONS_MAX else (sessions[0], *sessions[2:])


def _lost(a: Account, one: seen.UpstreamLost, at: float) -> None:
    who = a.upstream.name or "The upstream"
    a.write(lines.LOST, at, (one.generation, one.was_live, who, one.fault.code))
    a.meet(one.fault, at, "upstream.lost")
    a.serves = a.serves and not one.was_live
    if a.is_live and a.away_since is None and a.state != "connecting":
        a.becomes("recovering", at)


def _turn_began(a: Account, one: seen.TurnBegan, at: float) -> None:
    a.turn_count += 1
    a.begin_turn(Turn(a.turn_count, at, begin_sample=one.sample))
    a.waits_since = None
    a.write(lines.TURN_BEGAN, at, (one.sample, a.turn_count))


def _turn_ended(a: Account, one: seen.TurnEnded, at: float) -> None:
    turn = a.turn
    if turn is None or turn.ended is not None:  # its beginning was another upstream's, or told twice
        a.turn_count += 1
        turn = Turn(a.turn_count, at)
        a.begin_turn(turn)
    turn.ended, turn.end_sample, turn.received = at, one.sample, one.received
    a.waits_since = at if a.mode == "conversation" else None
    spoke_s = turn.speech_s if turn.speech_s is not None else at - turn.began
    told_s = at - turn.began  # with the time it took to notice the end
    a.write(lines.TURN, at, (turn.n, spoke_s), told_s)


def _user_words(a: Account, one: seen.WordsOfUser, at: float) -> None:
    if one.is_typed:
        a.turn_count += 1
        a.begin_turn(Turn(a.turn_count, at, ended=at, is_typed=True))
        a.waits_since = at if a.mode == "conversation" else None
    a.write(lines.TYPED if one.is_typed else lines.HEARD_TO_SAY, at, (len(one.text),))


def _response_began(a: Account, one: seen.ResponseBegan, at: float) -> None:
    turn, a.answers = a.turn, a.answers + 1
    if turn is not None:
        turn.answered = turn.answered or at
        if len(turn.response_ids) < RESPONSES_MAX:
            turn.response_ids.append(one.response_id)
    a.write(lines.RESPONSE_BEGAN, at, (one.response_id,))


def _first_sound(a: Account, one: seen.FirstSound, at: float) -> None:
    turn, a.waits_since = a.turn, None
    a.sounds_since = a.sounds_since or at
    if turn is None or turn.sounded is not None or turn.ended is None:
        return
    turn.sound(one.item_id, at)
    a.waited_ms = silence = turn.silence_ms or 0.0
    a.write(lines.FIRST_SOUND, at, (turn.n, one.response_id, silence))


def _silence_heard(a: Account, one: seen.SilenceHeard, at: float) -> None:
    turn = a.turn_heard(one.item_id)
    if turn is None or not turn.hear(one):
        return
    a.waited_ms = silence = turn.silence_ms or 0.0
    a.write(lines.SILENCE_HEARD, at, (turn.n, silence))


def _assistant_words(a: Account, one: seen.WordsOfAssistant, at: float) -> None:
    a.write(lines.SAID, at, (len(one.text), one.response_id))


def _interrupted(a: Account, one: seen.Interrupted, at: float) -> None:
    if (turn := a.turn_of(one.response_id)) is not None:
        turn.interrupted_after_ms = one.heard_ms
    a.write(lines.INTERRUPTED, at, (one.heard_ms, one.sent_ms))


def _response_ended(a: Account, one: seen.ResponseEnded, at: float) -> None:
    a.waits_since, a.answers = None, max(0, a.answers - 1)
    if one.fault is not None:
        a.meet(one.fault, at, "response.ended")
    why = f" ({one.reason})" if one.reason else ""
    sounded_s = None if a.sounds_since is None else at - a.sounds_since
    a.write(lines.ANSWER, at, (one.status, one.response_id, why), sounded_s)
    a.sounds_since = None


def _tool_began(a: Account, one: seen.ToolBegan, at: float) -> None:
    if len(a.running) < RESPONSES_MAX:
        a.running = {**a.running, one.call_id: at}
    a.write(lines.TOOL_BEGAN, at, (one.name, one.call_id, one.name or "A tool"))


def _tool_ended(a: Account, one: seen.ToolEnded, at: float) -> None:
    began = a.running.get(one.call_id)
    a.running = {call: since for call, since in a.running.items() if call != one.call_id}
    if one.status not in {"ok", "running"}:
        a.tools_failed_at = at
    values = one.name, one.call_id, one.status, one.name or "The tool"
    a.write(lines.TOOL_ENDED, at, values, None if began is None else at - began)


def _fault_met(a: Account, one: seen.FaultMet, at: float) -> None:
    a.meet(one.fault, at, one.moment)


def _audio_lost(a: Account, one: seen.AudioWasLost, at: float) -> None:
    samples = max(0, one.last - one.first)
    a.losses += samples
    a.last_loss = at
    lost_s = samples / SAMPLE_RATE_HZ
    whose = "the user's" if one.direction == "input" else "the assistant's"
    lost_ms = round(lost_s * 1000)
    a.write(lines.AUDIO_LOST, at, (one.direction, one.reason, one.first, one.last, lost_ms, lost_s, whose))


def _noted(a: Account, one: seen.Noted, at: float) -> None:
    form = lines.MOMENTS.get(one.moment)
    if form is not None:
        values: list[Any] = []
        for name, fact in one.facts.items():
            if isinstance(fact, str):
                values += (name, fact[: lines.TEXT_CHARS_MAX])
            elif isinstance(fact, _NUMBERS):
                values += (name, fact)
        a.write(form, at, tuple(values[: 2 * _FACTS_MAX]))


def _rested(a: Account, one: seen.Noted, at: float) -> None:
    _noted(a, one, at)
    a.serves = False


def _reported(a: Account, one: seen.Noted, at: float) -> None:  # noqa: ARG001 - all books are called alike
    told = [(_REPORTED[name], fact) for name, fact in one.facts.items() if name in _REPORTED]
    figures = {name: float(fact) for name, fact in told if isinstance(fact, _NUMBERS)}
    a.report = {**a.report, **figures}


def _degraded(a: Account, one: seen.Noted, at: float) -> None:
    _noted(a, one, at)
    if a.state == "live":
        a.becomes("degraded", at)


def _healthy(a: Account, one: seen.Noted, at: float) -> None:
    _noted(a, one, at)
    if a.state == "degraded":
        a.becomes("live", at)


_NUMBERS: Final = (bool, int, float)
_REPORTED: Final = {
    "silent_ms": "silentMs",
    "rtt_ms": "rttMs",
    "underruns": "underruns",
    "blocked": "blocked",
}
BOOKS: Final[Mapping[type | str, Callable[[Account, Any, float], None]]] = {
    **dict.fromkeys(lines.MOMENTS, _noted),
    "client.reported": _reported,
    "upstream.rested": _rested,
    "journal.degraded": _degraded,
    "journal.healthy": _healthy,
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
}
