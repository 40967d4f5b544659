"""Journals belong to posts: nobody's is lost when there are fewer, and somebody else's is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.config import ConfigError, load
from holdfast.node import Place
from holdfast.store import Database, Entry, JournalOptions, SqliteJournal, take_over

OPTIONS = JournalOptions(gather_s=0.001)


async def journal_at(path: Path) -> tuple[SqliteJournal, Database]:
    database = Database(path, busy_s=0.05)
    journal = SqliteJournal(database, OPTIONS)
    await journal.start(lambda _: None)
    return journal, database


async def closed(journal: SqliteJournal, database: Database) -> None:
    await journal.close()
    await database.close()


async def left_at(path: Path, session_id: str) -> None:
    """Two lines of a session, and the end of its process."""
    journal, database = await journal_at(path)
    for number in (1, 2):
        journal.write(session_id, Entry(number, "item", {"text": f"line {number}"}), lambda _: None)
    await closed(journal, database)


def test_every_file_is_some_posts_whatever_their_number(tmp_path: Path) -> None:
    first = tmp_path / "holdfast.sqlite3"
    files = {Place(number, 6).journal(first) for number in range(6)}
    for path in (*files, tmp_path / "holdfast-2.sqlite3", tmp_path / "holdfast.worker-1.sqlite3"):
        path.touch()
    for of in range(1, 8):
        posts = [Place(number, of) for number in range(of)]
        owned = [post.journal(first) for post in posts] + [x for post in posts for x in post.left_over(first)]
        assert len(owned) == len(set(owned)), "none has two"
        assert files <= set(owned), "none has nobody"
        assert {path.name for path in set(owned) - files} <= {"holdfast.worker-7.sqlite3"}


async def test_what_a_post_left_that_is_no_more_is_taken_over(tmp_path: Path) -> None:
    old = tmp_path / "holdfast.worker-2.sqlite3"
    await left_at(old, "hf_1")
    journal, database = await journal_at(tmp_path / "holdfast.sqlite3")

    assert await take_over(old, journal, OPTIONS) == 1
    found = await journal.unfinished(not_older_than_s=60)
    assert [(one.id, [entry.content["text"] for entry in one.entries]) for one in found] == [
        ("hf_1", ["line 1", "line 2"])
    ]
    assert journal.next_number("hf_1") == 3
    assert await take_over(old, journal, OPTIONS) == 0, "it is there no more"
    await closed(journal, database)


async def test_a_file_that_is_used_or_is_no_journal_is_left_alone(tmp_path: Path) -> None:
    used, broken = tmp_path / "holdfast.worker-2.sqlite3", tmp_path / "holdfast.worker-3.sqlite3"
    broken.write_text("what anybody may have put there " * 10)
    owner = await journal_at(used)
    journal, database = await journal_at(tmp_path / "holdfast.sqlite3")

    assert await take_over(used, journal, OPTIONS) == 0
    assert await take_over(broken, journal, OPTIONS) == 0
    assert broken.read_text().startswith("what anybody")
    await closed(journal, database)
    await closed(*owner)


def test_tls_that_ends_here_and_workers_do_not_go_together(tmp_path: Path) -> None:
    server = {"workers": 2, "tls_cert": str(tmp_path / "a.pem"), "tls_key": str(tmp_path / "b.pem")}
    with pytest.raises(ConfigError) as refused:
        load(environ={}, folder=tmp_path, overrides={"server": server})
    assert "can't be handed to another process" in refused.value.render()
    assert "proxy end TLS" in refused.value.render()
