"""What a certificate and its key say of themselves, before anybody listens with them.

What lives here: reading the two PEM files, whether they belong together, until when the certificate holds.
What never will: making certificates (`server.dev_certificate`), the settings' names.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

_LOOK: Final = "openssl x509 -noout -subject -dates -in"


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with which of the two files."""

    file: Literal["tls_cert", "tls_key"]
    problem: str
    remedy: str


def flaws(certificate: Path, key: Path, now: datetime) -> Iterator[Flaw]:
    """What would keep the pair from serving. `now` bears a time zone."""
    first: x509.Certificate | None = None
    try:
        first = x509.load_pem_x509_certificates(certificate.read_bytes())[0]
    except OSError as error:
        yield Flaw("tls_cert", f"{certificate} can't be read ({error.strerror})", "Let this user read it.")
    except ValueError:
        fix = "Name the PEM file that begins with -----BEGIN CERTIFICATE-----, the server's own one first."
        yield Flaw("tls_cert", f"{certificate} holds no certificate", fix)
    if first is not None:
        yield from _outdated(first, certificate, now)
    unreadable = _unreadable_key(key)
    if unreadable is not None:
        yield unreadable
    elif first is not None:
        yield from _strangers(certificate, key)


def ends(certificate: Path) -> datetime:
    """Until when it holds. Raises OSError, ValueError for a file that is none."""
    return x509.load_pem_x509_certificates(certificate.read_bytes())[0].not_valid_after_utc


def _outdated(first: x509.Certificate, path: Path, now: datetime) -> Iterator[Flaw]:
    since, until = first.not_valid_before_utc, first.not_valid_after_utc
    if now > until:
        yield Flaw("tls_cert", f"{path} expired on {until:%Y-%m-%d}", "Renew it, then start again.")
    elif now < since:
        fix = f"Look at this machine's clock, or at the certificate with: {_LOOK} {path}"
        yield Flaw("tls_cert", f"{path} is valid from {since:%Y-%m-%d %H:%M} UTC on", fix)


def _unreadable_key(path: Path) -> Flaw | None:
    try:
        load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        return Flaw("tls_key", f"{path} can't be read ({error.strerror})", "Let this user read it.")
    except TypeError:
        fix = "Take the password off, and let only this user read the file: openssl pkey -in KEY -out PLAIN"
        return Flaw("tls_key", f"{path} is protected by a password", fix)
    except ValueError:
        fix = "Name the PEM file that begins with -----BEGIN PRIVATE KEY-----."
        return Flaw("tls_key", f"{path} holds no private key", fix)
    return None


def _strangers(certificate: Path, key: Path) -> Iterator[Flaw]:
    """Asked of the library that will serve with them: it has the last word."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except ssl.SSLError as error:
        if "KEY_VALUES_MISMATCH" in str(error):
            fix = "Name the key with which this certificate was asked for."
            yield Flaw("tls_key", f"{key} is not the key of {certificate}", fix)
        else:
            reason = error.reason or str(error)
            yield Flaw("tls_cert", f"{certificate} can't be served with ({reason})", "Ask for another one.")
