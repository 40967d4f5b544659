"""What a dial that raised is called, where no server has to be there for it."""

from __future__ import annotations

import asyncio
import errno
import os

import pytest

from holdfast.providers.classify import of_exception
from holdfast.sockets import Handshake, MessageListener, connect


async def _looked_up_elsewhere(_url: object) -> None:
    """The loop is to find out by itself."""


@pytest.mark.parametrize("host", ["api..example.com", "a" * 70 + ".example.com"])
async def test_what_can_be_no_name_is_an_unknown_one(host: str) -> None:
    handshake = Handshake(2.0, 5.0, 5.0, 1 << 20, None, {})
    with pytest.raises(UnicodeError) as raised:
        await connect(f"ws://{host}/", MessageListener(), handshake, _looked_up_elsewhere)
    assert of_exception(raised.value).code == "provider.name_unknown"


@pytest.mark.parametrize("answer", [b"220 mail ESMTP\r\n\r\n", b"HELLO\r\n\r\n"])
async def test_what_speaks_no_http_does_not_speak_our_protocol(answer: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        handshake = Handshake(2.0, 5.0, 5.0, 1 << 20, None, {})
        with pytest.raises(Exception, match="upgrade") as raised:
            await connect(f"ws://127.0.0.1:{port}/", MessageListener(), handshake, _looked_up_elsewhere)
    assert of_exception(raised.value).code == "provider.protocol_breach"


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS])
def test_what_the_system_has_no_more_of_is_no_fault_of_the_upstream(number: int) -> None:
    assert of_exception(OSError(number, os.strerror(number))).code == "gateway.out_of_resources"


def test_a_bug_of_ours_is_none() -> None:
    assert of_exception(UnicodeDecodeError("utf-8", b"", 0, 0, "a bug")).code == "gateway.internal"
