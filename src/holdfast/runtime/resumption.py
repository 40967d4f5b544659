"""Who may come back to which session: the token, the customer, and how often one may try.

What lives here: the checks of `resume_session` (reliability reference, B11, S13 to S19).
What never will: what a returning client is told (`core.return_side`).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from holdfast.core.events import MessageRefused
from holdfast.core.faults import Fault, fault
from holdfast.core.rates import TokenBucket
from holdfast.ports import ClientLine, Principal
from holdfast.wire.browser import ResumeSession

FAILURES_PER_MINUTE = 10
PEERS_REMEMBERED = 1_024


def hash_of(token: str) -> str:
    """What is kept of a token where others may read it."""
    return hashlib.sha256(token.encode()).hexdigest()


@dataclass(slots=True)
class Tokens:
    """The resume tokens of one session, as hashes: the newest, and until it is used the one before."""

    accepted: tuple[str, ...] = ()

    def first(self) -> str:
        """The token of a new session."""
        token = secrets.token_urlsafe(32)
        self.accepted = (hash_of(token),)
        return token

    def renew(self, used: str) -> str:
        """A new token; the one just used holds until the new one is used."""
        token = secrets.token_urlsafe(32)
        self.accepted = (hash_of(used), hash_of(token))
        return token

    def accepts(self, token: str) -> bool:
        """Whether this token opens the session. Takes the same time for every wrong one."""
        given = hash_of(token)
        return sum(hmac.compare_digest(given, one) for one in self.accepted) > 0

    def hashes(self) -> list[str]:
        """For the journal."""
        return list(self.accepted)


class Resumable(Protocol):
    """A session that may be taken up again."""

    principal: Principal
    tokens: Tokens
    resumes: TokenBucket

    def take(self, client: ClientLine, message: ResumeSession) -> None:
        """This socket is the client's from here on."""
        ...

    def journal_changed(self, cause: Fault | None) -> None:
        """The store stumbles, or is well again."""
        ...


@dataclass(slots=True)
class Resumption:
    """Finds the session that a client names."""

    find_running: Callable[[str], Resumable | None]
    """By its id: one that runs, or one that another process left in the journal."""
    _failures: OrderedDict[str, TokenBucket] = field(default_factory=OrderedDict)

    def find(
        self, message: ResumeSession, principal: Principal, peer: str, now: float
    ) -> Resumable | MessageRefused:
        """The session, when token and customer fit; else the answer. Nobody learns whether an id exists."""
        failures = self._bucket(peer)
        if failures.level < 1 and not failures.take(1, now):
            return self._refused(
                message, "RATE_LIMITED", "application.rate_limited", "Too many attempts to resume."
            )
        session = self.find_running(message.session_id)
        if session is None or not session.tokens.accepts(message.resume_token):
            failures.take(1, now)
            why = "This session is not kept here any more. Send create_session."
            return self._refused(message, "NO_SESSION_EXISTS", "application.unknown_session", why)
        if session.principal.customer_id != principal.customer_id:
            failures.take(1, now)
            structlog.get_logger().error("resume.foreign", category="session", source="resumption", peer=peer)
            why = "This session belongs to another customer."
            return self._refused(message, "NOT_AUTHORIZED", "application.not_authorized", why)
        if not session.resumes.take(1, now):
            return self._refused(
                message, "RATE_LIMITED", "application.rate_limited", "Resumed too often; wait a moment."
            )
        return session

    def _bucket(self, peer: str) -> TokenBucket:
        bucket = self._failures.get(peer)
        if bucket is None:
            bucket = self._failures[peer] = TokenBucket(FAILURES_PER_MINUTE / 60, FAILURES_PER_MINUTE)
            while len(self._failures) > PEERS_REMEMBERED:
                self._failures.popitem(last=False)
        return bucket

    @staticmethod
    def _refused(message: ResumeSession, error: str, code: str, why: str) -> MessageRefused:
        return MessageRefused(error, why, "sessionId", message.event_id, fault(code, ["resume_session"]))
