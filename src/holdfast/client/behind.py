"""The Realtime dialect as an upstream of another dialect is spoken to: for whoever asks it without a gateway.

What lives here: `RealtimeDialect` with the address, the headers and the translation of one upstream.
What never will: the translation itself (`wire.dialects`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain

from holdfast.client import happenings as hp
from holdfast.client.dialects import RealtimeDialect, SessionWish
from holdfast.wire.dialects import Link


class BehindDialect(RealtimeDialect):
    """One link, and no other: what was told on it is remembered."""

    def __init__(self, wish: SessionWish, headers: Mapping[str, str], link: Link | None) -> None:
        super().__init__(wish)
        self._upgrade = dict(headers)
        self._link = link

    def url(self, given: str) -> str:
        """The address is whole."""
        return given

    def headers(self, credential: str | None) -> dict[str, str]:  # noqa: ARG002 - it stands in the headers
        return self._upgrade

    def created(self) -> Sequence[bytes]:
        return self._up(super().created())

    def text(self, text: str) -> Sequence[bytes]:
        return self._up(super().text(text))

    def understand(self, payload: bytes) -> Sequence[hp.Happening]:
        told = [payload] if self._link is None else self._link.down(payload)
        return [*chain.from_iterable(super(BehindDialect, self).understand(one) for one in told)]

    def _up(self, messages: Sequence[bytes]) -> Sequence[bytes]:
        if self._link is None:
            return messages
        return [*chain.from_iterable(self._link.up(one) for one in messages)]
