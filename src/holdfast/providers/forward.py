"""REST requests passed on to a provider: our key, its address, bodies that flow.

What lives here: one HTTP client for each upstream, what may pass in either direction.
What never will: what a request asks for, choosing among upstreams.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import httpx

from holdfast.core.limits import Limits
from holdfast.ports.audio import AudioFailedError, Body
from holdfast.providers.realtime_link import KeyHeader, trusted

UP: Final = ("content-type", "accept", "openai-safety-identifier")
"""Headers that are the client's to choose."""
DOWN: Final = ("content-type", "x-request-id", "openai-processing-ms", "retry-after", "location")
"""Headers that the client is told."""
_HIDDEN: Final = b"(our key)"


@dataclass(frozen=True, slots=True)
class Answered:
    """A provider's answer."""

    response: httpx.Response
    key: str = field(repr=False)
    refusal_bytes_max: int

    @property
    def status(self) -> int:
        """HTTP's status."""
        return self.response.status_code

    @property
    def headers(self) -> Mapping[str, str]:
        """Those of `DOWN` that there are."""
        return {name: self.response.headers[name] for name in DOWN if name in self.response.headers}

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body, decoded, as it comes."""
        try:
            async for piece in self.response.aiter_bytes():
                yield piece
        except httpx.HTTPError as error:
            raise AudioFailedError("upstream_broke_off", type(error).__name__) from error
        finally:
            await self.response.aclose()

    async def refusal(self) -> bytes:
        """A provider quotes a key that it refuses; nobody but us may read it (S38)."""
        body = bytearray()
        async for piece in self.pieces():
            body += piece
            if len(body) > self.refusal_bytes_max:
                break
        await self.close()
        told = bytes(body[: self.refusal_bytes_max])
        return told.replace(self.key.encode(), _HIDDEN) if self.key else told

    async def close(self) -> None:
        """Hang up."""
        await self.response.aclose()


class RestForwarder:
    """Asks the provider at `base_url`. Fills the port `Forwarder`."""

    def __init__(
        self,
        name: str,
        base_url: str,
        api_key: str,
        limits: Limits,
        *,
        key_header: KeyHeader = "authorization",
    ) -> None:
        self.name = name
        self.base_url = base_url.rstrip("/")
        self.api_key = api_key
        self.key_header: KeyHeader = key_header
        self._limits = limits
        written = f"Bearer {api_key}" if key_header == "authorization" else api_key
        self._credential = {key_header: written} if api_key else {}
        self._client = httpx.AsyncClient(
            verify=trusted() if base_url.startswith("https:") else True,
            trust_env=False,
            follow_redirects=False,  # a credential is never sent to another address
            timeout=httpx.Timeout(limits.audio_request_s, connect=limits.dial_s),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=4),
        )

    async def forward(self, method: str, path: str, headers: Mapping[str, str], body: Body) -> Answered:
        """Ask, and answer as soon as the status is known. Raises AudioFailedError."""
        told = {name: headers[name] for name in UP if name in headers} | self._credential
        if body.length is not None:
            told["content-length"] = str(body.length)
        request = self._client.build_request(method, self.base_url + path, headers=told, content=body.pieces)
        try:
            response = await self._client.send(request, stream=True)
        except httpx.HTTPError as error:
            words = f"{self.name} does not answer ({type(error).__name__})."
            raise AudioFailedError("upstream_unreachable", words) from error
        return Answered(response, self.api_key, self._limits.rest_error_bytes)

    async def close(self) -> None:
        """Hang up on everybody."""
        await self._client.aclose()
