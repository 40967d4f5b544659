"""Silero's voice activity network as matrix products, over many streams at once.

What lives here: the arithmetic, its weights, what one stream carries from frame to frame. What never will:
sockets, tasks, or what a probability means (`endpointer`).

The network is small (0.7 million multiplications for a frame of 32 ms), so what it costs is how it is called.
Written out, with its weights side by side and every intermediate array made beforehand, a frame costs half of
what a general runtime takes for it, and a sixth when sixteen streams go through together (decision 39).

The steps: four overlapping windows of 256 samples, their spectra, four small convolutions over the four, one
LSTM cell, one number. A convolution is a product once each output's inputs lie side by side; a column of ones
carries the bias. The weights' table of sines is that of a Fourier transform (looked at when they are loaded),
so the transform stands in for a product with a quarter of all weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from holdfast.engine.products import product
from holdfast.engine.stages import FRAME, Samples
from holdfast.engine.tensors import float_tensors

CONTEXT: Final = 64
"""Samples of the frame before that the network wants before each frame."""
WINDOW: Final = CONTEXT + FRAME
ROWS: Final = 32
"""Frames in one product; more gain nothing."""

_TAPS: Final = 256
_HOP: Final = 128
_BINS: Final = 129
_HIDDEN: Final = 128
_HALF: Final = 64
_SLICES: Final = 4
_MIRRORED: Final = 64
"""Samples at the end that are heard again backwards, to fill the last window."""

_SHAPES: Final[Mapping[str, tuple[int, ...]]] = {
    "model.stft.forward_basis_buffer": (2 * _BINS, 1, _TAPS),
    "model.encoder.0.reparam_conv.weight": (_HIDDEN, _BINS, 3),
    "model.encoder.0.reparam_conv.bias": (_HIDDEN,),
    "model.encoder.1.reparam_conv.weight": (_HALF, _HIDDEN, 3),
    "model.encoder.1.reparam_conv.bias": (_HALF,),
    "model.encoder.2.reparam_conv.weight": (_HALF, _HALF, 3),
    "model.encoder.2.reparam_conv.bias": (_HALF,),
    "model.encoder.3.reparam_conv.weight": (_HIDDEN, _HALF, 3),
    "model.encoder.3.reparam_conv.bias": (_HIDDEN,),
    "model.decoder.rnn.weight_ih": (4 * _HIDDEN, _HIDDEN),
    "model.decoder.rnn.weight_hh": (4 * _HIDDEN, _HIDDEN),
    "model.decoder.rnn.bias_ih": (4 * _HIDDEN,),
    "model.decoder.rnn.bias_hh": (4 * _HIDDEN,),
    "model.decoder.decoder.2.weight": (1, _HIDDEN, 1),
    "model.decoder.decoder.2.bias": (1,),
}


_HANN: Final = np.hanning(_TAPS + 1)[:-1].astype(np.float32)


class Carry:
    """What one stream's next frame needs of those before it."""

    __slots__ = ("cell", "hidden", "window")

    def __init__(self) -> None:
        self.window: Samples = np.zeros(WINDOW, dtype=np.float32)
        self.hidden: Samples = np.zeros(_HIDDEN, dtype=np.float32)
        self.cell: Samples = np.zeros(_HIDDEN, dtype=np.float32)

    def take(self, frame: Samples) -> None:
        """The next frame; the end of the last one becomes its context."""
        self.window[:CONTEXT] = self.window[FRAME:]
        self.window[CONTEXT:] = frame


class Silero:
    """The network. One for a process; not for two threads at once."""

    def __init__(self, tensors: Mapping[str, Samples]) -> None:
        """Raises ValueError when these are not the weights of the 16 kHz network."""
        shapes = {name: tensor.shape for name, tensor in tensors.items()}
        wrong = [name for name, shape in _SHAPES.items() if shapes.get(name) != shape]
        if wrong:
            raise ValueError(f"not the weights of Silero for 16 kHz: {wrong[0]} is not as it should be")
        if not np.allclose(tensors["model.stft.forward_basis_buffer"][:, 0], _sines(), rtol=0, atol=1e-6):
            raise ValueError("not the weights of Silero for 16 kHz: the spectrum is another")
        weights, bench = _Weights(tensors), _Bench()
        self._weights, self._bench = weights, bench
        self._first = product(_flat(bench.first), weights.first, _flat(bench.heard), _SLICES)
        self._second = product(_flat(bench.second), weights.second, _flat(bench.halved), 2)
        self._third = product(bench.third, weights.third, bench.small)
        self._fourth = product(bench.fourth, weights.fourth, bench.wide)
        self._cell = product(bench.joined, weights.cell, bench.gates)

    @classmethod
    def load(cls, path: Path) -> Silero:
        """From an ONNX file. Raises OSError and ValueError."""
        return cls(float_tensors(path.read_bytes()))

    def judge(self, carries: Sequence[Carry]) -> Samples:
        """How likely the frame that each stream took last holds speech; at most `ROWS`, none twice."""
        count = len(carries)
        bench = self._bench
        for row, carry in enumerate(carries):
            bench.window[row] = carry.window
            bench.joined[row, _HIDDEN:-1] = carry.hidden
            bench.cell[row] = carry.cell
        self._encode(count)
        probabilities = self._remember(count)
        for row, carry in enumerate(carries):
            carry.hidden[:] = bench.hidden[row]
            carry.cell[:] = bench.cell[row]
        return probabilities

    def _encode(self, count: int) -> None:
        """Windows to features: the first half of each row of `joined`."""
        bench = self._bench
        window, slices = bench.window[:count], bench.slices[:count]
        for at in range(_SLICES - 1):
            slices[:, at] = window[:, at * _HOP : at * _HOP + _TAPS]
        slices[:, -1, :-_MIRRORED] = window[:, (_SLICES - 1) * _HOP :]
        slices[:, -1, -_MIRRORED:] = window[:, -2 : -2 - _MIRRORED : -1]
        np.multiply(slices, _HANN, out=slices)
        np.fft.rfft(slices, out=bench.spectrum[:count])  # type: ignore[arg-type] # numpy types it for doubles only
        powers = bench.powers[:count]
        np.multiply(powers, powers, out=powers)
        # Each of the four spectra, with the one before and the one after it; nothing stands beyond the ends.
        first = bench.first[:count]
        here = first[:, :, _BINS : 2 * _BINS]
        np.add(powers[..., 0], powers[..., 1], out=here)
        np.sqrt(here, out=here)
        first[:, 1:, :_BINS] = here[:, :-1]
        first[:, :-1, 2 * _BINS : -1] = here[:, 1:]
        heard = bench.heard[:count]
        self._first(count)
        # From here on every second place: (nothing, 0, 1) and (1, 2, 3); (nothing, 0, 1); one alone.
        second = bench.second[:count]
        np.maximum(heard[:, :2], 0, out=second[:, 0, _HIDDEN:-1].reshape(count, 2, _HIDDEN))
        np.maximum(heard[:, 1:], 0, out=second[:, 1, :-1].reshape(count, 3, _HIDDEN))
        halved = bench.halved[:count]
        self._second(count)
        third, fourth = bench.third[:count], bench.fourth[:count]
        np.maximum(halved, 0, out=third[:, :-1].reshape(count, 2, _HALF))
        self._third(count)
        np.maximum(bench.small[:count], 0, out=fourth[:, :-1])
        self._fourth(count)
        np.maximum(bench.wide[:count], 0, out=bench.joined[:count, :_HIDDEN])

    def _remember(self, count: int) -> Samples:
        """The LSTM's step and the number it comes to. Its three sigmoids are hyperbolic tangents of half as
        much (the weights are halved), so that one call serves all four gates.
        """
        bench, weights = self._bench, self._weights
        gates, cell, hidden = bench.gates[:count], bench.cell[:count], bench.hidden[:count]
        self._cell(count)
        np.tanh(gates, out=gates)
        let_in, keep, fresh, let_out = (gates[:, at : at + _HIDDEN] for at in range(0, 4 * _HIDDEN, _HIDDEN))
        let_in += 1
        let_in *= fresh
        keep += 1
        cell *= keep
        cell += let_in
        cell *= 0.5
        np.tanh(cell, out=hidden)
        let_out += 1
        hidden *= let_out
        hidden *= 0.5
        np.maximum(hidden, 0, out=fresh)
        verdict: Samples = fresh @ weights.verdict
        verdict += weights.bias
        np.negative(verdict, out=verdict)
        np.exp(verdict, out=verdict)
        verdict += 1
        return np.reciprocal(verdict, out=verdict)


class _Weights:
    """The tensors, laid out for products from the right; the last row of each is its bias."""

    def __init__(self, tensors: Mapping[str, Samples]) -> None:
        def convolution(at: int, *taps: int) -> Samples:
            weight = tensors[f"model.encoder.{at}.reparam_conv.weight"]
            bias = tensors[f"model.encoder.{at}.reparam_conv.bias"]
            return np.concatenate([weight[:, :, tap].T for tap in taps] + [bias[np.newaxis]])

        self.first = convolution(0, 0, 1, 2)
        self.second = convolution(1, 0, 1, 2)
        # What would meet the nothing beyond the ends is left out: the first tap, then the first and the last.
        self.third = convolution(2, 1, 2)
        self.fourth = convolution(3, 1)
        bias = tensors["model.decoder.rnn.bias_ih"] + tensors["model.decoder.rnn.bias_hh"]
        parts = (tensors["model.decoder.rnn.weight_ih"].T, tensors["model.decoder.rnn.weight_hh"].T)
        self.cell = np.concatenate([*parts, bias[np.newaxis]])
        self.cell[:, : 2 * _HIDDEN] *= 0.5
        self.cell[:, 3 * _HIDDEN :] *= 0.5
        self.verdict = np.ascontiguousarray(tensors["model.decoder.decoder.2.weight"][0, :, 0])
        self.bias = float(tensors["model.decoder.decoder.2.bias"][0])


class _Bench:
    """The arrays between the steps, made once: a tick allocates nothing but its answer."""

    def __init__(self) -> None:
        self.window = _zeros(WINDOW)
        self.slices = _zeros(_SLICES, _TAPS)
        self.spectrum = np.zeros((ROWS, _SLICES, _BINS), dtype=np.complex64)
        self.powers: Samples = self.spectrum.view(np.float32).reshape(ROWS, _SLICES, _BINS, 2)
        self.first = _with_ones(_SLICES, 3 * _BINS)
        self.heard = _zeros(_SLICES, _HIDDEN)
        self.second = _with_ones(2, 3 * _HIDDEN)
        self.halved = _zeros(2, _HALF)
        self.third = _with_ones(2 * _HALF)
        self.small = _zeros(_HALF)
        self.fourth = _with_ones(_HALF)
        self.wide = _zeros(_HIDDEN)
        self.joined = _with_ones(2 * _HIDDEN)
        self.gates = _zeros(4 * _HIDDEN)
        self.cell = _zeros(_HIDDEN)
        self.hidden = _zeros(_HIDDEN)


def _sines() -> Samples:
    """What the first step multiplies a window by, if it is a Fourier transform: cosines, then sines."""
    turns = np.exp(-2j * np.pi * np.outer(np.arange(_BINS), np.arange(_TAPS)) / _TAPS) * _HANN
    return np.concatenate((turns.real, turns.imag)).astype(np.float32)


def _zeros(*shape: int) -> Samples:
    return np.zeros((ROWS, *shape), dtype=np.float32)


def _with_ones(*shape: int) -> Samples:
    """With one more column, of ones."""
    *outer, inner = shape
    made = _zeros(*outer, inner + 1)
    made[..., -1] = 1
    return made


def _flat(array: Samples) -> Samples:
    """Rows and places as one; a view, for the arrays lie without gaps."""
    return array.reshape(-1, array.shape[-1])
