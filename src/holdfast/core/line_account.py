"""The account of a session's links: how many there were, why, and what the client was told of it.

What lives here: facts that outlive a single link.
What never will: the links themselves (`upstream_link`), decisions.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from holdfast.core.recovery import Recovery


@dataclass(slots=True)
class LineAccount:
    generation: int = 0
    """Of the last dial."""
    recovery: Recovery | None = None
    """The way to the present link."""
    succession: Recovery | None = None
    """The way to the link that is to take over."""
    first_endpoint: int = 0
    """Who answered first."""
    told_endpoint: int = 0
    """Who answers, as the client was last told."""
    rebuilds: int = 0
    """How many links came after the first."""
    troubles: dict[int, int] = field(default_factory=dict)
    """By upstream: its own failures in a row."""
    is_cautious: bool = False
    """An upstream found our messages too big: smaller ones from here on."""
    is_ready_told: bool = False
    is_recovering_told: bool = False
    promised_at: float = 0.0
    """When the client was told that it goes on."""
    stale_count: int = 0
    """Words of links that may not speak, or not yet."""
