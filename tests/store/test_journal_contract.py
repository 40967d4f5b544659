"""The journal's contract, sentence by sentence, on every adapter."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest

from holdfast.store import Entry, Healthy, Journal, JournalOptions

from .conftest import Make
from .ears import Ears, Talk, line


async def test_what_is_written_is_reported_later_and_in_order(talk: Talk) -> None:
    talk.say(1, 2, 3)
    assert talk.so_far == [], "a callback inside the call would find its caller half-way"

    assert await talk.heard(3) == [1, 2, 3]


async def test_sessions_do_not_wait_for_each_other(journal: Journal, ears: Ears) -> None:
    talks = [Talk(journal, ears, f"s{index}") for index in range(20)]
    for number in range(1, 11):
        for talk in talks:
            talk.say(number)

    for talk in talks:
        assert await talk.heard(10) == list(range(1, 11))
    assert journal.counts.written == 200
    assert journal.counts.waiting == journal.counts.waiting_bytes == 0


async def test_a_number_taken_before_is_harmless_and_reported(
    talk: Talk, journal: Journal, ears: Ears
) -> None:
    talk.say(1, 2)
    talk.say(2, text="other words")
    await talk.heard(2)
    talk.say(1, text="other words")

    await ears.until(lambda: len(talk.so_far) == 4)
    assert sorted(talk.so_far) == [1, 1, 2, 2]
    assert journal.counts.written == 2
    assert journal.next_number("s1") == 3


async def test_a_hole_is_not_taken(talk: Talk, journal: Journal) -> None:
    talk.say(1, 3, 4)
    assert journal.next_number("s1") == 2
    talk.say(2)
    assert journal.next_number("s1") == 3

    assert await talk.heard(2) == [1, 2]
    assert journal.counts.refused == 2


@pytest.mark.parametrize("number", [0, -1, 2, 2**70])
async def test_a_session_begins_at_one(talk: Talk, journal: Journal, number: int) -> None:
    talk.say(number)
    talk.say(1)

    assert await talk.heard(1) == [1]
    assert journal.counts.refused == 1


@pytest.mark.parametrize(
    "content",
    [
        {"audio": b"\x00\x01"},
        {"set": {1}},
        {"nan": float("nan")},
        {"object": object()},
        {("a", "tuple"): 1},
        "no mapping",
        None,
    ],
)
async def test_what_is_no_json_is_refused_and_blocks_nobody(
    talk: Talk, journal: Journal, ears: Ears, content: Any
) -> None:
    talk.put(1, content)
    talk.put(1, {"ring": _ring()})
    talk.put(1, {}, kind="half a character: \ud800")
    Talk(journal, ears, "half \ud800").say(1)
    Talk(journal, ears, "other").say(1)
    talk.say(1)

    assert await talk.heard(1) == [1]
    assert journal.counts.refused == 4
    assert journal.state == Healthy()


def _ring() -> dict[str, Any]:
    ring: dict[str, Any] = {}
    ring["self"] = ring
    return ring


async def test_a_full_spool_refuses_the_youngest_and_goes_on_where_it_stopped(make: Make, ears: Ears) -> None:
    journal = await make(JournalOptions(spool_lines_max=3))
    one, two = Talk(journal, ears, "one"), Talk(journal, ears, "two")
    one.say(1, 2, 3, 4)
    two.say(1)
    assert journal.counts.refused == 2
    assert (journal.next_number("one"), journal.next_number("two")) == (4, 1)

    await one.heard(3)
    one.say(5)  # still a hole: 4 was not taken
    one.say(journal.next_number("one"))
    two.say(journal.next_number("two"))

    assert await one.heard(4) == [1, 2, 3, 4]
    assert await two.heard(1) == [1]


async def test_the_spool_is_bounded_in_bytes_too(make: Make, ears: Ears) -> None:
    journal = await make(JournalOptions(spool_bytes_max=5_000))
    talk = Talk(journal, ears)
    talk.say(1, 2, text="x" * 2_000)
    talk.say(3, text="x" * 2_000)
    assert journal.counts.refused == 1
    assert 4_000 < journal.counts.waiting_bytes <= 5_000

    talk.say(3, text="short")
    assert await talk.heard(3) == [1, 2, 3]


async def test_who_forgets_hears_no_more_and_may_begin_again(
    talk: Talk, journal: Journal, ears: Ears
) -> None:
    talk.say(1)
    await talk.heard(1)
    talk.say(2, 3)
    journal.forget("s1")
    journal.forget("s1")
    talk.say(4)
    assert (journal.counts.waiting, journal.next_number("s1")) == (0, 1)

    talk.say(1)
    await ears.until(lambda: len(talk.so_far) == 2)
    assert talk.so_far == [1, 1]


async def test_a_stranger_is_no_trouble(journal: Journal) -> None:
    journal.contact("nobody")
    journal.forget("nobody")

    assert journal.next_number("nobody") == 1


async def test_close_writes_what_waits_and_takes_nothing_more(talk: Talk, journal: Journal) -> None:
    talk.say(1, 2, 3)
    await journal.close()
    assert talk.so_far == [1, 2, 3]

    talk.say(4)
    await journal.close()
    assert talk.so_far == [1, 2, 3]


async def test_a_journal_with_nothing_to_write_closes_at_once(journal: Journal) -> None:
    await asyncio.sleep(0.02)  # it has begun to wait
    async with asyncio.timeout(1):
        await journal.close()


async def test_a_listener_that_fails_is_its_own_problem(journal: Journal, ears: Ears) -> None:
    failures: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))

    def broken(number: int) -> None:
        raise RuntimeError(number)

    journal.write("s1", line(1), broken)
    journal.write("s1", line(2), ears.listener("s1"))

    assert await Talk(journal, ears).heard(2) == [2]
    assert len(failures) == 1


async def test_nothing_to_tell_while_all_is_well(talk: Talk, journal: Journal, ears: Ears) -> None:
    talk.say(1)
    await talk.heard(1)

    assert journal.state == Healthy()
    assert ears.states == []


CONTENTS: list[Mapping[str, Any]] = [
    {},
    {"text": "Grüße, 你好, 🎧, \ud83d half, \x00 and ' or 1=1; drop table journal_entry --"},
    {"deep": [{"a": [1, 2.5, None, True, {"b": []}]}], "big": 2**63},
    MappingProxyType({"read": "only"}),
    {"long": "x" * 100_000},
]


async def test_what_survives_is_what_was_promised(make: Make, ears: Ears) -> None:
    first = await make()
    talk = Talk(first, ears)
    for number, content in enumerate(CONTENTS, start=1):
        talk.put(number, content, kind=f"kind {number}")
    Talk(first, ears, "over").say(1)
    await talk.heard(len(CONTENTS))
    first.forget("over")
    await first.close()

    second = await make()
    found = await second.unfinished(not_older_than_s=60)

    if second.durability == "none":
        assert list(found) == []
    else:
        assert [session.id for session in found] == ["s1"]
        assert found[0].entries == tuple(
            Entry(number, f"kind {number}", dict(content)) for number, content in enumerate(CONTENTS, start=1)
        )
        assert second.next_number("s1") == len(CONTENTS) + 1
