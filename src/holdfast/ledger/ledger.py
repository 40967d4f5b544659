"""The sessions of this process, as the console shows them: live ones, and those that ended lately.

What lives here: accounts by id, what has changed since a cursor, faults and turns of all in order; bounds.
What never will: clocks, tasks, sockets; merging processes (`board`).

A sighting marks its account as changed; rows are judged when somebody asks for changes, so that nothing is
spent on words that nobody reads.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from typing import Any, Final, Literal

import msgspec

from holdfast.core.audio import SAMPLE_RATE_HZ
from holdfast.core.limits import Limits
from holdfast.ledger.account import Account, Met
from holdfast.ledger.attention import Look, again_at, judge
from holdfast.ledger.climate import Climate
from holdfast.ledger.health import network_of, strip
from holdfast.ledger.purse import Purse, Spent
from holdfast.ledger.reading import BOOKS, read
from holdfast.ledger.shapes import Batch, FaultSeen, FaultTold, Flow, Row, TurnSample, masked, told
from holdfast.ledger.turns import Turn
from holdfast.ports import sightings as seen
from holdfast.ports.charges import NANOS_PER_USD, Charge
from holdfast.ports.sightings import Watched

TURNS_KEPT: Final = 2_000
"""Samples of turns that a console which opens late is told."""


_UNSHOWN: Final = frozenset({seen.WordsOfUser, seen.WordsOfAssistant})
"""Lines of a timeline that change nothing in a row; a typed turn is followed by its answer."""


class Ledger:
    """Fills the port `Watch`. `wall_s` and `at` are the same moment on the wall's clock and the loop's."""

    def __init__(self, limits: Limits, *, wall_s: float, at: float, show_customers: bool = False) -> None:
        self._limits = limits
        self._wall = wall_s - at
        self._show_customers = show_customers
        self._accounts: dict[str, Account] = {}
        self._ended: OrderedDict[str, Account] = OrderedDict()
        self._changed: OrderedDict[str, int] = OrderedDict()
        """Accounts by the version of their last change, the newest at the end."""
        self._gone: deque[tuple[int, str]] = deque()
        self._faults: deque[tuple[int, FaultSeen]] = deque()
        self._turns: deque[tuple[int, TurnSample]] = deque()
        self._version = 0
        self._forgotten = 0
        """A cursor below this one has missed something."""
        self._fault_id = 0
        self._climate = Climate()
        self.purse = Purse()
        self.refused = 0
        """Sessions that were not followed, because there was no room."""

    def __len__(self) -> int:
        return len(self._accounts)

    @property
    def live(self) -> int:
        """Sessions that go on."""
        return len(self._accounts) - len(self._ended)

    def fill(self) -> Iterator[tuple[str, int]]:
        """How much is in each buffer, by the name of its bound."""
        yield "console_sessions", self.live
        yield "console_ended", len(self._ended)
        yield "console_faults", len(self._faults)
        for account in self._accounts.values():
            yield "console_entries", len(account.entries)
            yield "console_turns", len(account.turns)
            yield "console_faults_of_session", len(account.faults_kept)

    # what is seen

    @property
    def sees(self) -> Collection[type | str]:
        """See `Watch`."""
        return BOOKS.keys()

    def saw(self, session: Watched, sighting: seen.Sighting, at: float) -> None:
        """See `Watch`."""
        account, kind = self._accounts.get(session.id), type(sighting)
        if account is None or (kind is seen.Began and account.ended is not None):
            # One that had ended begins anew when its session was taken up again.
            account = self._open(session, at)
            if account is None:
                return
        faults = account.faults
        if isinstance(sighting, seen.FirstSound | seen.SilenceHeard):
            self._sounds(account, sighting, at)
        else:
            read(account, sighting, at)
        if account.faults != faults:
            self._met(account)
        if isinstance(sighting, seen.Ended):
            if sighting.fault is not None and account.faults == faults:
                self._was_its_end(account)
            self._ends(account)
        if kind not in _UNSHOWN:
            self._touch(account)

    def _sounds(self, account: Account, sighting: seen.FirstSound | seen.SilenceHeard, at: float) -> None:
        """Something was heard: it may be known by now how long the user waited for it."""
        is_first = isinstance(sighting, seen.FirstSound)
        turn = account.turn if is_first else account.turn_heard(sighting.item_id)
        before = None if turn is None else (turn.sounded, turn.is_heard)
        read(account, sighting, at)
        if turn is not None and (turn.sounded, turn.is_heard) != before:
            self._waited(account, turn, at)

    def _open(self, session: Watched, at: float) -> Account | None:
        if session.id not in self._accounts and self.live >= self._limits.console_sessions:
            self.refused += 1
            return None
        self._ended.pop(session.id, None)
        customer = session.customer_id if self._show_customers else masked(session.customer_id)
        account = self._accounts[session.id] = Account(session, customer, at, self._limits)
        return account

    def _ends(self, account: Account) -> None:
        self._ended[account.id] = account
        while len(self._ended) > self._limits.console_ended:
            gone, _ = self._ended.popitem(last=False)
            del self._accounts[gone]
            self._changed.pop(gone, None)
            self._version += 1
            self._keep(self._gone, gone, self._limits.console_ended)

    def _met(self, account: Account) -> None:
        met = account.faults_kept[-1]
        fault = met.fault
        self._fault_id += 1
        self._version += 1
        one = FaultSeen(
            id=self._fault_id,
            at=self.wall_ms(met.at),
            session=account.id,
            source=account.source,
            customer=account.customer,
            code=fault.code,
            party=str(fault.row.party),
            message=fault.row.message,
            remedy=fault.row.remedy,
            evidence=fault.evidence,
            upstream=account.upstream.name,
            ended=met.ended,
        )
        self._keep(self._faults, one, self._limits.console_faults)

    def _was_its_end(self, account: Account) -> None:
        """What it ended of was met in the same step, so nobody has been told of it yet."""
        for place in reversed(range(len(self._faults))):
            version, one = self._faults[place]
            if one.session == account.id:
                self._faults[place] = version, msgspec.structs.replace(one, ended=True)
                return

    def _waited(self, account: Account, turn: Turn, at: float) -> None:
        if turn.segments:
            self._version += 1
            side: Literal["server", "browser"] = "browser" if turn.is_heard else "server"
            sample = TurnSample(self.wall_ms(at), account.id, turn.n, turn.segments, side)
            self._keep(self._turns, sample, TURNS_KEPT)

    def _keep(self, kept: deque[tuple[int, Any]], one: Any, most: int) -> None:
        """Remember, with its version; a cursor that missed what goes for it has missed something."""
        kept.append((self._version, one))
        if len(kept) > most:
            version, _ = kept.popleft()
            if kept is self._gone:
                self._forgotten = max(self._forgotten, version)

    def _touch(self, account: Account) -> None:
        self._version += 1
        account.version = self._version
        self._changed[account.id] = self._version
        self._changed.move_to_end(account.id)

    # what others add

    def charged(self, charge: Charge) -> None:
        """Something was billed, or what was billed is corrected."""
        now, was = self.purse.take(charge)
        account = self._accounts.get(charge.session_id)
        if account is None:
            return
        account.cost = account.cost or Spent()
        account.cost.add(was, -1)
        account.cost.add(now)
        turn = next((one for one in account.turns if charge.thing_id in one.response_ids), None)
        if turn is not None:
            turn.cost_usd = (turn.cost_usd or 0.0) + (now.cost - was.cost) / NANOS_PER_USD
        self._touch(account)

    # time passes

    def look(self, at: float, climate: Climate) -> None:
        """About once a second: how the process is, whose judgement is due."""
        if climate.light != self._climate.light:
            for account in self._accounts.values():
                if account.is_live:
                    self._touch(account)
        self._climate = climate
        for account in self._accounts.values():
            if account.due <= at:
                self._touch(account)
                account.due = again_at(account, at)

    def flowed(self, at: float, flow: Flow) -> None:
        """About once a second for each session: whether its audio flows."""
        a = self._accounts.get(flow.session)
        if a is None or not a.is_live:
            return
        came, went = flow.came, flow.went
        comes, goes = came > a.in_samples, went > a.out_samples
        if comes or goes or flow.held:
            new = max(0, came - a.in_samples), max(0, went - a.out_samples)
            a.hear(a.ms(at), *new, flow.held)
        before = network_of(a.trip_ms), a.silent_since is None
        a.rtt_ms = a.rtt_ms if flow.rtt_ms is None else flow.rtt_ms
        if comes:
            a.silent_since = (a.silent_since or at) if flow.is_silent else None
        is_new = before != (network_of(a.trip_ms), a.silent_since is None)
        did_come, did_go = _is_now(a.last_in, a.levels_at), _is_now(a.last_out, a.levels_at)
        a.in_samples, a.out_samples, a.levels_at = came, went, at
        if comes:
            a.last_in = at
        if goes:
            a.last_out = at
        if is_new or comes != did_come or goes != did_go:
            self._touch(a)

    # what is told

    def wall_ms(self, at: float) -> int:
        """A time of the loop, in ms since 1970."""
        return round((at + self._wall) * 1000)

    def collect(self, cursor: int, at: float) -> Batch:
        """What happened after `cursor`, or everything where that is not known any more."""
        is_whole = cursor <= 0 or cursor < self._forgotten or cursor > self._version
        since = 0 if is_whole else cursor
        news_since = cursor if 0 < cursor <= self._version else 0
        rows: list[Row] = []
        for session_id in reversed(self._changed):
            if self._changed[session_id] <= since:
                break
            rows.append(self._row(self._accounts[session_id], at))
        return Batch(
            self._version,
            is_whole,
            tuple(reversed(rows)),
            _after(self._gone, since),
            _after(self._faults, news_since),
            _after(self._turns, news_since),
            self.purse.money(at + self._wall),
        )

    def _row(self, a: Account, at: float) -> Row:
        a.due = again_at(a, at)
        attention, why = judge(Look(a, at, self._clock))
        newest = a.faults_kept[-1] if a.faults_kept else None
        return Row(
            id=a.id,
            source=a.source,
            customer=a.customer,
            upstream=a.upstream,
            state=a.state,
            phase=a.phase,
            began_at=self.wall_ms(a.began),
            ended_at=None if a.ended is None else self.wall_ms(a.ended),
            turns=a.turn_count,
            attention=attention,
            why=why,
            health=strip(a, at, self._climate.light),
            last_in_ms=_age(a.last_in, a.levels_at, at),
            last_out_ms=_age(a.last_out, a.levels_at, at),
            silence_ms=None if a.waited_ms is None else round(a.waited_ms),
            cost_usd=None if a.cost is None else a.cost.cost / NANOS_PER_USD,
            faults=a.faults,
            last_fault=None if newest is None else self._told(newest),
        )

    def _told(self, met: Met) -> FaultTold:
        return told(met.fault, self.wall_ms(met.at))

    def _clock(self, at: float) -> str:
        return datetime.fromtimestamp(at + self._wall, UTC).strftime("%H:%M:%S UTC")

    def document(self, session_id: str, at: float) -> dict[str, Any] | None:
        """Everything that is known of a session; None of one that is not known (any more). Who has
        nothing but a provider's id of it, as its support or a client's own log names it, finds it by that.
        """
        accounts = self._accounts
        by_provider = (one for one in accounts.values() if session_id in one.provider_sessions)
        a = accounts.get(session_id) or next(by_provider, None)
        if a is None:
            return None
        return {
            "at": self.wall_ms(at),
            "row": msgspec.to_builtins(self._row(a, at)),
            "timeline": [msgspec.to_builtins(line.told()) for line in a.entries],
            "truncated": bool(a.entries) and a.entries[0].n > 0,
            "turns": [turn.as_object(a.began) for turn in a.turns],
            "faults": [
                {
                    **msgspec.to_builtins(self._told(met)),
                    "t_ms": a.ms(met.at),
                    "moment": met.moment,
                    "ended": met.ended,
                }
                for met in a.faults_kept
            ],
            "levels": [
                {
                    "t_ms": t,
                    "in": round(came / SAMPLE_RATE_HZ, 2),
                    "out": round(went / SAMPLE_RATE_HZ, 2),
                    "held_ms": round(held * 1000 / SAMPLE_RATE_HZ),
                }
                for t, came, went, held in a.levels or ()
            ],
            "providerSessions": list(a.provider_sessions),
            "report": {
                **a.report,
                "silentMs": round(a.silent_s(at if a.ended is None else a.ended) * 1000),
                "rttMs": round(a.trip_ms, 1),
            },
            "cost": None if a.cost is None else a.cost.as_object(),
            "mode": a.mode,
            "lostSamples": a.losses,
            "endReason": a.end_reason or None,
        }


def _is_now(last: float | None, looked: float) -> bool:
    return last is not None and last >= looked


def _age(last: float | None, looked: float, at: float) -> int | None:
    """0 while it flows."""
    if last is None:
        return None
    return 0 if last >= looked else max(1, round((at - last) * 1000))


def _after(kept: deque[tuple[int, Any]], since: int) -> tuple[Any, ...]:
    found = []
    for version, one in reversed(kept):
        if version <= since:
            break
        found.append(one)
    return tuple(reversed(found))
