"""The suite at servers of our own: all is well with the emulator, the gateway, the embedded engine."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from holdfast.cli.check_server import own_voice
from holdfast.conformance import CHECKS, Outcome, Report, Target, Unreachable, chosen, run
from holdfast.engine.options import EngineOptions
from holdfast.engine.pool import EnginePool
from tests.conformance.conftest import emulating, target
from tests.server.gateway import gateway


def ended(report: Report, outcome: Outcome) -> dict[str, str]:
    return {result.check.id: result.evidence for result in report.results if result.outcome is outcome}


async def test_the_emulator_passes_everything() -> None:
    checks = chosen((), with_chaos=True, with_upstream=False)
    async with emulating(api_key="any") as emulator:
        report = await run(target(emulator.url), checks)

    assert ended(report, Outcome.FAILED) == {}
    assert ended(report, Outcome.SKIPPED) == {}
    assert len(report.results) == len(checks) == sum(check.group != "upstream" for check in CHECKS)


async def test_the_gateway_passes_what_an_upstream_does() -> None:
    checks = chosen((), with_chaos=False, with_upstream=False)
    async with emulating() as emulator, gateway(emulator.http_base) as gate:
        report = await run(target(f"ws://{gate.authority}/v1/realtime"), checks)

    assert ended(report, Outcome.FAILED) == {}
    assert set(ended(report, Outcome.SKIPPED)) <= {
        "connect.no_credential",
        "connect.client_secret",
        "trap.bad_key",
    }


@pytest.mark.speech
async def test_the_engine_passes(speech_files: Path) -> None:
    groups = ("connect", "session", "item", "text", "speech", "response", "tool", "vad", "error", "whole")
    pool = EnginePool(EngineOptions(workers=1, speech_folder=speech_files))
    await pool.start()
    try:
        address = pool.address()
        told = Target(address.url, address.token, speech=own_voice(), patience_s=10)
        report = await run(told, chosen(groups, with_chaos=False, with_upstream=False))
    finally:
        await pool.close()

    assert ended(report, Outcome.FAILED) == {}
    assert set(ended(report, Outcome.SKIPPED)) <= {"connect.client_secret"}


async def test_nobody_there_is_told_as_such() -> None:
    with pytest.raises(Unreachable, match="no connection"):
        await run(target("ws://127.0.0.1:1"), CHECKS[:1])


async def test_a_session_that_is_refused_is_told_as_such() -> None:
    async with emulating("refuse:insufficient_quota") as emulator:
        with pytest.raises(Unreachable, match="insufficient_quota"):
            await run(target(emulator.url), CHECKS[:1])


@pytest.mark.parametrize("greeting", [b"", b"SSH-2.0-OpenSSH_9.2\r\n"])
async def test_what_is_no_web_server_is_told_as_such(greeting: bytes) -> None:
    async def door(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(greeting)
        writer.close()

    server = await asyncio.start_server(door, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(Unreachable, match="no upgrade"):
        await run(target(f"ws://127.0.0.1:{port}/v1/realtime"), CHECKS[:1])
    server.close()
    await server.wait_closed()
