"""Ids that outlive an upstream, on originals: exchanged as whole JSON strings, without opening the message.

What lives here: the exchange in both directions, and whether audio must pass through it.
What never will: making ids, JSON. An id is taken for one only where it is a whole quoted string: inside
spoken words its quotes would be escaped.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

IDS_MAX: Final = 64
"""Exchanged ids of one upstream: one for each utterance told again, a few for each answer asked for again."""


@dataclass(slots=True)
class RelayIds:
    """Empty until an upstream has been rebuilt or a response was asked for again."""

    in_answer: set[str] = field(default_factory=set)
    """Upstream ids that stand in the audio of a running response."""
    session: str = ""
    conversation: str = ""
    """The ids by which the client knows its session and its conversation, whoever answers: the first's."""
    _lasting: dict[str, str] = field(default_factory=dict)
    """The present upstream's own for these."""
    _known: dict[str, str] = field(default_factory=dict)
    _upstream: dict[str, str] = field(default_factory=dict)

    @property
    def is_exchanging(self) -> bool:
        """Whether originals are altered at all."""
        return bool(self._lasting or self._known or self._upstream)

    def bind(self, upstream_id: str, known_id: str, *, in_answer: bool = False) -> None:
        """From here on the upstream's `upstream_id` is what the client knows as `known_id`."""
        if not upstream_id or upstream_id == known_id:
            return
        if (former := self._upstream.get(known_id)) is not None:
            self.unbind(former)
        self._known[upstream_id] = known_id
        self._upstream[known_id] = upstream_id
        if in_answer:
            self.in_answer.add(upstream_id)
        if len(self._known) > IDS_MAX:
            self.unbind(next(iter(self._known)))

    def answers(self, session_id: str) -> None:
        """The present upstream's id of the session."""
        self.session = self.session or session_id
        self._lasts(session_id, self.session)

    def converses(self, conversation_id: str) -> None:
        """The present upstream's id of the conversation."""
        self.conversation = self.conversation or conversation_id
        self._lasts(conversation_id, self.conversation)

    def _lasts(self, upstream_id: str, known_id: str) -> None:
        if upstream_id and upstream_id != known_id:
            self._lasting[upstream_id] = known_id

    def unbind(self, upstream_id: str) -> None:
        """Nothing will be said of it any more."""
        known_id = self._known.pop(upstream_id, None)
        if known_id is not None:
            self._upstream.pop(known_id, None)
            self.in_answer.discard(upstream_id)

    def known(self, upstream_id: str) -> str:
        """The client's id."""
        return self._known.get(upstream_id, upstream_id)

    def upstream(self, known_id: str) -> str:
        """The present upstream's id."""
        return self._upstream.get(known_id, known_id)

    def down(self, raw: bytes) -> bytes:
        """An upstream's original with the client's ids."""
        if self._lasting:
            raw = _exchanged(raw, self._lasting)
        return _exchanged(raw, self._known) if self._known else raw

    def up(self, raw: bytes) -> bytes:
        """A client's original with the present upstream's ids."""
        return _exchanged(raw, self._upstream) if self._upstream else raw

    def clear(self) -> None:
        """The upstream is gone, and its ids with it. Restored items bear the client's ids there."""
        self.in_answer.clear()
        self._lasting.clear()
        self._known.clear()
        self._upstream.clear()


def _exchanged(raw: bytes, ids: dict[str, str]) -> bytes:
    for one, other in ids.items():
        raw = raw.replace(f'"{one}"'.encode(), f'"{other}"'.encode())
    return raw
