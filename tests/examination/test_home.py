"""Offline questions that rest on settings: the certificate, and how long all of them take."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.verdicts.house import settings

from holdfast.config import load
from holdfast.diagnosis import Status, Visit, run
from holdfast.examination import home
from holdfast.examination.deep import WAYS
from holdfast.examination.gateway_face import GatewayFace
from holdfast.examination.layers import ByAddress, layers
from holdfast.server.dev_certificate import dev_certificate

NOW = datetime.now(UTC)


def test_a_certificate_says_how_long_it_holds(tmp_path: Path) -> None:
    made = dev_certificate(tmp_path / "tls", NOW)

    fresh = home.judge_certificate(made.certificate, made.key, NOW)
    left = int(fresh.detail.split(" holds for ")[1].split()[0])
    soon = home.judge_certificate(made.certificate, made.key, NOW + timedelta(days=left - 5))
    over = home.judge_certificate(made.certificate, made.key, NOW + timedelta(days=left + 5))

    assert (fresh.status, soon.status, over.status) == (Status.OK, Status.WARNING, Status.FAILED)
    assert "holds for 5 days" in soon.detail or "holds for 4 days" in soon.detail
    assert "expired" in over.detail
    assert "Renew it" in over.remedy


def test_a_strangers_key_and_a_file_that_is_none(tmp_path: Path) -> None:
    mine, other = (dev_certificate(tmp_path / name, NOW) for name in ("mine", "other"))
    (tmp_path / "none.pem").write_text("nothing")

    foreign = home.judge_certificate(mine.certificate, other.key, NOW)
    none = home.judge_certificate(tmp_path / "none.pem", mine.key, NOW)

    assert "is not the key of" in foreign.detail
    assert "holds no certificate" in none.detail


async def test_all_of_them_take_less_than_two_seconds() -> None:
    with settings("http://127.0.0.1:9/v1") as of:
        began = time.perf_counter()
        checks = await run(home.questions(of, None))
        took_s = time.perf_counter() - began

    assert took_s < 2.0
    ids = {check.id for check in checks}
    assert {"home.clock", "home.memory", "home.open_files", "home.certificate", "home.key.openai"} <= ids
    assert not [check for check in checks if check.answer.status is Status.FAILED]


async def test_a_compatible_server_without_a_key_lacks_none(tmp_path: Path) -> None:
    (tmp_path / "holdfast.toml").write_text(
        '[[upstream]]\nname = "lan"\nkind = "compatible"\nmodel = "m"\nbase_url = "http://10.0.0.7:8000/v1"'
    )
    of = load(environ={}, folder=tmp_path)

    checks = await run([one for one in home.questions(of, None) if one.id == "home.key.lan"])

    assert [check.answer.status for check in checks] == [Status.OK]


async def test_every_id_stands_in_the_how_to(project: Path) -> None:
    table = (project / "docs/howto/find-the-fault.md").read_text()
    rows = [line for line in table.splitlines() if line.startswith("| `")]
    told: set[str] = set()
    for row in rows:
        names = re.findall(r"`([a-zA-Z._0-9]+)`", row.split("|")[1])
        stem = names[0].rsplit(".", 1)[0] if names[0].count(".") else ""
        told |= {f"{stem}{name}" if name.startswith(".") else name for name in names}
    with settings("http://127.0.0.1:9/v1") as of:
        asked = {one.id for one in home.questions(of, None)}
        visit = Visit(ByAddress("http://127.0.0.1:9/v1/realtime", limits=of.limits), of.limits)
        asked |= {one.id for one in layers("NAME", "http://127.0.0.1:9/v1/realtime", visit)}
        asked |= {one.id for one in GatewayFace("http://127.0.0.1:9", "", None, of.limits).questions()}
    asked |= {f"upstream.NAME.deep.{way.id}" for way in WAYS}

    assert {one.replace("key.openai", "key.NAME") for one in asked} - told == set()
