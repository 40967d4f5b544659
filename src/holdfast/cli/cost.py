"""`holdfast cost`: what conversations cost, from the database that the gateway writes.

What lives here: the command: which files, which span, the table. What never will: prices, sums (the store's).
"""

from __future__ import annotations

import csv
import json
import re
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Final

import typer
from sqlalchemy import Connection

from holdfast.accounts import PriceTable
from holdfast.cli.errors import Exit, fail
from holdfast.config import ConfigError, load
from holdfast.config.keeping import JournalSettings
from holdfast.node import Place, price_table
from holdfast.ports.charges import NANOS_PER_USD, Charge, Sum, merged
from holdfast.store import (
    StoreRefusedError,
    StoreUnavailableError,
    charges_of,
    look_into,
    sums,
    unknown_models,
)

EXAMPLES = """
Examples:

  holdfast cost

  holdfast cost --since 24h --by session

  holdfast cost --since 2026-11-01 --by day --csv

  holdfast cost --by customer --json

  holdfast cost --session hf_0f3a...
"""

_SPAN: Final = re.compile(r"(\d{1,5})([hd])")
_SPAN_S: Final = {"h": 3_600, "d": 86_400}


class By(StrEnum):
    SESSION = "session"
    CUSTOMER = "customer"
    MODEL = "model"
    DAY = "day"


class Form(StrEnum):
    TEXT = "text"
    JSON = "json"
    CSV = "csv"


@dataclass(frozen=True, slots=True)
class Bill:
    """What is told."""

    since: float
    by: str
    groups: list[Sum]
    all: Sum
    unknown: list[str]


def cost(
    since: Annotated[str, typer.Option(help="From when on: 24h, 30d, or a date (UTC).")] = "30d",
    by: Annotated[By, typer.Option(help="What is added up.")] = By.MODEL,
    session: Annotated[str, typer.Option(help="Every charge of this session, whenever it was.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
) -> None:
    """What conversations cost, and how much of that was told again to a fresh upstream or heard by nobody."""
    form = Form.JSON if as_json else Form.CSV if as_csv else Form.TEXT
    begin = _begin(since, as_json=as_json)
    try:
        settings = load()
    except ConfigError as error:
        fail("the settings can't be used.", error.render(), "See each fix above.", as_json=as_json)
    with _opened(settings.journal, as_json=as_json) as files:
        if session:
            _tell_charges(files, session, form)
        else:
            _TELL[form](_added(files, begin, by), price_table(settings))


def _begin(since: str, *, as_json: bool) -> float:
    if (span := _SPAN.fullmatch(since)) is not None:
        return time.time() - int(span[1]) * _SPAN_S[span[2]]
    try:
        when = datetime.fromisoformat(since)
    except ValueError:
        why = "It is neither a span such as 24h or 30d nor a date such as 2026-11-01."
        fix = "Write --since 24h, --since 30d or --since 2026-11-01."
        fail(f"--since {since!r} is not understood.", why, fix, exit_code=Exit.WRONG_USE, as_json=as_json)
    return (when if when.tzinfo is not None else when.replace(tzinfo=UTC)).timestamp()


@contextmanager
def _opened(journal: JournalSettings, *, as_json: bool) -> Iterator[list[Connection]]:
    if journal.kind == "memory":
        why = '[journal] kind is "memory": nothing outlives the process.'
        fail("nothing is kept that could be added up.", why, 'Set kind = "sqlite".', as_json=as_json)
    try:
        paths = Place.files(journal.database)
    except StoreRefusedError as error:
        fail("the database can't be read.", error.message, error.remedy, as_json=as_json)
    if not paths:
        why = f"There is no {journal.database}: no gateway has run here with these settings."
        fail("there is nothing to add up.", why, "Run it where `holdfast serve` runs.", as_json=as_json)
    with ExitStack() as stack:
        try:
            yield [stack.enter_context(look_into(path)) for path in paths]
        except StoreUnavailableError as error:
            fix = "Run this as the gateway's user; a file of an older version is brought up to date by it."
            fail("the database can't be read.", error.detail, fix, as_json=as_json)


def _added(files: list[Connection], since: float, by: By) -> Bill:
    groups = merged([one for file in files for one in sums(file, since, by.value)])
    groups.sort(key=(lambda one: one.name) if by is By.DAY else (lambda one: (-one.cost, one.name)))
    whole = merged([Sum(""), *(one for file in files for one in sums(file, since, None))])[0]
    unknown = sorted({name for file in files for name in unknown_models(file, since)})
    return Bill(since, by.value, groups, whole, unknown)


def dollars(nanos: int) -> str:
    """Exactly."""
    return f"{Decimal(nanos) / NANOS_PER_USD:.9f}"


def as_object(one: Sum) -> dict[str, Any]:
    """For machines: amounts as text, so that none is rounded."""
    return {
        "responses": one.responses,
        "transcriptions": one.transcriptions,
        "inputTokens": one.input_tokens,
        "cachedTokens": one.cached_tokens,
        "outputTokens": one.output_tokens,
        "usd": dollars(one.cost),
        "rebuildUsd": dollars(one.rebuild),
        "wastedUsd": dollars(one.wasted),
        "estimated": one.estimated,
        "withoutPrice": one.unknown,
    }


def _tell_json(bill: Bill, prices: PriceTable) -> None:
    told = {
        "since": _when(bill.since),
        "by": bill.by,
        "groups": [{bill.by: one.name, **as_object(one)} for one in bill.groups],
        "all": as_object(bill.all),
        "modelsWithoutPrice": bill.unknown,
        "prices": [{"model": p.model, "asOf": p.as_of.isoformat(), "source": p.source} for p in prices],
    }
    print(json.dumps(told))


def _tell_csv(bill: Bill, prices: PriceTable) -> None:  # noqa: ARG001 - all forms are told alike
    writer = csv.writer(sys.stdout)
    writer.writerow([bill.by, *as_object(bill.all)])
    for one in bill.groups:
        writer.writerow([_harmless(one.name), *as_object(one).values()])


def _tell_charges(files: list[Connection], session_id: str, form: Form) -> None:
    charges = [charge for file in files for charge in charges_of(file, session_id)]
    if not charges:
        why = f"No charge of {session_id!r} is kept: it has cost nothing yet, or was too long ago."
        fix = "`holdfast cost --by session` names those that are."
        fail("there is nothing to list.", why, fix, as_json=form is Form.JSON)
    told = [_charge_object(charge) for charge in charges]
    if form is Form.JSON:
        print(json.dumps({"session": session_id, "charges": told}))
        return
    if form is Form.CSV:
        writer = csv.writer(sys.stdout)
        writer.writerow(told[0])
        writer.writerows([[_harmless(str(cell)) for cell in one.values()] for one in told])
        return
    shown = ("at", "kind", "model", "status", "inputTokens", "outputTokens", "heardMs", "usd", "priced")
    _columns([shown, *(tuple(str(one[name]) for name in shown) for one in told)], left=4)


def _charge_object(charge: Charge) -> dict[str, Any]:
    tokens = charge.tokens
    return {
        "at": _when(charge.at),
        "kind": charge.kind,
        "id": charge.thing_id,
        "customer": charge.customer_id,
        "upstream": charge.upstream,
        "model": charge.model,
        "status": charge.status,
        "inputTokens": tokens.input,
        "outputTokens": tokens.output,
        **{_camel(name): count for name, count in asdict(tokens).items()},
        "billedMs": charge.billed_ms,
        "heardMs": charge.heard_ms,
        "estimated": charge.is_estimated,
        "priced": charge.priced,
        "usd": "unknown" if charge.cost is None else dollars(charge.cost),
        "rebuildUsd": dollars(charge.rebuild),
        "wastedUsd": dollars(charge.wasted),
    }


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(map(str.title, rest))


def _columns(rows: list[tuple[str, ...]], left: int) -> None:
    """Cells under one another, the first so many to the left."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            cell.ljust(width) if at < left else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        print("  ".join(cells).rstrip())


def _harmless(name: str) -> str:
    """A name that a spreadsheet would take for a formula is none."""
    return f"'{name}" if name[:1] in {"=", "+", "-", "@", "\t", "\r"} else name


def _tell_text(bill: Bill, prices: PriceTable) -> None:
    head = (bill.by, "responses", "written", "in", "cached", "out", "USD", "told again", "unheard")
    rows = [head, *(_cells(one, one.name or "(nobody)") for one in bill.groups), _cells(bill.all, "all")]
    _columns(rows, left=1)
    dates = sorted({price.as_of for price in prices})
    print(f"\nfrom {_when(bill.since)} on; prices of {dates[-1]}, older ones where there are none newer")
    if bill.all.estimated:
        print(f"{bill.all.estimated} estimated: the upstream did not say what it used")
    if bill.unknown:
        print(f"{bill.all.unknown} without a price, and not in these sums: {', '.join(bill.unknown)}")
        print("  give theirs as [[price]] in holdfast.toml")


def _cells(one: Sum, name: str) -> tuple[str, ...]:
    counts = (one.responses, one.transcriptions, one.input_tokens, one.cached_tokens, one.output_tokens)
    amounts = (one.cost, one.rebuild, one.wasted)
    return (name, *map(str, counts), *(f"{Decimal(nanos) / NANOS_PER_USD:.4f}" for nanos in amounts))


def _when(wall: float) -> str:
    return datetime.fromtimestamp(wall, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


_TELL: Final = {Form.TEXT: _tell_text, Form.JSON: _tell_json, Form.CSV: _tell_csv}
