"""The responses of a relayed conversation: open ones, those that are asked for again, those that have ended.

What lives here: exactly one end for each beginning that the client was told (reliability reference, B5).
What never will: what is said.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from holdfast.core.recent import Recent
from holdfast.core.relay_input import Asked
from holdfast.core.relay_mirror import RelayItem

ENDED_REMEMBERED: Final = 64
OPEN_MAX: Final = 64
"""More than any server allows at once."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a response was asked for with. Empty: by voice detection, or any will do."""

    original: bytes | None = None
    carry_on: str | None = None


@dataclass(slots=True, eq=False)
class OpenResponse:
    id: str
    """As the client knows it."""
    is_beside: bool = False
    """Outside of the conversation."""
    wish: Wish = field(default_factory=Wish)
    said_at: int = 0
    """The relay's count of audio when it began."""
    items: list[str] = field(default_factory=list)
    """Items that the client was told of."""
    parts: set[str] = field(default_factory=set)
    """Those of them whose content part the client was told of."""
    has_content: bool = False
    """Whether the client has any word of it."""
    has_called: bool = False
    is_interrupted: bool = False
    """The user spoke over it, or it was cancelled: its upstream was about to end it."""
    reasks: int = 0
    losses: int = 0
    """Upstreams that were lost while it was asked for again."""
    untaken: list[str] = field(default_factory=list)
    """Items told, and not yet begun again by the upstream that was asked again."""
    upstream_id: str = ""
    body: bytes = b""
    """As JSON, as the client was told of it when it began."""
    own: dict[str, RelayItem] = field(default_factory=dict)
    """Items of one outside of the conversation: no mirror has them."""

    def is_told(self, said: int) -> bool:
        """Whether the client has more of it than frames without content."""
        return self.has_content or said > self.said_at


@dataclass(frozen=True, slots=True)
class OwnAsk:
    """A request of ours that is under way: with what, and for which open response."""

    wish: Wish
    response: OpenResponse | None = None


@dataclass(slots=True)
class Responses:
    open: dict[str, OpenResponse] = field(default_factory=dict)
    reopened: list[OpenResponse] = field(default_factory=list)
    """Open ones whose upstream came to nothing: the next that begins goes on under the id of the first."""
    asks: dict[str, OwnAsk] = field(default_factory=dict)
    """Our own requests that are under way, by `event_id`."""
    behind: list[Asked] = field(default_factory=list)
    """The client's own request, and whether it took it back, while the rest of a cut answer is said. The
    client knows nothing of that one, so its request is no second one at once: it waits.
    """
    _ended: Recent[str] = field(default_factory=lambda: Recent(ENDED_REMEMBERED))

    @property
    def in_band(self) -> OpenResponse | None:
        """The one that answers in the conversation."""
        return next((one for one in self.open.values() if not one.is_beside), None)

    @property
    def is_carrying_on(self) -> bool:
        """Whether the rest of a cut answer is being said, or has been asked for by us."""
        running = self.in_band
        if running is not None:
            return running.wish.carry_on is not None
        return any(ask.response is None and ask.wish.carry_on is not None for ask in self.asks.values())

    def begin(self, response: OpenResponse) -> None:
        """The client is told of it."""
        if len(self.open) < OPEN_MAX:
            self.open[response.id] = response

    def end(self, response_id: str) -> OpenResponse | None:
        """Its end; None when it is not open, so that nobody is told twice."""
        response = self.open.pop(response_id, None)
        if response is not None:
            self._ended.append(response_id)
            if response in self.reopened:
                self.reopened.remove(response)
        return response

    def has_ended(self, response_id: str) -> bool:
        """Whether the client was told its end already."""
        return response_id in self._ended

    def take_reopened(self, *, is_beside: bool) -> OpenResponse | None:
        """The response that one that begins now goes on with."""
        found = next((one for one in self.reopened if one.is_beside == is_beside), None)
        if found is not None:
            self.reopened.remove(found)
        return found

    def take_ask(self, *, is_beside: bool) -> OwnAsk | None:
        """Our own request that has been met."""
        for event_id, ask in self.asks.items():
            if (ask.response is not None and ask.response.is_beside) == is_beside:
                del self.asks[event_id]
                return ask
        return None
