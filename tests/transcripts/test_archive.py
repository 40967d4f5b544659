"""What several processes kept is told as one, and deleted everywhere under one number."""

from __future__ import annotations

from pathlib import Path

from holdfast.node import Place
from holdfast.ports.transcripts import Line, Talk, Wanted
from holdfast.redaction import Redaction
from holdfast.store import Database, SqliteTranscripts, Visit
from holdfast.transcripts import Archive, as_lines

TALK = Talk("s1", "anna", "browser", "conversation")


async def kept_in(path: Path, *lines: Line) -> None:
    database = Database(path)
    store = SqliteTranscripts(database, Redaction(), clock=lambda: 0.0)
    await store.start()
    for line in lines:
        store.put(line)
    await store.close()
    await database.close()


async def test_a_session_that_went_on_in_another_process_is_one(tmp_path: Path) -> None:
    first = tmp_path / "holdfast.sqlite3"
    second = Place(1, 2).journal(first)
    await kept_in(first, Line(TALK, 10, "began"), Line(TALK, 20, "user", "i1", "before"))
    await kept_in(
        second, Line(TALK, 30, "user", "i2", "after"), Line(TALK, 40, "ended", facts={"reason": "x"})
    )
    await kept_in(Place(2, 3).journal(first), Line(Talk("s2", "ben", "browser", "conversation"), 5, "began"))
    files = Place.files(first)
    assert len(files) == 3
    archive = Archive([Visit(path) for path in files])

    listed = archive.sessions(Wanted())
    assert [(one.session_id, one.began, one.last, one.ended, one.count) for one in listed] == [
        ("s1", 10, 40, "x", 4),
        ("s2", 5, 5, None, 1),
    ]
    found = archive.transcript("s1")
    assert found is not None
    assert [entry.at for entry in found.entries] == [10, 20, 30, 40]
    assert archive.transcript("nobody") is None
    assert len(list(as_lines(archive.transcripts(Wanted())))) == 5
    assert [one.session_id for one in archive.sessions(Wanted(limit=1))] == ["s1"]

    erased = archive.erase("anna", by="a test", in_use=frozenset())
    assert erased.counts["transcripts"] == 4
    assert [one.session_id for one in archive.sessions(Wanted())] == ["s2"]
    assert {one.number for one in archive.book()} == {erased.receipt}
