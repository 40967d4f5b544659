"""One incident, told alike: in both protocols, in the log, by the commands, by the doctor, over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from holdfast.core.faults import FAULTS, FaultRow
from holdfast.core.limits import Limits
from holdfast.emulator import Emulator, EmulatorOptions
from tests.cli.commands import run, run_beside
from tests.faults.seen import Seen, seeing
from tests.faults.upstreams import LIMITS, calling, until_seen
from tests.server.gateway import Client, eventually, gateway
from tests.server.realtime_client import dial, send_text

INCIDENTS = {
    "http:403": "configuration.no_access",
    "refuse:model_not_found": "configuration.model_not_found",
    "http:429:quota": "configuration.quota_exhausted",
    "silent-created": "provider.silent",
    "reject-update": "configuration.session_refused",
    "http:503": "provider.unavailable",
}
"""Those that end a session before it begins, whoever asks."""


@pytest.fixture(autouse=True)
def _settings_of_nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "HOLDFAST_CONFIG", "PORT"):
        monkeypatch.delenv(name, raising=False)
    yield
    structlog.reset_defaults()


@pytest.mark.parametrize("fault", INCIDENTS)
async def test_both_faces_the_log_and_the_commands_say_the_same(
    fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = FAULTS[INCIDENTS[fault]]
    with seeing() as seen:
        async with (
            Emulator(EmulatorOptions(faults=[fault], speed=0)) as upstream,
            gateway(upstream.http_base, limits=LIMITS) as gw,
        ):
            async with calling(gw, seen) as client:
                client.say("create_session")
                await client.until_closed()
            browser_says_it(client, row)
            relayed = await dial(gw)
            relayed.say("session.update", session={"type": "realtime"})
            if fault != "reject-update":  # behind /v1/realtime the client's own settings are its own business
                await relayed.until_closed()
                realtime_says_it(relayed, row)
            log_says_it(seen, row)
            talked = await run_beside("talk", "--url", gw.browser_url, "--text", "Hello", "--json")
            error = json.loads(talked.stderr.splitlines()[-1])["error"]
            assert (error["code"], error["what"], error["fix"]) == (row.code, row.message, row.remedy)
            assert f"whose fault: {row.party}" in error["why"]
        seen.check_words()
    explained = run("explain", row.code).stdout
    assert row.message in explained
    assert row.remedy in explained


def browser_says_it(client: Client, row: FaultRow) -> None:
    """`error` and `session_ended` bear the fault, and the close its code."""
    for told in (client.told("error")[-1], client.told("session_ended")[-1]):
        assert (told["fault"]["code"], told["fault"]["party"]) == (row.code, str(row.party))
        assert (told["fault"]["message"], told["fault"]["remedy"]) == (row.message, row.remedy)
    assert client.told("error")[-1]["message"] == row.message
    assert client.closed is not None
    assert client.closed[0] == row.close_code


def realtime_says_it(client: Client, row: FaultRow) -> None:
    """`error` begins with the same sentence; the close reason names the same code."""
    error = client.told("error")[-1]["error"]
    assert error["code"] == row.code
    assert error["message"].startswith(f"{row.message} {row.remedy}")
    assert client.closed is not None
    assert client.closed[0] == row.close_code
    assert client.closed[1].endswith(f".{row.code}")


def log_says_it(seen: Seen, row: FaultRow) -> None:
    failed = [line for line in seen.lines if line["event"] == "session.failed"]
    assert failed
    for line in failed:
        assert (line["fault"], line["party"], line["message"]) == (row.code, str(row.party), row.message)
        assert line["remedy"] == row.remedy


@pytest.mark.parametrize("fault", INCIDENTS)
async def test_the_doctor_calls_it_the_same(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    row = FAULTS[INCIDENTS[fault]]
    async with Emulator(EmulatorOptions(faults=[fault], speed=0)) as upstream:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456789")
        monkeypatch.setenv("OPENAI_BASE_URL", upstream.http_base)
        monkeypatch.setenv("HOLDFAST_PORT", "0")
        done = await run_beside("doctor", "--json")
    verdict = json.loads(done.stdout)["verdict"]["fault"]
    assert (verdict["code"], verdict["party"], verdict["message"]) == (row.code, str(row.party), row.message)


async def test_a_failed_answer_is_told_alike_while_the_session_goes_on() -> None:
    row = FAULTS["provider.response_failed"]
    with seeing() as seen:
        async with (
            Emulator(EmulatorOptions(faults=[row.emulate], speed=0)) as upstream,
            gateway(upstream.http_base, limits=LIMITS) as gw,
            calling(gw, seen) as client,
        ):
            client.say("create_session")
            await client.until_told("session_ready")
            client.say("input_text", text="hello")
            await until_seen(row.code, seen)
            error = await client.until_told("error")
            done = await client.until_told("response_done")
            relayed = await dial(gw)
            send_text(relayed, "hello")
            original = await relayed.until_told("response.done")
            relayed.close()
    assert error["message"] == error["fault"]["message"] == row.message
    assert done["fault"]["code"] == row.code
    assert original["response"]["status"] == "failed", "behind /v1/realtime the provider's own words pass"
    seen.check_words()


async def test_who_breaks_a_rule_of_sockets_is_told_why_before_the_close_on_both_faces() -> None:
    row = FAULTS["application.message_too_large"]
    with seeing() as seen:
        limits = Limits(trusted_client_text_bytes=200_000)
        async with (
            Emulator(EmulatorOptions(speed=0)) as upstream,
            gateway(upstream.http_base, limits=limits) as gw,
        ):
            async with calling(gw, seen) as client:
                client.say("create_session")
                await client.until_told("session_ready")
                client.send_binary(bytes(65 * 1024))
                closed = await client.until_closed()
            relayed = await dial(gw)
            await relayed.until_told("session.created")
            relayed.send_text(b'{"type": "%s"}' % (b"x" * 300_000))
            closed_too = await relayed.until_closed()
            await eventually(lambda: gone(seen) == [row.code, row.code])
    error = client.told("error")[-1]
    assert (error["code"], error["fault"]["code"], error["message"]) == (
        "MESSAGE_TOO_LARGE",
        row.code,
        row.message,
    )
    told = relayed.told("error")[-1]["error"]
    assert (told["code"], told["message"]) == (row.code, f"{row.message} {row.remedy}")
    assert closed[0] == closed_too[0] == row.close_code


def gone(seen: Seen) -> list[str]:
    """Why clients' sockets ended, as the log has it."""
    return [line["fault"] for line in seen.lines if line["event"] == "client.gone"]
