"""Who does a stage's work: at once somebody, and not to and fro."""

from __future__ import annotations

from holdfast.engine.switch import BUILTIN, WAIT_CAP_S, WAIT_S, StageError, StageNews, StageSwitch

FAILED = StageError("provider.stage_failed", "HTTP 503")


def switch() -> tuple[StageSwitch, list[StageNews]]:
    made, told = StageSwitch("chat", "m at host"), list[StageNews]()
    made.tell = told.append
    return made, told


def test_the_first_failure_switches_and_one_try_in_a_while_switches_back() -> None:
    chat, told = switch()
    assert chat.may_try(0.0)
    chat.failed(FAILED, 10.0)
    assert chat.served_by == BUILTIN
    assert not chat.may_try(10.0 + WAIT_S - 0.1)
    assert chat.may_try(10.0 + WAIT_S)
    assert not chat.may_try(10.0 + WAIT_S)  # one try is under way
    chat.worked()
    assert chat.served_by == "m at host"
    assert told == [
        StageNews("chat", BUILTIN, "provider.stage_failed", "HTTP 503"),
        StageNews("chat", "m at host"),
    ]


def test_who_fails_again_is_waited_for_longer_until_it_has_worked_for_a_while() -> None:
    chat, told = switch()
    chat.failed(FAILED, 0.0)
    assert chat.may_try(WAIT_S)
    chat.worked()
    chat.failed(FAILED, 0.0)
    assert not chat.may_try(2 * WAIT_S - 0.1)
    assert chat.may_try(2 * WAIT_S)
    for _ in range(10):
        assert chat.may_try(1e9)
        chat.failed(FAILED, 0.0)
    assert not chat.may_try(WAIT_CAP_S - 0.1)
    assert chat.may_try(WAIT_CAP_S)
    assert [news.served_by for news in told] == [BUILTIN, "m at host", BUILTIN]
    for _ in range(3):
        chat.worked()
    chat.failed(FAILED, 0.0)
    assert chat.may_try(WAIT_S)


def test_work_that_was_begun_before_the_switch_changes_nothing() -> None:
    chat, told = switch()
    for _ in range(8):  # eight sessions were at it when the server went away
        chat.failed(FAILED, 0.0)
    chat.worked()  # and one had just been served
    assert [news.served_by for news in told] == [BUILTIN]
    assert chat.may_try(WAIT_S)
