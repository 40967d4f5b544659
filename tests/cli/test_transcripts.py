"""`holdfast transcripts`."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from holdfast.ports.sound import Consent
from holdfast.ports.transcripts import Line, LineKind, Talk
from holdfast.redaction import Redaction
from holdfast.store import Database, SqliteConsents, SqliteTranscripts
from holdfast.store.visit import sound_of
from tests.cli.commands import run_beside

START = 1_795_338_000_000_000  # 22 November 2026, 09:00 UTC


@pytest.fixture
async def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two customers' sessions, in the file of the settings."""
    path = tmp_path / "holdfast.sqlite3"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOLDFAST_JOURNAL__DATABASE", str(path))
    database = Database(path)
    store = SqliteTranscripts(database, Redaction(), clock=lambda: START / 1e6)
    await store.start()
    talk = anna(store.put)
    ben = Talk("s-ben", "ben", "realtime", "conversation")
    store.put(Line(ben, START + 3_600_000_000, "user", "i9", "Good morning."))
    assert talk.customer_id == "anna"
    await store.close()
    await database.close()
    return path


def read(path: Path) -> str:
    return path.read_bytes().decode(errors="replace")


def spoil(path: Path) -> None:
    path.write_bytes(b"no database" * 100)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def anna(put: Callable[[Line], None]) -> Talk:
    talk = Talk("s-anna", "anna", "browser", "conversation")
    lines: list[tuple[LineKind, str, str, float | None, dict[str, str | int | bool]]] = [
        ("began", "", "", None, {}),
        ("upstream", "", "", None, {"name": "openai", "model": "gpt-realtime-2.1", "how": "first"}),
        ("user", "i1", "What do I owe? My card is 4111 1111 1111 1111.", None, {}),
        ("tool", "c1", "", None, {"name": "balance", "status": "ok"}),
        ("assistant", "i2", "You owe nine euros and ten cents.", None, {}),
        ("cut", "i2", "You owe nine euros and ten cents.", 0.5, {"heardMs": 900, "sentMs": 1_800}),
        ("cut", "i3", "", None, {"heardMs": 10}),
        ("fault", "", "", None, {"code": "provider.silent", "party": "provider"}),
        ("loss", "", "", None, {"direction": "input", "from": 5, "to": 9, "reason": "expired"}),
        ("gap", "", "", None, {"lines": 3}),
        ("ended", "", "", None, {"reason": "client_ended"}),
    ]
    for number, (kind, item, text, heard, facts) in enumerate(lines):
        put(Line(talk, START + number * 1_000_000, kind, item, text, heard, facts))
    return talk


async def test_list(file: Path) -> None:
    listed = await run_beside("transcripts", "list")
    assert [line.split()[1] for line in listed.stdout.splitlines()] == ["s-ben", "s-anna"]
    assert "runs, or was cut off" in listed.stdout

    told = json.loads((await run_beside("transcripts", "list", "--customer", "anna", "--json")).stdout)
    assert [(one["sessionId"], one["entries"], one["ended"]) for one in told] == [
        ("s-anna", 11, "client_ended")
    ]
    assert told[0]["began"] == "2026-11-22T09:00:00.000Z"
    since = await run_beside("transcripts", "list", "--since", "2026-11-22T09:30:00Z", "--json")
    assert [one["sessionId"] for one in json.loads(since.stdout)] == ["s-ben"]
    before = await run_beside("transcripts", "list", "--until", "2026-11-22T10:00", "--json")
    assert [one["sessionId"] for one in json.loads(before.stdout)] == ["s-anna"]


async def test_show_for_people(file: Path) -> None:
    shown = (await run_beside("transcripts", "show", "s-anna")).stdout
    assert shown.splitlines() == [
        "Session s-anna, customer anna, browser, 2026-11-22T09:00:00.000Z",
        "  09:00:00  (begins)",
        "  09:00:01  (openai answers, model gpt-realtime-2.1)",
        "  09:00:02  Customer:  What do I owe? My card is [card].",
        "  09:00:03  (tool balance: ok)",
        "  09:00:04  Assistant: You owe nine euros and ten cents.",
        "  09:00:05  (cut: only this was heard: You owe nine)",
        "  09:00:06  (cut after 10 ms)",
        "  09:00:07  (fault provider.silent, provider)",
        "  09:00:08  (input lost, samples 5 to 9: expired)",
        "  09:00:09  (3 entries could not be kept)",
        "  09:00:10  (ends: client_ended)",
    ]


async def test_show_for_programs(file: Path) -> None:
    told = json.loads((await run_beside("transcripts", "show", "s-anna", "--json")).stdout)
    assert told["customerId"] == "anna"
    assert told["entries"][3] == {
        "at": "2026-11-22T09:00:03.000Z",
        "kind": "tool",
        "callId": "c1",
        "name": "balance",
        "status": "ok",
    }
    assert told["entries"][5]["heard"] == "You owe nine"


async def test_export(file: Path, tmp_path: Path) -> None:
    out = tmp_path / "anna.jsonl"
    out.touch(mode=0o644)
    done = await run_beside("transcripts", "export", "--customer", "anna", "--out", str(out))
    assert (done.exit_code, done.output) == (0, "")
    lines = [json.loads(line) for line in read(out).splitlines()]
    assert len(lines) == 11
    assert {(one["sessionId"], one["customerId"]) for one in lines} == {("s-anna", "anna")}
    assert mode(out) == 0o600

    both = await run_beside("transcripts", "export", "--text")
    assert both.stdout.index("Session s-anna") < both.stdout.index("Session s-ben")


async def test_an_export_is_whole_and_a_list_says_where_it_stops(
    file: Path,
) -> None:
    database = Database(file)
    store = SqliteTranscripts(database, Redaction(), clock=lambda: START / 1e6)
    await store.start()
    for number in range(1_100):
        talk = Talk(f"s-{number}", "carla", "browser", "conversation")
        store.put(Line(talk, START + number, "user", "i1", "Good morning."))
    await store.close()
    await database.close()

    whole = await run_beside("transcripts", "export", "--customer", "carla")
    assert len(whole.stdout.splitlines()) == 1_100
    some = await run_beside("transcripts", "export", "--customer", "carla", "--limit", "5")
    assert len(some.stdout.splitlines()) == 5
    listed = await run_beside("transcripts", "list", "--json")
    assert len(json.loads(listed.stdout)) == 1_000
    assert "there may be more" in listed.stderr


async def test_delete_and_what_the_book_says(file: Path) -> None:
    done = await run_beside("transcripts", "delete", "--customer", "anna", "--yes")
    assert done.exit_code == 0
    assert "11 transcripts" in done.stdout
    receipt = done.stdout.split()[-1]

    assert [
        one["sessionId"] for one in json.loads((await run_beside("transcripts", "list", "--json")).stdout)
    ] == ["s-ben"]
    (entry,) = json.loads((await run_beside("transcripts", "book", "--json")).stdout)
    assert (entry["receipt"], entry["what"], entry["by"]) == (receipt, "erased", "command line")
    assert receipt in (await run_beside("transcripts", "book")).stdout
    assert "anna" not in read(file)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("show",), 2, "show needs a session"),
        (("show", "nobody"), 1, "nothing is kept of session"),
        (("delete",), 2, "delete needs a customer"),
        (("delete", "--customer", "anna"), 2, "Add --yes"),
        (("list", "--since", "yesterday"), 2, "'yesterday' is no moment"),
        (("burn",), 2, "burn"),
    ],
)
async def test_wrong_use(file: Path, arguments: tuple[str, ...], code: int, words: str) -> None:
    done = await run_beside("transcripts", *arguments)
    assert (done.exit_code, words in done.stderr) == (code, True), done.output


async def test_without_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HOLDFAST_JOURNAL__DATABASE", raising=False)
    done = await run_beside("transcripts", "list", "--json")
    assert (done.exit_code, done.error["what"]) == (1, "there are no transcripts.")


async def test_a_file_of_something_else(file: Path) -> None:
    spoil(file)
    done = await run_beside("transcripts", "list", "--json")
    assert done.exit_code == 1
    assert "[journal] database" in done.error["fix"]


async def test_an_export_that_cannot_be_written_is_wrong_use(file: Path) -> None:
    for out in (file.parent / "no" / "such.jsonl", file.parent):
        done = await run_beside("transcripts", "export", "--out", str(out), "--json")

        assert done.exit_code == 2
        assert done.error["what"] == f"{out} cannot be written."
        assert "--out" in done.error["fix"]


@pytest.mark.usefixtures("file")
async def test_an_empty_answer_says_so() -> None:
    listed = await run_beside("transcripts", "list", "--customer", "nobody")
    book = await run_beside("transcripts", "book")

    assert (listed.exit_code, listed.stdout) == (0, "")
    assert "No transcript" in listed.stderr
    assert (book.exit_code, book.stdout) == (0, "")
    assert "empty" in book.stderr


async def test_what_a_caller_wrote_steers_no_terminal(file: Path) -> None:
    database = Database(file)
    store = SqliteTranscripts(database, Redaction(), clock=lambda: START / 1e6)
    await store.start()
    talk = Talk("s-eve", "eve\x1b[2J", "browser", "conversation")
    store.put(Line(talk, START, "user", "i1", "Hello\x1b]0;owned\x07 there"))
    await store.close()
    await database.close()
    for command in (("list",), ("show", "s-eve")):
        shown = (await run_beside("transcripts", *command)).stdout
        assert "eve" in shown
        assert all(line.isprintable() for line in shown.splitlines()), shown


@pytest.mark.parametrize("action", ["list", "delete"])
async def test_a_database_that_cannot_be_reached_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    monkeypatch.setenv("HOLDFAST_JOURNAL__DATABASE", "x" * 300)  # nor could a folder of somebody else's
    done = await run_beside("transcripts", action, "--customer", "anna", "--yes", "--json")

    assert (done.exit_code, done.error["what"]) == (1, "the transcripts can't be read.")
    assert "File name too long" in done.error["why"]


async def test_sound_that_cannot_be_deleted_is_told(file: Path) -> None:
    database = Database(file)
    consents = SqliteConsents(database)
    await consents.enter(Consent("s-anna", "anna", "Yes?", "browser"))
    await database.close()
    sound_of(file, "s-anna").mkdir(parents=True)  # no file, and nothing that can be taken away as one

    done = await run_beside("transcripts", "delete", "--customer", "anna", "--yes", "--json")

    assert (done.exit_code, done.error["what"]) == (1, "the transcripts can't be reached.")
    assert "s-anna.flac" in done.error["why"]
    assert "anna" in (await run_beside("transcripts", "list")).stdout


async def test_an_export_into_a_pipe_leaves_the_pipe_to_its_others(file: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    pipe.chmod(0o666)
    reading = asyncio.create_task(asyncio.to_thread(pipe.read_text))

    done = await run_beside("transcripts", "export", "--out", str(pipe))

    assert (done.exit_code, len((await reading).splitlines())) == (0, 12)
    assert mode(pipe) == 0o666


async def test_a_full_disk_ends_an_export_with_a_word(file: Path) -> None:
    done = await run_beside("transcripts", "export", "--out", "/dev/full", "--json")

    assert (done.exit_code, done.error["what"]) == (2, "/dev/full cannot be written.")
