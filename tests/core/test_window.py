"""What a client may have missed: bounded, and what fell out is named."""

from __future__ import annotations

from holdfast.core.effects import Play, Tell
from holdfast.core.notices import Status
from holdfast.core.window import ReplayWindow, Run


def window(audio_bytes: int = 400, messages: int = 3) -> ReplayWindow:
    return ReplayWindow(audio_bytes, messages)


def tell(it: ReplayWindow, *offsets: int) -> None:
    for offset in offsets:
        it.tell(offset, Tell(Status("live"), offset))


def pcm(samples: int) -> bytes:
    return bytes(2 * samples)


def play(it: ReplayWindow, offset: int, stream: int, start: int, pieces: list[bytes]) -> None:
    it.play(offset, stream, start, b"".join(pieces), [len(one) for one in pieces])


def after(it: ReplayWindow, offset: int) -> list[tuple[object, ...]]:
    """What is told after a position, by value."""
    return [
        (m.offset, m.stream, m.start, len(m.pcm) // 2) if isinstance(m, Play) else (m.offset,)
        for m in it.after(offset)
    ]


def test_everything_after_a_position_comes_in_the_order_of_the_offsets() -> None:
    it = window()
    tell(it, 1)
    play(it, 2, 1, 0, [pcm(10)])
    tell(it, 3)
    play(it, 4, 1, 10, [pcm(20)])
    everything = [(1,), (2, 1, 0, 10), (3,), (4, 1, 10, 20)]
    assert [after(it, offset) for offset in range(5)] == [everything[offset:] for offset in range(5)]


def test_a_number_whose_audio_is_gone_comes_as_an_empty_message() -> None:
    it = window()
    tell(it, 1)
    play(it, 2, 1, 0, [pcm(10)])
    play(it, 3, 1, 10, [pcm(10)])
    tell(it, 4)
    it.drop_audio()
    assert after(it, 1) == [(2, 0, 0, 0), (3, 0, 0, 0), (4,)]


def test_text_beyond_its_number_is_forgotten_and_who_needs_it_is_not_recovered() -> None:
    it = window(messages=3)
    assert (it.holds(-1), it.holds(0), it.holds(1)) == (False, True, True)
    tell(it, 5, 6, 7)
    assert it.holds(0)
    tell(it, 8)
    assert [it.holds(offset) for offset in (-1, 4, 5, 6)] == [False, False, True, True]
    assert after(it, 5) == [(6,), (7,), (8,)]


def test_nothing_is_forgotten_while_it_is_being_told() -> None:
    it = window(messages=1)
    it.is_replayed = True
    tell(it, 1, 2)
    assert after(it, 0) == [(1,), (2,)]
    it.is_replayed = False
    tell(it, 3)
    assert it.forgotten == 1


def test_it_can_be_made_to_keep_less_and_knows_where_somebody_stopped_hearing() -> None:
    it = window(audio_bytes=4000)
    tell(it, 1)
    play(it, 2, 1, 0, [pcm(100), pcm(100)])
    play(it, 4, 2, 0, [pcm(100)])
    assert [it.missed_from(stream, 0) for stream in (1, 2, 3)] == [0, 0, None]
    assert (it.shrink(400), it.shrink(400)) == (200, 0)
    assert (it.audio_bytes, list(it.fallen)) == (400, [(2, 1, 0, 100)])
    assert [it.missed_from(1, offset) for offset in (1, 2)] == [0, 100]
    assert (it.shrink(0), it.audio_bytes, it.missed_from(2, 3), it.missed_from(2, 4)) == (400, 0, 0, None)
    assert it.holds(0)


def test_the_oldest_audio_goes_first_and_neighbours_fall_as_one() -> None:
    it = window(audio_bytes=400)
    play(it, 1, 1, 0, [pcm(100)])
    play(it, 2, 1, 100, [pcm(100)])
    assert (it.audio_bytes, list(it.fallen)) == (400, [])
    play(it, 3, 1, 200, [pcm(50)])
    play(it, 4, 1, 250, [pcm(60)])
    assert (it.audio_bytes, list(it.fallen)) == (220, [(2, 1, 0, 200)])
    play(it, 5, 2, 0, [pcm(100)])
    assert list(it.fallen) == [(3, 1, 0, 250)]
    play(it, 6, 2, 100, [pcm(60)])
    play(it, 7, 2, 160, [pcm(100)])
    assert list(it.fallen) == [(4, 1, 0, 310), (5, 2, 0, 100)]
    assert it.audio_bytes == 320
    play(it, 8, 2, 260, [pcm(100)])
    assert list(it.fallen) == [(4, 1, 0, 310), (6, 2, 0, 160)]


def test_what_fell_out_of_two_streams_or_with_a_gap_is_named_apart() -> None:
    it = window(audio_bytes=0)
    play(it, 1, 1, 0, [pcm(10)])
    play(it, 2, 2, 10, [pcm(10)])
    play(it, 3, 2, 30, [pcm(10)])
    assert list(it.fallen) == [(1, 1, 0, 10), (2, 2, 10, 20), (3, 2, 30, 40)]


def test_what_fell_out_is_remembered_in_sixty_four_ranges() -> None:
    it = window(audio_bytes=0)
    for number in range(1, 66):
        play(it, number, number, 0, [pcm(1)])
    assert (len(it.fallen), it.fallen[0][0]) == (64, 2)


def test_what_the_client_has_is_not_kept_and_its_past_is_not_promised_again() -> None:
    it = window(audio_bytes=4000)
    for offset in range(1, 7):
        if offset % 2:
            tell(it, offset)
        else:
            play(it, offset, 1, offset, [pcm(10)])
    it.acknowledge(2)
    assert (it.audio_bytes, it.forgotten, it.holds(1), it.holds(2)) == (40, 2, False, True)
    assert [message.offset for message in it.after(2)] == [3, 4, 5, 6]
    it.acknowledge(5)
    it.acknowledge(3)
    assert (it.forgotten, it.audio_bytes) == (5, 20)
    it.acknowledge(6)
    assert (it.audio_bytes, it.after(6)) == (0, [])


def test_what_was_acknowledged_makes_room_for_what_comes() -> None:
    it = window(messages=3)
    tell(it, 1, 2, 3)
    it.acknowledge(2)
    assert [offset for offset, _ in it._texts] == [3]
    tell(it, 4, 5)
    assert (it.holds(1), it.holds(2)) == (False, True)
    tell(it, 6)
    assert (it.holds(2), it.holds(3)) == (False, True)


def test_long_streams_are_named_in_whole_samples() -> None:
    """As `test_the_oldest_audio_goes_first`, with numbers as a long talk has them."""
    stream = 1000
    for name in ("fallen", "dropped"):
        it = window(audio_bytes=0 if name == "fallen" else 10**6)
        for number in range(4):
            play(it, 2000 + number, int(f"{stream}"), 24_000 + 480 * number, [pcm(480)])
        gone = [one[1:] for one in it.fallen] if name == "fallen" else it.drop_audio()
        assert str(gone) == "[(1000, 24000, 25920)]"
    play(it, 2004, stream, 25_920, [pcm(480), pcm(480)])
    assert str([play.start for play in it.after(2003) if isinstance(play, Play)]) == "[25920, 26400]"


def test_dropped_audio_is_named_by_stream_and_neighbours_as_one() -> None:
    it = window(audio_bytes=4000)
    play(it, 1, 1, 0, [pcm(10)])
    play(it, 2, 1, 10, [pcm(10)])
    play(it, 3, 1, 30, [pcm(10)])
    play(it, 4, 2, 40, [pcm(10)])
    play(it, 5, 2, 50, [pcm(10)])
    play(it, 6, 3, 45, [pcm(15)])
    play(it, 7, 1, 60, [pcm(10)])
    assert it.drop_audio() == [(1, 0, 20), (1, 30, 40), (2, 40, 60), (3, 45, 60), (1, 60, 70)]
    assert (it.audio_bytes, len(it.audio)) == (0, 0)


def test_a_run_of_audio_is_forgotten_message_by_message() -> None:
    it = window(audio_bytes=2 * 60)
    play(it, 1, 1, 0, [pcm(10), pcm(20), pcm(30)])
    assert after(it, 0) == [(1, 1, 0, 10), (2, 1, 10, 20), (3, 1, 30, 30)]
    it.acknowledge(1)
    assert it.audio_bytes == 2 * 50
    assert after(it, 1) == [(2, 1, 10, 20), (3, 1, 30, 30)]

    play(it, 4, 1, 60, [pcm(5), pcm(10)])
    assert list(it.fallen) == [(2, 1, 10, 30)]
    assert after(it, 1) == [(2, 0, 0, 0), (3, 1, 30, 30), (4, 1, 60, 5), (5, 1, 65, 10)]
    assert it.drop_audio() == [(1, 30, 75)]
    assert it.audio_bytes == 0


def test_what_a_stream_missed_is_its_own() -> None:
    it = window(audio_bytes=0)
    play(it, 1, 1, 100, [pcm(10)])
    play(it, 2, 2, 200, [pcm(10)])
    assert [it.missed_from(stream, 0) for stream in (1, 2, 3)] == [100, 200, None]
    assert [it.missed_from(1, offset) for offset in (1, 2)] == [None, None]

    kept = window(audio_bytes=4000)
    play(kept, 2000, 1000, 100, [pcm(10)])
    play(kept, 2001, 1001, 200, [pcm(10)])
    found = [kept.missed_from(int(stream), 1999) for stream in ("999", "1000", "1001", "1002")]
    assert found == [None, 100, 200, None]
    kept.shrink(0)
    assert [kept.missed_from(int(stream), 1999) for stream in ("1000", "1001")] == [100, 200]


def test_what_is_acknowledged_within_a_run_goes_and_what_came_after_it_stays() -> None:
    it = window(audio_bytes=4000)
    play(it, 1, 1, 0, [pcm(10), pcm(20), pcm(30)])
    play(it, 4, 1, 60, [pcm(40)])
    it.acknowledge(2)
    assert (it.audio_bytes, after(it, 2)) == (2 * 70, [(3, 1, 30, 30), (4, 1, 60, 40)])


def test_a_run_knows_the_offset_of_its_last_message() -> None:
    assert [Run(6, 1, 0, pcm(count), [2] * count).last_offset for count in (1, 2, 3)] == [6, 7, 8]
