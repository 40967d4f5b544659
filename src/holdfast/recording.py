"""The flight recorder of a process, put together from the settings.

What lives here: where recordings go, what cleans them, who is told of trouble; the directory's cores are
recorded ones from then on.
What never will: recording (`flight`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from importlib.metadata import version

import structlog

from holdfast.config import Settings
from holdfast.flight import SUFFIX, Recorder, Shelf, Trouble, write
from holdfast.runtime.directory import Directory
from holdfast.server.console import Recording
from holdfast.telemetry import Redactor


def recorder_of(
    settings: Settings, directory: Directory, stack: contextlib.AsyncExitStack
) -> Recorder | None:
    """The recorder until `stack` is closed; None where it is switched off."""
    wanted = settings.recorder
    if not wanted.steps:
        return None
    recorder = Recorder(
        settings.limits,
        shelf=Shelf(wanted.folder, wanted.keep) if wanted.on_fault else None,
        version=version("holdfast"),
        hide=Redactor(settings.secrets).hide,
        trouble=_in_trouble,
    )
    stack.push_async_callback(recorder.close)
    directory.watches.add(recorder)
    directory.session_core = recorder.session
    directory.relay_core = recorder.relay
    return recorder


class TakenAlong:
    """Fills the console's `Recordings` from what the recorder has, and from its files."""

    def __init__(self, recorder: Recorder, settings: Settings) -> None:
        self._recorder = recorder
        self._shelf = Shelf(settings.recorder.folder, settings.recorder.keep)

    def has(self, session_id: str) -> bool:
        """See `Recordings`."""
        return self._recorder.has(session_id)

    def prepared(self, session_id: str) -> Callable[[], Recording | None]:
        """See `Recordings`: what is in memory is taken now, written and looked for later."""
        frozen, name = self._recorder.frozen(session_id), f"recording{SUFFIX}"

        def make() -> Recording | None:
            if frozen is not None:
                return Recording(name, write(frozen))
            path = self._shelf.newest_of(session_id)
            with contextlib.suppress(OSError):  # it may just have been forgotten
                return None if path is None else Recording(name, path.read_bytes())
            return None

        return make


def _in_trouble(moment: Trouble, error: BaseException) -> None:
    """The log is told once of each kind: a full disk is full for all sessions."""
    told = structlog.get_logger().bind(source="recorder", category="server", error=repr(error))
    (told.error if moment == "recorder.stumbled" else told.warning)(moment)
