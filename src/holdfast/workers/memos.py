"""What front and workers tell each other.

What lives here: the shapes, read strictly. `ticket` names a conversation: the front counts up from 1 for
those it sends, a worker down from -1 for those it takes up from its journal.
What never will: sending (`channel`).
"""

from __future__ import annotations

from typing import Final

import msgspec

from holdfast.core.overload import LoadSample
from holdfast.ledger import Batch, Climate
from holdfast.runtime.rehearsal import FaultName
from holdfast.server.console.overview import Extras
from holdfast.server.host import Admission
from holdfast.telemetry.metrics import Family


class Memo(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """One message of the line."""


# from the front


class TakeIn(Memo, frozen=True):
    """A client's socket, which comes along: it has its 101 already. `rest` is what it has sent since."""

    ticket: int
    admission: Admission
    head: bytes
    rest: bytes


class GiveWay(Memo, frozen=True):
    """End this one, if it is parked: somebody needs its place."""

    ticket: int


class Drain(Memo, frozen=True):
    """Take no more and tell all."""

    at_once: bool


class Rehearse(Memo, frozen=True):
    """Break something, for an application's developer."""

    fault: FaultName
    seconds: float
    session: str | None


class EngineNews(Memo, frozen=True):
    """Whether the engine could take a session, and why not."""

    ready: bool
    reasons: tuple[str, ...]
    is_incomplete: bool = False


class EngineAt(Memo, frozen=True):
    """The answer to `EngineWanted`; without a token there is none."""

    number: int
    url: str = ""
    token: str = ""


class FiguresWanted(Memo, frozen=True):
    """What has it counted, and what does it hold? Answered under the same number."""

    number: int


class Overlook(Memo, frozen=True):
    """Somebody looks at the console from here on: tell everything, then what changes; or nobody any more."""

    is_on: bool


class SessionWanted(Memo, frozen=True):
    """What is known of this session? Answered under the same number, `with_extras` for a bundle."""

    number: int
    session_id: str
    with_extras: bool


class EndWanted(Memo, frozen=True):
    """An operator ends this session, wherever it runs."""

    session_id: str
    operator: str


# from a worker


class Ready(Memo, frozen=True):
    """It takes sockets. `left_behind`: the sessions of its journal that nobody has come back to yet."""

    left_behind: tuple[str, ...]


class Failed(Memo, frozen=True):
    """It cannot start: what, why, fix."""

    what: str
    why: str
    fix: str


class Took(Memo, frozen=True):
    """It has the socket of this ticket, and begins to read it."""

    ticket: int


class Entered(Memo, frozen=True):
    """A session was taken up from the journal."""

    ticket: int
    peer: str
    user: str


class Named(Memo, frozen=True):
    """A conversation has an id by which its client may find it again."""

    ticket: int
    session_id: str


class Parked(Memo, frozen=True):
    """Its client is away, or back."""

    ticket: int
    is_parked: bool


class Left(Memo, frozen=True):
    """It is over, or never began."""

    ticket: int


class Looked(Memo, frozen=True):
    """Four times a second: it lives, and how it is."""

    sample: LoadSample
    is_low: bool
    """Whether its file descriptors run out."""
    is_outage: bool
    """Whether no upstream could be reached for a while."""
    is_cut_off: bool
    """Whether no upstream can be reached now."""


class EngineWanted(Memo, frozen=True):
    """Where is the engine? Answered under the same number."""

    number: int


class Figures(Memo, frozen=True):
    """The answer to `FiguresWanted`."""

    number: int
    families: list[Family]


class Overseen(Memo, frozen=True):
    """At most once a second, while somebody looks: what has happened, and how the process is."""

    batch: Batch
    climate: Climate


class SessionTold(Memo, frozen=True):
    """The answer to `SessionWanted`: as JSON; empty of a session that is not known here."""

    number: int
    document: bytes = b""
    extras: Extras | None = None


FromFront = (
    TakeIn
    | GiveWay
    | Drain
    | Rehearse
    | EngineNews
    | EngineAt
    | FiguresWanted
    | Overlook
    | SessionWanted
    | EndWanted
)
FromWorker = (
    Ready
    | Failed
    | Took
    | Entered
    | Named
    | Parked
    | Left
    | Looked
    | EngineWanted
    | Figures
    | Overseen
    | SessionTold
)

written: Final = msgspec.msgpack.Encoder().encode
read_from_front: Final = msgspec.msgpack.Decoder(FromFront).decode
read_from_worker: Final = msgspec.msgpack.Decoder(FromWorker).decode
