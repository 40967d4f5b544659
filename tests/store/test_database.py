"""The file: made for us only, migrated whole or not at all, refused with a reason and a remedy."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, create_engine, text

from holdfast.store import Database, Entry, StoreRefusedError, StoreUnavailableError, migrations
from holdfast.store.schema import METADATA

from .conftest import Make

OLD_FILES = sorted((Path(__file__).parent / "files").glob("*.sql"))
HOLDER = """
import asyncio, sys
from pathlib import Path
from holdfast.store import Database
async def hold():
    await Database(Path(sys.argv[1])).open()
    print("open", flush=True)
    await asyncio.sleep(60)
asyncio.run(hold())
"""


async def opened(path: Path, folder: Path = migrations.FOLDER) -> None:
    """Open and close."""
    database = Database(path, busy_s=0.05, migrations=folder)
    try:
        await database.open()
    finally:
        await database.close()


async def refusal(path: Path) -> StoreRefusedError:
    with pytest.raises(StoreRefusedError) as refused:
        await opened(path)
    return refused.value


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def content(path: Path) -> bytes:
    return path.read_bytes()


def put(path: Path, content: bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)


def dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as file:
        return list(file.iterdump())


def from_dump(script: Path, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as file:
        file.executescript(script.read_text())


async def test_only_our_user_may_look(path: Path) -> None:
    database = Database(path.parent / "deep" / "er" / path.name)
    await database.transact(lambda connection: connection.execute(text("delete from journal_entry")))

    files = list(database.path.parent.iterdir())
    assert len(files) == 4  # the file, its lock, the write-ahead log and its index
    assert {mode(file) for file in files} == {0o600}
    assert {mode(folder) for folder in (path.parent, path.parent / "deep", database.path.parent)} == {0o700}
    await database.close()

    database.path.chmod(0o644)
    await opened(database.path)
    assert mode(database.path) == 0o600


async def test_a_commit_is_on_the_disk_when_it_returns(path: Path) -> None:
    database = Database(path)

    def settings(connection: Connection) -> list[object]:
        names = ("journal_mode", "synchronous", "fullfsync", "foreign_keys", "secure_delete")
        return [connection.execute(text(f"pragma {name}")).scalar_one() for name in names]

    full = 2
    assert await database.transact(settings) == ["wal", full, 1, 1, 1]
    await database.close()


async def test_a_second_start_changes_nothing(path: Path) -> None:
    await opened(path)
    before = content(path)
    await opened(path)

    assert content(path) == before


async def test_the_tables_are_those_of_the_code(path: Path) -> None:
    await opened(path)
    model = create_engine(f"sqlite:///{path.with_name('model.sqlite3')}")
    METADATA.create_all(model)
    made = create_engine(f"sqlite:///{path}")

    with made.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    model.dispose()
    made.dispose()
    ours = [statement for statement in dump(path) if "alembic_version" not in statement]
    assert ours == dump(path.with_name("model.sqlite3"))


@pytest.mark.parametrize("script", OLD_FILES, ids=lambda script: script.stem)
async def test_every_older_file_is_brought_up_to_date(path: Path, script: Path, sqlite: Make) -> None:
    from_dump(script, path)

    journal = await sqlite(clock=lambda: 1_800_000_000.0)

    found = await journal.unfinished(not_older_than_s=60)
    assert [(session.id, session.last_contact) for session in found] == [("s1", 1_800_000_000.5)]
    assert found[0].entries == (
        Entry(1, "opened", {"voice": "flite"}),
        Entry(2, "item", {"text": "Grüße"}),
    )
    await journal.close()
    fresh = path.with_name("fresh.sqlite3")
    await opened(fresh)
    tables = [statement for statement in dump(path) if statement.startswith("CREATE")]
    assert tables == [statement for statement in dump(fresh) if statement.startswith("CREATE")]


def test_there_is_an_old_file_of_every_version() -> None:
    steps = migrations.FOLDER / "versions"

    assert {path.stem for path in OLD_FILES} == {path.stem[1:5] for path in steps.glob("r*.py")}


def with_another_step(tmp_path: Path, body: str) -> Path:
    """Our migrations and one that is yet to come."""
    folder = tmp_path / "steps"
    shutil.copytree(migrations.FOLDER, folder)
    (folder / "versions" / "r9999_later.py").write_text(
        "from alembic import op\nimport sqlalchemy as sa\nrevision = '9999'\n"
        f"down_revision = '{OLD_FILES[-1].stem}'\n"
        f"def upgrade():\n{body}"
    )
    return folder


ADD_COLUMN = "    op.add_column('journal_session', sa.Column('note', sa.Text()))\n"


async def test_a_file_of_a_newer_version_is_refused_and_not_touched(path: Path, tmp_path: Path) -> None:
    await opened(path)
    await opened(path, with_another_step(tmp_path, ADD_COLUMN))
    assert any("note" in statement for statement in dump(path)), "the step went up"
    before = content(path)

    refused = await refusal(path)

    assert refused.code == "newer"
    assert str(path) in refused.message
    assert "9999" in refused.message
    assert "Run that version" in refused.remedy
    assert content(path) == before


async def test_a_step_that_fails_leaves_the_file_as_it_was(path: Path, tmp_path: Path) -> None:
    await opened(path)
    before = dump(path)
    broken = ADD_COLUMN + "    op.execute('insert into nowhere values (1)')\n"

    with pytest.raises(StoreUnavailableError, match="nowhere"):
        await opened(path, with_another_step(tmp_path, broken))

    assert dump(path) == before
    await opened(path)


@pytest.mark.parametrize(
    "given", [b"this is no database, whatever its name says", b"SQLite format 3\0" + b"\xff" * 4_000, b"x"]
)
async def test_what_is_no_database_of_ours_is_not_touched(path: Path, given: bytes) -> None:
    put(path, given)

    refused = await refusal(path)

    assert refused.code in {"damaged", "foreign"}
    assert str(path) in refused.message
    assert "a new one is made" in refused.remedy
    assert content(path) == given
    assert {file.name for file in path.parent.iterdir()} == {path.name, f"{path.name}-lock"}


async def test_another_programs_database_is_not_touched(path: Path) -> None:
    put(path, b"")
    with closing(sqlite3.connect(path)) as theirs:
        theirs.executescript("pragma journal_mode = delete; create table customer (id text);")
    before = content(path)

    refused = await refusal(path)

    assert refused.code == "foreign"
    assert "[journal] database" in refused.remedy
    assert content(path) == before


async def test_a_damaged_file_of_ours_is_named(path: Path) -> None:
    await opened(path)
    whole = content(path)
    put(path, whole[:1_000] + b"\xff" * (len(whole) - 1_000))

    refused = await refusal(path)

    assert refused.code == "damaged"
    assert "Move holdfast.sqlite3" in refused.remedy


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    refused = await refusal(tmp_path / "file" / "holdfast.sqlite3")

    assert refused.code == "unusable"
    assert str(tmp_path / "file") in refused.message


async def test_a_folder_instead_of_a_file_is_named(path: Path) -> None:
    assert (await refusal(path.parent.parent)).code == "unusable"


async def test_an_empty_file_is_ours_to_fill(path: Path) -> None:
    put(path, b"")
    assert mode(path) != 0o600
    await opened(path)

    assert mode(path) == 0o600
    assert len(dump(path)) > 3


async def test_one_process_at_a_time_and_the_next_one_when_it_died(path: Path) -> None:
    command = (sys.executable, "-c", HOLDER, str(path))
    other = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert other.stdout is not None
    await other.stdout.readline()

    refused = await refusal(path)

    assert refused.code == "in_use"
    assert f"process {other.pid}" in refused.message
    assert "Stop that one" in refused.remedy
    other.kill()
    await other.wait()
    await opened(path)


async def test_who_is_just_ending_is_waited_for(path: Path) -> None:
    first, second = Database(path), Database(path)
    await first.open()
    opening = asyncio.create_task(second.open())
    await asyncio.sleep(0.1)
    assert not opening.done()

    await first.close()
    await opening
    await second.close()


async def test_others_may_look_while_we_write(path: Path) -> None:
    database = Database(path)
    await database.open()
    with closing(sqlite3.connect(path)) as browser:
        browser.execute("begin")
        browser.execute("select * from journal_session").fetchall()
        await database.transact(
            lambda connection: connection.execute(text("insert into journal_session values ('a', 1)"))
        )
        began = time.monotonic()
        await database.checkpoint()
        assert time.monotonic() - began < 1.0, "a reader makes no writer wait"
    await database.close()

    assert any("'a'" in statement for statement in dump(path))


async def test_a_connection_that_met_an_error_is_made_anew(path: Path) -> None:
    database = Database(path)
    await database.open()
    before = database._connection

    with pytest.raises(StoreUnavailableError):
        await database.transact(lambda connection: connection.execute(text("delete from nowhere")))
    await database.open()

    assert database._connection is not before
    assert before is not None
    assert before.closed
    await database.close()


async def test_a_closed_database_says_so(path: Path) -> None:
    database = Database(path)
    await database.close()
    await database.open()
    await database.close()
    await database.close()

    with pytest.raises(StoreUnavailableError, match="closed"):
        await database.open()
