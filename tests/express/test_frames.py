"""What is read without Python is what Python reads, or it is left to Python; under a sanitizer."""

from __future__ import annotations

import base64
import json
import random
import shutil
import struct
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from holdfast.wire.upstream import PEEK_ERRORS, peek

FOLDER = Path(__file__).parent
SOURCE = FOLDER.parent.parent / "src" / "holdfast" / "express"
FLAGS = ("-std=gnu11", "-g", "-O1", "-Wall", "-Wextra", "-Werror", "-fsanitize=address,undefined")
MEMBERS = ("type", "event_id", "response_id", "item_id")

Read = Callable[[str, Sequence[bytes]], list[str]]


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Read:
    """What the C part says of inputs of one kind."""
    program = tmp_path_factory.mktemp("reader") / "reader"
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler: audio goes the way through Python here")
    command = (compiler, *FLAGS, f"-I{SOURCE}", str(FOLDER / "reader.c"), "-o", str(program))
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    if "cannot find" in built.stderr and "san" in built.stderr:
        pytest.skip("the compiler has no sanitizers here")
    assert built.returncode == 0, built.stderr

    def run(kind: str, inputs: Sequence[bytes]) -> list[str]:
        lines = "".join(f"{kind} {one.hex()}\n" for one in inputs)
        done = subprocess.run((program,), input=lines, capture_output=True, text=True, check=True)
        return done.stdout.splitlines()

    return run


def members(line: str) -> dict[str, Any]:
    *texts, count, others = line.split()[1:]
    found = [None if one == "." else bytes.fromhex(one[1:]).decode() for one in texts]
    return dict(
        zip((*MEMBERS, "audio", "delta", "count", "others"), (*found, int(count), int(others)), strict=True)
    )


USUAL = [
    b'{"type":"input_audio_buffer.append","audio":"AAAA"}',
    b' { "audio" : "AAAA" ,\n"type":"input_audio_buffer.append", "event_id":"e1" } ',
    (
        b'{"type":"response.output_audio.delta","event_id":"event_1","response_id":"resp_1","item_id":"item_1",'
        b'"output_index":0,"content_index":0,"delta":"AAAA"}'
    ),
    b'{"type":"ack","offset":12}',
    b'{"type":"x","a":-1,"b":0,"c":true,"d":false,"e":null}',
]
UNUSUAL = [
    b"",
    b"{}",
    b"[]",
    b'"type"',
    b'{"type":"a"',
    b'{"type":"a",}',
    b'{"type":"a"} x',
    b'{"type":"a"}}',
    b'{"type":"a" "b":1}',
    b'{"type":1}',
    b'{"type":null}',
    b'{"type":"a","type":"b"}',
    b'{"t\\u0079pe":"a"}',
    b'{"type":"a\\n"}',
    b'{"type":"a","event_id":null}',
    b'{"type":"a","x":{}}',
    b'{"type":"a","x":[1]}',
    b'{"type":"a","x":1.5}',
    b'{"type":"a","x":1e3}',
    b'{"type":"a","x":01}',
    b'{"type":"a","x":-}',
    b'{"type":"a","x":+1}',
    b'{"type":"a","x":nul}',
    b'{"type":"a","x":truest}',
    b'{"type":"a","x":"\x01"}',
    '{"type":"a","x":"ü"}'.encode(),
    b'{"type":"a","x":"\xff"}',
    b'{"type":"a","offset":"1"}',
]


def test_usual_events_are_read(read: Read) -> None:
    found = [members(line) for line in read("e", USUAL)]
    assert [one["type"] for one in found] == [json.loads(text)["type"] for text in USUAL]
    assert [one["audio"] for one in found] == ["AAAA", "AAAA", None, None, None]
    assert [one["delta"] for one in found] == [None, None, "AAAA", None, None]
    assert found[2]["event_id"] == "event_1"
    assert (found[2]["response_id"], found[2]["item_id"], found[2]["others"]) == ("resp_1", "item_1", 2)
    assert (found[1]["event_id"], found[3]["count"], found[4]["others"]) == ("e1", 12, 5)


def test_whatever_is_unusual_is_left_to_python(read: Read) -> None:
    assert dict(zip(UNUSUAL, read("e", UNUSUAL), strict=True)) == dict.fromkeys(UNUSUAL, "-")


def test_what_is_read_is_what_python_reads(read: Read) -> None:
    """Usual events, bent at random: what is accepted here is JSON of the same members there."""
    chance = random.Random(5)
    bent = []
    for _ in range(20_000):
        text = bytearray(chance.choice(USUAL))
        for _ in range(chance.randrange(4)):
            at = chance.randrange(len(text) + 1)
            match chance.randrange(4):
                case 0:
                    text[at:at] = bytes([chance.choice(b'{}[]":,\\ 0189-tfn.e\x00\x1f\x7f\x80\xc3')])
                case 1 if text:
                    del text[at - 1]
                case 2:
                    text[at:at] = text[: chance.randrange(len(text) + 1)]
                case _:
                    del text[at:]
        bent.append(bytes(text))
    accepted = 0
    for one, line in zip(bent, read("e", bent), strict=True):
        if line == "-":
            continue
        accepted += 1
        found, there = members(line), json.loads(one)
        assert found["type"] == peek(one).type, one
        assert all(found[name] == there.get(name) for name in MEMBERS), one
    assert 2_000 < accepted < 18_000


def test_no_event_is_read_that_the_wire_refuses(read: Read) -> None:
    refused = []
    for text in UNUSUAL:
        try:
            peek(text)
        except PEEK_ERRORS:
            refused.append(text)
    assert len(refused) > 10
    assert set(read("e", refused)) == {"-"}


def head(size: int, first: int = 0x81, mask: bytes = b"", form: int | None = None) -> bytes:
    form = form if form is not None else (0 if size < 126 else 126 if size < 1 << 16 else 127)
    masked = 0x80 if mask else 0
    if form == 0:
        return bytes([first, masked | size]) + mask
    layout = ">BBH" if form == 126 else ">BBQ"
    return struct.pack(layout, first, masked | form, size) + mask


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 1 << 40])
def test_heads_are_read_once_they_are_there(read: Read, size: int) -> None:
    for mask in (b"", b"mask"):
        whole = head(size, mask=mask)
        *short, told = read("h", [whole[:cut] for cut in range(1, len(whole))] + [whole + b"x"])
        assert set(short) == {"-"}
        assert told == f"{len(whole)} {size} 1 1 1 {int(bool(mask))}"


def test_what_is_no_whole_usual_frame_is_told_apart(read: Read) -> None:
    odd = [head(5, 0x01), head(5, 0xC1), head(5, 0x91), head(5, form=126), head(200, form=127)]
    assert [line.split()[3] for line in read("h", odd)] == ["0"] * 5
    assert [line.split()[4] for line in read("h", odd)] == ["0", "1", "1", "1", "1"]


def test_masks_are_those_of_the_protocol(read: Read) -> None:
    chance = random.Random(6)
    inputs = [chance.randbytes(4 + size) for size in (*range(1, 40), 1286)]
    under = [bytes(b ^ one[i % 4] for i, b in enumerate(one[4:])).hex() for one in inputs]
    assert read("m", inputs) == under


def test_base64_is_that_of_the_standard(read: Read) -> None:
    chance = random.Random(7)
    inputs = [chance.randbytes(size) for size in (*range(200), 960, 4_800, 9_001)]
    texts = [base64.b64encode(one) for one in inputs]
    assert read("b", inputs) == [one.hex() for one in texts]
    assert read("d", texts) == [one.hex() for one in inputs]


def test_what_is_not_base64_to_the_letter_is_left_to_python(read: Read) -> None:
    chance = random.Random(8)
    bent = [b"A", b"AA", b"AAA", b"A===", b"====", b"AA=A", b"AB==", b"AAB=", b"AAAA=", b"AA==AAAA"]
    for _ in range(5_000):
        text = bytearray(base64.b64encode(chance.randbytes(chance.randrange(1, 80))))
        text[chance.randrange(len(text))] = chance.choice(b"-_=\x00 \n\x80\xffA+/")
        bent.append(bytes(text))
    for one, line in zip(bent, read("d", bent), strict=True):
        try:
            there = base64.b64decode(one, validate=True)
        except ValueError:
            there = None
        if line != "-":
            assert there is not None, one
            assert line == there.hex(), one
        else:
            assert there is None or base64.b64encode(there) != one, "refused without a reason"
