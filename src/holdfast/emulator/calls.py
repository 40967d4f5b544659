"""Calls over WebRTC as an emulator takes them: an SDP answer, an id, a sideband; no media ever flows.

What lives here: the books of calls, the HTTP that begins and ends one.
What never will: sockets; the sideband is a session like any other (`session`).
"""

from __future__ import annotations

import email.parser
import email.policy
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from holdfast.emulator import door
from holdfast.emulator.front import Answer, Request
from holdfast.emulator.reading import json_object
from holdfast.wire.realtime import Refused, SessionConfig, new_id

PATH: Final = "/v1/realtime/calls"
CALLS_KEPT: Final = 1_000
_HANG_UP: Final = re.compile(rf"{PATH}/([A-Za-z0-9_-]+)/hangup")


@dataclass(slots=True)
class CallRecord:
    """The books of one call. `settings` are those that the offer brought."""

    id: str
    model: str
    offer: str
    settings: dict[str, Any]
    ended_by: str | None = None
    endings: list[Callable[[], None]] = field(default_factory=list)
    """What to do to its sidebands when it ends."""

    def end(self, by: str) -> None:
        """It is over. Twice is harmless."""
        if self.ended_by is None:
            self.ended_by = by
            for ending in self.endings:
                ending()
            self.endings.clear()


class Calls:
    """The calls of one emulator, oldest first."""

    def __init__(self) -> None:
        self.by_id: dict[str, CallRecord] = {}

    def running(self, call_id: str) -> CallRecord | None:
        """The call, if it is not over."""
        found = self.by_id.get(call_id)
        return found if found is not None and found.ended_by is None else None

    def answer(self, request: Request) -> Answer | None:
        """The answer to a request about calls; None when it is about something else."""
        if request.method != "POST":
            return None
        if request.path == PATH:
            return self._begin(request)
        hang_up = _HANG_UP.fullmatch(request.path)
        if hang_up is None:
            return None
        call = self.running(hang_up[1])
        if call is None:
            return door.error(404, "not_found", "There is no such call.")
        call.end("hangup")
        return Answer(200, b"")

    def _begin(self, request: Request) -> Answer:
        if door.credential(request)[0] is None:
            return door.error(401, "missing_api_key", "Send 'Authorization: Bearer KEY'.")
        try:
            offer, session = _read(request)
        except ValueError as error:
            return door.error(400, "unsupported_content_type", str(error))
        if not offer.startswith("v=0"):
            return door.error(400, "invalid_offer", "The offer is no SDP.")
        model = str(session.get("model") or request.query.get("model") or door.MODELS[0])
        config = SessionConfig(intent="realtime", model=model, session_id="", expires_at=0)
        settings = {"type": "realtime", **session, "model": model}
        try:
            config.update(settings, voice_is_locked=False)
        except Refused as refused:
            return door.error(400, refused.code or "invalid_value", refused.message)
        call = CallRecord(f"rtc_{new_id('u')}", model, offer, settings)
        self.by_id[call.id] = call
        while len(self.by_id) > CALLS_KEPT:
            del self.by_id[next(iter(self.by_id))]
        headers = {"Content-Type": "application/sdp", "Location": f"{PATH}/{call.id}"}
        return Answer(201, _answered(offer).encode(), headers)


def _read(request: Request) -> tuple[str, Mapping[str, Any]]:
    """SDP and session. ValueError for any other body."""
    kind = request.headers.get("content-type", "")
    if kind.startswith("application/sdp"):
        return request.body.decode("utf-8", "replace"), {}
    if not kind.startswith("multipart/form-data"):
        raise ValueError("Send application/sdp, or a form with sdp and session.")
    head = f"Content-Type: {kind}\r\n\r\n".encode()
    form = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + request.body)
    parts = {part.get_param("name", header="content-disposition"): part for part in form.iter_parts()}
    content = {name: bytes(part.get_payload(decode=True) or b"") for name, part in parts.items()}
    if "sdp" not in content:
        raise ValueError("The form lacks sdp.")
    try:
        session = json_object(content.get("session") or b"{}")
    except ValueError as wrong:
        raise ValueError(f"The form's session is no JSON object: {wrong}.") from wrong
    return content["sdp"].decode(), session


def _answered(offer: str) -> str:
    """An answer to each medium of the offer, with nobody at the other end."""
    lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0"]
    for line in offer.splitlines():
        if line.startswith("m="):
            lines += [line.strip(), "c=IN IP4 0.0.0.0", "a=setup:active", "a=inactive"]
    return "\r\n".join([*lines, ""])
