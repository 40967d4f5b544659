"""The arithmetic, against sums done by hand from the protocol reference (3.1, 3.3, 3.4)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from holdfast.accounts import Price, PriceTable, own_prices, rows_of
from holdfast.accounts.rating import of_minutes, of_response, told_again, unheard
from holdfast.accounts.usage import Writing, response_tokens, tokens_of_ms, writing_of
from holdfast.core.models import MODELS, SCRIBES
from holdfast.ports.charges import Tokens

TODAY = date(2026, 11, 22)
TABLE = PriceTable(own_prices())
NOTHING = Tokens()


def price(model: str) -> Price:
    found = TABLE.find(model, TODAY)
    assert found is not None
    return found


def usage(**changes: Any) -> dict[str, Any]:
    """As the service tells it: 1,000 text of which 600 cached, 500 audio of which 200 cached, 10 image."""
    return {
        "total_tokens": 1_910,
        "input_tokens": 1_510,
        "output_tokens": 400,
        "input_token_details": {
            "text_tokens": 1_000,
            "audio_tokens": 500,
            "image_tokens": 10,
            "cached_tokens": 800,
            "cached_tokens_details": {"text_tokens": 600, "audio_tokens": 200, "image_tokens": 0},
        },
        "output_token_details": {"text_tokens": 100, "audio_tokens": 300},
        **changes,
    }


def test_a_response_costs_what_the_reference_says() -> None:
    tokens = response_tokens(usage())

    assert tokens == Tokens(1_000, 600, 500, 200, 10, 0, 100, 300)
    amounts = of_response(tokens, price("gpt-realtime-2.1"), NOTHING, NOTHING, is_all_in_vain=False)
    # text (1000-600) x 4.00 + 600 x 0.40 + audio (500-200) x 32.00 + 200 x 0.40 + image 10 x 5.00
    # + words 100 x 24.00 + speech 300 x 64.00, all for a million
    #   = 1600 + 240 + 9600 + 80 + 50 + 2400 + 19200 = 33,170 millionths of a dollar
    assert amounts.cost == 33_170_000
    assert (amounts.rebuild, amounts.wasted) == (0, 0)


def test_a_cached_part_that_names_no_modality_is_text_first() -> None:
    details = {"text_tokens": 1_000, "audio_tokens": 500, "cached_tokens": 1_100}
    tokens = response_tokens(usage(input_tokens=1_500, input_token_details=details))

    assert tokens is not None
    assert (tokens.text_cached, tokens.audio_cached) == (1_000, 100)


@pytest.mark.parametrize(
    "told",
    [
        None,
        {},
        {"total_tokens": 0, "input_tokens": 0, "output_tokens": 0},
        {"input_tokens": "many", "output_tokens": -3, "input_token_details": 7},
        {"input_tokens": True, "output_tokens": 10**30},
    ],
)
def test_what_cannot_be_read_is_not_told(told: dict[str, Any] | None) -> None:
    assert response_tokens(told) is None
    assert writing_of(told) is None


def test_totals_without_details_are_text() -> None:
    assert response_tokens({"input_tokens": 12, "output_tokens": 5}) == Tokens(text_in=12, text_out=5)


def test_writing_down_is_told_in_tokens_or_in_seconds() -> None:
    details = {"audio_tokens": 14, "text_tokens": 3}
    told = {"type": "tokens", "input_tokens": 17, "output_tokens": 6, "input_token_details": details}
    assert writing_of(told) == Writing(Tokens(text_in=3, audio_in=14, text_out=6))
    assert writing_of({"type": "duration", "seconds": 2.5}) == Writing(ms=2_500)
    assert writing_of({"type": "duration", "seconds": -1}) is None
    # 2.5 s x 0.017 / 60 = 0.000708333...; one rounding, to the nano-dollar
    assert of_minutes(2_500, price("gpt-realtime-whisper")).cost == 708_333
    assert of_minutes(60_000, price("gpt-transcribe")).cost == 4_500_000


def test_what_a_fresh_upstream_was_told_again_is_all_but_the_new_turn() -> None:
    tokens = Tokens(text_in=300, text_cached=20, audio_in=30, text_out=10, audio_out=40)

    again = told_again(tokens, new_audio=12, new_text=4)

    assert again == Tokens(text_in=296, text_cached=20, audio_in=18)
    amounts = of_response(tokens, price("gpt-realtime-2.1"), again, NOTHING, is_all_in_vain=False)
    # (296-20) x 4.00 + 20 x 0.40 + 18 x 32.00 = 1104 + 8 + 576
    assert amounts.rebuild == 1_688_000
    assert amounts.cost > amounts.rebuild


def test_what_nobody_heard_is_wasted_and_the_words_with_it() -> None:
    tokens = Tokens(text_in=100, text_out=30, audio_out=100)

    in_vain = unheard(tokens, tokens_of_ms(400, 50))

    assert in_vain == Tokens(text_out=27, audio_out=92)  # 8 of 100 heard, and begun words: 30 x 8 / 100 -> 3
    amounts = of_response(tokens, price("gpt-realtime-2.1"), NOTHING, in_vain, is_all_in_vain=False)
    assert amounts.wasted == 27 * 24_000 + 92 * 64_000


def test_an_answer_for_nobody_is_wasted_whole_but_for_what_was_told_again() -> None:
    tokens = Tokens(text_in=100, audio_out=100)
    again = told_again(tokens, 0, 0)

    amounts = of_response(tokens, price("gpt-realtime-2.1"), again, tokens, is_all_in_vain=True)

    assert amounts.rebuild == 100 * 4_000
    assert amounts.wasted == amounts.cost - amounts.rebuild


def test_every_model_of_ours_has_a_price() -> None:
    sold = [one.id for one in MODELS.values() if one.shutdown is None or one.shutdown > TODAY]

    assert [name for name in (*sold, *SCRIBES) if TABLE.find(name, TODAY) is None] == []
    assert all(row.source and row.as_of <= TODAY for row in own_prices())


def test_a_dated_name_costs_what_its_family_does_and_a_strange_one_nothing_that_we_know() -> None:
    assert TABLE.find("gpt-realtime-2025-08-28", TODAY) == TABLE.find("gpt-realtime", TODAY)
    assert TABLE.find("gpt-realtime-9", TODAY) is None
    assert TABLE.find("", TODAY) is None


def test_the_operators_prices_go_first_and_the_newest_that_holds_counts() -> None:
    def row(as_of: date, dollars: str) -> dict[str, Any]:
        return {"models": ["m"], "as_of": as_of, "source": "bill", "text": {"input": Decimal(dollars)}}

    mine = rows_of([row(date(2026, 1, 1), "1"), row(date(2026, 6, 1), "2"), row(date(2027, 1, 1), "3")])
    table = PriceTable(rows_of([row(date(2026, 11, 1), "9")]), mine)

    def text_in(day: date) -> Decimal:
        found = table.find("m", day)
        assert found is not None
        return found.text_in

    assert [text_in(date(2025, 1, 1)), text_in(date(2026, 5, 31))] == [1, 1]
    assert [text_in(date(2026, 6, 1)), text_in(date(2027, 2, 1))] == [2, 3]
    assert table.find("m", TODAY).text_cached == 2  # type: ignore[union-attr] # no price of its own: as any input
