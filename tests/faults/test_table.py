"""The rows themselves: whole, true to what the code does, and said alike where they are copied."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path

import pytest

from holdfast.cli.explain import nearest
from holdfast.config import Settings
from holdfast.core.endpoints import Endpoints
from holdfast.core.faults import FAULTS, FOUND_BY_PAGE, FaultRow, Party, Switch, Then, after_close, fault
from holdfast.core.limits import Limits
from holdfast.core.recovery import DialNow, Recovery
from tests.cli.commands import run

ROWS = list(FAULTS.values())
LIMITS = Limits()
NAMED = re.compile(r"\b([a-z]+(?:_[a-z]+)+)\b")
UPSTREAMS = [row for row in ROWS if row.switch is not Switch.NO]


def code_of(row: FaultRow) -> str:
    return row.code


@pytest.mark.parametrize("row", ROWS, ids=code_of)
def test_a_row_says_everything(row: FaultRow) -> None:
    assert row.message.endswith(".")
    assert row.remedy.endswith((".", "?"))
    assert row.meaning.endswith(".")
    assert row.emulate or row.provoke
    assert row.code.startswith(f"{row.party}.")


@pytest.mark.parametrize("row", [row for row in ROWS if "[limits]" in row.remedy + row.meaning], ids=code_of)
def test_a_limit_that_is_named_exists(row: FaultRow) -> None:
    known = {field.name for field in fields(Limits)} | {"create_session", "resume_session"}
    for text in (row.remedy, row.meaning):
        for after in text.split("[limits] ")[1:]:
            name = NAMED.match(after)
            assert name is None or name[1] in known, after


def test_a_table_of_settings_that_is_named_exists() -> None:
    for row in ROWS:
        for name in re.findall(r"\[([a-z]+)[\].]", f"{row.remedy} {row.meaning} {row.provoke}"):
            assert name in Settings.model_fields, (row.code, name)


@pytest.mark.parametrize("row", UPSTREAMS, ids=code_of)
def test_the_gateway_goes_to_another_upstream_as_the_row_says(row: FaultRow) -> None:
    endpoints = Endpoints(["first", "second"], LIMITS)
    dialled: list[int] = []
    recovery = Recovery(0.0, was_live=False, budget_s=LIMITS.start_budget_s)
    now = 0.0
    while len(dialled) < 2 or (dialled[-1] == 0 and now < LIMITS.start_budget_s):
        plan = endpoints.decide(recovery, now, 0.0)
        if isinstance(plan, DialNow):
            dialled.append(plan.endpoint)
            now += LIMITS.slow_dial_s / 10
            endpoints.dial_failed(plan.endpoint, recovery, fault(row.code), now, 0.0)
        else:
            now += 0.25
    assert dialled[0] == 0
    assert (dialled[1] == 1) is (row.switch is Switch.AT_ONCE), dialled
    assert 1 in dialled, "it never goes elsewhere"


@pytest.mark.parametrize("row", ROWS, ids=code_of)
def test_only_faults_that_users_and_restarts_bring_alarm_nobody(row: FaultRow) -> None:
    is_theirs = row.party in {Party.USER_DEVICE, Party.USER_NETWORK}
    quiet = {
        "gateway.draining",
        "application.idle",
        "application.time_limit",
        "application.replaced",
        "configuration.session_budget",  # as it was meant to
        "configuration.ended_by_operator",  # same
        "configuration.port_in_use",  # there is no gateway that could count it
        "configuration.invalid",  # nor here
    }
    assert (row.alarm is None) is (is_theirs or row.code in quiet)


def test_what_the_page_finds_has_words_and_advice() -> None:
    assert [code for code in FOUND_BY_PAGE.values() if not FAULTS[code].advice] == []


def test_close_codes_mean_what_their_ranges_say_to_strangers() -> None:
    for row in ROWS:
        if row.ends and 4400 <= row.close_code < 4500 and row.close_code not in {4404, 4408}:
            assert after_close(row.close_code) is Then.STOP, row.code
        if row.close_code in {1001, 1012, 1013, 4500}:
            assert after_close(row.close_code) is Then.RESUME, row.code


def test_each_row_has_its_place_on_the_page(project: Path) -> None:
    page = (project / "docs/reference/faults.md").read_text()
    for row in ROWS:
        path, _, anchor = row.page.partition("#")
        assert path == "docs/reference/faults.md"
        assert anchor == row.code.replace(".", "")
        assert f"\n### {row.code}\n" in page


@pytest.mark.parametrize("row", ROWS, ids=code_of)
def test_explain_tells_all_of_a_row(row: FaultRow) -> None:
    told = json.loads(run("explain", row.code, "--json").stdout)
    words = run("explain", row.code).stdout

    assert (told["meaning"], told["page"], told["provoke"]) != ("", "", "")
    for text in (row.meaning, row.message, row.advice, row.remedy, row.emulate, row.provoke, row.page):
        assert text in words
    assert told["closeCode"] == (row.close_code if row.ends else None)


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("provider.silence", "provider.silent"),
        ("quota", "configuration.quota_exhausted"),
        ("provider.quota_exhausted", "configuration.quota_exhausted"),
        ("Provider.Rate-Limited", "provider.rate_limited"),
        ("microphone", "user_device.microphone_denied"),
        ("user_device.mic_denied", "user_device.microphone_denied"),
    ],
)
def test_what_was_meant_is_found(asked: str, meant: str) -> None:
    assert meant in nearest(asked)


def test_nothing_is_near_to_nonsense() -> None:
    assert nearest("zzzz.qqqq") == []
    done = run("explain", "zzzz.qqqq")
    assert (done.exit_code, "lists all codes" in done.stderr) == (2, True)


def test_a_party_lists_its_codes() -> None:
    listed = [line.split()[0] for line in run("explain", "tool").stdout.splitlines()]
    assert listed == [code for code in FAULTS if code.startswith("tool.")]


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("pay with 4111 1111 1111 1111 now", "pay with [card] now"),
        ("4111-1111-1111-1111", "[card]"),
        ("call 4111 1111 1111 1112", "call 4111 1111 1111 1112"),
        ("req_4111111111111111", "req_4111111111111111"),
        ("sample 4111", "sample 4111"),
        ("ask ada@example.org", "ask [mail]"),
        ("refused sk-live_0123456789", "refused sk-..."),
        ("no\r\n\x1b]0;yours\x07 \x9b2J\u2028line", "no ]0;yours   2J line"),
    ],
)
def test_evidence_is_one_line_without_keys_cards_or_addresses(said: str, kept: str) -> None:
    assert fault("provider.server_error", [said]).evidence == (kept,)
