"""The accounts of all sessions that run: charges go to the store, and whoever has spent a budget is told.

What lives here: who watches for money's sake; what is spent today; the moment at which a cap is reached.
What never will: arithmetic (`rating`), rules of caps (`budget`), how a session ends (the core).
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Final

import structlog

from holdfast.accounts.account import LOOKS, Account
from holdfast.accounts.budget import Caps, Reached, Spending, as_fault, reached_by_session
from holdfast.accounts.prices import PriceTable
from holdfast.core.faults import Fault
from holdfast.ports import sightings as seen
from holdfast.ports.charges import Charge, Charges
from holdfast.ports.sightings import Sighting, Watched

LOOK_EVERY_S: Final = 1.0
"""How often minutes are looked at."""
OTHERS_EVERY_S: Final = 5.0
"""How often what other processes have spent is read."""

log = structlog.get_logger()

End = Callable[[str, Fault], None]
"""Ends the session with this id politely."""


class Books:
    """Fills the port `Watch`, and `Purse`."""

    def __init__(
        self,
        prices: PriceTable,
        charges: Charges,
        *,
        caps: Caps,
        end: End,
        customers_max: int,
        others: Callable[[float], Awaitable[Mapping[str, int]]] | None = None,
        told: Callable[[Charge], None] = lambda _: None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """`others`: what other processes have spent since then, by customer. `told` hears of each charge."""
        self.accounts: dict[str, Account] = {}
        """Of the sessions that run, by id."""
        self.paid: Counter[tuple[str, str]] = Counter()
        """Nano-dollars by upstream and purpose: `answer`, `rebuild`, `waste`, `transcription`."""
        self._newest: dict[str, Charge] = {}
        """The newest answer of each session: somebody may still speak over it."""
        self.spending = Spending(customers_max)
        self._prices = prices
        self._charges = charges
        self._caps = caps
        self._end = end
        self._others = others
        self._told = told
        self._wall = wall
        self._began_at = 0.0
        self._is_read = False
        """Whether it is known what was spent before this process began."""
        self._warned: set[tuple[str, str]] = set()
        self._ending: set[str] = set()
        self._task: asyncio.Task[None] | None = None
        self._reading: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Read what was spent today, and watch from now on."""
        self._began_at = self._wall()
        self.spending.begin({}, self._began_at)
        await self._read_earlier()
        await self._hear_of_others()
        if self._caps.is_any:
            self._task = asyncio.create_task(self._look_on(), name="budgets")

    def close(self) -> None:
        """Stop looking. Twice is harmless."""
        for task in (self._task, *self._reading):
            if task is not None:
                task.cancel()

    # watching

    @property
    def sees(self) -> Collection[type | str]:
        """See `Watch`."""
        return LOOKS.keys()

    def saw(self, session: Watched, sighting: Sighting, at: float) -> None:
        """See `Watch`."""
        account = self.accounts.get(session.id)
        if account is None:
            if not isinstance(sighting, seen.Began):
                return
            account = self.accounts[session.id] = Account(session, self._prices, self._wall)
            if sighting.is_restored and self._caps.session is not None:
                self._take_up(account)
        before = account.spent
        for charge in account.saw(sighting, at):
            self._charges.put(charge)
            self._told(charge)
            self._note_purpose(charge)
        if account.spent != before:
            self._spent(account, account.spent - before, at)
        if isinstance(sighting, seen.Ended):
            del self.accounts[session.id]
            self._count(self._newest.pop(session.id, None))
            self._ending.discard(session.id)
            if self._warned:
                self._warned = {one for one in self._warned if one[0] != session.id}

    def _take_up(self, account: Account) -> None:
        """What a session has cost in an earlier process counts for its cap."""

        session_id, until = account.session.id, self._wall()

        async def read() -> None:
            while self.accounts.get(session_id) is account:
                before = await self._charges.spent_on(session_id, until)
                if before is not None:
                    account.spent += before  # not in one line: what is spent meanwhile would be forgotten
                    return
                await asyncio.sleep(LOOK_EVERY_S)

        task = asyncio.get_running_loop().create_task(read())
        self._reading.add(task)
        task.add_done_callback(self._reading.discard)

    def _note_purpose(self, charge: Charge) -> None:
        """What an answer was for is known when the next one has ended, or the session."""
        if charge.kind == "transcription":
            self.paid[charge.upstream, "transcription"] += charge.cost or 0
            return
        before = self._newest.get(charge.session_id)
        if before is not None and before.key != charge.key:
            self._count(before)
        self._newest[charge.session_id] = charge

    def _count(self, charge: Charge | None) -> None:
        if charge is not None and charge.cost is not None:
            self.paid[charge.upstream, "answer"] += charge.cost - charge.rebuild - charge.wasted
            self.paid[charge.upstream, "rebuild"] += charge.rebuild
            self.paid[charge.upstream, "waste"] += charge.wasted

    def _spent(self, account: Account, nanos: int, at: float) -> None:
        self._turn_the_page()
        self.spending.add(account.session.customer_id, nanos)
        if self._caps.is_any:
            self._judge(account, at)
            if any(cap.is_spent for cap in self.spending.reached(self._caps, account.session.customer_id)):
                for other in list(self.accounts.values()):
                    self._judge(other, at)

    # caps

    def refusal(self, customer_id: str) -> Fault | None:
        """Why no session may begin for this customer today; None when it may."""
        now = self._turn_the_page()
        spent = next((cap for cap in self.spending.reached(self._caps, customer_id) if cap.is_spent), None)
        if spent is None:
            return None
        log.info(
            "budget.refused", category="budget", source="accounts", customer_id=customer_id, cap=spent.fact()
        )
        return as_fault(spent, now)

    def _turn_the_page(self) -> float:
        """Whoever looks first on a new day begins it; answers the wall's clock."""
        now = self._wall()
        if self.spending.roll(now):
            self._warned.clear()
        return now

    def _judge(self, account: Account, at: float) -> None:
        """Tell whom it concerns that a cap comes near, or is reached."""
        session = account.session
        if session.id in self._ending:
            return
        lasted_s = 0.0 if account.began_at is None else at - account.began_at
        caps = [
            *reached_by_session(self._caps, account.spent, lasted_s),
            *self.spending.reached(self._caps, session.customer_id),
        ]
        spent = next((cap for cap in caps if cap.is_spent), None)
        if spent is not None:
            self._ending.add(session.id)
            self._note("budget.spent", account, spent)
            # Not within the step that is being watched.
            asyncio.get_running_loop().call_soon(self._end, session.id, as_fault(spent, self._wall()))
            return
        for cap in caps:
            if cap.used >= self._caps.warn_at * cap.cap:
                self._warn(account, cap)

    def _warn(self, account: Account, cap: Reached) -> None:
        """Once for each session, customer and day."""
        whose = {"session": account.session.id, "customer": account.session.customer_id, "total": ""}
        warned = (whose[cap.scope], cap.setting)
        if warned not in self._warned:
            self._warned.add(warned)
            self._note("budget.near", account, cap)

    def _note(self, moment: str, account: Account, cap: Reached) -> None:
        known = {"session": account.session.id, "customer_id": account.session.customer_id}
        log.warning(moment, category="budget", source="accounts", scope=cap.scope, cap=cap.fact(), **known)

    async def _look_on(self) -> None:
        """Minutes pass without anything being seen; so do midnights, and other processes spend."""
        loop, looked_at = asyncio.get_running_loop(), 0.0
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            self._turn_the_page()
            if loop.time() - looked_at >= OTHERS_EVERY_S:
                looked_at = loop.time()
                await self._read_earlier()
                await self._hear_of_others()
            for account in list(self.accounts.values()):
                self._judge(account, loop.time())

    async def _read_earlier(self) -> None:
        """What an earlier process has spent today. A store that cannot say so now is asked again, or each
        start with a busy disk would begin the day anew.
        """
        day = self.spending.day
        found = None if self._is_read else await self._charges.spent(day, self._began_at)
        if found is not None:
            self._is_read = True
            if day == self.spending.day:
                self.spending.take_up(found)

    async def _hear_of_others(self) -> None:
        if self._others is not None:
            day = self.spending.day
            spent = await self._others(day)
            if day == self.spending.day:  # else it is what was spent yesterday
                self.spending.heard_of_others(spent)

    # for whoever shows it

    @property
    def waiting(self) -> int:
        """Charges that are not written yet."""
        return self._charges.waiting
