"""Both sides of a conversation on one time line."""

from __future__ import annotations

import random

from holdfast.sound.sheet import JITTER, Sheet

SECOND = 24_000


def sound(level: int, samples: int) -> bytes:
    return level.to_bytes(2, "little", signed=True) * samples


def laid_out(pieces: list[tuple[int, bytes]]) -> list[tuple[int, int, int]]:
    """Begin, end and level of each piece; neighbours of one level are one."""
    told: list[tuple[int, int, int]] = []
    for start, pcm in pieces:
        level, end = int.from_bytes(pcm[:2], "little", signed=True), start + len(pcm) // 2
        if told and told[-1][1] == start and told[-1][2] == level:
            told[-1] = (told[-1][0], end, level)
        else:
            told.append((start, end, level))
    return told


def test_who_speaks_all_the_time_leaves_no_hole() -> None:
    sheet = Sheet(10_000_000)
    for second in range(5):
        late = random.Random(second).randrange(0, JITTER)
        sheet.heard(sound(7, SECOND), second * SECOND, (second + 1) * SECOND + late)

    (piece,) = laid_out(sheet.page(10 * SECOND).user)
    assert piece[1] - piece[0] == 5 * SECOND
    assert piece[0] <= JITTER


def test_who_pauses_leaves_silence() -> None:
    sheet = Sheet(10_000_000)
    sheet.heard(sound(7, SECOND), 0, SECOND)
    sheet.heard(sound(8, SECOND), SECOND, 5 * SECOND)

    assert laid_out(sheet.page(9 * SECOND).user) == [(0, SECOND, 7), (4 * SECOND, 5 * SECOND, 8)]


def test_what_comes_long_after_it_was_spoken_stands_behind_what_was_given_away() -> None:
    """A busy gateway books seconds at once; a page holds nothing that begins before it."""
    sheet = Sheet(10_000_000)
    sheet.heard(sound(7, 3 * SECOND), 0, 3 * SECOND)
    now = 6 * SECOND + JITTER
    given = now - 2 * SECOND
    assert laid_out(sheet.page(given).user) == [(0, 3 * SECOND, 7)]
    sheet.heard(sound(8, 3 * SECOND), 3 * SECOND, now)

    assert laid_out(sheet.page(9 * SECOND).user) == [(given, given + 3 * SECOND, 8)]


def test_what_is_told_a_second_time_is_heard_once() -> None:
    sheet = Sheet(10_000_000)
    sheet.heard(sound(7, SECOND), 0, SECOND)
    sheet.heard(sound(9, SECOND), 0, SECOND)  # given to the next upstream
    sheet.heard(sound(8, SECOND), SECOND // 2, 3 * SECOND // 2)

    assert laid_out(sheet.page(9 * SECOND).user) == [(0, SECOND, 7), (SECOND, 3 * SECOND // 2, 8)]


def test_an_answer_is_played_one_piece_after_the_other_however_fast_it_comes() -> None:
    sheet = Sheet(10_000_000)
    for piece in range(4):
        sheet.said(1, piece * SECOND, sound(5, SECOND), 2 * SECOND + piece)
    sheet.said(2, 0, sound(6, SECOND), 3 * SECOND)

    told = laid_out(sheet.page(20 * SECOND).assistant)
    assert told == [(2 * SECOND, 6 * SECOND, 5), (6 * SECOND, 7 * SECOND, 6)]


def test_an_answer_that_is_cut_ends_where_it_was_heard() -> None:
    sheet = Sheet(10_000_000)
    sheet.said(1, 0, sound(5, 4 * SECOND), 2 * SECOND)
    sheet.cut(SECOND)
    sheet.said(2, 0, sound(6, SECOND), 5 * SECOND)

    told = laid_out(sheet.page(20 * SECOND).assistant)
    assert told == [(2 * SECOND, 3 * SECOND, 5), (5 * SECOND, 6 * SECOND, 6)]


def test_what_was_given_away_is_not_taken_back() -> None:
    sheet = Sheet(10_000_000)
    sheet.said(1, 0, sound(5, 4 * SECOND), 0)
    first = sheet.page(2 * SECOND)
    sheet.cut(SECOND)
    rest = sheet.page(9 * SECOND)

    assert laid_out(first.assistant) == [(0, 2 * SECOND, 5)]
    assert (rest.first, rest.last, rest.assistant) == (2 * SECOND, 9 * SECOND, [])


def test_pages_follow_each_other_and_pieces_are_cut_at_their_edges() -> None:
    sheet = Sheet(10_000_000)
    sheet.heard(sound(7, 3 * SECOND), 0, 3 * SECOND)
    pages = [sheet.page(edge) for edge in (SECOND, 2 * SECOND, SECOND, 5 * SECOND)]

    assert [(page.first, page.last) for page in pages] == [
        (0, SECOND),
        (SECOND, 2 * SECOND),
        (2 * SECOND, 2 * SECOND),
        (2 * SECOND, 5 * SECOND),
    ]
    assert [laid_out(page.user) for page in pages] == [
        [(0, SECOND, 7)],
        [(SECOND, 2 * SECOND, 7)],
        [],
        [(2 * SECOND, 3 * SECOND, 7)],
    ]
    assert sheet.user.size == 0


def test_what_there_is_no_room_for_is_silence_and_counted() -> None:
    sheet = Sheet(2 * SECOND)
    sheet.heard(sound(7, SECOND), 0, SECOND)
    sheet.said(1, 0, sound(5, SECOND), SECOND)
    sheet.heard(sound(7, SECOND), SECOND, 2 * SECOND)
    assert sheet.lost == 4 * SECOND

    assert laid_out(sheet.page(9 * SECOND).user) == [(0, SECOND, 7)]
    sheet.heard(sound(8, SECOND), 2 * SECOND, 10 * SECOND)
    assert laid_out(sheet.page(19 * SECOND).user) == [(9 * SECOND, 10 * SECOND, 8)]


def test_an_answer_that_paused_is_cut_where_it_was_heard() -> None:
    """A slow voice: the second half came five seconds after the first was over."""
    sheet = Sheet(10_000_000)
    sheet.said(1, 0, sound(5, SECOND), 0)
    sheet.said(1, SECOND, sound(6, 4 * SECOND), 6 * SECOND)
    sheet.cut(2 * SECOND)

    assert laid_out(sheet.page(20 * SECOND).assistant) == [(0, SECOND, 5), (6 * SECOND, 7 * SECOND, 6)]


def test_an_answer_that_paused_is_cut_before_the_pause_where_no_more_was_heard() -> None:
    sheet = Sheet(10_000_000)
    sheet.said(1, 0, sound(5, 2 * SECOND), 0)
    sheet.said(1, 2 * SECOND, sound(6, SECOND), 6 * SECOND)
    sheet.cut(SECOND)

    assert laid_out(sheet.page(20 * SECOND).assistant) == [(0, SECOND, 5)]
