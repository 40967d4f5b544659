"""Waiting for a condition: the only way these tests spend time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from playwright.sync_api import Page

_STEP_S = 0.02


def until(condition: Callable[[], object], what: str, timeout_s: float = 15) -> None:
    """Come back as soon as `condition()` is true; fail with `what` when it never is."""
    deadline = time.monotonic() + timeout_s
    never = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, f"waited {timeout_s} s in vain: {what}"
        never.wait(_STEP_S)


def when(page: Page, expression: str, timeout_s: float = 15) -> None:
    """Until a JavaScript expression is true in the page. (Playwright's own wait needs `unsafe-eval`.)"""
    until(lambda: page.evaluate(expression), expression, timeout_s)
