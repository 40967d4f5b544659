"""That a count is the same twice, and that what is planted into it is noticed. Part of `make instructions`.

What lives here: one run of the driver under callgrind, and the tests of how its files are read.
What never will: bounds.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks.instructions.__main__ import TOLERANCE, dearer
from benchmarks.instructions.counts import Count, count, obstacle, own_costs
from benchmarks.instructions.driver import PLANT

SAME = 0.02
"""How far two counts of one source may lie apart: by where on the heap messages are (`counts.PLACEMENTS`)."""

FILE = """\
version: 1
desc: Trigger: Client Request: realtime-up
positions: line
events: Ir

ob=(1) /usr/lib/libpython3.11.so.1.0
fn=(1) _PyEval_EvalFrameDefault
10 100
+3 20
cob=(2) /venv/lib/python3.11/site-packages/picows/picows.so
cfn=(2) send
calls=7 0
* 5000

ob=(2)
fn=(2)
0 4000
calls=1 0
* 1000
ob=(3) /venv/lib/python3.11/site-packages/msgspec/_core.so
fn=(3) json_skip
7 1000
"""


def test_a_file_is_read_by_what_each_library_did_itself(tmp_path: Path) -> None:
    (tmp_path / "out.1").write_text(FILE)

    name, costs = own_costs(tmp_path / "out.1")

    assert name == "realtime-up"
    assert costs == {"interpreter": 120, "picows": 4000, "msgspec": 1000}


def test_a_row_that_costs_more_than_it_may_is_named_and_so_is_one_without_a_bound() -> None:
    found = {"page-up": Count(1, 1049.0, {}), "page-down": Count(1, 1051.0, {}), "new": Count(1, 5.0, {})}

    assert dearer(found, {"page-up": 1000, "page-down": 1000}) == ["page-down", "new"]


def test_the_same_is_counted_twice_and_one_json_more_for_a_message_is_noticed() -> None:
    if (reason := obstacle()) is not None and not os.environ.get("HOLDFAST_REQUIRE_VALGRIND"):
        pytest.skip(reason)

    found = count(["realtime-up@once", "realtime-up@again", PLANT, "realtime-up@planted"])

    once, again, planted = (found[f"realtime-up@{name}"].each for name in ("once", "again", "planted"))
    assert again == pytest.approx(once, rel=SAME)
    assert dearer({"it": found["realtime-up@planted"]}, {"it": round(once)}) == ["it"]
    assert planted > once * (1 + 3 * TOLERANCE)
