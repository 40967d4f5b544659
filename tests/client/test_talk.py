"""`holdfast talk` as a person or a script runs it."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import signal
import ssl
import sys
import wave
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
import typer
from typer.testing import CliRunner, Result

from holdfast.cli.call import latency_strip
from holdfast.cli.talk import talk
from holdfast.client import Latency, write_wav
from holdfast.core.faults import FAULTS
from holdfast.server.dev_certificate import dev_certificate
from tests.client.scripted_server import Json, Reply, ScriptedServer, browser_session, serving, spoken_answer

APP = typer.Typer()
APP.command()(talk)


async def run(*arguments: str, stdin: str | None = None) -> Result:
    return await asyncio.to_thread(lambda: CliRunner().invoke(APP, arguments, input=stdin))


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with serving() as scripted:
        yield scripted


@pytest.fixture
def question(tmp_path: Path) -> Path:
    path = tmp_path / "question.wav"
    with wave.open(str(path), "wb") as wav:
        wav.setparams((1, 2, 16000, 0, "NONE", ""))
        wav.writeframes((np.sin(np.arange(4000) / 5) * 9000).astype("<i2").tobytes())
    return path


async def test_a_recording_in_and_the_reply_out(
    server: ScriptedServer, question: Path, tmp_path: Path
) -> None:
    answer = [
        {"type": "user_transcript", "itemId": "i1", "text": "what is my balance", "final": True},
        *spoken_answer("r1", "It is 10 euros."),
    ]
    server.script = browser_session({"speech": answer}, speech_bytes=24000)
    out = tmp_path / "reply.wav"

    done = await run("--url", server.url(), "--in", str(question), "--out", str(out), "--speed", "10")

    assert done.exit_code == 0, done.output
    assert "connected  local holdfast-local  session s1" in done.stdout
    assert "note       question.wav: converted 16000 Hz to 24000 Hz" in done.stdout
    assert "you        what is my balance" in done.stdout
    assert "assistant  It is 10 euros." in done.stdout
    assert "ms to the first sound" in done.stdout
    with wave.open(str(out)) as wav:
        assert (wav.getframerate(), wav.getnframes()) == (24000, 2400)


async def test_recordings_are_only_written_down(server: ScriptedServer, question: Path) -> None:
    words: list[Reply] = [
        {"type": "speech_started", "itemId": "i1"},
        {"type": "speech_started", "itemId": "i2"},
        {"type": "user_transcript", "itemId": "i1", "text": "what is", "final": True},
        {"type": "user_transcript", "itemId": "i2", "text": "my balance", "final": True},
    ]
    server.script = browser_session({"speech": words}, speech_bytes=24000)

    done = await run("--url", server.url(), "--transcribe", "--in", str(question), "--speed", "10")

    assert done.exit_code == 0, done.output
    assert server.texts[0]["mode"] == "transcription"
    assert "you        what is my balance" in done.stdout
    assert "assistant" not in done.stdout

    wrong = await run("--url", server.url(), "--transcribe", "--text", "hello")
    assert wrong.exit_code == 2


async def test_json_is_one_object_a_line(server: ScriptedServer) -> None:
    server.script = browser_session({"input_text": spoken_answer("r1", "It is 10 euros.")})

    done = await run("--url", server.url(), "--text", "one", "--text", "two", "--json")

    session, first, second = (json.loads(line) for line in done.stdout.splitlines())
    assert (session["type"], session["upstream"]["sessionId"]) == ("session", "sess_9")
    assert (first["user"], second["user"]) == ("one", "two")
    assert first["latency"]["soundMs"] >= 0
    assert done.exit_code == 0


async def test_lines_of_standard_input_are_typed_turns(server: ScriptedServer) -> None:
    server.script = browser_session({"input_text": spoken_answer("r1", "Yes.")})

    done = await run("--url", server.url(), stdin="hello\n\n")

    assert [text.get("text") for text in server.texts if text["type"] == "input_text"] == ["hello"]
    assert "assistant  Yes." in done.stdout


async def test_a_greeting_is_heard_first(server: ScriptedServer) -> None:
    server.script = browser_session({"create_session": spoken_answer("r0", "Hi, I'm your Financial Sherpa.")})

    done = await run("--url", server.url(), "--greet")

    assert "assistant  Hi, I'm your Financial Sherpa." in done.stdout
    assert server.texts[0]["greet"] is True


async def test_an_answer_that_failed_is_trouble(server: ScriptedServer) -> None:
    failed: list[Reply] = [
        {"type": "response_started", "responseId": "r1"},
        {"type": "response_done", "responseId": "r1", "status": "failed"},
    ]
    server.script = browser_session({"input_text": failed})

    done = await run("--url", server.url(), "--text", "hello")

    assert done.exit_code == 1
    assert "status     failed" in done.stdout


async def test_a_key_refused_after_the_upgrade(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-proj-CANARY0123")
    error = {
        "type": "invalid_request_error",
        "code": "invalid_api_key",
        "message": "Incorrect API key provided",
    }
    server.script = lambda _: [{"type": "error", "error": error}, 3000]

    done = await run("--url", server.url("/v1/realtime"), "--text", "hello")

    assert done.exit_code == 1
    assert f"error: {FAULTS['configuration.invalid_api_key'].message}" in done.stderr
    assert "why:  invalid_api_key: Incorrect API key provided" in done.stderr
    assert "whose fault: configuration" in done.stderr
    assert "fix:  The provider refused the API key" in done.stderr
    assert "code: configuration.invalid_api_key" in done.stderr
    assert "CANARY" not in done.output


@pytest.mark.parametrize(
    ("content", "words"), [(None, "does not exist"), ("empty", "is empty"), ("text", "is no usable WAV file")]
)
async def test_a_wrong_recording_is_wrong_use(tmp_path: Path, content: str | None, words: str) -> None:
    path = tmp_path / "q.wav"
    if content == "empty":
        write_wav(path, b"")
    elif content:
        path.write_text(content)

    done = await run("--in", str(path), "--json")

    assert done.exit_code == 2
    error = json.loads(done.stderr)["error"]
    assert words in error["what"]
    assert error["fix"]


async def test_an_out_that_cannot_be_is_said_before_the_call(tmp_path: Path) -> None:
    done = await run("--text", "hello", "--out", str(tmp_path / "no" / "reply.wav"))

    assert done.exit_code == 2
    assert "Choose another --out" in done.stderr


async def test_an_out_that_is_a_folder_is_said_before_the_call(tmp_path: Path) -> None:
    done = await run("--text", "hello", "--out", str(tmp_path))

    assert done.exit_code == 2
    assert "It is a folder." in done.stderr


async def test_an_out_that_cannot_be_written_after_the_call_is_no_traceback(
    server: ScriptedServer, tmp_path: Path
) -> None:
    server.script = browser_session({"input_text": spoken_answer("r1", "Yes.")})

    done = await run("--url", server.url(), "--text", "hello", "--out", str(tmp_path / ("n" * 300)))

    assert done.exit_code == 1
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.output


async def test_what_was_answered_before_a_call_broke_is_kept(server: ScriptedServer, tmp_path: Path) -> None:
    fine = browser_session({"input_text": spoken_answer("r1", "Yes.")})
    broken = browser_session({"input_text": [1011]})

    def script(message: Json | bytes) -> list[Reply]:
        return (broken if len(server.texts) > 2 else fine)(message)

    server.script = script
    out = tmp_path / "reply.wav"

    done = await run("--url", server.url(), "--text", "one", "--text", "two", "--out", str(out))

    assert done.exit_code == 1
    assert "saved" in done.stdout
    with wave.open(str(out)) as wav:
        assert wav.getnframes() == 2400


async def test_who_breaks_off_at_the_prompt_is_not_asked_for_one_more_line(
    server: ScriptedServer, tmp_path: Path
) -> None:
    server.script = browser_session({"input_text": spoken_answer("r1", "Yes.")})
    out, (ours, theirs) = tmp_path / "reply.wav", pty.openpty()
    command = [sys.executable, "-m", "holdfast.cli", "talk", "--url", server.url(), "--out", str(out)]
    process = await asyncio.create_subprocess_exec(
        *command, stdin=theirs, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        os.write(ours, b"hello\n")
        assert process.stdout is not None
        async with asyncio.timeout(30):
            while b"assistant" not in await process.stdout.readline():
                pass
            while b"you" not in await process.stdout.read(80):
                pass
            process.send_signal(signal.SIGINT)
            _, errors = await process.communicate()
    finally:
        os.close(ours)
        os.close(theirs)

    assert process.returncode == 130
    assert b"Traceback" not in errors
    with wave.open(str(out)) as wav:
        assert wav.getnframes() == 2400


def test_the_strip_shows_each_stage_as_long_as_it_took() -> None:
    strip = latency_strip(Latency(turn_end_ms=200, response_ms=300, words_ms=310, sound_ms=400))

    assert strip.endswith("400 ms to the first sound (turn end +200, answer +100, sound +100)")
    assert len(strip.split()[0]) == 20
    assert latency_strip(Latency()) == ""


@pytest.mark.parametrize("path", ["/api/openai/realtime", "/v1/realtime"])
async def test_where_no_gateway_listens_no_provider_is_blamed(path: str) -> None:
    async with serving() as gone:
        url = gone.url()
    address = urlsplit(url).netloc

    done = await run("--url", f"ws://{address}{path}", "--text", "hello", "--json")

    error = json.loads(done.stderr)["error"]
    assert done.exit_code == 1
    assert error["code"] == "user_network.gateway_unreachable"
    assert error["what"] == f"No gateway answers at {address}."
    assert "holdfast serve" in error["fix"]


@pytest.mark.parametrize(("ticket", "words"), [("", "without a ticket"), ("used", "did not take this")])
async def test_who_lacks_a_ticket_is_told_how_to_get_one(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, ticket: str, words: str
) -> None:
    monkeypatch.setenv("HOLDFAST_TICKET", ticket)
    server.refuse_with = 401

    done = await run("--url", server.url(), "--text", "hello", "--json")

    error = json.loads(done.stderr)["error"]
    assert error["code"] == "application.not_authorized"
    assert words in error["what"]
    assert "holdfast token" in error["fix"]


@pytest.mark.parametrize("status", [404, 405])
async def test_a_web_server_that_is_no_gateway_is_no_provider(server: ScriptedServer, status: int) -> None:
    server.refuse_with = status

    done = await run("--url", server.url(), "--text", "hello", "--json")

    error = json.loads(done.stderr)["error"]
    assert error["code"] == "user_network.gateway_unreachable"
    assert f"HTTP {status}" in error["why"]
    assert "--url" in error["fix"]


async def test_a_gateway_that_goes_is_no_provider_either(server: ScriptedServer) -> None:
    server.script = browser_session({"input_text": [1011]})

    done = await run("--url", server.url(), "--text", "hello", "--json")

    error = json.loads(done.stderr)["error"]
    assert error["code"] == "user_network.connection_lost"
    assert "gateway" in error["fix"]


async def test_a_close_that_names_its_fault_is_believed(server: ScriptedServer) -> None:
    server.script = lambda _: ["server_error.provider.connection_lost"]

    done = await run("--url", server.url("/v1/realtime"), "--text", "hello", "--json")

    error = json.loads(done.stderr)["error"]
    assert error["code"] == "provider.connection_lost"


@pytest.mark.parametrize("url", ["notaurl", "ftp://127.0.0.1", "ws://", "ws://127.0.0.1:port", "ws://a..b"])
async def test_what_is_no_address_is_wrong_use(url: str) -> None:
    done = await run("--url", url, "--text", "hello", "--json")

    assert done.exit_code == 2
    error = json.loads(done.stderr)["error"]
    assert error["what"] == f"{url!r} is no address."
    assert "wss://api.openai.com/v1/realtime" in error["fix"]


async def test_a_door_that_speaks_tls_is_no_traceback() -> None:
    async def alert(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"\x15\x03\x01\x00\x02\x02\x46")
        writer.close()

    server = await asyncio.start_server(alert, "127.0.0.1", 0)
    address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    done = await run("--url", f"ws://{address}", "--text", "hello", "--json")
    server.close()
    await server.wait_closed()

    error = json.loads(done.stderr)["error"]
    assert (done.exit_code, error["code"]) == (1, "user_network.gateway_unreachable")


async def test_an_untrusted_gateway_says_which_option_trusts_it(tmp_path: Path) -> None:
    made = dev_certificate(tmp_path / "tls", datetime.now(UTC))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(made.certificate, made.key)
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    done = await run("--url", f"wss://{address}", "--text", "hello", "--json")
    server.close()
    await server.wait_closed()

    error = json.loads(done.stderr)["error"]
    assert error["code"] == "configuration.tls_certificate"
    assert "--ca" in error["fix"]
