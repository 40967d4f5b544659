"""What goes over the wire in a measurement: audio frames that can be told apart, and their envelopes.

What lives here: bytes that load, bare relays and the echoing upstream agree on. Pure.
What never will: sockets, clocks.

Every frame bears its session and its number and differs from its neighbours, so a lost, doubled, swapped or
altered one cannot pass for another. An envelope follows from its frame, so the whole message can be compared.
"""

from __future__ import annotations

import random
import struct
from typing import Final

import msgspec
import pybase64

from holdfast.core.audio import SAMPLE_BYTES, SAMPLES_PER_MS
from holdfast.wire.browser import DOWNLINK_HEADER, UPLINK_HEADER

FRAME_MS: Final = 20
FRAME_BYTES: Final = FRAME_MS * SAMPLES_PER_MS * SAMPLE_BYTES
"""The usual frame; plans may ask for longer ones."""

MARK: Final = struct.Struct("<QQ")
"""What a frame begins with: its session and its number."""
_NOISE: Final = random.Random(20).randbytes(64 * 1024)  # noqa: S311 - a measurement wants the same bytes each time

HEADERS: Final = {"Authorization": "Bearer sk-bench"}
"""Of an upgrade: some relays let nobody in without a key, whatever it is."""

APPEND_HEAD: Final = b'{"type":"input_audio_buffer.append","audio":"'
DELTA_HEAD: Final = b'{"type":"response.output_audio.delta","event_id":"event_'
_DELTA_REST: Final = (
    b'","response_id":"resp_bench","item_id":"item_bench","output_index":0,"content_index":0,"delta":"'
)
_ID_CHARS: Final = 22
"""So much of a frame's base64 says which it is: an event's id is no other's."""
TAIL: Final = b'"}'

SESSION_CREATED: Final = (
    b'{"type":"session.created","event_id":"event_bench_session.created","session":{"id":"sess_bench",'
    b'"object":"realtime.session","type":"realtime","model":"gpt-realtime"}}'
)
SESSION_UPDATE: Final = b'{"type":"session.update","session":{"type":"realtime"}}'
SESSION_UPDATED: Final = SESSION_CREATED.replace(b"session.created", b"session.updated")
RESPONSE_CREATED: Final = (
    b'{"type":"response.created","event_id":"event_bench_response","response":{"id":"resp_bench",'
    b'"object":"realtime.response","status":"in_progress","output":[]}}'
)
CREATE_SESSION: Final = b'{"type":"create_session"}'
CREATE_POSITIONED: Final = b'{"type":"create_session","framing":"positioned"}'
END_SESSION: Final = b'{"type":"end_session"}'
SESSION_READY: Final = b'{"type":"session_ready"}'


class Event(msgspec.Struct, gc=False):
    """An event of either side, as far as a measurement looks: its type and its audio as base64."""

    type: str
    audio: str = ""
    delta: str = ""


class _Kind(msgspec.Struct, gc=False):
    type: str


_decoder: Final = msgspec.json.Decoder(Event)
_kind_decoder: Final = msgspec.json.Decoder(_Kind)


def parse(raw: bytes | memoryview) -> Event:
    """One event of the Realtime dialect. Raises `msgspec.DecodeError` for anything else."""
    return _decoder.decode(raw)


def kind_of(raw: bytes) -> str:
    """The type of any message. Raises `msgspec.DecodeError` for anything else."""
    return _kind_decoder.decode(raw).type


def bytes_of(milliseconds: int) -> int:
    """How long a frame is."""
    return milliseconds * SAMPLES_PER_MS * SAMPLE_BYTES


def frame(session: int, number: int, size: int = FRAME_BYTES) -> bytes:
    """The PCM of one frame, `size` bytes long."""
    noise = size - MARK.size
    start = (session * 7919 + number * 104_729) % (len(_NOISE) - noise)
    return MARK.pack(session, number) + _NOISE[start : start + noise]


def placed(pcm: bytes, number: int) -> bytes:
    """`pcm`, the frame number `number` of a session, with its position in front, as the page sends it."""
    return UPLINK_HEADER.pack(number * len(pcm) // SAMPLE_BYTES) + pcm


def unplaced(message: bytes, offset: int) -> bytes:
    """The PCM of a positioned message; nothing if it does not bear this offset."""
    size = DOWNLINK_HEADER.size
    is_next = len(message) > size and DOWNLINK_HEADER.unpack_from(message)[0] == offset
    return message[size:] if is_next else b""


def append(pcm: bytes) -> bytes:
    """The client event that carries `pcm` up."""
    return APPEND_HEAD + pybase64.b64encode(pcm) + TAIL


def delta(pcm: bytes) -> bytes:
    """The server event that carries `pcm` down."""
    return _delta(pybase64.b64encode(pcm))


def echoed(append_event: bytes) -> bytes:
    """The delta that answers an append."""
    return _delta(parse(append_event).audio.encode())


def _delta(audio: bytes) -> bytes:
    return DELTA_HEAD + audio[:_ID_CHARS] + _DELTA_REST + audio + TAIL


def heard(event: bytes) -> bytes:
    """The PCM that a delta carries, whatever its ids; nothing where it is not base64."""
    try:
        return pybase64.b64decode(parse(event).delta, validate=True)
    except ValueError:
        return b""
