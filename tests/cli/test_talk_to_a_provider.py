"""`holdfast talk` with a server of the Realtime dialect: what was asked for is done, or said not to be."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from holdfast.emulator import Emulator, EmulatorOptions
from tests.cli.commands import Done, run, run_beside


@pytest.fixture
async def provider(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Emulator]:
    monkeypatch.setenv("OPENAI_API_KEY", "any")
    async with Emulator(EmulatorOptions(speed=0, char_ms=5)) as emulator:
        yield emulator


async def talk(provider: Emulator, *arguments: str, query: str = "") -> Done:
    return await run_beside("talk", "--url", provider.url + query, "--timeout", "5", "--json", *arguments)


async def test_settings_that_are_refused_are_named_at_once(provider: Emulator) -> None:
    done = await talk(provider, "--voice", "nobody", "--text", "hello")

    assert done.exit_code == 1
    assert done.error["code"] == "configuration.session_refused"
    assert "session.audio.output.voice" in done.error["why"]
    assert "after 5 s" not in done.error["why"]


async def test_an_assistant_of_a_provider_greets_too(provider: Emulator) -> None:
    done = await talk(provider, "--greet")

    greeting = json.loads(done.stdout.splitlines()[1])
    assert (greeting["source"], greeting["reply"]) == ("greeting", "I am listening.")
    assert done.exit_code == 0


async def test_the_model_that_is_asked_for_goes_before_the_address(provider: Emulator) -> None:
    query = "?model=gpt-realtime-2"
    await talk(provider, "--model", "gpt-realtime-1.5", "--text", "hello", query=query)
    await talk(provider, "--text", "hello", query=query)

    assert [record.model for record in provider.records] == ["gpt-realtime-1.5", "gpt-realtime-2"]


@pytest.mark.parametrize(
    ("arguments", "what", "remedy"),
    [
        (("--text", " "), "--text is empty", "--text"),
        (("--text", "hello", "--language", "de"), "--language needs --transcribe", "--transcribe"),
    ],
)
def test_what_would_be_dropped_is_wrong_use(arguments: tuple[str, ...], what: str, remedy: str) -> None:
    done = run("talk", *arguments, "--json")

    assert done.exit_code == 2
    assert what in done.error["what"]
    assert remedy in done.error["fix"]
