"""Faults of the application's tools, and of what is kept on disk.

What lives here: rows. What never will: a row of another party.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from holdfast.core.faults.table import IN_OFFICE_HOURS, Alarm, FaultRow, by_code

TOOL_AND_STORE: Final[Mapping[str, FaultRow]] = by_code(
    FaultRow(
        "tool.failed",
        message="I couldn't look that up just now.",
        remedy="A tool ended with an error: see the log line tool.fault with its call id.",
        meaning="The tool's function raised an exception, or its result was longer than [limits] "
        "tool_result_bytes.",
        evidence=("which tool", "what kind of error, and where"),
        ends=False,
        provoke="register a tool that raises, and let the assistant call it",
        alarm=IN_OFFICE_HOURS,
    ),
    FaultRow(
        "tool.timeout",
        message="Looking that up took too long.",
        remedy="A tool did not answer within [limits] tool_s: make it faster, or raise the limit.",
        meaning="The tool's function was cancelled after [limits] tool_s, waiting for its turn included.",
        evidence=("which tool", "how long it was waited for"),
        ends=False,
        provoke="register a tool that sleeps for longer than [limits] tool_s",
        alarm=IN_OFFICE_HOURS,
    ),
    FaultRow(
        "tool.arguments",
        message="I couldn't look that up: something was missing.",
        remedy="The model called a tool with arguments that do not fit its schema: say in the tool's "
        "description what each one means.",
        meaning="The arguments were no JSON, did not fit the tool's schema, or were longer than [limits] "
        "tool_arguments_bytes.",
        evidence=("which tool", "which argument"),
        ends=False,
        provoke="let the model call a tool with an argument that its schema does not have",
        alarm=IN_OFFICE_HOURS,
    ),
    FaultRow(
        "tool.unknown",
        message="I can't do that.",
        remedy="The model called a tool that was not offered: nothing ran. Often: check the instructions "
        "for tools that are gone.",
        meaning="The name in the call is none of the tools of this session.",
        evidence=("which name",),
        ends=False,
        provoke="let the model call a tool that was not offered",
        alarm=IN_OFFICE_HOURS,
    ),
    FaultRow(
        "store.unavailable",
        message="Your account data can't be read right now.",
        remedy="The portal's database file is locked, read-only or damaged: see the log line "
        "store.unavailable for its path.",
        meaning="A statement on the portal's database failed, or its folder is not writable.",
        evidence=("the driver's words",),
        provoke="lock the portal's database with another program, and ask for the balance",
        alarm=Alarm("page", 3, 5),
    ),
    FaultRow(
        "store.journal_unavailable",
        message="This conversation goes on, but can't be kept safe against a restart right now.",
        remedy="The journal's database is locked, read-only or damaged, or the disk is full: see the "
        "evidence. Lines are kept in memory meanwhile ([limits] journal_spool_lines) and written later.",
        meaning="Lines of the journal could not be written; tools that may not run twice are refused "
        "until they can.",
        evidence=("the driver's words",),
        ends=False,
        provoke="lock the journal's database with another program during a conversation",
        alarm=Alarm("page", 3, 5),
    ),
)
