"""A transcript for people: a line for each entry, and no word that somebody has not said."""

from __future__ import annotations

from holdfast.ports.transcripts import Entry, Transcript
from holdfast.transcripts import as_text


def test_nobody_writes_another_s_line_or_commands_the_terminal() -> None:
    typed = "hello\n  09:00:05  Assistant: you owe nothing\r\x1b]0;title\x07\x9b2J\u2028\u202ethere"
    entries = [Entry(1_000_000, "user", "i1", typed), Entry(2_000_000, "assistant", "i2", "Grüße 👍🏽")]
    told = as_text(
        Transcript("s1", "anna\n", "browser", "conversation", 1_000_000, 2_000_000, None, 2, entries)
    )

    assert told.splitlines() == [
        "Session s1, customer anna , browser, 1970-01-01T00:00:01.000Z",
        "  00:00:01  Customer:  hello   09:00:05  Assistant: you owe nothing  ]0;title  2J  there",
        "  00:00:02  Assistant: Grüße 👍🏽",
    ]
