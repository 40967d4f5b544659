"""Why a session went wrong, from its document: the same words for console, doctor and bundle."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from holdfast.core.faults import FAULTS, fault
from holdfast.diagnosis.explain import Explanation, explain
from holdfast.ledger import Flow
from holdfast.ports import sightings as seen
from tests.ledger.seeing import Seen


def explained(book: Seen) -> Explanation:
    """As it comes to whoever explains: through JSON."""
    return explain(json.loads(json.dumps(book.document())))


def healthy(book: Seen) -> None:
    book.turn()


def lost_and_mended(book: Seen) -> None:
    book.lost("provider.connection_lost")
    book.at += 0.8
    book.saw(seen.UpstreamLive(1, "openai", "openai", "gpt-realtime-2.1", "sess_2", "rebuilt"))


def ended_by_the_key(book: Seen) -> None:
    lost_and_mended(book)
    book.at += 5
    book.saw(seen.Ended("gave_up", fault("configuration.invalid_api_key", ["HTTP 401"])))


def an_error_it_outlived(book: Seen) -> None:
    book.saw(seen.FaultMet(fault("provider.server_error"), "upstream.error"))
    book.turn()


def tool(book: Seen) -> None:
    book.saw(seen.FaultMet(fault("tool.timeout"), "tool.done"))


def silent_microphone(book: Seen) -> None:
    book.saw(seen.Noted("client.reported", "debug", {"silent_ms": 15_000}))


def nobody_speaks(book: Seen) -> None:
    book.at += 12


def broken_line(book: Seen) -> None:
    book.saw(seen.ClientAway(1006))


def closed_page(book: Seen) -> None:
    book.turn()
    book.saw(seen.ClientAway(1001))


def gap(book: Seen) -> None:
    book.turn()
    book.saw(seen.AudioWasLost("input", 0, 12_000, "gap_in_client_positions"))


def slow_provider(book: Seen) -> None:
    book.turn(thinking=4.0)


def dry_player(book: Seen) -> None:
    book.turn()
    book.saw(seen.Noted("client.reported", "debug", {"underruns": 9, "rtt_ms": 80}))


def long_way(book: Seen) -> None:
    book.turn()
    book.saw(seen.Noted("client.reported", "debug", {"rtt_ms": 1_400}))


LOST = "The provider (provider.connection_lost): {message}; "
REFUSED = "The set-up (configuration.invalid_api_key): {message}; "
DEVICE = "The user's device (user_device.microphone_silent): "
LINE = "The user's network (user_network.connection_lost): "

CASES: dict[Callable[[Seen], None], tuple[str | None, str]] = {
    healthy: (None, "Nothing went wrong: 1 turn, the user waited 1.1 s."),
    lost_and_mended: (
        "provider.connection_lost",
        LOST + "the session recovered.",
    ),
    ended_by_the_key: (
        "configuration.invalid_api_key",
        REFUSED + "this ended the session.",
    ),
    an_error_it_outlived: ("provider.server_error", "The provider (provider.server_error): {message}."),
    tool: ("tool.timeout", "A tool (tool.timeout): {message}."),
    silent_microphone: (
        "user_device.microphone_silent",
        DEVICE + "the microphone gives silence: it is muted, covered, or not the one that is meant.",
    ),
    nobody_speaks: (
        "user_device.microphone_silent",
        DEVICE + "no audio has come from the client.",
    ),
    broken_line: (
        "user_network.connection_lost",
        LINE + "the client's connection broke once and it did not come back.",
    ),
    closed_page: (None, "Nothing went wrong: 1 turn, the user waited 1.1 s."),
    gap: (
        "user_network.connection_lost",
        "The user's network (user_network.connection_lost): 0.5 s of audio were lost.",
    ),
    slow_provider: (
        "provider.stalled",
        "The provider (provider.stalled): 1 answer began late; 85% of the wait: thinking.",
    ),
    dry_player: (
        "user_network.slow",
        "The user's network (user_network.slow): the answer came more slowly than it was played.",
    ),
    long_way: (
        "user_network.slow",
        "The user's network (user_network.slow): the way there and back is long.",
    ),
}


@pytest.mark.parametrize("happens", CASES, ids=lambda one: one.__name__)
def test_what_happened_is_told_in_one_sentence(happens: Callable[[Seen], None]) -> None:
    book = Seen()
    book.live()
    happens(book)
    found = explained(book)
    code, words = CASES[happens]
    sentence = words.format(
        message="" if code is None else FAULTS[code].message.rstrip(".").partition(". ")[0]
    )

    assert (found.verdict()["code"], found.sentence) == (code, sentence)
    if code is not None:
        assert found.verdict()["party"] == str(FAULTS[code].party)
        assert found.next == FAULTS[code].remedy
        assert found.as_object()["evidence"]


def test_what_ended_the_session_stands_before_what_was_mended() -> None:
    book = Seen()
    book.live()
    ended_by_the_key(book)
    found = explained(book)

    assert [cause.code for cause in found.ranked] == [
        "configuration.invalid_api_key",
        "provider.connection_lost",
    ]
    assert found.ranked[0].weight == 100
    assert found.ranked[0].evidence == ("5.8 s: session.ended: HTTP 401",)


def test_a_loss_that_nobody_mended_weighs_more() -> None:
    mended, open_ended = Seen(), Seen()
    for book in (mended, open_ended):
        book.live()
        book.lost()
    mended.at += 1
    mended.saw(seen.UpstreamLive(1, "openai", "openai", "m", "sess_2", "rebuilt"))

    assert explained(open_ended).ranked[0].weight > explained(mended).ranked[0].weight


def test_the_block_for_the_support_has_ids_and_no_words() -> None:
    book = Seen()
    book.live()
    book.saw(seen.WordsOfUser("item_1", "a canary sentence"))
    lost_and_mended(book)
    book.look(Flow("hf_1", 24_000, 0))
    text = explained(book).support

    assert text.splitlines()[:4] == [
        "Session: hf_1 (began 2027-01-15T08:00:00+00:00)",
        "Upstream: openai openai gpt-realtime-2.1",
        "Provider session: sess_1",
        "Provider session: sess_2",
    ]
    assert "provider.connection_lost (weight 60)" in text
    assert "canary" not in text


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"faults": None, "timeline": 3, "turns": [None, {}], "row": []},
        {"faults": [{"code": "no.such"}, {"code": "provider.closed", "t_ms": "x", "evidence": "one"}]},
        {"turns": [{"silenceMs": 9_000, "segments": [{}]}], "timeline": [{"kind": "loss"}, {"kind": "away"}]},
        {"row": {"beganAt": 1e30, "turns": float("inf")}, "providerSessions": 7},
        {"row": {"beganAt": float("nan"), "turns": 10**400}, "providerSessions": {"a": 1}},
        {"timeline": [{"kind": ["away"]}, {"kind": "away", "data": {"code": [1006]}}]},
        {"faults": [{"code": "provider.closed", "moment": ["upstream.lost"]}]},
    ],
)
def test_a_document_of_another_version_is_no_reason_to_fail(document: dict[str, object]) -> None:
    assert explain(document).sentence
