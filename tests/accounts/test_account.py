"""One session's account: what is seen, and what is billed for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from holdfast.accounts import PriceTable, own_prices
from holdfast.accounts.account import ANSWERS_REMEMBERED, TURNS_REMEMBERED, Account
from holdfast.core.faults import fault
from holdfast.ports import sightings as seen
from holdfast.ports.charges import Charge, Tokens
from holdfast.ports.sightings import Sighting, Watched

WALL = 1_795_000_000.0
MODEL = "gpt-realtime-2.1"


@dataclass
class Seen:
    """An account, and the newest charge under each key."""

    account: Account
    now: float = 50.0
    charges: dict[tuple[str, str, str], Charge] = field(default_factory=dict)

    def see(self, *sightings: Sighting, after: float = 0.0) -> None:
        self.now += after
        for one in sightings:
            for charge in self.account.saw(one, self.now):
                self.charges[charge.key] = charge

    def answer(self, response_id: str = "r1") -> Charge:
        return self.charges["s1", "response", response_id]


def begun(
    kind: str = "openai", model: str = MODEL, source: Literal["browser", "realtime"] = "browser"
) -> Seen:
    watched = Watched("s1", source, "C-1")
    world = Seen(Account(watched, PriceTable(own_prices()), lambda: WALL))
    world.see(seen.Began(), live(kind=kind, model=model))
    return world


def live(how: str = "first", kind: str = "openai", model: str = MODEL) -> seen.UpstreamLive:
    return seen.UpstreamLive(1, "up", kind, model, "sess_1", how)  # type: ignore[arg-type] # one of the three


def used(text_in: int = 0, audio_in: int = 0, text_out: int = 0, audio_out: int = 0) -> dict[str, Any]:
    return {
        "input_tokens": text_in + audio_in,
        "output_tokens": text_out + audio_out,
        "input_token_details": {"text_tokens": text_in, "audio_tokens": audio_in},
        "output_token_details": {"text_tokens": text_out, "audio_tokens": audio_out},
    }


def ended(usage: Any = None, status: str = "completed", response_id: str = "r1", **more: Any) -> Sighting:
    return seen.ResponseEnded(response_id, status, usage=usage, **more)


def sounding(response_id: str = "r1", item_id: str = "i1") -> tuple[Sighting, ...]:
    return seen.ResponseBegan(response_id), seen.FirstSound(response_id, item_id)


def test_a_completed_answer_is_billed_whole_and_nothing_of_it_is_wasted() -> None:
    world = begun()
    world.see(*sounding(), ended(used(text_in=100, text_out=10, audio_out=20)))

    charge = world.answer()
    assert charge.cost == 100 * 4_000 + 10 * 24_000 + 20 * 64_000
    assert (charge.rebuild, charge.wasted, charge.heard_ms) == (0, 0, 1_000)
    assert (charge.customer_id, charge.model, charge.priced) == ("C-1", MODEL, "2026-11-20")
    assert not charge.is_estimated
    assert world.account.spent == charge.cost


def test_who_speaks_over_an_answer_that_was_generated_before_leaves_the_rest_wasted() -> None:
    world = begun()
    world.see(*sounding(), ended(used(text_in=100, text_out=30, audio_out=100)))
    world.see(seen.Interrupted("r1", "i1", 400, 1_200), after=0.4)

    assert world.answer().wasted == 27 * 24_000 + 92 * 64_000
    assert world.account.spent == world.answer().cost, "it is spent all the same, and once"


def test_a_cut_that_comes_first_counts_as_well() -> None:
    world = begun()
    world.see(*sounding(), seen.Interrupted("r1", "i1", 400, 900))
    world.see(ended(used(text_in=100, text_out=30, audio_out=100), status="cancelled"))

    assert world.answer().wasted == 27 * 24_000 + 92 * 64_000


def test_behind_the_relay_a_cut_names_only_the_item() -> None:
    world = begun()
    world.see(*sounding(), ended(used(audio_out=100), status="cancelled"), seen.Interrupted("", "i1", 400))

    assert (world.answer().heard_ms, world.answer().wasted) == (400, 92 * 64_000)


def test_an_answer_that_nobody_heard_was_asked_in_vain() -> None:
    world = begun()
    world.see(*sounding(), seen.Interrupted("r1", "i1", 0, 500))
    world.see(ended(used(text_in=100, audio_out=10), status="cancelled"))
    assert world.answer().wasted == world.answer().cost == 100 * 4_000 + 10 * 64_000

    world.see(seen.ResponseBegan("r2"), ended(used(text_in=100), "failed", "r2"))
    assert world.answer("r2").wasted == 100 * 4_000


@pytest.mark.parametrize(
    "came", [seen.ToolBegan("c1", "balance"), seen.WordsOfAssistant("r1", "i1", "Well, ")]
)
def test_a_call_or_shown_words_are_no_waste(came: Sighting) -> None:
    world = begun()
    world.see(seen.ResponseBegan("r1"), came, ended(used(text_in=100, text_out=9), status="cancelled"))

    assert world.answer().wasted == 0


def test_who_hangs_up_hears_no_more() -> None:
    world = begun()
    world.see(*sounding(), ended(used(audio_out=100)))
    cut = seen.Interrupted("r1", "i1", 1_000, 5_000)
    world.see(seen.Ended("ended_by_client", cut=cut))
    assert world.answer().wasted == 80 * 64_000

    world = begun(source="realtime")
    world.see(*sounding(), ended(used(audio_out=100)))
    world.see(seen.Ended("closed"), after=1.0)
    assert world.answer().wasted == 80 * 64_000, "what real time allowed"

    world = begun()
    world.see(*sounding(), ended(used(audio_out=100)))
    world.see(seen.ClientAway(1006), after=0.5)
    world.see(seen.Ended("not_resumed"), after=120)
    assert world.answer().wasted == 90 * 64_000, "nobody was there"

    world = begun()
    world.see(*sounding(), ended(used(audio_out=100)))
    world.see(seen.Ended("session.suspended"), after=1.0)
    assert world.answer().wasted == 0, "the client plays on, and comes back"


def test_the_first_answer_of_a_fresh_upstream_bears_what_that_was_told_again() -> None:
    world = begun()
    world.see(live("rebuilt"), seen.WordsOfUser("u2", "What is my rate?", is_typed=True))
    world.see(*sounding(), ended(used(text_in=300, text_out=10, audio_out=20)))
    world.see(*sounding("r2", "i2"), ended(used(text_in=400), response_id="r2"))

    assert world.answer().rebuild == (300 - 4) * 4_000  # 16 characters are about four tokens
    assert world.answer("r2").rebuild == 0


def test_a_turn_that_only_the_fresh_upstream_heard_was_not_told_again() -> None:
    world = begun()
    world.see(live("rebuilt"), seen.TurnBegan("u2", 24_000), seen.TurnEnded("u2", 24_000 + 24 * 1_250))
    world.see(*sounding(), ended(used(text_in=10, audio_in=40)))

    assert world.answer().rebuild == 10 * 4_000 + (40 - 13) * 32_000


def test_a_rebuild_waits_for_an_answer_that_read_something() -> None:
    world = begun()
    world.see(live("rebuilt"), ended(None, "failed", "r0"), ended(used(text_in=50), response_id="r1"))

    assert world.answer("r0").cost == 0
    assert world.answer("r1").rebuild == 50 * 4_000


def test_the_first_upstream_after_a_restart_is_a_fresh_one() -> None:
    world = Seen(Account(Watched("s1", "browser", "C-1"), PriceTable(own_prices()), lambda: WALL))
    world.see(seen.Began(is_restored=True), live("first"), ended(used(text_in=50)))

    assert world.answer().rebuild == 50 * 4_000


def test_without_usage_it_is_estimated_and_says_so() -> None:
    world = begun()
    world.see(seen.TurnBegan("u1", 0), seen.TurnEnded("u1", 24 * 1_950))
    world.see(*sounding(), ended(None, sent_ms=990))

    charge = world.answer()
    assert charge.is_estimated
    assert charge.tokens == Tokens(audio_in=20, audio_out=20)  # 1 for 100 ms in, 1 for 50 ms out, begun ones
    assert charge.cost == 20 * 32_000 + 20 * 64_000
    world.see(seen.TurnBegan("u2", 96_000), seen.TurnEnded("u2", 96_000 + 24_000))
    world.see(*sounding("r2", "i2"), ended({"total_tokens": 0}, response_id="r2", sent_ms=500))
    assert world.answer("r2").tokens == Tokens(audio_in=30 + 20, audio_out=10), "all is read again"


def test_an_answer_that_was_lost_with_its_upstream_is_estimated() -> None:
    world = begun()
    world.see(*sounding())
    world.see(ended(None, "incomplete", fault=fault("provider.connection_lost"), sent_ms=600), after=0.4)

    charge = world.answer()
    assert (charge.tokens.audio_out, charge.heard_ms, charge.is_estimated) == (12, 400, True)
    assert charge.wasted == 4 * 64_000


def test_the_own_engine_costs_nothing_by_name() -> None:
    world = begun(kind="local", model="holdfast-local")
    world.see(*sounding(), ended(used(text_in=1_000, audio_out=100)))
    world.see(seen.WordsOfUser("u1", "hello", written_by="holdfast-local"))

    assert {(one.cost, one.priced) for one in world.charges.values()} == {(0, "own engine")}
    assert world.account.spent == 0


def test_a_model_without_a_price_is_unknown_and_never_free() -> None:
    world = begun(model="gpt-realtime-9")
    world.see(*sounding(), ended(used(text_in=100, audio_out=10)))

    charge = world.answer()
    assert (charge.cost, charge.priced, charge.tokens.text_in) == (None, "unknown", 100)
    assert charge.assumed == 100 * 4_000 + 10 * 64_000, "budgets count the dearest"
    assert world.account.spent == charge.assumed


def test_writing_down_is_billed_beside_the_conversation() -> None:
    world = begun()
    world.see(seen.TurnBegan("u1", 0), seen.TurnEnded("u1", 24 * 2_000))
    duration, tokens = {"type": "duration", "seconds": 3.0}, {"type": "tokens", **used(audio_in=20)}
    world.see(seen.WordsOfUser("u1", "hi", duration, written_by="gpt-transcribe"))
    world.see(seen.WordsOfUser("u2", "hi", tokens, written_by="gpt-transcribe"))
    world.see(seen.WordsOfUser("u3", "hi", duration, written_by="gpt-4o-transcribe"))
    world.see(seen.WordsOfUser("u4", "hi", {"type": "duration", "seconds": 60}))

    def written(item_id: str) -> Charge:
        return world.charges["s1", "transcription", item_id]

    assert written("u1").cost == 225_000  # 3 s at 0.0045 a minute
    assert written("u2").cost == 150_000, "told in tokens, priced by duration: 2 s"
    assert written("u3").cost == 30 * 6_000, "told in seconds, priced by tokens"
    assert (written("u3").is_estimated, written("u2").is_estimated) == (True, False)
    assert (written("u4").cost, written("u4").assumed) == (None, 17_000_000)
    world.see(seen.WordsOfUser("u1", "hi", None, written_by="gpt-transcribe"))
    assert (written("u1").cost, written("u1").is_estimated) == (150_000, True), (
        "by what was heard of the turn"
    )


def test_what_is_kept_of_a_session_is_bounded() -> None:
    world = begun()
    for number in range(1_000):
        world.see(seen.TurnBegan(f"u{number}", 0), seen.TurnEnded(f"u{number}", 24))
        world.see(*sounding(f"r{number}", f"i{number}"), ended(used(audio_out=1), response_id=f"r{number}"))

    account = world.account
    assert len(account._answers) == ANSWERS_REMEMBERED
    assert len(account._lasted) <= TURNS_REMEMBERED
    assert len(account._turns) == 0
    assert account.spent == 1_000 * 64_000


def test_an_end_that_is_told_twice_is_billed_once() -> None:
    world = begun()
    world.see(*sounding(), ended(used(audio_out=10)), ended(used(audio_out=10)))

    assert world.account.spent == 10 * 64_000
