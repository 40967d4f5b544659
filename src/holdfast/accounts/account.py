"""One session's account: from what is seen of it to what is billed.

What lives here: which upstream used what; what of it was told again after a loss; what of it was heard.
What never will: sums over sessions, budgets, storing.

A charge may come again with the same key: who speaks over an answer does so after it was generated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from holdfast.accounts.bills import Answer, Bills
from holdfast.accounts.prices import PriceTable
from holdfast.accounts.rating import told_again
from holdfast.accounts.usage import (
    CHARS_PER_TOKEN,
    MS_PER_TOKEN_IN,
    MS_PER_TOKEN_OUT,
    response_tokens,
    tokens_of_ms,
)
from holdfast.core.audio import SAMPLE_RATE_HZ
from holdfast.ports import sightings as seen
from holdfast.ports.charges import Charge, Tokens
from holdfast.ports.sightings import Sighting, Watched

ANSWERS_REMEMBERED: Final = 8
"""How many may still be cut, or end."""
TURNS_REMEMBERED: Final = 32
_SUSPENDED: Final = "session.suspended"
"""The next process takes the session up: what is still sounding is heard."""


_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


class Account:
    """Of one session. `wall` answers wall-clock seconds."""

    __slots__ = (
        "_answers",
        "_away_at",
        "_bills",
        "_is_fresh",
        "_is_restored",
        "_lasted",
        "_new_chars",
        "_new_ms",
        "_plays_until",
        "_said_ms",
        "_turns",
        "_upstream",
        "_user_ms",
        "_wall",
        "began_at",
        "session",
        "spent",
    )

    def __init__(self, session: Watched, prices: PriceTable, wall: Callable[[], float]) -> None:
        self.session = session
        self.began_at: float | None = None
        self.spent = 0
        """Nano-dollars that budgets count."""
        self._bills = Bills(session, prices, wall)
        self._wall = wall
        self._upstream: seen.UpstreamLive | None = None
        self._answers: Mapping[str, Answer] = _NOTHING
        self._turns: Mapping[str, int] = _NOTHING
        """Samples at which turns began; milliseconds that they lasted once they have ended, by item."""
        self._lasted: Mapping[str, int] = _NOTHING
        self._is_restored = False
        self._is_fresh = False
        """Whether the upstream was told the conversation again and has not answered yet."""
        self._new_ms = 0
        self._new_chars = 0
        """Of the user, since the upstream serves."""
        self._user_ms = 0
        self._said_ms = 0
        """What the upstream heard and said, as it must read it again for each answer."""
        self._plays_until = 0.0
        self._away_at: float | None = None

    def saw(self, sighting: Sighting, at: float) -> Iterable[Charge]:
        """What is to be billed because of this, or to be corrected."""
        look = LOOKS.get(type(sighting))
        return () if look is None else look(self, sighting, at)

    # the session and its upstreams

    def began(self, sighting: seen.Began, at: float) -> Iterable[Charge]:
        """The session exists."""
        self.began_at = at - sighting.lasted_s
        self._is_restored = sighting.is_restored
        return ()

    def went_live(self, sighting: seen.UpstreamLive, at: float) -> Iterable[Charge]:  # noqa: ARG002 - all looks are called alike
        """An upstream serves from here on; what it was told again it has not read yet."""
        self._is_fresh = sighting.how != "first" or self._is_restored
        self._upstream = sighting
        self._new_ms = self._new_chars = self._user_ms = self._said_ms = 0
        return ()

    def went_away(self, sighting: seen.ClientAway, at: float) -> Iterable[Charge]:  # noqa: ARG002 - as above
        """From here on nobody hears."""
        self._away_at = at
        return ()

    def came_back(self, sighting: seen.ClientBack, at: float) -> Iterable[Charge]:  # noqa: ARG002 - as above
        """Somebody hears again."""
        self._away_at = None
        return ()

    def ended(self, sighting: seen.Ended, at: float) -> Iterator[Charge]:
        """What would still be sounding is heard by nobody."""
        if sighting.reason == _SUSPENDED:
            return
        if sighting.cut is not None and self._away_at is None:
            yield from self.interrupted(sighting.cut, at)
        if self._away_at is None and self.session.source == "browser":
            return  # it knows what was heard
        until = at if self._away_at is None else self._away_at
        for answer in self._answers.values():
            if answer.upstream is None or answer.sounded_at is None or answer.heard_ms is not None:
                continue
            heard_ms = max(0, round((until - answer.sounded_at) * 1000))
            if heard_ms < answer.generated_ms:
                answer.heard_ms = heard_ms
                yield self._bills.of_answer(answer)

    # turns

    def turn_began(self, sighting: seen.TurnBegan, at: float) -> Iterable[Charge]:  # noqa: ARG002 - as above
        """Somebody speaks."""
        self._turns = _with(self._turns, sighting.item_id, sighting.sample, TURNS_REMEMBERED)
        return ()

    def turn_ended(self, sighting: seen.TurnEnded, at: float) -> Iterable[Charge]:  # noqa: ARG002 - as above
        """And has spoken for so long."""
        first = self._turns.get(sighting.item_id, sighting.sample)
        self._turns = {key: began for key, began in self._turns.items() if key != sighting.item_id}
        lasted_ms = max(0, sighting.sample - first) * 1000 // SAMPLE_RATE_HZ
        self._lasted = _with(self._lasted, sighting.item_id, lasted_ms, TURNS_REMEMBERED)
        self._new_ms += lasted_ms
        self._user_ms += lasted_ms
        return ()

    def words_came(self, sighting: seen.WordsOfUser, at: float) -> Iterable[Charge]:  # noqa: ARG002 - as above
        """What was spoken is written down, which is billed apart; what was typed is new to the upstream."""
        if sighting.is_typed:
            self._new_chars += len(sighting.text)
        elif self._upstream is not None:
            return (self._written(sighting, self._upstream),)
        return ()

    # answers

    def _answer(self, response_id: str) -> Answer:
        found = self._answers.get(response_id)
        if found is None:
            found = Answer(response_id)
            self._answers = _with(self._answers, response_id, found, ANSWERS_REMEMBERED)
        return found

    def answer_began(self, sighting: seen.ResponseBegan, at: float) -> Iterable[Charge]:  # noqa: ARG002 - as above
        """It may end, or be cut."""
        self._answer(sighting.response_id)
        return ()

    def sounded(self, sighting: seen.FirstSound, at: float) -> Iterable[Charge]:
        """An item of an answer begins to sound, when what sounded before has ended."""
        answer, begins = self._answer(sighting.response_id), max(at, self._plays_until)
        answer.items.setdefault(sighting.item_id, begins)
        if answer.sounded_at is None:
            answer.sounded_at = begins
        return ()

    def words_said(self, sighting: seen.WordsOfAssistant, at: float) -> Iterable[Charge]:  # noqa: ARG002 - as above
        """There are words of it."""
        self._answer(sighting.response_id).has_words = True
        return ()

    def called(self, sighting: seen.ToolBegan, at: float) -> Iterable[Charge]:  # noqa: ARG002 - as above
        """A call belongs to the answer that is being given, or was last."""
        for last in list(self._answers.values())[-1:]:
            last.has_called = True
        return ()

    def interrupted(self, sighting: seen.Interrupted, at: float) -> Iterator[Charge]:
        """It was cut: what came after that was made in vain."""
        answer = self._answers.get(sighting.response_id) or next(
            (one for one in self._answers.values() if sighting.item_id in one.items), None
        )
        if answer is None:
            return
        before_s = answer.items.get(sighting.item_id, at) - (answer.sounded_at or at)
        answer.heard_ms = max(0, round(before_s * 1000)) + sighting.heard_ms
        self._plays_until = at
        if answer.upstream is not None:
            yield self._bills.of_answer(answer)

    def answer_ended(self, sighting: seen.ResponseEnded, at: float) -> Iterable[Charge]:
        """It is billed; the first of a fresh upstream with what that was told again."""
        answer = self._answer(sighting.response_id)
        if self._upstream is None or answer.upstream is not None:
            return ()
        answer.upstream, answer.at, answer.status = self._upstream, self._wall(), sighting.status
        told = response_tokens(sighting.usage)
        answer.is_estimated = told is None
        answer.tokens = self._estimate(answer, sighting, at) if told is None else told
        if self._is_fresh and told is not None and told.input:
            new_text = tokens_of_ms(self._new_chars, CHARS_PER_TOKEN)
            answer.again = told_again(told, tokens_of_ms(self._new_ms, MS_PER_TOKEN_IN), new_text)
            self._is_fresh = False
        if answer.sounded_at is not None:
            if answer.heard_ms is None and sighting.status != "completed":
                answer.heard_ms = max(0, round((at - answer.sounded_at) * 1000))
            self._plays_until = max(self._plays_until, answer.sounded_at + answer.heard() / 1000)
        self._said_ms += answer.generated_ms
        charge = self._bills.of_answer(answer)
        self.spent += charge.assumed
        return (charge,)

    def _estimate(self, answer: Answer, ended: seen.ResponseEnded, at: float) -> Tokens:
        """By the rates of the protocol: sound only, for what text comes to nobody says. An answer that failed
        before it began cost nothing.
        """
        sent_ms = ended.sent_ms
        if sent_ms is None and answer.sounded_at is not None:
            sent_ms = max(0, round((at - answer.sounded_at) * 1000))
        if not sent_ms and ended.status != "completed":
            return Tokens()
        heard_by_it = tokens_of_ms(self._user_ms, MS_PER_TOKEN_IN)
        said_before = tokens_of_ms(self._said_ms, MS_PER_TOKEN_OUT)
        said = tokens_of_ms(sent_ms or 0, MS_PER_TOKEN_OUT)
        return Tokens(audio_in=heard_by_it + said_before, audio_out=said)

    # charges

    def _written(self, words: seen.WordsOfUser, upstream: seen.UpstreamLive) -> Charge:
        charge = self._bills.of_writing(words, upstream, self._lasted.get(words.item_id, 0))
        self.spent += charge.assumed
        return charge


def _with(memory: Mapping[str, Any], key: str, value: Any, most: int) -> Mapping[str, Any]:
    """One more; the oldest makes room. A session in which nobody speaks has none."""
    if key in memory or len(memory) < most:
        return {**memory, key: value}
    _, *others = memory.items()
    return dict([*others, (key, value)])


_Look = Callable[[Account, Any, float], Iterable[Charge]]

LOOKS: Final[Mapping[type, _Look]] = {
    seen.Began: Account.began,
    seen.UpstreamLive: Account.went_live,
    seen.ClientAway: Account.went_away,
    seen.ClientBack: Account.came_back,
    seen.Ended: Account.ended,
    seen.TurnBegan: Account.turn_began,
    seen.TurnEnded: Account.turn_ended,
    seen.WordsOfUser: Account.words_came,
    seen.ResponseBegan: Account.answer_began,
    seen.FirstSound: Account.sounded,
    seen.WordsOfAssistant: Account.words_said,
    seen.ToolBegan: Account.called,
    seen.Interrupted: Account.interrupted,
    seen.ResponseEnded: Account.answer_ended,
}
