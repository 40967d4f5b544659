"""Voice activity: the network we compute against the library that its makers use, alone and together."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from benchmarks.engine.speech import recorded, synthesised
from hypothesis import given
from hypothesis import strategies as st

from holdfast.engine.options import SILERO
from holdfast.engine.resample import down
from holdfast.engine.silero import ROWS, Silero
from holdfast.engine.stages import FRAME, Samples, SpeechError
from holdfast.engine.tensors import float_tensors
from holdfast.engine.vad import Network, OnnxNetwork, SileroVad, VadBatch, load

pytestmark = pytest.mark.speech

CLOSE = 1e-4


@pytest.fixture(scope="module")
def silero(speech_files: Path) -> Silero:
    return Silero.load(speech_files / SILERO)


@pytest.fixture(scope="module")
def library(speech_files: Path) -> OnnxNetwork:
    return OnnxNetwork(speech_files / SILERO)


@pytest.fixture(scope="module")
def people(speech_files: Path) -> list[Samples]:
    """Sentences as rows of frames, of different lengths; then noise, and what is far too loud."""
    said = (("rms", "what is my balance"), ("awb", "when does my contract end"), ("slt", "good bye"))
    voices = [down().feed(synthesised(text, voice)) for voice, text in said]
    noise = np.random.default_rng(2).normal(0, 0.02, 12_000).astype(np.float32)
    return [framed(one) for one in (*voices, noise, np.clip(voices[0] * 50, -1, 1))]


def framed(samples: Samples) -> Samples:
    count = len(samples) // FRAME
    return samples[: count * FRAME].reshape(count, FRAME)


def quiet(frames: int) -> Samples:
    return np.random.default_rng(1).normal(0, 3e-4, (frames, FRAME)).astype(np.float32)


def alone(network: Network, frames: Samples) -> list[float]:
    found: list[float] = []
    SileroVad(network).judge(frames, found.extend)
    return found


def test_speech_is_told_from_silence(silero: Silero, people: Sequence[Samples]) -> None:
    assert max(alone(silero, quiet(30))) < 0.3
    assert np.median(alone(silero, people[0])) > 0.8


def test_what_we_compute_is_what_the_library_computes(
    silero: Silero, library: OnnxNetwork, people: Sequence[Samples]
) -> None:
    for frames in (*people, quiet(30), np.zeros((40, FRAME), dtype=np.float32)):
        assert np.allclose(alone(silero, frames), alone(library, frames), rtol=0, atol=CLOSE)


def test_people_who_were_recorded_are_judged_as_by_the_library(
    silero: Silero, library: OnnxNetwork, recordings: Path
) -> None:
    for path in sorted(recordings.glob("*.wav")):
        frames = framed(down().feed(recorded(path)))[:250]
        assert np.allclose(alone(silero, frames), alone(library, frames), rtol=0, atol=CLOSE)


async def test_streams_of_different_ages_are_judged_together_as_each_alone(
    silero: Silero, people: Sequence[Samples]
) -> None:
    expected = [alone(silero, frames) for frames in people]
    batch = VadBatch(silero)
    found: list[list[float]] = [[] for _ in people]

    async def live(at: int) -> None:
        # Comes later than the one before it, and leaves when it has said all.
        vad, frames = batch.stream(), people[at]
        for _ in range(3 * at):
            await asyncio.sleep(0)
        begin, size = 0, 1 + at % 3
        while begin < len(frames):
            heard = asyncio.get_running_loop().create_future()
            vad.judge(frames[begin : begin + size], heard.set_result)
            found[at] += await heard
            begin += size

    await asyncio.gather(*(live(at) for at in range(len(people))))

    for ours, theirs in zip(found, expected, strict=True):
        assert np.allclose(ours, theirs, rtol=0, atol=CLOSE)


class Counting:
    """A network that tells how many streams it was given at a time."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.sizes: list[int] = []

    def judge(self, carries: Sequence[object]) -> Samples:
        self.sizes.append(len(carries))
        return self.network.judge(carries)  # type: ignore[arg-type] # passed on as it came


async def test_one_turn_of_the_loop_is_one_batch_and_more_than_fit_are_several(silero: Silero) -> None:
    network = Counting(silero)
    batch = VadBatch(network)
    streams = [batch.stream() for _ in range(ROWS + 8)]
    found: list[Sequence[float]] = []

    streams[0].judge(quiet(1), found.append)
    assert not found
    await asyncio.sleep(0)
    for stream in streams:
        stream.judge(quiet(2), found.append)
    await asyncio.sleep(0)

    assert network.sizes == [1, ROWS, 8, ROWS, 8]
    assert [len(one) for one in found] == [1] + [2] * len(streams)


async def test_who_is_in_company_is_waited_for(silero: Silero) -> None:
    network = Counting(silero)
    batch = VadBatch(network)
    loop = asyncio.get_running_loop()
    began, found = loop.time(), [loop.create_future() for _ in range(20)]
    batch.stream().judge(quiet(1), lambda _found: None)
    await asyncio.sleep(0)
    for heard in found:
        batch.stream().judge(quiet(1), heard.set_result)
        await asyncio.sleep(0)  # each comes in a turn of its own
    await asyncio.gather(*found)

    # The second one to come waits for two milliseconds, and so on; how many make it in time is the machine's.
    assert network.sizes[0] == 1
    assert sum(network.sizes) == 21
    assert max(network.sizes) > 2
    assert loop.time() - began >= 0.001


async def test_who_has_to_catch_up_waits_for_nobody(silero: Silero) -> None:
    batch = VadBatch(silero)
    stream, other = batch.stream(), batch.stream()
    found: list[Sequence[float]] = []
    other.judge(quiet(1), found.append)
    stream.judge(quiet(3), found.append)
    await asyncio.sleep(0)

    for _ in range(10):
        stream.judge(quiet(3), found.append)
        await asyncio.sleep(0)

    assert len(found) == 12


async def test_a_session_that_fails_does_not_deafen_the_others(silero: Silero) -> None:
    told: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: told.append(context["exception"]))
    batch = VadBatch(silero)
    found: list[Sequence[float]] = []
    batch.stream().judge(quiet(1), lambda _found: 1 // 0)  # type: ignore[arg-type] # it fails
    batch.stream().judge(quiet(1), found.append)
    await asyncio.sleep(0)

    assert len(found) == 1
    assert isinstance(told[0], ZeroDivisionError)


def test_the_library_keeps_no_id_of_this_machine_to_report_by(speech_files: Path, tmp_path: Path) -> None:
    load = "import sys, pathlib, holdfast.engine.vad as vad; vad.OnnxNetwork(pathlib.Path(sys.argv[1]))"
    unasked = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    kept = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    command = (sys.executable, "-c", load, str(speech_files / SILERO))
    subprocess.run(command, env={**kept, **unasked}, check=True, timeout=30)

    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_our_own_network_needs_no_library(speech_files: Path) -> None:
    load = "import sys, pathlib, holdfast.engine.vad as vad; vad.load(pathlib.Path(sys.argv[1]))"
    look = "; assert 'onnxruntime' not in sys.modules"
    command = (sys.executable, "-c", load + look, str(speech_files / SILERO))
    subprocess.run(command, check=True, timeout=30)


def test_a_missing_or_broken_model_is_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(SpeechError, match="Run `make speech`"):
        load(tmp_path / "none.onnx")
    (tmp_path / "bad.onnx").write_bytes(b"no model")
    with pytest.raises(SpeechError, match="is no model"):
        load(tmp_path / "bad.onnx")


@given(st.binary(max_size=200), st.integers(0, 1000))
def test_any_file_is_read_or_refused(noise: bytes, at: int) -> None:
    for content in (noise, b"\x3a" + noise, bytes(at % 256 for _ in noise)):
        try:
            assert not float_tensors(content)
        except ValueError:
            continue


def test_half_a_model_and_another_one_are_refused(speech_files: Path) -> None:
    model = (speech_files / SILERO).read_bytes()
    with pytest.raises(ValueError, match="beyond its message"):
        float_tensors(model[: len(model) // 2])
    tensors = dict(float_tensors(model))
    tensors["model.encoder.2.reparam_conv.bias"] = tensors["model.encoder.2.reparam_conv.bias"][:-1]
    with pytest.raises(ValueError, match="not the weights"):
        Silero(tensors)
