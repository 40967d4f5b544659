"""What an operator may take along of one session: a zip, without secrets and without words.

What lives here: which files it has, and that everything passes the redaction of the log once more.
What never will: what a session's document holds (`ledger`), recording.
"""

from __future__ import annotations

import io
import platform
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from typing import Any, Final

import msgspec

from holdfast.server.console.overview import Extras
from holdfast.telemetry.redaction import Redactor

LIBRARIES: Final = ("holdfast", "picows", "uvicorn", "uvloop", "fastapi", "msgspec", "sqlalchemy")
_README: Final = """\
What is known of one session of a Holdfast gateway. No audio, no words of anybody, no keys or tickets.

session.json      the session's document: row, timeline, turns, faults (times in ms since its beginning)
explanation.json  the verdict: ranked causes with evidence
explanation.txt   the block to paste into a ticket of the provider's support
settings.json     the gateway's settings; secrets are left out
versions.json     the gateway, its libraries, Python, the system
log.jsonl         the gateway's log lines of this session, the newest, where there were any
recording.*       the flight recording, where there was one: `holdfast replay FILE` walks through it
"""


@dataclass(frozen=True, slots=True)
class Packing:
    """Where the parts of a bundle come from. `secrets` are known by value."""

    settings: Callable[[], Mapping[str, Any]]
    secrets: Sequence[str] = ()

    def pack(self, document: Mapping[str, Any], explanation: Mapping[str, Any], extras: Extras) -> bytes:
        """The zip of one session."""
        redactor = Redactor(self.secrets)
        files = {
            "README.txt": _README.encode(),
            "session.json": _json(cleaned(document, redactor)),
            "explanation.json": _json(cleaned(explanation, redactor)),
            "explanation.txt": redactor.hide(str(explanation["support"]["text"])).encode(),
            "settings.json": _json(cleaned(self.settings(), redactor)),
            "versions.json": _json(versions()),
        }
        if extras.log_lines:
            lines = (msgspec.json.encode(cleaned(one, redactor)) for one in extras.log_lines)
            files["log.jsonl"] = b"".join(line + b"\n" for line in lines)
        if extras.recording is not None:
            files[extras.recording.name] = extras.recording.content
        return _zipped(files.items())


def cleaned(value: Any, redactor: Redactor) -> Any:
    """A document without what looks like a secret or is one. Its lists are as long as they were: they have
    bounds of their own, other than a line of the log's.
    """
    if isinstance(value, Mapping):
        return {str(key): _field(str(key), inner, redactor) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [cleaned(one, redactor) for one in value]
    return redactor.clean(value)


def _field(name: str, value: Any, redactor: Redactor) -> Any:
    if isinstance(value, Mapping | list | tuple):
        return cleaned(value, redactor)
    return redactor.clean(value, field=name)


def versions() -> dict[str, Any]:
    """The gateway, what it stands on, and when this was asked."""
    found: dict[str, str] = {}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    asked = datetime.now(UTC).isoformat(timespec="seconds")
    return {**found, "python": platform.python_version(), "system": platform.platform(), "asked": asked}


def _json(value: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=2)


def _zipped(files: Iterable[tuple[str, bytes]]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files:
            packed.writestr(name, content)
    return out.getvalue()
