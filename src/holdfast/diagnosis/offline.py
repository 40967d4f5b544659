"""What can be checked without leaving the machine, in well under two seconds.

What lives here: one small function for each check, given what it looks at. What never will: settings as a
whole, or anything that dials.
"""

from __future__ import annotations

import errno
import http.client
import importlib.metadata
import ipaddress
import os
import re
import socket
import sys
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from holdfast.diagnosis.checks import Answer

LIBRARIES: Final = (
    "picows",
    "uvicorn",
    "uvloop",
    "onnxruntime",
    "pocketsphinx",
    "wasmtime",
    "soxr",
    "msgspec",
)
_PYTHON_MIN: Final = (3, 11)
_PROBE_TIMEOUT_S: Final = 0.5
_KEY_FORM: Final = re.compile(r"[\x21-\x7e]{8,}")


def python() -> Answer:
    """The interpreter."""
    have = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < _PYTHON_MIN:
        return Answer.failed(
            "configuration.invalid", f"Python {have}", remedy="Install Python 3.11 or newer."
        )
    return Answer.ok(have)


def libraries() -> Answer:
    """The libraries that carry the weight, with their versions."""
    versions, missing = [], []
    for name in LIBRARIES:
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        remedy = "Install the package again: `make run` in the checkout, or `pip install holdfast`."
        return Answer.failed("configuration.invalid", f"not installed: {', '.join(missing)}", remedy=remedy)
    return Answer.ok(", ".join(versions))


def compiled(what: str, without: str, *, obstacle: str | None) -> Answer:
    """Whether a compiled part is in use: no fault either way, but it costs more without."""
    return Answer.ok(f"in use: {what}" if obstacle is None else f"{obstacle}: {without}")


def web_client(folder: Path) -> Answer:
    """The built web client."""
    if (folder / "index.html").is_file():
        return Answer.ok(str(folder))
    return Answer.warning(
        "the web client is not built; the page is a plain one", "Run `make web` in the checkout."
    )


def port(host: str, number: int) -> Answer:
    """Free, or ours already."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, number))
    except (OSError, UnicodeError) as error:
        if _is_ours(host, number):
            return Answer.ok(f"a gateway runs on {host}:{number}")
        why = f"{host}:{number} cannot be used: {getattr(error, 'strerror', None) or error}"
        number_of = getattr(error, "errno", None)
        if number_of == errno.EADDRINUSE:
            remedy = "Stop what listens there, or choose another: HOLDFAST_PORT=8081 make run"
            return Answer.failed("configuration.port_in_use", why, remedy=remedy)
        remedy = (
            "Take a port above 1023, or allow this user the lower ones (CAP_NET_BIND_SERVICE)."
            if number_of == errno.EACCES
            else "Set host to an address of this machine, such as 127.0.0.1."
        )
        return Answer.failed("configuration.invalid", why, remedy=remedy)
    return Answer.ok(f"{host}:{number} is free")


def _is_ours(host: str, number: int) -> bool:
    connection = http.client.HTTPConnection(host, number, timeout=_PROBE_TIMEOUT_S)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, UnicodeError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def is_loopback(url: str) -> bool:
    """Whether an address is on this machine, where a key is not needed."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def api_key(variable: str, *, needed: bool) -> Answer:
    """The form of a key, never its value: set, and without what copying leaves behind. A server that wants
    none may have any.
    """
    value = os.environ.get(variable, "")
    if not needed:
        return Answer.ok(f"{variable or 'a key'} is {'' if value else 'not set and '}not needed")
    remedy = f"Set {variable} to the key, without quotes or spaces."
    if not value:
        return Answer.failed("configuration.invalid_api_key", f"{variable} is not set", remedy=remedy)
    if not _KEY_FORM.fullmatch(value) or value[0] in "\"'":
        told = f"{variable} holds spaces, quotes or too few characters ({len(value)})"
        return Answer.failed("configuration.invalid_api_key", told, remedy=remedy)
    return Answer.ok(f"{variable} is set ({len(value)} characters)")


def writable(folder: Path) -> Answer:
    """The folder that will hold the demo portal's database; its nearest parent when it does not exist yet."""
    nearest = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK):
        return Answer.ok(str(folder.absolute()))
    remedy = f"Make {nearest} writable for this user, or choose another folder."
    return Answer.failed("store.unavailable", f"{nearest} is not writable", remedy=remedy)
