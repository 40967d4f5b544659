"""Single values at the edge of what they may be."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.config.shapes import MAY_BE_NONE
from tests.config.test_load import read, told


@pytest.mark.parametrize("name", sorted({*MAY_BE_NONE, "unheard_s"}))
def test_what_can_be_switched_off_may_be_nothing(tmp_path: Path, name: str) -> None:
    assert getattr(read(tmp_path, f"[limits]\n{name} = 0").limits, name) == 0


@pytest.mark.parametrize("written", ["inf", "nan", "-inf"])
def test_a_bound_has_an_end(tmp_path: Path, written: str) -> None:
    ((key, (_, remedy)),) = told(tmp_path, f"[limits]\nsession_s = {written}").items()

    assert (key, remedy) == ("limits.session_s in holdfast.toml", "Give an ordinary number.")
    assert set(told(tmp_path, "port = 1", {"HOLDFAST_LIMITS__IDLE_S": written})) == {
        "HOLDFAST_LIMITS__IDLE_S"
    }


def test_a_file_may_begin_as_editors_of_windows_let_it(tmp_path: Path) -> None:
    (tmp_path / "holdfast.toml").write_bytes(b"\xef\xbb\xbfport = 9000\r\n")

    assert read(tmp_path).port == 9000


@pytest.mark.parametrize(
    "text",
    ["[engine]\nvoice = 'bob'", "[transcripts]\nphone_regions = ['us']", "[[upstream]]\nstatus_page = 'x'"],
)
def test_the_remedy_of_a_text_is_not_that_of_another(tmp_path: Path, text: str) -> None:
    remedies = [remedy for _, remedy in told(tmp_path, text).values()]

    assert not any("at most 64" in remedy for remedy in remedies)
