"""Voice activity: Silero, one stream at a time or all of a process together.

What lives here: which network judges, a stream's frames in their order, the batch of a moment. What never
will: thresholds and hangover (`endpointer`), arithmetic (`silero`), onnxruntime (`onnx`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np

from holdfast.engine.onnx import open_model
from holdfast.engine.silero import ROWS, Carry, Silero
from holdfast.engine.stages import FRAME, RATE, Judged, Samples, SpeechError

_WAIT_EACH_S: Final = 0.0015
_WAIT_S: Final = FRAME / RATE * 0.75
_LATELY_S: Final = 0.25
_PIECE = tuple[Carry, Samples]
"""A stream, and its next frames."""


class Network(Protocol):
    """What judges frames: the network in here, or onnxruntime with another file."""

    def judge(self, carries: Sequence[Carry]) -> Samples:
        """How likely the frame that each stream took last holds speech; at most `ROWS`, none twice."""
        ...


def load(path: Path) -> tuple[Network, str]:
    """The network in that file, and its name. A file that is not the network we compute ourselves is left to
    onnxruntime. Raises SpeechError.
    """
    if not path.is_file():
        raise SpeechError(f"Voice activity detection is missing: {path} does not exist. Run `make speech`.")
    try:
        return Silero.load(path), "silero"
    except ValueError:
        return OnnxNetwork(path), "onnxruntime"


class SileroVad:
    """One stream, judged alone and at once."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._carry = Carry()

    def judge(self, frames: Samples, then: Judged) -> None:
        then(_in_turn(self._network, [(self._carry, frames)])[0])


class VadBatch:
    """A process's live streams: what comes within a moment is judged together.

    Between two calls the weights leave the processor's nearer caches, and fetching them costs more than the
    arithmetic. So a call waits for company: 1.5 ms for each stream that was heard of late, at most three
    quarters of a frame. A stream that is alone, or that has to catch up, is judged when the loop has read the
    sockets that are ready.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._pieces: list[_PIECE] = []
        self._thens: list[Judged] = []
        self._due: asyncio.Handle | None = None
        self._company: set[Carry] = set()
        self._company_before = 0
        self._counted_from = 0.0

    def stream(self) -> BatchedVad:
        """Another live stream."""
        return BatchedVad(self)

    def add(self, carry: Carry, frames: Samples, then: Judged, *, is_late: bool) -> None:
        """Judge these with the others. A stream adds again only after `then` was called."""
        loop = asyncio.get_running_loop()
        streams = self._count(carry, loop.time())
        if is_late and self._due is not None:
            self._due.cancel()
            self._due = None
        if self._due is None and (is_late or streams == 1):
            self._due = loop.call_soon(self._judge)
        elif self._due is None:
            self._due = loop.call_later(min(streams * _WAIT_EACH_S, _WAIT_S), self._judge)
        self._pieces.append((carry, frames))
        self._thens.append(then)

    def _count(self, carry: Carry, now: float) -> int:
        """How many streams were heard of late, this one included."""
        if now - self._counted_from > _LATELY_S:
            was_lately = now - self._counted_from < 2 * _LATELY_S
            self._company_before = len(self._company) if was_lately else 0
            self._company.clear()
            self._counted_from = now
        self._company.add(carry)
        return max(len(self._company), self._company_before)

    def _judge(self) -> None:
        self._due = None
        pieces, self._pieces = self._pieces, []
        thens, self._thens = self._thens, []
        for then, found in zip(thens, _in_turn(self._network, pieces), strict=True):
            try:
                then(found)
            except Exception as error:  # noqa: BLE001 - one session's fault is not the others'
                context = {"message": "what was heard could not be worked on", "exception": error}
                asyncio.get_running_loop().call_exception_handler(context)


class BatchedVad:
    """One stream of a batch."""

    def __init__(self, batch: VadBatch) -> None:
        self._batch = batch
        self._carry = Carry()
        self._came_at = 0.0

    def judge(self, frames: Samples, then: Judged) -> None:
        now = asyncio.get_running_loop().time()
        # Twice as fast as speech: it is behind.
        is_late = now - self._came_at < frames.size / RATE / 2
        self._came_at = now
        self._batch.add(self._carry, frames, then, is_late=is_late)


def _in_turn(network: Network, pieces: Sequence[_PIECE]) -> list[list[float]]:
    """What each stream's frames hold: the first of every stream together, then the second, and so on."""
    found: list[list[float]] = [[] for _ in pieces]
    for step in range(max(len(frames) for _, frames in pieces)):
        due = [at for at, (_, frames) in enumerate(pieces) if len(frames) > step]
        for at in due:
            carry, frames = pieces[at]
            carry.take(frames[step])
        for begin in range(0, len(due), ROWS):
            rows = due[begin : begin + ROWS]
            judged = network.judge([pieces[at][0] for at in rows])
            for at, probability in zip(rows, judged.tolist(), strict=True):
                found[at].append(probability)
    return found


class OnnxNetwork:
    """Another Silero file, on one thread of onnxruntime that never spins."""

    def __init__(self, path: Path) -> None:
        self._session: Any = open_model(path, "Voice activity detection")

    def judge(self, carries: Sequence[Carry]) -> Samples:
        state = np.stack([(carry.hidden, carry.cell) for carry in carries], axis=1)
        given = {"input": np.stack([carry.window for carry in carries]), "state": state, "sr": _RATE}
        output, after = self._session.run(None, given)
        for carry, hidden, cell in zip(carries, after[0], after[1], strict=True):
            carry.hidden[:] = hidden
            carry.cell[:] = cell
        probabilities: Samples = output[:, 0]
        return probabilities


_RATE: Final = np.array(RATE, dtype=np.int64)
