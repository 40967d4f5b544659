"""`holdfast cost`: sums of a database, for people and for machines, and what it says where there is none."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from holdfast.config import load
from holdfast.node import price_table
from holdfast.store import Database, SqliteCharges
from tests.cli.commands import run
from tests.store.test_charges import DAY_S, ONE, WALL


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "holdfast.sqlite3"
    monkeypatch.setenv("HOLDFAST_JOURNAL__DATABASE", str(path))
    monkeypatch.chdir(tmp_path)
    return path


def fill(path: Path, *charges: object) -> None:
    async def go() -> None:
        database = Database(path)
        keeper = SqliteCharges(database, 100, 36_500, lambda: WALL)
        keeper.start()
        for charge in charges:
            keeper.put(charge)  # type: ignore[arg-type] # charges
        await keeper.close()
        await database.close()

    asyncio.run(go())


def test_a_table_for_people_names_what_is_unknown_and_what_is_guessed(path: Path) -> None:
    guessed = replace(ONE, thing_id="r2", is_estimated=True, cost=2_500_000_000, wasted=500_000_000)
    fill(path, ONE, guessed, replace(ONE, thing_id="r3", model="strange", cost=None, priced="unknown"))

    done = run("cost", "--since", "2026-01-01")

    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines[0].split() == [
        "model",
        "responses",
        "written",
        "in",
        "cached",
        "out",
        "USD",
        "told",
        "again",
        "unheard",
    ]
    assert lines[1].split() == [
        "gpt-realtime-2.1",
        "2",
        "0",
        "240",
        "120",
        "90",
        "2.5000",
        "0.0000",
        "0.5000",
    ]
    assert lines[3].startswith("all ")
    assert "1 estimated" in done.stdout
    assert "1 without a price, and not in these sums: strange" in done.stdout


def test_amounts_for_machines_are_exact(path: Path) -> None:
    fill(path, replace(ONE, cost=1, rebuild=1), replace(ONE, thing_id="r2", cost=10**15))

    told = json.loads(run("cost", "--since", "2026-01-01", "--by", "customer", "--json").stdout)

    assert told["all"]["usd"] == "1000000.000000001"
    assert told["groups"] == [{"customer": "C-1", **told["all"]}]
    assert told["modelsWithoutPrice"] == []
    assert all(one["asOf"] and one["source"] for one in told["prices"])


def test_csv_has_one_line_for_each_group_and_no_formula(path: Path) -> None:
    fill(path, ONE, replace(ONE, thing_id="r2", customer_id="=1+1", cost=5))

    done = run("cost", "--since", "2026-01-01", "--by", "customer", "--csv")

    first, second = csv.DictReader(io.StringIO(done.stdout))
    assert (first["customer"], first["usd"], second["customer"]) == ("C-1", "0.000003000", "'=1+1")


def test_every_workers_file_counts(path: Path) -> None:
    fill(path, ONE)
    fill(path.with_name("holdfast.worker-2.sqlite3"), replace(ONE, session_id="s2"))

    told = json.loads(run("cost", "--since", "2026-01-01", "--by", "day", "--json").stdout)

    assert told["all"]["responses"] == 2
    assert len(told["groups"]) == 1


def test_only_what_came_since_counts(path: Path) -> None:
    fill(path, ONE, replace(ONE, thing_id="r2", at=WALL - 300 * DAY_S))

    told = json.loads(run("cost", "--since", "2026-11-01T00:00:00", "--json").stdout)

    assert told["all"]["responses"] == 1


def test_every_charge_of_a_session_can_be_listed(path: Path) -> None:
    fill(path, ONE, replace(ONE, thing_id="r2", at=WALL + 1, cost=None, priced="unknown"))

    told = json.loads(run("cost", "--session", "s1", "--json").stdout)["charges"]
    assert [(one["id"], one["usd"], one["priced"]) for one in told] == [
        ("r1", "0.000003000", "2026-11-20"),
        ("r2", "unknown", "unknown"),
    ]
    assert (told[0]["textCached"], told[0]["audioOut"], told[0]["heardMs"]) == (60, 40, 2_000)
    assert len(run("cost", "--session", "s1", "--csv").stdout.splitlines()) == 3
    lines = run("cost", "--session", "s1").stdout.splitlines()
    assert lines[1].split()[1:] == [
        "response",
        "gpt-realtime-2.1",
        "completed",
        "120",
        "45",
        "2000",
        "0.000003000",
        "2026-11-20",
    ]
    missing = run("cost", "--session", "s9", "--json")
    assert (missing.exit_code, missing.error["what"]) == (1, "there is nothing to list.")


@pytest.mark.parametrize("since", ["yesterday", "5w", "2026-13-01", ""])
def test_a_time_that_is_none_is_wrong_use(path: Path, since: str) -> None:
    done = run("cost", "--since", since, "--json")

    assert done.exit_code == 2
    assert "--since 24h" in done.error["fix"]


def test_where_there_is_nothing_it_says_why(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = run("cost")
    assert (done.exit_code, "there is nothing to add up" in done.stderr) == (1, True)
    assert str(path) in done.stderr

    path.write_text("this is no database")
    assert run("cost").exit_code == 1

    monkeypatch.setenv("HOLDFAST_JOURNAL__KIND", "memory")
    assert "nothing outlives the process" in run("cost").stderr


def test_a_bad_price_is_named_with_its_key(path: Path) -> None:
    path.with_name("holdfast.toml").write_text('[[price]]\nmodels = ["m"]\nas_of = 2026-01-01\n')

    done = run("cost")

    assert done.exit_code == 1
    assert "price.0" in done.stderr
    assert "Give text, audio, image or per_minute" in done.stderr


def test_a_price_of_ones_own_need_not_say_what_is_cached(path: Path) -> None:
    row = '[[price]]\nmodels = ["m"]\nas_of = 2026-01-01\naudio = { input = 32.00, output = 64.00 }\n'
    path.with_name("holdfast.toml").write_text(row)
    fill(path, ONE)

    done = run("cost", "--since", "2026-01-01", "--json")

    assert done.exit_code == 0, done.output
    price = price_table(load()).find("m", date(2026, 1, 2))
    assert price is not None
    told = (price.audio_in, price.audio_cached, price.audio_out)
    assert [str(one) for one in told] == ["32.0", "32.0", "64.0"]


def test_a_database_that_cannot_be_reached_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLDFAST_JOURNAL__DATABASE", "x" * 300)  # nor could a folder of somebody else's

    done = run("cost", "--json")

    assert (done.exit_code, done.error["what"]) == (1, "the database can't be read.")
    assert "File name too long" in done.error["why"]
