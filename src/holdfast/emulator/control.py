"""The control port: an emulator's books and faults over HTTP JSON.

    GET  /sessions            the books of every session, without the lists
    GET  /sessions/{id}       one of them in full ("last" is the newest)
    POST /sessions/{id}/end   {"code": 1011} closes it; without a code the TCP connection is dropped
    GET  /faults              the faults in force, and all there are
    POST /faults              {"faults": ["http:503@1", ...]} replaces them for connections from now on

Requests that bear an `Origin` are refused: no page in a browser has any business here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from holdfast.emulator.faults import FAULTS, FaultSpelling
from holdfast.emulator.front import Answer, Request, Router

if TYPE_CHECKING:
    from holdfast.emulator.server import Emulator
    from holdfast.emulator.session import EmulatedSession


def control_router(emulator: Emulator) -> Router:
    """The routes of the control port."""

    def route(request: Request) -> Answer:
        if "origin" in request.headers:
            return _wrong(403, "Requests of web pages are not answered.")
        parts = request.path.strip("/").split("/")
        match (request.method, *parts):
            case ("GET", "sessions"):
                answer = Answer(200, {"sessions": [record.summary() for record in emulator.records]})
            case ("GET", "sessions", wanted):
                answer = _show(_find(emulator, wanted))
            case ("POST", "sessions", wanted, "end"):
                answer = _end(_find(emulator, wanted), request)
            case ("GET", "faults"):
                answer = _faults(emulator)
            case ("POST", "faults"):
                answer = _set_faults(emulator, request)
            case _:
                answer = _wrong(404, f"There is no {request.method} {request.path} here.")
        return answer

    return route


def _find(emulator: Emulator, wanted: str) -> EmulatedSession | None:
    if wanted == "last":
        return emulator.sessions[-1] if emulator.sessions else None
    return next((one for one in emulator.sessions if one.record.id == wanted), None)


def _show(session: EmulatedSession | None) -> Answer:
    return _NO_SESSION if session is None else Answer(200, session.record.full())


def _end(session: EmulatedSession | None, request: Request) -> Answer:
    if session is None:
        return _NO_SESSION
    code = _body(request).get("code")
    if code is None:
        session.abort()
    elif isinstance(code, int) and 1000 <= code <= 4999:
        session.close(code, "told so")
    else:
        return _wrong(400, "'code' must be 1000 to 4999.")
    return Answer(200, {"ended": session.record.id})


def _faults(emulator: Emulator) -> Answer:
    known = [{"fault": kind.form, "meaning": kind.meaning} for kind in FAULTS.values()]
    return Answer(200, {"faults": [str(spec) for spec in emulator.plan.specs], "known": known})


def _set_faults(emulator: Emulator, request: Request) -> Answer:
    wanted = _body(request).get("faults")
    if not isinstance(wanted, list) or not all(isinstance(one, str) for one in wanted):
        return _wrong(400, 'Send {"faults": ["NAME:ARGS@N", ...]}; an empty list ends all faults.')
    try:
        emulator.set_faults(wanted)
    except FaultSpelling as wrong:
        return _wrong(400, str(wrong))
    return _faults(emulator)


def _body(request: Request) -> dict[str, Any]:
    try:
        return msgspec.json.decode(request.body or b"{}", type=dict[str, Any])
    except ValueError:
        return {}


def _wrong(status: int, message: str) -> Answer:
    return Answer(status, {"error": {"message": message}})


_NO_SESSION: Final = _wrong(404, "There is no such session; GET /sessions lists them.")
