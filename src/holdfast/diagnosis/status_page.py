"""What a service says of itself on its status page: a link for the verdict, asked only when it is wished.

What lives here: the links that are known, and reading the form that most such pages have.
What never will: believing it more than what was measured; it is a warning, never a failure.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final
from urllib.parse import urlsplit

import httpx
import msgspec

from holdfast.diagnosis.checks import Answer

LINKS: Final[Mapping[str, str]] = {
    "api.openai.com": "https://status.openai.com",
    "openai.azure.com": "https://azure.status.microsoft",
    "api.x.ai": "https://status.x.ai",
}
"""The end of a host's name -> its service's page."""
TIMEOUT_S: Final = 5.0
_BYTES_MAX: Final = 1024 * 1024
_SUMMARY: Final = "/api/v2/summary.json"
_INCIDENTS_MAX: Final = 3


class _Status(msgspec.Struct):
    indicator: str = "none"
    description: str = ""


class _Incident(msgspec.Struct):
    name: str = ""
    status: str = ""


class _Summary(msgspec.Struct):
    status: _Status
    incidents: list[_Incident] = []


def link_of(base_url: str) -> str:
    """The status page of whoever lives there; empty where none is known."""
    host = urlsplit(base_url).hostname or ""
    return next((link for end, link in LINKS.items() if host == end or host.endswith(f".{end}")), "")


def status_page(link: str) -> Callable[[], Awaitable[Answer]]:
    """A question to that page."""

    async def ask() -> Answer:
        try:
            summary = await _read(link.rstrip("/") + _SUMMARY)
        except (httpx.HTTPError, msgspec.MsgspecError, ValueError) as error:
            return Answer.ok(f"{link} tells nothing that can be read ({type(error).__name__})")
        incidents = [f"{one.name} ({one.status})" for one in summary.incidents[:_INCIDENTS_MAX]]
        told = "; ".join(filter(None, (summary.status.description, *incidents)))
        if summary.status.indicator == "none":
            return Answer.ok(f"{link}: {told or 'no incident'}")
        return Answer.warning(f"{link}: {told}", "Wait for the service, or put another upstream in the list.")

    return ask


async def _read(url: str) -> _Summary:
    """Raises httpx.HTTPError, msgspec.MsgspecError, ValueError for what is too long."""
    told = b""
    async with httpx.AsyncClient(timeout=TIMEOUT_S) as client, client.stream("GET", url) as answer:
        answer.raise_for_status()
        async for chunk in answer.aiter_bytes():
            told += chunk
            if len(told) > _BYTES_MAX:
                raise ValueError("too long")
    return msgspec.json.decode(told, type=_Summary)
