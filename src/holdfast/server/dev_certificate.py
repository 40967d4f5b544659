"""`--tls dev`: a certificate for this machine's own names, for clients that insist on `wss:`.

What lives here: making it, keeping it until it grows old, the file that clients are told to trust.
What never will: certificates for anybody else. The key that signed is never written down: whoever trusts
the file trusts this one certificate and can be shown no other.
"""

from __future__ import annotations

import ipaddress
import os
import socket
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAYS: Final = 365
RENEWED_DAYS: Final = 14
"""So long before its end another one is made."""
_ADDRESSES: Final = ("127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class DevCertificate:
    """Where the three files lie. `trust` is what a client is given to believe."""

    certificate: Path
    key: Path
    trust: Path
    is_new: bool


def dev_certificate(folder: Path, now: datetime, host: str = "localhost") -> DevCertificate:
    """The development certificate in `folder`, made or renewed where needed. Raises OSError.

    `now` bears a time zone. `host` is where the server listens: it stands in the certificate beside
    localhost, the loopback addresses and this machine's name.
    """
    found = DevCertificate(
        folder / "dev-cert.pem", folder / "dev-key.pem", folder / "dev-ca.pem", is_new=False
    )
    names = _names(host)
    if _is_good(found, names, now):
        return found
    folder.mkdir(parents=True, exist_ok=True)
    signer, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = _root(signer, now)
    leaf = _leaf(root, signer, key.public_key(), names, now)
    _write(found.key, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), mode=0o600)
    _write(found.certificate, leaf.public_bytes(Encoding.PEM) + root.public_bytes(Encoding.PEM))
    _write(found.trust, root.public_bytes(Encoding.PEM))
    return DevCertificate(found.certificate, found.key, found.trust, is_new=True)


def _names(host: str) -> list[x509.GeneralName]:
    """Every name under which a client of this machine may look for us."""
    asked = ["localhost", socket.gethostname(), host.strip("[]")]
    named: dict[x509.GeneralName, None] = {}
    for name in (*asked, *_ADDRESSES):
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            if name.isascii() and name:
                named[x509.DNSName(name)] = None
            continue
        if not address.is_unspecified:
            named[x509.IPAddress(address)] = None
    return list(named)


def _is_good(found: DevCertificate, names: list[x509.GeneralName], now: datetime) -> bool:
    if not (found.key.is_file() and found.trust.is_file() and found.certificate.is_file()):
        return False
    try:
        leaf = x509.load_pem_x509_certificates(found.certificate.read_bytes())[0]
        stated = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound):
        return False
    is_young = leaf.not_valid_before_utc <= now < leaf.not_valid_after_utc - timedelta(days=RENEWED_DAYS)
    return is_young and all(name in list(stated) for name in names)


def _root(signer: ec.EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    name = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, f"Holdfast development, {socket.gethostname()[:40]}")]
    )
    usage = _usage(signs_certificates=True)
    public = signer.public_key()
    return (
        _dated(x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(public), now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .sign(signer, hashes.SHA256())
    )


def _leaf(
    root: x509.Certificate,
    signer: ec.EllipticCurvePrivateKey,
    public: ec.EllipticCurvePublicKey,
    names: list[x509.GeneralName],
    now: datetime,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    return (
        _dated(
            x509.CertificateBuilder().subject_name(subject).issuer_name(root.subject).public_key(public), now
        )
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(issuer, critical=False)
        .sign(signer, hashes.SHA256())
    )


def _dated(builder: x509.CertificateBuilder, now: datetime) -> x509.CertificateBuilder:
    """From yesterday on: clocks of virtual machines differ."""
    begins = now - timedelta(days=1)
    ends = now + timedelta(days=DAYS)
    return builder.serial_number(x509.random_serial_number()).not_valid_before(begins).not_valid_after(ends)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _write(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Whole or not at all, and never readable by others for a moment."""
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
    draft.replace(path)
