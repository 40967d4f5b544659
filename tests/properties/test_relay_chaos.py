"""Relayed conversations in a world that breaks; planted bugs prove that the checkers see."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from holdfast.core import relay_rebuild
from holdfast.core.relay_ids import RelayIds
from holdfast.core.relay_input import RelayInput
from holdfast.core.relay_responses import Responses
from holdfast.core.relay_state import RelayState
from holdfast.core.relay_window import RelayWindow
from holdfast.core.upstream_link import UpstreamLink
from tests.properties.relay_chaos import live
from tests.properties.seeds import BUDGET_S, try_seeds


def test_known_seeds_keep_the_contract() -> None:
    for seed in range(250):
        live(seed)


@pytest.mark.timeout(200)
def test_fresh_seeds_keep_the_contract(capsys: pytest.CaptureFixture[str]) -> None:
    told = try_seeds(lambda seed: live(seed).steps, BUDGET_S / 2)
    with capsys.disabled():
        print(f"\nrelay: {told}")


def _deaf_fence(_self: UpstreamLink, generation: int) -> bool:
    return generation >= 0


def _no_exchange(_self: RelayIds, raw: bytes) -> bytes:
    return raw


def _forget_questions(self: RelayInput, position: int) -> int:
    self.asked.clear()
    return _REWIND(self, position)


def _one_too_many(self: RelayInput, position: int) -> int:
    start = _REWIND(self, position)
    first = self.waiting[0] if self.waiting else None
    if isinstance(first, bytes):
        del self.waiting[0]
        self.waiting_size -= len(first)
    return start


def _everything_again(self: RelayInput, position: int) -> int:
    return _REWIND(self, min(position, self.first))


def _settle_all(self: RelayInput, position: int) -> None:
    _SETTLE(self, position + 9600)


def _end_again(self: Responses, response_id: str) -> Any:
    found = self.open.get(response_id)
    _END(self, response_id)
    return found if random.Random(response_id).random() < 0.5 else None


def _never_owed(_self: RelayState) -> bool:
    return False


def _never_refused(_self: RelayInput, event_id: str | None, kind: str | None) -> None:
    del event_id, kind


def _no_binding(_self: RelayIds, upstream_id: str, known_id: str, *, in_answer: bool = False) -> None:
    del upstream_id, known_id, in_answer


def _one_short(self: RelayWindow, count: int) -> list[bytes]:
    return _AFTER(self, count)[1:]


def _one_long(self: RelayWindow, count: int) -> list[bytes]:
    return _AFTER(self, max(0, count - 1))


def _forget_turn(s: RelayState, turn: Any, item: Any) -> None:
    del s, turn, item


_REWIND = RelayInput.rewind
_SETTLE = RelayInput.settle
_END = Responses.end
_AFTER = RelayWindow.after

PLANTED: list[tuple[Any, str, Any]] = [
    (UpstreamLink, "may_speak", _deaf_fence),
    (RelayIds, "down", _no_exchange),
    (RelayInput, "rewind", _forget_questions),
    (RelayInput, "rewind", _one_too_many),
    (RelayInput, "rewind", _everything_again),
    (RelayInput, "settle", _settle_all),
    (Responses, "end", _end_again),
    (RelayWindow, "after", _one_short),
    (RelayWindow, "after", _one_long),
    (RelayState, "is_owed", property(_never_owed)),
    (relay_rebuild, "_restore_turn", _forget_turn),
    (RelayInput, "refused", _never_refused),
    (RelayIds, "bind", _no_binding),
]


@pytest.mark.parametrize(("owner", "name", "bug"), PLANTED, ids=lambda x: getattr(x, "__name__", str(x))[:20])
def test_a_planted_bug_is_caught(
    monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, bug: Callable[..., object]
) -> None:
    monkeypatch.setattr(owner, name, bug)
    with pytest.raises((AssertionError, KeyError)):  # noqa: PT012 - the loop is the act
        for seed in range(400):
            live(seed)
