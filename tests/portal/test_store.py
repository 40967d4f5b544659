"""The file: made once, kept, and calm words when it can't be read."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from holdfast.portal import Portal, PortalError
from holdfast.portal import store as store_module
from holdfast.portal.schema import VERSION
from holdfast.portal.store import open_store
from holdfast.ports import ToolContext, ToolOutcome

CONTEXT = ToolContext("s", "c", "cust-1001", "Anna")


async def balance(portal: Portal) -> ToolOutcome:
    return await portal.toolbox.call("balance", "{}", CONTEXT)


async def test_a_second_start_finds_what_the_first_one_made(tmp_path: Path) -> None:
    path = tmp_path / "a" / "portal.sqlite3"
    (await Portal.open(path)).close()
    before = path.read_bytes()

    again = await Portal.open(path)

    assert (await balance(again)).status == "ok"
    again.close()
    again.close()
    assert path.read_bytes() == before
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("folder", ["what?", "a?mode=ro", "50%20more", "a#b", "ünï"])
def test_the_file_is_made_where_it_was_asked_for_whatever_the_folder_is_called(
    tmp_path: Path, folder: str
) -> None:
    open_store(tmp_path / folder / "portal.sqlite3").close()

    assert [one.name for one in tmp_path.iterdir()] == [folder]
    assert (tmp_path / folder / "portal.sqlite3").stat().st_size > 0


async def test_a_locked_file_is_said_calmly_and_is_over_when_the_lock_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "_BUSY_S", 0.05)
    path = tmp_path / "portal.sqlite3"
    portal = await Portal.open(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("begin exclusive")

    locked = await balance(portal)
    other.execute("rollback")
    other.close()

    assert (locked.status, locked.fault) == ("failed", "store.unavailable")
    assert json.loads(locked.output)["say"] == "Your account data can't be read right now."
    assert (await balance(portal)).status == "ok"
    portal.close()


async def test_a_file_that_is_read_only_still_serves(tmp_path: Path) -> None:
    path = tmp_path / "portal.sqlite3"
    (await Portal.open(path)).close()
    path.chmod(0o400)

    portal = await Portal.open(path)

    assert (await balance(portal)).status == "ok"
    portal.close()


async def test_a_file_that_is_damaged_while_open_is_a_fault_of_the_store(tmp_path: Path) -> None:
    path = tmp_path / "portal.sqlite3"
    portal = await Portal.open(path)
    portal.close()
    path.write_bytes(b"not a database at all " * 500)

    assert (await balance(portal)).fault == "store.unavailable"
    portal.close()


@pytest.mark.parametrize(
    "content", [b"this is no database, whatever its name says " * 40, b"SQLite format 3\0" + b"\xff" * 4_000]
)
def test_a_damaged_file_is_named_at_the_start_and_not_touched(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "portal.sqlite3"
    path.write_bytes(content)

    with pytest.raises(PortalError) as refused:
        open_store(path)

    assert str(path) in refused.value.message
    assert "damaged" in refused.value.message
    assert "Move the file away" in refused.value.remedy
    assert path.read_bytes() == content


def damaged_behind_its_first_page(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:4_096] + b"\xff" * (len(content) - 4_096))


def without_its_customers(path: Path) -> None:
    with closing(sqlite3.connect(path)) as file:
        file.execute("drop table customer")


@pytest.mark.parametrize("harm", [damaged_behind_its_first_page, without_its_customers])
async def test_a_file_that_opens_and_cannot_be_read_is_named_at_the_start(
    tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    path = tmp_path / "portal.sqlite3"
    open_store(path).close()
    harm(path)

    with pytest.raises(PortalError, match="is damaged") as refused:
        await Portal.open(path)

    assert "Move the file away" in refused.value.remedy


def test_another_programs_database_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "theirs.sqlite3"
    with sqlite3.connect(path) as theirs:
        theirs.execute("create table customer (id text)")
    theirs.close()

    with pytest.raises(PortalError, match="another program"):
        open_store(path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(PortalError) as refused:
        open_store(tmp_path / "file" / "portal.sqlite3")

    assert str(tmp_path / "file") in refused.value.message
    assert "[portal] database" in refused.value.remedy


def test_a_locked_file_at_the_start_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "_BUSY_S", 0.05)
    path = tmp_path / "portal.sqlite3"
    open_store(path).close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("begin exclusive")

    with pytest.raises(PortalError, match="locked"):
        open_store(path)

    other.close()


def test_a_file_of_another_version_is_filled_anew(tmp_path: Path) -> None:
    path = tmp_path / "portal.sqlite3"
    open_store(path).close()
    with sqlite3.connect(path) as old:
        old.execute("delete from payment")
        old.execute(f"pragma user_version = {VERSION + 1}")
    old.close()

    open_store(path).close()

    with sqlite3.connect(path) as new:
        count = new.execute("select count(*) from payment").fetchone()[0]
    new.close()
    assert count > 100


def test_the_same_rows_every_time(tmp_path: Path) -> None:
    dumps = []
    for name in ("one", "two"):
        open_store(tmp_path / name).close()
        with sqlite3.connect(tmp_path / name) as made:
            dumps.append(list(made.iterdump()))
        made.close()
    shutil.rmtree(tmp_path)

    assert dumps[0] == dumps[1]
