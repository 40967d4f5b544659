"""The compiled load: built where a compiler is, run under sanitizers, of one mind with the Python one."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import shutil
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import picows
import pytest

from holdfast.bench import generator, load, machine, measuring
from holdfast.bench.candidates import bare_relay, echo_upstream
from holdfast.bench.plans import Face, IdlePlan, Plan, Sample, SetupPlan
from tests.bench import hostile
from tests.bench.test_stream import FAULTS

SANITIZED: Final = ("-std=c11", "-O0", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover")
STRICT: Final = (*generator.FLAGS, "-Wall", "-Wextra", "-Werror")
ON_THIS_MACHINE = pytest.mark.skipif(machine.obstacle() is not None, reason=machine.obstacle() or "")


@pytest.fixture(scope="module")
def sanitized(tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        return generator.build(tmp_path_factory.mktemp("sanitized"), SANITIZED)
    except generator.UnbuiltError as why:
        pytest.skip(f"no sanitized generator here: {why}")


@pytest.fixture
def a_compiler() -> str:
    try:
        return generator.compiler()
    except generator.UnbuiltError as why:
        pytest.skip(str(why))


def test_it_compiles_without_a_warning(a_compiler: str, tmp_path: Path) -> None:
    assert generator.build(tmp_path, STRICT).is_file()


@contextlib.asynccontextmanager
async def running(program: Path, task: str, **options: object) -> AsyncIterator[asyncio.subprocess.Process]:
    pipe = asyncio.subprocess.PIPE
    words = [f"{name}={value}" for name, value in options.items()]
    child = await asyncio.create_subprocess_exec(program, task, *words, stdin=pipe, stdout=pipe, stderr=pipe)
    try:
        yield child
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()


async def told(child: asyncio.subprocess.Process) -> Any:
    """The last thing it says after it is told to go; its complaint fails the test."""
    said, complaint = await child.communicate(b"go\n")
    assert (child.returncode, complaint.decode()) == (0, "")
    return json.loads(said.splitlines()[-1])


async def talked(program: Path, url: str, face: Face = "json", **options: object) -> Sample:
    plan = {"face": face, "url": url, "sessions": 3, "seconds": 0.1, "upstream_pid": os.getpid()}
    async with running(program, "talk", **plan, **options) as child:
        return Sample.of(await told(child))


def faults(sample: Sample) -> tuple[int, int, int, int]:
    return sample.lost, sample.doubled, sample.swapped, sample.altered


def in_each(expected: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    return 3 * expected[0], 3 * expected[1], 3 * expected[2], 3 * expected[3]


async def test_both_loads_name_a_planted_fault(sanitized: Path) -> None:
    async def compiled(url: str) -> Sample:
        return await talked(sanitized, url)

    async def in_python(url: str) -> Sample:
        return await load.measure(Plan("json", url, 3, 0.1, 0.0, (os.getpid(),), os.getpid()))

    async def judged(name: str, measured: Callable[[str], Awaitable[Sample]]) -> tuple[int, int, int, int]:
        async with hostile.echo(FAULTS[name][0]) as url:
            found = await measured(url)
        assert found.troubles == ()
        return faults(found)

    cases = [(name, measured) for name in FAULTS for measured in (compiled, in_python)]
    found = await asyncio.gather(*(judged(*case) for case in cases))
    wanted = [in_each(FAULTS[name][1]) for name, _ in cases]
    told = [f"{name}, {measured.__name__}" for name, measured in cases]
    assert dict(zip(told, found, strict=True)) == dict(zip(told, wanted, strict=True))


async def test_the_compiled_upstream_counts_and_lets_nobody_disturb_it(
    sanitized: Path, tmp_path: Path
) -> None:
    chance = random.Random(1)
    async with running(sanitized, "echo", counts=tmp_path / "counts") as upstream:
        assert upstream.stdout is not None
        port = json.loads(await upstream.stdout.readline())["port"]
        shake = b"GET /v1 HTTP/1.1\r\nsec-websocket-KEY:  dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        for words in (
            b"GET / HTTP/1.1\r\n\r\n",
            b"x" * 40_000,
            *(shake + chance.randbytes(200) for _ in range(20)),
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(words)
            with contextlib.suppress(ConnectionError):
                await asyncio.wait_for(reader.read(1), 5)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
        counts = tmp_path / "counts"
        before = struct.unpack("=QQ", counts.read_bytes())
        found = await talked(sanitized, f"ws://127.0.0.1:{port}/", pids=upstream.pid, turns=2, counts=counts)
        after = struct.unpack("=QQ", counts.read_bytes())
        assert faults(found) == (0, 0, 0, 0)
        assert 0 < found.upstream_received <= after[0] - before[0]
        async with running(
            sanitized, "setups", url=f"ws://127.0.0.1:{port}/", at_once=3, seconds=0.2, pids=upstream.pid
        ) as visits:
            done = await told(visits)
        assert done["setups"] > 10
        assert (done["failed"], done["refused"], done["troubles"]) == (0, 0, [])
        async with running(sanitized, "idle", url=f"ws://127.0.0.1:{port}/", sessions=30) as quiet:
            assert quiet.stdout is not None
            assert json.loads(await quiet.stdout.readline()) == {"ready": 30}
            _, complaint = await quiet.communicate(b"")
        assert (quiet.returncode, complaint) == (0, b"")
        _, complaint = await upstream.communicate(b"")
        assert (upstream.returncode, complaint) == (0, b"")


STRANGE = {
    "a frame that is masked": b"\x81\x85\x00\x00\x00\x00hello",
    "a reserved bit": b"\xc1\x02{}",
    "a frame without end": b"\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff",
    "a long ping": b"\x89\x7e\x00\xff" + bytes(255),
    "fragments out of order": b"\x80\x02{}",
    "a close at once": b"\x88\x02\x03\xf4",
    "no JSON": b'\x81\x03{]}\x81\x02{"',
    "half a message": b"\x81\x7e\x10\x00{",
    "nothing": b"",
}


@pytest.mark.parametrize("words", STRANGE.values(), ids=STRANGE.keys())
async def test_a_strange_upstream_breaks_a_measurement_off_with_a_sentence(
    sanitized: Path, words: bytes
) -> None:
    async with (
        hostile.strange(words) as url,
        running(sanitized, "talk", url=url, sessions=2, seconds=0.1) as child,
    ):
        said, complaint = await child.communicate(b"go\n")
    assert (child.returncode, said) == (1, b"")
    assert complaint.count(b"\n") == 1
    assert b"session" in complaint or b"JSON" in complaint


@ON_THIS_MACHINE
@pytest.mark.alone  # how much passes in a window is a matter of time
def test_both_loads_count_the_same_behind_a_bare_relay(a_compiler: str, tmp_path: Path) -> None:
    assert generator.program() is not None, generator.doubt()
    ours, theirs = measuring.measuring_cores()
    seconds, sessions = 1.0, 8
    with echo_upstream(tmp_path, theirs) as upstream:
        for face in ("json", "binary"):
            with bare_relay(face, upstream, tmp_path, ours) as (relay,):
                pids = machine.family(relay.pid)
                plan = Plan(
                    face, relay.url, sessions, seconds, 0.0, pids, upstream.pid, counts=upstream.counts
                )
                compiled = measuring.measure(plan, tmp_path, theirs)
                python = measuring.measure(plan, tmp_path, theirs, "python")
                spells = measuring.setups(
                    SetupPlan(face, relay.url, 2, 0.2, pids, upstream.pid, 0.1), tmp_path, theirs
                )
                quiet = measuring.idle(IdlePlan(face, relay.url, 20, pids, 0.0), tmp_path, theirs)
            assert (compiled.generator, python.generator) == ("compiled", "python")
            for found in (compiled, python):
                assert faults(found) == (0, 0, 0, 0)
                assert found.troubles == ()
                # both ways, and as many at the upstream: what is on its way at the window's ends is no matter
                # of counting, and a crowded machine may be late by a tenth of a second
                whole, late = 2 * sessions * seconds / 0.020, 2 * sessions * 0.100 / 0.020
                assert found.messages == pytest.approx(whole, abs=2 * late)
                assert found.upstream_received + found.upstream_sent == pytest.approx(
                    found.messages, abs=late
                )
                assert found.audio_s == pytest.approx(found.messages / 2 * 0.020, rel=0.1)
                assert found.cpu_us > 0
            assert set(asdict(compiled)) == set(asdict(python))
            assert spells.setups > 5
            assert spells.failed == 0
            assert quiet.memory_open > 0


@ON_THIS_MACHINE
async def test_the_upstream_is_reached_over_tls_with_a_certificate_of_its_own(tmp_path: Path) -> None:
    with echo_upstream(tmp_path, {min(os.sched_getaffinity(0))}, tls=True) as upstream:
        assert upstream.certificate is not None
        trusting = ssl.create_default_context(cafile=upstream.certificate)
        assert upstream.websocket.startswith("wss://127.0.0.1:")
        transport, _ = await picows.ws_connect(picows.WSListener, upstream.websocket, ssl_context=trusting)
        transport.disconnect()
        await transport.wait_disconnected()


def test_without_a_compiler_the_python_load_stands_in_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CC", "none")
    monkeypatch.setattr(generator, "found", lambda: generator.find(tmp_path))
    assert generator.program() is None
    assert "no C compiler is here" in str(generator.doubt())
    assert "Python" in str(generator.doubt())


@pytest.fixture
def counted_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A compiler that leaves a note of each time it is called."""
    if shutil.which("sh") is None:
        pytest.skip("no shell")
    notes, script = tmp_path / "notes", tmp_path / "cc-of-the-test"
    script.write_text(
        f'#!/bin/sh\necho called >>{notes}\nfor one; do [ "$last" = -o ] && echo >"$one"; last=$one; done\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("CC", str(script))
    return notes


def test_it_is_built_once_and_again_when_its_source_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, counted_compiler: Path
) -> None:
    source = tmp_path / "native"
    shutil.copytree(generator.SOURCE, source)
    monkeypatch.setattr(generator, "SOURCE", source)
    first = generator.build(tmp_path / "cache")
    assert generator.build(tmp_path / "cache") == first
    assert counted_compiler.read_text().split() == ["called"]
    with (source / "frames.h").open("a") as header:
        header.write("/* changed */\n")
    second = generator.build(tmp_path / "cache")
    assert second != first
    assert first.is_file()  # another checkout may be measuring with it
    os.utime(first, (1, 1))
    with (source / "frames.h").open("a") as header:
        header.write("/* changed again */\n")
    third = generator.build(tmp_path / "cache")
    assert set((tmp_path / "cache").iterdir()) == {second, third}


def test_a_source_that_does_not_compile_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "native"
    source.mkdir()
    (source / "main.c").write_text("int main(void) { return nonsense; }\n")
    monkeypatch.setattr(generator, "SOURCE", source)
    path, why = generator.find(tmp_path / "cache")
    assert path is None
    assert "could not build it" in why or "no C compiler" in why
