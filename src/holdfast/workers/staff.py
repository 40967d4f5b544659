"""All workers, as the front sees them: who takes the next socket in, and who has which session.

What lives here: the choice, the tickets, the engine's door for workers.
What never will: sockets before they are given away (`threshold`), processes (`post`).
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable

from holdfast.core.faults import Fault, fault
from holdfast.core.limits import Limits
from holdfast.engine.pool import EnginePool, EngineUnavailableError
from holdfast.runtime.rehearsal import FaultName
from holdfast.server.host import Admission
from holdfast.telemetry.metrics import Family
from holdfast.workers import memos
from holdfast.workers.counting import Elsewhere, StaffedDirectory
from holdfast.workers.overlooking import FarOverview
from holdfast.workers.post import Post
from holdfast.workers.scrape import Scrape
from holdfast.workers.threshold import Guest, Handed
from holdfast.workers.whereabouts import Whereabouts

RETRY_S = 1.0
"""When nobody is ready, a worker is just starting."""


class Staff:
    """The workers. Fills the port `Hosting` of the router. `orders` answers what worker N is told."""

    def __init__(
        self,
        number: int,
        directory: StaffedDirectory,
        limits: Limits,
        orders: Callable[[int], bytes],
        pool: EnginePool | None,
    ) -> None:
        self._directory, self._limits, self._pool = directory, limits, pool
        self.posts = [Post(at, orders(at), self._hear, self._lost) for at in range(number)]
        self._whereabouts = Whereabouts()
        self._tickets = itertools.count(1)
        self._chosen: Post | None = None
        self._scrape = Scrape(self._ask)
        self.overview = FarOverview(self.posts)
        directory.room = self._room

    @contextlib.asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Workers until the block ends; it begins when each has begun, well or not."""
        keepers = [asyncio.create_task(post.keep(), name=f"worker-{post.number}") for post in self.posts]
        try:
            await asyncio.gather(*(post.began.wait() for post in self.posts))
            yield
        finally:
            for post in self.posts:
                post.close()
            await asyncio.gather(*keepers, return_exceptions=True)

    @property
    def pids(self) -> list[int | None]:
        """The workers' processes; None for one that is just starting."""
        return [post.pid for post in self.posts]

    @property
    def failure(self) -> memos.Failed | None:
        """Why workers could not start: by their own words, where they had any."""
        told = next((post.failed for post in self.posts if post.failed is not None), None)
        if told is None and not any(post.is_ready for post in self.posts):
            return memos.Failed(
                "no worker could be started.",
                "Each ended before it was ready.",
                "Look at what stands above this, or start with --workers 1.",
            )
        return told

    @property
    def reasons(self) -> list[str]:
        """Why no session could start now: what, why, fix."""
        ready = [post for post in self.posts if post.is_ready]
        if not ready:
            return ["No worker is ready: one that ended is started again; the log says why it ended."]
        if all(post.looked is not None and post.looked.is_low for post in ready):
            return ["Every worker's file descriptors run out: raise `ulimit -n`."]
        if all(post.looked is not None and post.looked.is_cut_off for post in ready):
            return ["No upstream can be reached at the moment."]
        return []

    def is_outage(self) -> bool:
        """Whether no worker could reach any upstream for a while."""
        ready = [post.looked for post in self.posts if post.is_ready]
        return bool(ready) and all(looked is not None and looked.is_outage for looked in ready)

    # letting in

    def _room(self) -> Fault | None:
        """Why no worker takes one more; None when one does, and it is counted there."""
        now, refused = asyncio.get_running_loop().time(), None
        for post in sorted((one for one in self.posts if one.is_ready), key=lambda one: len(one.inside)):
            if post.looked is not None and post.looked.is_low:
                continue
            refused = None
            if len(post.inside) >= self._limits.overload_from_sessions:
                outage = post.looked is not None and post.looked.is_outage
                refused = post.overload.refusal(now, begins=not outage)
            if refused is None:
                self._chosen = post
                return None
        return refused or fault("gateway.overloaded", ["no worker is ready"], retry_after_s=RETRY_S)

    def listener(self, admission: Admission) -> Guest:
        """The socket is let in, and counted from here on."""
        post, self._chosen = self._chosen, None
        assert post is not None, "asked for room just now"
        one = self._stand_in(next(self._tickets), post)
        self._directory.enter(one, admission.peer, admission.user)
        return Guest(admission, one, self, self._limits.create_wait_s)

    def turned_away(self, guest: Guest) -> None:
        """It went, or broke the handshake, before a worker had it. Twice is harmless."""
        self._left(self.posts[guest.one.worker], guest.one.ticket)

    def take_in(self, guest: Guest, session_id: str, handed: Handed) -> None:
        """Give the socket to the worker that has the session it comes back to, or to the one chosen."""
        one = guest.one
        owner = self._whereabouts.find(session_id) if session_id else None
        post = self.posts[one.worker] if owner is None else self.posts[owner]
        if owner is None and not post.is_ready:
            post = min((other for other in self.posts if other.is_ready), key=_inside, default=post)
        if post.number != one.worker:
            before = self.posts[one.worker]
            before.inside.pop(one.ticket, None)
            before.overload.ended(0.0)
            post.inside[one.ticket] = one
            one.worker = post.number
        memo = memos.TakeIn(one.ticket, guest.admission, handed.head, handed.rest)
        if not post.give(memo, handed.descriptor):
            self._left(post, one.ticket)

    # for all

    def drain(self, *, at_once: bool) -> None:
        """The gateway stops."""
        for post in self.posts:
            post.tell(memos.Drain(at_once))

    def engine_changed(self) -> None:
        """The engine is ready, or not any more."""
        for post in self.posts:
            self._tell_of_engine(post)

    def play(self, name: FaultName, *, seconds: float, session: str | None) -> int:
        """Rehearse a fault in every worker; answers how many sessions it meets."""
        for post in self.posts:
            post.tell(memos.Rehearse(name, seconds, session))
        met = [one for post in self.posts for one in post.inside.values()]
        return sum(session in {None, one.session_id} for one in met)

    async def figures(self, own: list[Family]) -> dict[str, list[Family]]:
        """Everybody's figures by process, the front's `own` among them."""
        return await self._scrape.all(own, [post.restarts for post in self.posts])

    def _ask(self, place: int, memo: memos.FiguresWanted) -> bool:
        post = self.posts[place]
        if post.is_ready:
            post.tell(memo)
        return post.is_ready

    def _tell_of_engine(self, post: Post) -> None:
        if (pool := self._pool) is not None:
            post.tell(memos.EngineNews(pool.ready, tuple(pool.reasons), pool.is_incomplete))

    def _stand_in(self, ticket: int, post: Post) -> Elsewhere:
        now = asyncio.get_running_loop().time()
        one = post.inside[ticket] = Elsewhere(ticket, post.number, now, self._give_way)
        return one

    def _give_way(self, one: Elsewhere) -> None:
        self.posts[one.worker].tell(memos.GiveWay(one.ticket))

    # what workers say

    def _hear(self, post: Post, memo: memos.FromWorker) -> None:
        match memo:
            case memos.Looked():
                post.looked = memo
                post.overload.sample(memo.sample, asyncio.get_running_loop().time())
            case memos.Ready():
                self._began(post, memo)
            case memos.Overseen() | memos.SessionTold():
                self.overview.hear(post.number, memo)
            case memos.EngineWanted():
                self._answer(post, memo.number)
            case memos.Figures():
                self._scrape.answered(memo)
            case _:
                self._hear_of_conversation(post, memo)

    def _began(self, post: Post, memo: memos.Ready) -> None:
        self._tell_of_engine(post)
        self.overview.ready(post)
        turn = self._whereabouts.began(post.number, memo.left_behind)
        window_s = self._limits.resume_window_s
        asyncio.get_running_loop().call_later(window_s, self._whereabouts.given_up, post.number, turn)
        if self._directory.is_draining:
            post.tell(memos.Drain(at_once=True))

    def _hear_of_conversation(self, post: Post, memo: memos.FromWorker) -> None:
        match memo:
            case memos.Entered():
                self._directory.enter(self._stand_in(memo.ticket, post), memo.peer, memo.user)
            case memos.Named() if (found := post.inside.get(memo.ticket)) is not None:
                found.session_id = memo.session_id
                self._whereabouts.named(memo.session_id, post.number)
                self._directory.make_room(found)
            case memos.Parked() if (found := post.inside.get(memo.ticket)) is not None:
                found.is_parked = memo.is_parked
            case memos.Left():
                self._left(post, memo.ticket)
            case _:
                pass  # of one that has ended meanwhile

    def _left(self, post: Post, ticket: int) -> None:
        one = post.inside.pop(ticket, None)
        if one is None:
            return
        post.overload.ended(asyncio.get_running_loop().time() - one.since)
        if one.session_id:
            self._whereabouts.ended(one.session_id)
        self._directory.leave(one)

    def _lost(self, post: Post) -> None:
        self._whereabouts.died(post.number)
        self.overview.lost(post.number)
        for one in [one for one in post.inside.values() if one.ticket not in post.awaited]:
            del post.inside[one.ticket]
            self._directory.leave(one)

    def _answer(self, post: Post, number: int) -> None:
        answer = memos.EngineAt(number)
        with contextlib.suppress(EngineUnavailableError):
            if self._pool is not None:
                found = self._pool.address()
                answer = memos.EngineAt(number, found.url, found.token)
        post.tell(answer)


def _inside(post: Post) -> int:
    return len(post.inside)
