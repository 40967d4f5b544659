"""The recogniser's library, with its scores computed many at a time where this machine can.

What lives here: how `densities.c` comes to stand in the place of the library's own scoring, and when it may.
What never will: scoring, or another result: both give the same scores, bit for bit (decision 56).

More than half of what recognition costs is weighing each moment of sound against 16,000 densities, one after
the other, in each session's own copy of them. The compiled part weighs eight at once, in one copy for the
process. It is built where there is a C compiler (`make express`) and may be absent.
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.metadata
import sys
from pathlib import Path
from typing import Any, Final

_BUILT: Final = Path(__file__).with_name("_densities.so")
_LIBRARY: Final = "pocketsphinx"
_KNOWN_VERSION: Final = "5.1.1"
"""The version whose structures `densities.c` reads. Any other one scores for itself."""
_ENTRIES: Final = ("ptm_mgau_frame_eval", "ptm_mgau_init", "ptm_mgau_free", "ptm_mgau_mllr_transform")
"""The library's own functions, to which is left what is unusual."""


class StandIn:
    """The compiled part, in its place."""

    def __init__(self, compiled: ctypes.CDLL) -> None:
        for count in (compiled.hf_densities_scored, compiled.hf_densities_passed_on):
            count.restype = ctypes.c_uint64
        self._compiled = compiled

    @property
    def scored(self) -> int:
        """Moments scored here since the process began."""
        return int(self._compiled.hf_densities_scored())

    @property
    def passed_on(self) -> int:
        """Moments that were left to the library."""
        return int(self._compiled.hf_densities_passed_on())


def library() -> tuple[Any | None, StandIn | None]:
    """The recogniser's library, if it is installed, and what scores for it if that is not the library."""
    compiled = _compiled()
    try:
        module = importlib.import_module(_LIBRARY)
        inner = importlib.import_module(f"{_LIBRARY}._{_LIBRARY}") if compiled is not None else None
    except ImportError:
        return None, None
    if compiled is None or inner is None:
        return module, None
    own = ctypes.CDLL(str(inner.__file__))
    try:
        entries = [ctypes.cast(getattr(own, name), ctypes.c_void_p) for name in _ENTRIES]
    except AttributeError:  # a library that hides its functions cannot be stood in for, and is not
        return module, None
    compiled.hf_densities_attach(*entries)
    return module, StandIn(compiled)


def obstacle() -> str | None:
    """Why the library scores for itself here; None where it need not."""
    if not _BUILT.is_file():
        return "not built (`make express` wants a C compiler on x86-64)"
    try:
        version = importlib.metadata.version(_LIBRARY)
    except importlib.metadata.PackageNotFoundError:
        return f"{_LIBRARY} is not installed"
    if version != _KNOWN_VERSION:
        return f"{_LIBRARY} is {version}, and the compiled part knows {_KNOWN_VERSION}"
    try:
        fits = ctypes.CDLL(str(_BUILT)).hf_densities_fit_here()
    except OSError:
        return "built for another machine"
    return None if fits else "this processor lacks its instructions"


def _compiled() -> ctypes.CDLL | None:
    """The compiled part, loaded for everybody: before the library, or its functions are bound already."""
    if _LIBRARY in sys.modules or obstacle() is not None:
        return None
    return ctypes.CDLL(str(_BUILT), mode=ctypes.RTLD_GLOBAL)
