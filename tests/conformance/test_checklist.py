"""The checklist in the reference names checks and tests that there are."""

from __future__ import annotations

import re
from pathlib import Path

from holdfast.conformance import CHECKS

NAMED = re.compile(r"`([a-z_]+(?:\.[a-z_]+)+|tests/[^`]+)`")
FIELDS = ("response.done", "response.created", "session.created", "session.update")


def test_what_the_checklist_names_is_there(project: Path) -> None:
    page = (project / "docs" / "reference" / "realtime-checklist.md").read_text("utf-8")
    checks = {check.id for check in CHECKS}
    missing = []
    for name in NAMED.findall(page):
        if name.startswith("tests/"):
            path, _, test = name.partition("::")
            source = project / path
            found = source.is_file() and (not test or f"def {test}(" in source.read_text("utf-8"))
        else:
            is_event = name in FIELDS or name.startswith(("response.output", "response.content"))
            found = name in checks or is_event
        missing += [] if found else [name]

    assert missing == []
    assert {check for check in checks if check.startswith("trap.")} <= set(NAMED.findall(page))
