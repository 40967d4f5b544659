"""Charges of one session: an answer, a turn that was written down.

What lives here: what is known of an answer, which price holds, what of it is marked how.
What never will: how it came to be known (`account`), arithmetic (`rating`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Final

from holdfast.accounts.prices import Price, PriceTable
from holdfast.accounts.rating import Amounts, of_minutes, of_response, unheard
from holdfast.accounts.usage import MS_PER_TOKEN_IN, MS_PER_TOKEN_OUT, Writing, tokens_of_ms, writing_of
from holdfast.ports import sightings as seen
from holdfast.ports.charges import OWN_ENGINE, UNKNOWN, Charge, Tokens
from holdfast.ports.sightings import Watched

_NONE: Final = Tokens()


@dataclass(slots=True)
class Answer:
    """What is known of one response."""

    id: str
    sounded_at: float | None = None
    """When its sound began, or the one before it had ended."""
    items: dict[str, float] = field(default_factory=dict)
    """Its items that sound, and when each began."""
    heard_ms: int | None = None
    """As the client, or the cut, told it; None while nobody did."""
    has_called: bool = False
    has_words: bool = False
    at: float = 0.0
    status: str = ""
    tokens: Tokens = _NONE
    again: Tokens = _NONE
    is_estimated: bool = False
    upstream: seen.UpstreamLive | None = None
    """Who gave it; None until it has ended."""

    @property
    def generated_ms(self) -> int:
        """Of sound."""
        return self.tokens.audio_out * MS_PER_TOKEN_OUT

    def heard(self) -> int:
        """Of what was generated; all, where nobody says otherwise."""
        return self.generated_ms if self.heard_ms is None else min(self.heard_ms, self.generated_ms)

    def reached_nobody(self) -> bool:
        """Whether nothing came of it: no sound that was heard, no word that was shown, no call."""
        if self.has_called:
            return False
        if self.sounded_at is not None or self.tokens.audio_out:
            return self.heard() == 0
        return self.status != "completed" and not self.has_words


@dataclass(slots=True)
class Bills:
    """Of one session. `wall` answers wall-clock seconds."""

    _session: Watched
    _prices: PriceTable
    _wall: Callable[[], float]

    def of_answer(self, answer: Answer) -> Charge:
        """One answer that has ended, with what is known by now of who heard it."""
        upstream = answer.upstream
        assert upstream is not None, "it has ended"
        in_vain = unheard(answer.tokens, tokens_of_ms(answer.heard(), MS_PER_TOKEN_OUT))

        def rated(price: Price) -> Amounts:
            is_all = answer.reached_nobody()
            return of_response(answer.tokens, price, answer.again, in_vain, is_all_in_vain=is_all)

        priced = self._priced(upstream.kind, upstream.model, self._prices.dearest, rated)
        return Charge(
            self._session.id,
            self._session.customer_id,
            "response",
            answer.id,
            answer.at,
            upstream.name,
            upstream.model,
            answer.status,
            answer.tokens,
            0,
            answer.heard(),
            answer.is_estimated,
            **priced,
        )

    def of_writing(self, words: seen.WordsOfUser, upstream: seen.UpstreamLive, lasted_ms: int) -> Charge:
        """One turn that was written down; `lasted_ms` where nobody says how much that took."""
        told = writing_of(words.usage)
        writing = told or Writing(ms=lasted_ms)
        model = words.written_by
        price = self._prices.find(model, self._today())
        is_timed = writing.ms is not None or (price is not None and price.per_minute is not None)
        is_guessed = told is None
        ms, tokens = writing.ms or 0, writing.tokens
        if is_timed and writing.ms is None:
            # Told in tokens and priced by duration: one token is so much audio.
            ms = tokens.audio_in * MS_PER_TOKEN_IN
        elif writing.ms is not None and price is not None and price.per_minute is None:
            tokens = Tokens(audio_in=tokens_of_ms(writing.ms, MS_PER_TOKEN_IN))
            is_timed, is_guessed = False, True

        def rated(price: Price) -> Amounts:
            if is_timed:
                return of_minutes(ms, price)
            return of_response(tokens, price, Tokens(), Tokens(), is_all_in_vain=False)

        dearest = self._prices.dearest_minute if is_timed else self._prices.dearest
        priced = self._priced(upstream.kind, model, dearest, rated)
        return Charge(
            self._session.id,
            self._session.customer_id,
            "transcription",
            # A turn that is told again is written down again, and billed again.
            words.item_id if upstream.how == "first" else f"{words.item_id}@{upstream.generation}",
            self._wall(),
            upstream.name,
            model,
            "completed",
            tokens,
            ms,
            0,
            is_guessed,
            **priced,
        )

    def _priced(
        self, kind: str, model: str, dearest: Price | None, rated: Callable[[Price], Amounts]
    ) -> Mapping[str, Any]:
        if kind == "local":
            return {"priced": OWN_ENGINE, "cost": 0, "assumed": 0}
        price = self._prices.find(model, self._today())
        if price is None:
            assumed = 0 if dearest is None else rated(dearest).cost
            return {"priced": UNKNOWN, "cost": None, "assumed": assumed}
        amounts = rated(price)
        return {
            "priced": price.as_of.isoformat(),
            "cost": amounts.cost,
            "assumed": amounts.cost,
            "rebuild": amounts.rebuild,
            "wasted": amounts.wasted,
        }

    def _today(self) -> date:
        return datetime.fromtimestamp(self._wall(), UTC).date()
