"""An upstream that takes the user's audio and ignores it: real sockets, real speech, real ears."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.engine.speech import in_a_room, synthesised

from holdfast.core.limits import Limits
from holdfast.emulator import Emulator, EmulatorOptions
from holdfast.engine.ears import Ears
from holdfast.engine.options import EngineOptions
from holdfast.engine.resample import to_pcm
from holdfast.ports import sightings as sight
from holdfast.ports.sightings import Sighting, Watched
from holdfast.runtime.listening import Listening
from tests.server.gateway import Client, TestGateway, eventually, frames, gateway
from tests.server.realtime_client import dial, update

pytestmark = pytest.mark.speech

CODE = "provider.not_listening"
DEAF = "ignore:input_audio_buffer.append"
LIMITS = Limits(retry_base_s=0.01, retry_cap_s=0.02, unheard_s=0.3)


def question() -> bytes:
    return in_a_room(
        synthesised("Hello? Can you hear me? What is my balance?", "rms"), before_ms=100, after_ms=900
    )


def noise() -> bytes:
    return to_pcm(np.random.default_rng(1).normal(0, 0.2, 96_000).astype(np.float32))


@dataclass
class Sightings:
    """What those who run the gateway see."""

    sees = sight.EVERYTHING
    all: list[Sighting] = field(default_factory=list)

    def saw(self, session: Watched, sighting: Sighting, at: float) -> None:
        self.all.append(sighting)

    @property
    def codes(self) -> list[str]:
        return [one.fault.code for one in self.all if isinstance(one, sight.FaultMet)]


@dataclass
class House:
    gw: TestGateway
    seen: Sightings
    listening: Listening
    upstream: Emulator


@asynccontextmanager
async def house(speech_files: Path, *faults: str) -> AsyncIterator[House]:
    """A gateway that listens, before an upstream with these faults."""
    async with (
        Emulator(EmulatorOptions(faults=list(faults), speed=0, char_ms=5)) as upstream,
        gateway(upstream.http_base, limits=LIMITS) as gw,
    ):
        seen = Sightings()
        gw.directory.watches.add(seen)
        ears = Ears.of(EngineOptions(speech_folder=speech_files))
        gw.directory.listening = listening = Listening(ears, LIMITS)
        try:
            yield House(gw, seen, listening, upstream)
        finally:
            listening.stop()


Say = Callable[[bytes], None]


async def on_the_page(h: House, **options: Any) -> tuple[Client, Say]:
    client = await Client.connect(h.gw.browser_url)
    client.say("create_session", framing="raw", **options)
    await client.until_told("session_ready")
    return client, client.send_binary


async def behind_realtime(h: House, **session: Any) -> tuple[Client, Say]:
    client = await dial(h.gw)
    update(client, **session)
    await client.until_told("session.updated")

    def say(pcm: bytes) -> None:
        client.say("input_audio_buffer.append", audio=base64.b64encode(pcm).decode())

    return client, say


FACES = [on_the_page, behind_realtime]


def speak(say: Say, pcm: bytes) -> None:
    for frame in frames(pcm):
        say(frame)


@pytest.mark.parametrize("face", FACES)
async def test_it_is_seen_and_a_fresh_link_that_listens_answers(speech_files: Path, face: Any) -> None:
    async with house(speech_files, f"{DEAF}@1") as h:
        client, say = await face(h)
        speak(say, question())

        await client.until(lambda: client.told("response_done") or client.told("response.done"))
        assert set(h.seen.codes) == {CODE}
        client.close()


async def test_the_page_is_told_once_with_evidence_and_that_it_is_over(speech_files: Path) -> None:
    async with house(speech_files, f"{DEAF}@1") as h:
        client, say = await on_the_page(h)
        speak(say, question())
        await client.until_told("response_done")
        client.close()

    told = [one for one in client.told("status") if one["state"] != "connecting"]
    [named] = [one for one in told if "fault" in one]
    assert (named["state"], named["fault"]["party"], named["fault"]["code"]) == ("degraded", "provider", CODE)
    assert "s of speech were given" in named["fault"]["evidence"][0]
    assert told[-1]["state"] == "live"


@pytest.mark.parametrize("face", FACES)
async def test_who_never_listens_is_left_twice_and_then_named(speech_files: Path, face: Any) -> None:
    async with house(speech_files, DEAF) as h:
        client, say = await face(h)
        speak(say, question())
        await eventually(lambda: h.listening.found >= 3, 15.0)
        await eventually(lambda: len(h.seen.codes) >= 5)
        await asyncio.sleep(3 * LIMITS.unheard_s)  # that nothing more comes cannot be waited for otherwise
        assert set(h.seen.codes) == {CODE}
        assert sum(isinstance(one, sight.UpstreamLost) for one in h.seen.all) == 2
        assert h.listening.found == 3
        client.close()


async def nothing_found(h: House, looks: int = 3) -> None:
    """Several looks, and nobody is blamed."""
    await asyncio.sleep(
        (looks + 1) * 0.45
    )  # a round's time: that nothing comes cannot be waited for otherwise
    assert h.seen.codes == []
    assert h.listening.found == 0


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("sound", [noise, lambda: bytes(192_000)])
async def test_noise_and_a_muted_microphone_blame_nobody(speech_files: Path, face: Any, sound: Any) -> None:
    async with house(speech_files, DEAF) as h:
        client, say = await face(h)
        speak(say, sound())
        await nothing_found(h)
        client.close()


@pytest.mark.parametrize("face", FACES)
async def test_a_healthy_upstream_is_not_listened_to_once_it_has_heard(speech_files: Path, face: Any) -> None:
    async with house(speech_files) as h:
        client, say = await face(h)
        speak(say, question())
        await client.until(lambda: client.told("response_done") or client.told("response.done"))
        speak(say, question())
        await nothing_found(h)
        client.close()

    assert h.listening.listened == 0


async def test_turns_ended_by_hand_are_not_waited_for_on_the_page(speech_files: Path) -> None:
    async with house(speech_files, DEAF) as h:
        client, say = await on_the_page(h, turnDetection="manual")
        speak(say, question())
        await nothing_found(h)
        client.close()


async def test_turns_ended_by_hand_are_not_waited_for_behind_realtime(speech_files: Path) -> None:
    async with house(speech_files, DEAF) as h:
        client, say = await behind_realtime(h, audio={"input": {"turn_detection": None}})
        speak(say, question())
        await nothing_found(h)
        client.close()


async def test_a_transcription_session_blames_nobody(speech_files: Path) -> None:
    async with house(speech_files, DEAF) as h:
        client, say = await on_the_page(h, mode="transcription")
        speak(say, question())
        await nothing_found(h)
        client.close()
