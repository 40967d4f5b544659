"""What provokes each fault that is not an upstream's: a table from code to scenario.

What lives here: one function for each, against real parts. What never will: rows whose `emulate` says it all.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

import picows
import pytest
from benchmarks.engine.speech import in_a_room, synthesised

from holdfast.accounts import Caps
from holdfast.app import Gateway
from holdfast.config import load
from holdfast.core.faults import FAULTS
from holdfast.core.limits import Limits
from holdfast.emulator import Emulator, EmulatorOptions
from holdfast.engine.ears import Ears
from holdfast.engine.options import EngineOptions, RemoteStage
from holdfast.engine.pool import EnginePool
from holdfast.engine.remote import StageServer, Transcriber
from holdfast.engine.switch import StageError
from holdfast.ledger import Ledger
from holdfast.portal.store import open_store
from holdfast.ports import ToolContext
from holdfast.providers.local import LocalDialer
from holdfast.runtime.listening import Listening
from holdfast.server.console import Keeper
from holdfast.server.dev_certificate import dev_certificate
from holdfast.tools import FunctionToolbox, ToolFaultError, ToolResult, function_tool
from tests.cli.commands import run_beside
from tests.faults.dialers import internal, out_of_resources
from tests.faults.seen import Seen
from tests.faults.upstreams import NOBODY, calling, conversed, self_signed, until_seen
from tests.server.counting import counted
from tests.server.gateway import Client, frames, gateway, tone

Scenario = Callable[[Seen, Path], Awaitable[None]]

CONTEXT: Final = ToolContext("session", "call", "C-1", "Ada")


# upstreams that no emulator can be


async def _unreachable(seen: Seen, _: Path) -> None:
    await conversed(NOBODY, "provider.unreachable", seen)


async def _name_unknown(seen: Seen, _: Path) -> None:
    await conversed("http://nobody.invalid/v1", "provider.name_unknown", seen)


async def _tls_failed(seen: Seen, _: Path) -> None:
    async with Emulator() as upstream:
        await conversed(upstream.http_base.replace("http:", "https:"), "provider.tls_failed", seen)


async def _tls_certificate(seen: Seen, folder: Path) -> None:
    made = dev_certificate(folder / "tls", datetime.now(UTC))
    async with self_signed({"certificate": made.certificate, "key": made.key}) as base_url:
        await conversed(base_url, "configuration.tls_certificate", seen)


async def _speech_files_missing(seen: Seen, folder: Path) -> None:
    pool = EnginePool(EngineOptions(model_folder=folder / "nowhere"))
    await pool.start()
    try:
        await conversed(LocalDialer("local", pool), "configuration.speech_files_missing", seen)
    finally:
        await pool.close()


async def _engine_unavailable(seen: Seen, _: Path) -> None:
    not_started = EnginePool(EngineOptions())
    await conversed(LocalDialer("local", not_started), "gateway.engine_unavailable", seen)


def _stage(code: str) -> Scenario:
    async def provoke(seen: Seen, _: Path) -> None:
        async with Emulator(EmulatorOptions(faults=[FAULTS[code].emulate])) as upstream:
            server = StageServer("transcription", RemoteStage(upstream.http_base, "emulated", "key"))
            try:
                with pytest.raises(StageError) as caught:
                    await Transcriber(server).write(tone(0.2))
                seen.others.append({"code": caught.value.code})
            finally:
                await server.close()

    return provoke


async def _not_listening(seen: Seen, _: Path) -> None:
    limits = Limits(retry_base_s=0.01, unheard_s=0.3)
    listening = Listening(Ears.of(EngineOptions()), limits)
    said = in_a_room(
        synthesised("Hello? Can you hear me? What is my balance?", "rms"), before_ms=100, after_ms=900
    )
    async with (
        Emulator(EmulatorOptions(faults=[FAULTS["provider.not_listening"].emulate], speed=0)) as upstream,
        gateway(upstream.http_base, limits=limits) as gw,
        calling(gw, seen) as client,
    ):
        gw.directory.listening = listening
        client.say("create_session", framing="raw")
        await client.until_told("session_ready")
        for frame in frames(said):
            client.send_binary(frame)
        await until_seen("provider.not_listening", seen)
        listening.stop()


# the settings


async def _examined(seen: Seen, folder: Path, **environment: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name, value in environment.items():
            patch.setenv(name, value)
        done = await run_beside("doctor", "--offline", "--json")
    seen.others += [check["fault"] for check in json.loads(done.stdout)["checks"] if "fault" in check]


async def _port_in_use(seen: Seen, folder: Path) -> None:
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        await _examined(seen, folder, HOLDFAST_PORT=str(port), OPENAI_API_KEY="sk-test-0123456789")


async def _invalid(seen: Seen, folder: Path) -> None:
    await _examined(seen, folder, HOLDFAST_PORT="never")


# the gateway's door, and a client that does not behave


def _client(
    code: str, act: Callable[[Client], Awaitable[None] | None], *, begins: bool = True, **limits: float
) -> Scenario:
    """A session with a healthy upstream, in which the client does that."""

    async def provoke(seen: Seen, _: Path) -> None:
        async with Emulator(EmulatorOptions(speed=0)) as upstream:
            bounds = Limits(**{"retry_base_s": 0.01, **limits})  # type: ignore[arg-type] # by name
            async with gateway(upstream.http_base, limits=bounds) as gw, calling(gw, seen) as client:
                if begins:
                    client.say("create_session")
                    await client.until_told("session_ready")
                if (waiting := act(client)) is not None:
                    await waiting
                await until_seen(code, seen)

    return provoke


async def _overloaded(seen: Seen, _: Path) -> None:
    async with (
        Emulator() as upstream,
        gateway(upstream.http_base, limits=Limits(sessions=1)) as gw,
        calling(gw, seen) as client,
    ):
        client.say("create_session")
        await client.until_told("session_created")
        with pytest.raises(picows.WSError) as refused:
            await Client.connect(gw.browser_url)
        body = getattr(refused.value, "raw_body", b"")
        seen.others.append(json.loads(body)["error"])


async def _draining(seen: Seen, _: Path) -> None:
    async with (
        Emulator(EmulatorOptions(speed=0)) as upstream,
        gateway(upstream.http_base) as gw,
        calling(gw, seen) as client,
    ):
        client.say("create_session")
        await client.until_told("session_ready")
        gw.directory.drain(at_once=True)
        await until_seen("gateway.draining", seen)


async def _slow(seen: Seen, _: Path) -> None:
    limits = Limits(client_outbox_bytes=8 * 1024)
    async with (
        Emulator(EmulatorOptions(speed=0)) as upstream,
        gateway(upstream.http_base, limits=limits) as gw,
        calling(gw, seen) as client,
    ):
        client.say("create_session")
        await client.until_told("session_ready")
        client.transport.underlying_transport.pause_reading()
        for _number in range(40):
            client.say("input_text", text="word " * 800)
        await until_seen("user_network.slow", seen)


def _flood(client: Client) -> Awaitable[None]:
    async def send() -> None:
        while client.closed is None:
            for _ in range(20):
                client.say("ping")
            await asyncio.sleep(0.01)

    return asyncio.wait_for(send(), 8)


def _twice_too_fast(client: Client) -> None:
    for _ in range(20):
        client.say("ping")


def _resume(client: Client) -> None:
    client.say("resume_session", sessionId="hf_0", resumeToken="none", epoch="e", offset=0)


def _budget(caps: Caps) -> Scenario:
    """A session that costs more than it may."""

    async def provoke(seen: Seen, folder: Path) -> None:
        async with (
            Emulator(EmulatorOptions(speed=0, char_ms=2)) as upstream,
            gateway(upstream.http_base) as gw,
            counted(gw, folder / "holdfast.sqlite3", caps),
            calling(gw, seen) as client,
        ):
            client.say("create_session")
            client.say("input_text", text="hello")
            await client.until_closed()

    return provoke


async def _ended_by_operator(seen: Seen, _: Path) -> None:
    async with (
        Emulator(EmulatorOptions(speed=0, char_ms=2)) as upstream,
        gateway(upstream.http_base) as gw,
        calling(gw, seen) as client,
    ):
        ledger = Ledger(Limits(), wall_s=0.0, at=0.0)
        gw.directory.watches.add(ledger)
        client.say("create_session")
        await client.until_told("session_ready")
        session_id = client.told("session_created")[0]["sessionId"]
        Keeper(ledger, gw.directory).end(session_id, "0123456789ab")
        await client.until_closed()


# tools and stores


async def _sleeps(_context: ToolContext) -> ToolResult:
    await asyncio.Event().wait()
    return ToolResult("")


async def _raises(_context: ToolContext) -> ToolResult:
    raise RuntimeError("broken")


async def _greets(_context: ToolContext, word: str) -> ToolResult:
    return ToolResult(word)


def _tool(name: str, arguments: str = "{}") -> Scenario:
    async def provoke(seen: Seen, _: Path) -> None:
        tools = [function_tool(one, description="x") for one in (_sleeps, _raises, _greets)]
        outcome = await FunctionToolbox(tools, limits=Limits(tool_s=0.02)).call(name, arguments, CONTEXT)
        assert outcome.fault is not None
        seen.others.append({"code": outcome.fault, "message": json.loads(outcome.output)["say"]})

    return provoke


async def _store(seen: Seen, folder: Path) -> None:
    path = folder / "portal.sqlite3"
    store = open_store(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("begin exclusive")
        with pytest.raises(ToolFaultError) as caught:
            await store.file("C-1", date(2026, 11, 22))
    seen.others.append({"code": caught.value.code})
    store.close()


async def _journal(seen: Seen, folder: Path) -> None:
    path = folder / "journal.sqlite3"
    async with Emulator(EmulatorOptions(speed=0)) as upstream:
        overrides = {
            "port": 0,
            "portal": {"database": str(folder / "portal.sqlite3")},
            "journal": {"kind": "sqlite", "database": str(path)},
        }
        environment = {"OPENAI_API_KEY": "sk-test", "OPENAI_BASE_URL": upstream.http_base}
        whole = Gateway(load(environ=environment, folder=folder, overrides=overrides))
        async with whole.running() as url:
            socket_url = f"{url.replace('http:', 'ws:')}/api/openai/realtime"
            client = await Client.connect(socket_url, extra_headers={"Origin": url})
            seen.clients.append(client)
            client.say("create_session")
            await client.until_told("session_ready")
            with closing(sqlite3.connect(path, isolation_level=None)) as other:
                other.execute("begin exclusive")
                client.say("input_text", text="hello")
                await until_seen("store.journal_unavailable", seen)
                other.execute("rollback")
            client.close()
            whole.stop()
            whole.stop()


async def _not_ready(seen: Seen, _: Path) -> None:
    async with (
        Emulator(EmulatorOptions(faults=["silent-created"])) as upstream,
        gateway(upstream.http_base, limits=Limits(commands_held=2)) as gw,
        calling(gw, seen) as client,
    ):
        client.say("create_session")
        for _number in range(4):
            client.say("input_text", text="hello")
        await until_seen("provider.not_ready", seen)


SCENARIOS: Final[Mapping[str, Scenario]] = {
    "provider.unreachable": _unreachable,
    "provider.name_unknown": _name_unknown,
    "provider.tls_failed": _tls_failed,
    "provider.not_ready": _not_ready,
    "provider.not_listening": _not_listening,
    "provider.stage_failed": _stage("provider.stage_failed"),
    "configuration.tls_certificate": _tls_certificate,
    "configuration.speech_files_missing": _speech_files_missing,
    "configuration.stage_refused": _stage("configuration.stage_refused"),
    "configuration.session_budget": _budget(Caps(session=1)),
    "configuration.customer_budget": _budget(Caps(customer_per_day=1)),
    "configuration.total_budget": _budget(Caps(total_per_day=1)),
    "configuration.ended_by_operator": _ended_by_operator,
    "configuration.port_in_use": _port_in_use,
    "configuration.invalid": _invalid,
    "gateway.engine_unavailable": _engine_unavailable,
    "gateway.overloaded": _overloaded,
    "gateway.out_of_resources": out_of_resources,
    "gateway.draining": _draining,
    "gateway.internal": internal,
    "application.invalid_message": _client(
        "application.invalid_message", lambda client: client.say("nonsense")
    ),
    "application.message_too_large": _client(
        "application.message_too_large", lambda client: client.send_binary(bytes(65 * 1024))
    ),
    "application.broken_framing": _client(
        "application.broken_framing", lambda client: client.send_text(b"\xff")
    ),
    "application.message_flood": _client(
        "application.message_flood",
        _flood,
        client_messages_per_s=5.0,
        client_messages_burst=5.0,
        client_flood_s=0.3,
    ),
    "application.unsupported_model": _client(
        "application.unsupported_model",
        lambda client: client.say("create_session", model="gpt-4o"),
        begins=False,
    ),
    "application.rate_limited": _client(
        "application.rate_limited", _twice_too_fast, client_messages_per_s=2.0, client_messages_burst=2.0
    ),
    "application.no_session": _client(
        "application.no_session", lambda client: client.send_binary(bytes(960)), begins=False
    ),
    "application.unknown_session": _client("application.unknown_session", _resume, begins=False),
    "application.not_authorized": _client(
        "application.not_authorized",
        lambda client: client.say("create_session", customerId="C-2"),
        begins=False,
    ),
    "application.idle": _client("application.idle", lambda _: None, idle_s=0.2),
    "application.time_limit": _client("application.time_limit", lambda _: None, session_s=0.5),
    "user_network.connection_lost": _client(
        "user_network.connection_lost", lambda client: client.transport.disconnect()
    ),
    "user_network.slow": _slow,
    "tool.failed": _tool("_raises"),
    "tool.timeout": _tool("_sleeps"),
    "tool.arguments": _tool("_greets", '{"words": 3}'),
    "tool.unknown": _tool("transfer_money"),
    "store.unavailable": _store,
    "store.journal_unavailable": _journal,
}
"""By code. Rows with `emulate` that are not here are provoked by what they say."""
