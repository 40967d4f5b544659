"""Host and Origin: which names this server answers to, and whose pages may talk to it.

What lives here: normal forms, and the two lists. Pure.
What never will: credentials.

A browser fills in both headers by itself: a foreign page cannot lie about its Origin, and a rebound DNS name
shows in Host. Both are compared whole, after lower case and default ports; never by prefix or suffix.
"""

from __future__ import annotations

import functools
import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_PORTS: Final = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_PAGE_SCHEME: Final = {"ws": "http", "wss": "https", "http": "http", "https": "https"}
_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
_ADDRESS: Final = re.compile(r"(?P<host>\[[0-9a-f:.]{2,45}\]|[^:\[\]]+)(?::(?P<port>[0-9]{1,5}))?")
_LENGTH_MAX: Final = 300
_remembered: Final = functools.lru_cache(maxsize=256)
"""Few names are asked for, again and again: each is read once."""


@dataclass(frozen=True, slots=True)
class Address:
    """A host name and the port as it was written; None for the scheme's own."""

    name: str
    port: int | None


@_remembered
def read_host(host: str) -> Address | None:
    """A Host header; None when it is not one plain name or address with an optional port."""
    found = _ADDRESS.fullmatch(host.lower()) if len(host) <= _LENGTH_MAX else None
    if found is None:
        return None
    name, port = found["host"], found["port"]
    if not name.startswith("[") and not _NAME.fullmatch(name):
        return None
    if port is not None and not 0 < int(port) < 65_536:
        return None
    return Address(name, int(port) if port else None)


def normal_origin(origin: str) -> str | None:
    """`scheme://host[:port]` in lower case without a default port; None for anything else."""
    scheme, separator, rest = origin.partition("://")
    scheme = scheme.lower()
    address = read_host(rest) if separator and scheme in {"http", "https"} else None
    return _written(scheme, address) if address else None


def own_origin(scheme: str, host: str) -> str | None:
    """The origin of the pages that are served under this Host header."""
    address = read_host(host)
    return _written(_PAGE_SCHEME[scheme], address) if address and scheme in _PAGE_SCHEME else None


def _written(scheme: str, address: Address) -> str:
    if address.port is None or address.port == _PORTS[scheme]:
        return f"{scheme}://{address.name}"
    return f"{scheme}://{address.name}:{address.port}"


@_remembered
def is_loopback_name(name: str) -> bool:
    """Whether a host name or address means this very machine."""
    bare = name.lower().strip("[]")
    if bare == "localhost":
        return True
    try:
        return ipaddress.ip_address(bare).is_loopback
    except ValueError:
        return False


class OriginPolicy:
    """The Host names we answer to, and the origins whose pages may talk to us."""

    def __init__(self, origins: Iterable[str]) -> None:
        normal = {origin: normal_origin(origin) for origin in origins}
        wrong = [origin for origin, form in normal.items() if form is None]
        if wrong:
            raise ValueError(f"no web origin: {wrong[0]!r}")
        self._origins = frozenset(form for form in normal.values() if form)
        hosts = (read_host(origin.partition("://")[2]) for origin in self._origins)
        self._names = frozenset(address.name for address in hosts if address)

    def answers_to(self, host: str) -> bool:
        """Whether a request with this Host header is meant for us."""
        address = read_host(host)
        return address is not None and (is_loopback_name(address.name) or address.name in self._names)

    def lists(self, origin: str) -> bool:
        """Whether this is one of the configured origins."""
        return normal_origin(origin) in self._origins

    def welcomes(self, origin: str, *, scheme: str, host: str) -> bool:
        """Whether a page of `origin` may talk to us: our own pages, and the listed ones."""
        normal = normal_origin(origin)
        return normal is not None and (normal in self._origins or normal == own_origin(scheme, host))
