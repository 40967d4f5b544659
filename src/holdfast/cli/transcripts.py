"""`holdfast transcripts`: what was kept of conversations: listed, shown, exported, deleted.

What lives here: the command. It reads the gateway's own files, whether that runs or not.
What never will: what an entry means (`holdfast.transcripts`), SQL.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, TextIO

import typer

from holdfast.cli.errors import Exit, fail, say
from holdfast.config import ConfigError, Settings, load
from holdfast.node import Place, archive_of
from holdfast.ports.transcripts import Erased, Receipt, Transcript, Wanted
from holdfast.store import StoreRefusedError, StoreUnavailableError, Visit
from holdfast.transcripts import Archive, as_document, as_lines, as_object, as_text, instant

_REMEDIES: Final = {
    "locked": "Try again in a moment.",
    "damaged": "Name the right file in [journal] database. If it is: stop the gateway, look at the disk.",
}
"""Why the database does not answer -> what to do."""
LISTED: Final = 1_000
"""Sessions of a list that nobody has limited."""

EXAMPLES = """
Examples:

  holdfast transcripts list --customer cust-1001 --since 2026-11-01

  holdfast transcripts show hf_0123456789abcdef --json

  holdfast transcripts export --customer cust-1001 --out anna.jsonl

  holdfast transcripts delete --customer cust-1001

  holdfast transcripts book               (what was deleted: when, by whom, how much)
"""


class Action(StrEnum):
    """What to do with them."""

    LIST = "list"
    SHOW = "show"
    EXPORT = "export"
    DELETE = "delete"
    BOOK = "book"


def transcripts(
    action: Annotated[Action, typer.Argument(help="list, show, export, delete, or book.")],
    session: Annotated[str, typer.Argument(help="A session's id; for show, and for export if only it.")] = "",
    *,
    customer: Annotated[str, typer.Option(help="Only this customer's; delete needs it.")] = "",
    since: Annotated[str, typer.Option(help="Only from this day or moment on (ISO 8601, UTC).")] = "",
    until: Annotated[str, typer.Option(help="Only what began before it.")] = "",
    limit: Annotated[
        int | None,
        typer.Option(
            min=1,
            help=f"At most so many sessions, the newest; without it a list has {LISTED}, an export all.",
        ),
    ] = None,
    text: Annotated[bool, typer.Option("--text", help="Export readable text, not JSON lines.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="Write the export here, for this user's eyes only.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Delete without asking.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """What was kept of conversations: list, show, export, delete."""
    begin, end = (_moment(one, as_json=as_json) for one in (since, until))
    wanted = Wanted(session, customer, begin, end, limit)
    with _told(out, as_json=as_json):
        settings = _settings(as_json=as_json)
        archive = archive_of(settings)
        if action is Action.LIST:
            found = archive.sessions(replace(wanted, limit=limit or LISTED))
            if limit is None and len(found) == LISTED:
                typer.echo(f"the newest {LISTED}: there may be more (--limit)", err=True)
            _list(found, as_json=as_json)
        elif action is Action.SHOW:
            _show(archive, session, as_json=as_json)
        elif action is Action.EXPORT:
            _export(archive.transcripts(wanted), out, as_text_=text)
        elif action is Action.BOOK:
            _book(archive, as_json=as_json)
        else:
            _delete(archive, settings, customer, yes=yes, as_json=as_json)


@contextlib.contextmanager
def _told(out: Path | None, *, as_json: bool) -> Iterator[None]:
    """What fails within ends in a word. Raises BrokenPipeError: who reads has seen enough."""
    try:
        yield
    except _CannotWriteError as error:
        fix = "Choose another --out: a file in a folder that is there and that you may write to."
        fail(f"{out} cannot be written.", str(error), fix, exit_code=Exit.WRONG_USE, as_json=as_json)
    except StoreRefusedError as error:
        fail("the transcripts can't be read.", error.message, error.remedy, as_json=as_json)
    except StoreUnavailableError as error:
        fix = _REMEDIES.get(error.cause, "Run this as the gateway's user, and look at the disk.")
        fail("the database does not answer.", error.detail, fix, as_json=as_json)
    except BrokenPipeError:
        raise
    except OSError as error:
        why = f"{error.filename}: {error.strerror}." if error.filename else f"{error.strerror}."
        fix = "Run this as the gateway's user: its files are for nobody else."
        fail("the transcripts can't be reached.", why, fix, as_json=as_json)


def _settings(*, as_json: bool) -> Settings:
    try:
        settings = load()
    except ConfigError as error:
        fail("the settings can't be used.", error.render(), "See each fix above.", as_json=as_json)
    if not Place.files(settings.journal.database):
        fail(
            "there are no transcripts.",
            f"{settings.journal.database} does not exist.",
            "Run this where the gateway runs, with its settings (HOLDFAST_CONFIG).",
            as_json=as_json,
        )
    return settings


def _moment(written: str, *, as_json: bool) -> int | None:
    """Wall-clock microseconds."""
    if not written:
        return None
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        fail(
            f"{written!r} is no moment.",
            "",
            "Write a day or a moment, as in --since 2026-11-22 or --until 2026-11-22T09:30:00Z.",
            exit_code=Exit.WRONG_USE,
            as_json=as_json,
        )
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1e6)


def _list(found: Iterable[Transcript], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps([as_object(one) for one in found], ensure_ascii=False))
        return
    number = 0
    for number, one in enumerate(found, 1):  # noqa: B007 - counted for who sees an empty list
        ended = one.ended or "runs, or was cut off"
        say(f"{instant(one.began)}  {one.session_id}  {one.customer_id}  {one.count} entries  {ended}")
    if not number:
        typer.echo("No transcript is kept that fits.", err=True)


def _show(archive: Archive, session: str, *, as_json: bool) -> None:
    if not session:
        fail(
            "show needs a session.",
            "",
            "`holdfast transcripts list` has their ids.",
            exit_code=Exit.WRONG_USE,
            as_json=as_json,
        )
    found = archive.transcript(session)
    if found is None:
        fail(
            f"nothing is kept of session {session!r}.",
            "It never was, grew older than [transcripts] keep_days, or was deleted.",
            "`holdfast transcripts list` has those that are kept.",
            as_json=as_json,
        )
    if as_json:
        print(json.dumps(as_document(found), ensure_ascii=False))
    else:
        say(as_text(found))


def _export(found: Iterable[Transcript], out: Path | None, *, as_text_: bool) -> None:
    with _written_to(out) as write:
        for line in (f"{as_text(one)}\n" for one in found) if as_text_ else as_lines(found):
            write.write(f"{line}\n")


class _CannotWriteError(Exception):
    """No file can be made there."""


@contextlib.contextmanager
def _written_to(out: Path | None) -> Iterator[TextIO]:
    if out is None:
        yield sys.stdout
        return
    try:
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError as error:
        raise _CannotWriteError(error.strerror) from error
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            if stat.S_ISREG(os.fstat(descriptor).st_mode):  # a pipe or /dev/null is others', too
                os.fchmod(descriptor, 0o600)  # it may have been there, for everybody to read
            yield file
    except OSError as error:
        raise _CannotWriteError(error.strerror) from error


def _book(archive: Archive, *, as_json: bool) -> None:
    receipts = archive.book()
    if as_json:
        print(json.dumps([_receipt(one) for one in receipts]))
        return
    if not receipts:
        typer.echo("The book is empty: nobody's data was deleted.", err=True)
    for one in receipts:
        rows = ", ".join(f"{count} {kind}" for kind, count in one.counts.items())
        say(f"{instant(one.at)}  {one.what}  by {one.by}  {rows}  receipt {one.number}")


def _receipt(one: Receipt) -> dict[str, object]:
    told = {"receipt": one.number, "at": instant(one.at), "what": one.what, "by": one.by}
    return {**told, "rows": dict(one.counts)}


def _delete(archive: Archive, settings: Settings, customer: str, *, yes: bool, as_json: bool) -> None:
    if not customer:
        fail("delete needs a customer.", "", "Add --customer ID.", exit_code=Exit.WRONG_USE, as_json=as_json)
    if not yes:
        _ask(archive, customer, as_json=as_json)
    with contextlib.ExitStack() as held:
        files = [Visit(path) for path in Place.files(settings.journal.database)]
        alone = [held.enter_context(one.alone()) for one in files]
        erased = archive.erase(customer, by="command line", in_use=frozenset() if all(alone) else None)
    _tell(erased, as_json=as_json)


def _ask(archive: Archive, customer: str, *, as_json: bool) -> None:
    if as_json or not sys.stdin.isatty():
        fail(
            "deleting is not asked for twice here.",
            "There is nobody to answer a question.",
            "Add --yes.",
            exit_code=Exit.WRONG_USE,
            as_json=as_json,
        )
    found = archive.sessions(Wanted(customer_id=customer))
    entries = sum(one.count for one in found)
    question = f"Delete all that is kept of {customer} ({len(found)} sessions, {entries} entries), for good?"
    if not typer.confirm(question):
        raise typer.Exit(int(Exit.TROUBLE))


def _tell(erased: Erased, *, as_json: bool) -> None:
    if as_json:
        told = {"receipt": erased.receipt, "rows": dict(erased.counts), "sessionsInUse": erased.kept}
        print(json.dumps(told))
    else:
        print(", ".join(f"{count} {kind}" for kind, count in erased.counts.items()) + " deleted")
        print(f"receipt {erased.receipt}")
    if erased.kept:
        typer.echo(
            f"{erased.kept} sessions of this customer are in use by a gateway, or were cut off: their\n"
            "journal goes when they end. Run this again then, to be sure that nothing was written meanwhile.",
            err=True,
        )
        raise typer.Exit(int(Exit.TROUBLE))
