"""`doctor --url`: a real gateway as its clients see it, and what lies between."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from pathlib import Path

import pytest
from benchmarks.verdicts.acts import bad_way
from benchmarks.verdicts.house import Door, Run, gateway, settings, upstream
from benchmarks.verdicts.truth import Case

from holdfast.diagnosis import Report, Status
from holdfast.examination.examination import Examination, Wish
from holdfast.server.dev_certificate import dev_certificate
from tests.server.test_tls import listened

CALM = Run(Case("no fault", "", ("healthy",)), 0, 1)


async def seen_from_outside(url: str, origin: str = "") -> Report:
    with settings("http://127.0.0.1:9/v1") as of:
        return await Examination(Wish(url=url, origin=origin), of).run()


def statuses(report: Report) -> dict[str, Status]:
    return {check.id: check.answer.status for check in report.checks if not check.id.startswith("home.")}


def code(report: Report) -> str:
    assert report.verdict is not None
    assert report.verdict.fault is not None
    return report.verdict.fault.code


async def test_a_gateway_that_runs_is_healthy_by_both_faces() -> None:
    async with upstream(CALM, []) as emulator:
        with settings(emulator.http_base) as of:
            async with gateway(of) as door:
                report = await seen_from_outside(door.address)

    assert report.healthy, report.as_object()
    told = statuses(report)
    assert told["gateway.audio"] is Status.OK
    assert told["gateway.foreign_origin"] is Status.OK
    assert told["upstream.url.audio_out"] is Status.OK
    assert told["upstream.url.tool"] is Status.OK


@pytest.mark.parametrize(
    ("origin", "expected"),
    [("https://portal.example.com", "application.not_authorized"), ("null", "application.not_authorized")],
)
async def test_a_page_that_would_not_be_let_in_is_told_why(origin: str, expected: str) -> None:
    async with upstream(CALM, []) as emulator:
        with settings(emulator.http_base) as of:
            async with gateway(of) as door:
                report = await seen_from_outside(door.address, origin)

    assert code(report) == expected
    assert report.verdict is not None
    assert "[server] origins" in report.verdict.remedy
    assert statuses(report)["gateway.session"] is Status.SKIPPED


async def test_the_gateways_own_word_for_its_upstream_counts() -> None:
    async with upstream(CALM, ["http:403"]) as emulator:
        with settings(emulator.http_base) as of:
            async with gateway(of) as door:
                report = await seen_from_outside(door.address)

    assert code(report) == "configuration.no_access"
    assert statuses(report)["gateway.session"] is Status.FAILED


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("refuse", "user_network.gateway_unreachable"),
        ("reset", "user_network.gateway_unreachable"),
        ("cut", "user_network.gateway_unreachable"),
        ("stranger", "configuration.invalid"),
    ],
)
async def test_a_way_that_breaks_is_not_laid_at_the_providers_door(how: str, expected: str) -> None:
    after = random.Random(1).randrange(1, 200)
    async with bad_way(how, Door("http://127.0.0.1:9", None), after) as url:  # type: ignore[arg-type] # nobody looks
        report = await seen_from_outside(url)

    assert code(report) == expected


async def test_what_is_no_address_is_wrong() -> None:
    report = await seen_from_outside("gateway.example")

    assert code(report) == "configuration.invalid"


async def test_a_gateway_behind_tls_and_an_authority_that_is_not_believed(tmp_path: Path) -> None:
    dev = dev_certificate(tmp_path / "tls", datetime.now(UTC))
    async with listened(tmp_path, dev) as address:
        with settings("http://127.0.0.1:9/v1") as of:
            believed = await Examination(Wish(url=address, ca=dev.trust), of).run()
            foreign = await Examination(Wish(url=address), of).run()

    assert believed.healthy, believed.as_object()
    assert code(foreign) == "configuration.tls_certificate"
