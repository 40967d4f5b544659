"""What the runtime asks of a provider that takes calls over WebRTC.

What lives here: the shape that a provider fills in.
What never will: an implementation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from holdfast.ports import UpstreamSink


@dataclass(frozen=True, slots=True)
class CallAnswer:
    """A provider's answer to an offer: SDP and the call's id, or its refusal (no id)."""

    status: int
    content_type: str
    body: bytes
    call_id: str = ""


class CallProvider(Protocol):
    """Takes calls, tells of them on a sideband, ends them."""

    @property
    def name(self) -> str:
        """The upstream's name."""
        ...

    async def offer(self, sdp: bytes, session: Mapping[str, Any]) -> CallAnswer:
        """Pass an offer on. Raises `ports.audio.AudioFailedError` when nobody answers."""
        ...

    async def dial(self, call_id: str, generation: int, sink: UpstreamSink) -> None:
        """Open the sideband; everything else comes through the sink. Never raises but `CancelledError`."""
        ...

    async def hang_up(self, call_id: str) -> bool:
        """End a call; whether the provider said that it did."""
        ...
