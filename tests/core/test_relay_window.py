"""What a client of `/v1/realtime` may have missed: as a plain list of messages would have it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.relay_input import FRESH_BYTES, FRESH_MAX
from holdfast.core.relay_window import RelayWindow

BYTES_MAX, MESSAGES_MAX = 4_000, 120


class Listed:
    """The same, message by message."""

    def __init__(self) -> None:
        self.sent = 0
        self.kept: list[bytes] = []

    def keep(self, raw: bytes) -> None:
        self.sent += 1
        self.kept.append(raw)

    def bound(self, size: int = BYTES_MAX, messages: int = MESSAGES_MAX) -> None:
        while sum(map(len, self.kept)) > size or len(self.kept) > messages:
            del self.kept[0]

    def acknowledge(self, count: int) -> None:
        del self.kept[: max(0, count - (self.sent - len(self.kept)))]


SIZES = st.integers(1, 200)
DEEDS = st.lists(
    st.one_of(
        st.tuples(st.just("keep"), st.lists(SIZES, min_size=1, max_size=FRESH_MAX + 10)),
        st.tuples(st.just("acknowledge"), st.integers(0, 60)),
        st.tuples(st.just("shrink"), st.integers(0, BYTES_MAX)),
    ),
    max_size=25,
)


@given(DEEDS)
def test_it_keeps_what_a_list_of_messages_would(deeds: list[tuple[str, list[int] | int]]) -> None:
    window, listed = RelayWindow(BYTES_MAX, MESSAGES_MAX), Listed()
    for deed, what in deeds:
        if isinstance(what, list):
            for size in what:
                raw = listed.sent.to_bytes(4) + bytes(size)
                window.keep(raw)
                listed.keep(raw)
            listed.bound()
        elif deed == "acknowledge":
            listed.acknowledge(listed.sent - what)
            window.acknowledge(window.sent - what)
        else:
            before = sum(map(len, listed.kept))
            listed.bound(what)
            assert window.shrink(what) == before - sum(map(len, listed.kept))
        assert (window.size, window.sent) == (sum(map(len, listed.kept)), listed.sent)
        assert (window.messages, window.kept) == (len(listed.kept), tuple(listed.kept))
        oldest = listed.sent - len(listed.kept)
        assert window.holds(oldest)
        assert not window.holds(oldest - 1)
        assert window.after(listed.sent - len(listed.kept) // 2) == listed.kept[
            -(len(listed.kept) // 2) :
        ] * bool(len(listed.kept) // 2)


def test_what_is_not_booked_yet_is_bounded_too() -> None:
    window = RelayWindow(BYTES_MAX, MESSAGES_MAX)
    window.keep(bytes(FRESH_BYTES + 1))
    assert not window.fresh
    for _ in range(FRESH_MAX):
        window.keep(b"{}")
    assert not window.fresh
    assert window.messages == FRESH_MAX


def test_memory_that_was_short_is_not_held_for_what_is_forgotten() -> None:
    window = RelayWindow(BYTES_MAX, MESSAGES_MAX)
    for number in range(FRESH_MAX):
        window.keep(bytes([number]) * 50)
    assert window.shrink(500) == 50 * (FRESH_MAX - 10)
    assert [len(run.raw) for run in window._runs] == [500]
