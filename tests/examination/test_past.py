"""`doctor --session`: a session of a running gateway, judged by what it kept."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from benchmarks.verdicts.caller import Caller, talk_as_page
from benchmarks.verdicts.house import Run, gateway, settings, upstream
from benchmarks.verdicts.truth import Case

from holdfast.examination.examination import Examination, Wish
from holdfast.examination.past import NoSessionError, judged

PATIENT = {
    "dial_s": 10.0,
    "created_s": 10.0,
    "updated_s": 10.0,
    "response_first_s": 15.0,
    "response_stall_s": 10.0,
}
"""On a busy machine nothing else than the fault shall be met."""
CALM = Run(Case("no fault", "", ("healthy",)), 0, 1)


async def test_a_session_that_failed_is_explained_with_its_ids() -> None:
    async with upstream(CALM, ["close:1011:response"]) as emulator:
        with settings(emulator.http_base, PATIENT) as of:
            async with gateway(of) as door:
                caller = await Caller.connect(f"ws://{door.authority}/api/openai/realtime")
                await talk_as_page(caller, CALM.chance)
                await asyncio.sleep(0.1)
                (created,) = caller.of("session_created")
                wish = Wish(session=created["sessionId"], url=door.address)
                report = await Examination(wish, of).run()

    told = report.as_object()
    assert told["verdict"]["fault"]["code"] == "provider.server_error", told
    assert told["verdict"]["fault"]["party"] == "provider"
    assert [check["id"] for check in told["checks"]][:2] == ["session.found", "session.cause.1"]
    assert emulator.records[0].id in told["providerSessions"], told
    assert created["sessionId"] in told["verdict"]["support"]
    assert told["explanation"]["code"] == "provider.server_error"


async def test_a_session_that_nobody_knows() -> None:
    async with upstream(CALM, []) as emulator:
        with settings(emulator.http_base, PATIENT) as of:
            async with gateway(of) as door:
                with pytest.raises(NoSessionError) as unknown:
                    await Examination(Wish(session="hf_none", url=door.address), of).run()

    assert "hf_none" in unknown.value.what


async def test_a_gateway_that_cannot_be_asked() -> None:
    with settings("http://127.0.0.1:9/v1") as of, pytest.raises(NoSessionError) as gone:
        await Examination(Wish(session="hf_none", url="ws://127.0.0.1:9"), of).run()

    assert "http://127.0.0.1:9 cannot be asked" in gone.value.why


ODD = ["http://[::1", "http://127.0.0.1:99999", "127.0.0.1", "ws://here:port"]


@pytest.mark.parametrize("address", ODD)
async def test_an_address_that_is_none_is_said_so(address: str) -> None:
    with settings("http://127.0.0.1:9/v1") as of:
        with pytest.raises(NoSessionError) as none:
            await Examination(Wish(session="hf_none", url=address), of).run()
        report = await Examination(Wish(url=address), of).run()

    assert "Write it as in --url" in none.value.fix
    assert report.as_object()["verdict"]["fault"]["code"] == "configuration.invalid"


STRANGE = [b"<html></html>", b"[1, 2]", b'{"status": "ok"}', b'{"row": 5}', b"[" * 100_000]


@pytest.mark.parametrize("body", STRANGE)
async def test_who_says_yes_to_everything_is_no_gateway(body: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with settings("http://127.0.0.1:9/v1") as of, pytest.raises(NoSessionError) as none:
            await Examination(Wish(session="hf_none", url=f"http://127.0.0.1:{port}"), of).run()

    assert "no gateway lives there" in none.value.why


def test_of_a_document_only_what_it_should_be_is_read() -> None:
    row = {"id": "hf_1", "upstream": [1], "beganAt": "x"}

    assert judged({"row": row, "providerSessions": 5, "timeline": 3}).healthy


@pytest.mark.parametrize(("host", "asked"), [("::1", "http://[::1]:"), ("127.0.0.1", "http://127.0.0.1:")])
async def test_the_gateway_of_these_settings_is_asked_whatever_its_address(host: str, asked: str) -> None:
    with settings("http://127.0.0.1:9/v1", host=host, port=9) as of, pytest.raises(NoSessionError) as gone:
        await Examination(Wish(session="hf_none"), of).run()

    assert f"{asked}9 cannot be asked" in gone.value.why


def test_a_document_that_says_nothing_is_healthy() -> None:
    report = judged({})

    assert report.healthy
    assert report.as_object()["explanation"]["code"] is None


async def test_a_gateway_that_is_gone_has_left_its_recordings(tmp_path: Path) -> None:
    folder = tmp_path / "recordings"
    async with upstream(CALM, ["close:1011:response"]) as emulator:
        with settings(emulator.http_base, PATIENT, recorder={"folder": str(folder)}) as of:
            async with gateway(of) as door:
                caller = await Caller.connect(f"ws://{door.authority}/api/openai/realtime")
                await talk_as_page(caller, CALM.chance)
            (created,) = caller.of("session_created")
            wish = Wish(session=created["sessionId"], url=door.address)

            report = await Examination(wish, of).run()

    told = report.as_object()
    assert told["verdict"]["fault"]["code"] == "provider.server_error", told
    assert emulator.records[0].id in told["verdict"]["support"]
    assert "recorded" in told["checks"][0]["detail"]


async def test_a_recording_that_is_none_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "hf_1.flight.jsonl.gz").write_bytes(b"nothing")
    folder = {"folder": str(tmp_path)}
    with settings("http://127.0.0.1:9/v1", recorder=folder) as of, pytest.raises(NoSessionError) as damaged:
        await Examination(Wish(session="hf_1", url="http://127.0.0.1:9"), of).run()

    assert "hf_1.flight.jsonl.gz cannot be read" in damaged.value.what
