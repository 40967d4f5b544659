"""The fault matrix as the simulation plays it: which faults there are, and in which states they can hit.

What lives here: the rows (reliability reference, C) by the name of the fault, and what each does.
What never will: doing it (`upstream`, `gateway`, `caller`).

What a simulation of the core cannot have is not here: bytes of frames, back-pressure of sockets (a slow
reader is TCP's business), descriptors, other nodes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final


class At(Enum):
    """Where a session stands when a fault hits: the columns of the matrix."""

    CN = "connecting"
    WC = "awaiting created"
    WU = "awaiting updated"
    ID = "idle"
    US = "user speaking"
    CM = "committed"
    RS = "response streaming"
    TR = "tool running"
    CL = "closing"


_A = At
STARTING: Final = (_A.CN, _A.WC, _A.WU)
SERVING: Final = (_A.ID, _A.US, _A.CM, _A.RS, _A.TR)
OPEN: Final = (_A.WC, _A.WU, *SERVING)
ALL: Final = (*STARTING, *SERVING)


class Kind(Enum):
    """Who plays the fault."""

    CLOSE = "the upstream closes"
    RESET = "the connection breaks"
    SILENCE = "nothing comes any more"
    DIAL = "the next dials fail"
    EVENT = "the upstream says something"
    ANSWER = "the next answer comes to nothing"
    LATE = "everything comes late"
    CLIENT = "the client"
    PROCESS = "the process"
    STORE = "the journal"


@dataclass(frozen=True, slots=True)
class Fault:
    """A row: its name, what kind it is, the columns in which it can hit, and what the kind needs to know."""

    row: str
    kind: Kind
    states: tuple[At, ...]
    argument: str = ""


_K = Kind
_CLOSES: Final = (
    ("close 1000", "1000 told so"),
    ("close 1001", "1001 told so"),
    ("close 1011", "1011 "),
    ("close 1012", "1012 service restart"),
    ("close 1013", "1013 try later"),
    ("close 1002", "1002 "),
    ("close 1003", "1003 "),
    ("close 1007", "1007 "),
    ("close 1008", "1008 policy violation"),
    ("close 1008, expired", "1008 invalid_request_error.session_expired"),
    ("close 1009", "1009 "),
    ("close 1013, quota", "1013 insufficient_quota.insufficient_quota"),
)
_DIALS: Final = (
    ("401", "401"),
    ("403", "403"),
    ("404", "404"),
    ("429", "429"),
    ("429, retry after", "429 3"),
    ("429, quota", "429 quota"),
    ("408", "408"),
    ("500", "500"),
    ("503", "503"),
    ("3xx", "307"),
    ("DNS failure", "provider.name_unknown"),
    ("TLS reset", "provider.tls_failed"),
    ("TLS certificate", "configuration.tls_certificate"),
    ("connection refused", "provider.unreachable"),
    ("handshake never answered", "never"),
    ("refused in band", "in band"),
)
_EVENTS: Final = (
    ("error server_error", OPEN, "server_error"),
    ("error server_error three times", SERVING, "server_error*3"),
    ("error invalid_request", OPEN, "invalid"),
    ("session_expired", OPEN, "expired"),
    ("rate limited (event)", OPEN, "rate"),
    ("malformed JSON", OPEN, "malformed"),
    ("malformed JSON three times", OPEN, "malformed*3"),
    ("duplicated event", OPEN, "duplicate"),
    ("reordered: stray delta", (_A.WU, *SERVING), "stray"),
    ("reordered: delta before its response", (_A.CM,), "early"),
    ("reordered: done before the last delta", (_A.RS,), "premature"),
    ("oversized frame", OPEN, "oversized"),
)
_ANSWERS: Final = (
    ("response failed: server_error", "failed server_error"),
    ("response failed: rate limit", "failed rate_limit_exceeded"),
    ("response failed: other", "failed other"),
    ("response incomplete: tokens", "incomplete max_output_tokens"),
    ("response incomplete: filter", "incomplete content_filter"),
)
_LATES: Final = (
    ("slow: session.created or updated", STARTING, "2.5"),
    ("slow: first byte of the answer", (_A.CM,), "5"),
    ("slow: first byte far too late", (_A.CM,), "17"),
    ("slow: everything", SERVING, "1.2"),
)
_CLIENTS: Final = (
    ("client drop", ALL, "drop"),
    ("client half-open", ALL, "half-open"),
    ("client gone for long", SERVING, "long"),
    ("slow client", SERVING, "slow"),
    ("client malformed", (*ALL, _A.CL), "malformed"),
    ("two clients with one token", ALL, "second"),
    ("another's token", SERVING, "wrong"),
    ("resumed from an older offset", SERVING, "older"),
)
_PROCESSES: Final = (
    ("kill -9", (*ALL, _A.CL), "kill"),
    ("SIGTERM drain", ALL, "drain"),
    ("SIGTERM twice", ALL, "drain twice"),
    ("event-loop stall 2 s", ALL, "stall"),
    ("parked session ended for memory", (_A.ID,), "memory"),
)
_STORES: Final = (
    ("journal down", ALL, "down"),
    ("journal slow", SERVING, "slow"),
    ("journal down and kill -9", SERVING, "down kill"),
)

FAULTS: Final[tuple[Fault, ...]] = (
    Fault("TCP reset", _K.RESET, (*ALL, _A.CL)),
    *(Fault(row, _K.CLOSE, (*OPEN, _A.CL), argument) for row, argument in _CLOSES),
    Fault("stall, half-open", _K.SILENCE, ALL, "half-open"),
    Fault("stall, mute", _K.SILENCE, (_A.CN, _A.WC, _A.WU, _A.CM, _A.RS), "mute"),
    *(Fault(row, _K.DIAL, (_A.CN, *SERVING), argument) for row, argument in _DIALS),
    *(Fault(row, _K.EVENT, states, argument) for row, states, argument in _EVENTS),
    *(Fault(row, _K.ANSWER, (_A.CM, _A.RS), argument) for row, argument in _ANSWERS),
    *(Fault(row, _K.LATE, states, argument) for row, states, argument in _LATES),
    *(Fault(row, _K.CLIENT, states, argument) for row, states, argument in _CLIENTS),
    *(Fault(row, _K.PROCESS, states, argument) for row, states, argument in _PROCESSES),
    *(Fault(row, _K.STORE, states, argument) for row, states, argument in _STORES),
)
CELLS: Final = tuple((fault, state) for fault in FAULTS for state in fault.states)

CUTS: Final = tuple(fault for fault in FAULTS if fault.row in {"TCP reset", "close 1000", "close 1011"})
"""Faults that begin a recovery and do nothing else: the first of each pair."""
SECONDS: Final = tuple((fault, state) for fault, state in CELLS if state in STARTING)
PAIRS: Final = tuple((first, second, state) for first in SERVING for second, state in SECONDS)
"""Where the first loss hit, the second fault, and how far the way back had come when it hit."""
