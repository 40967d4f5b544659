"""What a process needs to run conversations, put together from settings; one, or one for each worker.

What lives here: upstreams, directory, journal, host and the watch over the load, built and opened in order.
What never will: the port, pages, admission (`app`), behaviour.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final

import structlog

from holdfast import readings
from holdfast.accounts import Books, Caps, PriceTable, own_prices, rows_of
from holdfast.config import Settings, UpstreamSettings
from holdfast.core.faults import fault
from holdfast.core.joining import Joining
from holdfast.core.overload import LoadSample, Overload
from holdfast.engine.ears import Ears
from holdfast.express import express
from holdfast.flight import Recorder
from holdfast.keeping import keep_sound, keep_words
from holdfast.ledger import Ledger
from holdfast.portal import GREETING, Portal, PortalError, instructions
from holdfast.ports import Principal, UpstreamDialer
from holdfast.ports.charges import NANOS_PER_USD, Charges
from holdfast.ports.journal import Healthy, Journal, JournalState
from holdfast.providers.local import EngineDoor, LocalDialer, engine_options
from holdfast.providers.remote import remote_dialer
from holdfast.providers.warm import WarmDialer
from holdfast.readings import Figures
from holdfast.recording import TakenAlong, recorder_of
from holdfast.runtime.assistant import Assistant
from holdfast.runtime.descriptors import Descriptors
from holdfast.runtime.directory import Directory
from holdfast.runtime.joiner import Joiner
from holdfast.runtime.listening import Listening
from holdfast.runtime.load import LoadWatch
from holdfast.runtime.rehearsal import Refusing, RehearsedDialer
from holdfast.runtime.revival import Revival
from holdfast.runtime.rounds import Rounds
from holdfast.runtime.upstreams import Upstreams
from holdfast.server.console import Keeper
from holdfast.server.host import Host
from holdfast.sound import StereoRecordings
from holdfast.store import (
    RUN_AS_ITS_USER,
    Database,
    JournalOptions,
    MemoryCharges,
    MemoryJournal,
    SpentElsewhere,
    SqliteCharges,
    SqliteJournal,
    SqliteTranscripts,
    StoreRefusedError,
    Visit,
    take_over,
)
from holdfast.telemetry import kept_lines
from holdfast.telemetry.identity import Pseudonyms
from holdfast.transcripts import Archive

log = structlog.get_logger()

DAY_S: Final = 86_400.0
_MARK: Final = ".worker-"
"""Between the journal's name and a worker's number."""


class GatewayError(Exception):
    """The gateway cannot start: what, why, fix."""

    def __init__(self, what: str, why: str, fix: str) -> None:
        super().__init__(what)
        self.what, self.why, self.fix = what, why, fix


@dataclass(frozen=True, slots=True)
class Place:
    """Which of how many processes this is, from 0."""

    number: int = 0
    of: int = 1

    def journal(self, path: Path) -> Path:
        """Its journal's file. The first has the one that a single process would have."""
        return path if self.number == 0 else path.with_stem(f"{path.stem}{_MARK}{self.number + 1}")

    @staticmethod
    def files(path: Path) -> list[Path]:
        """The journals' files of all places that there are or were. Raises StoreRefusedError where they may
        not be looked for.
        """
        try:
            return [one for one in (path, *Place().left_over(path)) if one.exists()]
        except OSError as error:
            what = f"{path.parent} is out of this user's reach: {error.strerror}."
            raise StoreRefusedError("unusable", what, RUN_AS_ITS_USER) from None

    def left_over(self, path: Path) -> list[Path]:
        """Files of places that are no more, when there were more of them: each is taken over by one."""
        found = {one: _number(one, path) for one in path.parent.glob(f"{path.stem}{_MARK}*{path.suffix}")}
        return sorted(
            one
            for one, number in found.items()
            if number is not None and number >= self.of and number % self.of == self.number
        )

    def others(self, path: Path) -> list[Path]:
        """The journals of the other processes, also of those that are no more."""
        every = {Place(at).journal(path) for at in range(self.of)} | set(Place().left_over(path))
        return sorted(every - {self.journal(path)})

    def share(self, number: int) -> int:
        """Its part of what is meant for all; of something at least one."""
        return -(-number // self.of)


def _number(path: Path, first: Path) -> int | None:
    text = path.stem.removeprefix(f"{first.stem}{_MARK}")
    return int(text) - 1 if text.isascii() and text.isdigit() and int(text) > 1 else None


@dataclass(slots=True)
class Node:
    """Everything that conversations share within a process."""

    settings: Settings
    directory: Directory
    place: Place = Place()
    warm: list[WarmDialer] = field(default_factory=list)
    refusing: Refusing = field(default_factory=Refusing)
    upstreams: Upstreams = field(init=False)
    journal: Journal = field(init=False)
    database: Database | None = None
    """None where nothing is kept."""
    books: Books = field(init=False)
    transcripts: SqliteTranscripts | None = None
    recorder: Recorder | None = field(init=False, default=None)
    """The flight recorder, unless it is switched off."""
    recordings: StereoRecordings | None = None
    revival: Revival = field(init=False)
    host: Host = field(init=False)
    figures: Figures = field(init=False)
    keeper: Keeper = field(init=False)
    """Of the book that the console reads."""

    async def open(
        self,
        portal: Portal,
        engine: EngineDoor | None,
        stack: contextlib.AsyncExitStack,
        sampled: Callable[[LoadSample], None] = lambda _: None,
    ) -> None:
        """Ready for conversations until `stack` is closed. Raises GatewayError."""
        settings, limits, directory = self.settings, self.settings.limits, self.directory
        dialers = await self._dialers(engine, stack)
        self.upstreams = upstreams = upstreams_of(dialers, settings)
        directory.is_outage = self.upstreams.is_outage
        overload = directory.overload = Overload(few=limits.overload_from_sessions)
        directory.descriptors = Descriptors.of(limits)
        if settings.server.express and (fast := express()) is not None:
            stack.callback(fast.close)
            directory.express = fast
        self.recorder = recorder = recorder_of(settings, directory, stack)
        assistant = assistant_of(settings, portal)
        self.figures = figures = figures_of(directory, settings, assistant)
        self._keep_book(stack)
        self.journal = journal = await self._journal(stack)
        await self._books(stack)
        left_over = self.place.left_over(settings.journal.database)
        self.transcripts = await keep_words(settings, directory, self.database, left_over, stack)
        self.recordings = keep_sound(settings, directory, self.database, stack)
        now = asyncio.get_running_loop().time
        figures.rooms.append(lambda _: readings.of_upstreams(upstreams, self.warm, now()))
        figures.rooms.append(lambda uses: readings.of_journal(journal, uses))
        figures.rooms.append(lambda uses: readings.of_books(self.books, uses))
        if settings.traces.endpoint:
            self._trace(stack)
        if (kept := self.transcripts) is not None:
            figures.rooms.append(lambda uses: readings.of_transcripts(kept, uses))
        if recorder is not None:
            figures.rooms.append(lambda uses: readings.of_recorder(recorder, uses))
        if (sound := self.recordings) is not None:
            figures.rooms.append(lambda uses: readings.of_sound(sound, uses))
        self.host = Host(self.upstreams, directory, assistant, limits, self.journal)
        self.revival = Revival(directory, self.upstreams, assistant, limits, self.journal)
        await self.revival.load()
        listeners = [sampled, figures.heard, self.keeper.sampled]
        if directory.express is not None:
            listeners.append(Joiner(Joining(limits.append_join_ms), directory.express.join).heard)

        def heard(sample: LoadSample) -> None:
            for listener in listeners:
                listener(sample)

        load = LoadWatch(
            overload,
            lambda: len(directory),
            self._shed,
            directory.close_parked,
            sampled=heard,
            processes=self.place.of,
        )
        load.start()
        stack.callback(load.stop)
        directory.listening = listening = Listening(Ears.of(engine_options(settings.engine)), limits)
        stack.callback(listening.stop)
        figures.rooms.append(lambda _: readings.of_listening(listening))
        rounds = Rounds(lambda: directory.running, lambda one: one.visit())
        rounds.start()
        stack.callback(rounds.stop)

    def _keep_book(self, stack: contextlib.AsyncExitStack) -> None:
        """Sessions are watched for the console from the first one on."""
        shown = self.settings.console.show_customers
        kept_lines.begin(self.settings.limits.console_log_lines)
        at = asyncio.get_running_loop().time()
        ledger = Ledger(self.settings.limits, wall_s=time.time(), at=at, show_customers=shown)
        self.directory.watches.add(ledger)
        self.figures.rooms.append(lambda uses: readings.of_ledger(ledger, uses))
        recordings = None if self.recorder is None else TakenAlong(self.recorder, self.settings)
        self.keeper = Keeper(ledger, self.directory, recordings)
        self.keeper.start()
        stack.callback(self.keeper.stop)

    def _trace(self, stack: contextlib.AsyncExitStack) -> None:
        from holdfast.telemetry.traces import Traces, TracesOptions  # noqa: PLC0415 - its libraries are an extra

        settings = self.settings.traces
        options = TracesOptions(
            settings.endpoint,
            settings.header_fields,
            settings.share,
            readings.version(),
            str(self.place.number + 1),
        )
        traces = Traces(options, Pseudonyms(self.settings.pseudonym_key))
        stack.push_async_callback(traces.close)
        self.directory.watches.add(traces)
        self.figures.rooms.append(lambda _: readings.of_spans(traces.counts))

    async def _dialers(
        self, engine: EngineDoor | None, stack: contextlib.AsyncExitStack
    ) -> list[UpstreamDialer]:
        dialers: list[UpstreamDialer] = []
        for one in self.settings.upstream:
            dialer = dialer_of(one, self.settings, engine)
            if one.warm:
                dialer = warm = WarmDialer(dialer, self.place.share(one.warm))
                self.warm.append(warm)
                await stack.enter_async_context(warm.running())
            if self.settings.server.chaos:
                dialer = RehearsedDialer(dialer, self.refusing)
            dialers.append(dialer)
        return dialers

    async def _journal(self, stack: contextlib.AsyncExitStack) -> Journal:
        settings, limits = self.settings.journal, self.settings.limits
        options = JournalOptions(
            window_s=limits.resume_window_s,
            spool_lines_max=limits.journal_spool_lines,
            spool_bytes_max=limits.journal_spool_bytes,
            close_s=limits.journal_close_s,
        )
        if settings.kind == "memory":
            journal: Journal = MemoryJournal(options)
        else:
            self.database = Database(self.place.journal(settings.database))
            stack.push_async_callback(self.database.close)
            journal = SqliteJournal(self.database, options)
        try:
            await journal.start(self._journal_changed)
        except StoreRefusedError as error:
            what = "the journal's database can't be used."
            raise GatewayError(what, error.message, error.remedy) from error
        stack.push_async_callback(journal.close)
        if settings.kind != "memory":
            for path in self.place.left_over(settings.database):
                await take_over(path, journal, options)
        return journal

    async def _books(self, stack: contextlib.AsyncExitStack) -> None:
        """Who counts what conversations cost, and what may still be spent."""
        settings, limits, directory = self.settings, self.settings.limits, self.directory
        charges: Charges = MemoryCharges()
        others: list[Path] = []
        if self.database is not None:
            path, limit, days = settings.journal.database, limits.charges_waiting, settings.budget.keep_days
            others = self.place.others(path)
            charges = SqliteCharges(self.database, limit, days, left_over=self.place.left_over(path))
            charges.start()
        stack.push_async_callback(charges.close)
        elsewhere = SpentElsewhere(others)

        async def spent_elsewhere_since(since: float) -> Mapping[str, int]:
            return await asyncio.to_thread(elsewhere, since)

        ledger, now, prices = self.keeper.ledger, time.time(), price_table(settings)
        ledger.purse.begin(sum((await charges.spent(now // DAY_S * DAY_S) or {}).values()), now)
        self.books = Books(
            prices,
            charges,
            caps=caps_of(settings),
            end=directory.budget_spent,
            customers_max=limits.budget_customers,
            others=spent_elsewhere_since if others else None,
            told=ledger.charged,
        )
        await self.books.open()
        _name_unpriced(settings, prices)
        stack.callback(self.books.close)
        directory.watches.add(self.books)
        directory.purse = self.books

    def _journal_changed(self, state: JournalState) -> None:
        cause = None if isinstance(state, Healthy) else fault("store.journal_unavailable", [str(state.cause)])
        self.directory.journal_changed(cause)

    def _shed(self) -> None:
        """Memory runs short: let go what can be had again."""
        for warm in self.warm:
            warm.shed()
        self.directory.shed()


def price_table(settings: Settings) -> PriceTable:
    """What upstreams cost: the operator's rows before the package's."""
    return PriceTable(own_prices(), rows_of(one.model_dump(exclude_none=True) for one in settings.price))


def _name_unpriced(settings: Settings, prices: PriceTable) -> None:
    """What is not known is said at the start, not found on an invoice."""
    today = datetime.now(UTC).date()
    for one in settings.upstream:
        if one.kind != "local" and prices.find(one.model, today) is None:
            facts = {"upstream": one.name, "model": one.model}
            log.warning("cost.no_price", category="budget", source="accounts", **facts)


def caps_of(settings: Settings) -> Caps:
    """What may be spent."""
    budget = settings.budget

    def nanos(dollars: Decimal | None) -> int | None:
        return None if dollars is None else int(dollars * NANOS_PER_USD)

    return Caps(
        nanos(budget.session_usd),
        nanos(budget.customer_usd_per_day),
        nanos(budget.total_usd_per_day),
        None if budget.session_minutes is None else budget.session_minutes * 60,
        budget.warn_at,
    )


def archive_of(settings: Settings) -> Archive:
    """The transcripts of all processes behind the port, whether they run or not."""
    return Archive([Visit(path) for path in Place.files(settings.journal.database)])


async def open_portal(settings: Settings) -> Portal:
    """The demo portal. Raises GatewayError."""
    try:
        return await Portal.open(settings.portal.database, limits=settings.limits)
    except PortalError as error:
        raise GatewayError("the portal's database can't be used.", error.message, error.remedy) from error


def dialer_of(upstream: UpstreamSettings, settings: Settings, engine: EngineDoor | None) -> UpstreamDialer:
    """How this upstream is reached."""
    if upstream.kind != "local":
        return remote_dialer(upstream, settings.limits)
    assert engine is not None, "an upstream of kind local has an engine"
    return LocalDialer(upstream.name, engine, settings.engine.voice, settings.limits)


def upstreams_of(dialers: Sequence[UpstreamDialer], settings: Settings) -> Upstreams:
    """They stand as the settings have them."""
    return Upstreams.of(dialers, settings.limits, [one.workarounds for one in settings.upstream])


def figures_of(directory: Directory, settings: Settings, assistant: Assistant) -> Figures:
    """Figures of the conversations in `directory`, and of the process."""
    tools = [str(one["name"]) for one in assistant.toolbox.definitions()]
    told = {"upstream": [one.name for one in settings.upstream], "tool": tools}
    is_watching = settings.metrics.access != "off"
    return Figures(directory, settings.limits, told, is_watching=is_watching)


def assistant_of(settings: Settings, portal: Portal) -> Assistant:
    """The application behind the sessions."""
    may_wish = settings.client_instructions

    def for_customer(who: Principal, wishes: str | None) -> str:
        return instructions(who.customer_name, wishes=(wishes or "") if may_wish else "")

    return Assistant(GREETING, for_customer, portal.toolbox)
