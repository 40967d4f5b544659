"""Every fault of the table is provoked, against real parts, and is what comes out."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.core.faults import FAULTS
from holdfast.emulator.spelling import parse_fault
from tests.e2e.found import PAGE_SCENARIOS
from tests.faults.scenarios import SCENARIOS
from tests.faults.seen import seeing
from tests.faults.upstreams import emulated

EMULATED = {code: row.emulate for code, row in FAULTS.items() if row.emulate and code not in SCENARIOS}
COMES_FIRST = {"provider.message_too_big": "provider.closed"}
"""What is rightly seen before: the first close of that kind is a reason to send less at a time."""


def test_every_fault_has_a_scenario_and_every_scenario_a_fault() -> None:
    provoked = [*EMULATED, *SCENARIOS, *PAGE_SCENARIOS]

    assert set(provoked) == set(FAULTS)
    assert len(provoked) == len(set(provoked))


@pytest.mark.parametrize("spelling", [row.emulate for row in FAULTS.values() if row.emulate])
def test_what_provokes_it_can_be_asked_of_the_emulator(spelling: str) -> None:
    parse_fault(spelling)


@pytest.mark.parametrize("code", EMULATED)
async def test_an_upstream_with_the_fault_is_called_by_its_code(code: str) -> None:
    with seeing() as seen:
        await emulated(EMULATED[code], code, seen)

    assert seen.codes[0] == COMES_FIRST.get(code, code), seen.codes
    seen.check_words()


@pytest.mark.parametrize("code", SCENARIOS)
async def test_what_is_provoked_is_called_by_its_code(code: str, tmp_path: Path) -> None:
    with seeing() as seen:
        await SCENARIOS[code](seen, tmp_path)

    assert code in seen.codes
    seen.check_words()
