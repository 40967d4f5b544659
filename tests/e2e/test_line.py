"""A line that breaks: no word lost, nothing said twice, and the page says what is true."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.given import assert_arrived, assert_goes_on, given, missing_between
from tests.e2e.line import Line
from tests.e2e.outage import CAUGHT_UP_S, HEALED_S, IS_LONG, OUTAGE_S, RING_S, TIMEOUT_S
from tests.e2e.sound import RATE, assert_whole, noise, resampled
from tests.e2e.stage import Stage
from tests.e2e.talking import (
    answer,
    conversation,
    entered,
    healed_after,
    heard,
    rest,
    status,
    talk,
)
from tests.e2e.waiting import until, when

pytestmark = [pytest.mark.browser, pytest.mark.alone, pytest.mark.timeout(TIMEOUT_S)]


def test_a_cut_line_costs_no_word(
    page: Page, stage: Stage, line: Line, picture: Callable[[Page, str], None]
) -> None:
    talk(page)
    heard(stage, 1.0)
    line.cut()
    expect(status(page)).to_have_text("Connection lost — still recording")
    rest(page, OUTAGE_S)
    picture(page, "line-lost")
    line.mend()
    healed = healed_after(page, line.mended_at)
    caught_up = entered(page, "ready", line.mended_at) - line.mended_at
    heard(stage, OUTAGE_S + 4)

    print(f"\n{OUTAGE_S:g} s cut: healed after {healed:.3f} s, caught up after {caught_up:.3f} s")
    assert stage.calls[-1].first("resume_session")
    assert len(stage.talks) == 1
    assert stage.talk.gaps == []
    assert stage.talk.doubled == 0
    assert healed <= HEALED_S
    assert caught_up <= CAUGHT_UP_S
    assert_arrived(given(page), stage.talk.samples, OUTAGE_S + 3)
    assert conversation(page).get_by_text("could not be kept").count() == 0


def test_a_dead_network_that_tells_nobody_costs_no_word(
    page: Page, stage: Stage, line: Line, picture: Callable[[Page, str], None]
) -> None:
    talk(page)
    heard(stage, 1.0)
    line.freeze()
    expect(status(page)).to_have_text("Slow connection", timeout=4_000)
    picture(page, "line-slow")
    if not IS_LONG:
        line.mend()
        expect(status(page)).to_have_text("Listening")
        assert len(stage.calls) == 1
    else:
        expect(status(page)).to_have_text("Connection lost — still recording", timeout=15_000)
        rest(page, OUTAGE_S - 12)
        line.mend()
        healed = healed_after(page, line.mended_at)
        caught_up = entered(page, "ready", line.mended_at) - line.mended_at
        print(f"\n{OUTAGE_S:g} s of silence: healed after {healed:.3f} s, caught up after {caught_up:.3f} s")
        assert healed <= HEALED_S
        assert caught_up <= CAUGHT_UP_S
    heard(stage, OUTAGE_S + 4)

    assert stage.talk.gaps == []
    assert stage.talk.doubled == 0
    assert_arrived(given(page), stage.talk.samples, OUTAGE_S + 3)


def test_what_cannot_be_kept_is_named(
    page: Page, stage: Stage, line: Line, picture: Callable[[Page, str], None]
) -> None:
    stage.limits["inputRingSeconds"] = RING_S
    talk(page)
    heard(stage, 1.0)
    line.cut()
    cut_at = time.time()
    expect(status(page)).to_have_text("Connection lost — recording full", timeout=(RING_S + 5) * 1_000)
    rest(page, 2 * OUTAGE_S - RING_S)
    picture(page, "line-overflow")
    line.mend()
    until(lambda: stage.talk.gaps, "the page comes back")
    (gap,) = stage.talk.gaps
    until(lambda: stage.talk.received > gap[1] + (RING_S + 2) * RATE, "everything that was kept arrives")

    lost = "__holdfast.client.state.entries.filter((each) => each.kind === 'gap').map((each) => each.ms)"
    when(page, f"({lost}).length === 1")
    (named_ms,) = page.evaluate(lost)
    print(f"\nnamed {named_ms:.0f} ms, missing {(gap[1] - gap[0]) / RATE * 1000:.0f} ms")
    assert named_ms == pytest.approx((gap[1] - gap[0]) / RATE * 1000, abs=100)
    # After a minute the page looks for the gateway every two seconds only.
    assert -0.5 <= named_ms / 1000 - (line.mended_at - cut_at - RING_S) <= 2.5
    assert stage.talk.doubled == 0
    # Positions are true: what is missing of the sound is as long as the gap.
    before, after = (stage.talk.part(*span) for span in ((0, gap[0]), (gap[1], stage.talk.received)))
    assert missing_between(given(page), before, after) == gap[1] - gap[0]
    expect(
        conversation(page).get_by_text("of speech could not be kept. Please say it again.")
    ).to_be_visible()
    picture(page, "line-gap")


def test_drop_after_drop_also_in_the_middle_of_catching_up(page: Page, stage: Stage, line: Line) -> None:
    talk(page)
    heard(stage, 0.5)
    for round_ in range(4):
        line.cut()
        rest(page, 0.8)
        line.mend()
        until(lambda: page.evaluate("__phases.at(-1).phase") in {"replaying", "ready"}, "it heals")
        heard(stage, 1.3 + round_)
    heard(stage, 6)

    assert len(stage.talks) == 1
    assert stage.talk.doubled == 0
    assert_arrived(given(page), stage.talk.samples, 5)


def test_an_answer_is_heard_once_across_a_break(page: Page, stage: Stage, line: Line) -> None:
    voice = (resampled(noise(5, seed=3), 48_000) * 32_767).astype("<i2")
    # Enough to bridge the break: playback need not pause.
    early, late = 3 * RATE, 4 * RATE
    talk(page)
    heard(stage, 0.3)
    stage.say("response_started", responseId="r1")
    stage.say("audio_started", responseId="r1", itemId="a1", stream=1)
    stage.play(1, voice[:early])
    when(page, "__holdfast.client.state.speaker.phase === 'playing'")
    line.cut()
    stage.play(1, voice[early:late], first=early)
    rest(page, 0.6)
    line.mend()
    until(lambda: len(stage.calls) == 2 and stage.calls[1].talk, "it heals")
    stage.play(1, voice[late:], first=late)
    stage.say("response_done", responseId="r1", status="completed")
    when(page, "__holdfast.client.state.speaker.phase === 'ready'")

    played = np.asarray(page.evaluate("__holdfast.samples()"))
    assert_whole(played, voice / 32_768)
    # All of it, and not a part of it twice.
    assert np.count_nonzero(played) == pytest.approx(np.count_nonzero(voice), abs=RATE // 20)
    again = [each for each in stage.calls[1].commands if each["type"] == "played"]
    assert again[0]["itemId"] == "a1"
    until(lambda: any(each.get("ms", 0) >= 4_950 for each in stage.calls[1].commands), "heard to its end")


def test_a_hole_in_the_numbers_is_filled(page: Page, stage: Stage) -> None:
    talk(page)
    heard(stage, 0.3)
    stage.say("speech_started", itemId="u1", sample=0)
    # Lost between the gateway and the page, as only a broken intermediary can.
    stage.talk.numbered("user_transcript", {"itemId": "u1", "text": "What do I owe?", "final": True})
    stage.say("response_started", responseId="r1")

    expect(conversation(page).get_by_text("What do I owe?")).to_be_visible()
    until(lambda: len(stage.calls) == 2, "the page asks for it")
    resume = stage.calls[1].first("resume_session")
    assert resume is not None
    assert resume["offset"] < stage.talk.offset
    assert stage.talk.doubled == 0


def test_what_was_not_recovered_is_said_truthfully(
    page: Page, stage: Stage, line: Line, picture: Callable[[Page, str], None]
) -> None:
    talk(page)
    heard(stage, 0.3)
    stage.say("user_transcript", itemId="u1", text="What do I owe?", final=True)
    stage.say("assistant_transcript", responseId="r1", itemId="a1", text="You owe", final=False)
    expect(conversation(page).get_by_text("You owe")).to_be_visible()
    stage.resumed = {"recovered": False, "contextRestored": "text_only"}
    stage.snapshot = [
        {"id": "u1", "role": "user", "text": "What do I owe?", "final": True},
        {"id": "a1", "role": "assistant", "text": "You owe 4,200 euros.", "final": True},
        {"id": "t1", "role": "tool", "name": "balance", "status": "done"},
    ]
    line.cut()
    rest(page, 0.3)
    line.mend()

    expect(conversation(page).get_by_text("You owe 4,200 euros.")).to_be_visible()
    expect(conversation(page).get_by_text("Sherpa remembers what was said as text.")).to_be_visible()
    expect(conversation(page).get_by_text("It was not spoken.")).to_be_visible()
    assert conversation(page).get_by_role("listitem").count() == 4
    picture(page, "line-restored")


def test_an_answer_that_was_over_before_the_break_is_not_spoken_after_it(
    page: Page, stage: Stage, line: Line
) -> None:
    talk(page)
    heard(stage, 0.3)
    answer(stage, 0.5)
    stage.say("response_done", responseId="resp_1", status="completed")
    when(page, "__holdfast.client.state.speaker.heardMs >= 500")
    when(page, "__holdfast.client.state.speaker.phase === 'ready'")
    stage.resumed = {"recovered": False, "contextRestored": "text_only"}
    line.cut()
    rest(page, 0.3)
    line.mend()
    until(lambda: len(stage.calls) == 2 and stage.calls[1].pieces, "it heals")
    when(page, "__holdfast.flushes.length > 0")

    rest(page, 0.3)
    expect(status(page)).to_have_text("Listening")
    assert page.evaluate("__holdfast.client.state.speaker.phase") == "ready"


def test_a_gateway_that_forgot_everything_gets_a_new_session(page: Page, stage: Stage, line: Line) -> None:
    talk(page)
    heard(stage, 1.0)
    stage.say("user_transcript", itemId="u1", text="What do I owe?", final=True)
    expect(conversation(page).get_by_text("What do I owe?")).to_be_visible()
    line.cut()
    first = stage.talk
    rest(page, 1.5)
    stage.forget()
    line.mend()
    until(lambda: stage.talks, "a new session is made by itself")
    heard(stage, 3.0)

    expect(conversation(page).get_by_text("New session")).to_be_visible()
    expect(conversation(page).get_by_text("What do I owe?")).to_be_visible()
    create = stage.call.first("create_session")
    assert create is not None
    assert create["greet"] is False
    # What nobody had acknowledged comes once; at most what was on its way came to the old session too.
    assert stage.talk.pieces[0][0] == 0
    assert missing_between(given(page), first.samples, stage.talk.samples) >= -RATE
    assert_goes_on(given(page), first.samples, stage.talk.samples, 2)


def test_a_typed_sentence_survives_the_break_and_is_said_once(page: Page, stage: Stage, line: Line) -> None:
    talk(page)
    heard(stage, 0.3)
    line.cut()
    expect(status(page)).to_have_text("Connection lost — still recording")
    page.get_by_label("Type instead of speaking").fill("What do I owe?")
    page.keyboard.press("Enter")
    line.mend()
    until(lambda: len(stage.calls) == 2 and stage.calls[1].first("input_text"), "the sentence comes")
    line.cut()
    rest(page, 0.3)
    line.mend()
    until(lambda: len(stage.calls) == 3 and stage.calls[2].pieces, "it heals again")
    said = [each for call in stage.calls for each in call.commands if each["type"] == "input_text"]
    assert len({each["eventId"] for each in said}) == 1
