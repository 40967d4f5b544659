"""The control port: an emulator's books and faults over HTTP JSON.

What lives here: routes, and the words of what is wrong with a request.
What never will: doing what was asked; that is the emulator's.

Requests that bear an `Origin` are refused: no page in a browser has any business here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec

from holdfast.emulator.faults import FAULTS
from holdfast.emulator.front import Answer, Request, Router
from holdfast.emulator.moments import MOMENTS
from holdfast.emulator.options import Darkness
from holdfast.emulator.spelling import FaultSpelling

if TYPE_CHECKING:
    from holdfast.emulator.server import Emulator
    from holdfast.emulator.session import EmulatedSession


class Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a request may hold: its fields and no others. Routes that take some have a body of their own."""


class _End(Body, frozen=True):
    code: Annotated[int, msgspec.Meta(ge=1000, le=4999)] | None = None
    reset: bool = False
    reason: str = "told so"


class _Break(Body, frozen=True):
    fault: str


class _Faults(Body, frozen=True):
    faults: list[str]
    live: bool = False


class _Dark(Body, frozen=True):
    how: Darkness = "refuse"
    kill: bool = True


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: of which sessions, where the path names some, and with which body."""

    emulator: Emulator
    sessions: Sequence[EmulatedSession]
    told: Any


@dataclass(frozen=True, slots=True)
class Route:
    """A row of the table. WHICH in a path is a session's id, `last` for the newest, `all` for those that
    are open; the question then has at least one.
    """

    method: str
    path: str
    meaning: str
    answer: Callable[[Question], Answer]
    takes: type[Body] = Body

    def matches(self, method: str, parts: Sequence[str]) -> bool:
        """Whether a request is this row's."""
        own = _split(self.path)
        return (
            method == self.method
            and len(own) == len(parts)
            and all(mine in ("WHICH", theirs) for mine, theirs in zip(own, parts, strict=True))
        )


def control_router(emulator: Emulator) -> Router:
    """The routes of the control port."""

    def route(request: Request) -> Answer:
        if "origin" in request.headers:
            return _wrong(403, "Requests of web pages are not answered.")
        parts = _split(request.path)
        row = next((one for one in ROUTES if one.matches(request.method, parts)), None)
        if row is None:
            return _wrong(
                404, f"There is no {request.method} {request.path} here. GET / lists what there is."
            )
        sessions = _find(emulator, parts[1]) if "WHICH" in row.path else []
        if "WHICH" in row.path and not sessions:
            return _wrong(404, "There is no such session; GET /sessions lists them.")
        try:
            told = msgspec.convert(request.document(), row.takes)
        except ValueError as wrong:
            return _wrong(400, f"{wrong}. {row.method} {row.path}: {row.meaning}")
        try:
            return row.answer(Question(emulator, sessions, told))
        except FaultSpelling as wrong:
            return _wrong(400, str(wrong))

    return route


def _split(path: str) -> list[str]:
    return path.strip("/").split("/")


def _find(emulator: Emulator, wanted: str) -> list[EmulatedSession]:
    if wanted == "last":
        return list(emulator.sessions)[-1:]
    if wanted == "all":
        return emulator.open_sessions
    return [one for one in emulator.sessions if one.record.id == wanted]


def _list(_question: Question) -> Answer:
    return Answer(200, {"routes": {f"{row.method} {row.path}": row.meaning for row in ROUTES}})


def _sessions(question: Question) -> Answer:
    emulator = question.emulator
    summaries = [record.summary() for record in emulator.records]
    return Answer(200, {"sessions": summaries, "books": emulator.shelf.facts()})


def _session(question: Question) -> Answer:
    return Answer(200, question.sessions[0].record.full())


def _audio(question: Question) -> Answer:
    return Answer(200, bytes(question.sessions[0].record.pcm))


def _conversation(question: Question) -> Answer:
    return Answer(200, {"items": question.sessions[0].host.items})


def _end(question: Question) -> Answer:
    told: _End = question.told
    for session in question.sessions:
        if told.code is None:
            session.abort(reset=told.reset)
        else:
            session.end(told.code, told.reason)
    return Answer(200, {"ended": [session.record.id for session in question.sessions]})


def _break(question: Question) -> Answer:
    told: _Break = question.told
    return Answer(200, {"broken": question.emulator.break_now(told.fault, question.sessions)})


def _attempts(question: Question) -> Answer:
    return Answer(200, {"attempts": [attempt.as_object() for attempt in question.emulator.attempts]})


def _faults(question: Question) -> Answer:
    known = [{"fault": kind.form, "row": kind.row, "meaning": kind.meaning} for kind in FAULTS.values()]
    moments = [{"moment": one.form, "state": one.state, "meaning": one.meaning} for one in MOMENTS.values()]
    in_force = [str(spec) for spec in question.emulator.plan.specs]
    return Answer(200, {"faults": in_force, "known": known, "moments": moments})


def _set_faults(question: Question) -> Answer:
    told: _Faults = question.told
    question.emulator.set_faults(told.faults, live=told.live)
    return _faults(question)


def _clear_faults(question: Question) -> Answer:
    question.emulator.set_faults([], live=True)
    return _faults(question)


def _dark(question: Question) -> Answer:
    told: _Dark = question.told
    question.emulator.go_dark(told.how, kill=told.kill)
    return Answer(200, {"dark": told.how})


def _back(question: Question) -> Answer:
    try:
        question.emulator.come_back()
    except OSError as taken:
        return _wrong(409, str(taken))
    return Answer(200, {"dark": None})


ROUTES: Final = (
    Route("GET", "/", "what can be asked here", _list),
    Route("GET", "/sessions", "the books of every session, without the lists; how full they are", _sessions),
    Route("GET", "/sessions/WHICH", "the books of one in full", _session),
    Route("GET", "/sessions/WHICH/audio", "the PCM16 24 kHz it got, where audio is kept", _audio),
    Route("GET", "/sessions/WHICH/conversation", "the items of its conversation, in order", _conversation),
    Route(
        "POST", "/sessions/WHICH/end", '{"code": 1011} closes, {"reset": true} resets, {} drops', _end, _End
    ),
    Route("POST", "/sessions/WHICH/break", '{"fault": "mute"} breaks it so, now', _break, _Break),
    Route("GET", "/attempts", "every knock at the door and what became of it", _attempts),
    Route("GET", "/faults", "the faults in force, and all there are", _faults),
    Route(
        "POST",
        "/faults",
        '{"faults": ["NAME:ARGS@N", ...], "live": true}; live: for open sessions, too',
        _set_faults,
        _Faults,
    ),
    Route("DELETE", "/faults", "no faults any more, in open sessions neither", _clear_faults),
    Route("POST", "/dark", '{"how": "refuse|reset|silence", "kill": true}: no connections', _dark, _Dark),
    Route("POST", "/back", "takes connections again", _back),
)
"""What can be asked."""


def _wrong(status: int, message: str) -> Answer:
    return Answer(status, {"error": {"message": message}})
