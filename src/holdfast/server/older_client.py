"""A client of the shape before GA on `/v1/realtime`: refused with the cure, or translated if so set.

What lives here: its socket, which speaks the older shape to it and GA to its conversation.
What never will: the shape (`wire.dialects`), whether it is let in (`server.beta_clients`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import structlog

from holdfast.express import Express
from holdfast.ports import Conversation
from holdfast.server.client_socket import ClientSocket, RefusedSocket
from holdfast.wire.dialects import BETA, OlderClient

SUBPROTOCOL: Final = "openai-beta.realtime-v1"
_CURE: Final = """\
The shape before GA is not spoken here any more. Leave out the header 'OpenAI-Beta: realtime=v1' (or the \
subprotocol openai-beta.realtime-v1) and use a GA client: in the official SDKs `client.realtime`, not \
`client.beta.realtime`. Whoever runs this gateway can have it translated: beta_clients = "translate" \
under [server]."""

log = structlog.get_logger()


def refused() -> RefusedSocket:
    """As the service does it: `error`, then close 4000 (protocol reference, 9.4)."""
    return RefusedSocket("beta_api_shape_disabled", _CURE, 4000)


class OlderClientSocket(ClientSocket):
    """A step more for each message, which sockets of the GA shape do not have."""

    def on_open(self) -> None:
        self._older = OlderClient(BETA, on_left_out=_note)
        say, down = self.send_text, self._older.down

        def send_text(payload: bytes) -> None:
            for told in down(payload):
                say(told)

        self.send_text = send_text  # type: ignore[method-assign] # as `MessageListener` does
        super().on_open()

    def ride(self, express: Express) -> None:
        """Not this one: each of its messages is translated."""

    def hand_to(self, conversation: Conversation | None) -> None:
        super().hand_to(conversation)
        if conversation is not None:
            heard, up = conversation.client_text, self._older.up

            def on_text(payload: bytes) -> None:
                heard(up(payload))

            self.on_text = on_text  # type: ignore[method-assign] # as the class above does


def _note(fields: Sequence[str]) -> None:
    log.info("client.left_out", category="client", source="older_client", fields=list(fields))
