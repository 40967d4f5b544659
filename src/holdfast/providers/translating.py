"""One link's translation, and where the operator reads what it left out.

What lives here: the seam between a dialect's table and the log.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from holdfast.wire.dialects import Dialect, Link, Own, link_of

log = structlog.get_logger()


def translation_for(dialect: Dialect, upstream: str, own: Own) -> Link | None:
    """For one link alone: it remembers what was told on it. None where there is nothing to translate."""
    if dialect.is_ga:
        return None
    named: set[str] = set()

    def on_left_out(fields: Sequence[str]) -> None:
        new = [one for one in fields if one not in named]
        if new:
            named.update(new)
            told = {"upstream": upstream, "dialect": dialect.name, "fields": new}
            log.info("upstream.left_out", category="upstream", source="translation", **told)

    return link_of(dialect, own, on_left_out)
