"""What a dial that raised is called, where no server has to be there for it."""

from __future__ import annotations

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


def test_a_bug_of_ours_is_none() -> None:
    assert of_exception(UnicodeDecodeError("utf-8", b"", 0, 0, "a bug")).code == "gateway.internal"
