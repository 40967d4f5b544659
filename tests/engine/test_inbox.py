"""Work is done in order, a little at a time."""

from __future__ import annotations

import asyncio

from holdfast.engine.inbox import HIGH_BYTES, SLICE_BYTES, Inbox


class Diary:
    """What happened, in order."""

    def __init__(self) -> None:
        self.heard = bytearray()
        self.events: list[str] = []
        self.fullness: list[bool] = []
        self.inbox = Inbox(self.hear, self.fullness.append)

    def hear(self, pcm: bytes) -> None:
        self.heard += pcm
        self.events.append(f"{len(pcm)}")


async def test_a_frame_is_heard_at_once() -> None:
    diary = Diary()
    diary.inbox.audio(b"\0" * 960)
    assert diary.events == ["960"]


async def test_much_audio_is_sliced_and_what_follows_waits_for_it() -> None:
    diary, done = Diary(), asyncio.Event()
    sent = bytes(range(250)) * 100
    diary.inbox.audio(sent)

    def commit() -> None:
        diary.events.append("commit")
        done.set()

    diary.inbox.then(commit)
    assert diary.events == []
    await asyncio.wait_for(done.wait(), 2)
    assert diary.heard == sent
    assert diary.events[-1] == "commit"
    assert max(int(size) for size in diary.events[:-1]) == SLICE_BYTES


async def test_the_client_is_held_back_above_the_mark_and_let_go_below() -> None:
    diary, done = Diary(), asyncio.Event()
    diary.inbox.audio(b"\0" * (HIGH_BYTES + 2))
    assert diary.fullness == [True]
    diary.inbox.then(done.set)
    await asyncio.wait_for(done.wait(), 2)
    assert diary.fullness == [True, False]


async def test_nothing_happens_while_held() -> None:
    diary, done = Diary(), asyncio.Event()
    diary.inbox.hold()
    diary.inbox.audio(b"\0" * 960)
    diary.inbox.then(done.set)
    assert diary.events == []
    diary.inbox.release()
    await asyncio.wait_for(done.wait(), 2)
    assert diary.events == ["960"]


async def test_a_recording_is_heard_by_its_own_listener_in_its_place() -> None:
    diary, done, recorded = Diary(), asyncio.Event(), bytearray()
    diary.inbox.audio(b"\1" * (3 * SLICE_BYTES))
    diary.inbox.recording(b"\2" * (3 * SLICE_BYTES), recorded.extend)
    diary.inbox.then(lambda: diary.events.append(f"recorded {len(recorded)}"))
    diary.inbox.audio(b"\3" * 960)
    diary.inbox.then(done.set)
    await asyncio.wait_for(done.wait(), 2)
    assert set(recorded) == {2}
    assert set(diary.heard) == {1, 3}
    assert diary.events[-2:] == [f"recorded {3 * SLICE_BYTES}", "960"]


async def test_waiting_audio_is_dropped_but_neither_recordings_nor_what_was_committed() -> None:
    diary, done, recorded = Diary(), asyncio.Event(), bytearray()
    diary.inbox.hold()
    diary.inbox.audio(b"\1" * 960)
    diary.inbox.then(lambda: diary.events.append("commit"), keeps=True)
    diary.inbox.audio(b"\2" * 960)
    diary.inbox.then(lambda: diary.events.append("job"))
    diary.inbox.recording(b"\3" * 960, recorded.extend)
    diary.inbox.audio(b"\4" * (HIGH_BYTES + 2))
    assert diary.fullness == [True]
    assert diary.inbox.drop_audio() == 960 + HIGH_BYTES + 2
    assert diary.fullness == [True, False]
    assert diary.inbox.drop_audio() == 0
    diary.inbox.then(done.set)
    diary.inbox.release()
    await asyncio.wait_for(done.wait(), 2)
    assert set(diary.heard) == {1}
    assert set(recorded) == {3}
    assert diary.events == ["960", "commit", "job"]


async def test_a_job_that_fails_stops_nobody_else() -> None:
    diary, done = Diary(), asyncio.Event()
    faults: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context["exception"]))

    def fail() -> None:
        raise ValueError

    diary.inbox.hold()
    diary.inbox.then(fail)
    diary.inbox.then(done.set)
    diary.inbox.release()
    await asyncio.wait_for(done.wait(), 2)
    assert len(faults) == 1


async def test_a_closed_inbox_does_nothing_more() -> None:
    diary = Diary()
    diary.inbox.audio(b"\0" * (4 * SLICE_BYTES))
    diary.inbox.close()
    await asyncio.sleep(0)
    assert diary.events == []
