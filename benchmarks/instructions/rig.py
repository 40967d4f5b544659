"""The gateway's whole way of a message, without a loop's chance.

What lives here: the real router, listeners, runners, core and wire between two sockets of this process,
opened by a real loop, then fed as the loop would feed them, message by message.
What never will: a stand-in for anything of ours. Peers are the `websockets` library on plain sockets.
"""

from __future__ import annotations

import asyncio
import select
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from uvicorn.server import ServerState
from websockets.client import ClientProtocol
from websockets.frames import DATA_OPCODES, Frame
from websockets.server import ServerProtocol
from websockets.uri import parse_uri

from holdfast.bench import frames
from holdfast.core.limits import Limits
from holdfast.express import Express, express
from holdfast.ports import Principal, UpgradeRequest
from holdfast.providers.openai import OpenAIDialer
from holdfast.runtime.assistant import Assistant
from holdfast.runtime.directory import Directory
from holdfast.runtime.upstreams import Upstreams
from holdfast.server.handover import HandedOver
from holdfast.server.host import Host
from holdfast.server.router import SocketRouter
from holdfast.store.memory import MemoryJournal
from holdfast.tools import FunctionToolbox

START_S: Final = 30.0
SETTLE_S: Final = 0.03
READ_BYTES: Final = 1 << 20
_TURNS_TO_END: Final = 20
"""Of the loop, until a closed socket has told everybody."""
PEER: Final = "127.0.0.1"
Side = Literal["client", "upstream"]


class Open:
    """A gate that lets everybody in: admission is not on a message's way."""

    line: Final = PEER

    def peer(self, request: UpgradeRequest) -> Open:  # noqa: ARG002 - the port's shape
        return self

    def admit_browser(self, request: UpgradeRequest) -> Principal:  # noqa: ARG002 - same
        return Principal("C-1", "", "demo")

    admit_client = admit_browser


class Peer:
    """The other end of one of the gateway's sockets."""

    def __init__(self, sock: socket.socket, protocol: ClientProtocol | ServerProtocol) -> None:
        self.sock = sock
        self.protocol = protocol
        self.taken: list[bytes] = []
        self.heard = 0
        """Messages so far."""

    def framed(self, message: bytes) -> bytes:
        """What goes over the wire for a message; binary unless it is an event."""
        say = self.protocol.send_text if message.startswith(b"{") else self.protocol.send_binary
        say(message)
        return b"".join(self.protocol.data_to_send())

    def take(self) -> None:
        """Keep what has come, to be looked at later."""
        try:
            self.taken.append(self.sock.recv(READ_BYTES))
        except BlockingIOError:
            return

    def settle(self) -> None:
        """Keep what is still on its way."""
        while select.select([self.sock], [], [], SETTLE_S)[0]:
            self.take()

    def messages(self) -> list[Frame]:
        """The messages that have come since the last time."""
        self.protocol.receive_data(b"".join(self.taken))
        self.taken.clear()
        came = [
            event
            for event in self.protocol.events_received()
            if isinstance(event, Frame) and event.opcode in DATA_OPCODES
        ]
        self.heard += len(came)
        return came

    async def until(self, wanted: str) -> None:
        """Read, with the loop running, until an event of this type has come."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(START_S):
            while wanted not in [frames.kind_of(bytes(event.data)) for event in self.messages()]:
                self.taken.append(await loop.sock_recv(self.sock, READ_BYTES))

    async def say(self, *messages: bytes) -> None:
        """Send at once, with the loop running."""
        wire = b"".join(map(self.framed, messages))
        await asyncio.get_running_loop().sock_sendall(self.sock, wire)


@dataclass(slots=True)
class Conversation:
    """One conversation that is under way."""

    client: Peer
    upstream: Peer
    protocols: dict[Side, Any]
    """What the loop would give bytes to: picows' end of the client's socket, and of the upstream's."""
    runner: Any
    express: Express | None = None

    async def end(self) -> None:
        """Leave nothing to the loop that could stir while the next one is counted."""
        self.runner.finish()
        if self.express is not None:
            self.express.close()
        for protocol in self.protocols.values():
            protocol.transport.disconnect(graceful=False)
        self.client.sock.close()
        self.upstream.sock.close()
        for _ in range(_TURNS_TO_END):
            await asyncio.sleep(0)

    def tell(self, side: Side, message: bytes) -> None:
        """One message from that side, which nobody counts."""
        feed(self.protocols[side], (self.client if side == "client" else self.upstream).framed(message))
        self.client.take()
        self.upstream.take()

    def carry(self, side: Side, messages: Sequence[bytes], toggle: Callable[[], object]) -> None:
        """Messages from that side; what is done for each stands between two calls of `toggle`."""
        sender = self.client if side == "client" else self.upstream
        protocol, client, upstream = self.protocols[side], self.client, self.upstream
        for wire in [sender.framed(message) for message in messages]:
            if self.express is not None and protocol.listener.leg.is_riding:
                sender.sock.sendall(wire)
                _arrived(protocol.transport.underlying_transport.get_extra_info("socket"))
                toggle()
                self.express.run()
                toggle()
            else:
                toggle()
                feed(protocol, wire)
                toggle()
            client.take()
            upstream.take()

    def visit(self, toggle: Callable[[], object]) -> None:
        """What comes due while audio passes, as `runtime.rounds` sees to it."""
        toggle()
        self.runner.visit()
        toggle()
        self.client.take()


def _arrived(sock: socket.socket) -> None:
    """The kernel may take its time even from one end of a loopback to the other."""
    assert select.select([sock], [], [], START_S)[0], "nothing came over the loopback"


def feed(protocol: Any, wire: bytes) -> None:
    """Give a buffered protocol what its socket has read, as a loop does."""
    buffer = protocol.get_buffer(65_536)
    buffer[: len(wire)] = wire
    protocol.buffer_updated(len(wire))


class Nothing:
    """A protocol that does nothing: what `feed` itself costs."""

    def __init__(self) -> None:
        self._room = bytearray(65_536)

    def get_buffer(self, size: int) -> memoryview:  # noqa: ARG002 - asyncio's shape
        return memoryview(self._room)

    def buffer_updated(self, size: int) -> None:
        """Forget it."""

    def run(self) -> None:
        """As the express is called when a socket that rides on it has something."""


# opening one


async def conversing(
    path: str, client_says: Sequence[bytes], ready: str, *, rides: bool = False
) -> Conversation:
    """A conversation at `path` in the middle of a response. `client_says` what begins it, if anything.

    `rides`: its audio takes the compiled way.
    """
    limits = Limits(sessions=1_000, sessions_per_ip=1_000, sessions_per_user=1_000)
    with socket.create_server((PEER, 0)) as doors:
        doors.setblocking(False)
        base = f"http://{PEER}:{doors.getsockname()[1]}/v1"
        upstreams = Upstreams.of([OpenAIDialer("openai", base, "sk-none", "gpt-realtime", limits)], limits)
        assistant = Assistant("", lambda _principal, more: more or "Be brief.", FunctionToolbox([]))
        directory = Directory(limits, express=express() if rides else None)
        host = Host(upstreams, directory, assistant, limits, MemoryJournal())
        router = SocketRouter(Open(), directory, host, upstreams.facts, limits)
        client, client_end = await _entered(router, path)
        await client.say(*client_says)
        upstream = await _reached(doors)
    await upstream.say(frames.SESSION_CREATED)
    if not client_says:
        await client.until("session.created")
        await client.say(frames.SESSION_UPDATE)
    await upstream.until("session.update")
    await upstream.say(frames.SESSION_UPDATED, frames.RESPONSE_CREATED)
    await client.until(ready)
    runner = client_end.listener._conversation  # noqa: SLF001 - the socket tells nobody whose it is
    upstream_end = runner.line.transport.underlying_transport.get_protocol()
    ends: dict[Side, Any] = {"client": client_end, "upstream": upstream_end}
    return Conversation(client, upstream, ends, runner, directory.express)


async def _entered(router: SocketRouter, path: str) -> tuple[Peer, HandedOver]:
    """A client after its handshake, and picows' end of it."""
    loop = asyncio.get_running_loop()
    with socket.create_server((PEER, 0)) as doors:
        sock = socket.create_connection(doors.getsockname())
        accepted, _ = doors.accept()
    sock.setblocking(False)
    accepted.setblocking(False)

    def handed_over() -> HandedOver:
        bare_path = path.partition("?")[0]
        return HandedOver(
            ServerState(), lambda request: router(request, PEER, "http"), router.frame_bytes_max(bare_path)
        )

    _, end = await loop.connect_accepted_socket(handed_over, accepted)
    protocol = ClientProtocol(parse_uri(f"ws://{PEER}{path}"))
    protocol.send_request(protocol.connect())
    client = Peer(sock, protocol)
    await loop.sock_sendall(sock, b"".join(protocol.data_to_send()))
    while protocol.state.name == "CONNECTING" and protocol.handshake_exc is None:
        protocol.receive_data(await loop.sock_recv(sock, READ_BYTES))
    protocol.events_received()
    return client, end


async def _reached(doors: socket.socket) -> Peer:
    """An upstream after its handshake."""
    loop = asyncio.get_running_loop()
    sock, _ = await loop.sock_accept(doors)
    protocol = ServerProtocol()
    asked: list[Any] = []
    while not asked:
        protocol.receive_data(await loop.sock_recv(sock, READ_BYTES))
        asked = protocol.events_received()
    protocol.send_response(protocol.accept(asked[0]))
    await loop.sock_sendall(sock, b"".join(protocol.data_to_send()))
    return Peer(sock, protocol)
