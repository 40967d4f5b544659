"""Ids that outlive an upstream: the client knows an item or a response by one id for ever.

What lives here: which id of the present upstream stands for which id that the client was told
before (reliability reference, B3). Empty until an upstream has been rebuilt: then the
upstream's ids are the client's.
What never will: making ids.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Aliases:
    _known: dict[str, str] = field(default_factory=dict)
    _upstream: dict[str, str] = field(default_factory=dict)

    def bind(self, upstream_id: str, known_id: str) -> None:
        """From here on the upstream's `upstream_id` is what the client knows as `known_id`."""
        if upstream_id != known_id:
            self._known[upstream_id] = known_id
            self._upstream[known_id] = upstream_id

    def known(self, upstream_id: str) -> str:
        """The client's id."""
        return self._known.get(upstream_id, upstream_id) if self._known else upstream_id

    def upstream(self, known_id: str) -> str:
        """The present upstream's id."""
        return self._upstream.get(known_id, known_id) if self._upstream else known_id

    def clear(self) -> None:
        """The upstream is gone, and its ids with it. Restored items bear the client's ids there."""
        self._known.clear()
        self._upstream.clear()
