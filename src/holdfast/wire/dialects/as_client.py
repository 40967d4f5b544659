"""One link to a server of another dialect: we speak GA, it hears its own.

What lives here: both ways, and what they remember together.
What never will: sockets, a server's name. A GA link has none of this.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from holdfast.wire.dialects.downward import Downward
from holdfast.wire.dialects.memory import OWN, Memory, Own
from holdfast.wire.dialects.table import Dialect
from holdfast.wire.dialects.upward import Upward
from holdfast.wire.realtime import new_id


class Translation:
    """`up` and `down` give what is to be sent; `back` is what the gateway answers itself. Fills `Link`."""

    def __init__(
        self,
        dialect: Dialect,
        own: Own = OWN,
        *,
        on_left_out: Callable[[Sequence[str]], None] = lambda _left: None,
        ids: Callable[[str], str] = new_id,
    ) -> None:
        memory = Memory(dialect, own, on_left_out, ids)
        self.back = memory.back
        self.up = Upward(memory).up
        self.down = Downward(memory).down
