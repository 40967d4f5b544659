"""Who is at the other end, when proxies stand between.

What lives here: the reading of X-Forwarded-For and X-Forwarded-Proto, believed from trusted peers only.
What never will: admission.
"""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

_HOPS_MAX: Final = 16
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Peer:
    """The client's address as far as it can be known, and the scheme it used."""

    address: str
    scheme: Literal["http", "https"]

    @property
    def line(self) -> str:
        """What limits count by: the address; of IPv6 its /64, which is what one line is given."""
        found = _address(self.address)
        if found is None or found.version == 4:
            return self.address
        return str(ipaddress.ip_network((found, 64), strict=False))

    @property
    def is_loopback(self) -> bool:
        """Whether the client runs on this machine."""
        address = _address(self.address)
        return address is not None and address.is_loopback


class TrustedProxies:
    """Addresses and networks whose forwarding headers are believed. ValueError for one that is neither."""

    def __init__(self, networks: Iterable[str] = ()) -> None:
        self._networks: tuple[_Network, ...] = tuple(
            ipaddress.ip_network(network, strict=False) for network in networks
        )

    def resolve(self, peer: str, scheme: Literal["http", "https"], headers: Mapping[str, str]) -> Peer:
        """The client behind `peer`. The chain is read from its near end; the first stranger is the client."""
        # a socket for both families writes an address of IPv4 as one of IPv6: all of them share one /64
        client = str(_address(peer) or peer)
        if not self._networks or not self._trusts(peer):
            return Peer(client, scheme)
        for hop in reversed(headers.get("x-forwarded-for", "").split(",")[-_HOPS_MAX:]):
            address = _address(_without_port(hop.strip()))
            if address is None:
                break
            client = str(address)
            if not self._trusts(client):
                break
        proto = headers.get("x-forwarded-proto", "").rpartition(",")[2].strip().lower()
        return Peer(client, "https" if proto in {"https", "wss"} else "http" if proto else scheme)

    def _trusts(self, address: str) -> bool:
        found = _address(address)
        return found is not None and any(found in network for network in self._networks)


def _without_port(hop: str) -> str:
    """Some proxies write the client's port, too (Azure's do): 192.0.2.1:80, [2001:db8::1]:80."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop


@functools.lru_cache(maxsize=1024)
def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(text.strip("[]").partition("%")[0])
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found
