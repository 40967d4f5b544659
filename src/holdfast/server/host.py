"""Who was let in, as data, and who talks with them: a socket and its conversation.

What lives here: `Admission`, all that a conversation must know of the upgrade it came from, so that it can be
sent to another process; `Host`, which makes the conversation.
What never will: letting in (the router), what a conversation does (runtime).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, Protocol

from picows import WSListener

from holdfast.core.limits import Limits
from holdfast.core.rights import Rights
from holdfast.ports import Conversation, Principal
from holdfast.ports.journal import Journal
from holdfast.runtime.assistant import Assistant
from holdfast.runtime.directory import Directory
from holdfast.runtime.relay_return import RelayWish
from holdfast.runtime.relay_runner import RelayRunner
from holdfast.runtime.session_runner import SessionRunner
from holdfast.runtime.upstreams import Upstreams
from holdfast.server.client_socket import ClientSocket
from holdfast.server.older_client import OlderClientSocket
from holdfast.sockets import MessageBounds

BROWSER_PATH: Final = "/api/openai/realtime"
REALTIME_PATH: Final = "/v1/realtime"
_REALTIME_BINARY_BYTES: Final = 1024
"""The dialect has no binary messages; so much is read of one to say so."""


@dataclass(frozen=True, slots=True)
class Admission:
    """An upgrade that was let in. `user` is whom limits count, empty for nobody."""

    path: Literal["/api/openai/realtime", "/v1/realtime"]
    principal: Principal
    peer: str
    user: str
    rights: Rights = Rights.FULL
    wish: RelayWish | None = None
    """What an upgrade of `/v1/realtime` asked for."""
    is_older: bool = False
    """Whether the client speaks the shape before GA."""


class Hosting(Protocol):
    """Whoever takes in those that were let in."""

    def listener(self, admission: Admission) -> WSListener:
        """Who hears the socket from its first byte on."""
        ...


@dataclass(slots=True)
class Host:
    """Talks with them in this process."""

    upstreams: Upstreams
    directory: Directory
    assistant: Assistant
    limits: Limits
    journal: Journal

    def listener(self, admission: Admission) -> ClientSocket:
        """A socket whose conversation begins when the handshake is over."""
        is_narrow = admission.rights is Rights.NARROW
        if admission.path == BROWSER_PATH:
            limits = self.limits.narrowed(admission.principal.limits)
            start, kind = self._session_of(admission, limits), ClientSocket
        else:
            limits = self.limits
            start, kind = self._relay_of(admission), OlderClientSocket if admission.is_older else ClientSocket
        bounds = bounds_of(admission.path, limits, is_narrow=is_narrow)
        return kind(start, bounds, limits.client_outbox_bytes)

    def _session_of(self, admission: Admission, limits: Limits) -> Start:
        def start(socket: ClientSocket) -> Conversation:
            runner = SessionRunner(
                socket,
                self.upstreams,
                self.directory,
                assistant=self.assistant,
                principal=admission.principal,
                limits=limits,
                journal=self.journal,
                peer=admission.peer,
            )
            self.directory.enter(runner, admission.peer, admission.user)
            return runner

        return start

    def _relay_of(self, admission: Admission) -> Start:
        wish = admission.wish or RelayWish({})

        def start(socket: ClientSocket) -> Conversation:
            runner = RelayRunner(
                socket,
                self.upstreams,
                self.directory,
                self.limits,
                wish,
                principal=admission.principal,
                peer=admission.peer,
                rights=admission.rights,
            )
            self.directory.enter(runner, admission.peer, admission.user)
            return runner

        return start


class Start(Protocol):
    """Makes the conversation of a socket that has just opened."""

    def __call__(self, socket: ClientSocket, /) -> Conversation:
        """It is known to the directory, and not started yet."""
        ...


def bounds_of(path: str, limits: Limits, *, is_narrow: bool = False) -> MessageBounds:
    """What a client of this path may send in one message."""
    if path == REALTIME_PATH:
        text_bytes = limits.narrow_client_text_bytes if is_narrow else limits.trusted_client_text_bytes
        return MessageBounds(text_bytes, _REALTIME_BINARY_BYTES, limits.message_fragments)
    return MessageBounds(limits.client_text_bytes, limits.client_binary_bytes, limits.message_fragments)
