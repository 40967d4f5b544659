"""A client of `/v1/realtime` that asked to be able to come back: what it asked for, and its line.

What lives here: the documented query, headers and subprotocol (docs/reference/realtime-face.md); a line that
counts and keeps what it sends while its socket may change.
What never will: who may come back (`resumption`), what is told at the return (`core.relay_client`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, cast

from holdfast.core.models import asked_name
from holdfast.core.relay_window import RelayWindow
from holdfast.express import Express, Leg
from holdfast.ports import ClientLine, Conversation, UpgradeRequest
from holdfast.wire.browser import ResumeSession

PASSED_ON: Final = ("model", "intent")
"""Query parameters that are the upstream's."""
TOKEN_SUBPROTOCOL: Final = "holdfast-resume-token."  # noqa: S105 - a name, before the token
"""Where a browser, which cannot set headers, puts the token."""
_YES: Final = frozenset({"1", "true"})
_ON_LOSS: Final = frozenset({"continue", "stop"})


class ReturnToRelay(ResumeSession, tag="holdfast_return"):
    """The checks are those of `resume_session`; the session must be one of this face."""


@dataclass(frozen=True, slots=True)
class RelayWish:
    """What an upgrade of `/v1/realtime` asks for beside the dialect."""

    query: Mapping[str, str]
    """For the upstream."""
    can_return: bool = False
    returning: ReturnToRelay | None = None
    on_loss: Literal["continue", "stop"] | None = None

    def bound(self, session: Mapping[str, Any] | None) -> RelayWish:
        """This wish as a client secret's session decides it: its kind and its model are not the holder's."""
        if session is None:
            return self
        kind = session.get("type", "realtime")
        query = {"intent": "transcription"} if kind == "transcription" else {"model": str(session["model"])}
        return replace(self, query=query)

    def without_model(self) -> RelayWish:
        """This wish with the upstream's own model."""
        return replace(self, query={name: value for name, value in self.query.items() if name != "model"})

    @classmethod
    def of(cls, request: UpgradeRequest) -> RelayWish:
        """Read an upgrade. Nonsense is no wish."""
        asked = request.query.get("holdfast_resume", request.headers.get("holdfast-resume", ""))
        on_loss = request.query.get("holdfast_on_loss", "")
        wish = cls(
            {
                name: asked_name(value) if name == "model" else value
                for name, value in request.query.items()
                if name in PASSED_ON
            },
            can_return=asked in _YES,
            on_loss=cast("Literal['continue', 'stop']", on_loss) if on_loss in _ON_LOSS else None,
        )
        if not asked or asked in _YES | {"0", "false"}:
            return wish
        returning = ReturnToRelay(
            session_id=asked[:512],
            resume_token=_token(request.headers, request.subprotocols)[:512],
            epoch=request.query.get("holdfast_epoch", "")[:512],
            offset=_count(request.query.get("holdfast_received", "")),
        )
        return cls(wish.query, can_return=True, returning=returning, on_loss=wish.on_loss)


def _token(headers: Mapping[str, str], subprotocols: Sequence[str]) -> str:
    offered = (name for name in subprotocols if name.startswith(TOKEN_SUBPROTOCOL))
    return headers.get("holdfast-resume-token") or next(offered, "").removeprefix(TOKEN_SUBPROTOCOL)


def _count(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else -1


class ReturnableLine:
    """A client's line that outlives its socket. Fills the port `ClientLine`."""

    def __init__(self, client: ClientLine, window: RelayWindow) -> None:
        self.client: ClientLine | None = client
        self._window = window

    def send_text(self, payload: bytes) -> None:
        """Send a message, and keep it until the client says that it has it."""
        self._window.keep(payload)
        if self.client is not None:
            self.client.send_text(payload)

    def send_uncounted(self, payload: bytes) -> None:
        """Send what was counted before, or is not counted at all."""
        if self.client is not None:
            self.client.send_text(payload)

    def send_binary(self, payload: bytes) -> None:
        """This dialect is text only."""
        raise AssertionError(f"{len(payload)} binary bytes in a dialect of text")

    @property
    def round_trip_ms(self) -> float | None:
        """See `ClientLine`."""
        return None if self.client is None else self.client.round_trip_ms

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Begin the closing handshake."""
        if self.client is not None:
            self.client.close(code, reason)

    def pause_reading(self, *, paused: bool) -> None:
        """Let TCP do the waiting."""
        if self.client is not None:
            self.client.pause_reading(paused=paused)

    def make_room(self, size: int) -> None:
        """A message of that size is about to be sent."""
        if self.client is not None:
            self.client.make_room(size)

    def ride(self, express: Express) -> None:
        """See `ClientLine`."""
        if self.client is not None:
            self.client.ride(express)

    @property
    def leg(self) -> Leg | None:
        """See `ClientLine`."""
        return None if self.client is None else self.client.leg

    def abort(self) -> None:
        """Break the connection without a word."""
        if self.client is not None:
            self.client.abort()

    def hand_to(self, conversation: Conversation | None) -> None:
        """From here on what the client sends is for this conversation, or for nobody."""
        if self.client is not None:
            self.client.hand_to(conversation)
