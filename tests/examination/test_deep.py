"""`doctor --deep`: work-arounds that are tried after a failure, and which of them helps."""

from __future__ import annotations

from dataclasses import replace

import pytest
from benchmarks.verdicts.house import Run, settings, upstream
from benchmarks.verdicts.truth import Case

from holdfast.diagnosis import Approach, Check, Report
from holdfast.examination import deep
from holdfast.examination.examination import Examination, Wish

CALM = Run(Case("no fault", "", ("healthy",)), 0, 1)
QUICK = Approach(pace=0, speech_s=0.6)


async def looked_into(*faults: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Report, list[Check]]:
    monkeypatch.setattr(deep, "WAIT_S", 0.01)
    heard: list[Check] = []
    async with upstream(CALM, list(faults)) as emulator:
        with settings(emulator.http_base) as of:
            report = await Examination(Wish(deep=True, approach=QUICK), of).run(heard.append)
    return report, heard


async def test_a_trouble_that_passes_is_helped_by_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    report, heard = await looked_into("close:1011:speaking=100@1", monkeypatch=monkeypatch)

    assert report.verdict is not None
    assert report.verdict.told is not None
    assert report.verdict.told["code"] == "provider.server_error"
    assert {one.id: one.helps for one in report.workarounds}["wait"]
    assert report.next_step.startswith("What helped here: waiting, then trying again")
    assert "upstream.openai.deep.wait" in [check.id for check in heard]
    assert len(report.provider_sessions) == 1 + len(report.workarounds)
    told = report.as_object()
    assert told["workarounds"][0] == {
        "id": "wait",
        "name": "waiting, then trying again",
        "helps": True,
        "detail": "helps",
    }


async def test_a_trouble_that_stays_is_helped_by_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    report, _ = await looked_into("close:1011:speaking=100", monkeypatch=monkeypatch)

    assert [one.helps for one in report.workarounds] == [False] * len(deep.WAYS)
    assert "does not help: provider.server_error" in report.workarounds[0].detail
    assert "Session ids: sess_" in report.support
    assert "Worked: " in report.support


async def test_a_model_that_is_not_to_be_had_is_helped_by_another_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    report, _ = await looked_into("refuse:model_not_found@1", monkeypatch=monkeypatch)

    (way,) = report.workarounds  # to wait for a model, or to speak more slowly, is no idea
    assert (way.id, way.helps) == ("other_model", True)
    assert "model" in way.setting


async def test_against_a_refused_key_nothing_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    report, _ = await looked_into("http:401", monkeypatch=monkeypatch)

    assert report.workarounds == []
    assert not report.healthy


async def test_a_healthy_upstream_is_tried_no_further(monkeypatch: pytest.MonkeyPatch) -> None:
    report, heard = await looked_into(monkeypatch=monkeypatch)

    assert report.healthy
    assert not [check for check in heard if ".deep." in check.id]


def test_less_pace_is_half_and_never_at_once() -> None:
    way = next(one for one in deep.WAYS if one.id == "slower_audio")

    paces = [way.approach(replace(QUICK, pace=pace), None).pace for pace in (2.0, 1.0, 0.0)]  # type: ignore[arg-type] # nobody is dialled
    assert paces == [1.0, 0.5, 0.5]
