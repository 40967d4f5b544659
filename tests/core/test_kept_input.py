"""What the user said and nobody has answered yet: no sample is kept twice, none falls out unnamed."""

from __future__ import annotations

from holdfast.core.effects import AddText, Append, ClearInput, CommitInput
from holdfast.core.kept_input import Jump, KeptInput

SECOND = 24_000


def sound(first: int, last: int) -> bytes:
    """Samples that tell their own position."""
    return b"".join((at % 30_000).to_bytes(2, "little") for at in range(first, last))


def kept(waiting_s: float = 1.0, commands: int = 2, given: int = 10_000, joined: int = SECOND) -> KeptInput:
    return KeptInput(waiting_s, commands, joined, given)


def given(*ranges: tuple[int, int], most: int = 10_000) -> KeptInput:
    it = kept(given=most)
    for first, last in ranges:
        it.give(sound(first, last), first)
    return it


def piece(first: int, last: int) -> tuple[int, bytes]:
    """Audio that was handed over, to be compared by value."""
    return first, sound(first, last)


def handed(it: KeptInput, samples: int | None = None) -> list[object]:
    """What is released now, audio as (start, PCM)."""
    return [(e.start, e.pcm) if isinstance(e, Append) else e for e in it.release(samples)]


# what waits


def test_what_waits_is_handed_over_in_order_and_once() -> None:
    it = kept()
    it.hold(sound(100, 200), 100)
    it.hold(sound(200, 300), 200)
    assert (it.waiting, it.waiting_from(7), it.first, it.end) == (200, 100, 0, 0)
    assert handed(it) == [piece(100, 300)]
    assert (it.waiting, it.waiting_from(7), it.end) == (0, 7, 300)
    assert handed(it) == []


def test_only_what_continues_is_joined() -> None:
    it = kept()
    it.hold(sound(0, 100), 0)
    it.hold(sound(150, 250), 150)
    it.hold(sound(250, 300), 250)
    assert handed(it) == [piece(0, 100), piece(150, 300)]
    assert it.audio(0, 300) == sound(0, 100) + sound(150, 300)


def test_a_joined_piece_is_as_long_as_allowed_and_no_longer() -> None:
    it = kept(joined=200)
    for first in (0, 100, 200, 300, 400):
        it.hold(sound(first, first + 100), first)
    assert [(e.start, len(e.pcm) // 2) for e in it.release() if isinstance(e, Append)] == [
        (0, 200),
        (200, 200),
        (400, 100),
    ]


def test_by_default_a_second_is_joined() -> None:
    it = KeptInput(10.0, 1, given_max=10 * SECOND)
    for first in range(0, 2 * SECOND, SECOND // 2):
        it.hold(bytes(SECOND), first)
    assert [len(e.pcm) // 2 for e in it.release() if isinstance(e, Append)] == [SECOND, SECOND]


def test_commands_keep_their_place_among_the_audio() -> None:
    it = kept()
    it.hold(sound(0, 100), 0)
    assert it.hold_command(CommitInput())
    it.hold(sound(100, 200), 100)
    assert it.waiting_from(7) == 0
    assert handed(it) == [piece(0, 100), CommitInput(), piece(100, 200)]
    assert (it.commands, it.waiting) == (0, 0)


def test_commands_are_bounded_and_find_room_again_when_they_were_handed_over() -> None:
    it = kept(commands=2)
    assert it.hold_command(CommitInput())
    assert it.hold_command(ClearInput())
    assert not it.hold_command(AddText("no room", "item_1"))
    assert handed(it) == [CommitInput(), ClearInput()]
    assert it.hold_command(AddText("room", "item_1"))


def test_a_brisk_pace_hands_over_so_much_and_leaves_the_rest() -> None:
    it = kept()
    for first in range(0, 500, 100):
        it.hold(sound(first, first + 100), first)
    assert handed(it, 200) == [piece(0, 200)]
    assert (it.waiting, it.waiting_from(7), it.end) == (300, 200, 200)
    assert handed(it, 101) == [piece(200, 400)]
    assert handed(it, 101) == [piece(400, 500)]
    assert it.waiting == 0


def test_the_oldest_audio_falls_out_to_the_sample_and_is_named() -> None:
    it = kept(waiting_s=0.01)  # 240 samples
    assert it.hold(sound(0, 100), 0) == []
    assert it.hold(sound(100, 240), 100) == []
    assert it.hold(sound(240, 400), 240) == [(0, 100), (100, 160)]
    assert (it.waiting, it.waiting_from(7)) == (240, 160)
    assert handed(it) == [piece(160, 400)]


def test_a_single_sample_too_many_falls_out() -> None:
    it = kept(waiting_s=0.01)
    assert it.hold(sound(0, 241), 0) == [(0, 1)]


def test_commands_do_not_fall_out_and_stay_in_order() -> None:
    it = kept(waiting_s=0.01)
    it.hold(sound(0, 100), 0)
    it.hold_command(CommitInput())
    it.hold(sound(100, 200), 100)
    it.hold_command(ClearInput())
    assert it.hold(sound(200, 390), 200) == [(0, 100), (100, 150)]
    assert handed(it) == [
        CommitInput(),
        piece(150, 200),
        ClearInput(),
        piece(200, 390),
    ]


def test_a_session_may_hold_longer_than_a_bare_connection_and_never_shorter() -> None:
    it = kept(waiting_s=1.0)
    it.widen(2.0)
    assert it.waiting_s == 2.0
    it.widen(1.0)
    assert it.waiting_s == 2.0


# what was given


def test_unless_told_otherwise_nothing_given_is_kept() -> None:
    it = KeptInput(1.0, 1)
    it.give(sound(0, 1), 0)
    assert (it.audio(0, 1), it.dropped_to) == (b"", 1)


def test_only_a_gap_leaves_a_mark_in_what_was_given() -> None:
    it = given((1000, 1100), (1100, 1200), (1300, 1400))
    assert [type(entry) for entry in it.given] == [bytes, bytes, Jump, bytes]


def test_given_audio_is_kept_to_the_bound_and_forgotten_from_its_beginning() -> None:
    it = given((0, 100), (100, 200), most=200)
    assert (it.first, it.end, it.given_samples, it.dropped_to) == (0, 200, 200, 0)
    it.give(sound(200, 250), 200)
    assert (it.first, it.end, it.given_samples, it.dropped_to) == (100, 250, 150, 100)
    assert it.audio(0, 1000) == sound(100, 250)


def test_what_is_settled_is_forgotten_by_whole_messages() -> None:
    it = given((0, 100), (100, 200), (300, 400))
    it.settle(99)
    assert (it.first, it.dropped_to) == (0, 0)
    it.settle(100)
    assert (it.first, it.dropped_to, it.given_samples) == (100, 100, 200)
    it.settle(250)
    assert it.audio(0, 1000) == sound(300, 400)
    assert (it.first, it.dropped_to, it.given_samples) == (300, 200, 100)
    it.settle(400)
    assert (it.dropped_to, it.given_samples, it.audio(0, 1000)) == (400, 0, b"")
    it.give(sound(500, 600), 500)
    assert (it.first, it.audio(0, 1000)) == (500, sound(500, 600))


def test_audio_is_found_by_position_across_a_gap() -> None:
    it = given((50, 100), (200, 300), (300, 350))
    assert it.audio(50, 100) == sound(50, 100)
    assert it.audio(99, 201) == sound(99, 100) + sound(200, 201)
    assert it.audio(250, 320) == sound(250, 320)
    assert it.audio(100, 200) == b""
    assert it.audio(0, 1000) == sound(50, 100) + sound(200, 350)


# the upstream is lost


def test_what_the_lost_upstream_took_waits_for_the_next_one_before_what_waited_already() -> None:
    it = given((0, 100), (100, 200))
    it.hold(sound(200, 260), 200)
    assert it.rewind(50) == []
    assert (it.waiting, it.waiting_from(7)) == (210, 50)
    assert (it.first, it.end, it.given_samples, it.audio(0, 1000)) == (0, 50, 50, sound(0, 50))
    assert handed(it) == [piece(50, 260)]
    assert it.audio(0, 1000) == sound(0, 260)


def test_a_gap_is_still_one_after_a_rewind() -> None:
    it = given((0, 100), (200, 300))
    assert it.rewind(0) == []
    assert (it.first, it.end, it.given_samples) == (0, 0, 0)
    assert handed(it) == [piece(0, 100), piece(200, 300)]
    assert it.audio(0, 1000) == sound(0, 100) + sound(200, 300)


def test_nothing_comes_back_of_what_was_heard_to_its_end() -> None:
    it = given((0, 100))
    assert it.rewind(100) == []
    assert (it.waiting, it.waiting_from(7), it.end) == (0, 7, 100)
    assert it.audio(0, 100) == sound(0, 100)
    it.settle(100)
    assert it.rewind(500) == []
    assert (it.first, it.end) == (100, 100)


def test_what_has_no_room_on_its_way_back_is_named() -> None:
    it = kept(waiting_s=0.01, given=1000)
    it.give(sound(0, 300), 0)
    it.hold(sound(300, 400), 300)
    assert it.rewind(0) == [(0, 160)]
    assert (it.waiting, it.waiting_from(7)) == (240, 160)
    assert handed(it) == [piece(160, 400)]
