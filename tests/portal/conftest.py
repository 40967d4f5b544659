"""A portal in a folder of its own, on a fixed day."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from holdfast.portal import Portal
from holdfast.ports import ToolContext

TODAY = date(2026, 11, 20)
Ask = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
async def portal(tmp_path: Path) -> AsyncIterator[Portal]:
    opened = await Portal.open(tmp_path / "new" / "folder" / "portal.sqlite3", today=lambda: TODAY)
    yield opened
    opened.close()


@pytest.fixture
def ask(portal: Portal) -> Ask:
    async def answer(tool: str, customer: str = "cust-1001", arguments: str = "{}") -> dict[str, Any]:
        outcome = await portal.toolbox.call(tool, arguments, ToolContext("s", "c", customer, "x"))
        assert outcome.status == "ok", outcome
        told: dict[str, Any] = json.loads(outcome.output)
        return told

    return answer
