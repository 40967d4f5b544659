"""Who needs the operator, and why: a table of rules, worst first; the first that holds is the answer.

What lives here: the rules, each with its sentence, and when a judgement must be looked at again although
nothing happened.
What never will: a number that ticks within a sentence: a row changes when something has changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from holdfast.core.audio import SAMPLE_RATE_HZ
from holdfast.core.faults import FAULTS, Party
from holdfast.ledger.account import Account, Met
from holdfast.ledger.health import NO_INPUT_S, PATIENCE_S, RECENT_S, SILENT_S

START_S: Final = 5.0
UNANSWERED_S: Final = 6.0
SLOW_ANSWER_MS: Final = 2_500.0
ENDED_S: Final = 300.0
"""How long a session that a fault has ended asks for a look."""
NEVER: Final = float("inf")
ORDINARY: Final = frozenset(
    row.code
    for row in FAULTS.values()
    if row.ends and row.alarm is None and row.party in {Party.APPLICATION, Party.CONFIGURATION}
)
"""Ends that were set or wished: silence, a time limit, a cap, an operator."""


@dataclass(frozen=True, slots=True)
class Look:
    """A session at a moment. `clock` writes a time of the loop as people read it."""

    account: Account
    at: float
    clock: Callable[[float], str]

    @property
    def newest(self) -> Met | None:
        """The newest fault of the last minute."""
        kept = self.account.faults_kept
        return kept[-1] if kept and self.at - kept[-1].at < RECENT_S else None

    def by(self, *parties: Party) -> Met | None:
        """The newest of these within the last minute."""
        return next(
            (
                met
                for met in reversed(self.account.faults_kept)
                if met.fault.row.party in parties and self.at - met.at < RECENT_S
            ),
            None,
        )


@dataclass(frozen=True, slots=True)
class Rule:
    """`says` the sentence when it holds, else nothing."""

    attention: int
    says: Callable[[Look], str | None]


def judge(look: Look) -> tuple[int, str]:
    """How much attention a session needs, from 0 to 100, and why, in one sentence."""
    for rule in PLAIN_RULES if look.account.is_plain else RULES:
        sentence = rule.says(look)
        if sentence is not None:
            return rule.attention, sentence
    return 0, _fine(look)


def again_at(a: Account, at: float) -> float:
    """When the judgement may differ although nothing happens meanwhile."""
    return min((moment for moment in _moments(a) if moment > at), default=NEVER)


def _moments(a: Account) -> Iterator[float]:
    if a.ended is not None:
        yield a.ended + ENDED_S
        return
    if a.state in {"connecting", "recovering"}:
        yield a.state_since + PATIENCE_S
        yield a.state_since + START_S
    if a.away_since is not None:
        yield a.away_since + PATIENCE_S
    if a.waits_since is not None:
        yield a.waits_since + UNANSWERED_S
    if a.last_in is not None:
        yield a.last_in + NO_INPUT_S
    if a.silent_since is not None:
        yield a.silent_since + SILENT_S
    if a.is_plain:
        return
    for moment in (a.last_loss, a.tools_failed_at, *(met.at for met in a.faults_kept)):
        if moment is not None:
            yield moment + RECENT_S


ENDINGS: Final[Mapping[str, str]] = {
    "ended_by_client": "Ended by its user.",
    "client_gone": "Its user left.",
    "goodbye": "Ended with a goodbye.",
    "idle": "Ended after a long silence.",
    "time_limit": "Ended at its time limit.",
    "not_resumed": "Its user did not come back.",
    "draining": "Ended because the gateway stopped.",
    "session.suspended": "Kept in the journal while the gateway is stopped.",
    "budget_spent": "Ended because its budget was spent.",
    "ended_by_operator": "Ended by an operator.",
}
"""What is said of an end that is nobody's fault."""


def _ended_by_fault(look: Look) -> str | None:
    a = look.account
    if a.ended is None or look.at - a.ended >= ENDED_S:
        return None
    met = _its_end(look)
    return None if met is None or met.fault.code in ORDINARY else _ended_by(met)


def _its_end(look: Look) -> Met | None:
    return next((met for met in reversed(look.account.faults_kept) if met.ended), None)


def _ended_by(met: Met) -> str:
    return f"Ended by {met.fault.code}: {met.fault.row.message}"


def _never_served(look: Look) -> str | None:
    """Somebody waited for an upstream, and gave up."""
    a = look.account
    if a.ended is None or look.at - a.ended >= ENDED_S or a.upstream.name or not a.faults_kept:
        return None
    return f"Its user left before an upstream served: {a.faults_kept[-1].fault.code}."


def _ended(look: Look) -> str | None:
    a, met = look.account, _its_end(look)
    if a.ended is None:
        return None
    return ENDINGS.get(a.end_reason) or (f"Ended: {a.end_reason}." if met is None else _ended_by(met))


def _without_upstream(look: Look) -> str | None:
    a = look.account
    if a.state != "recovering" or look.at - a.state_since < PATIENCE_S:
        return None
    return f"No upstream since {look.clock(a.state_since)}{_cause(look)}."


def _never_began(look: Look) -> str | None:
    a = look.account
    if a.state != "connecting" or look.at - a.state_since < START_S:
        return None
    return f"Waits for its upstream since {look.clock(a.state_since)}{_cause(look)}."


def _cause(look: Look) -> str:
    met = look.newest
    return "" if met is None else f": {met.fault.code}"


def _unanswered(look: Look) -> str | None:
    since = look.account.waits_since
    if since is None or look.at - since < UNANSWERED_S:
        return None
    return f"The user waits for an answer since {look.clock(since)}."


def _ours(look: Look) -> str | None:
    return _said(look.by(Party.GATEWAY, Party.STORE))


def _silent_microphone(look: Look) -> str | None:
    a = look.account
    if (met := look.by(Party.USER_DEVICE)) is not None:
        return _said(met)
    is_silent = a.is_live and not a.turn_count and a.silent_s(look.at) >= SILENT_S
    return "The microphone gives silence." if is_silent else None


def _away(look: Look) -> str | None:
    since = look.account.away_since
    if since is None or look.account.left or look.at - since < PATIENCE_S:
        return None
    return f"The client is gone since {look.clock(since)}; the session waits for it."


def _left(look: Look) -> str | None:
    since = look.account.away_since
    if since is None or not look.account.left:
        return None
    return f"The page was closed at {look.clock(since)}; the session waits for it."


def _slow_line(look: Look) -> str | None:
    return _said(look.by(Party.USER_NETWORK))


def _lost_audio(look: Look) -> str | None:
    a = look.account
    if a.last_loss is None or look.at - a.last_loss >= RECENT_S:
        return None
    return f"{a.losses / SAMPLE_RATE_HZ:.1f} s of audio were lost."


def _recovering(look: Look) -> str | None:
    return f"Another upstream is looked for{_cause(look)}." if look.account.state == "recovering" else None


def _recent_fault(look: Look) -> str | None:
    return _said(look.newest)


def _tools_fail(look: Look) -> str | None:
    at = look.account.tools_failed_at
    return None if at is None or look.at - at >= RECENT_S else "A tool failed."


def _slow_answer(look: Look) -> str | None:
    silence = look.account.waited_ms
    if silence is None or silence < SLOW_ANSWER_MS:
        return None
    return f"The user waited {silence / 1000:.1f} s for the last answer."


def _no_input(look: Look) -> str | None:
    a = look.account
    if a.last_in is None or a.away_since is not None or look.at - a.last_in < NO_INPUT_S:
        return None
    return f"No audio comes from the client since {look.clock(a.last_in)}."


def _degraded(look: Look) -> str | None:
    if look.account.state != "degraded":
        return None
    return "What is said does not become durable at the moment."


def _connecting(look: Look) -> str | None:
    return "Its upstream is dialled." if look.account.state == "connecting" else None


def _said(met: Met | None) -> str | None:
    return None if met is None else f"{met.fault.code}: {met.fault.row.message}"


def _fine(look: Look) -> str:
    silence = look.account.waited_ms
    if silence is None:
        return "All is well."
    return f"All is well: the last answer began after {silence / 1000:.1f} s."


RULES: Final = (
    Rule(95, _without_upstream),
    Rule(90, _never_began),
    Rule(60, _ended_by_fault),
    Rule(60, _never_served),
    Rule(5, _ended),
    Rule(85, _unanswered),
    Rule(80, _ours),
    Rule(75, _silent_microphone),
    Rule(70, _away),
    Rule(65, _slow_line),
    Rule(55, _lost_audio),
    Rule(50, _recovering),
    Rule(45, _recent_fault),
    Rule(40, _tools_fail),
    Rule(30, _slow_answer),
    Rule(20, _degraded),
    Rule(15, _no_input),
    Rule(12, _left),
    Rule(10, _connecting),
)
"""Worst first; what is over stands before what can only be true of a session that goes on."""

PLAIN_RULES: Final = tuple(rule for rule in RULES if rule.says in {_unanswered, _slow_answer, _no_input})
"""Those that can be true of a plain session (`Account.is_plain`)."""
