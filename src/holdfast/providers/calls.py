"""Calls of a provider: the offer with our key, the sideband socket, hanging up (protocol reference, 1.5).

What lives here: the form that carries SDP and session, the call's id in `Location`.
What never will: what a call means.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from holdfast.core.limits import Limits
from holdfast.ports import UpstreamSink
from holdfast.ports.audio import AudioFailedError, Body
from holdfast.ports.calls import CallAnswer
from holdfast.providers.addresses import Addresses
from holdfast.providers.forward import Answered, RestForwarder
from holdfast.providers.openai import realtime_url
from holdfast.providers.realtime_link import Address, dial

_CALL_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")


@dataclass(frozen=True, slots=True)
class ProviderCalls:
    """The calls of one upstream. Fills the port `CallProvider`."""

    forwarder: RestForwarder
    limits: Limits
    names: Addresses

    @property
    def name(self) -> str:
        """The upstream's name."""
        return self.forwarder.name

    async def offer(self, sdp: bytes, session: Mapping[str, Any]) -> CallAnswer:
        """Ask for a call. Raises AudioFailedError when nobody answers, or not as the dialect says."""
        boundary = f"holdfast-{secrets.token_hex(16)}"
        parts = (
            ("sdp", "application/sdp", sdp),
            ("session", "application/json", json.dumps(session).encode()),
        )
        form = b"".join(
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n'
            f"Content-Type: {kind}\r\n\r\n".encode()
            + content
            + b"\r\n"
            for name, kind, content in parts
        )
        content = form + f"--{boundary}--\r\n".encode()
        headers = {"content-type": f"multipart/form-data; boundary={boundary}", "accept": "application/sdp"}
        answered = await self._ask("/realtime/calls", headers, content, self.limits.start_budget_s)
        kind = answered.headers.get("content-type", "application/sdp")
        body = await answered.refusal()
        if answered.status >= 300:
            return CallAnswer(answered.status, kind, body)
        call_id = answered.headers.get("location", "").rstrip("/").rpartition("/")[2]
        if not _CALL_ID.fullmatch(call_id):
            raise AudioFailedError("upstream_broke_off", f"{self.name} gave the call no id.")
        return CallAnswer(answered.status, kind, body, call_id)

    async def dial(self, call_id: str, generation: int, sink: UpstreamSink) -> None:
        """Open the sideband."""
        rest = self.forwarder
        url = realtime_url(rest.base_url, {"call_id": call_id})
        where = Address(url, rest.api_key, self.limits, self.names, rest.key_header)
        await dial(where, generation, sink, {})

    async def hang_up(self, call_id: str) -> bool:
        """End it."""
        try:
            answered = await self._ask(f"/realtime/calls/{call_id}/hangup", {}, b"", self.limits.dial_s)
        except AudioFailedError:
            return False
        await answered.close()
        return answered.status < 300

    async def _ask(self, path: str, headers: Mapping[str, str], content: bytes, wait_s: float) -> Answered:
        async def pieces() -> AsyncIterator[bytes]:
            yield content

        try:
            async with asyncio.timeout(wait_s):
                return await self.forwarder.forward("POST", path, headers, Body(pieces(), len(content)))
        except TimeoutError:
            words = f"{self.name} did not answer within {wait_s:g} s."
            raise AudioFailedError("upstream_silent", words) from None
