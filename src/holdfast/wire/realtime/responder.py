"""Who answers: the port between the dialect and whatever understands and speaks.

The embedded engine and the emulator fill it in. All methods are called from `RealtimeHost.receive`, in
order, and must return at once; what takes time is done elsewhere and comes back through the host's verbs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from holdfast.wire.realtime.host import RealtimeHost
    from holdfast.wire.realtime.response import ResponseWriter


class Responder(Protocol):
    """Understands the user and answers, through the verbs of the host it is bound to."""

    def bind(self, host: RealtimeHost) -> None:
        """Called once, before anything else."""

    def session_updated(self, changed: Mapping[str, Any]) -> None:
        """An accepted `session.update`; `changed` is what the client sent, `host.session` what holds now."""

    def audio(self, pcm: bytes) -> int:
        """PCM16, mono, 24 kHz, a whole number of samples. Gives how many bytes wait by now to be judged: a
        turn may begin in them.
        """
        ...

    def audio_cleared(self) -> None:
        """The client dropped its uncommitted audio."""

    def committed(self, item_id: str) -> None:
        """The client ended the turn itself; the user item exists."""

    def item_created(self, item: dict[str, Any]) -> None:
        """The client added an item: user text or speech, a tool's output, history.

        A part `input_audio` bears no audio any more: `host.item_audio(item["id"])` has it now, as PCM16
        24 kHz of all the item's parts together. Its `transcript` is the client's own, else None; whoever
        hears it says so by `host.transcript_completed`.
        """

    def response_requested(self, request: dict[str, Any]) -> None:
        """`response.create`; `request` is its checked `response` object, `{}` when there was none. No
        default response is active, or `request["conversation"]` is `"none"`."""

    def response_cancelled(self, writer: ResponseWriter) -> None:
        """`response.cancel`: stop writing. The host closes the writer as soon as this returns."""

    def truncated(self, item_id: str, audio_end_ms: int) -> None:
        """The user heard only the first `audio_end_ms` of that item."""
