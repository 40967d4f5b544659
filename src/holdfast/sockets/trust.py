"""Whose certificates a client of ours believes.

What lives here: the system's trust, and one more authority where a person named it.
What never will: certificates of our own.
"""

from __future__ import annotations

import ssl
from pathlib import Path

from holdfast.sockets.sealing import telling


def trusting(ca: Path | None = None, *, insecure: bool = False) -> ssl.SSLContext:
    """What the system believes, and `ca` (a PEM file) beside it. `insecure`: anything; for test servers.

    Raises OSError, of which ssl.SSLError is one, for a file that is none.
    """
    context = ssl.create_default_context()
    if ca is not None:
        context.load_verify_locations(ca)
    if insecure:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return telling(context)
