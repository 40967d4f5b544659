"""The system's libflite through ctypes, where it is installed: it streams inside a clause.

What lives here: the few C declarations we need (flite 2.2: flite.h, cst_audio.h, cst_wave.h) and one call
per clause. What never will: being required; the WebAssembly voice does the same work.

The library keeps the streaming callback on its shared voice, so only the speaking thread may call.
"""

from __future__ import annotations

import ctypes
import queue
import threading
from collections.abc import Iterator
from ctypes import POINTER, c_char_p, c_float, c_int, c_short, c_void_p
from typing import Any, Final

import numpy as np

from holdfast.engine.stages import RATE, Cancelled, Samples

_LIBRARY: Final = "libflite.so.1"
_VOICES: Final = ("rms", "awb", "slt")
_GO_ON: Final = 0
_STOP: Final = -1
_BUFFER_SAMPLES: Final = 1024


class _Wave(ctypes.Structure):
    """`cst_wave`."""

    _fields_ = (
        ("type", c_char_p),
        ("sample_rate", c_int),
        ("num_samples", c_int),
        ("num_channels", c_int),
        ("samples", POINTER(c_short)),
    )


class _Voice(ctypes.Structure):
    """The head of `cst_voice`."""

    _fields_ = (("name", c_char_p), ("features", c_void_p))


_Callback = ctypes.CFUNCTYPE(c_int, POINTER(_Wave), c_int, c_int, c_int, c_void_p)


class _Streaming(ctypes.Structure):
    """`cst_audio_streaming_info`; the library allocates it, we set the callback."""

    _fields_ = (
        ("min_buffsize", c_int),
        ("asc", _Callback),
        ("utt", c_void_p),
        ("item", c_void_p),
        ("userdata", c_void_p),
    )


class _Call:
    """A clause that is being said."""

    def __init__(self, cancelled: Cancelled) -> None:
        self.cancelled = cancelled
        self.chunks: queue.SimpleQueue[Samples | None] = queue.SimpleQueue()
        self.go_on = threading.Semaphore(0)


class FliteNative:
    """Voice by libflite: the first samples come after some 15 ms, whatever the length of the clause."""

    def __init__(self, library: Any, voices: dict[str, Any]) -> None:
        self._library = library
        self._voices = voices
        self._here = threading.local()
        # ctypes does not keep callbacks alive; we do.
        self._callback = _Callback(self._receive)
        for voice in voices.values():
            self._attach(voice)

    def voices(self) -> tuple[str, ...]:
        return tuple(self._voices)

    def speak(self, clause: str, voice: str, speed: float, cancelled: Cancelled) -> Iterator[Samples]:
        chosen = self._voices[voice]
        self._library.feat_set_float(chosen.contents.features, b"duration_stretch", 1 / speed)
        # The call blocks (without the interpreter's lock) and calls back; a thread turns that into chunks. It
        # stands still between them: clauses take turns, and only one of them is ever at work in the library.
        call = _Call(cancelled)
        worker = threading.Thread(target=self._run, args=(call, clause, chosen), name="flite", daemon=True)
        worker.start()
        try:
            while (samples := call.chunks.get()) is not None:
                if cancelled():
                    return
                yield samples
                call.go_on.release()
        finally:
            call.cancelled = _always
            call.go_on.release()
            worker.join()

    def _run(self, call: _Call, clause: str, voice: Any) -> None:
        self._here.call = call
        try:
            wave = self._library.flite_text_to_wave(clause.encode(), voice)
            if wave:
                self._library.delete_wave(wave)
        finally:
            call.chunks.put(None)

    def _receive(self, wave: Any, start: int, size: int, _last: int, _streaming: int | None) -> int:
        call: _Call = self._here.call
        if call.cancelled():
            return _STOP
        if size > 0:
            samples = np.ctypeslib.as_array(wave.contents.samples, (start + size,))[start:]
            call.chunks.put(samples.astype(np.float32) / np.float32(32768.0))
            call.go_on.acquire()
        return _GO_ON

    def _attach(self, voice: Any) -> None:
        streaming = self._library.new_audio_streaming_info()
        streaming.contents.min_buffsize = _BUFFER_SAMPLES
        streaming.contents.asc = self._callback
        value = self._library.audio_streaming_info_val(streaming)
        self._library.feat_set(voice.contents.features, b"streaming_info", value)


def _always() -> bool:
    return True


def load() -> FliteNative | None:
    """The system's voices, or None when libflite or one of its voices is not installed."""
    try:
        library = ctypes.CDLL(_LIBRARY, mode=ctypes.RTLD_GLOBAL)
        parts = {name: ctypes.CDLL(f"libflite_cmu_us_{name}.so.1") for name in _VOICES}
        _declare(library)
        library.flite_init()
        voices = {name: _register(part, name) for name, part in parts.items()}
    except (OSError, AttributeError):
        return None
    rates_fit = all(voice for voice in voices.values()) and RATE == 16_000
    return FliteNative(library, voices) if rates_fit else None


def _declare(library: Any) -> None:
    library.flite_text_to_wave.restype = POINTER(_Wave)
    library.flite_text_to_wave.argtypes = (c_char_p, POINTER(_Voice))
    library.delete_wave.restype = None
    library.delete_wave.argtypes = (POINTER(_Wave),)
    library.new_audio_streaming_info.restype = POINTER(_Streaming)
    library.audio_streaming_info_val.restype = c_void_p
    library.audio_streaming_info_val.argtypes = (POINTER(_Streaming),)
    library.feat_set.restype = None
    library.feat_set.argtypes = (c_void_p, c_char_p, c_void_p)
    library.feat_set_float.restype = None
    library.feat_set_float.argtypes = (c_void_p, c_char_p, c_float)


def _register(part: Any, name: str) -> Any:
    register = getattr(part, f"register_cmu_us_{name}")
    register.restype = POINTER(_Voice)
    register.argtypes = (c_char_p,)
    return register(None)
