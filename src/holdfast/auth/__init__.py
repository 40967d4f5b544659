"""Admission: where a request comes from, who it speaks for, whether it may change anything.

What lives here: Host and Origin (`origins`), proxies (`peers`), tickets, cookies with their CSRF tokens,
client keys, and `PortalGate`, which puts them together. Everything takes the time as an argument or a clock.
What never will: sockets, routes, knowledge of contracts and customers.
"""

from holdfast.auth.gate import GateOptions, PortalGate
from holdfast.auth.keys import ClientKeys, hash_key, is_hashed_key, new_key
from holdfast.auth.origins import is_loopback_name, normal_origin
from holdfast.auth.peers import Peer, TrustedProxies
from holdfast.auth.tickets import TICKET_S, TICKET_SUBPROTOCOL, Ticket, TicketError, Tickets

__all__ = [
    "TICKET_S",
    "TICKET_SUBPROTOCOL",
    "ClientKeys",
    "GateOptions",
    "Peer",
    "PortalGate",
    "Ticket",
    "TicketError",
    "Tickets",
    "TrustedProxies",
    "hash_key",
    "is_hashed_key",
    "is_loopback_name",
    "new_key",
    "normal_origin",
]
