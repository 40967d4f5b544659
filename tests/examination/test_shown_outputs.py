"""The how-to page shows what the doctor says of the classic failures, to the letter."""

from __future__ import annotations

from pathlib import Path

from benchmarks.verdicts import shown


async def test_the_page_shows_what_the_doctor_says() -> None:
    page = shown.PAGE.read_text(encoding="utf-8")

    assert shown.placed(page, await shown.section()) == page, "run python -m benchmarks.verdicts.shown"


def test_a_doctor_that_says_something_else_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{shown.BEGIN}\nold words\n{shown.END}\nafter\n")

    assert shown.placed(page.read_text(), "new words") == "before\nnew words\nafter\n"


def test_what_differs_from_run_to_run_is_the_same() -> None:
    said = "x sess_778349859917e9e2e582 127.0.0.1:9217 2026-11-22 09:08:39 (3022 ms)"

    assert shown.steady(said) == shown.steady(said.replace("3022", "7").replace("9217", "80"))
