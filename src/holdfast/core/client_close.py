"""Why a client's socket is over, and whose doing it was.

What lives here: the client's close code -> fault, and the error that tells it beforehand.
What never will: what becomes of the session (`return_side`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from holdfast.core.faults import Fault, fault

_CLOSES: Final[Mapping[int, str]] = {
    1002: "application.broken_framing",
    1006: "user_network.connection_lost",
    1007: "application.broken_framing",
    1008: "application.message_flood",
    1009: "application.message_too_large",
    1013: "user_network.slow",
}
"""As the client's socket ended, by either side. Others (1000, 1001, 1005, its own) are a person's doing."""

BREACH_ERRORS: Final[Mapping[int, str]] = {1008: "RATE_LIMITED", 1009: "MESSAGE_TOO_LARGE"}
"""What a client that did that is told before the close, by the browser protocol's error code. Who cannot even
frame a message is told by the close alone.
"""


LINE_BROKE: Final = fault("user_network.connection_lost")
"""Of a client whose line ended while nobody watched, with the process."""


def never_back(left_by: Fault | None) -> Fault | None:
    """Why a session ends whose client did not come back: what drove it away. Of who closed the page nobody
    expected it.
    """
    if left_by is None:
        return None
    return fault(left_by.code, [*left_by.evidence, "it did not come back in time"])


def fault_of_client_close(code: int, reason: str) -> Fault | None:
    """The fault behind the end of a client's socket; None where somebody closed it on purpose."""
    found = _CLOSES.get(code)
    if found is None:
        return None
    return fault(found, [f"close code {code}", *([reason] if reason else [])])
