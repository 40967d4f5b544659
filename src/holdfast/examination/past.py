"""A session that is over, or still runs: asked of the gateway that keeps its document, else its recording.

What lives here: fetching the document, or making one of a flight recording; the report of its explanation.
What never will: the rules (`diagnosis.explain`), which the console and its bundle go by, too.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit, urlunsplit

import httpx
import msgspec

from holdfast.core.faults import FAULTS
from holdfast.diagnosis import Answer, Check, Report, Status, Trace, network
from holdfast.diagnosis.explain import Cause, explain, number, part, texts
from holdfast.flight import NoRecordingError, Shelf, provider_sessions, read_file
from holdfast.flight.reading import code_of, evidence_of, notes
from holdfast.sockets.trust import trusting

_NOT_ASKED: Final = "the session cannot be looked up."
KEY: Final = "HOLDFAST_CONSOLE_KEY"
TIMEOUT_S: Final = 10.0
_ROOT: Final = "/api/console"
_CAUSES_MAX: Final = 8
_KINDS: Final[Mapping[str, str]] = {
    "session.ready": "live",
    "session.rebuilt": "rebuilt",
    "upstream.rotated": "rotated",
}
"""Moments at which an upstream serves (again), as the console calls them."""
_ENDS: Final = frozenset({"session.failed", "session.ended"})

Document = Mapping[str, Any]


class NoSessionError(Exception):
    """The session's document cannot be had: what, why, fix."""

    def __init__(self, what: str, why: str, fix: str) -> None:
        super().__init__(what)
        self.what, self.why, self.fix = what, why, fix


async def past_session(
    session_id: str, url: str, ca: Path | None = None, recordings: Path | None = None
) -> Report:
    """The report on one session: of the gateway at `url`, else by what was recorded of it in the folder
    `recordings`. Raises NoSessionError.
    """
    try:
        return judged(await document_of(session_id, url, ca))
    except NoSessionError:
        path = None if recordings is None else Shelf(recordings, 1).newest_of(session_id)
        if path is None:
            raise
        return judged(recorded(session_id, path))


def recorded(session_id: str, path: Path) -> Document:
    """A document, as far as a recording tells: faults, what served again, the providers' ids. Raises
    NoSessionError.
    """
    try:
        recording = read_file(path)
    except (NoRecordingError, OSError) as error:
        what = f"the recording {path} cannot be read."
        raise NoSessionError(what, str(error), "Take it from the machine where it was written.") from error
    began = recording.steps[0] if recording.steps else None
    from_s = recording.clock(began) if began is not None else 0.0
    timeline: list[dict[str, Any]] = []
    met: list[dict[str, Any]] = []
    for step, moment, facts in notes(recording):
        t_ms = round((recording.clock(step) - from_s) * 1000)
        timeline.append({"t_ms": t_ms, "lane": "upstream", "kind": _KINDS.get(moment, moment), "data": {}})
        if code := code_of(facts):
            evidence = list(evidence_of(facts))
            timeline[-1]["data"] = {"code": code}
            ended = moment in _ENDS
            met.append({"code": code, "moment": moment, "evidence": evidence, "t_ms": t_ms, "ended": ended})
    row = {"id": session_id, "state": "recorded", "beganAt": round(from_s * 1000)}
    ids = [one.id for one in provider_sessions(recording)]
    return {"row": row, "timeline": timeline, "faults": met, "providerSessions": ids}


def judged(document: Document) -> Report:
    """The report that a document gives: the first cause is the verdict, the others are worth a look."""
    told = explain(document)
    checks = [Check("session.found", "session", Answer.ok(_about(document)), 0.0)]
    known = [cause for cause in told.ranked if cause.code in FAULTS][:_CAUSES_MAX]
    checks += [_check(number, cause) for number, cause in enumerate(known, 1)]
    return Report(checks, traces=[_trace(document)], explanation=told.as_object())


def _trace(document: Document) -> Trace:
    """Every upstream that served it, for the provider's support."""
    row = part(document, "row")
    upstream = part(row, "upstream")
    began = datetime.fromtimestamp(number(row.get("beganAt")) / 1000, UTC)
    trace = Trace(str(upstream.get("name", "")), model=str(upstream.get("model", "")), began=began)
    for one in texts(document, "providerSessions"):
        trace.note(trace.sessions, one)
    return trace


def _check(number: int, cause: Cause) -> Check:
    answer = Answer.failed(cause.code, cause.what, *cause.evidence)
    if number > 1:
        answer = Answer(Status.WARNING, answer.detail, answer.fault)
    return Check(f"session.cause.{number}", f"cause {number}, weight {cause.weight}", answer, 0.0)


def _about(document: Document) -> str:
    row = part(document, "row")
    upstream = part(row, "upstream")
    facts = [str(row.get("id", "")), str(row.get("source", "")), str(row.get("state", ""))]
    turns = row.get("turns")
    facts += [
        "" if turns is None else f"{turns} {'turn' if turns == 1 else 'turns'}",
        str(upstream.get("name", "")),
    ]
    return ", ".join(filter(None, facts))


async def document_of(session_id: str, url: str, ca: Path | None = None) -> Document:
    """What the gateway keeps of it. Raises NoSessionError."""
    try:
        network.Peer.of(url)
    except ValueError as error:
        fix = "Write it as in --url http://127.0.0.1:8080."
        raise NoSessionError(_NOT_ASKED, f"{error}.", fix) from error
    parts = urlsplit(url)
    scheme = {"ws": "http", "wss": "https"}.get(parts.scheme, parts.scheme)
    base = urlunsplit((scheme, parts.netloc, "", "", ""))
    verify = trusting(ca) if base.startswith("https:") else False
    try:
        async with httpx.AsyncClient(
            base_url=base, timeout=TIMEOUT_S, verify=verify, trust_env=False
        ) as client:
            if key := os.environ.get(KEY):
                await client.post(f"{_ROOT}/sign-in", json={"key": key})
            answer = await client.get(f"{_ROOT}/sessions/{quote(session_id, safe='')}")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        why = f"{base} cannot be asked: {str(error) or type(error).__name__}"
        fix = "Start the gateway, or name it by --url. A gateway knows the sessions since its start."
        raise NoSessionError(_NOT_ASKED, why, fix) from error
    if answer.status_code != httpx.codes.OK:
        raise _refused(session_id, answer)
    document = _document(answer.content)
    if document is None:
        why = f"{base} answers with something else than a session: no gateway lives there."
        raise NoSessionError(_NOT_ASKED, why, "Name a gateway by --url.")
    return document


def _document(body: bytes) -> Document | None:
    """What is a session's by its look; None for anything else: whoever lives there may say 200 to all."""
    try:
        found = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError):
        return None
    return found if isinstance(part(found, "row").get("id"), str) else None


def _refused(session_id: str, answer: httpx.Response) -> NoSessionError:
    if answer.status_code in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
        fix = f"Set {KEY} to an operator's key, whose hash stands in [console] keys."
        return NoSessionError("the gateway tells its sessions to operators only.", answer.text[:200], fix)
    if answer.status_code == httpx.codes.NOT_FOUND:
        fix = "Look for it in the console (/console), which shows the sessions that are kept."
        return NoSessionError(f"session {session_id} is not known.", "Only the newest are kept.", fix)
    why = f"It answered HTTP {answer.status_code}."
    return NoSessionError(_NOT_ASKED, why, "See the gateway's log.")
