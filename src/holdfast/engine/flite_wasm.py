"""Flite as WebAssembly: speech without root, without a compiler, in a sandbox.

What lives here: loading the module (compiled once per user, machine and wasmtime version), one run per
clause. What never will: which voice a session wants (`voices`), threads (`speaking`).

Each clause gets a new store and instance (under a millisecond), so nothing leaks from one customer's
sentence to another's. The module sees no file but one scratch folder and no network.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import shutil
import stat
import tempfile
import wave
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from holdfast.engine.resample import to_samples
from holdfast.engine.stages import RATE, Cancelled, Samples, SpeechError

try:
    import wasmtime as _wasmtime
except (ImportError, OSError):  # on musl the wheel installs without its library
    _wasmtime = None  # type: ignore[assignment] # told by `load`

VOICES: Final = ("rms", "awb", "slt", "kal16")
_CHUNK: Final = RATE // 2
_OUTPUT: Final = "clause.wav"


def cache_folder() -> Path | None:
    """Where compiled modules may be kept, or None when no safe place exists.

    Loading a compiled module runs it as machine code, so the folder must be ours and closed to others.
    """
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")  # noqa: PTH111, PTH118 - expanduser of Path raises without a home
    folder = Path(base) / "holdfast"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder if _is_private(folder) else None
    except OSError:
        return None


def _is_private(path: Path) -> bool:
    facts = path.lstat()
    is_plain = stat.S_ISDIR(facts.st_mode) or stat.S_ISREG(facts.st_mode)
    return is_plain and facts.st_uid == os.getuid() and not facts.st_mode & 0o077


@dataclass(frozen=True, slots=True)
class Compiled:
    """A compiled module and the engine it belongs to (both wasmtime's)."""

    engine: Any
    module: Any


def load(path: Path, cache: Path | None) -> Compiled:
    """The compiled module of the file at `path`. Raises SpeechError."""
    if _wasmtime is None:
        raise SpeechError(
            "Speech output is missing: wasmtime has no library for this system. "
            "Install libflite (Debian: `libflite1`), which the engine uses where it is there."
        )
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SpeechError(
            f"Speech output is missing: {path} cannot be read ({error.strerror}). Run `make speech`."
        ) from error
    engine = _wasmtime.Engine()
    kept = None if cache is None else cache / f"{_key(content)}.cwasm"
    if kept is not None:
        with contextlib.suppress(OSError, _wasmtime.WasmtimeError):
            if _is_private(kept):
                return Compiled(engine, _wasmtime.Module.deserialize_file(engine, str(kept)))
    try:
        module = _wasmtime.Module(engine, content)
    except _wasmtime.WasmtimeError as error:
        raise SpeechError(f"Speech output is broken: {path} is no WebAssembly. Run `make speech`.") from error
    if kept is not None:
        _keep(bytes(module.serialize()), kept)
    return Compiled(engine, module)


def _key(content: bytes) -> str:
    """A compiled module fits one wasmtime, one processor and one source."""
    parts = (version("wasmtime"), platform.machine(), _processor(), hashlib.sha256(content).hexdigest())
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:40]


def _processor() -> str:
    """What tells this processor's instructions from another's; home folders travel between machines."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith(("flags", "Features")):
                return line
    return platform.processor()


def _keep(compiled: bytes, path: Path) -> None:
    """Put a file in place whole; readable for us only (mkstemp makes it 0600)."""
    with contextlib.suppress(OSError):
        handle, name = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "wb") as part:
            part.write(compiled)
        Path(name).replace(path)


class FliteWasm:
    """Voice by flite under wasmtime. Not streaming within a clause: 10 to 60 ms for each."""

    def __init__(self, compiled: Compiled) -> None:
        self._compiled = compiled
        self._linker: Any = _wasmtime.Linker(compiled.engine)
        self._linker.define_wasi()
        self._scratch = Path(tempfile.mkdtemp(prefix="holdfast-voice-", dir=_memory_folder()))
        self._file = self._scratch / _OUTPUT
        weakref.finalize(self, shutil.rmtree, self._scratch, ignore_errors=True)

    def voices(self) -> tuple[str, ...]:
        return VOICES

    def speak(self, clause: str, voice: str, speed: float, cancelled: Cancelled) -> Iterator[Samples]:
        samples = self._run(clause, voice, speed)
        for at in range(0, len(samples), _CHUNK):
            if cancelled():
                return
            yield samples[at : at + _CHUNK]

    def _run(self, clause: str, voice: str, speed: float) -> Samples:
        store: Any = _wasmtime.Store(self._compiled.engine)
        wasi: Any = _wasmtime.WasiConfig()
        stretch = f"duration_stretch={1 / speed:.3f}"
        wasi.argv = ["flite", "-voice", voice, "--setf", stretch, "-t", clause, "-o", f"/out/{_OUTPUT}"]
        wasi.preopen_dir(str(self._scratch), "/out")
        store.set_wasi(wasi)
        try:
            instance = self._linker.instantiate(store, self._compiled.module)
            instance.exports(store)["_start"](store)
        except _wasmtime.ExitTrap as end:
            if end.code:
                raise SpeechError(f"Speech output failed: flite ended with {end.code}.") from end
        except (_wasmtime.Trap, _wasmtime.WasmtimeError) as error:
            raise SpeechError(f"Speech output failed inside flite: {error}") from error
        try:
            with wave.open(str(self._file)) as file:
                return to_samples(file.readframes(file.getnframes()))
        except (OSError, EOFError, wave.Error) as error:
            raise SpeechError(f"Speech output failed: flite wrote no audio ({error}).") from error
        finally:
            self._file.unlink(missing_ok=True)


def _memory_folder() -> str | None:
    """A folder in memory where there is one: each clause passes through a file."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - a private folder is made inside
