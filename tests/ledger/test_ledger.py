"""The console's book: rows, timelines, what has changed, and its bounds."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest

from holdfast.core.faults import fault
from holdfast.ledger import Climate, Flow
from holdfast.ledger.reading import BOOKS, PROVIDER_SESSIONS_MAX
from holdfast.ports import sightings as seen
from holdfast.telemetry import MOMENTS
from tests.ledger.seeing import WALL, Seen


def test_a_session_is_followed_from_its_beginning_to_its_end() -> None:
    book = Seen()
    book.session()
    assert book.row().state == "connecting"
    book.saw(seen.UpstreamLive(0, "openai", "openai", "gpt-realtime-2.1", "sess_1"))
    book.turn()
    live = book.row()
    book.saw(seen.Ended("ended_by_client"))
    ended = book.row()

    assert (live.state, live.turns, live.upstream.name) == ("live", 1, "openai")
    assert live.began_at == round(WALL * 1000)
    assert (ended.state, ended.attention, ended.why) == ("ended", 5, "Ended by its user.")
    assert ended.ended_at is not None
    assert ended.ended_at > ended.began_at


def test_every_sighting_has_its_place() -> None:
    kinds = {one for one in BOOKS if isinstance(one, type)}

    assert kinds == seen.EVERYTHING - {seen.Noted}
    assert {one for one in BOOKS if isinstance(one, str)} <= MOMENTS.keys()


def test_the_segments_of_a_turn_add_up_to_what_the_user_waited() -> None:
    book = Seen()
    book.live()
    book.turn(thinking=0.4, speaking=0.2)
    (turn,) = book.document()["turns"]

    # spoke for 1.0 s by the count of samples; the upstream said so 1.5 s after it had begun
    assert turn["segments"] == [
        {"name": "endpointing", "ms": 500.0},
        {"name": "thinking", "ms": 400.0},
        {"name": "speaking", "ms": 200.0},
    ]
    assert turn["silenceMs"] == book.row().silence_ms == 1100
    assert turn["endedMs"] - turn["began_ms"] == 1000


def heard(until_ms: float, arrived_ms: float, heard_ms: float) -> seen.SilenceHeard:
    """What a client says of its turn, in milliseconds of its microphone."""
    return seen.SilenceHeard("item_2", round(until_ms * 24), round(arrived_ms * 24), round(heard_ms * 24))


def test_what_the_client_heard_is_what_the_parts_add_up_to() -> None:
    book = Seen()
    book.live()
    book.turn(thinking=0.4, speaking=0.2, received=2_500 * 24)
    before = book.collect()
    # spoke until 2.0 s; 500 ms later, as 2.5 s had come, the upstream noticed; 600 ms to the first sound;
    # 80 ms in the player: 30 ms are the line's
    book.saw(heard(2_000, 3_130, 3_210))
    after = book.collect(before.cursor)
    (turn,) = book.document()["turns"]

    assert [(one["name"], one["ms"]) for one in turn["segments"]] == [
        ("endpointing", 500.0),
        ("thinking", 400.0),
        ("speaking", 200.0),
        ("network", 30.0),
        ("playback", 80.0),
    ]
    assert turn["silenceMs"] == 1_210.0
    assert [(one.turn, one.silence_ms, one.side) for one in after.turns] == [(1, 1_210.0, "browser")]
    assert [row.id for row in after.rows] == ["hf_1"]


@pytest.mark.parametrize(
    ("until_ms", "arrived_ms", "heard_ms"),
    [(2_000, 1_900, 1_900), (9_000, 9_500, 10_000), (2_000, 90_000, 90_000), (2_480, 2_500, 2_600)],
    ids=["before it was said", "said later than it came", "a minute late", "sooner than we had it"],
)
def test_what_cannot_be_is_not_believed(until_ms: float, arrived_ms: float, heard_ms: float) -> None:
    book = Seen()
    book.live()
    book.turn(thinking=0.4, speaking=0.2, received=2_500 * 24)
    own = book.document()["turns"]
    book.saw(heard(until_ms, arrived_ms, heard_ms))

    assert book.document()["turns"] == own


def test_the_first_word_on_a_turn_counts() -> None:
    book = Seen()
    book.live()
    book.turn(thinking=0.4, speaking=0.2, received=2_500 * 24)
    book.saw(heard(2_000, 3_130, 3_210))
    told = book.collect()
    book.saw(heard(2_000, 3_130, 4_210))

    assert book.document()["turns"][0]["silenceMs"] == 1_210.0
    assert book.collect(told.cursor).turns == (), "who says it again fills nobody's figures"


def test_customers_are_masked_and_words_are_counted() -> None:
    book = Seen()
    book.live(customer="canary-customer-4711")
    book.saw(seen.WordsOfUser("item_1", "my card is 4111 1111 1111 1111"))
    book.saw(seen.WordsOfAssistant("resp_1", "item_2", "a canary sentence"))
    told = json.dumps(book.document())

    assert book.row().customer == "c…11"
    assert all(word not in told for word in ("4711", "4111", "canary", "card"))
    assert '"characters": 30' in told


def test_the_parties_of_a_fault_reach_the_row_the_timeline_and_the_list_of_all() -> None:
    book = Seen()
    book.live()
    book.lost("provider.server_error")
    row, batch, document = book.row(), book.collect(), book.document()

    assert row.state == "recovering"
    assert row.last_fault is not None
    assert (row.last_fault.code, row.last_fault.party) == ("provider.server_error", "provider")
    assert [(one.code, one.party, one.session) for one in batch.faults] == [
        ("provider.server_error", "provider", "hf_1")
    ]
    assert document["faults"][0]["evidence"] == ("close 1006",)
    assert [one["kind"] for one in document["timeline"]] == ["began", "live", "lost", "fault"]


def test_one_fault_told_in_two_ways_is_one() -> None:
    book = Seen()
    book.live()
    book.lost()
    book.saw(seen.FaultMet(fault("provider.connection_lost"), "upstream.reconnecting"))

    assert book.row().faults == 1


# what has changed


def test_only_what_changed_is_told_again() -> None:
    book = Seen()
    for number in range(5):
        book.live(f"hf_{number}")
    first = book.collect()
    book.turn("hf_3")
    second = book.collect(first.cursor)
    third = book.collect(second.cursor)

    assert (first.is_whole, len(first.rows)) == (True, 5)
    assert (second.is_whole, [row.id for row in second.rows]) == (False, ["hf_3"])
    assert not third.rows
    assert not third.faults
    assert not third.turns


def test_what_a_session_ended_of_says_so_though_it_was_met_before_in_the_same_step() -> None:
    book, cause = Seen(), fault("provider.unavailable", ["HTTP status 503"])
    for name in ("hf_1", "hf_2"):
        book.live(name)
        book.saw(seen.FaultMet(cause, "session.failed"), name)
    book.saw(seen.Ended("upstream_failed", cause), "hf_1")

    assert [(one.session, one.ended) for one in book.collect().faults] == [("hf_1", True), ("hf_2", False)]
    assert book.document()["faults"][0]["ended"] is True


@pytest.mark.parametrize("left", [seen.Noted("upstream.rested", "info", {}), None])
def test_who_comes_back_to_an_upstream_that_is_gone_is_not_live_before_another_serves(
    left: seen.Sighting | None,
) -> None:
    book = Seen()
    book.live()
    book.saw(seen.ClientAway(1006))
    if left is None:
        book.lost()
    else:
        book.saw(left)
    book.saw(seen.ClientBack(recovered=True))
    states = [book.row().state]
    book.saw(seen.UpstreamLive(1, "openai", "openai", "gpt-realtime-2.1", "sess_2", "rebuilt"))
    book.saw(seen.ClientAway(1006))
    book.saw(seen.ClientBack(recovered=True))

    assert [*states, book.row().state] == ["recovering", "live"]


def test_a_judgement_that_only_time_changes_is_told() -> None:
    book = Seen()
    book.live()
    book.lost()
    first = book.collect()
    book.look()
    quiet = book.collect(first.cursor)
    for _ in range(3):
        book.look()
    later = book.collect(first.cursor)

    assert quiet.rows == ()
    assert [row.why for row in later.rows] == ["No upstream since 08:00:00 UTC: provider.connection_lost."]
    assert later.rows[0].attention == 95


def test_audio_that_flows_changes_a_row_only_when_it_begins_or_stops() -> None:
    book = Seen()
    book.live()
    book.look(Flow("hf_1", 24_000, 0))
    first = book.collect()
    book.look(Flow("hf_1", 48_000, 0))
    flowing = book.collect(first.cursor)
    book.look(Flow("hf_1", 48_000, 0))
    stopped = book.collect(first.cursor)

    assert first.rows[0].last_in_ms == 0
    assert flowing.rows == ()
    assert [row.last_in_ms for row in stopped.rows] == [1000]
    assert stopped.rows[0].last_out_ms is None
    assert [one["in"] for one in book.document()["levels"]] == [1.0, 1.0]


def test_a_microphone_that_gives_silence_before_anybody_has_spoken_is_a_trouble() -> None:
    book = Seen()
    book.live()
    for second in range(12):
        book.look(Flow("hf_1", 24_000 * (second + 1), 0, is_silent=True))
    silent = book.row()
    book.look(Flow("hf_1", 24_000 * 13, 0))
    heard = book.row()
    book.turn()
    for second in range(14, 26):
        book.look(Flow("hf_1", 24_000 * (second + 1), 0, is_silent=True))
    muted = book.row()

    assert (silent.attention, silent.why) == (75, "The microphone gives silence.")
    assert [one.health.microphone for one in (silent, heard, muted)] == ["bad", "good", "unsure"]
    assert muted.attention == 0


@pytest.mark.parametrize(("trip_ms", "light"), [(40.0, "good"), (400.0, "unsure"), (1_200.0, "bad")])
def test_the_way_to_the_client_is_a_light(trip_ms: float, light: str) -> None:
    book = Seen()
    book.live()
    book.look(Flow("hf_1", 1, 0, rtt_ms=trip_ms))
    first = book.collect()
    book.look(Flow("hf_1", 2, 0))  # not asked this time

    assert book.row().health.network == light
    assert book.document()["report"]["rttMs"] == trip_ms
    assert book.collect(first.cursor).rows == ()


def test_a_process_that_is_late_changes_the_light_of_all() -> None:
    book = Seen()
    book.live("hf_1")
    book.live("hf_2")
    first = book.collect()
    book.look(climate=Climate(lag_s=0.4))

    assert [row.health.gateway for row in book.collect(first.cursor).rows] == ["bad", "bad"]


# bounds


def test_of_too_many_that_ended_the_oldest_goes_by_name() -> None:
    book = Seen(console_ended=3)
    for number in range(3):
        book.live(f"hf_{number}")
        book.saw(seen.Ended("ended_by_client"), f"hf_{number}")
    first = book.collect()
    book.live("hf_3")
    book.saw(seen.Ended("ended_by_client"), "hf_3")

    assert book.collect(first.cursor).gone == ("hf_0",)
    assert book.ledger.document("hf_0", book.at) is None
    assert len(book.ledger) == 3


def test_a_cursor_that_has_missed_something_is_told_everything() -> None:
    book = Seen(console_ended=2)
    book.live("hf_a")
    first = book.collect()
    for number in range(6):
        book.live(f"hf_{number}")
        book.saw(seen.Ended("ended_by_client"), f"hf_{number}")
    batch = book.collect(first.cursor)

    assert batch.is_whole
    assert {row.id for row in batch.rows} == {"hf_a", "hf_4", "hf_5"}


def test_live_sessions_beyond_the_bound_are_counted_and_not_followed() -> None:
    book = Seen(console_sessions=2)
    for number in range(3):
        book.session(f"hf_{number}")
    book.saw(seen.Ended("ended_by_client"), "hf_0")
    book.session("hf_4")

    assert book.ledger.refused == 1
    assert {row.id for row in book.collect().rows} == {"hf_0", "hf_1", "hf_4"}


@pytest.mark.parametrize("limit", ["console_entries", "console_turns", "console_faults_of_session"])
def test_a_long_session_keeps_the_newest(limit: str) -> None:
    book = Seen(**{limit: 10})
    book.live()
    for _ in range(40):
        book.turn()
        book.lost()
        book.at += 1
    document = book.document()
    kept = {
        "console_entries": document["timeline"],
        "console_turns": document["turns"],
        "console_faults_of_session": document["faults"],
    }

    assert len(kept[limit]) == 10
    assert document["truncated"]
    assert (book.row().turns, book.row().faults) == (40, 40)


def test_the_list_of_all_faults_is_bounded() -> None:
    book = Seen(console_faults=10)
    book.live()
    for _ in range(40):
        book.lost()
        book.at += 1

    assert [one.id for one in book.collect().faults] == list(range(31, 41))


def test_a_silent_session_costs_little() -> None:
    """The house has 40 kB for an idle session in all."""
    import sys  # noqa: PLC0415 - for this one alone

    book = Seen()
    book.live()
    account = book.ledger._accounts["hf_1"]
    slots = [getattr(account, name) for name in account.__slots__]
    size = sys.getsizeof(account) + sum(sys.getsizeof(one) for one in slots)
    size += sum(sys.getsizeof(one) + sys.getsizeof(one.values) for one in account.entries)

    assert size < 4_000
    assert len(fields(seen.Watched)) == 4  # what else is held of the session


def test_where_it_began_and_how_it_is_now_is_kept_for_the_providers_support() -> None:
    book = Seen()
    book.session()
    for number in range(40):
        book.saw(seen.UpstreamLive(number, "openai", "openai", "gpt-realtime-2.1", f"sess_{number}"))
    kept = book.document()["providerSessions"]

    assert kept[0] == "sess_0"
    assert kept[1:] == [f"sess_{number}" for number in range(40 - len(kept) + 1, 40)]
    assert len(kept) == PROVIDER_SESSIONS_MAX


def test_a_session_is_found_by_a_providers_id() -> None:
    book = Seen()
    book.live()
    book.session("hf_2")

    found = book.ledger.document("sess_1", book.at)

    assert found is not None
    assert found["row"]["id"] == "hf_1"
    assert book.ledger.document("sess_2", book.at) is None
