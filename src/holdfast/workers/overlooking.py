"""The console over several processes: workers tell what they see, the front puts it together.

What lives here: both ends. A worker tells at most once a second, and only while somebody looks.
What never will: what a row says (`ledger`), streams (`server.console`).
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Protocol

import msgspec

from holdfast.ledger import Batch, Climate, worst
from holdfast.server.console.overview import Extras, Keeper
from holdfast.workers import memos
from holdfast.workers.channel import MESSAGE_BYTES_MAX

TELL_S: Final = 1.0
ANSWER_S: Final = 2.0
"""How long a worker may take to tell of a session."""
ROWS_TOGETHER: Final = 500
"""Sessions that are told of in one message."""
UNTAKEN_MAX: Final = 64
"""News that nobody has taken: then all is asked for anew."""


class Worker(Protocol):
    """A post, as far as it matters here."""

    number: int

    @property
    def is_ready(self) -> bool:
        """Whether it can be asked."""
        ...

    def tell(self, memo: memos.FromFront) -> None:
        """Send."""
        ...


class FarOverview:
    """The front's side: fills `Overview` from what workers tell."""

    def __init__(self, posts: Sequence[Worker]) -> None:
        self._posts = posts
        self._climates: dict[int, Climate] = {}
        self._news: deque[tuple[int, Batch | None]] = deque()
        self._told: Callable[[], None] | None = None
        self._silent: set[int] = set()
        """Who has not told since somebody began to watch."""
        self._has_told = asyncio.Event()
        self._numbers = itertools.count(1)
        self._asked: dict[int, asyncio.Future[memos.SessionTold]] = {}

    @property
    def workers(self) -> int:
        """See `Overview`."""
        return len(self._posts)

    def climate(self) -> Climate:
        """See `Overview`."""
        return worst(list(self._climates.values()))

    def watch(self, told: Callable[[], None] | None) -> None:
        """See `Overview`."""
        self._told = told
        self._news = deque(one for one in self._news if one[1] is None)  # an end is told once
        self._silent = {post.number for post in self._posts if post.is_ready}
        if self._silent:
            self._has_told.clear()
        else:
            self._has_told.set()
        for post in self._posts:
            post.tell(memos.Overlook(told is not None))

    async def all_told(self) -> None:
        """See `Overview`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_S):
                await self._has_told.wait()

    def news(self) -> Sequence[tuple[int, Batch | None]]:
        """See `Overview`."""
        taken = tuple(self._news)
        self._news.clear()
        return taken

    async def document(self, session_id: str) -> dict[str, Any] | None:
        """See `Overview`."""
        found = await self._ask(session_id, with_extras=False)
        told: dict[str, Any] | None = None if found is None else msgspec.json.decode(found.document)
        return told

    async def extras(self, session_id: str) -> Extras:
        """See `Overview`."""
        found = await self._ask(session_id, with_extras=True)
        return Extras() if found is None or found.extras is None else found.extras

    def end(self, session_id: str, operator: str) -> None:
        """See `Overview`: whoever has it ends it."""
        for post in self._posts:
            post.tell(memos.EndWanted(session_id, operator))

    async def _ask(self, session_id: str, *, with_extras: bool) -> memos.SessionTold | None:
        """All of them: only the one that has it knows it."""
        asked: dict[int, asyncio.Future[memos.SessionTold]] = {}
        for post in self._posts:
            if post.is_ready:
                number = next(self._numbers)
                asked[number] = asyncio.get_running_loop().create_future()
                post.tell(memos.SessionWanted(number, session_id, with_extras))
        self._asked |= asked
        try:
            async with asyncio.timeout(ANSWER_S):
                for answer in asyncio.as_completed(list(asked.values())):
                    found = await answer
                    if found.document:
                        return found
        except TimeoutError:
            return None
        finally:
            for number, future in asked.items():
                future.cancel()
                self._asked.pop(number, None)
        return None

    # what workers say

    def ready(self, post: Worker) -> None:
        """A worker has begun, and knows nothing of who looks."""
        if self._told is not None:
            post.tell(memos.Overlook(is_on=True))

    def hear(self, number: int, memo: memos.Overseen | memos.SessionTold) -> None:
        """Something of what this file is about."""
        if isinstance(memo, memos.Overseen):
            self._seen(number, memo)
        else:
            self._answered(memo)

    def _seen(self, number: int, memo: memos.Overseen) -> None:
        self._climates[number] = memo.climate
        self._silent.discard(number)
        if not self._silent:
            self._has_told.set()
        if self._told is None:
            return
        if len(self._news) >= UNTAKEN_MAX:
            self.watch(self._told)
            return
        self._news.append((number, memo.batch))
        self._told()

    def _answered(self, memo: memos.SessionTold) -> None:
        future = self._asked.get(memo.number)
        if future is not None and not future.done():
            future.set_result(memo)

    def lost(self, number: int) -> None:
        """A worker has ended: whoever looks next must know, for its successor's faults begin at 1 again."""
        self._climates.pop(number, None)
        if self._told is not None or (number, None) not in self._news:
            self._news.append((number, None))


class Overseer:
    """A worker's side. `tell` sends a memo to the front, and says whether it could."""

    def __init__(self, keeper: Callable[[], Keeper], tell: Callable[[memos.FromWorker], bool]) -> None:
        self._keeper, self._tell = keeper, tell
        self._cursor = 0
        self._handle: asyncio.TimerHandle | None = None
        self._answers: set[asyncio.Task[None]] = set()

    def hear(self, memo: memos.Overlook | memos.SessionWanted | memos.EndWanted) -> None:
        """Begin to tell, or stop; tell of one session, or end it."""
        if isinstance(memo, memos.Overlook):
            self._overlook(memo)
        elif isinstance(memo, memos.SessionWanted):
            self._wanted(memo)
        else:
            self._keeper().end(memo.session_id, memo.operator)

    def _overlook(self, memo: memos.Overlook) -> None:
        self.stop()
        self._cursor = 0
        if memo.is_on:
            self._go()

    def stop(self) -> None:
        """Tell no more. Twice is harmless."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _wanted(self, memo: memos.SessionWanted) -> None:
        task = asyncio.get_running_loop().create_task(self._answer(memo))
        self._answers.add(task)
        task.add_done_callback(self._answers.discard)

    def _go(self) -> None:
        loop, keeper = asyncio.get_running_loop(), self._keeper()
        batch, climate = keeper.ledger.collect(self._cursor, loop.time()), keeper.climate()
        if all(self._tell(memos.Overseen(part, climate)) for part in _parts(batch)):
            self._cursor = batch.cursor  # else it is told again
        self._handle = loop.call_later(TELL_S, self._go)

    async def _answer(self, memo: memos.SessionWanted) -> None:
        keeper = self._keeper()
        document = keeper.document(memo.session_id)
        if document is None:
            self._tell(memos.SessionTold(memo.number))
            return
        extras = await keeper.extras(memo.session_id) if memo.with_extras else None
        told = memos.SessionTold(memo.number, msgspec.json.encode(document), extras)
        if len(memos.written(told)) > MESSAGE_BYTES_MAX:
            told = memos.SessionTold(memo.number, told.document)
        self._tell(told)


def _parts(batch: Batch) -> Iterator[Batch]:
    """One after the other as good as the whole: thousands of rows with their faults are no message."""
    yield msgspec.structs.replace(batch, rows=batch.rows[:ROWS_TOGETHER])
    for at in range(ROWS_TOGETHER, len(batch.rows), ROWS_TOGETHER):
        yield Batch(batch.cursor, is_whole=False, rows=batch.rows[at : at + ROWS_TOGETHER])
