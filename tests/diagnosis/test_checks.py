"""Checks in order, and one verdict: the first failure explains the rest."""

from __future__ import annotations

import pytest

from holdfast.diagnosis import Answer, Check, Question, Report, Status, run


async def late() -> Answer:
    return Answer.ok("asynchronously")


async def test_a_healthy_report() -> None:
    heard: list[Check] = []

    report = Report(
        await run(
            [
                Question("a", "first", lambda: Answer.ok("fine", provider_session="sess_1")),
                Question("b", "second", late, needs=("a",)),
                Question("c", "third", lambda: Answer.warning("look", "do"), needs=("a", "b")),
            ],
            heard.append,
        )
    )

    assert report.healthy
    assert [check.id for check in heard] == ["a", "b", "c"]
    told = report.as_object()
    assert told["verdict"] == {"healthy": True, "fault": None}
    assert told["providerSessions"] == ["sess_1"]
    assert [check["status"] for check in told["checks"]] == ["ok", "ok", "warning"]
    assert [check.get("remedy") for check in told["checks"]] == [None, None, "do"]
    assert all(check["ms"] >= 0 for check in told["checks"])


async def test_what_stands_on_a_failure_is_skipped_and_the_first_failure_is_the_verdict() -> None:
    report = Report(
        await run(
            [
                Question("name", "name", lambda: Answer.failed("provider.name_unknown", "no.such.host")),
                Question("tcp", "tcp", Answer.ok, needs=("name",)),
                Question("tls", "tls", Answer.ok, needs=("tcp",)),
                Question("other", "other", lambda: Answer.failed("store.unavailable", "/data")),
            ]
        )
    )

    assert [check.answer.status for check in report.checks] == [
        Status.FAILED,
        Status.SKIPPED,
        Status.SKIPPED,
        Status.FAILED,
    ]
    fault = report.as_object()["verdict"]["fault"]
    assert (fault["code"], fault["party"]) == ("provider.name_unknown", "provider")
    assert fault["evidence"] == ["no.such.host"]
    assert fault["remedy"]
    assert fault["message"]


async def test_an_exact_remedy_replaces_the_tables() -> None:
    broken = Answer.failed("configuration.invalid", "port in use", remedy="Choose another port.")

    report = Report(await run([Question("port", "port", lambda: broken)]))

    assert report.as_object()["verdict"]["fault"]["remedy"] == "Choose another port."


async def test_a_check_that_breaks_is_a_fault_of_ours_not_a_traceback() -> None:
    def broken() -> Answer:
        raise RuntimeError("oops")

    report = Report(await run([Question("a", "a", broken)]))

    assert report.checks[0].answer.fault is not None
    assert report.checks[0].answer.fault.code == "gateway.internal"
    assert report.checks[0].answer.detail == "RuntimeError: oops"


def test_a_code_that_the_table_does_not_know_is_a_bug() -> None:
    with pytest.raises(KeyError):
        Answer.failed("no.such.code")
