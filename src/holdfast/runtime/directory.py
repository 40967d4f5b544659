"""Which conversations are running, and whether one more may begin.

What lives here: counting by address and by customer against the limits, finding a session by its id, whom a
parked session must make room for, draining.
What never will: a session's inside, tokens (`resumption`).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from holdfast.core.faults import Fault, fault
from holdfast.core.limits import Limits
from holdfast.core.overload import Overload
from holdfast.core.relay import Relay
from holdfast.core.relay_state import RelaySurroundings
from holdfast.core.session import Session
from holdfast.core.state import Surroundings
from holdfast.express import Express
from holdfast.ports import Purse
from holdfast.ports.sound import Recordings
from holdfast.runtime.descriptors import Descriptors
from holdfast.runtime.listening import Listening
from holdfast.runtime.resumption import Resumable, Resumption
from holdfast.runtime.watching import Watches


class Running(Protocol):
    """Something that can be told to finish."""

    @property
    def is_parked(self) -> bool:
        """Whether its client is away and it only waits."""
        ...

    def drain(self, *, at_once: bool = False) -> None:
        """The process stops."""
        ...

    def give_way(self) -> None:
        """End, if it is parked: somebody needs its place."""
        ...

    def shed(self) -> None:
        """Memory runs short: let go what can be had again."""
        ...

    def budget_spent(self, cause: Fault) -> None:
        """Nothing more may be spent on it: end politely."""
        ...

    @property
    def session_id(self) -> str:
        """The id of its session; empty before it has one."""
        ...

    def visit(self) -> None:
        """Do what is due for all (`runtime.rounds`)."""
        ...


class Call(Protocol):
    """A call that can be ended."""

    def hang_up(self, reason: str) -> None:
        """End it."""
        ...


def _nobody(session_id: str) -> Resumable | None:  # noqa: ARG001 - the shape of `revive`
    return None


@dataclass(slots=True)
class Directory:
    """The running conversations of this process."""

    limits: Limits
    is_draining: bool = False
    overload: Overload | None = None
    """The rule that refuses early; None where nobody samples the load."""
    express: Express | None = None
    """What reads the sockets of conversations, compiled; None where the way is through Python."""
    descriptors: Descriptors | None = None
    """The process's file descriptors; None where nobody counts them."""
    is_outage: Callable[[], bool] = lambda: False
    """Whether no upstream can be reached: then nobody begins."""
    revive: Callable[[str], Resumable | None] = _nobody
    """Takes up a session that another process left in the journal."""
    session_core: Callable[[Surroundings], Session] = Session
    """Makes the core of a session of the browser protocol: one that is recorded, where a recorder is."""
    relay_core: Callable[[RelaySurroundings], Relay] = Relay
    """The same of a relayed conversation."""
    watches: Watches = field(default_factory=Watches)
    """Who is told what is seen of the conversations."""
    purse: Purse | None = None
    """What customers may still spend; None where nobody counts."""
    listening: Listening | None = None
    """Who listens whether an upstream hears what is said; None: nobody does."""
    recordings: Recordings | None = None
    """Who records the sound of those that agreed to it; None: nobody does."""
    journal_cause: Fault | None = None
    """Why nothing is written at the moment; None while all is well."""
    parting: Callable[[Running], None] = lambda _: None
    """Hears of each that has ended, once, while it still knows everything."""
    refused: Counter[str] = field(default_factory=Counter)
    """How many were not let in, by the fault that they were told."""
    resumption: Resumption = field(init=False)
    calls: dict[str, Call] = field(default_factory=dict)
    """Calls over WebRTC that we hold, by the provider's id."""
    _running: dict[Running, tuple[str, str]] = field(default_factory=dict)
    _by_peer: Counter[str] = field(default_factory=Counter)
    _by_user: Counter[str] = field(default_factory=Counter)
    _by_id: dict[str, Resumable] = field(default_factory=dict)
    _ids: dict[Running, str] = field(default_factory=dict)
    _since: dict[Running, float] = field(default_factory=dict)
    _emptied: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.resumption = Resumption(self.find)

    def __len__(self) -> int:
        return len(self._running)

    @property
    def running(self) -> tuple[Running, ...]:
        """Everything that runs."""
        return tuple(self._running)

    def refusal(self, peer: str, user: str) -> Fault | None:
        """As `judged`, and it is counted."""
        refused = self.judged(peer, user)
        if refused is not None:
            self.refused[refused.code] += 1
        return refused

    def judged(self, peer: str, user: str) -> Fault | None:
        """Why one more from this address and for this customer may not begin now; None when it may.

        A parked session gives way to a new one of the same customer: who reloads a page five times is not
        locked out. It does so when the new one asks for a session (`name`), for it may be that very session
        that the client comes back to.
        """
        if self.is_draining:
            return fault("gateway.draining")
        full = self._full(peer, user, 0)
        if full is not None and self._parked(*full[1:]) is None:
            return full[0]
        if self.descriptors is not None and (few := self.descriptors.refusal()) is not None:
            return few
        if self.overload is not None and len(self._running) >= self.limits.overload_from_sessions:
            begins = not self.is_outage()
            busy = self.overload.refusal(asyncio.get_running_loop().time(), begins=begins)
            if busy is not None:
                return busy
        if self.descriptors is not None:
            self.descriptors.admitted()
        return None

    def _full(self, peer: str, user: str, beyond: int) -> tuple[Fault, str | None, str | None] | None:
        """The first limit that is passed by more than `beyond`, and whose sessions count for it."""
        limits = self.limits
        if len(self._running) >= limits.sessions + beyond:
            return fault("gateway.overloaded", [f"{len(self._running)} sessions"]), None, None
        if self._by_peer[peer] >= limits.sessions_per_ip + beyond:
            return (
                fault("application.rate_limited", [f"sessions_per_ip {limits.sessions_per_ip}"]),
                peer,
                None,
            )
        if user and self._by_user[user] >= limits.sessions_per_user + beyond:
            evidence = [f"sessions_per_user {limits.sessions_per_user}"]
            return fault("application.rate_limited", evidence), None, user
        return None

    def _parked(self, peer: str | None = None, user: str | None = None) -> Running | None:
        """The session that was parked first, of this address or customer where one is given."""
        for one, (its_peer, its_user) in self._running.items():
            if one.is_parked and peer in {None, its_peer} and user in {None, its_user}:
                return one
        return None

    def close_parked(self) -> bool:
        """End the session that was parked first; False when there is none."""
        oldest = self._parked()
        if oldest is not None:
            oldest.give_way()
        return oldest is not None

    def shed(self) -> None:
        """Memory runs short: who is parked lets go what can be had again."""
        for one in list(self._running):
            if one.is_parked:
                one.shed()

    def enter(self, one: Running, peer: str, user: str) -> None:
        """It runs. An empty `user` is not counted by customer."""
        self._running[one] = (peer, user)
        self._since[one] = asyncio.get_running_loop().time()
        self._by_peer[peer] += 1
        self._by_user[user] += 1

    def name(self, one: Running, session_id: str, resumable: Resumable) -> None:
        """Its session has an id, by which a client may find it again."""
        self.make_room(one)
        self._by_id[session_id] = resumable
        self._ids[one] = session_id
        if self.journal_cause is not None:  # when it has told its client that it exists
            asyncio.get_running_loop().call_soon(self._tell_of_journal, resumable)

    def make_room(self, one: Running) -> None:
        """It has a session now: of too many, the one that was parked first gives way."""
        full = self._full(*self._running.get(one, ("", "")), 1)
        if full is not None and (oldest := self._parked(*full[1:])) is not None:
            oldest.give_way()

    def _tell_of_journal(self, one: Resumable) -> None:
        one.journal_changed(self.journal_cause)

    def spent_by(self, customer_id: str) -> Fault | None:
        """Why no session may begin for this customer: nothing is left to be spent."""
        return None if self.purse is None else self.purse.refusal(customer_id)

    def budget_spent(self, session_id: str, cause: Fault) -> None:
        """Nothing more may be spent on this session, if it still runs."""
        found = next((one for one in self._running if one.session_id == session_id), None)
        if found is not None:
            found.budget_spent(cause)

    def find(self, session_id: str) -> Resumable | None:
        """The session with this id: running here, or left behind by another process."""
        return self._by_id.get(session_id) or self.revive(session_id)

    def id_of(self, one: Running) -> str:
        """The id of its session; empty before it has one."""
        return self._ids.get(one, "")

    def noticed(self, one: Running) -> None:
        """Its client has left, or is back."""

    def leave(self, one: Running) -> None:
        """It has ended. Twice is harmless."""
        entry = self._running.pop(one, None)
        if entry is None:
            return
        self.parting(one)
        self._by_id.pop(self._ids.pop(one, ""), None)
        lasted_s = asyncio.get_running_loop().time() - self._since.pop(one)
        if self.overload is not None:
            self.overload.ended(lasted_s)
        for counter, key in ((self._by_peer, entry[0]), (self._by_user, entry[1])):
            counter[key] -= 1
            if counter[key] <= 0:
                del counter[key]
        if not self._running:
            self._emptied.set()

    async def emptied(self) -> None:
        """Wait until nothing runs."""
        if self._running:
            self._emptied.clear()
            await self._emptied.wait()

    def drain(self, *, at_once: bool = False) -> None:
        """Take no more and tell all."""
        self.is_draining = True
        for one in list(self._running):
            one.drain(at_once=at_once)

    def journal_changed(self, cause: Fault | None) -> None:
        """The store stumbles, or is well again: every session that is kept there hears of it, also one that
        begins meanwhile.
        """
        self.journal_cause = cause
        for one in list(self._by_id.values()):
            one.journal_changed(cause)
